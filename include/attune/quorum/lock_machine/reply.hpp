#pragma once

#include <attune/quorum/lock_machine/command.hpp>
#include <attune/quorum/token.hpp>
#include <attune/version.hpp>

#include <cstdint>
#include <string>

namespace attune::inline ATTUNE_ABI::quorum {

enum class Outcome : std::uint8_t {
    ok = 1,
    queued,          ///< an Acquire waits; Event::granted follows, or the same Acquire asked again
    busy,            ///< not free, and the Acquire was not to wait
    would_deadlock,  ///< waiting would close a circle of sessions that wait for each other
    cancelled,       ///< an Acquire that was cancelled before
    no_session,      ///< expired, closed, or never there: what it held is gone
    not_held,        ///< no grant with that token: it was released, lost, or never made. Of an
                     ///< Acquire, with its token: not all of its locks are held any more
    mismatch,        ///< others hold or want the lock with another number of permits
    refused,         ///< not a request: empty, beyond LockLimits, the same lock twice, sequence 0;
                     ///< or an ExpireSession of a session that was renewed, or is not over
    forgotten,       ///< an older command, whose reply is not kept any more
};

struct Reply {
    Outcome outcome = Outcome::refused;
    SessionId session = 0;
    Sequence sequence = 0;
    Ticket ticket = 0;  ///< of an Acquire that has stood in a queue, or was granted
    Token token{};      ///< of an Acquire that is granted: the same for all of its locks

    friend bool operator==(const Reply&, const Reply&) = default;
};

/// What happened to a session other than in reply to its own command. May be lost on its way;
/// asking again with the same sequence tells as well.
struct Event {
    enum class Kind : std::uint8_t {
        granted = 1,  ///< an Acquire that waited
        asked,        ///< somebody would like the lock to be released
        forced,       ///< the lock was taken away
        expired,      ///< the session has ended
    };
    Kind kind = Kind::granted;
    SessionId session = 0;
    Sequence sequence = 0;  ///< of the Acquire
    Token token{};
    std::string lock{};  ///< asked, forced

    friend bool operator==(const Event&, const Event&) = default;
};

}  // namespace attune::inline ATTUNE_ABI::quorum
