#include <attune/net/http_server.hpp>
#include <net/loopback.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

// A whole server on loopback, run by this thread. The first byte chooses how the bytes are cut and
// how the client leaves; the rest is what it sends. The targets of requests choose what the handler
// does. Whatever it is, the server answers in HTTP, and has no connection left at the end.

namespace {

namespace net = attune::net;

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

class Fuzzed {
public:
    void run(std::uint8_t choice, std::string_view bytes) {
        const int client = connect();
        if (client < 0) {
            return;  // the system has had enough
        }
        const std::size_t piece = (choice & 1) != 0 ? bytes.size() : 1 + choice / 4U;
        while (!bytes.empty()) {
            const auto sent = ::send(client, bytes.data(), std::min(piece, bytes.size()),
                                     MSG_NOSIGNAL | MSG_DONTWAIT);
            if (sent <= 0) {
                break;
            }
            bytes.remove_prefix(static_cast<std::size_t>(sent));
            context_.poll();
            read(client);
        }
        finish_held(choice);
        if ((choice & 2) != 0) {
            ::shutdown(client, SHUT_WR);
            context_.poll();
        }
        read(client);
        require(answers_.empty() || answers_.starts_with("HTTP/1.1 "));
        answers_.clear();
        const linger at_once{1, 0};
        ::setsockopt(client, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        ::close(client);
        while (server_.counters().open != 0) {
            context_.run_one();
        }
        held_.clear();
        context_.poll();
    }

private:
    int connect() const {
        const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const sockaddr_in to = net_test::loopback(server_.port());
        if (client >= 0 &&
            ::connect(client, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
            ::close(client);
            return -1;
        }
        return client;
    }
    void read(int client) {
        char buffer[4096];
        for (;;) {
            const auto got = ::recv(client, buffer, sizeof buffer, MSG_DONTWAIT);
            if (got <= 0) {
                break;
            }
            if (answers_.size() < 16) {
                answers_.append(buffer, static_cast<std::size_t>(got));
            }
        }
    }
    void finish_held(std::uint8_t choice) {
        while (!held_.empty()) {
            boost::asio::post(server_.executor(), [&] {
                for (const auto& each : std::exchange(held_, {})) {
                    if ((choice & 4) != 0) {
                        each->respond(net::HttpResponse{.body = std::string(50'000, 'x')});
                    } else {
                        each->write(std::make_shared<std::string>("chunk"));
                        each->end_stream();
                    }
                }
            });
            context_.poll();
        }
    }

    void handle(std::shared_ptr<net::HttpExchange> exchange) {
        const net::HttpRequest& request = exchange->request();
        require(request.body.size() <= 800 && request.target.size() <= 600);
        switch (request.target.size() > 1 ? request.target[1] : '/') {
        case 'h':
            exchange->on_gone([] {});
            exchange->release_request();
            held_.push_back(std::move(exchange));
            break;
        case 's':
            exchange->begin_stream({});
            exchange->write(std::make_shared<std::string>(20'000, 'y'));
            held_.push_back(std::move(exchange));
            break;
        case 'd': break;
        case 't': throw std::runtime_error{"thrown"};
        case 'w': exchange->respond(net::make_wire({.body = "wire"})); break;
        case 'n': exchange->respond({.status = 204}); break;
        default: exchange->respond({.fields = {{"X", request.target}}, .body = request.body});
        }
    }

    boost::asio::io_context context_;
    std::vector<std::shared_ptr<net::HttpExchange>> held_;
    std::string answers_;
    net::HttpServer server_{
        context_.get_executor(),
        {.limits = {.header = 600, .body = 800}},
        [this](std::shared_ptr<net::HttpExchange> exchange) { handle(std::move(exchange)); }};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static Fuzzed fuzzed;
    if (size >= 2) {
        fuzzed.run(data[0], {reinterpret_cast<const char*>(data + 1), size - 1});
    }
    return 0;
}
