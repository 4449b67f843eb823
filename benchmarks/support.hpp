#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <benchmark/benchmark.h>

namespace bench {

using Clock = std::chrono::steady_clock;

/// How often this thread has called operator new.
std::uint64_t allocations() noexcept;

/// Nanoseconds of CPU that this thread has had.
double thread_cpu_ns() noexcept;

/// Bytes that malloc has given out and not got back.
std::size_t heap_bytes() noexcept;

/// Times of single operations, where the distribution is of interest and not only the mean.
class Durations {
public:
    void add(Clock::duration duration) { nanoseconds_.push_back(to_double(duration)); }

    template <class F>
    void measure(F&& f) {
        const auto begin = Clock::now();
        f();
        add(Clock::now() - begin);
    }

    /// Puts `p50_us` and `p99_us` among the counters of a benchmark.
    void report(benchmark::State& state);

private:
    static double to_double(Clock::duration duration) {
        return std::chrono::duration<double, std::nano>(duration).count();
    }
    double percentile(double share) const;

    std::vector<double> nanoseconds_;
};

/// Moves this thread to one of the cores that the process may use, counted from 0, and keeps it
/// there. Where the scheduler puts a thread that is woken, on the core of the one who wakes it or
/// on another one, decides what that costs; so that must be the same in all that are compared.
void stay_on_core(std::size_t number) noexcept;

/// Keeps this thread on the first core, and lets it go where it could before.
class OnFirstCore {
public:
    OnFirstCore() noexcept;
    OnFirstCore(const OnFirstCore&) = delete;
    OnFirstCore& operator=(const OnFirstCore&) = delete;
    ~OnFirstCore();
};

/// When a number has come to another thread: told there, awaited here. Who awaits spins, so that
/// nothing but the way there is measured.
class Arrival {
public:
    void came(std::uint64_t number) noexcept {
        at_ = Clock::now();
        number_.store(number, std::memory_order_release);
    }
    /// Numbers must be awaited one by one: `at_` may not be written while it is read here.
    Clock::time_point of(std::uint64_t number) const noexcept {
        while (number_.load(std::memory_order_acquire) != number) {
        }
        return at_;
    }

private:
    Clock::time_point at_{};
    std::atomic<std::uint64_t> number_{0};
};

/// Calls a function once per period on a thread of its own, or as often as it can where that takes
/// longer. Spins in between: a sleep would overrun the period.
class Writer {
public:
    Writer(std::chrono::microseconds period, std::function<void()> write);
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;
    ~Writer();

    /// Microseconds from one call to the next, so far.
    double period_us() const;

private:
    const Clock::time_point begin_ = Clock::now();
    std::atomic<std::uint64_t> writes_{0};
    std::jthread thread_;
};

/// A new folder that is removed with everything in it.
class Folder {
public:
    Folder();
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder();

    std::filesystem::path operator/(std::string_view name) const { return path_ / name; }
    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

/// Writes a file beside `path` and renames it into place, as editors do.
void save(const std::filesystem::path& path, std::string_view text);

/// The bytes of a file.
std::string load(const std::filesystem::path& path);

}  // namespace bench
