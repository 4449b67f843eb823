#pragma once

#include <attune/quorum/lock_machine/command.hpp>
#include <attune/quorum/lock_machine/reply.hpp>
#include <attune/quorum/token.hpp>
#include <attune/version.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace attune::inline ATTUNE_ABI::quorum {

/// A lock and who has it, who waits, and what it says.
struct LockView {
    struct Holder {
        SessionId session = 0;
        Token token{};
        LockMode mode = LockMode::exclusive;
        std::uint32_t permits = 0;
        std::chrono::milliseconds since{};  ///< cluster time

        friend bool operator==(const Holder&, const Holder&) = default;
    };
    struct Waiter {
        SessionId session = 0;
        Ticket ticket = 0;
        LockMode mode = LockMode::exclusive;
        std::uint32_t permits = 0;
        std::chrono::milliseconds since{};

        friend bool operator==(const Waiter&, const Waiter&) = default;
    };
    std::vector<Holder> holders{};          ///< by token
    std::vector<Waiter> waiters{};          ///< in their order
    std::chrono::milliseconds free_from{};  ///< cluster time before which nobody gets it
    Token highest{};                        ///< of all exclusive grants so far
    std::string value{};                    ///< published

    friend bool operator==(const LockView&, const LockView&) = default;
};

struct SessionView {
    SessionId session = 0;
    std::string label{};
    std::chrono::milliseconds ttl{};
    std::chrono::milliseconds renewed_at{};  ///< cluster time
    std::uint64_t renewed = 0;               ///< the entry that did

    friend bool operator==(const SessionView&, const SessionView&) = default;
};

/// The replicated state of all locks: what applying the committed commands in their order makes.
/// The same commands make the same state and the same replies, on every member: no clock, no chance,
/// no order of addresses. One thread at a time.
class LockMachine {
public:
    struct Applied {
        Reply reply{};
        std::vector<Event> events{};
    };

    /// `epoch` is that of all tokens made from now on.
    ATTUNE_DECL explicit LockMachine(std::uint64_t epoch = 0);

    /// `index` grows from one call to the next; `time` is the cluster time of the entry. Bytes that
    /// are no command change nothing but the time. Entries without a command (barriers) are applied
    /// with empty bytes. A lock whose delay has passed is granted by the next entry, whatever it is.
    ATTUNE_DECL Applied apply(std::uint64_t index, std::chrono::milliseconds time,
                              std::string_view command);

    /// The whole state as bytes: equal states give equal bytes.
    ATTUNE_DECL std::string save() const;
    /// Nothing when the bytes are not what `save` gives.
    ATTUNE_DECL static std::optional<LockMachine> load(std::string_view bytes);
    /// Of the whole state. Kept up to date as it changes or computed anew; equal states, equal hashes.
    ATTUNE_DECL std::uint64_t hash() const;

    std::uint64_t applied() const noexcept;
    std::chrono::milliseconds time() const noexcept;

    ATTUNE_DECL std::optional<LockView> lock(std::string_view name) const;
    ATTUNE_DECL std::vector<std::string> locks() const;
    ATTUNE_DECL std::optional<SessionView> session(SessionId id) const;
    ATTUNE_DECL std::size_t session_count() const;
    /// The key-value table that FencedWrite writes.
    ATTUNE_DECL std::optional<std::string> value(std::string_view key) const;

    /// Sessions whose time is over at `now`, `drift` included, oldest first, as the commands to
    /// propose.
    ATTUNE_DECL std::vector<ExpireSession> overdue(std::chrono::milliseconds now,
                                                   std::chrono::milliseconds drift) const;
    /// When something is due without a command: a session's time is over (drift included) or a lock
    /// with waiters becomes free. Nothing: never.
    ATTUNE_DECL std::optional<std::chrono::milliseconds> next_due(
        std::chrono::milliseconds drift) const;
};

}  // namespace attune::inline ATTUNE_ABI::quorum
