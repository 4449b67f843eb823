#pragma once

#include <attune/version.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

namespace attune::inline ATTUNE_ABI {

namespace detail {

class PollerCore;

/// A callback, and what it waits for: a descriptor, a moment, or just its turn.
struct PollerJob {
    using TimePoint = std::chrono::steady_clock::time_point;

    static constexpr TimePoint never = TimePoint::max();

    PollerJob() = default;
    PollerJob(const PollerJob&) = delete;
    PollerJob& operator=(const PollerJob&) = delete;
    virtual ~PollerJob() = default;
    virtual void run() = 0;

    std::uint64_t id = 0;     // of the registration; 0: posted
    int fd = -1;              // -1: no descriptor
    TimePoint armed = never;  // timers only
    bool due = false;         // armed for a moment that has passed
};

template <class F>
struct PollerJobOf final : PollerJob {
    template <class G>
    explicit PollerJobOf(G&& g) : f(std::forward<G>(g)) {}
    void run() override { f(); }
    F f;
};

template <class F>
std::unique_ptr<PollerJob> make_poller_job(F&& f) {
    // Not std::make_unique: it would bring a second pointer class for each F.
    return std::unique_ptr<PollerJob>(new PollerJobOf<std::decay_t<F>>(std::forward<F>(f)));
}

/// Its address stands for the type.
template <class S>
inline constexpr char poller_service_key = 0;

}  // namespace detail

/// One background thread for file descriptors and timers, started on first use.
///
/// Callbacks run on that thread, one at a time and never under a lock. What a callback throws is
/// dropped: whoever registers it reports its own errors. All functions may be called from any
/// thread, callbacks included. Meant for tens of registrations: each wake-up looks at all of them.
///
/// Destroying the poller ends the thread after the callback it is in and waits for that, unless it
/// is destroyed on the thread itself, which then ends by itself. Registrations may outlive the
/// poller; they are never called again.
class Poller {
public:
    using Clock = std::chrono::steady_clock;

    /// Ends a registration when it is destroyed or reset. The callback is never called afterwards,
    /// and is destroyed. A call that is running is waited for, except from the poller's own thread:
    /// do not hold a lock the callback takes. Until then the callback may use the registration.
    class Registration {
    public:
        Registration() noexcept = default;
        ATTUNE_DECL Registration(Registration&& other) noexcept;
        ATTUNE_DECL Registration& operator=(Registration&& other) noexcept;
        ATTUNE_DECL ~Registration();

        ATTUNE_DECL void reset() noexcept;

        /// Whether there is something to end.
        explicit operator bool() const noexcept { return core_ != nullptr; }

    protected:
        friend class Poller;
        ATTUNE_DECL Registration(std::shared_ptr<detail::PollerCore> core,
                                 std::uint64_t id) noexcept;

        std::shared_ptr<detail::PollerCore> core_;
        std::uint64_t id_ = 0;
    };

    /// A callback for a moment, armed as often as needed. It is called once per arming.
    class Timer : public Registration {
    public:
        Timer() noexcept = default;

        /// Calls at `when`, or at once when that has passed; replaces an earlier arming. Never
        /// waits. Timers that are due together are called in the order of their moments.
        ATTUNE_DECL void arm(Clock::time_point when) noexcept;
        void arm_after(Clock::duration delay) noexcept { arm(Clock::now() + delay); }

        /// Takes the arming back. Never waits: a call may just be starting.
        ATTUNE_DECL void disarm() noexcept;

    private:
        friend class Poller;
        using Registration::Registration;
    };

    ATTUNE_DECL Poller();
    Poller(const Poller&) = delete;
    Poller& operator=(const Poller&) = delete;
    ATTUNE_DECL ~Poller();

    /// Calls `f()` whenever `fd` is readable, has failed or was hung up, again and again until the
    /// cause is gone. End the registration before closing the descriptor. Throws std::system_error
    /// when the thread cannot be started, like all functions here that need it.
    template <class F>
    [[nodiscard]] Registration watch(int fd, F&& f) {
        return add_watch(fd, detail::make_poller_job(std::forward<F>(f)));
    }

    /// A timer that calls `f()`, not yet armed.
    template <class F>
    [[nodiscard]] Timer timer(F&& f) {
        return add_timer(detail::make_poller_job(std::forward<F>(f)));
    }

    /// A timer that calls `f()` once after `delay`.
    template <class F>
    [[nodiscard]] Timer after(Clock::duration delay, F&& f) {
        Timer armed = timer(std::forward<F>(f));
        armed.arm_after(delay);
        return armed;
    }

    /// Calls `f()` once on the thread, in the order of posting. What has not been called when the
    /// poller is destroyed is dropped.
    template <class F>
    void post(F&& f) {
        add_post(detail::make_poller_job(std::forward<F>(f)));
    }

    /// Whether the caller runs on the poller's thread, that is, inside a callback.
    ATTUNE_DECL bool on_thread() const noexcept;

    /// The S of this poller: shared by everybody who asks for it, made by `S(Poller&)` for the
    /// first, gone with the last who holds it.
    template <class S>
    std::shared_ptr<S> service() {
        return std::static_pointer_cast<S>(
            find_service(&detail::poller_service_key<S>,
                         [](Poller& poller) { return std::shared_ptr<void>(new S(poller)); }));
    }

private:
    ATTUNE_DECL Registration add_watch(int fd, std::unique_ptr<detail::PollerJob> job);
    ATTUNE_DECL Timer add_timer(std::unique_ptr<detail::PollerJob> job);
    ATTUNE_DECL void add_post(std::unique_ptr<detail::PollerJob> job);
    ATTUNE_DECL std::shared_ptr<void> find_service(const void* key,
                                                   std::shared_ptr<void> (*make)(Poller&));

    const std::shared_ptr<detail::PollerCore> core_;
};

}  // namespace attune::inline ATTUNE_ABI

#if ATTUNE_HEADER_ONLY
#include <attune/store/impl/poller.ipp>
#endif
