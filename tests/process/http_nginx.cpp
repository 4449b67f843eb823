#include <attune/transport/http.hpp>

#include "net/scripted_server.hpp"
#include "transport/recorder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace attune_test;
using testing::HasSubstr;
using testing::StartsWith;

std::string nginx_program() {
    for (const char* const path : {"/usr/sbin/nginx", "/usr/local/sbin/nginx", "/usr/bin/nginx",
                                   "/usr/local/bin/nginx", "/opt/homebrew/bin/nginx"}) {
        if (::access(path, X_OK) == 0) {
            return path;
        }
    }
    return {};
}

/// nginx in one process, with the files of a folder.
class Nginx {
public:
    explicit Nginx(const Folder& folder, std::uint16_t port = free_port()) : port_(port) {
        folder.make("temporary");
        folder.write("nginx.conf",
                     "daemon off;\nmaster_process off;\npid nginx.pid;\nworker_processes 1;\n"
                     "events { worker_connections 64; }\n"
                     "http {\n"
                     "  access_log access.log;\n"
                     "  client_body_temp_path temporary;\n  proxy_temp_path temporary;\n"
                     "  fastcgi_temp_path temporary;\n  uwsgi_temp_path temporary;\n"
                     "  scgi_temp_path temporary;\n"
                     "  server { listen 127.0.0.1:" +
                         std::to_string(port_) +
                         "; root files; types { application/json json; } }\n}\n");
        const std::string program = nginx_program();
        const std::string prefix = folder.path().string() + '/';
        const std::string log = prefix + "error.log";
        id_ = ::fork();
        if (id_ == 0) {
            ::execl(program.c_str(), "nginx", "-p", prefix.c_str(), "-c", "nginx.conf", "-e",
                    log.c_str(), static_cast<char*>(nullptr));
            ::_exit(127);
        }
        EXPECT_TRUE(listens()) << "nginx does not come up";
    }
    Nginx(const Nginx&) = delete;
    Nginx& operator=(const Nginx&) = delete;
    ~Nginx() {
        ::kill(id_, SIGKILL);
        ::waitpid(id_, nullptr, 0);
    }

    std::uint16_t port() const { return port_; }
    std::string url() const {
        return "http://127.0.0.1:" + std::to_string(port_) + "/service.json";
    }

private:
    bool listens() const {
        const auto until = std::chrono::steady_clock::now() + patience;
        while (std::chrono::steady_clock::now() < until && ::waitpid(id_, nullptr, WNOHANG) == 0) {
            const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
            ::sockaddr_in address{};
            address.sin_family = AF_INET;
            address.sin_port = htons(port_);
            address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
            const bool connected =
                ::connect(socket, reinterpret_cast<::sockaddr*>(&address), sizeof address) == 0;
            ::close(socket);
            if (connected) {
                return true;
            }
            ::sched_yield();
        }
        return false;
    }

    const std::uint16_t port_;
    ::pid_t id_ = -1;
};

class HttpNginx : public testing::Test {
protected:
    void SetUp() override {
        if (nginx_program().empty()) {
            GTEST_SKIP() << "nginx is not installed";
        }
        folder.make("files");
        options.interval = 10ms;
        options.back_off = {.first = 2ms, .longest = 20ms};
    }

    void publish(const std::string& text) const { folder.replace("files/service.json", text); }

    /// So many requests have been answered with that status, by its log.
    std::size_t answered(const std::string& status) const {
        std::ifstream log{folder / "access.log"};
        std::size_t count = 0;
        for (std::string line; std::getline(log, line);) {
            count += line.find("\" " + status + ' ') != std::string::npos ? 1 : 0;
        }
        return count;
    }

    Folder folder;
    attune::HttpOptions options;
};

TEST_F(HttpNginx, serves_a_file_and_its_changes) {
    publish(R"({"port":1})");
    const Nginx nginx{folder};
    Recorder feed;
    {
        const Followed followed{feed, attune::http(nginx.url(), options)};
        EXPECT_EQ(followed.loaded, R"({"port":1})");
        for (int i = 2; i != 6; ++i) {
            // A size of its own: nginx makes its ETag of size and second.
            const std::string text =
                R"({"port":)" + std::string(static_cast<std::size_t>(i), '1') + '}';
            publish(text);
            EXPECT_EQ(feed.next(), text);
        }
        feed.pass(100ms);
        EXPECT_EQ(feed.waiting(), 0U);
    }
    EXPECT_EQ(answered("200"), 5U);
    EXPECT_GE(answered("304"), 2U);
}

TEST_F(HttpNginx, says_that_the_file_is_gone_and_when_it_is_back) {
    publish(R"({"port":1})");
    const Nginx nginx{folder};
    Recorder feed;
    const Followed followed{feed, attune::http(nginx.url(), options)};
    folder.remove("files/service.json");
    EXPECT_THAT(feed.next(), StartsWith("failed: " + nginx.url() + ": answered 404 Not Found"));
    publish(R"({"port":1})");
    EXPECT_EQ(feed.next(), "unchanged");
}

TEST_F(HttpNginx, may_be_killed_and_come_back) {
    publish(R"({"port":1})");
    auto nginx = std::make_unique<Nginx>(folder);
    const std::uint16_t port = nginx->port();
    Recorder feed;
    const Followed followed{feed, attune::http(nginx->url(), options)};
    nginx.reset();
    EXPECT_THAT(feed.next(), StartsWith("failed: "));
    publish(R"({"port":22})");
    nginx = std::make_unique<Nginx>(folder, port);
    EXPECT_GT(feed.until(R"({"port":22})"), 0U);
}

TEST_F(HttpNginx, takes_no_changes) {
    publish(R"({"port":1})");
    const Nginx nginx{folder};
    Recorder feed;
    const Followed followed{feed, attune::http(nginx.url(), options)};
    try {
        followed->write("port", 2);
        ADD_FAILURE() << "written";
    } catch (const attune::Rejected& rejected) {
        EXPECT_THAT(rejected.what(), HasSubstr("answered 405 Method Not Allowed"));
    }
}

}  // namespace
