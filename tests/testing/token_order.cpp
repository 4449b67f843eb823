#include <attune/testing/token_order.hpp>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <sstream>
#include <string>
#include <vector>

namespace token_order_tests {

using attune::testing::GrantRecord;
using attune::testing::token_order_violations;
using std::chrono::nanoseconds;
using Token = GrantRecord::Token;

GrantRecord grant(std::string holder, std::uint64_t token, int invoked, int returned, int over) {
    return {.lock = "door",
            .holder = std::move(holder),
            .token = {1, token},
            .invoked = nanoseconds{invoked},
            .returned = nanoseconds{returned},
            .over_from = nanoseconds{over}};
}

GrantRecord shared(GrantRecord record) {
    record.exclusive = false;
    return record;
}

TEST(TokenOrder, turns_that_follow_each_other_are_right) {
    EXPECT_EQ(token_order_violations({}), std::vector<std::string>{});
    EXPECT_EQ(token_order_violations({grant("b", 20, 5, 15, 25), grant("a", 10, 0, 5, 12),
                                      grant("c", 30, 1, 26, 30)}),
              std::vector<std::string>{});
}

TEST(TokenOrder, the_last_holder_may_have_the_lock_for_ever) {
    GrantRecord last = grant("b", 20, 5, 15, 0);
    last.over_from.reset();
    EXPECT_EQ(token_order_violations({grant("a", 10, 0, 5, 12), last}), std::vector<std::string>{});
}

TEST(TokenOrder, an_exclusive_token_that_is_given_twice_is_told_with_both_grants) {
    const auto violations =
        token_order_violations({grant("a", 10, 0, 5, 12), grant("b", 10, 6, 15, 25)});
    ASSERT_EQ(violations.size(), 1u);
    EXPECT_EQ(violations[0],
              "one token twice: the exclusive grant of door to a with token 1.10 (asked for at 0 "
              "ns, told at 5 ns, over from 12 ns), and the exclusive grant of door to b with token "
              "1.10 (asked for at 6 ns, told at 15 ns, over from 25 ns)");
    EXPECT_EQ(token_order_violations({grant("a", 10, 0, 5, 12), shared(grant("b", 10, 6, 15, 25))})
                  .size(),
              1u);
}

TEST(TokenOrder, a_lower_token_for_who_asked_after_a_higher_one_was_told_is_wrong) {
    const auto violations =
        token_order_violations({grant("a", 20, 0, 5, 6), grant("b", 10, 7, 9, 10)});
    ASSERT_EQ(violations.size(), 2u) << "and a was told while b, before it, had the lock";
    EXPECT_EQ(violations[0].substr(0, 20), "a lower token later:");
}

TEST(TokenOrder, a_lower_token_is_right_for_who_asked_before_the_higher_one_was_told) {
    EXPECT_EQ(token_order_violations({shared(grant("a", 20, 0, 8, 9)),
                                      shared(grant("b", 10, 7, 12, 13))}),
              std::vector<std::string>{});
}

TEST(TokenOrder, epochs_count_before_indices) {
    GrantRecord restored = grant("b", 3, 6, 8, 9);
    restored.token.epoch = 2;
    EXPECT_EQ(token_order_violations({grant("a", 10, 0, 5, 6), restored}),
              std::vector<std::string>{});
    restored.token.epoch = 0;
    EXPECT_FALSE(token_order_violations({grant("a", 10, 0, 5, 6), restored}).empty());
}

TEST(TokenOrder, nobody_gets_what_another_one_still_has) {
    EXPECT_EQ(token_order_violations({grant("a", 10, 0, 5, 16), grant("b", 20, 5, 15, 25)}).size(),
              1u);
    GrantRecord never = grant("a", 10, 0, 5, 0);
    never.over_from.reset();
    const auto violations = token_order_violations({never, grant("b", 20, 5, 15, 25)});
    ASSERT_EQ(violations.size(), 1u);
    EXPECT_NE(violations[0].find("never over"), std::string::npos);
}

TEST(TokenOrder, a_long_tenure_before_a_short_one_is_not_forgotten) {
    EXPECT_EQ(token_order_violations({shared(grant("a", 10, 0, 5, 100)),
                                      shared(grant("b", 20, 0, 6, 7)), grant("c", 30, 0, 50, 60)})
                  .size(),
              1u);
}

TEST(TokenOrder, those_who_share_overlap_but_not_with_who_does_not) {
    EXPECT_EQ(token_order_violations({shared(grant("a", 10, 0, 5, 50)),
                                      shared(grant("b", 10, 0, 6, 60)),
                                      shared(grant("c", 11, 0, 7, 70)), grant("d", 12, 0, 70, 80)}),
              std::vector<std::string>{});
    EXPECT_EQ(token_order_violations({shared(grant("a", 10, 0, 5, 50)), grant("b", 11, 0, 49, 60)})
                  .size(),
              1u);
    EXPECT_EQ(token_order_violations({grant("a", 10, 0, 5, 50), shared(grant("b", 11, 0, 49, 60))})
                  .size(),
              1u);
}

TEST(TokenOrder, locks_have_nothing_to_do_with_each_other) {
    GrantRecord other = grant("b", 10, 0, 5, 12);
    other.lock = "gate";
    EXPECT_EQ(token_order_violations({grant("a", 10, 0, 5, 12), other}),
              std::vector<std::string>{});
}

/// Every pair, as the contract has it.
bool is_wrong_by_pairs(const std::vector<GrantRecord>& grants) {
    for (const GrantRecord& low : grants) {
        for (const GrantRecord& high : grants) {
            if (&low == &high || low.lock != high.lock || low.token > high.token) {
                continue;
            }
            const bool exclusive = low.exclusive || high.exclusive;
            if (low.token == high.token) {
                if (exclusive) {
                    return true;
                }
            } else if (high.returned < low.invoked ||
                       (exclusive && (!low.over_from || *low.over_from > high.returned))) {
                return true;
            }
        }
    }
    return false;
}

/// Twenty times as many cases as elsewhere: RC_PARAMS scales it.
template <class Testable>
void check_often(const Testable& law) {
    rc::detail::TestParams params = rc::detail::configuration().testParams;
    params.maxSuccess *= 20;
    const rc::detail::TestMetadata metadata{};
    const auto result = rc::detail::checkTestable(law, metadata, params);
    if (!result.template is<rc::detail::SuccessResult>()) {
        std::ostringstream text;
        rc::detail::printResultMessage(result, text);
        FAIL() << text.str();
    }
}

TEST(TokenOrderLaw, it_finds_a_violation_exactly_where_comparing_every_pair_does) {
    int right = 0;
    check_often([&] {
        std::vector<GrantRecord> grants;
        const int count = *rc::gen::inRange(0, 6);
        for (int at = 0; at != count; ++at) {
            GrantRecord record;
            record.lock = *rc::gen::element<std::string>("x", "y");
            record.exclusive = *rc::gen::arbitrary<bool>();
            record.token = {*rc::gen::inRange<std::uint64_t>(1, 3),
                            *rc::gen::inRange<std::uint64_t>(1, 6)};
            const int invoked = *rc::gen::inRange(0, 20);
            const int returned = invoked + *rc::gen::inRange(0, 6);
            record.invoked = nanoseconds{invoked};
            record.returned = nanoseconds{returned};
            if (*rc::gen::inRange(0, 8) != 0) {
                record.over_from = nanoseconds{returned + *rc::gen::inRange(0, 4)};
            }
            grants.push_back(record);
        }
        const auto violations = token_order_violations(grants);
        RC_ASSERT(violations.empty() != is_wrong_by_pairs(grants));
        right += violations.empty() && count > 2 ? 1 : 0;
    });
    EXPECT_GT(right, 20) << "too few to say anything about";
}

TEST(TokenOrder, a_hundred_thousand_grants_are_checked) {
    std::vector<GrantRecord> grants;
    for (int at = 0; at != 100'000; ++at) {
        grants.push_back(grant("client", static_cast<std::uint64_t>(at) + 1, 10 * at - 15, 10 * at,
                               10 * at + 9));
    }
    std::ranges::reverse(grants);
    EXPECT_EQ(token_order_violations(grants), std::vector<std::string>{});
    grants[50'000].over_from = *grants[50'000].over_from + nanoseconds{5};
    EXPECT_EQ(token_order_violations(grants).size(), 1u);
}

}  // namespace token_order_tests
