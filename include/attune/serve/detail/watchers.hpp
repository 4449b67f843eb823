#pragma once

#include <attune/net/http_server.hpp>
#include <attune/serve/detail/resource_table.hpp>
#include <attune/version.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>

namespace attune::inline ATTUNE_ABI::detail {

/// The requests that are held until their resource changes, or their time is over. One thread at a
/// time. An answer may bring the next request before it returns.
class Watchers {
public:
    using TimePoint = std::chrono::steady_clock::time_point;
    /// Is told the status of each answer.
    using Answered = std::function<void(unsigned status)>;  ///< must not throw

    ATTUNE_DECL Watchers(ResourceTable& table, Answered answered);
    Watchers(const Watchers&) = delete;
    Watchers& operator=(const Watchers&) = delete;
    /// Nobody is answered any more.
    ATTUNE_DECL ~Watchers();

    /// Any thread.
    std::size_t size() const noexcept { return size_.load(std::memory_order_relaxed); }

    /// Holds a request, for `wait` seconds less up to a sixteenth.
    ATTUNE_DECL void hold(std::unique_ptr<Watcher> watcher, TimePoint now);

    /// The representation of the group is another one: answers whoever does not have it. What it
    /// throws leaves those who are not answered yet where they were, and the group untold.
    ATTUNE_DECL void changed(const ResourceTable::GroupPtr& group);

    /// When the first has waited for long enough.
    ATTUNE_DECL std::optional<TimePoint> next_deadline() const;
    /// Answers those who have waited for long enough. `refresh` brings their group up to date first
    /// and tells whether it has changed.
    ATTUNE_DECL void expire(TimePoint now, const std::function<bool(ResourceGroup&)>& refresh);
    /// Answers everybody. Does not throw.
    ATTUNE_DECL void drain();

private:
    struct Sooner {
        bool operator()(const Watcher& a, const Watcher& b) const noexcept {
            return a.deadline < b.deadline;
        }
    };
    using Deadlines = boost::intrusive::multiset<Watcher, boost::intrusive::compare<Sooner>,
                                                 boost::intrusive::constant_time_size<false>>;

    void answer(Watcher& watcher, bool unchanged);
    void drop(Watcher& watcher);

    ResourceTable& table_;
    const Answered answered_;
    Deadlines deadlines_;
    std::atomic<std::size_t> size_ = 0;
    std::minstd_rand random_;  // spreads load, keeps no secret
};

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/serve/impl/watchers.ipp>
#endif
