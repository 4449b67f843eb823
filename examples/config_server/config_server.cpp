// A configuration server: a JSON file, and what clients with the token have changed, over HTTP.
//
//     config_server service.json --port 8080 --token-file token --journal state
//
// The token is the first line of a file, since everybody on a machine can read command lines. Edits
// of service.json are told to whoever watches. Ends on SIGINT and SIGTERM, after it has answered
// those who wait.

#include <attune/attune.hpp>
#include <attune/net.hpp>

#include <charconv>
#include <chrono>
#include <cstdint>
#include <exception>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

#include <signal.h>

namespace {

using namespace std::chrono_literals;

struct Arguments {
    std::string file;
    std::string journal;
    attune::ConfigServerOptions server;
};

std::uint16_t port_number(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc() || end != text.data() + text.size()) {
        throw std::invalid_argument{"--port needs a number from 0 to 65535"};
    }
    return port;
}

std::string first_line(const std::string& file) {
    std::string line;
    if (!std::getline(std::ifstream{file}, line) || line.empty()) {
        throw std::invalid_argument{"--token-file needs a file whose first line is the token: " +
                                    file + " has none, or cannot be read"};
    }
    return line;
}

Arguments read_arguments(int argc, char** argv) {
    Arguments arguments;
    for (int i = 1; i < argc; ++i) {
        const std::string_view name = argv[i];
        const auto value = [&]() -> std::string {
            if (++i == argc) {
                throw std::invalid_argument{std::string(name) + " needs a value"};
            }
            return argv[i];
        };
        if (name == "--address") {
            arguments.server.address = value();
        } else if (name == "--port") {
            arguments.server.port = port_number(value());
        } else if (name == "--token-file") {
            arguments.server.token = first_line(value());
        } else if (name == "--certificate") {
            arguments.server.tls.emplace(arguments.server.tls.value_or(attune::TlsServerOptions{}))
                .certificate = value();
        } else if (name == "--private-key") {
            arguments.server.tls.emplace(arguments.server.tls.value_or(attune::TlsServerOptions{}))
                .private_key = value();
        } else if (name == "--journal") {
            arguments.journal = value();
        } else if (!name.starts_with("-") && arguments.file.empty()) {
            arguments.file = name;
        } else {
            throw std::invalid_argument{"unknown argument " + std::string(name)};
        }
    }
    if (arguments.file.empty()) {
        throw std::invalid_argument{
            "usage: config_server FILE [--address A] [--port N] [--token-file FILE]\n"
            "                          [--journal DIRECTORY]\n"
            "                          [--certificate PEM --private-key PEM]"};
    }
    return arguments;
}

/// Blocks the signals that end the program, in this thread and those it starts: `wait` takes them.
class Ending {
public:
    Ending() {
        sigemptyset(&signals_);
        sigaddset(&signals_, SIGINT);
        sigaddset(&signals_, SIGTERM);
        pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
    }
    void wait() const {
        int signal = 0;
        sigwait(&signals_, &signal);
    }

private:
    sigset_t signals_;
};

void run(const Arguments& arguments) {
    const Ending ending;
    attune::StoreOptions options;
    if (!arguments.journal.empty()) {
        options.journal = arguments.journal;  // what clients change outlives a restart
    }
    // [serve]
    attune::Store store{options};
    store.add(attune::file(arguments.file));
    attune::ConfigServer served{store, arguments.server};
    std::cout << served.url() << "/v1/config" << std::endl;

    const auto refused = store.on_rejected([](const attune::Rejection& rejection) {
        std::cerr << "refused: " << to_string(rejection) << std::endl;
    });
    ending.wait();
    served.stop(5s);  // who waits for a change gets an answer, and asks the next server
    // [serve-end]
}

}  // namespace

int main(int argc, char** argv) {
    try {
        run(read_arguments(argc, argv));
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
    return 0;
}
