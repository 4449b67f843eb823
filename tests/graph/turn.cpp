#include <attune/graph/turn.hpp>

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace {

using attune::detail::ObserverName;
using attune::detail::Turn;
using attune::detail::TurnList;

const ObserverName pool{"pool"};

struct Watched {
    TurnList list;
    Turn turn{list, pool};

    void begin() {
        Turn::Held held{turn};
        held.set(Turn::scheduled);
        turn.begin(held, {});
    }
};

TEST(Turn, ends_at_once_when_there_is_nothing_else_to_see_to) {
    Watched w;
    w.begin();
    EXPECT_TRUE(w.turn.is(Turn::running));
    EXPECT_TRUE(w.turn.end());
    EXPECT_FALSE(w.turn.is(Turn::running | Turn::scheduled));
    for (const auto other : {Turn::more, Turn::ended, Turn::reported}) {
        w.begin();
        Turn::Held{w.turn}.set(other);
        EXPECT_FALSE(w.turn.end());
        EXPECT_TRUE(w.turn.is(Turn::running));
        Turn::Held{w.turn}.clear(Turn::scheduled | Turn::running | other);
    }
}

TEST(Turn, is_over_once_it_has_ended_and_no_call_runs) {
    Watched w;
    EXPECT_FALSE(w.turn.over());
    w.begin();
    Turn::Held{w.turn}.set(Turn::ended);
    EXPECT_FALSE(w.turn.over());
    Turn::Held{w.turn}.clear(Turn::running);
    EXPECT_TRUE(w.turn.over());
}

TEST(Turn, knows_the_thread_that_runs) {
    Watched w;
    w.begin();
    EXPECT_TRUE(w.turn.runs_here());
    std::thread{[&] { EXPECT_FALSE(w.turn.runs_here()); }}.join();
}

TEST(TurnThreads, one_thread_at_a_time_holds_it) {
    constexpr int rounds = 20000;
    Watched w;
    int count = 0;  // not atomic: ThreadSanitizer sees a lock that is none
    const auto work = [&] {
        for (int i = 0; i != rounds; ++i) {
            const Turn::Held held{w.turn};
            if (++count % 4096 == 0) {
                std::this_thread::yield();  // preempted with the lock
            }
        }
    };
    std::vector<std::thread> threads;
    for (int i = 0; i != 3; ++i) {
        threads.emplace_back(work);
    }
    for (auto& thread : threads) {
        thread.join();
    }
    EXPECT_EQ(count, 3 * rounds);
}

}  // namespace
