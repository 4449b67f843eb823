#pragma once

#include <attune/quorum/lock_machine/command.hpp>
#include <attune/quorum/lock_machine/limits.hpp>
#include <attune/quorum/lock_machine/lock_view.hpp>
#include <attune/quorum/lock_machine/reply.hpp>
#include <attune/version.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace attune::inline ATTUNE_ABI::quorum {

namespace detail {
class LockState;
}

/// The replicated state of all locks: what applying the committed commands in their order makes.
/// The same commands make the same state and the same replies, on every member: no clock, no
/// chance, no order of addresses. One thread at a time. Never larger than LockLimits allows.
///
/// Queues. An Acquire stands in the queues of all of its locks, at the same place in each: that of
/// its entry. It is granted, as a whole, when it is the first in all of them, goes with the holders
/// of each, and no delay is on any. Whoever stands behind it in one of the queues waits, even for
/// what could be had at once: shared behind exclusive, as well as shared behind a request that
/// could share this lock and waits for another one. So nobody is overtaken in a queue, and nobody
/// starves.
///
/// Sequences. A command of a session is known by its sequence alone; sent again, it is answered
/// again. An Acquire sent again is answered as things are now: queued; ok, with the token; or
/// not_held, with the token, once any of its locks has been released or taken away. Of finished
/// commands the last LockLimits::replies replies are kept; older sequences, and those never seen
/// that are lower, are Outcome::forgotten and not run. CancelAcquire and Release are run whenever
/// they come: what they name exists once.
///
/// Tokens. That of a grant is the epoch and the index of the entry that made it. Indices only grow,
/// a lock is granted at most once per entry to one who excludes others, and an epoch begins with
/// the end of all grants: so tokens grow without anything being remembered for it.
///
/// Deadlock. A session that waits counts as waiting for all who hold, in a mode that does not go
/// with it, what one of its requests is for, and all who stand before it in a queue. An Acquire
/// that would complete a circle is not queued but answered with would_deadlock; so is one for what
/// its own session already has. Of permits, any that are enough will do. Whether threads of one
/// session could free each other is not known here: those that wait for each other's locks need
/// sessions of their own.
///
/// Cost: logarithmic in locks, sessions and requests; linear in the waiters that stand before an
/// Acquire whose session has or awaits other things, for its search for deadlock, and in the
/// holders of a lock that one of them leaves.
class LockMachine {
public:
    struct Applied {
        Reply reply{};
        /// In the order of their causes: first who was asked, forced or expired, then the grants,
        /// by ticket.
        std::vector<Event> events{};
    };

    /// `epoch` is that of all tokens made from now on.
    ATTUNE_DECL explicit LockMachine(std::uint64_t epoch = 0);
    /// What was moved from can be destroyed and assigned to.
    ATTUNE_DECL LockMachine(LockMachine&& other) noexcept;
    ATTUNE_DECL LockMachine& operator=(LockMachine&& other) noexcept;
    ATTUNE_DECL ~LockMachine();

    /// `index` is at least 1 and grows from one call to the next; `time` is the cluster time of the
    /// entry, and an earlier one than the last counts as the last. Bytes that are no command change
    /// nothing but the time. Entries without a command (barriers) are applied with empty bytes. A
    /// lock whose delay has passed is granted by the next entry, whatever it is.
    ATTUNE_DECL Applied apply(std::uint64_t index, std::chrono::milliseconds time,
                              std::string_view command);

    /// For a cluster that is restored from a backup, before its first entry. Its log has lost what
    /// came after the backup, and indices may come again: therefore all sessions end, with the
    /// delays of what they held, and all further tokens are higher than any of before. What stays
    /// is the table. False, and nothing is changed, unless `epoch` is higher than the present one.
    ///
    /// Whoever got a lock after the backup is not known here. Fenced resources refuse them; where
    /// there are others, begin when the longest ttl has passed since the old cluster's end, and
    /// give the new one another id, so that sessions of the old one are not taken for its own.
    ATTUNE_DECL bool begin_epoch(std::uint64_t epoch);

    /// The whole state as bytes: equal states give equal bytes. Linear in the state.
    ATTUNE_DECL std::string save() const;
    /// Nothing when the bytes are not what `save` gives, as far as that can be seen: of another
    /// version, cut, in another order, or of a state that breaks its own rules. Whatever they are,
    /// it takes no more memory than in proportion to their length.
    ATTUNE_DECL static std::optional<LockMachine> load(std::string_view bytes);
    /// Of what `save` gives, and as slow: equal states have equal hashes.
    ATTUNE_DECL std::uint64_t hash() const;

    ATTUNE_DECL std::uint64_t epoch() const noexcept;
    ATTUNE_DECL std::uint64_t applied() const noexcept;
    ATTUNE_DECL std::chrono::milliseconds time() const noexcept;

    /// Nothing for a lock that nobody has, awaits or has just lost.
    ATTUNE_DECL std::optional<LockView> lock(std::string_view name) const;
    /// The names of those that `lock` knows, in their order.
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
    /// with waiters becomes free. Nothing: never. Known at once, whatever the state.
    ATTUNE_DECL std::optional<std::chrono::milliseconds> next_due(
        std::chrono::milliseconds drift) const;

private:
    std::unique_ptr<detail::LockState> state_;
};

}  // namespace attune::inline ATTUNE_ABI::quorum

#if ATTUNE_HEADER_ONLY
#include <attune/quorum/lock_machine/impl/deadlock.ipp>
#include <attune/quorum/lock_machine/impl/grants.ipp>
#include <attune/quorum/lock_machine/impl/load.ipp>
#include <attune/quorum/lock_machine/impl/lock_machine.ipp>
#include <attune/quorum/lock_machine/impl/lock_views.ipp>
#include <attune/quorum/lock_machine/impl/queues.ipp>
#include <attune/quorum/lock_machine/impl/requests.ipp>
#include <attune/quorum/lock_machine/impl/save.ipp>
#include <attune/quorum/lock_machine/impl/sessions.ipp>
#endif
