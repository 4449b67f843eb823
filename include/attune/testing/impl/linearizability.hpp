#pragma once

#include <attune/testing/linearizability.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI::testing {

namespace detail {

/// The invocations and answers of a history in the order of time, as a list from which a call can
/// be taken out and put back. The first element stands before all of them.
class EventList {
public:
    struct Event {
        std::size_t call = 0;
        bool is_answer = false;
        std::size_t other = 0;  ///< the answer of an invocation, if there is one
        std::size_t previous = 0;
        std::size_t next = 0;  ///< zero: it is the last
    };

    template <class Operation>
    explicit EventList(const History<Operation>& history) {
        std::vector<std::tuple<std::chrono::nanoseconds, bool, std::size_t>> order;
        for (std::size_t call = 0; call != history.size(); ++call) {
            order.emplace_back(history[call].invoked, false, call);
            if (history[call].returned) {
                if (*history[call].returned < history[call].invoked) {
                    throw std::invalid_argument{"call " + std::to_string(call) +
                                                " of a history was answered before its invocation"};
                }
                order.emplace_back(*history[call].returned, true, call);
            }
        }
        std::ranges::sort(order);
        events_.resize(order.size() + 1);
        std::vector<std::size_t> invocations(history.size());
        for (std::size_t at = 1; at != events_.size(); ++at) {
            const auto& [time, is_answer, call] = order[at - 1];
            events_[at] = {.call = call, .is_answer = is_answer, .previous = at - 1};
            events_[at - 1].next = at;
            if (is_answer) {
                events_[invocations[call]].other = at;
            } else {
                invocations[call] = at;
            }
        }
    }

    const Event& operator[](std::size_t at) const { return events_[at]; }
    std::size_t first() const { return events_[0].next; }

    /// A call, by its invocation.
    void take_out(std::size_t invocation) {
        unlink(invocation);
        if (events_[invocation].other != 0) {
            unlink(events_[invocation].other);
        }
    }
    /// In the opposite order of take_out.
    void put_back(std::size_t invocation) {
        if (events_[invocation].other != 0) {
            link(events_[invocation].other);
        }
        link(invocation);
    }

private:
    void unlink(std::size_t at) {
        const Event& event = events_[at];
        events_[event.previous].next = event.next;
        if (event.next != 0) {
            events_[event.next].previous = event.previous;
        }
    }
    void link(std::size_t at) {
        const Event& event = events_[at];
        events_[event.previous].next = at;
        if (event.next != 0) {
            events_[event.next].previous = at;
        }
    }

    std::vector<Event> events_;
};

/// Which calls have been placed, and what came of it: whatever the order was, the rest is the same.
template <class State>
class PlacedMemory {
public:
    using Placed = std::vector<std::uint64_t>;

    /// False when it was there.
    bool add(const Placed& placed, const State& state, std::size_t state_hash) {
        std::uint64_t hash = state_hash;
        for (const std::uint64_t word : placed) {
            hash = (hash ^ word) * 0x9E3779B97F4A7C15U;
            hash ^= hash >> 32;
        }
        const auto [begin, end] = seen_.equal_range(hash);
        const bool is_known = std::any_of(begin, end, [&](const auto& each) {
            return each.second.first == placed && each.second.second == state;
        });
        if (!is_known) {
            seen_.emplace(hash, std::pair{placed, state});
        }
        return !is_known;
    }

private:
    std::unordered_multimap<std::uint64_t, std::pair<Placed, State>> seen_;
};

}  // namespace detail

template <class Operation, class State, class Apply, class Hash>
    requires std::is_invocable_r_v<std::optional<State>, Apply&, const State&, const Operation&>
Linearization linearize(const History<Operation>& history, State initial, Apply apply, Hash hash) {
    struct Placement {
        std::size_t invocation;
        State before;
    };
    detail::EventList events{history};
    detail::PlacedMemory<State> memory;
    std::vector<std::uint64_t> placed((history.size() + 63) / 64);
    const auto flip = [&](std::size_t call) {
        placed[call / 64] ^= std::uint64_t{1} << (call % 64);
    };
    std::vector<Placement> placements;
    const auto order = [&] {
        std::vector<std::size_t> calls;
        for (const Placement& placement : placements) {
            calls.push_back(events[placement.invocation].call);
        }
        return calls;
    };
    auto answers_left = static_cast<std::size_t>(std::ranges::count_if(
        history, [](const Call<Operation>& call) { return call.returned.has_value(); }));

    Linearization result;
    State state = std::move(initial);
    std::size_t at = events.first();
    while (answers_left != 0) {
        // There is an answer ahead: that of the first call that is not placed.
        const auto& event = events[at];
        if (!event.is_answer) {
            std::optional<State> after =
                std::invoke(apply, std::as_const(state), history[event.call].operation);
            flip(event.call);
            if (after && memory.add(placed, *after, std::invoke(hash, std::as_const(*after)))) {
                placements.push_back({at, std::exchange(state, std::move(*after))});
                answers_left -= event.other != 0 ? 1 : 0;
                events.take_out(at);
                at = events.first();
            } else {
                flip(event.call);
                at = event.next;
            }
            continue;
        }
        if (!result.stuck || placements.size() > result.order.size()) {
            result.order = order();
            result.stuck = event.call;
        }
        if (placements.empty()) {
            return result;
        }
        at = placements.back().invocation;
        state = std::move(placements.back().before);
        placements.pop_back();
        events.put_back(at);
        flip(events[at].call);
        answers_left += events[at].other != 0 ? 1 : 0;
        at = events[at].next;
    }
    return {.found = true, .order = order()};
}

}  // namespace attune::inline ATTUNE_ABI::testing
