#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <utility>

#if defined(ATTUNE_BENCH_BOOST)
#include <boost/smart_ptr/atomic_shared_ptr.hpp>
#include <boost/smart_ptr/make_shared.hpp>
#endif
#if defined(ATTUNE_BENCH_URCU)
// So that the reading side is inlined, as it is in attune.
#define _LGPL_SOURCE
#include <urcu/urcu-bp.h>
#include <urcu/urcu-memb.h>
#undef _LGPL_SOURCE
#endif

/// What a program would use instead of attune to read one value that changes. Each has `publish`,
/// for one writer, and `read`, which makes the value reachable and loads one field of it; `Thread`
/// is made once by each thread that reads.
namespace bench {

struct NoThread {};

/// The limit: a value that never changes. Publishing changes one field in place.
template <class T>
class PlainGlobal {
public:
    using Thread = NoThread;
    void publish(T value) { value_.id = value.id; }
    std::int64_t read() const { return value_.id; }

private:
    T value_;
};

/// The value behind a mutex, and a number that tells when it has changed.
template <class T>
class Numbered {
public:
    Numbered() { publish(T{}); }

    void publish(T value) {
        auto next = std::make_shared<const T>(std::move(value));
        const std::scoped_lock lock{mutex_};
        next.swap(current_);
        version_.store(version_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    }

    std::uint64_t version() const { return version_.load(std::memory_order_acquire); }

    std::shared_ptr<const T> current() const {
        const std::scoped_lock lock{mutex_};
        return current_;
    }

private:
    std::atomic<std::uint64_t> version_{0};
    mutable std::mutex mutex_;
    std::shared_ptr<const T> current_;
};

/// The baseline: each thread keeps the pointer it saw last, and looks again when the number has
/// changed. One instance per type T, so that the thread's copy is found without a search.
template <class T>
class ThreadCached : public Numbered<T> {
public:
    using Thread = NoThread;

    std::int64_t read() const {
        static thread_local struct {
            std::uint64_t version = 0;
            std::shared_ptr<const T> value;
        } seen;
        const std::uint64_t version = this->version();
        if (seen.version != version) [[unlikely]] {
            seen.value = this->current();
            seen.version = version;
        }
        return seen.value->id;
    }
};

/// The same with a bare pointer to what another object owns: nothing in it needs a constructor when
/// the thread begins, and so nothing has to be asked at each read.
template <class T>
class ThreadCachedBare : public Numbered<T> {
public:
    using Thread = NoThread;

    std::int64_t read() const {
        const std::uint64_t version = this->version();
        if (seen_version != version) [[unlikely]] {
            look_again(version);
        }
        return seen->id;
    }

private:
    [[gnu::noinline]] void look_again(std::uint64_t version) const {
        static thread_local std::shared_ptr<const T> owner;
        owner = this->current();
        seen = owner.get();
        seen_version = version;
    }

    static inline constinit thread_local std::uint64_t seen_version = 0;
    static inline constinit thread_local const T* seen = nullptr;
};

template <class T>
class StdAtomicShared {
public:
    using Thread = NoThread;
    void publish(T value) { current_.store(std::make_shared<const T>(std::move(value))); }
    std::int64_t read() const { return current_.load()->id; }

private:
    std::atomic<std::shared_ptr<const T>> current_{std::make_shared<const T>()};
};

/// A shared_ptr behind a mutex; readers copy the pointer under it.
template <class T, class Mutex, class ReadLock>
class LockedPointer {
public:
    using Thread = NoThread;

    void publish(T value) {
        auto next = std::make_shared<const T>(std::move(value));
        const std::unique_lock lock{mutex_};
        next.swap(current_);
    }

    std::int64_t read() const { return copy()->id; }

private:
    std::shared_ptr<const T> copy() const {
        const ReadLock lock{mutex_};
        return current_;
    }

    mutable Mutex mutex_;
    std::shared_ptr<const T> current_ = std::make_shared<const T>();
};

template <class T>
using MutexPointer = LockedPointer<T, std::mutex, std::unique_lock<std::mutex>>;
template <class T>
using SharedMutexPointer = LockedPointer<T, std::shared_mutex, std::shared_lock<std::shared_mutex>>;

/// A value behind a mutex; readers copy it under it.
template <class T, class Mutex, class ReadLock>
class LockedValue {
public:
    using Thread = NoThread;

    void publish(T value) {
        const std::unique_lock lock{mutex_};
        value_ = std::move(value);
    }

    std::int64_t read() const {
        const T now = copy();
        return now.id;
    }

private:
    [[gnu::noinline]] T copy() const {
        const ReadLock lock{mutex_};
        return value_;
    }

    mutable Mutex mutex_;
    T value_;
};

template <class T>
using MutexValue = LockedValue<T, std::mutex, std::unique_lock<std::mutex>>;
template <class T>
using SharedMutexValue = LockedValue<T, std::shared_mutex, std::shared_lock<std::shared_mutex>>;

#if defined(ATTUNE_BENCH_BOOST)
template <class T>
class BoostAtomicShared {
public:
    using Thread = NoThread;
    void publish(T value) { current_.store(boost::make_shared<const T>(std::move(value))); }
    std::int64_t read() const { return current_.load()->id; }

private:
    boost::atomic_shared_ptr<const T> current_{boost::make_shared<const T>()};
};
#endif

#if defined(ATTUNE_BENCH_URCU)

struct UrcuMemb {
    struct Thread {
        Thread() { urcu_memb_register_thread(); }
        ~Thread() { urcu_memb_unregister_thread(); }
        Thread(const Thread&) = delete;
        Thread& operator=(const Thread&) = delete;
    };
    static void lock() { urcu_memb_read_lock(); }
    static void unlock() { urcu_memb_read_unlock(); }
    static void synchronize() { urcu_memb_synchronize_rcu(); }
};

/// Registers threads by itself.
struct UrcuBp {
    using Thread = NoThread;
    static void lock() { urcu_bp_read_lock(); }
    static void unlock() { urcu_bp_read_unlock(); }
    static void synchronize() { urcu_bp_synchronize_rcu(); }
};

template <class T, class Flavour>
class Urcu {
public:
    using Thread = typename Flavour::Thread;

    Urcu() = default;
    Urcu(const Urcu&) = delete;
    Urcu& operator=(const Urcu&) = delete;
    ~Urcu() { delete current_.load(std::memory_order_relaxed); }

    /// Waits for the readers of the value before.
    void publish(T value) {
        const T* const before =
            current_.exchange(new T(std::move(value)), std::memory_order_acq_rel);
        Flavour::synchronize();
        delete before;
    }

    std::int64_t read() const {
        Flavour::lock();
        const std::int64_t id = current_.load(std::memory_order_acquire)->id;
        Flavour::unlock();
        return id;
    }

private:
    std::atomic<const T*> current_{new T};
};

#endif

}  // namespace bench
