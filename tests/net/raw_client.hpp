#pragma once

#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace net_test {

/// A socket and the bytes that the test says, nothing else. Waits give up after a time that only a
/// hanging server reaches.
class RawClient {
public:
    static constexpr int patience_ms = 20'000;

    /// `receive_buffer` of 0: as the system likes it.
    explicit RawClient(std::uint16_t port, const char* address = "127.0.0.1",
                       int receive_buffer = 0) {
        const bool six = std::string_view{address}.find(':') != std::string_view::npos;
        fd_ = ::socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (receive_buffer != 0) {
            ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
        }
        const int on = 1;
        ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        int connected = -1;
        if (six) {
            sockaddr_in6 to{};
            to.sin6_family = AF_INET6;
            to.sin6_port = htons(port);
            inet_pton(AF_INET6, address, &to.sin6_addr);
            connected = ::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to);
        } else {
            sockaddr_in to{};
            to.sin_family = AF_INET;
            to.sin_port = htons(port);
            inet_pton(AF_INET, address, &to.sin_addr);
            connected = ::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to);
        }
        if (connected != 0) {
            const int error = errno;
            ::close(fd_);
            throw std::runtime_error{"cannot connect: errno " + std::to_string(error)};
        }
    }
    RawClient(const RawClient&) = delete;
    RawClient& operator=(const RawClient&) = delete;
    ~RawClient() { close(); }

    /// False when the server has closed.
    bool send(std::string_view bytes) const {
        while (!bytes.empty()) {
            if (!wait_for(POLLOUT)) {
                return false;
            }
            const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) {
                return false;
            }
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }

    /// Up to and with `end`, or whatever there is when the server closes.
    std::string read_until(std::string_view end) {
        std::size_t found = std::string::npos;
        while ((found = buffer_.find(end)) == std::string::npos) {
            if (!fill()) {
                return std::exchange(buffer_, {});
            }
        }
        return take(found + end.size());
    }
    std::string read_exactly(std::size_t size) {
        while (buffer_.size() < size && fill()) {
        }
        return take(std::min(size, buffer_.size()));
    }
    std::string read_to_end() {
        while (fill()) {
        }
        return std::exchange(buffer_, {});
    }

    /// A response with Content-Length, or none.
    struct Response {
        unsigned status = 0;
        std::string head;
        std::string body;
    };
    Response read_response(bool has_body = true) {
        Response response;
        response.head = read_until("\r\n\r\n");
        if (response.head.size() > 12) {
            response.status = static_cast<unsigned>(std::atoi(response.head.c_str() + 9));
        }
        const auto at = response.head.find("Content-Length: ");
        if (has_body && at != std::string::npos) {
            response.body =
                read_exactly(std::strtoul(response.head.c_str() + at + 16, nullptr, 10));
        }
        return response;
    }
    /// The status that follows a request; 0 when the server closes instead.
    unsigned ask(std::string_view request) { return send(request) ? read_response().status : 0; }

    /// Is the next thing that comes the end, in order or by a reset?
    bool is_closed() { return buffer_.empty() && !fill(); }
    bool was_reset() const noexcept { return reset_; }

    int native() const noexcept { return fd_; }

    void shut() const { ::shutdown(fd_, SHUT_WR); }
    void close() {
        if (fd_ >= 0) {
            ::close(std::exchange(fd_, -1));
        }
    }
    void reset() {
        const linger at_once{1, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        close();
    }

private:
    bool wait_for(short what) const {
        pollfd waiting{fd_, what, 0};
        if (::poll(&waiting, 1, patience_ms) == 1) {
            return true;
        }
        ADD_FAILURE() << "the server does nothing";
        return false;
    }
    bool fill() {
        char bytes[16 * 1024];
        if (!wait_for(POLLIN)) {
            return false;
        }
        const auto got = ::recv(fd_, bytes, sizeof bytes, 0);
        reset_ = got < 0;
        if (got > 0) {
            buffer_.append(bytes, static_cast<std::size_t>(got));
        }
        return got > 0;
    }
    std::string take(std::size_t size) {
        std::string taken = buffer_.substr(0, size);
        buffer_.erase(0, size);
        return taken;
    }

    int fd_ = -1;
    bool reset_ = false;
    std::string buffer_;
};

}  // namespace net_test
