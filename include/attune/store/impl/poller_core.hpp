#pragma once

#include <attune/store/poller.hpp>
#include <attune/version.hpp>

#include <condition_variable>
#include <cstdint>
#include <ctime>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <unistd.h>

namespace attune::inline ATTUNE_ABI::detail {

/// What the thread, the poller and its registrations share.
class PollerCore {
public:
    using Clock = Poller::Clock;

    static constexpr Clock::time_point never = PollerJob::never;

    PollerCore() = default;
    PollerCore(const PollerCore&) = delete;
    PollerCore& operator=(const PollerCore&) = delete;
    ~PollerCore() {
        if (wake_fd_ >= 0) {
            ::close(wake_fd_);
        }
    }

    /// The new entry's id; 0 when the poller is gone.
    ATTUNE_DECL static std::uint64_t add(const std::shared_ptr<PollerCore>& core, int fd,
                                         std::unique_ptr<PollerJob> job);
    ATTUNE_DECL static void post(const std::shared_ptr<PollerCore>& core,
                                 std::unique_ptr<PollerJob> job);

    /// Waits. Gives the entry for the caller to destroy: its callback may own anything.
    ATTUNE_DECL std::shared_ptr<PollerJob> remove(std::uint64_t id) noexcept;
    ATTUNE_DECL void arm(std::uint64_t id, Clock::time_point when) noexcept;
    ATTUNE_DECL void stop() noexcept;
    ATTUNE_DECL bool on_thread() noexcept;
    /// The living service of that key; when there is none, `made`, which may be null.
    ATTUNE_DECL std::shared_ptr<void> service(const void* key, std::shared_ptr<void> made);

private:
    using Lock = std::unique_lock<std::mutex>;
    using Entries = std::vector<std::shared_ptr<PollerJob>>;

    struct Service {
        const void* key;
        std::weak_ptr<void> object;
    };

    ATTUNE_DECL static void start(const std::shared_ptr<PollerCore>& core);
    ATTUNE_DECL void run() noexcept;
    ATTUNE_DECL void round(Lock& lock);
    ATTUNE_DECL void run_posted(Lock& lock);
    ATTUNE_DECL void run_due(Lock& lock, Clock::time_point now);
    ATTUNE_DECL void call(Lock& lock, std::shared_ptr<PollerJob> entry) noexcept;
    ATTUNE_DECL std::shared_ptr<PollerJob> find(std::uint64_t id) const noexcept;
    ATTUNE_DECL std::shared_ptr<PollerJob> first_due() const noexcept;
    ATTUNE_DECL timespec time_left() const noexcept;
    ATTUNE_DECL void wake() noexcept;

    std::mutex mutex_;
    std::condition_variable returned_;  // a callback has returned
    // Ordered by age, so that equal moments and ready descriptors are served in that order.
    Entries entries_;
    Entries posted_;
    std::vector<Service> services_;
    std::uint64_t last_id_ = 0;
    std::uint64_t running_ = 0;  // the entry whose callback runs; 0: none, or a posted one
    int wake_fd_ = -1;
    bool polling_ = false;  // the thread may be asleep
    bool stopping_ = false;
    bool ending_ = false;  // the last callbacks are being destroyed
    std::thread thread_;
    std::thread::id thread_id_;
};

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/store/impl/poller_core.ipp>
#endif
