#include <attune/store/explain.hpp>

#include <attune/bind/schema.hpp>
#include <attune/bind/secret.hpp>
#include <attune/document/text.hpp>
#include <attune/store/derive.hpp>
#include <attune/store/store.hpp>
#include <attune/transport/args.hpp>
#include <attune/transport/env.hpp>
#include <attune/transport/memory.hpp>

#include "fake_transport.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <stdexcept>
#include <string>

namespace explain_sample {

struct Pool {
    int size = 8;
};
struct Server {
    std::string host = "localhost";
    int port = 80;
    Pool pool;
    std::map<std::string, Pool> pools;
    attune::Secret<std::string> password{"initial"};
};

}  // namespace explain_sample

namespace {

using attune::Candidate;
using attune::Document;
using attune::Explanation;
using attune::Store;
using explain_sample::Server;
using testing::HasSubstr;
using testing::Not;

class Explained : public testing::Test {
protected:
    Explained() {
        ::setenv("EXPLAINED_SERVER_PORT", "8081", 1);
        file.bring_text(R"({"server": {"host": "h",
            "port": 8080}})",
                        "service.json");
        store.add(attune::env("EXPLAINED_"));
        server = store.bind<Server>("server");
    }
    ~Explained() override { ::unsetenv("EXPLAINED_SERVER_PORT"); }

    Store store;
    FakeTransport file = [this] {
        FakeTransport made;
        store.add(made.make("file service.json"));
        return made;
    }();
    attune::Config<Server> server;
};

TEST_F(Explained, takes_names_as_they_are) {
    for (const char* const name : {"", ".", "/", "/~", "server.port"}) {
        const attune::Path path = attune::Path{} / name;
        EXPECT_TRUE(store.explain(path).candidates.empty()) << name;
        EXPECT_TRUE(store.explain(attune::Path{"server"} / name).candidates.empty()) << name;
        store.set(path, 7);
        EXPECT_EQ(store.explain(path).candidates.at(0).value, Document(7)) << name;
    }
}

TEST_F(Explained, a_value_names_the_winner_then_the_others_then_the_default) {
    store.set("server.port", 9090);
    const Explanation why = store.explain("server.port");
    EXPECT_EQ(why.path, attune::Path{"server.port"});
    EXPECT_EQ(why.value, Document(9090));
    EXPECT_EQ(why.since, store.version());
    EXPECT_EQ(why.fallback, Document(80));
    EXPECT_FALSE(why.secret);
    ASSERT_EQ(why.candidates.size(), 3u);
    EXPECT_EQ(why.candidates[0].fate, Candidate::Fate::wins);
    EXPECT_EQ(why.candidates[0].origin.layer, "overrides");
    EXPECT_EQ(why.candidates[1].fate, Candidate::Fate::shadowed);
    EXPECT_THAT(why.candidates[1].origin.source, HasSubstr("EXPLAINED_SERVER_PORT"));
    EXPECT_EQ(why.candidates[2].origin.source, "service.json");
    EXPECT_EQ(why.candidates[2].origin.line, 2u);
    EXPECT_EQ(why.candidates[2].origin.column, 21u);
    EXPECT_EQ(why.candidates[2].value, Document(8080));
    EXPECT_EQ(to_string(why),
              "server.port = 9090 (set in version 3)\n"
              "  * overrides: 9090\n"
              "    environment variable EXPLAINED_SERVER_PORT: \"8081\", shadowed\n"
              "    service.json:2:21: 8080, shadowed\n"
              "    default: 80");
}

TEST_F(Explained, what_nobody_sets_has_its_default) {
    const Explanation why = store.explain("server.pool.size");
    EXPECT_FALSE(why.value.has_value());
    EXPECT_EQ(why.since, 0u);
    EXPECT_TRUE(why.candidates.empty());
    EXPECT_EQ(why.fallback, Document(8));
    EXPECT_EQ(to_string(why), "server.pool.size has its default\n  * default: 8");
    EXPECT_EQ(store.explain("server.pools.main.size").fallback, Document(8))
        << "of an entry that is not there yet";
    EXPECT_EQ(to_string(store.explain("nothing.here")), "nothing.here is not set");
}

TEST_F(Explained, an_object_names_every_layer_that_has_a_part_in_it) {
    const Explanation why = store.explain("server");
    ASSERT_EQ(why.candidates.size(), 2u);
    EXPECT_EQ(why.candidates[0].fate, Candidate::Fate::wins);
    EXPECT_EQ(why.candidates[1].fate, Candidate::Fate::merged);
    store.set("server", nullptr);
    const Explanation masked = store.explain("server");
    ASSERT_EQ(masked.candidates.size(), 3u);
    EXPECT_EQ(masked.candidates[0].fate, Candidate::Fate::wins);
    EXPECT_EQ(masked.candidates[1].fate, Candidate::Fate::shadowed);
    EXPECT_EQ(masked.candidates[2].fate, Candidate::Fate::shadowed);
    EXPECT_EQ(store.explain("server.port").candidates.front().fate, Candidate::Fate::shadowed)
        << "masked from above, it is not effective";
    EXPECT_FALSE(store.explain("server.port").value.has_value());
}

TEST_F(Explained, the_version_is_the_one_that_last_changed_the_value) {
    const attune::Version set = store.set("server.port", 1).version;
    store.set("server.host", "other");
    EXPECT_EQ(store.explain("server.port").since, set);
    EXPECT_EQ(store.explain("server").since, store.version());
    for (int i = 0; i != 70; ++i) {
        store.set("server.pool.size", i);
    }
    EXPECT_EQ(store.explain("server.port").since, 0u) << "older than the history";
}

TEST_F(Explained, a_derived_value_is_made_of_its_inputs) {
    const auto port = server.field(&Server::port);
    const auto twice = port.map([](int value) { return 2 * value; });
    twice.named("twice the port");
    const Explanation why = store.explain(twice);
    EXPECT_EQ(why.derived, "twice the port");
    ASSERT_EQ(why.inputs.size(), 1u);
    ASSERT_EQ(why.inputs[0].inputs.size(), 1u);
    EXPECT_EQ(why.inputs[0].inputs[0].path, attune::Path{"server"});
    EXPECT_EQ(store.explain(server).path, attune::Path{"server"});
    EXPECT_THAT(to_string(why), HasSubstr("twice the port is derived from"));
    EXPECT_THAT(to_string(why), HasSubstr("service.json:1:12"));

    Store other;
    EXPECT_THROW((void)other.explain(twice), std::invalid_argument);
}

TEST_F(Explained, secrets_are_masked_everywhere) {
    store.set("server.password", "hunter2");
    const Explanation why = store.explain("server.password");
    EXPECT_TRUE(why.secret);
    EXPECT_EQ(why.value, Document("***"));
    EXPECT_EQ(why.fallback, Document("***"));
    for (const std::string& text : {to_string(why), to_string(store.explain("server")),
                                    to_string(store.explain("")), to_string(store.explain()),
                                    to_string(store.explain(server)), to_string(store.status())}) {
        EXPECT_THAT(text, Not(HasSubstr("hunter2")));
        EXPECT_THAT(text, Not(HasSubstr("initial")));
    }
    EXPECT_TRUE(store.explain("server").secret);
}

TEST_F(Explained, everything_effective_is_told_in_the_order_of_the_paths) {
    const std::vector<Explanation> all = store.explain();
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[0].path, attune::Path{"server.host"});
    EXPECT_EQ(all[1].path, attune::Path{"server.port"});
}

TEST(StatusOfLayers, tells_the_last_error_without_a_value) {
    auto now = std::chrono::system_clock::time_point{std::chrono::hours{1000}};
    Store store{{.clock = [&] { return now; }}};
    const FakeTransport remote(Document{{"server", {{"port", 1}}}});
    const attune::Layer layer = store.add(remote.make());
    (void)store.bind<Server>("server");
    EXPECT_EQ(layer.status().version, 1u);
    EXPECT_EQ(layer.status().last_error.kind, attune::Failure::none);

    now += std::chrono::seconds{7};
    EXPECT_EQ(layer.status().age, std::chrono::seconds{7});
    remote.bring({{"server", {{"port", "hunter2"}}}});
    const attune::LayerStatus refused = layer.status();
    EXPECT_EQ(refused.state, attune::State::stale);
    EXPECT_EQ(refused.last_error.kind, attune::Failure::refused);
    EXPECT_EQ(refused.last_error.path, attune::Path{"server.port"});
    EXPECT_EQ(refused.last_error.time, now);
    EXPECT_THAT(to_string(store.status()), Not(HasSubstr("hunter2")));
    EXPECT_TRUE(store.status().ready()) << "the last good one goes on";

    remote.fail("no route");
    EXPECT_EQ(layer.status().last_error.kind, attune::Failure::unavailable);
    EXPECT_EQ(layer.status().consecutive_failures, 2u);
    remote.bring({{"server", {{"port", 2}}}});
    EXPECT_EQ(layer.status().state, attune::State::ready);
    EXPECT_EQ(layer.status().version, 2u);
    EXPECT_EQ(layer.status().consecutive_failures, 0u);
    EXPECT_EQ(layer.status().last_error.kind, attune::Failure::unavailable) << "it is the last one";
}

TEST(StatusOfLayers, one_that_begins_with_an_old_reading_is_stale_from_the_start) {
    Store store;
    const FakeTransport remote(Document{{"x", 1}});
    remote->next.stale_because = {{.message = "no route; the cache stands in"}};
    const attune::Layer layer = store.add(remote.make());
    EXPECT_EQ(layer.status().state, attune::State::stale);
    EXPECT_EQ(layer.status().updates, 0u);
    EXPECT_EQ(layer.status().problems.size(), 1u);
    EXPECT_EQ(store.status().state, attune::State::stale);
    remote.bring({{"x", 1}});
    EXPECT_EQ(layer.status().state, attune::State::ready);
}

}  // namespace
