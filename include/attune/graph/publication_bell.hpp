#pragma once

#include <attune/version.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

/// Wakes the threads that wait for something to be published, and tells whoever listens. Nobody
/// there costs a publication one atomic load.
class PublicationBell {
public:
    /// After the publication's seq_cst store, under no lock.
    void ring() noexcept {
        if (waiting_.load(std::memory_order_seq_cst) != 0) {
            ring_all();
        }
    }

    /// Calls `heard` after each publication, on the thread that published, under no lock: it must
    /// be quick and must not throw. No call begins after the token is gone; one may be running.
    [[nodiscard]] ATTUNE_DECL std::shared_ptr<void> listen(std::function<void()> heard);

    /// Sends everybody away, for good.
    ATTUNE_DECL void close() noexcept;

    /// Evaluates `check` now and after each publication, on this thread, until it is true, the time
    /// is over or the bell is closed; returns its last verdict. Publications that come while
    /// `check` runs are followed by one more evaluation.
    ATTUNE_DECL bool wait(std::chrono::steady_clock::time_point deadline,
                          const std::function<bool()>& check);

private:
    ATTUNE_DECL void ring_all() noexcept;

    using Listener = std::function<void()>;

    std::atomic<std::uint32_t> waiting_{0};  // listeners too, until a ring finds them gone
    std::mutex mutex_;
    std::condition_variable rung_;
    std::uint64_t rings_ = 0;
    bool closed_ = false;
    std::vector<std::weak_ptr<Listener>> listeners_;
};

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/graph/impl/publication_bell.ipp>
#endif
