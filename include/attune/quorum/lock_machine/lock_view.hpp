#pragma once

#include <attune/quorum/lock_machine/command.hpp>
#include <attune/quorum/token.hpp>
#include <attune/version.hpp>

#include <chrono>
#include <cstdint>
#include <string>
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
    std::vector<Holder> holders{};  ///< by token
    std::vector<Waiter> waiters{};  ///< in their order
    /// Cluster time before which nobody gets it. Zero: there is no delay.
    std::chrono::milliseconds free_from{};
    /// No exclusive grant of this lock so far has a higher one. Never goes back: a lock that nobody
    /// has, awaits or has just lost is forgotten, and begins with the highest of all such locks.
    Token highest{};
    std::string value{};  ///< published

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

}  // namespace attune::inline ATTUNE_ABI::quorum
