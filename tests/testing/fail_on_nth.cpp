#include <attune/testing/fail_on_nth.hpp>

#include <attune/bind/schema.hpp>
#include <attune/store/store.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace fail_on_nth_sample {

struct Checked {
    int value = 0;
};
const attune::testing::FailOnNth* fail = nullptr;
void describe(attune::Schema<Checked>& s) {
    s.check(
        [](const Checked& checked) {
            if (fail != nullptr) {
                (*fail)(checked);
            }
            return true;
        },
        "never");
}

}  // namespace fail_on_nth_sample

namespace {

using attune::testing::FailOnNth;
using attune::testing::InjectedFailure;
using attune::testing::sweep;
using fail_on_nth_sample::Checked;

TEST(FailOnNth, throws_once_at_the_nth_call) {
    const FailOnNth fail{3, "boom"};
    EXPECT_NO_THROW(fail());
    EXPECT_NO_THROW(fail(1, "any arguments"));
    EXPECT_FALSE(fail.failed());
    try {
        fail();
        FAIL();
    } catch (const InjectedFailure& failure) {
        EXPECT_STREQ(failure.what(), "boom");
    }
    EXPECT_TRUE(fail.failed());
    EXPECT_NO_THROW(fail());
    EXPECT_EQ(fail.calls(), 4u);
    EXPECT_EQ(fail.n(), 3u);
}

TEST(FailOnNth, never_fails_at_zero) {
    const FailOnNth fail{0};
    fail();
    EXPECT_FALSE(fail.failed());
}

TEST(FailOnNth, copies_share_the_count) {
    const FailOnNth fail{2};
    const FailOnNth copy = fail;
    copy();
    EXPECT_THROW(fail(), InjectedFailure);
    EXPECT_TRUE(copy.failed());
}

TEST(FailOnNth, goes_before_a_function_and_gives_its_answer) {
    const FailOnNth fail{2};
    auto twice = fail.before([](int x) { return 2 * x; });
    EXPECT_EQ(twice(4), 8);
    EXPECT_THROW((void)twice(4), InjectedFailure);
    EXPECT_EQ(twice(5), 10);
}

TEST(FailOnNth, is_an_observer) {
    attune::Store store;
    const auto a = store.bind<int>("a");
    const FailOnNth fail{2};
    const auto observer = a.on_change(attune::inline_executor, fail);
    store.set("a", 1);
    EXPECT_EQ(store.status().observer_errors, 0u);
    store.set("a", 2);
    store.set("a", 3);
    EXPECT_EQ(store.status().observer_errors, 1u);
    EXPECT_EQ(fail.calls(), 3u);
}

TEST(FailOnNthThreads, fails_in_exactly_one_of_many_threads) {
    const FailOnNth fail{50};
    std::atomic<int> failures{0};
    std::vector<std::thread> threads;
    for (int t = 0; t != 4; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i != 25; ++i) {
                try {
                    fail();
                } catch (const InjectedFailure&) {
                    ++failures;
                }
            }
        });
    }
    for (auto& thread : threads) {
        thread.join();
    }
    EXPECT_EQ(failures, 1);
    EXPECT_EQ(fail.calls(), 100u);
}

TEST(Sweep, fails_at_each_point_once_and_ends_with_a_run_without_failure) {
    std::vector<std::string> runs;
    const std::size_t points = sweep([&](const FailOnNth& fail) {
        runs.emplace_back();
        for (const char point : {'a', 'b', 'c'}) {
            fail();
            runs.back() += point;
        }
    });
    EXPECT_EQ(points, 3u);
    EXPECT_EQ(runs, (std::vector<std::string>{"", "a", "ab", "abc"}));
}

TEST(Sweep, of_what_cannot_fail_is_one_run) {
    int runs = 0;
    EXPECT_EQ(sweep([&](const FailOnNth&) { ++runs; }), 0u);
    EXPECT_EQ(runs, 1);
}

TEST(Sweep, lets_other_exceptions_out_and_gives_up_at_the_limit) {
    EXPECT_THROW(sweep([](const FailOnNth&) { throw std::logic_error{"broken"}; }),
                 std::logic_error);
    EXPECT_THROW(sweep(
                     [](const FailOnNth& fail) {
                         for (;;) {
                             fail();
                         }
                     },
                     10),
                 std::runtime_error);
    EXPECT_THROW(sweep([](const FailOnNth&) { throw InjectedFailure{"of another"}; }),
                 InjectedFailure);
}

// Wherever a check throws: either nothing has changed or all has.
TEST(Sweep, finds_no_place_at_which_a_store_is_left_half_changed) {
    const std::size_t points = sweep([](const FailOnNth& fail) {
        attune::Store store;
        const auto a = store.bind<Checked>("a");
        const auto b = store.bind<Checked>("b");
        fail_on_nth_sample::fail = &fail;
        try {
            store.merge({{"a", {{"value", 2}}}, {"b", {{"value", 2}}}});
        } catch (const attune::Rejected&) {
            EXPECT_TRUE(fail.failed());
        }
        fail_on_nth_sample::fail = nullptr;
        const auto view = store.view();
        EXPECT_EQ(view[a].value, view[b].value);
        EXPECT_EQ(view[a].value, fail.failed() ? 0 : 2) << "with failure " << fail.n();
    });
    EXPECT_GE(points, 2u);
}

}  // namespace
