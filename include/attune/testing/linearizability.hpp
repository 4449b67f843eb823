#pragma once

#include <attune/version.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI::testing {

/// An operation of a client on something shared: what it asked for, and what it was answered.
template <class Operation>
struct Call {
    Operation operation;
    std::chrono::nanoseconds invoked{};
    /// Nothing: no answer came. The operation may have taken effect at any time since, may yet do
    /// so, or never. So may what nobody answers for: the expiry of a lease is a call that was
    /// invoked when it was first allowed.
    std::optional<std::chrono::nanoseconds> returned{};
};

/// What happened, in any order; times are on one clock. An answer and an invocation at the same
/// time count as concurrent.
template <class Operation>
using History = std::vector<Call<Operation>>;

/// Whether a history can be explained by operations that took effect one after the other, each at
/// some moment between its invocation and its answer.
struct Linearization {
    bool found = false;
    /// Positions in the history, in the order in which the operations can have taken effect. Where
    /// none was found: the first ones, as many as could be placed at most.
    std::vector<std::size_t> order{};
    /// Where none was found: an operation whose answer does not fit after those.
    std::optional<std::size_t> stuck{};

    explicit operator bool() const noexcept { return found; }
};

/// Looks for a linearization.
///
///     const auto set_or_get = [](int state, const Op& op) -> std::optional<int> {
///         const bool is_possible = op.is_write || op.value == state;
///         return is_possible ? std::optional{op.value} : std::nullopt;
///     };
///     const Linearization answer = linearize(history, 0, set_or_get);
///
/// `apply(state, operation)` says what the operation makes of the state, or nothing when it cannot
/// have been answered so; that of a call without an answer has to accept whatever there could have
/// been. States are compared with `==` and hashed by `hash`.
///
/// The algorithm is that of Wing and Gong (Testing and Verifying Concurrent Objects, 1993) with the
/// memory of Lowe (Testing for Linearizability, 2017). Fast where few operations overlap, but
/// exponential in those that do, and in those without an answer, in time and in memory: take
/// histories of a few hundred operations, and apart what is independent (`partition`).
///
/// Throws std::invalid_argument when an answer comes before its invocation, and what `apply` does.
template <class Operation, class State, class Apply, class Hash = std::hash<State>>
    requires std::is_invocable_r_v<std::optional<State>, Apply&, const State&, const Operation&>
[[nodiscard]] Linearization linearize(const History<Operation>& history, State initial, Apply apply,
                                      Hash hash = {});

/// The histories of the parts that `key_of(operation)` names. Where operations on different parts
/// have nothing to do with each other, a history is linearizable exactly when each of these is
/// (Herlihy and Wing, Linearizability, 1990), and that is found much faster.
template <class Operation, class KeyOf>
[[nodiscard]] auto partition(const History<Operation>& history, KeyOf key_of) {
    std::map<std::decay_t<std::invoke_result_t<KeyOf&, const Operation&>>, History<Operation>>
        parts;
    for (const Call<Operation>& call : history) {
        parts[std::invoke(key_of, call.operation)].push_back(call);
    }
    return parts;
}

}  // namespace attune::inline ATTUNE_ABI::testing

#include <attune/testing/impl/linearizability.hpp>
