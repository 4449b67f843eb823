#pragma once

#include <gtest/gtest.h>

#include <csignal>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace attune_test {

/// A program that the system has, by its name or its place.
struct Installed {
    std::string program;
};

/// A program in a process of its own that talks by lines. Killed at the end.
class Child {
public:
    /// One of the programs beside these tests.
    explicit Child(const std::string& program, std::vector<std::string> arguments = {})
        : Child(with(std::string(ATTUNE_PROGRAMS) + '/' + program, std::move(arguments))) {}
    Child(const Installed& installed, std::vector<std::string> arguments)
        : Child(with(installed.program, std::move(arguments))) {}
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() {
        kill();
        ::close(in_);
        ::close(out_);
    }

    ::pid_t id() const { return id_; }

    void say(const std::string& line) const {
        const std::string text = line + '\n';
        EXPECT_EQ(::write(in_, text.data(), text.size()), static_cast<::ssize_t>(text.size()));
    }

    /// The next line; nothing once the program has ended, or when it is silent for a minute.
    std::optional<std::string> hear() {
        for (;;) {
            if (const auto end = heard_.find('\n'); end != std::string::npos) {
                std::string line = heard_.substr(0, end);
                heard_.erase(0, end + 1);
                return line;
            }
            ::pollfd ready{out_, POLLIN, 0};
            constexpr int patience_ms = 60'000;
            char buffer[4096];
            const ::ssize_t size =
                ::poll(&ready, 1, patience_ms) == 1 ? ::read(out_, buffer, sizeof buffer) : 0;
            if (size <= 0) {
                return std::nullopt;
            }
            heard_.append(buffer, static_cast<std::size_t>(size));
        }
    }

    /// Takes lines until that one; false when it does not come.
    bool hear_until(const std::string& line) {
        for (auto heard = hear(); heard; heard = hear()) {
            if (*heard == line) {
                return true;
            }
        }
        return false;
    }

    /// What it says until it ends by itself.
    std::string hear_all() {
        std::string all;
        for (auto line = hear(); line; line = hear()) {
            all += *line + '\n';
        }
        return all + std::exchange(heard_, {});
    }

    /// As waitpid says, once it has ended by itself.
    int ended() {
        int status = 0;
        ::waitpid(std::exchange(id_, -1), &status, 0);
        return status;
    }

    /// How it has ended, as waitpid says; zero when that was told before.
    int kill() {
        int status = 0;
        if (id_ > 0) {
            ::kill(id_, SIGKILL);
            ::waitpid(id_, &status, 0);
            id_ = -1;
        }
        return status;
    }

private:
    explicit Child(std::vector<std::string> command) {
        int in[2];
        int out[2];
        EXPECT_EQ(::pipe2(in, O_CLOEXEC), 0);
        EXPECT_EQ(::pipe2(out, O_CLOEXEC), 0);
        std::vector<char*> argv;
        for (std::string& argument : command) {
            argv.push_back(argument.data());
        }
        argv.push_back(nullptr);
        id_ = ::fork();
        if (id_ == 0) {
            ::dup2(in[0], 0);
            ::dup2(out[1], 1);
            ::close_range(3, ~0U, 0);  // sockets of this process: a peer must see them closed
            ::execvp(argv[0], argv.data());
            ::_exit(127);
        }
        ::close(in[0]);
        ::close(out[1]);
        in_ = in[1];
        out_ = out[0];
    }

    static std::vector<std::string> with(std::string program, std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), std::move(program));
        return arguments;
    }

    ::pid_t id_ = -1;
    int in_ = -1;
    int out_ = -1;
    std::string heard_;
};

}  // namespace attune_test
