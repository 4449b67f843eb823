#pragma once

#include <attune/version.hpp>

#include <chrono>
#include <cstddef>

namespace attune::inline ATTUNE_ABI::quorum {

/// What a LockMachine takes; beyond it, a command is Outcome::refused and changes nothing. So much,
/// and no more, can its memory grow. Part of what members agree upon: all of them have the same.
struct LockLimits {
    static constexpr std::size_t sessions = 65'536;
    static constexpr std::size_t label = 256;  ///< bytes
    static constexpr std::chrono::milliseconds least_ttl{1};
    static constexpr std::chrono::milliseconds ttl = std::chrono::hours{24};
    static constexpr std::chrono::milliseconds lock_delay = std::chrono::seconds{60};
    /// Finished commands of a session whose replies are kept: those of the highest sequences. So
    /// many a client may have on their way at once without being told Outcome::forgotten.
    static constexpr std::size_t replies = 64;
    static constexpr std::size_t requests = 1'024;  ///< of a session that wait or are granted

    static constexpr std::size_t name = 256;       ///< of a lock, in bytes; at least 1
    static constexpr std::size_t wants = 64;       ///< locks of one Acquire
    static constexpr std::size_t locks = 65'536;   ///< held, awaited or delayed
    static constexpr std::size_t waiters = 8'192;  ///< of one lock
    /// Locks of all requests that wait or are granted, each as often as it is asked for: without
    /// this bound a few clients could make a state too large to be sent as a snapshot.
    static constexpr std::size_t places = 1'048'576;
    static constexpr std::size_t published = 4'096;  ///< bytes

    static constexpr std::size_t key = 1'024;     ///< of the table, in bytes; at least 1
    static constexpr std::size_t value = 65'536;  ///< of the table, in bytes
    static constexpr std::size_t keys = 65'536;
    static constexpr std::size_t table = std::size_t{64} << 20;  ///< bytes of all keys and values
};

}  // namespace attune::inline ATTUNE_ABI::quorum
