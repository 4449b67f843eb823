#include "support.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>

#include <malloc.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>

namespace {

constinit thread_local std::uint64_t allocation_count = 0;

void* allocate(std::size_t size, std::size_t alignment) {
    ++allocation_count;
    void* const memory =
        alignment <= __STDCPP_DEFAULT_NEW_ALIGNMENT__
            ? std::malloc(size)
            : std::aligned_alloc(alignment, (size + alignment - 1) & ~(alignment - 1));
    if (memory == nullptr) {
        throw std::bad_alloc{};
    }
    return memory;
}

/// Those of the thread that asks first, which must not have been moved yet.
const cpu_set_t& allowed_cores() noexcept {
    static const cpu_set_t cores = [] {
        cpu_set_t set;
        CPU_ZERO(&set);
        sched_getaffinity(0, sizeof set, &set);
        return set;
    }();
    return cores;
}

}  // namespace

// The other forms call these.
void* operator new(std::size_t size) { return allocate(size, 1); }
void* operator new(std::size_t size, std::align_val_t alignment) {
    return allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace bench {

std::uint64_t allocations() noexcept { return allocation_count; }

double thread_cpu_ns() noexcept {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

std::size_t heap_bytes() noexcept {
    const auto info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

void stay_on_core(std::size_t number) noexcept {
    const cpu_set_t& allowed = allowed_cores();
    const auto count = static_cast<std::size_t>(CPU_COUNT(&allowed));
    std::size_t left = count == 0 ? 0 : number % count;
    for (std::size_t core = 0; core != CPU_SETSIZE; ++core) {
        if (CPU_ISSET(core, &allowed) && left-- == 0) {
            cpu_set_t only;
            CPU_ZERO(&only);
            CPU_SET(core, &only);
            sched_setaffinity(0, sizeof only, &only);
            return;
        }
    }
}

OnFirstCore::OnFirstCore() noexcept { stay_on_core(0); }

OnFirstCore::~OnFirstCore() { sched_setaffinity(0, sizeof(cpu_set_t), &allowed_cores()); }

double Durations::percentile(double share) const {
    const auto index =
        static_cast<std::size_t>(std::ceil(share * static_cast<double>(nanoseconds_.size())));
    return nanoseconds_.at(index == 0 ? 0 : index - 1);
}

void Durations::report(benchmark::State& state) {
    if (nanoseconds_.empty()) {
        return;
    }
    std::sort(nanoseconds_.begin(), nanoseconds_.end());
    state.counters["p50_us"] = percentile(0.50) / 1e3;
    state.counters["p99_us"] = percentile(0.99) / 1e3;
}

Writer::Writer(std::chrono::microseconds period, std::function<void()> write)
    : thread_([this, period, write = std::move(write)](const std::stop_token& stop) {
          auto due = Clock::now();
          while (!stop.stop_requested()) {
              if (Clock::now() < due) {
                  continue;
              }
              due += period;  // a late call is made up for, so that the period holds on average
              write();
              writes_.fetch_add(1, std::memory_order_relaxed);
          }
      }) {}

Writer::~Writer() = default;

double Writer::period_us() const {
    const std::chrono::duration<double, std::micro> elapsed = Clock::now() - begin_;
    const auto writes = writes_.load(std::memory_order_relaxed);
    return elapsed.count() / static_cast<double>(std::max<std::uint64_t>(writes, 1));
}

Folder::Folder() {
    auto name = (std::filesystem::temp_directory_path() / "attune-bench-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) {
        throw std::runtime_error{"no temporary folder: " + name};
    }
    path_ = name;
}

Folder::~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

void save(const std::filesystem::path& path, std::string_view text) {
    auto beside = path;
    beside += "~";
    {
        std::ofstream out{beside, std::ios::binary};
        out.write(text.data(), static_cast<std::streamsize>(text.size()));
        if (!out.flush()) {
            throw std::runtime_error{"cannot write " + beside.string()};
        }
    }
    std::filesystem::rename(beside, path);
}

std::string load(const std::filesystem::path& path) {
    std::ifstream in{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
}

}  // namespace bench
