#pragma once

#include <attune/quorum/raft/entry.hpp>
#include <attune/version.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace attune::inline ATTUNE_ABI::quorum::detail {

/// When writes were asked for that are not durable yet. Those that are close to each other count as
/// one, from the first of them, so that there are few.
class PendingWrites {
public:
    void add(std::uint64_t number, raft::Instant now, raft::Instant grain) noexcept {
        if (count_ != 0) {
            Group& last = groups_[count_ - 1];
            if (now - last.since < grain || count_ == groups_.size()) {
                last.last = number;
                return;
            }
        }
        groups_[count_++] = {number, now};
    }
    void stored(std::uint64_t number) noexcept {
        std::size_t done = 0;
        while (done != count_ && groups_[done].last <= number) {
            ++done;
        }
        for (std::size_t i = done; i != count_; ++i) {
            groups_[i - done] = groups_[i];
        }
        count_ -= done;
    }
    /// Of the oldest.
    std::optional<raft::Instant> since() const noexcept {
        return count_ == 0 ? std::nullopt : std::optional{groups_[0].since};
    }

private:
    struct Group {
        std::uint64_t last = 0;
        raft::Instant since{};
    };
    std::array<Group, 32> groups_{};
    std::size_t count_ = 0;
};

/// When the latest rounds of heartbeats began.
class RoundTimes {
public:
    void begin(std::uint64_t round, raft::Instant now) noexcept {
        rounds_[round % rounds_.size()] = {round, now};
    }
    /// Nothing when that is long ago.
    std::optional<raft::Instant> of(std::uint64_t round) const noexcept {
        const Round& found = rounds_[round % rounds_.size()];
        return found.number == round ? std::optional{found.began} : std::nullopt;
    }

private:
    struct Round {
        std::uint64_t number = 0;
        raft::Instant began{};
    };
    std::array<Round, 64> rounds_{};
};

}  // namespace attune::inline ATTUNE_ABI::quorum::detail
