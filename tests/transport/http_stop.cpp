#include <attune/transport/http.hpp>

#include "http_publisher.hpp"

#include <attune/bind/schema.hpp>
#include <attune/store/store.hpp>
#include <attune/transport/detail/store_io.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace attune_test;
using testing::HasSubstr;

TEST(HttpStop, ends_a_request_that_is_held) {
    Publisher publisher{"1"};
    Recorder feed;
    attune::HttpOptions options;
    options.wait = 1000s;
    {
        const Followed followed{feed, attune::http(publisher.url(), options)};
        ASSERT_TRUE(publisher.wait_held());
    }
    publisher.publish("2");
    EXPECT_EQ(feed.waiting(), 0U);
}

TEST(HttpStop, from_inside_a_delivery_makes_that_the_last) {
    Publisher publisher{"1"};
    Recorder feed;
    std::optional<Followed> followed;
    followed.emplace(feed, attune::http(publisher.url(), quick()));
    ASSERT_TRUE(publisher.wait_held());
    std::promise<void> gone;
    feed.on_tell = [&] {
        followed.reset();
        gone.set_value();
    };
    publisher.publish("2");
    gone.get_future().get();
    EXPECT_EQ(feed.next(), "2");
    publisher.publish("3");
    feed.pass(20ms);
    EXPECT_EQ(feed.waiting(), 0U);
}

TEST(HttpStop, waits_for_a_delivery_in_another_thread) {
    Publisher publisher{"1"};
    Recorder feed;
    const auto transport = attune::http(publisher.url(), quick());
    transport->load();
    std::promise<void> inside;
    std::promise<void> leave;
    std::atomic<bool> left{false};
    feed.on_tell = [&] {
        inside.set_value();
        leave.get_future().get();
        left = true;
    };
    transport->start(feed);
    publisher.publish("2");
    inside.get_future().get();
    std::thread stopper{[&] {
        transport->stop();
        EXPECT_TRUE(left);
    }};
    leave.set_value();
    stopper.join();
}

TEST(HttpStop, tells_whoever_waits_for_a_write) {
    std::promise<void> came;
    Publisher publisher{"1", [&](Conversation& conversation, const Heard& heard) {
                            if (heard.line.starts_with("PATCH")) {
                                came.set_value();
                                conversation.wait_gone();
                                throw Gone{};
                            }
                            return false;
                        }};
    attune::Store store;
    attune::Layer layer = store.add(attune::http(publisher.url(), quick()));
    std::thread writer{[&] {
        try {
            layer.set(2);
            ADD_FAILURE() << "written";
        } catch (const attune::Rejected& rejected) {
            EXPECT_THAT(rejected.what(), HasSubstr("the layer was stopped"));
        }
    }};
    came.get_future().get();
    layer.remove();
    writer.join();
}

TEST(HttpStop, shares_one_thread_between_the_layers_of_a_store) {
    Publisher publisher{"1"};
    Recorder feed;
    const Followed one{feed, attune::http(publisher.url("/a"), quick())};
    const Followed two{feed, attune::http(publisher.url("/b"), quick())};
    const auto io = feed.poller().service<attune::detail::StoreIo>();
    EXPECT_EQ(io.use_count(), 3);
}

TEST(HttpStop, of_stores_and_layers_from_any_thread_at_any_moment) {
    Publisher publisher{R"({"a":0})"};
    std::atomic<bool> over{false};
    std::thread changes{[&] {
        for (int i = 1; !over; ++i) {
            publisher.publish(R"({"a":)" + std::to_string(i) + '}');
            std::this_thread::yield();
        }
    }};
    for (int round = 0; round != 30; ++round) {
        attune::Store store;
        attune::Layer layer = store.add(attune::http(publisher.url(), quick()));
        const auto a = store.bind<int>("a");
        std::thread reload{[&] {
            try {
                layer.reload();
            } catch (const std::exception&) {  // removed in the meantime
            }
        }};
        std::thread write{[&] {
            try {
                layer.set("b", 1);
            } catch (const std::exception&) {  // as above, or others were quicker
            }
        }};
        std::thread remove{[&] {
            if (round % 2 == 0) {
                layer.remove();
            }
        }};
        reload.join();
        write.join();
        remove.join();
    }
    over = true;
    changes.join();
}

TEST(HttpStop, of_a_layer_by_an_observer_of_its_own) {
    Publisher publisher{R"({"a":1})"};
    auto store = std::make_unique<attune::Store>();
    std::optional<attune::Layer> layer = store->add(attune::http(publisher.url(), quick()));
    const auto a = store->bind<int>("a");
    std::promise<void> removed;
    const auto subscription = a.on_change(attune::inline_executor, [&](const auto&) {
        if (layer) {
            const attune::Layer ended = *std::exchange(layer, std::nullopt);
            attune::Layer{ended}.remove();
            removed.set_value();
        }
    });
    ASSERT_TRUE(publisher.wait_held());
    publisher.publish(R"({"a":2})");
    removed.get_future().get();
    EXPECT_EQ(store->status().layers.size(), 0U);
}

}  // namespace
