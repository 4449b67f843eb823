#include <attune/testing/flaky_transport.hpp>

#include <attune/store/store.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using attune::State;
using attune::Store;
using attune::testing::FlakyTransport;
using testing::ElementsAre;
using testing::HasSubstr;

class Flaky : public testing::Test {
protected:
    FlakyTransport source{{{"a", 1}}};
    Store store;
    attune::Layer layer = store.add(source.transport());
    attune::Config<int> a = store.bind<int>("a");
    std::vector<std::string> rejections;
    attune::Subscription rejected =
        store.on_rejected(attune::inline_executor, [this](const attune::Rejection& rejection) {
            rejections.push_back(rejection.problems.at(0).message);
        });
};

TEST_F(Flaky, brings_its_first_document_and_then_what_is_pushed) {
    EXPECT_TRUE(source.running());
    EXPECT_EQ(a.get(), 1);
    source.push({{"a", 2}});
    EXPECT_EQ(a.get(), 2);
    EXPECT_EQ(source.readings(), 2u);
    EXPECT_EQ(layer.status().revision, "1");
    EXPECT_EQ(layer.status().name, "flaky");
}

TEST_F(Flaky, fails_as_often_as_planned_and_then_brings_the_present_document) {
    source.fail("unplugged", 2);
    source.push({{"a", 2}});
    source.push({{"a", 3}});
    EXPECT_EQ(a.get(), 1);
    EXPECT_EQ(layer.status().state, State::stale);
    EXPECT_THAT(rejections, ElementsAre("unplugged", "unplugged"));
    source.poll();
    EXPECT_EQ(a.get(), 3);
    EXPECT_EQ(layer.status().state, State::ready);
}

TEST_F(Flaky, a_reading_that_finds_nothing_new_ends_a_stale_state_without_a_version) {
    source.fail("unplugged");
    source.poll();
    EXPECT_EQ(layer.status().state, State::stale);
    const auto version = store.version();
    source.poll();
    EXPECT_EQ(layer.status().state, State::ready);
    EXPECT_EQ(store.version(), version);
}

TEST_F(Flaky, heals_at_once_when_the_last_reading_has_failed) {
    source.fail("unplugged", 100);
    source.push({{"a", 2}});
    EXPECT_EQ(a.get(), 1);
    source.heal();
    EXPECT_EQ(a.get(), 2);
    EXPECT_EQ(layer.status().state, State::ready);
    const auto readings = source.readings();
    source.heal();
    EXPECT_EQ(source.readings(), readings);
}

TEST_F(Flaky, flaps_between_failure_and_success) {
    source.flap(4);
    std::vector<int> seen;
    std::vector<State> states;
    for (int i = 2; i != 8; ++i) {
        source.push({{"a", i}});
        seen.push_back(a.get());
        states.push_back(layer.status().state);
    }
    EXPECT_THAT(seen, ElementsAre(1, 3, 3, 5, 6, 7));
    EXPECT_THAT(states, ElementsAre(State::stale, State::ready, State::stale, State::ready,
                                    State::ready, State::ready));
    EXPECT_EQ(rejections.size(), 2u);
}

TEST_F(Flaky, holds_back_until_released_and_delivers_in_order) {
    std::vector<int> seen;
    const auto observer =
        a.on_change(attune::inline_executor,
                    [&](const attune::Change<int>& change) { seen.push_back(*change.after); });
    source.hold();
    source.push({{"a", 2}});
    source.fail("unplugged");
    source.poll();
    source.push({{"a", 3}});
    EXPECT_EQ(a.get(), 1);
    EXPECT_EQ(source.held(), 3u);
    source.release();
    EXPECT_EQ(source.held(), 0u);
    EXPECT_THAT(seen, ElementsAre(2, 3));
    EXPECT_THAT(rejections, ElementsAre("unplugged"));
}

TEST_F(Flaky, reload_takes_part_in_the_plan) {
    source.fail("unplugged");
    EXPECT_THROW(layer.reload(), attune::Rejected);
    EXPECT_NO_THROW(layer.reload());
}

TEST_F(Flaky, a_push_by_an_observer_comes_after_the_one_it_observes) {
    std::vector<int> seen;
    const auto observer =
        a.on_change(attune::inline_executor, [&](const attune::Change<int>& change) {
            seen.push_back(*change.after);
            if (*change.after < 4) {
                source.push({{"a", *change.after + 1}});
            }
        });
    source.push({{"a", 2}});
    EXPECT_THAT(seen, ElementsAre(2, 3, 4));
}

TEST_F(Flaky, can_be_removed_by_the_observer_of_its_own_push) {
    const auto observer =
        a.on_change(attune::inline_executor, [&](const attune::Change<int>&) { layer.remove(); });
    source.push({{"a", 2}});
    EXPECT_FALSE(source.running());
    source.push({{"a", 3}});
    EXPECT_EQ(a.get(), 0);
}

TEST_F(Flaky, serves_one_store_at_a_time) {
    Store other;
    EXPECT_THROW(other.add(source.transport()), std::logic_error);
    EXPECT_TRUE(source.running());
    layer.remove();
    EXPECT_FALSE(source.running());
    EXPECT_NO_THROW(other.add(source.transport()));
}

TEST(FlakyTransport, that_fails_at_first_is_not_added) {
    const FlakyTransport source{{}, {.name = "cloud"}};
    source.fail("no route");
    Store store;
    try {
        store.add(source.transport());
        FAIL();
    } catch (const attune::Rejected& rejected) {
        EXPECT_THAT(rejected.what(), HasSubstr("no route"));
    }
    EXPECT_NO_THROW(store.add(source.transport()));
}

TEST(FlakyTransport, delivers_at_the_start_what_was_pushed_after_the_load) {
    struct Recorder final : attune::Feed {
        std::vector<attune::Content> contents;
        attune::Verdict content(attune::Content content) override {
            contents.push_back(std::move(content));
            return {};
        }
        void failed(std::vector<attune::Problem>) override {}
        void unchanged() override {}
        attune::Poller& poller() override { throw std::logic_error{"not needed"}; }
    };
    const FlakyTransport source{1};
    const auto transport = source.transport();
    EXPECT_EQ(transport->load().document, attune::Document(1));
    source.push(2);
    Recorder feed;
    transport->start(feed);
    ASSERT_EQ(feed.contents.size(), 1u);
    EXPECT_EQ(feed.contents[0].document, attune::Document(2));
    transport->stop();
    source.push(3);
    EXPECT_EQ(feed.contents.size(), 1u);
}

TEST(FlakyTransport, is_remote_when_asked_to_be) {
    EXPECT_TRUE((FlakyTransport{{}, {.remote = true}}.transport()->remote()));
    EXPECT_FALSE(FlakyTransport{}.transport()->remote());
}

TEST(FlakyTransportThreads, pushes_of_many_threads_arrive_one_after_another) {
    const FlakyTransport source;
    Store store;
    store.add(source.transport());
    const auto n = store.bind<int>("n");
    std::atomic<int> inside{0};
    std::atomic<bool> overlap{false};
    const auto observer = n.on_change(attune::inline_executor, [&](const attune::Change<int>&) {
        overlap = overlap || inside.fetch_add(1) != 0;
        inside.fetch_sub(1);
    });
    std::vector<std::thread> threads;
    for (int t = 0; t != 3; ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i != 100; ++i) {
                source.push({{"n", t * 100 + i + 1}});
            }
        });
    }
    for (auto& thread : threads) {
        thread.join();
    }
    EXPECT_FALSE(overlap);
    EXPECT_EQ(store.version(), 300u);
}

TEST(FlakyTransportThreads, stopping_waits_for_a_delivery_in_another_thread) {
    for (int round = 0; round != 50; ++round) {
        const FlakyTransport source;
        auto store = std::make_unique<Store>();
        store->add(source.transport());
        std::thread pusher{[&] {
            for (int i = 0; i != 20; ++i) {
                source.push(attune::Document{{"n", i}});
            }
        }};
        store.reset();
        EXPECT_FALSE(source.running());
        pusher.join();
    }
}

}  // namespace
