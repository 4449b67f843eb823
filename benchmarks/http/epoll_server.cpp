// The limit: as little as a server can do that holds requests, and answers them when a value
// changes. Speaks as much of ConfigServer's contract as the watchers do, says its port and serves
// until its input ends.

#include "wire.hpp"

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <sys/epoll.h>

namespace {

using namespace bench::http;

struct Connection {
    int socket = -1;
    std::string received;
};

class Server {
public:
    Server() {
        const auto address = loopback(0);
        listening_ = checked(::socket(AF_INET, SOCK_STREAM, 0), "socket");
        checked(::bind(listening_, reinterpret_cast<const ::sockaddr*>(&address), sizeof address),
                "bind");
        checked(::listen(listening_, 4096), "listen");
        checked(::fcntl(listening_, F_SETFL, O_NONBLOCK), "fcntl");
        watch(listening_);
        watch(0);
        make_answers();
    }

    std::uint16_t port() const {
        ::sockaddr_in address{};
        ::socklen_t size = sizeof address;
        ::getsockname(listening_, reinterpret_cast<::sockaddr*>(&address), &size);
        return ntohs(address.sin_port);
    }

    void run() {
        std::array<::epoll_event, 256> events{};
        for (;;) {
            const int count = ::epoll_wait(epoll_, events.data(), events.size(), -1);
            for (int i = 0; i < count; ++i) {
                const int ready = events[static_cast<std::size_t>(i)].data.fd;
                if (ready == 0) {
                    return;
                }
                ready == listening_ ? accept() : receive(ready);
            }
        }
    }

private:
    void watch(int descriptor) const {
        ::epoll_event event{};
        event.events = EPOLLIN;
        event.data.fd = descriptor;
        checked(::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event), "epoll_ctl");
    }

    void accept() {
        for (int socket; (socket = ::accept(listening_, nullptr, nullptr)) >= 0;) {
            prepare(socket);
            watch(socket);
            connections_[socket].socket = socket;
        }
    }

    void receive(int socket) {
        Connection& connection = connections_[socket];
        char buffer[16 * 1024];
        const ::ssize_t size = ::recv(socket, buffer, sizeof buffer, 0);
        if (size <= 0) {
            std::erase(held_, socket);
            connections_.erase(socket);
            ::close(socket);
            return;
        }
        connection.received.append(buffer, static_cast<std::size_t>(size));
        while (const std::size_t whole = message_size(connection.received)) {
            answer(socket, std::string_view{connection.received}.substr(0, whole));
            connection.received.erase(0, whole);
        }
        if (connection.received.empty()) {
            std::string{}.swap(connection.received);
        }
    }

    void answer(int socket, std::string_view request) {
        if (request.starts_with("PUT")) {
            value_ = request.substr(request.find("\r\n\r\n") + 4);
            ++version_;
            make_answers();
            for (const int waiting : held_) {
                send_all(waiting, answer_);
            }
            held_.clear();
            send_all(socket, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        } else if (request.starts_with("GET /v1/config/blob ")) {
            send_all(socket, blob_);
        } else if (field(request, "If-None-Match") == etag_) {
            held_.push_back(socket);
        } else {
            send_all(socket, answer_);
        }
    }

    void make_answers() {
        etag_ = "\"e." + std::to_string(version_) + '"';
        answer_ = response(value_);
        blob_ = response('"' + std::string(1022, 'b') + '"');
    }
    std::string response(const std::string& body) const {
        return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nETag: " + etag_ +
               "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    }

    const int epoll_ = checked(::epoll_create1(0), "epoll_create1");
    int listening_ = -1;
    std::unordered_map<int, Connection> connections_;
    std::vector<int> held_;
    std::uint64_t version_ = 0;
    std::string value_ = "0";
    std::string etag_;
    std::string answer_;
    std::string blob_;
};

}  // namespace

int main() {
    raise_file_limit();
    Server server;
    std::cout << server.port() << std::endl;
    server.run();
}
