// curl against ConfigServer: what a person types works.

#include "process/http_peers.hpp"

#include <attune/serve/config_server.hpp>
#include <attune/store/store.hpp>
#include <attune/transport/memory.hpp>

#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace attune_test::http_curl {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class Curl : public testing::Test {
protected:
    void SetUp() override {
        if (find_program("curl").empty()) {
            GTEST_SKIP() << "curl is not installed";
        }
    }

    std::string url(const std::string& place) const {
        return "http://127.0.0.1:" + std::to_string(server.port()) + place;
    }
    /// The response with its header, without the carriage returns.
    std::string curl(const std::string& place, std::vector<std::string> more = {}) const {
        more.insert(more.begin(), {"--silent", "--include", "--max-time", "60", url(place)});
        std::string said = said_by("curl", std::move(more));
        std::erase(said, '\r');
        return said;
    }
    std::string etag(const std::string& place) const {
        const std::string said = curl(place);
        const std::size_t at = said.find("ETag: ") + 6;
        return said.substr(at, said.find('\n', at) - at);
    }

    attune::Store store;
    attune::Layer layer = store.add(attune::memory({{"pool", {{"size", 8}}}, {"name", "a"}}));
    attune::Config<std::int64_t> size = store.bind<std::int64_t>("pool.size");
    attune::Config<std::string> name = store.bind<std::string>("name");
    attune::ConfigServer server{store, {}};
};

TEST_F(Curl, gets_a_subtree_and_is_told_when_it_has_it_already) {
    const std::string said = curl("/v1/config/pool");
    EXPECT_THAT(said, StartsWith("HTTP/1.1 200"));
    EXPECT_THAT(said, HasSubstr(R"({"size":8})"));
    EXPECT_THAT(curl("/v1/config/pool", {"--header", "If-None-Match: " + etag("/v1/config/pool")}),
                StartsWith("HTTP/1.1 304"));
    const std::string head = curl("/v1/config/pool", {"--head"});
    EXPECT_THAT(head, StartsWith("HTTP/1.1 200"));
    EXPECT_THAT(head, Not(HasSubstr("size")));
}

TEST_F(Curl, waits_for_a_change) {
    std::string said;
    std::thread waiting{[&, known = etag("/v1/config/pool")] {
        said = curl("/v1/config/pool",
                    {"--header", "If-None-Match: " + known, "--header", "Prefer: wait=50"});
    }};
    store.set("name", "b");  // elsewhere: no reason to answer
    store.set("pool.size", 9);
    waiting.join();
    EXPECT_THAT(said, StartsWith("HTTP/1.1 200"));
    EXPECT_THAT(said, HasSubstr(R"({"size":9})"));
    EXPECT_THAT(said, HasSubstr("Preference-Applied: wait="));
}

TEST_F(Curl, puts_patches_and_deletes) {
    const std::string json = "Content-Type: application/json";
    EXPECT_THAT(curl("/v1/config/pool/size",
                     {"--request", "PUT", "--header", json, "--data", "16"}),
                StartsWith("HTTP/1.1 200"));
    EXPECT_EQ(size.get(), 16);
    EXPECT_THAT(curl("/v1/config", {"--request", "PATCH", "--header",
                                    "Content-Type: application/merge-patch+json", "--data",
                                    R"({"pool": {"size": 17}, "name": "b"})"}),
                StartsWith("HTTP/1.1 200"));
    EXPECT_EQ(size.get(), 17);
    EXPECT_EQ(name.get(), "b");
    EXPECT_THAT(curl("/v1/config/pool",
                     {"--request", "PATCH", "--header", "Content-Type: application/json-patch+json",
                      "--data", R"([{"op": "replace", "path": "/size", "value": 18}])"}),
                StartsWith("HTTP/1.1 200"));
    EXPECT_EQ(size.get(), 18);
    EXPECT_THAT(curl("/v1/config/pool/size", {"--request", "DELETE"}), StartsWith("HTTP/1.1 200"));
    EXPECT_EQ(size.get(), 8);
}

TEST_F(Curl, overwrites_nobody_and_is_told_what_is_wrong) {
    const std::string json = "Content-Type: application/json";
    const std::string before = etag("/v1/config/pool/size");
    store.set("pool.size", 10);
    EXPECT_THAT(curl("/v1/config/pool/size", {"--request", "PUT", "--header", json, "--header",
                                              "If-Match: " + before, "--data", "16"}),
                StartsWith("HTTP/1.1 412"));
    const std::string refused =
        curl("/v1/config/pool/size", {"--request", "PUT", "--header", json, "--data", "\"many\""});
    EXPECT_THAT(refused, StartsWith("HTTP/1.1 422"));
    EXPECT_THAT(refused, HasSubstr("application/problem+json"));
    EXPECT_THAT(refused, HasSubstr("/pool/size"));
    EXPECT_THAT(curl("/v1/config/pool/size",
                     {"--request", "PUT", "--header", json, "--data", "{\"a\": }"}),
                StartsWith("HTTP/1.1 400"));
    EXPECT_THAT(curl("/v1/config/none"), StartsWith("HTTP/1.1 404"));
    EXPECT_EQ(size.get(), 10);
}

TEST_F(Curl, sends_much_in_one_piece_and_in_chunks) {
    const Scratch folder;
    const std::string much(3'000'000, 'm');
    folder.save("body", '"' + much + '"');
    std::vector<std::string> put{"--request",     "PUT",
                                 "--header",      "Content-Type: application/json",
                                 "--data-binary", "@" + (folder.path() / "body").string()};
    // curl asks first whether it may: Expect: 100-continue.
    EXPECT_THAT(curl("/v1/config/name", put), HasSubstr("HTTP/1.1 200"));
    EXPECT_EQ(name.get(), much);
    store.set("name", "small");
    put.insert(put.end(), {"--header", "Transfer-Encoding: chunked"});
    EXPECT_THAT(curl("/v1/config/name", put), HasSubstr("HTTP/1.1 200"));
    EXPECT_EQ(name.get(), much);
}

TEST_F(Curl, reads_events_while_they_come) {
    Child events{Installed{"curl"},
                 {"--silent", "--no-buffer", "--max-time", "60", url("/v1/events")}};
    // It may not listen yet: changes go on until one is seen.
    std::int64_t next = 9;
    std::string seen;
    std::jthread changing{[&](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            store.set("pool.size", next++).settle(std::chrono::seconds{10});
        }
    }};
    while (seen.find("/pool/size") == std::string::npos) {
        const auto line = events.hear();
        ASSERT_TRUE(line.has_value());
        seen += *line + '\n';
    }
    EXPECT_THAT(seen, HasSubstr("event: version"));
    EXPECT_THAT(seen, HasSubstr("id: "));
}

TEST_F(Curl, reads_what_people_look_for_first) {
    EXPECT_THAT(curl("/healthz"), StartsWith("HTTP/1.1 200"));
    EXPECT_THAT(curl("/readyz"), StartsWith("HTTP/1.1 200"));
    EXPECT_THAT(curl("/metrics"), HasSubstr("# TYPE attune_"));
    EXPECT_THAT(curl("/v1/status"), HasSubstr("ready"));
    const std::string options = curl("/v1/config", {"--request", "OPTIONS"});
    EXPECT_THAT(options, StartsWith("HTTP/1.1 204"));
    EXPECT_THAT(options, HasSubstr("Allow: "));
}

}  // namespace attune_test::http_curl
