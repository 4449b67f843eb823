#include <attune/store/override_scope.hpp>

#include <attune/bind/schema.hpp>
#include <attune/store/store.hpp>
#include <attune/transport/memory.hpp>

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace scope_sample {

struct Range {
    int low = 0;
    int high = 10;
};

inline void describe(attune::Schema<Range>& s) {
    s.check([](const Range& range) { return range.low <= range.high; }, "low is not above high");
}

}  // namespace scope_sample

namespace {

using attune::OverrideScope;
using attune::Store;

class Scopes : public testing::Test {
protected:
    Store store;
    attune::Layer base = store.add(attune::memory({{"x", 1}}));
    attune::Config<int> x = store.bind<int>("x");
};

TEST_F(Scopes, values_hold_while_the_scope_does) {
    {
        const OverrideScope scope = store.override_scope({{"x", 2}});
        EXPECT_EQ(x.get(), 2);
        store.set("x", 3);
        EXPECT_EQ(x.get(), 2) << "above what is set";
        base.set("x", 4);
        EXPECT_EQ(x.get(), 2);
    }
    EXPECT_EQ(x.get(), 3);
}

TEST_F(Scopes, the_younger_of_two_wins_and_they_end_in_any_order) {
    std::optional<OverrideScope> outer = store.override_scope({{"x", 2}});
    std::optional<OverrideScope> inner = store.override_scope({{"x", 3}});
    EXPECT_EQ(x.get(), 3);
    outer.reset();
    EXPECT_EQ(x.get(), 3);
    inner.reset();
    EXPECT_EQ(x.get(), 1);
}

TEST_F(Scopes, layers_added_meanwhile_stay_below) {
    OverrideScope scope = store.override_scope({{"x", 2}});
    const attune::Layer later = store.add(attune::memory({{"x", 5}}));
    EXPECT_EQ(x.get(), 2);
    scope.end();
    EXPECT_EQ(x.get(), 5);
}

TEST_F(Scopes, values_that_are_refused_begin_no_scope) {
    EXPECT_THROW((void)store.override_scope({{"x", "no number"}}), attune::Rejected);
    EXPECT_EQ(x.get(), 1);
    EXPECT_EQ(store.status().layers.size(), 1U);
}

TEST_F(Scopes, an_end_that_is_refused_is_reported_and_keeps_the_values) {
    const auto range = store.bind<scope_sample::Range>("range");
    store.set("range.high", 5);
    std::vector<std::string> told;
    const auto observer =
        store.on_rejected(attune::inline_executor, [&](const attune::Rejection& rejection) {
            told.push_back(to_string(rejection));
        });
    {
        const OverrideScope scope = store.override_scope({{"range", {{"high", 100}}}});
        store.set("range.low", 50);
    }
    ASSERT_EQ(told.size(), 1U);
    EXPECT_NE(told[0].find("low is not above high"), std::string::npos) << told[0];
    EXPECT_EQ(range.get().high, 100);
}

TEST_F(Scopes, a_scope_may_outlive_its_store) {
    std::optional<OverrideScope> scope;
    {
        Store other;
        scope = other.override_scope({{"x", 2}});
    }
    scope.reset();
}

}  // namespace
