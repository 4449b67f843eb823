// nginx as the origin of a file that it knows nothing about.

#include "process/http_peers.hpp"
#include "transport/recorder.hpp"

#include <attune/transport/http.hpp>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

using namespace attune_test;
using testing::HasSubstr;
using testing::StartsWith;

class NginxFile : public testing::Test {
protected:
    void SetUp() override {
        if (program.empty()) {
            GTEST_SKIP() << "nginx is not installed";
        }
        options.interval = 10ms;
        options.back_off = {.first = 2ms, .longest = 20ms};
    }

    static std::string url(const Nginx& nginx) {
        return "http://127.0.0.1:" + std::to_string(nginx.port()) + "/service.json";
    }
    static void publish(const Nginx& nginx, const std::string& text) {
        nginx.folder().save("service.json", text);
    }
    /// So many requests have been answered with that status, by its log.
    static std::size_t answered(const Nginx& nginx, const std::string& status) {
        std::ifstream log{nginx.folder().path() / "access.log"};
        std::size_t count = 0;
        for (std::string line; std::getline(log, line);) {
            count += line.find("\" " + status + ' ') != std::string::npos ? 1U : 0U;
        }
        return count;
    }

    const std::string program = find_program("nginx");
    const std::string logged = "    access_log access.log;";
    attune::HttpOptions options;
};

TEST_F(NginxFile, is_read_when_it_has_changed_and_not_otherwise) {
    const Nginx nginx{program, logged};
    publish(nginx, R"({"port":1})");
    Recorder feed;
    {
        const Followed followed{feed, attune::http(url(nginx), options)};
        EXPECT_EQ(followed.loaded, R"({"port":1})");
        for (std::size_t i = 2; i != 6; ++i) {
            // A size of its own: nginx makes its ETag of size and second.
            const std::string text = R"({"port":)" + std::string(i, '1') + '}';
            publish(nginx, text);
            EXPECT_EQ(feed.next(), text);
        }
        feed.pass(100ms);
        EXPECT_EQ(feed.waiting(), 0U);
    }
    EXPECT_EQ(answered(nginx, "200"), 5U);
    EXPECT_GE(answered(nginx, "304"), 2U);
}

TEST_F(NginxFile, is_told_to_be_gone_and_to_be_back) {
    const Nginx nginx{program, logged};
    publish(nginx, R"({"port":1})");
    Recorder feed;
    const Followed followed{feed, attune::http(url(nginx), options)};
    std::filesystem::remove(nginx.folder().path() / "service.json");
    EXPECT_THAT(feed.next(), StartsWith("failed: " + url(nginx) + ": answered 404 Not Found"));
    publish(nginx, R"({"port":1})");
    EXPECT_EQ(feed.next(), "unchanged");
}

TEST_F(NginxFile, is_followed_across_restarts) {
    Nginx nginx{program, logged};
    publish(nginx, R"({"port":1})");
    Recorder feed;
    const Followed followed{feed, attune::http(url(nginx), options)};
    for (std::size_t i = 2; i != 5; ++i) {
        const std::string text = R"({"port":)" + std::string(i, '1') + '}';
        publish(nginx, text);
        nginx.restart(program);
        EXPECT_GT(feed.until(text), 0U);
    }
}

TEST_F(NginxFile, takes_no_changes) {
    const Nginx nginx{program, logged};
    publish(nginx, R"({"port":1})");
    Recorder feed;
    const Followed followed{feed, attune::http(url(nginx), options)};
    try {
        followed->write("port", 2);
        ADD_FAILURE() << "written";
    } catch (const attune::Rejected& rejected) {
        EXPECT_THAT(rejected.what(), HasSubstr("answered 405 Method Not Allowed"));
    }
}

}  // namespace
