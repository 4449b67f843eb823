#pragma once

#include "gateway.hpp"

#include <atomic>
#include <cstdint>
#include <deque>
#include <string>
#include <thread>

namespace demo {

/// Threads that do nothing but read, and check that what they read belongs together: the router
/// they look at must lead to a service that exists in the same version, and its priority must be
/// the weight of that service's first server, because every edit changes all three at once.
class Readers {
public:
    struct Totals {
        std::uint64_t reads = 0;  ///< of one handle
        std::uint64_t views = 0;  ///< of two handles, checked against each other
        std::uint64_t torn = 0;   ///< views that did not belong together
        double seconds = 0;
    };

    Readers(const Gateway& gateway, std::string router, unsigned threads);
    ~Readers();
    Readers(const Readers&) = delete;
    Readers& operator=(const Readers&) = delete;

    unsigned threads() const noexcept { return static_cast<unsigned>(threads_.size()); }
    Totals totals() const;

private:
    struct alignas(64) Counters {
        std::atomic<std::uint64_t> reads{0};
        std::atomic<std::uint64_t> views{0};
        std::atomic<std::uint64_t> torn{0};
        std::atomic<std::size_t> seen{0};  // so that no read is left out as useless
    };

    void read_until_stopped(Counters& counters) const;

    const Gateway& gateway_;
    const std::string router_;
    const Clock::time_point start_ = Clock::now();
    std::atomic<bool> stop_{false};
    std::deque<Counters> counters_;
    std::deque<std::thread> threads_;
};

/// Whether router and service, taken from one version, belong together.
bool belong_together(const traefik::Routers& routers, const traefik::Services& services,
                     const std::string& router);

}  // namespace demo
