#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace attune_sim {

using Time = std::chrono::nanoseconds;

/// xoshiro256** of Blackman and Vigna, seeded by splitmix64: the same numbers everywhere, which the
/// distributions of the standard library do not promise.
class Random {
public:
    explicit constexpr Random(std::uint64_t seed) noexcept {
        for (std::uint64_t& word : state_) {
            seed += 0x9e3779b97f4a7c15;
            word = mix(seed);
        }
    }

    static constexpr std::uint64_t mix(std::uint64_t x) noexcept {
        x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
        x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
        return x ^ (x >> 31);
    }

    constexpr std::uint64_t next() noexcept {
        const std::uint64_t result = turned(state_[1] * 5, 7) * 9;
        const std::uint64_t shifted = state_[1] << 17;
        state_[2] ^= state_[0];
        state_[3] ^= state_[1];
        state_[1] ^= state_[2];
        state_[0] ^= state_[3];
        state_[2] ^= shifted;
        state_[3] = turned(state_[3], 45);
        return result;
    }

    /// Less than `count`, which is at least 1.
    constexpr std::size_t below(std::size_t count) noexcept { return next() % count; }
    /// Both ends included.
    template <class T>
    constexpr T between(T least, T most) noexcept {
        return static_cast<T>(
            least + static_cast<T>(next() % static_cast<std::uint64_t>(most - least + T{1})));
    }
    constexpr Time between(Time least, Time most) noexcept {
        return Time{between(least.count(), most.count())};
    }
    /// In so many of a thousand cases.
    constexpr bool chance(unsigned of_thousand) noexcept { return next() % 1000 < of_thousand; }
    template <class Range>
    constexpr auto& one_of(Range& range) noexcept {
        return range[below(range.size())];
    }

    /// Numbers of its own, so that what one part uses up does not change what others get.
    constexpr Random fork() noexcept { return Random(next()); }

private:
    static constexpr std::uint64_t turned(std::uint64_t x, int by) noexcept {
        return (x << by) | (x >> (64 - by));
    }

    std::uint64_t state_[4]{};
};

}  // namespace attune_sim
