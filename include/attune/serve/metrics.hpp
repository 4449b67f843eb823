#pragma once

#include <attune/version.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

/// What a server counts. Any thread reads; one writes.
struct ServeCounters {
    std::array<std::atomic<std::uint64_t>, 600> responses{};  ///< by status
    std::atomic<std::uint64_t> held{};                        ///< requests that had to wait
    std::atomic<std::uint64_t> writes{};                      ///< that the store has accepted
    std::atomic<std::uint64_t> refused_writes{};              ///< by the store
    std::atomic<std::uint64_t> conflicts{};  ///< writes whose condition did not hold
    std::atomic<std::uint64_t> reports{};    ///< of clients

    void count(unsigned status) noexcept {
        responses[status < responses.size() ? status : 0].fetch_add(1, std::memory_order_relaxed);
    }
};

/// A page of metrics in Prometheus' text format, version 0.0.4.
class MetricsPage {
public:
    using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

    /// Begins a metric; its samples follow.
    ATTUNE_DECL void metric(std::string_view name, std::string_view type, std::string_view help);
    ATTUNE_DECL void sample(Labels labels, double value);
    /// A metric with one sample.
    void gauge(std::string_view name, std::string_view help, double value) {
        metric(name, "gauge", help);
        sample({}, value);
    }
    void counter(std::string_view name, std::string_view help, double value) {
        metric(name, "counter", help);
        sample({}, value);
    }

    std::string take() noexcept { return std::move(text_); }

private:
    std::string text_;
    std::string name_;
};

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/serve/impl/metrics.ipp>
#endif
