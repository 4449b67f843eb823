#pragma once

#include "net/loopback.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace attune_test {

/// The client has closed its connection, or the test is over.
struct Gone {};

/// A request as it came.
struct Heard {
    std::string line;  ///< `GET /x HTTP/1.1`
    std::string header;
    std::string body;

    /// The value of a field, or "".
    std::string field(std::string name) const {
        const auto lower = [](std::string text) {
            std::transform(text.begin(), text.end(), text.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
            return text;
        };
        name = "\r\n" + lower(name) + ": ";
        const auto at = lower(header).find(name);
        if (at == std::string::npos) {
            return {};
        }
        const auto begin = at + name.size();
        return header.substr(begin, header.find("\r\n", begin) - begin);
    }
};

/// One connection, from the server's side. Everything waits.
class Conversation {
public:
    Conversation(int socket, std::size_t number, SSL_CTX* tls) : socket_(socket), number_(number) {
        if (tls != nullptr) {
            tls_ = SSL_new(tls);
            SSL_set_fd(tls_, socket);
            if (SSL_accept(tls_) != 1) {
                SSL_free(tls_);
                throw Gone{};
            }
        }
    }
    Conversation(const Conversation&) = delete;
    Conversation& operator=(const Conversation&) = delete;
    ~Conversation() {
        if (tls_ != nullptr) {
            SSL_shutdown(tls_);
            SSL_free(tls_);
        }
    }

    /// Counted from 0, in the order of connecting.
    std::size_t number() const { return number_; }

    /// The next request, whole. Throws Gone at the end of the connection.
    Heard hear() {
        std::size_t end = 0;
        while ((end = received_.find("\r\n\r\n")) == std::string::npos) {
            receive();
        }
        Heard heard;
        heard.header = received_.substr(0, end + 2);
        heard.line = heard.header.substr(0, heard.header.find("\r\n"));
        received_.erase(0, end + 4);
        const std::string length = heard.field("Content-Length");
        const std::size_t size = length.empty() ? 0 : std::stoul(length);
        while (received_.size() < size) {
            receive();
        }
        heard.body = received_.substr(0, size);
        received_.erase(0, size);
        return heard;
    }

    /// Sends bytes as they are.
    void say(std::string_view bytes) {
        while (!bytes.empty()) {
            const auto size = tls_ != nullptr
                                  ? SSL_write(tls_, bytes.data(), static_cast<int>(bytes.size()))
                                  : ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (size <= 0) {
                throw Gone{};
            }
            bytes.remove_prefix(static_cast<std::size_t>(size));
        }
    }

    /// The same for several, by TLS a record each, that arrive together.
    void say_together(std::initializer_list<std::string_view> parts) {
        const auto cork = [&](int on) {
            ::setsockopt(socket_, IPPROTO_TCP, TCP_CORK, &on, sizeof on);
        };
        cork(1);
        for (const std::string_view part : parts) {
            say(part);
        }
        cork(0);
    }

    /// Sends a response with a Content-Length. `fields` are lines with their ends.
    void answer(const std::string& status, const std::string& fields, std::string_view body) {
        std::string text = "HTTP/1.1 " + status + "\r\n" + fields +
                           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
        text += body;
        say(text);
    }
    void answer(std::string_view body) {
        answer("200 OK", "Content-Type: application/json\r\n", body);
    }

    /// Speaks TLS from now on, as behind a proxy that has let a CONNECT through.
    void secure(SSL_CTX* tls) {
        tls_ = SSL_new(tls);
        SSL_set_fd(tls_, socket_);
        if (SSL_accept(tls_) != 1) {
            throw Gone{};
        }
    }

    /// Returns when the client has closed.
    void wait_gone() {
        try {
            for (;;) {
                receive();
            }
        } catch (const Gone&) {
        }
    }

    /// Closes so that the client sees a reset.
    void reset() {
        const ::linger at_once{1, 0};
        ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        throw Gone{};
    }

private:
    void receive() {
        char buffer[16 * 1024];
        const auto size = tls_ != nullptr ? SSL_read(tls_, buffer, sizeof buffer)
                                          : ::recv(socket_, buffer, sizeof buffer, 0);
        if (size <= 0) {
            throw Gone{};
        }
        received_.append(buffer, static_cast<std::size_t>(size));
    }

    const int socket_;
    const std::size_t number_;
    SSL* tls_ = nullptr;
    std::string received_;
};

/// A server on 127.0.0.1 that does with each connection, in a thread of its own, what a test says.
/// The connection is closed when the script returns.
class ScriptedServer {
public:
    using Script = std::function<void(Conversation&)>;

    /// With `tls`, which must outlive it, every connection begins with a handshake. A `port` that
    /// was free a moment ago may be given.
    explicit ScriptedServer(Script script, SSL_CTX* tls = nullptr, std::uint16_t port = 0)
        : script_(std::move(script)), tls_(tls) {
        ::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes to whatever has gone
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const int on = 1;
        ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        ::sockaddr_in address = net_test::loopback(port);
        EXPECT_EQ(::bind(listener_, reinterpret_cast<::sockaddr*>(&address), sizeof address), 0);
        EXPECT_EQ(::listen(listener_, 64), 0);
        ::socklen_t size = sizeof address;
        ::getsockname(listener_, reinterpret_cast<::sockaddr*>(&address), &size);
        port_ = ntohs(address.sin_port);
        acceptor_ = std::thread{[this] { accept(); }};
    }
    ScriptedServer(const ScriptedServer&) = delete;
    ScriptedServer& operator=(const ScriptedServer&) = delete;
    ~ScriptedServer() { stop(); }

    std::uint16_t port() const { return port_; }
    std::string origin() const {
        return (tls_ != nullptr ? "https://127.0.0.1:" : "http://127.0.0.1:") +
               std::to_string(port_);
    }

    /// So many have connected so far.
    std::size_t connections() const { return connections_; }

    /// Ends all connections, and lets no other in.
    void stop() {
        if (!acceptor_.joinable()) {
            return;
        }
        ending_ = true;
        ::shutdown(listener_, SHUT_RDWR);
        acceptor_.join();
        ::close(listener_);
        {
            const std::scoped_lock lock{mutex_};
            for (const Served& served : served_) {
                if (!*served.ended) {
                    ::shutdown(served.socket, SHUT_RDWR);
                }
            }
        }
        for (Served& served : served_) {
            served.thread.join();
        }
        served_.clear();
    }

private:
    struct Served {
        int socket;
        std::shared_ptr<bool> ended;  // and the socket closed
        std::thread thread;
    };

    void accept() {
        for (;;) {
            const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            if (socket < 0 || ending_) {
                if (socket >= 0) {
                    ::close(socket);
                }
                return;
            }
            const int on = 1;
            ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            const std::size_t number = connections_++;
            const auto ended = std::make_shared<bool>(false);
            const std::scoped_lock lock{mutex_};
            served_.push_back({socket, ended, std::thread{[this, socket, number, ended] {
                                   serve(socket, number, *ended);
                               }}});
        }
    }

    void serve(int socket, std::size_t number, bool& ended) {
        try {
            Conversation conversation{socket, number, tls_};
            script_(conversation);
        } catch (const Gone&) {
        }
        const std::scoped_lock lock{mutex_};
        ended = true;
        ::close(socket);
    }

    const Script script_;
    SSL_CTX* const tls_;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::atomic<bool> ending_{false};
    std::atomic<std::size_t> connections_{0};
    std::mutex mutex_;
    std::list<Served> served_;
    std::thread acceptor_;
};

/// A port of 127.0.0.1 that nobody listens on.
inline std::uint16_t free_port() {
    return ScriptedServer{[](Conversation&) {}}.port();
}

}  // namespace attune_test
