#pragma once

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/// As much HTTP as programs need that are to show what the machine can do: no attune, no library.
namespace bench::http {

[[noreturn]] inline void fail(const std::string& what) {
    std::cerr << what << '\n';
    std::exit(1);
}

inline int checked(int result, const char* what) {
    if (result < 0) {
        std::perror(what);
        std::exit(1);
    }
    return result;
}

inline std::uint64_t number_of(std::string_view text) {
    std::uint64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

/// The same clock in every process.
inline std::uint64_t now_ns() {
    ::timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
           static_cast<std::uint64_t>(now.tv_nsec);
}

/// The value of a field of a message, or nothing.
inline std::string_view field(std::string_view message, std::string_view name) {
    const auto same = [&](std::string_view line) {
        for (std::size_t i = 0; i < name.size(); ++i) {
            if (std::tolower(line[i]) != std::tolower(name[i])) {
                return false;
            }
        }
        return line[name.size()] == ':';
    };
    for (std::size_t at = message.find("\r\n"); at != std::string_view::npos;) {
        const std::string_view rest = message.substr(at + 2);
        const std::size_t end = rest.find("\r\n");
        if (end == std::string_view::npos || end == 0) {
            break;
        }
        if (end > name.size() && same(rest)) {
            std::string_view value = rest.substr(name.size() + 1, end - name.size() - 1);
            value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
            return value;
        }
        at += 2 + end;
    }
    return {};
}

/// How many bytes the message is that `text` begins with; 0 while it is not all there.
inline std::size_t message_size(std::string_view text) {
    const std::size_t end = text.find("\r\n\r\n");
    if (end == std::string_view::npos) {
        return 0;
    }
    const std::size_t size = end + 4 + number_of(field(text, "Content-Length"));
    return size <= text.size() ? size : 0;
}

/// As many open files as the system allows.
inline void raise_file_limit() {
    ::rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

inline ::sockaddr_in loopback(std::uint16_t port) {
    ::sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
}

inline void prepare(int socket) {
    constexpr int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    checked(::fcntl(socket, F_SETFL, O_NONBLOCK), "fcntl");
}

/// Whole, on a socket whose buffer holds it.
inline void send_all(int socket, std::string_view text) {
    if (::send(socket, text.data(), text.size(), MSG_NOSIGNAL) !=
        static_cast<::ssize_t>(text.size())) {
        fail("a socket took less than a message");
    }
}

}  // namespace bench::http
