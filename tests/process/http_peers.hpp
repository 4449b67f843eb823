#pragma once

#include "net/loopback.hpp"
#include "process/child.hpp"

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/// HTTP programs that others have written, for tests against them.
namespace attune_test {

/// Where a program is, or nothing.
inline std::string find_program(const std::string& name) {
    const char* path = std::getenv("PATH");
    std::istringstream folders{(path != nullptr ? std::string{path} : "") + ":/usr/sbin:/usr/bin"};
    for (std::string folder; std::getline(folders, folder, ':');) {
        const std::string file = folder + '/' + name;
        if (::access(file.c_str(), X_OK) == 0) {
            return file;
        }
    }
    return {};
}

/// What a program says until it ends, which it must do well.
inline std::string said_by(const std::string& program, std::vector<std::string> arguments) {
    Child child{Installed{program}, std::move(arguments)};
    std::string said = child.hear_all();
    EXPECT_EQ(child.ended(), 0) << program << " said: " << said;
    return said;
}

class Scratch {
public:
    Scratch() {
        std::string name = (std::filesystem::temp_directory_path() / "attune-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) {
            throw std::runtime_error{"cannot make a temporary directory"};
        }
        path_ = name;
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    ~Scratch() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    const std::filesystem::path& path() const { return path_; }

    /// Whole or not at all, as a server's files are replaced.
    void save(const std::string& name, std::string_view text) const {
        const auto beside = path_ / (name + "~");
        std::ofstream{beside} << text;
        std::filesystem::rename(beside, path_ / name);
    }

private:
    std::filesystem::path path_;
};

class TcpPort {
public:
    /// One that nobody listens on, and that the system gives to nobody who connects: a server that
    /// is restarted finds it free.
    static std::uint16_t unused() {
        constexpr int first = 20'000;
        constexpr int count = 10'000;  // below 32768, where Linux begins to choose by itself
        for (int i = 0; i < count; ++i) {
            const auto number = static_cast<std::uint16_t>(first + (::getpid() + i) % count);
            const TcpPort port;
            const ::sockaddr_in address = net_test::loopback(number);
            if (::bind(port.socket_, reinterpret_cast<const ::sockaddr*>(&address),
                       sizeof address) == 0) {
                return number;
            }
        }
        throw std::runtime_error{"all ports are in use"};
    }
    static bool answers(std::uint16_t number) {
        const TcpPort port;
        const ::sockaddr_in address = net_test::loopback(number);
        return ::connect(port.socket_, reinterpret_cast<const ::sockaddr*>(&address),
                         sizeof address) == 0;
    }

private:
    TcpPort() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
    TcpPort(const TcpPort&) = delete;
    TcpPort& operator=(const TcpPort&) = delete;
    ~TcpPort() { ::close(socket_); }

    const int socket_;
};

/// nginx in one process, with a server of its own, until it is destroyed.
class Nginx {
public:
    /// `location` is what stands inside `server { … }`.
    Nginx(const std::string& program, const std::string& location) : port_(TcpPort::unused()) {
        std::filesystem::permissions(folder_.path(), std::filesystem::perms{0755});
        const std::string at = folder_.path().string();
        std::ostringstream text;
        text << "daemon off; master_process off; pid " << at << "/pid;\n"
             << "error_log " << at << "/error.log;\n"
             << "events { worker_connections 256; }\n"
             << "http {\n  access_log off; default_type application/json; root " << at << ";\n";
        for (const char* use : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"}) {
            text << "  " << use << "_temp_path " << at << '/' << use << ";\n";
        }
        text << "  server { listen 127.0.0.1:" << port_ << ";\n" << location << "\n  }\n}\n";
        folder_.save("nginx.conf", text.str());
        start(program);
    }

    std::uint16_t port() const { return port_; }
    const Scratch& folder() const { return folder_; }

    void restart(const std::string& program) {
        running_.reset();
        start(program);
    }

private:
    void start(const std::string& program) {
        const std::string at = folder_.path().string();
        running_.emplace(Installed{program},
                         std::vector<std::string>{"-p", at, "-e", at + "/error.log", "-c",
                                                  at + "/nginx.conf"});
        while (!TcpPort::answers(port_)) {
            std::this_thread::yield();
        }
    }

    const Scratch folder_;
    const std::uint16_t port_;
    std::optional<Child> running_;
};

}  // namespace attune_test
