#pragma once

#include "sim/random.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace attune_sim {

/// What happened, how often: a run without faults has shown nothing.
enum class Count : std::uint8_t {
    events,
    messages,
    elections,
    crashes,
    restarts,
    partitions,
    clogs,
    pauses,
    clock_changes,
    disk_faults,
    damages,
    refusals,
    foreign_frames,
    damaged_frames,
    snapshots,
    installs,
    transfers,
    sessions,
    expiries,
    grants,
    cancels,
    releases,
    forced,
    deadlocks,
    reads,
    repeated,
    unknown,
    count,
};

constexpr std::array<std::string_view, static_cast<std::size_t>(Count::count)> count_names = {
    "events",         "messages",       "elections",     "crashes",     "restarts",  "partitions",
    "clogs",          "pauses",         "clock_changes", "disk_faults", "damages",   "refusals",
    "foreign_frames", "damaged_frames", "snapshots",     "installs",    "transfers", "sessions",
    "expiries",       "grants",         "cancels",       "releases",    "forced",    "deadlocks",
    "reads",          "repeated",       "unknown"};

class Statistics {
public:
    void add(Count what, std::uint64_t many = 1) noexcept {
        counts_[static_cast<std::size_t>(what)] += many;
    }
    std::uint64_t operator[](Count what) const noexcept {
        return counts_[static_cast<std::size_t>(what)];
    }

    Statistics& operator+=(const Statistics& other) noexcept {
        for (std::size_t i = 0; i != counts_.size(); ++i) {
            counts_[i] += other.counts_[i];
        }
        time += other.time;
        return *this;
    }

    /// The first of all that happened less than `least` times; empty: there is none.
    std::string_view rarest(std::uint64_t least) const noexcept {
        for (std::size_t i = 0; i != counts_.size(); ++i) {
            if (counts_[i] < least) {
                return count_names[i];
            }
        }
        return {};
    }

    std::string text() const {
        std::string text = "simulated_seconds " + std::to_string(time.count() / 1'000'000'000);
        for (std::size_t i = 0; i != counts_.size(); ++i) {
            text += ", " + std::string(count_names[i]) + ' ' + std::to_string(counts_[i]);
        }
        return text;
    }

    Time time{};

private:
    std::array<std::uint64_t, static_cast<std::size_t>(Count::count)> counts_{};
};

}  // namespace attune_sim
