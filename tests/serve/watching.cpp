#include <attune/serve/detail/watchers.hpp>

#include <attune/transport/memory.hpp>
#include <serve/service_test.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include <rapidcheck/gtest.h>

namespace {

using namespace std::chrono_literals;
using attune::Document;
using attune::Store;
using serve_tests::Answer;
using serve_tests::Service;

class Watching : public serve_tests::ServiceTest {
protected:
    Watching() { store.add(attune::memory({{"a", {{"x", 1}}}, {"b", 1}})); }

    std::string etag(const std::string& target) { return service.get(target).etag(); }
    std::size_t watchers() { return service.inside().watchers(); }
};

TEST_F(Watching, is_answered_when_the_subtree_changes) {
    const Answer held = service.watch("/v1/config/a", etag("/v1/config/a"));
    EXPECT_TRUE(held.held());
    EXPECT_EQ(watchers(), 1U);
    set("/b", 2);
    EXPECT_TRUE(held.held());
    set("/a/x", 2);
    ASSERT_EQ(held.status(), 200U);
    EXPECT_EQ(held.body(), R"({"x":2})");
    EXPECT_EQ(held.field("Preference-Applied"), "wait=30");
    EXPECT_EQ(held.field("Attune-Version"), std::to_string(store.version()));
    EXPECT_EQ(held.etag(), etag("/v1/config/a"));
    EXPECT_EQ(held.exchange->responses, 1U);
    EXPECT_EQ(watchers(), 0U);
}

TEST_F(Watching, of_what_has_changed_already_is_answered_at_once) {
    const std::string old = etag("/v1/config/a");
    store.set("/a/x", 2);  // nobody has told the service yet
    const Answer answer = service.watch("/v1/config/a", old);
    EXPECT_EQ(answer.status(), 200U);
    EXPECT_EQ(answer.field("Preference-Applied"), "wait=30");
}

TEST_F(Watching, needs_both_a_condition_and_the_wish_to_wait) {
    EXPECT_EQ(service.get("/v1/config/a", {{"Prefer", "wait=30"}}).status(), 200U);
    const std::string now = etag("/v1/config/a");
    EXPECT_EQ(service.get("/v1/config/a", {{"If-None-Match", now}}).status(), 304U);
    const Answer none = service.watch("/v1/config/a", now, {}, 0);
    EXPECT_EQ(none.status(), 304U);
    EXPECT_EQ(none.field("Preference-Applied"), "wait=0");
}

TEST_F(Watching, ends_with_not_modified_within_the_last_sixteenth_of_the_time) {
    const std::string now = etag("/v1/config/a");
    std::vector<Answer> held;
    for (int i = 0; i < 100; ++i) {
        held.push_back(service.watch("/v1/config/a", now, {}, 16));
    }
    service.pass(14'999ms);
    for (const Answer& answer : held) {
        EXPECT_TRUE(answer.held());
    }
    service.pass(500ms);
    const auto over = static_cast<std::size_t>(
        std::count_if(held.begin(), held.end(), [](const Answer& a) { return !a.held(); }));
    EXPECT_GT(over, 10U);  // spread evenly: half of them
    EXPECT_LT(over, 90U);
    service.pass(501ms);
    for (const Answer& answer : held) {
        EXPECT_EQ(answer.status(), 304U);
        EXPECT_EQ(answer.etag(), now);
        EXPECT_EQ(answer.field("Preference-Applied"), "wait=16");
    }
    EXPECT_EQ(watchers(), 0U);
}

TEST_F(Watching, waits_no_longer_than_the_server_allows) {
    Service brief{store, {.max_wait = 10s, .instance = "abcdefghij"}};
    const Answer held =
        brief.watch("/v1/config/a", brief.get("/v1/config/a").etag(), {}, 4'000'000'000U);
    EXPECT_TRUE(held.held());
    brief.pass(10s);
    EXPECT_EQ(held.status(), 304U);
    EXPECT_EQ(held.field("Preference-Applied"), "wait=10");
}

TEST_F(Watching, sees_a_place_come_and_go) {
    const Answer absent = service.watch("/v1/config/c", etag("/v1/config/c"));
    EXPECT_TRUE(absent.held());
    set("/c", 1);
    ASSERT_EQ(absent.status(), 200U);
    const Answer present = service.watch("/v1/config/c", absent.etag());
    store.erase("/c");
    service.published();
    EXPECT_EQ(present.status(), 404U);
    EXPECT_EQ(present.etag(), "\"abcdefghij.absent\"");
    EXPECT_EQ(present.field("Preference-Applied"), "wait=30");

    const Answer still = service.watch("/v1/config/c", present.etag());
    service.pass(30s);
    EXPECT_EQ(still.status(), 404U);
}

TEST_F(Watching, of_anything_waits_when_there_is_something) {
    EXPECT_EQ(service.watch("/v1/config/c", "*").status(), 404U);
    const Answer held = service.watch("/v1/config/a", "*");
    EXPECT_TRUE(held.held());
    set("/a/x", 2);
    EXPECT_EQ(held.status(), 200U);
}

TEST_F(Watching, of_several_places_is_answered_when_one_changes) {
    const std::string target = "/v1/config?path=/a&path=/c";
    const Answer held = service.watch(target, etag(target));
    set("/b", 7);
    EXPECT_TRUE(held.held());
    set("/c", 1);
    ASSERT_EQ(held.status(), 200U);
    EXPECT_EQ(held.body(), R"({"/a":{"x":1},"/c":1})");
}

TEST_F(Watching, is_not_disturbed_by_what_changes_back) {
    const Answer held = service.watch("/v1/config/a", etag("/v1/config/a"));
    store.set("/a/x", 2);
    store.erase("/a/x");
    service.published();
    EXPECT_TRUE(held.held());
}

TEST_F(Watching, with_several_etags_waits_for_one_that_is_none_of_them) {
    const std::string one = etag("/v1/config/a");
    set("/a/x", 2);
    const std::string two = etag("/v1/config/a");
    const Answer held = service.watch("/v1/config/a", one + ", " + two);
    EXPECT_TRUE(held.held());
    store.erase("/a/x");
    service.published();
    EXPECT_TRUE(held.held());
    set("/a/x", 3);
    EXPECT_EQ(held.status(), 200U);
}

TEST_F(Watching, shares_one_response_among_all) {
    const std::string now = etag("/v1/config/a");
    const Answer one = service.watch("/v1/config/a", now);
    const Answer two = service.watch("/v1/config/a", now);
    const Answer other_wait = service.watch("/v1/config/a", now, {}, 20);
    set("/a/x", 2);
    EXPECT_EQ(one.exchange->shared_wire, two.exchange->shared_wire);
    EXPECT_EQ(other_wait.field("Preference-Applied"), "wait=20");
}

TEST_F(Watching, is_answered_by_a_reader_who_comes_before_the_news) {
    const Answer held = service.watch("/v1/config/a", etag("/v1/config/a"));
    store.set("/a/x", 2);
    EXPECT_EQ(service.get("/v1/config/a").body(), R"({"x":2})");
    EXPECT_EQ(held.status(), 200U);
}

TEST_F(Watching, is_answered_with_what_came_in_the_last_moment) {
    const Answer held = service.watch("/v1/config/a", etag("/v1/config/a"));
    store.set("/a/x", 2);
    service.pass(30s);
    EXPECT_EQ(held.status(), 200U);
}

TEST_F(Watching, ends_when_the_client_goes) {
    const std::string now = etag("/v1/config/a");
    const Answer gone = service.watch("/v1/config/a", now);
    const Answer stays = service.watch("/v1/config/a", now);
    gone.exchange->leave();
    EXPECT_EQ(watchers(), 1U);
    set("/a/x", 2);
    EXPECT_EQ(watchers(), 0U);
    EXPECT_TRUE(gone.held());
    EXPECT_EQ(stays.status(), 200U);
    EXPECT_EQ(gone.exchange.use_count(), 1);
}

TEST_F(Watching, lets_go_of_the_request_meanwhile) {
    const Answer held = service.watch("/v1/config/a", etag("/v1/config/a"));
    EXPECT_TRUE(held.exchange->request().target.empty());
}

TEST_F(Watching, may_begin_again_from_inside_the_answer) {
    Answer first = service.watch("/v1/config/a", etag("/v1/config/a"));
    Answer beside = service.watch("/v1/config/a", etag("/v1/config/a"));
    std::vector<Answer> next;
    const std::function<void()> again = [&] {
        next.push_back(service.watch("/v1/config/a", etag("/v1/config/a")));
        beside.exchange->leave();
    };
    first.exchange->answered = again;
    set("/a/x", 2);
    ASSERT_EQ(next.size(), 1U);
    EXPECT_TRUE(next[0].held());
    EXPECT_TRUE(beside.held());
    set("/a/x", 3);
    EXPECT_EQ(next[0].json().at("x"), Document(3));
}

TEST_F(Watching, by_too_many_is_refused) {
    Service small{store, {.watchers = 2, .instance = "abcdefghij"}};
    const std::string now = small.get("/v1/config/a").etag();
    const Answer one = small.watch("/v1/config/a", now);
    const Answer two = small.get("/v1/events");
    const Answer three = small.watch("/v1/config/a", now);
    EXPECT_EQ(three.status(), 503U);
    EXPECT_NE(three.field("Retry-After"), "");
    EXPECT_EQ(small.get("/v1/events").status(), 503U);
    EXPECT_EQ(small.get("/v1/config/a").status(), 200U);
    one.exchange->leave();
    EXPECT_TRUE(small.watch("/v1/config/a", now).held());
}

TEST_F(Watching, ends_at_once_when_the_server_drains) {
    const std::string now = etag("/v1/config/a");
    const Answer present = service.watch("/v1/config/a", now);
    const Answer absent = service.watch("/v1/config/c", etag("/v1/config/c"));
    service.inside().drain();
    EXPECT_EQ(present.status(), 304U);
    EXPECT_EQ(absent.status(), 404U);
    EXPECT_EQ(service.watch("/v1/config/a", now).status(), 304U);
    EXPECT_EQ(service.get("/readyz").status(), 503U);
}

TEST_F(Watching, ends_unanswered_with_the_service) {
    const Answer held = service.watch("/v1/config/a", etag("/v1/config/a"));
    service.close();
    held.exchange->leave();
    EXPECT_TRUE(held.held());
    EXPECT_EQ(held.exchange.use_count(), 1);
}

TEST_F(Watching, goes_on_for_the_others_when_an_answer_fails) {
    const std::string now = etag("/v1/config/a");
    const Answer first = service.watch("/v1/config/a", now);
    const Answer second = service.watch("/v1/config/a", now);
    const Answer other = service.watch("/v1/config/b", etag("/v1/config/b"));
    const Answer events = service.get("/v1/events");
    first.exchange->fails = true;
    store.set("/a", 2);
    store.set("/b", 2);
    EXPECT_NO_THROW(service.published());
    service.pass(1s);
    EXPECT_TRUE(first.held());
    EXPECT_EQ(second.body(), "2");
    EXPECT_EQ(other.body(), "2");
    EXPECT_NE(events.exchange->stream.find("event: version"), std::string::npos);
    EXPECT_EQ(watchers(), 0U);
}

TEST_F(Watching, outlives_a_failure_when_its_time_is_over_and_when_all_is) {
    const Answer one = service.watch("/v1/config/a", etag("/v1/config/a"), {}, 10);
    const Answer two = service.watch("/v1/config/b", etag("/v1/config/b"), {}, 10);
    one.exchange->fails = two.exchange->fails = true;
    EXPECT_NO_THROW(service.pass(10s));
    EXPECT_NO_THROW(service.pass(1s));
    EXPECT_NO_THROW(service.pass(1s));
    EXPECT_EQ(watchers(), 0U);
    const Answer three = service.watch("/v1/config/a", etag("/v1/config/a"));
    const Answer four = service.watch("/v1/config/b", etag("/v1/config/b"));
    three.exchange->fails = true;
    EXPECT_NO_THROW(service.inside().drain());
    EXPECT_EQ(four.status(), 304U);
    EXPECT_EQ(watchers(), 0U);
}

TEST(WatchingMuch, keeps_no_more_text_than_allowed) {
    Store store;
    store.set("/big", std::string(10'000, 'x'));
    Service service{store,
                    {.instance = "abcdefghij",
                     .resources = {.groups = 4, .bytes = 50'000, .watched = 1'000'000}}};
    std::vector<Answer> held;
    for (int i = 0; i != 40; ++i) {
        const std::string target = "/v1/config?path=/big&path=/n" + std::to_string(i);
        held.push_back(service.watch(target, service.get(target).etag()));
        ASSERT_TRUE(held.back().held());
        EXPECT_LE(service.inside().kept_bytes(), 50'000U);
    }
    for (int i = 0; i != 40; ++i) {
        const std::string target = "/v1/config?path=/big&path=/n" + std::to_string(i);
        EXPECT_EQ(service.get(target).body().size(), 10'000 + std::string(R"({"/big":""})").size());
    }
    EXPECT_LE(service.inside().kept_bytes(), 50'000U);
    store.set("/n7", 1);
    service.published();
    EXPECT_EQ(held[7].json().at("/~1n7"), Document(1));
    EXPECT_EQ(service.inside().watchers(), 39U);
    store.set("/big", "y");
    service.published();
    for (const Answer& answer : held) {
        EXPECT_EQ(answer.status(), 200U);
    }
    EXPECT_LE(service.inside().kept_bytes(), 50'000U);
}

TEST(WatchingMuch, of_more_than_a_publication_should_cost_is_refused) {
    Store store;
    store.set("/big", std::string(10'000, 'x'));
    Service service{store, {.instance = "abcdefghij", .resources = {.watched = 30'000}}};
    const auto watch = [&](const std::string& target) {
        return service.watch(target, service.get(target).etag());
    };
    const Answer one = watch("/v1/config/big");
    const Answer two = watch("/v1/config?path=/big");
    EXPECT_TRUE(one.held());
    EXPECT_TRUE(two.held());
    const Answer three = watch("/v1/config?path=/big&path=/x");
    EXPECT_EQ(three.status(), 503U);
    EXPECT_EQ(three.field("Retry-After"), "5");
    EXPECT_TRUE(watch("/v1/config/big").held());
    EXPECT_EQ(service.get("/v1/config").status(), 200U);
    two.exchange->leave();
    EXPECT_TRUE(watch("/v1/config?path=/big&path=/x").held());

    Service tiny{store, {.instance = "abcdefghij", .resources = {.watched = 0}}};
    EXPECT_TRUE(tiny.watch("/v1/config", tiny.get("/v1/config").etag()).held());
}

TEST(WatchingMuch, by_clients_that_all_go_leaves_nothing_behind) {
    Store store;
    Service service{store,
                    {.instance = "abcdefghij", .resources = {.groups = 2, .bytes = 1'000'000}}};
    std::vector<Answer> held;
    for (int i = 0; i != 40; ++i) {
        held.push_back(service.watch("/v1/config/" + std::to_string(i), "\"abcdefghij.absent\""));
    }
    for (const Answer& answer : held) {
        answer.exchange->leave();
    }
    EXPECT_LE(service.inside().kept_bytes(), 10'000U);
}

// While one is answered, his next request comes and leaves the table more than it should keep.
TEST(WatchingMuch, goes_on_for_who_has_the_news_already) {
    Store store;
    store.set("/big", std::string(10'000, 'x'));
    Service service{store, {.instance = "abcdefghij", .resources = {.groups = 0, .bytes = 1'000}}};
    const std::string old = service.get("/v1/config/big").etag();
    store.set("/big", std::string(10'000, 'y'));
    const std::string fresh = service.get("/v1/config/big").etag();
    store.set("/big", std::string(10'000, 'x'));
    const Answer one = service.watch("/v1/config/big", old);
    const Answer both = service.watch("/v1/config/big", old + ", " + fresh);
    Answer next;
    one.exchange->answered = [&] { next = service.get("/v1/config"); };
    store.set("/big", std::string(10'000, 'y'));
    service.published();
    EXPECT_EQ(one.etag(), fresh);
    EXPECT_EQ(next.status(), 200U);
    EXPECT_TRUE(both.held());
    store.set("/big", "z");
    service.published();
    EXPECT_EQ(both.body(), R"("z")");
}

// However requests, writes and news of them fall: whoever waits is told within one news, and what
// is told is what was asked for and is not what the watcher had.
RC_GTEST_PROP(WatchingLaws, nobody_is_forgotten, (const std::vector<std::uint8_t>& steps)) {
    Store store;
    store.add(attune::memory({{"a", 0}, {"b", 0}}));
    Service service{store};
    struct Client {
        std::string target;
        Answer answer;
        std::string etag;
    };
    std::vector<Client> clients;
    const auto check = [&](bool told) {
        for (Client& client : clients) {
            if (!client.answer.held()) {
                RC_ASSERT(client.answer.etag() != client.etag || client.answer.status() == 304U);
                client.etag = client.answer.etag();
                client.answer = service.watch(client.target, client.etag);
            }
            if (told) {
                RC_ASSERT(service.get(client.target).etag() == client.etag);
            }
        }
    };
    for (const std::uint8_t step : steps) {
        const char* const targets[] = {"/v1/config", "/v1/config/a", "/v1/config/b"};
        switch (step % 5) {
        case 0: {
            const std::string target = targets[step / 5 % 3];
            const std::string etag = service.get(target).etag();
            clients.push_back({target, service.watch(target, etag), etag});
            break;
        }
        case 1: store.set("/a", step / 5 % 3); break;
        case 2: store.set("/b", step / 5 % 3); break;
        case 3:
            service.published();
            check(true);
            break;
        case 4: service.pass(std::chrono::seconds{step / 5 % 40}); break;
        }
        check(false);
    }
}

}  // namespace
