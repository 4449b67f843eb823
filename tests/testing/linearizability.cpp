#include <attune/testing/linearizability.hpp>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

namespace linearizability_tests {

using attune::testing::Call;
using attune::testing::History;
using attune::testing::Linearization;
using attune::testing::linearize;
using std::chrono::nanoseconds;

template <class Operation>
Call<Operation> call(Operation operation, int invoked, int returned) {
    return {operation, nanoseconds{invoked}, nanoseconds{returned}};
}

template <class Operation>
Call<Operation> unanswered(Operation operation, int invoked) {
    return {operation, nanoseconds{invoked}, std::nullopt};
}

/// A register: writes set it, reads tell it.
struct Register {
    enum class Kind { write, read, compare_and_set };
    struct Operation {
        Kind kind;
        int value;
        int expected = 0;
    };

    std::optional<int> operator()(int state, const Operation& operation) const {
        switch (operation.kind) {
        case Kind::write: return operation.value;
        case Kind::read: break;
        case Kind::compare_and_set:
            return state == operation.expected ? std::optional{operation.value} : std::nullopt;
        }
        return state == operation.value ? std::optional{state} : std::nullopt;
    }

    static Operation write(int value) { return {Kind::write, value}; }
    static Operation read(int value) { return {Kind::read, value}; }
    static Operation change(int from, int to) { return {Kind::compare_and_set, to, from}; }
};

using R = Register;

TEST(Linearizability, nothing_is_linearizable) {
    const Linearization answer = linearize(History<R::Operation>{}, 0, Register{});
    EXPECT_TRUE(answer);
    EXPECT_TRUE(answer.order.empty());
}

TEST(Linearizability, operations_one_after_the_other_are_taken_in_their_order) {
    const History<R::Operation> history{call(R::read(2), 5, 6), call(R::write(1), 0, 1),
                                        call(R::write(2), 2, 3)};
    const Linearization answer = linearize(history, 0, Register{});
    EXPECT_TRUE(answer.found);
    EXPECT_EQ(answer.order, (std::vector<std::size_t>{1, 2, 0}));
    EXPECT_EQ(answer.stuck, std::nullopt);
}

TEST(Linearizability, a_read_may_see_a_write_that_is_on_its_way_or_not) {
    for (const int seen : {0, 1}) {
        EXPECT_TRUE(linearize(History<R::Operation>{call(R::write(1), 0, 10),
                                                    call(R::read(seen), 2, 4)},
                              0, Register{}));
    }
}

TEST(Linearizability, what_one_read_has_seen_no_later_one_may_miss) {
    const History<R::Operation> history{call(R::write(1), 0, 10), call(R::read(1), 2, 4),
                                        call(R::read(0), 5, 7)};
    const Linearization answer = linearize(history, 0, Register{});
    EXPECT_FALSE(answer.found);
    EXPECT_EQ(answer.order, (std::vector<std::size_t>{0, 1}));
    EXPECT_EQ(answer.stuck, 2u);
}

TEST(Linearizability, an_old_value_read_late_is_told_as_what_got_stuck) {
    const History<R::Operation> history{call(R::write(1), 0, 1), call(R::write(2), 2, 3),
                                        call(R::read(1), 4, 5), call(R::write(3), 6, 7)};
    const Linearization answer = linearize(history, 0, Register{});
    EXPECT_FALSE(answer.found);
    EXPECT_EQ(answer.order, (std::vector<std::size_t>{0, 1}));
    EXPECT_EQ(answer.stuck, 2u);
}

TEST(Linearizability, two_winners_of_one_compare_and_set_are_one_too_many) {
    EXPECT_TRUE(linearize(History<R::Operation>{call(R::change(0, 1), 0, 9)}, 0, Register{}));
    EXPECT_FALSE(linearize(History<R::Operation>{call(R::change(0, 1), 0, 9),
                                                 call(R::change(0, 2), 0, 9)},
                           0, Register{}));
}

TEST(Linearizability, what_was_never_answered_may_have_happened_or_not_or_late) {
    const auto lost = unanswered(R::write(1), 0);
    EXPECT_TRUE(linearize(History<R::Operation>{lost, call(R::read(0), 5, 6)}, 0, Register{}));
    EXPECT_TRUE(linearize(History<R::Operation>{lost, call(R::read(1), 5, 6)}, 0, Register{}));
    EXPECT_TRUE(linearize(History<R::Operation>{lost, call(R::read(0), 5, 6),
                                                call(R::read(1), 7, 8)},
                          0, Register{}));
    EXPECT_FALSE(linearize(
        History<R::Operation>{lost, call(R::read(1), 5, 6), call(R::read(0), 7, 8)}, 0, Register{}))
        << "once";
    EXPECT_FALSE(linearize(
        History<R::Operation>{call(R::read(1), 0, 1), unanswered(R::write(1), 2)}, 0, Register{}))
        << "not before it was asked for";
}

TEST(Linearizability, an_answer_at_the_time_of_an_invocation_is_not_before_it) {
    EXPECT_TRUE(linearize(History<R::Operation>{call(R::write(1), 0, 5), call(R::read(0), 5, 6)}, 0,
                          Register{}));
}

TEST(Linearizability, an_answer_before_its_invocation_is_a_mistake_of_the_test) {
    EXPECT_THROW((void)linearize(History<R::Operation>{call(R::read(0), 5, 4)}, 0, Register{}),
                 std::invalid_argument);
}

TEST(Linearizability, independent_parts_are_told_apart_by_their_keys) {
    struct Keyed {
        std::string key;
        R::Operation operation;
    };
    const History<Keyed> history{call(Keyed{"x", R::write(1)}, 0, 1),
                                 call(Keyed{"y", R::read(0)}, 2, 3),
                                 call(Keyed{"x", R::read(1)}, 4, 5)};
    const auto parts =
        attune::testing::partition(history, [](const Keyed& each) { return each.key; });
    ASSERT_EQ(parts.size(), 2u);
    EXPECT_EQ(parts.at("x").size(), 2u);
    EXPECT_EQ(parts.at("y").size(), 1u);
    for (const auto& [key, part] : parts) {
        EXPECT_TRUE(linearize(part, 0, [](int state, const Keyed& each) {
            return Register{}(state, each.operation);
        }));
    }
}

/// A lock with fencing tokens; leases may expire.
struct FencedLock {
    enum class Kind { acquire, release, expire };
    struct Operation {
        Kind kind;
        int client;
        int token;
    };
    struct State {
        int holder = 0;
        int token = 0;  // the highest so far

        friend bool operator==(const State&, const State&) = default;
    };
    struct Hash {
        std::size_t operator()(const State& state) const {
            return static_cast<std::size_t>(state.holder * 1000 + state.token);
        }
    };

    std::optional<State> operator()(const State& state, const Operation& operation) const {
        if (operation.kind == Kind::acquire) {
            return state.holder == 0 && operation.token > state.token
                       ? std::optional{State{operation.client, operation.token}}
                       : std::nullopt;
        }
        const bool is_held = state.holder == operation.client && state.token == operation.token;
        return is_held ? std::optional{State{0, state.token}} : std::nullopt;
    }

    static Operation acquire(int client, int token) { return {Kind::acquire, client, token}; }
    static Operation release(int client, int token) { return {Kind::release, client, token}; }
    static Operation expire(int client, int token) { return {Kind::expire, client, token}; }
};

using L = FencedLock;

bool is_right(const History<L::Operation>& history) {
    return linearize(history, L::State{}, FencedLock{}, L::Hash{}).found;
}

TEST(Linearizability, a_lock_that_is_handed_over_is_right) {
    EXPECT_TRUE(is_right({call(L::acquire(1, 3), 0, 2), call(L::acquire(2, 5), 1, 9),
                          call(L::release(1, 3), 4, 8), call(L::release(2, 5), 10, 11)}));
}

TEST(Linearizability, a_lock_with_two_holders_is_wrong) {
    EXPECT_FALSE(is_right({call(L::acquire(1, 3), 0, 2), call(L::acquire(2, 5), 1, 5),
                           call(L::release(1, 3), 6, 8)}));
}

TEST(Linearizability, a_lock_whose_tokens_go_back_is_wrong) {
    EXPECT_FALSE(is_right({call(L::acquire(1, 5), 0, 2), call(L::release(1, 5), 3, 4),
                           call(L::acquire(2, 3), 5, 6)}));
}

TEST(Linearizability, a_lease_may_expire_from_the_earliest_moment_on_but_not_before) {
    const auto first = call(L::acquire(1, 3), 0, 2);
    const auto expiry = unanswered(L::expire(1, 3), 10);
    EXPECT_TRUE(is_right({first, expiry}));
    EXPECT_TRUE(is_right({first, expiry, call(L::acquire(2, 5), 4, 12)}));
    EXPECT_FALSE(is_right({first, expiry, call(L::acquire(2, 5), 4, 9)}));
}

/// Tries every order of every choice of calls that has all the answered ones.
bool can_be_ordered(const History<R::Operation>& history) {
    for (std::uint32_t chosen = 0; chosen != 1U << history.size(); ++chosen) {
        std::vector<std::size_t> order;
        bool has_all = true;
        for (std::size_t at = 0; at != history.size(); ++at) {
            if (chosen >> at & 1) {
                order.push_back(at);
            }
            has_all = has_all && ((chosen >> at & 1) || !history[at].returned);
        }
        bool again = has_all;
        while (again) {
            std::optional<int> state = 0;
            for (std::size_t place = 0; place != order.size() && state; ++place) {
                const auto& each = history[order[place]];
                const bool is_late = std::any_of(order.begin() + static_cast<std::ptrdiff_t>(place),
                                                 order.end(), [&](std::size_t later) {
                                                     return history[later].returned &&
                                                            *history[later].returned < each.invoked;
                                                 });
                state = is_late ? std::nullopt : Register{}(*state, each.operation);
            }
            if (state) {
                return true;
            }
            again = std::next_permutation(order.begin(), order.end());
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

TEST(LinearizabilityLaw, it_finds_an_order_exactly_where_trying_all_of_them_does) {
    int right = 0;
    check_often([&] {
        History<R::Operation> history;
        const int count = *rc::gen::inRange(0, 6);
        for (int at = 0; at != count; ++at) {
            const R::Operation operation{
                *rc::gen::element(R::Kind::write, R::Kind::read, R::Kind::compare_and_set),
                *rc::gen::inRange(0, 2), *rc::gen::inRange(0, 2)};
            const int invoked = *rc::gen::inRange(0, 12);
            history.push_back(*rc::gen::inRange(0, 5) == 0
                                  ? unanswered(operation, invoked)
                                  : call(operation, invoked, invoked + *rc::gen::inRange(0, 8)));
        }
        const Linearization answer = linearize(history, 0, Register{});
        RC_ASSERT(answer.found == can_be_ordered(history));
        RC_ASSERT(answer.found == !answer.stuck);
        // What was found can be repeated; what was not found goes well for so long.
        std::optional<int> state = 0;
        for (const std::size_t at : answer.order) {
            state = Register{}(*state, history[at].operation);
            RC_ASSERT(state.has_value());
        }
        right += answer.found && count > 2 ? 1 : 0;
    });
    EXPECT_GT(right, 20) << "too few to say anything about";
}

/// What five clients see of a register that does everything somewhere between question and answer.
History<R::Operation> busy_register(std::uint32_t seed, std::size_t operations) {
    std::mt19937 random{seed};
    std::array<int, 5> free_from{};
    // Client, when it asks, when it happens, when it is answered.
    std::vector<std::tuple<int, int, int>> moments;
    while (moments.size() != operations) {
        const std::size_t client = random() % free_from.size();
        const int asks = free_from[client] + static_cast<int>(random() % 5);
        const int happens = asks + static_cast<int>(random() % 20);
        const int answered = happens + static_cast<int>(random() % 20);
        free_from[client] = answered + 1;
        moments.emplace_back(happens, asks, answered);
    }
    std::ranges::sort(moments);
    History<R::Operation> history;
    int value = 0;
    for (const auto& [happens, asks, answered] : moments) {
        if (random() % 2 == 0) {
            value = static_cast<int>(random() % 4);
            history.push_back(random() % 20 == 0 ? unanswered(R::write(value), asks)
                                                 : call(R::write(value), asks, answered));
        } else {
            history.push_back(call(R::read(value), asks, answered));
        }
    }
    return history;
}

TEST(Linearizability, two_hundred_operations_of_five_clients_are_checked) {
    for (std::uint32_t seed = 1; seed != 6; ++seed) {
        History<R::Operation> history = busy_register(seed, 200);
        EXPECT_TRUE(linearize(history, 0, Register{})) << seed;
        const auto last_read = std::ranges::find_if(history.rbegin(), history.rend(), [](auto& c) {
            return c.operation.kind == R::Kind::read;
        });
        last_read->operation.value = 4;  // which nobody wrote
        EXPECT_FALSE(linearize(history, 0, Register{})) << seed;
    }
}

}  // namespace linearizability_tests
