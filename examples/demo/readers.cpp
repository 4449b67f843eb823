#include "readers.hpp"

#include <utility>

namespace demo {

bool belong_together(const traefik::Routers& routers, const traefik::Services& services,
                     const std::string& router) {
    const auto found = routers.find(router);
    if (found == routers.end()) {
        return false;
    }
    const auto service = services.find(found->second.service);
    return service != services.end() && service->second.loadBalancer &&
           !service->second.loadBalancer->servers.empty() &&
           service->second.loadBalancer->servers.front().weight == found->second.priority;
}

Readers::Readers(const Gateway& gateway, std::string router, unsigned threads)
    : gateway_{gateway}, router_{std::move(router)} {
    for (unsigned i = 0; i < threads; ++i) {
        Counters& counters = counters_.emplace_back();
        threads_.emplace_back([this, &counters] { read_until_stopped(counters); });
    }
}

Readers::~Readers() {
    stop_ = true;
    for (std::thread& thread : threads_) {
        thread.join();
    }
}

void Readers::read_until_stopped(Counters& counters) const {
    constexpr int reads_per_view = 100;
    std::uint64_t reads = 0;
    std::uint64_t views = 0;
    std::size_t seen = 0;
    while (!stop_.load(std::memory_order_relaxed)) {
        {
            const auto view = gateway_.store.view();
            if (!belong_together(view[gateway_.routers], view[gateway_.services], router_)) {
                counters.torn.fetch_add(1, std::memory_order_relaxed);
            }
        }
        for (int i = 0; i < reads_per_view; ++i) {
            const auto now = gateway_.entry_points.read();
            seen += now->size();
        }
        counters.views.store(++views, std::memory_order_relaxed);
        counters.reads.store(reads += reads_per_view, std::memory_order_relaxed);
    }
    counters.seen.store(seen, std::memory_order_relaxed);
}

Readers::Totals Readers::totals() const {
    Totals totals;
    for (const Counters& counters : counters_) {
        totals.reads += counters.reads.load(std::memory_order_relaxed);
        totals.views += counters.views.load(std::memory_order_relaxed);
        totals.torn += counters.torn.load(std::memory_order_relaxed);
    }
    totals.seconds = std::chrono::duration<double>(Clock::now() - start_).count();
    return totals;
}

}  // namespace demo
