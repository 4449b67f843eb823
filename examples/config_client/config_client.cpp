// A service that takes its configuration from a ConfigServer, such as the one of
// examples/config_server, or from any web server that serves JSON:
//
//     config_client http://127.0.0.1:8080/v1/config gateway.cache
//     config_client https://config.example/v1/config gateway.cache token
//
// The third argument is a file whose first line is the token, where the server asks for one.
// Starts from the cache when the server is away, and goes on with the last good version when what
// it publishes is wrong. SIGUSR1 has it print its status; SIGINT and SIGTERM end it.

#include <attune/attune.hpp>
#include <attune/transport/http.hpp>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <exception>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>

namespace {

struct Pool {
    int size = 8;
    std::chrono::milliseconds timeout{250};
};

void describe(attune::Schema<Pool>& s) { s.field(&Pool::size).between(1, 256); }

struct Gateway {
    std::string host = "0.0.0.0";
    std::uint16_t port = 8443;
    Pool pool;
};

void describe(attune::Schema<Gateway>& s) { s.field(&Gateway::port).between(1, 65535); }

/// In one piece: observers run on another thread than main.
void say(const std::string& line) { std::cout << line + '\n' << std::flush; }

std::string text(const Gateway& gateway) {
    std::ostringstream text;
    text << gateway.host << ':' << gateway.port << ", pool of " << gateway.pool.size << ", timeout "
         << gateway.pool.timeout.count() << " ms";
    return text.str();
}

std::string first_line(const std::string& file) {
    std::string line;
    if (!std::getline(std::ifstream{file}, line) || line.empty()) {
        throw std::invalid_argument{file +
                                    " is to have the token in its first line: it has none, "
                                    "or cannot be read"};
    }
    return line;
}

int run(const std::string& url, const std::string& cache, const std::string& token) {
    // Before any thread is there, so that none of them is interrupted.
    ::sigset_t signals;
    sigemptyset(&signals);
    for (const int each : {SIGINT, SIGTERM, SIGUSR1}) {
        sigaddset(&signals, each);
    }
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);

    // [config_client]
    attune::Store store;
    const auto refusals = store.on_rejected([](const attune::Rejection& rejection) {
        say("goes on as before: " + to_string(rejection));
    });
    store.add(attune::cached(attune::http(url, {.token = token}), cache));
    const auto gateway = store.bind<Gateway>("gateway");
    const auto following = gateway.apply([](const Gateway& now) { say(text(now)); });
    // [config_client-end]

    for (int signal = 0; sigwait(&signals, &signal) == 0;) {
        say(to_string(store.status()));
        if (signal != SIGUSR1) {
            break;
        }
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) try {
    if (argc != 3 && argc != 4) {
        std::cerr << "usage: config_client URL CACHE [TOKEN_FILE]\n";
        return 2;
    }
    return run(argv[1], argv[2], argc == 4 ? first_line(argv[3]) : "");
} catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
}
