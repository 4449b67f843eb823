#include <attune/graph/call_watch.hpp>
#include <attune/graph/turn.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;
using attune::detail::CallWatch;
using attune::detail::ObserverName;
using attune::detail::Turn;

/// A watch whose looks are asked for here.
struct Watch {
    explicit Watch(CallWatch::Clock::duration limit) {
        watch.start(limit, [this](CallWatch::Clock::time_point when) { asked.push_back(when); });
    }
    CallWatch watch;
    std::vector<CallWatch::Clock::time_point> asked;
};

const ObserverName pool{"pool"};
const ObserverName audit{"audit", ObserverName::Kind::given};

/// An observer and one call of it, which lasts as long as this.
class Call {
public:
    Call(CallWatch& watch, const ObserverName& observer) : turn_(watch.turns(), observer) {
        {
            Turn::Held held{turn_};
            held.set(Turn::scheduled);
            turn_.begin(held, watch.time());
        }
        watch.began(turn_);
    }
    ~Call() { end(); }

    void end() {
        if (!turn_.end()) {
            Turn::Held{turn_}.clear(Turn::scheduled | Turn::running | Turn::reported);
        }
    }

    Turn& turn() { return turn_; }

private:
    Turn turn_;
};

TEST(ObserverName, is_a_path_or_a_name_in_reports) {
    EXPECT_EQ(pool.label(), "observer of \"pool\"");
    EXPECT_EQ(audit.label(), "observer \"audit\"");
}

TEST(CallWatch, asks_for_one_look_however_many_calls_there_are) {
    Watch w{1h};
    EXPECT_TRUE(w.asked.empty());
    const auto before = CallWatch::Clock::now();
    for (int i = 0; i != 100; ++i) {
        const Call first{w.watch, pool};
        const Call second{w.watch, audit};
    }
    ASSERT_EQ(w.asked.size(), 1u);
    EXPECT_GE(w.asked[0], before + 1h);
}

TEST(CallWatch, asks_for_no_look_when_no_call_runs) {
    Watch w{1h};
    { const Call call{w.watch, pool}; }
    EXPECT_TRUE(w.watch.look().empty());
    EXPECT_EQ(w.asked.size(), 1u);
    { const Call call{w.watch, pool}; }
    EXPECT_EQ(w.asked.size(), 2u);
}

TEST(CallWatch, a_look_while_a_call_may_become_slow_asks_for_the_next) {
    Watch w{1h};
    const auto before = CallWatch::Clock::now();
    const Call call{w.watch, pool};
    EXPECT_TRUE(w.watch.look().empty());
    ASSERT_EQ(w.asked.size(), 2u);
    EXPECT_LE(w.asked[1], w.asked[0]);
    EXPECT_GT(w.asked[1], before + 59min) << "the clock that times calls is a coarse one";
    EXPECT_TRUE(w.watch.slow().empty());
}

TEST(CallWatch, finds_each_slow_call_once_and_lists_it_while_it_runs) {
    Watch w{0ns};  // everything is slow
    std::optional<Call> first;
    std::optional<Call> second;
    first.emplace(w.watch, pool);
    auto found = w.watch.look();
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].observer.text, "pool");
    EXPECT_GE(found[0].running, 0ns);
    second.emplace(w.watch, audit);
    found = w.watch.look();
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].observer.text, "audit");
    EXPECT_TRUE(w.watch.look().empty());
    EXPECT_EQ(w.watch.slow().size(), 2u);
    EXPECT_EQ(w.watch.slow()[0].observer.text, "pool");
    first.reset();
    ASSERT_EQ(w.watch.slow().size(), 1u);
    EXPECT_EQ(w.watch.slow()[0].observer.text, "audit");
    EXPECT_EQ(w.watch.found(), 2u);
    first.emplace(w.watch, pool);
    EXPECT_EQ(w.watch.look().size(), 1u);  // another call of the same observer
    second.reset();
    first.reset();
    EXPECT_TRUE(w.watch.slow().empty());
}

TEST(CallWatch, does_nothing_before_it_starts_and_asks_for_nothing_after_it_stops) {
    CallWatch off;
    {
        const Call call{off, pool};
        EXPECT_TRUE(off.slow().empty());
    }
    Watch w{1h};
    const Call before{w.watch, pool};
    w.watch.stop();
    const Call after{w.watch, audit};
    EXPECT_TRUE(w.watch.look().empty());
    EXPECT_EQ(w.asked.size(), 1u);
}

TEST(CallWatch, a_look_that_cannot_be_had_is_asked_for_again) {
    CallWatch watch;
    int asked = 0;
    watch.start(1h, [&](CallWatch::Clock::time_point) {
        if (++asked == 1) {
            throw std::runtime_error{"no thread"};
        }
    });
    const Call first{watch, pool};
    const Call second{watch, pool};
    const Call third{watch, pool};
    EXPECT_EQ(asked, 2);
}

}  // namespace
