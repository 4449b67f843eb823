#include <attune/transport/detail/follower.hpp>

#include "file_fixture.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>

namespace {

using namespace attune_test;

class Follower : public FileTransport {};
INSTANTIATE_TEST_SUITE_P(By, Follower, every_way(), way_name);

TEST_P(Follower, delivers_what_changed_before_it_was_started) {
    folder.write("a.json", "1");
    const auto file = open("a.json", options());
    EXPECT_EQ(text_of(file->load()), "1");
    folder.write("a.json", "2");
    file->start(feed);
    EXPECT_EQ(feed.next(), "2");
    file->stop();
}

TEST_P(Follower, tells_nothing_after_a_stop) {
    folder.write("a.json", "1");
    const auto file = open("a.json", options());
    (void)file->load();
    file->start(feed);
    folder.write("a.json", "2");
    EXPECT_EQ(feed.next(), "2");
    folder.write("a.json", "3");
    file->stop();
    const std::size_t before = feed.waiting();
    folder.write("a.json", "4");
    feed.pass(60ms);
    EXPECT_EQ(feed.waiting(), before);
    file->stop();
}

TEST_P(Follower, may_be_destroyed_from_inside_a_delivery) {
    folder.write("a.json", "1");
    auto file = open("a.json", options());
    (void)file->load();
    feed.on_tell = [&] {
        file->stop();
        file.reset();
    };
    file->start(feed);
    folder.write("a.json", "2");
    EXPECT_EQ(feed.next(), "2");
    folder.write("a.json", "3");
    feed.pass(60ms);
    EXPECT_EQ(feed.waiting(), 0u);
}

TEST_P(Follower, may_be_stopped_at_any_moment) {
    folder.write("a.json", "0");
    const std::jthread writer{[&](const std::stop_token& enough) {
        for (int i = 1; !enough.stop_requested(); ++i) {
            folder.replace("a.json", std::to_string(i));
        }
    }};
    auto eager = options();
    eager.quiet = 0ms;
    eager.longest = patience;
    for (int i = 0; i < 50; ++i) {
        std::atomic<bool> stopped = false;
        std::atomic<bool> late = false;
        feed.on_tell = [&] { late = late || stopped; };
        const auto file = open("a.json", eager);
        (void)file->load();
        file->start(feed);
        if (i % 3 == 0) {
            feed.pass(std::chrono::milliseconds(i % 7));
        }
        file->stop();
        stopped = true;
        EXPECT_FALSE(late);
        feed.pass(0ms);
        EXPECT_FALSE(late);
    }
}

TEST_P(Follower, ends_with_what_is_in_the_file_whoever_loads_meanwhile) {
    folder.write("a.json", "0");
    auto eager = options();
    eager.quiet = 1ms;
    // The store: whoever comes last wins.
    struct Last : Recorder {
        attune::Verdict content(attune::Content content) override {
            take(content);
            return {};
        }
        void take(const attune::Content& content) {
            const std::scoped_lock lock{mutex};
            last = text_of(content);
            changed.notify_all();
        }
        std::mutex mutex;
        std::condition_variable changed;
        std::string last;
    } store;
    const auto file = open("a.json", eager);
    store.take(file->load());
    file->start(store);
    constexpr int saves = 300;
    std::jthread writer{[&] {
        for (int i = 1; i <= saves; ++i) {
            folder.replace("a.json", std::to_string(i));
            store.pass(std::chrono::milliseconds(i % 3));
        }
    }};
    for (int i = 0; i < saves; ++i) {
        store.take(file->load());
    }
    writer.join();
    {
        std::unique_lock lock{store.mutex};
        EXPECT_TRUE(store.changed.wait_for(lock, patience,
                                           [&] { return store.last == std::to_string(saves); }));
    }
    store.pass(30ms);
    EXPECT_EQ(store.last, std::to_string(saves));
    file->stop();
}

TEST_P(Follower, leaves_no_descriptor_open) {
    folder.write("a.json", "1");
    const std::size_t before = open_descriptors();
    {
        Recorder own;
        Followed a{own, open("a.json", options())};
        Followed b{own, open("a.json", options())};
        folder.write("a.json", "2");
        EXPECT_EQ(own.next(), "2");
        EXPECT_EQ(own.next(), "2");
    }
    EXPECT_EQ(open_descriptors(), before);
}

}  // namespace
