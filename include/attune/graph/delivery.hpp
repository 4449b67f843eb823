#pragma once

#include <attune/fwd.hpp>
#include <attune/graph/call_watch.hpp>
#include <attune/graph/executor.hpp>
#include <attune/graph/notifier.hpp>
#include <attune/graph/observer_name.hpp>
#include <attune/graph/publication_bell.hpp>
#include <attune/graph/turn.hpp>
#include <attune/version.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI {

/// How far an observer is behind.
struct Lag {
    std::size_t waiting = 0;    ///< changes it will be told of and has not begun with
    std::uint64_t dropped = 0;  ///< changes that were merged into later ones: its queue was full

    friend bool operator==(const Lag&, const Lag&) = default;
};

namespace detail {

/// What a store and its observers share: the thread they run on, which versions still have
/// observers to be told, who waits for versions, and where observers in trouble are reported.
/// Outlives the store while an observer runs.
class DeliveryHub {
public:
    using OnThrow = std::function<void(const ObserverName&, const std::exception_ptr&)>;

    /// Something to be told of an observer that has not thrown.
    struct Notice {
        ObserverName observer;
        std::string text;
    };

    Notifier& notifier() noexcept { return notifier_; }
    PublicationBell& bell() noexcept { return bell_; }
    CallWatch& calls() noexcept { return calls_; }

    /// The deliveries of one version that are owed. Whoever has a share may use it.
    class Debt {
    public:
        explicit Debt(Version owed) noexcept : version_(owed) {}

    private:
        friend class DeliveryHub;
        const Version version_;
        std::atomic<std::size_t> shares_{0};
    };

    /// Takes `shares` in the debt of `version`: so many deliveries of it are owed.
    ATTUNE_DECL Debt& open(Version version, std::size_t shares = 1);
    /// They were made. One atomic operation but for the last.
    void close(Debt& debt, std::size_t shares = 1) noexcept {
        const Version version = debt.version_;  // without a share, the debt may be gone
        if (debt.shares_.fetch_sub(shares, std::memory_order_acq_rel) == shares) {
            close_last(version);
        }
    }
    /// Waits until no observer owes a version up to `version`. False when the time is over first.
    ATTUNE_DECL bool settle(Version version, std::chrono::steady_clock::time_point deadline);

    /// Waits until `left`, which may take the lock of a turn, says that whatever went on in a
    /// turn that has ended is over; wake makes it look again.
    template <class Left>
    void await(Left&& left) noexcept {
        std::unique_lock lock{mutex_};
        idle_.wait(lock, left);
    }
    ATTUNE_DECL void wake() noexcept;

    /// Who is told of what an observer throws; null for nobody.
    ATTUNE_DECL void on_throw(OnThrow told) noexcept;
    ATTUNE_DECL void report(const ObserverName& observer,
                            const std::exception_ptr& thrown) noexcept;

    /// Leaves a notice for whoever publishes next. May be called under the commit mutex.
    ATTUNE_DECL void notice(const ObserverName& observer, std::string text) noexcept;
    /// All notices since the last call; one atomic load when there are none.
    std::vector<Notice> take_notices() {
        return noticed_.load(std::memory_order_relaxed) ? take_all_notices()
                                                        : std::vector<Notice>{};
    }

    /// A change was merged into a later one; counted for the status of the store.
    void count_dropped() noexcept { dropped_.fetch_add(1, std::memory_order_relaxed); }
    std::uint64_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }

private:
    ATTUNE_DECL void close_last(Version version) noexcept;
    ATTUNE_DECL std::vector<Notice> take_all_notices();

    Notifier notifier_;
    PublicationBell bell_;
    CallWatch calls_;
    std::mutex mutex_;
    std::condition_variable settled_;
    std::condition_variable idle_;
    std::map<Version, Debt> owed_;
    std::mutex report_mutex_;
    OnThrow on_throw_;
    std::vector<Notice> notices_;
    std::atomic<bool> noticed_{false};
    std::atomic<std::uint64_t> dropped_{0};
};

/// One subscription's side of the delivery: at most one call at a time, in version order, none
/// after the end.
///
/// The store offers items under its commit mutex, which fixes their order, and dispatches after
/// it has let go of it. What an item is, and whether a newer one replaces an older one, is the
/// derived class's business.
class Delivery : public std::enable_shared_from_this<Delivery> {
public:
    ATTUNE_DECL Delivery(std::shared_ptr<DeliveryHub> hub, Executor executor, ObserverName name);
    virtual ~Delivery() = default;
    Delivery(const Delivery&) = delete;
    Delivery& operator=(const Delivery&) = delete;

    /// Ends the subscription: no call begins after this, and the executor is let go. From another
    /// thread it waits for a running call, and for work that is being given to the executor; from
    /// inside the call it does not.
    ATTUNE_DECL void cancel() noexcept;
    bool cancelled() const noexcept { return turn_.is(Turn::ended); }
    /// Cancelled, and not inside its last call any more.
    bool over() const noexcept { return turn_.over(); }

    ATTUNE_DECL Lag lag() const noexcept;

    /// Hands the waiting item to the executor. Call outside every lock, after an offer that
    /// returned true. The executor gets no share in this object: work that is never run keeps
    /// nothing alive.
    ATTUNE_DECL void dispatch();

    /// Delivers the first item on the calling thread, in place of dispatch. What the observer
    /// throws ends the subscription and leaves this function.
    ATTUNE_DECL void deliver_first();

protected:
    using Debt = DeliveryHub::Debt;

    /// Puts an item in with `store`, under the lock. True when dispatch is due; then a share in
    /// `debt`, which is that of the item's version, has become this object's.
    template <class Store>
    bool offer(Debt& debt, Store&& store) {
        Turn::Held turn{turn_};
        if (turn.is(Turn::ended)) {
            return false;
        }
        store();
        if (turn.is(Turn::scheduled)) {
            turn.set(Turn::more);
            return false;
        }
        turn.set(Turn::scheduled);
        owed_ = &debt;
        return true;
    }
    template <class Store>
    bool offer(Version version, Store&& store) {
        Debt& debt = hub_->open(version);
        const bool due = offer(debt, std::forward<Store>(store));
        if (!due) {
            hub_->close(debt);
        }
        return due;
    }

    /// Under the lock: takes the next item out for call(); false when there is none to deliver.
    virtual bool take() = 0;
    /// Under the lock: the version of the oldest item that waits, if one does.
    virtual std::optional<Version> waiting() const noexcept = 0;
    /// Under the lock.
    virtual Lag count_waiting() const noexcept { return {.waiting = waiting() ? 1U : 0U}; }
    /// Outside the lock, once, after the end: destroys all items and the callback.
    virtual void drop() noexcept = 0;
    /// The user's code, outside the lock.
    virtual void call() = 0;

    DeliveryHub& hub() const noexcept { return *hub_; }
    const ObserverName& name() const noexcept { return name_; }

private:
    /// Where the calls are made.
    enum class Place : std::uint8_t { inline_here, notifier, executor };

    /// A thread that is inside the executor's execute; on that thread's stack.
    struct HandingOver {
        std::thread::id thread;
        HandingOver* other;
    };

    static Place place_of(const Executor& executor) noexcept;
    void run() noexcept;
    std::function<void()> work();
    void hand_over();
    /// Under the lock.
    bool handing_over_elsewhere() const noexcept;
    /// Under the lock: the executor, once nothing will use it any more. To be destroyed outside.
    Executor spent_executor(const Turn::Held& turn) noexcept;
    /// One item; true when another waits.
    bool step(std::exception_ptr* thrown);
    bool end_step(Debt* paid);
    void pay(Debt* debt) noexcept {
        if (debt != nullptr) {
            hub_->close(*debt);
        }
    }

    // What each delivery needs comes last, next to what derived classes add.
    const Place place_;
    Executor executor_;
    HandingOver* handing_over_ = nullptr;
    const ObserverName name_;
    const std::shared_ptr<DeliveryHub> hub_;
    mutable Turn turn_;
    Debt* owed_ = nullptr;  // what settle waits for
};

}  // namespace detail

}  // namespace attune::inline ATTUNE_ABI

#if ATTUNE_HEADER_ONLY
#include <attune/graph/impl/delivery.ipp>
#endif
