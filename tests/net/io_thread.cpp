#include <attune/net/io_thread.hpp>

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include <boost/asio/post.hpp>

namespace {

using attune::net::IoThread;

TEST(IoThread, runs_what_is_posted_on_a_thread_of_its_own) {
    const IoThread io;
    EXPECT_FALSE(io.on_thread());
    std::promise<std::pair<std::thread::id, bool>> ran;
    for (int i = 0; i < 2; ++i) {  // and stays when there is nothing to do
        ran = {};
        boost::asio::post(io.executor(), [&] {
            ran.set_value({std::this_thread::get_id(), io.on_thread()});
        });
        const auto [thread, on_thread] = ran.get_future().get();
        EXPECT_NE(thread, std::this_thread::get_id());
        EXPECT_TRUE(on_thread);
    }
}

TEST(IoThread, waits_for_the_handler_it_is_in_and_destroys_the_rest) {
    const auto token = std::make_shared<int>(0);
    bool finished = false;
    std::promise<void> entered;
    std::promise<void> leave;
    auto io = std::make_optional<IoThread>();
    boost::asio::post(io->executor(), [&] {
        entered.set_value();
        leave.get_future().wait();
        finished = true;
    });
    entered.get_future().wait();
    boost::asio::post(io->executor(), [token] {});
    std::thread ending{[&] { io.reset(); }};
    leave.set_value();
    ending.join();
    EXPECT_TRUE(finished);
    EXPECT_EQ(token.use_count(), 1);
}

TEST(IoThread, may_be_destroyed_by_a_handler_of_its_own) {
    auto io = std::make_unique<IoThread>();
    std::promise<void> posted;
    std::promise<void> gone;
    auto done = gone.get_future();
    boost::asio::post(io->executor(), [&io, &posted, gone = std::move(gone)]() mutable {
        posted.get_future().wait();  // nobody else uses it any more
        io.reset();
        gone.set_value();
    });
    posted.set_value();
    done.wait();
    EXPECT_EQ(io, nullptr);
}

}  // namespace
