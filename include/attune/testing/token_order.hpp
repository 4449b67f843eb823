#pragma once

#include <attune/version.hpp>

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace attune::inline ATTUNE_ABI::testing {

/// One grant of a lock, as its client has seen it. All times are on one clock: that of the test,
/// not those of the clients.
struct GrantRecord {
    /// A fencing token: compared by epoch, then by index.
    struct Token {
        std::uint64_t epoch = 0;
        std::uint64_t index = 0;

        friend auto operator<=>(const Token&, const Token&) = default;
    };

    std::string lock;
    std::string holder;     ///< for people, in violations
    bool exclusive = true;  ///< else shared with all others that are not exclusive
    Token token{};
    std::chrono::nanoseconds invoked{};   ///< the client began to ask
    std::chrono::nanoseconds returned{};  ///< it was told that it has the lock
    /// From when on somebody else may have the lock: the client began to release it, or somebody to
    /// take it away, or its lease could at the earliest have been over. Nothing: never yet.
    std::optional<std::chrono::nanoseconds> over_from{};
};

/// Whether grants, however many, can be those of correct locks with fencing tokens. Says what is
/// wrong, one text for each violation, and nothing when nothing is. For each lock, in the order of
/// tokens:
///
/// - an exclusive grant has its token to itself;
/// - a grant that was asked for after another one had been told has a higher token, unless both are
///   shared: then it has no lower one;
/// - an exclusive grant is told only when every earlier one is over, and any grant only when every
///   earlier exclusive one is.
///
/// Grants of which no client was told may be missing. These are conditions that every correct
/// history fulfils, checked in O(n log n) for millions of grants; a history that fulfils them may
/// still be impossible in other ways, for which see <attune/testing/linearizability.hpp>.
[[nodiscard]] ATTUNE_DECL std::vector<std::string> token_order_violations(
    std::vector<GrantRecord> grants);

}  // namespace attune::inline ATTUNE_ABI::testing

#if ATTUNE_HEADER_ONLY
#include <attune/testing/impl/token_order.ipp>
#endif
