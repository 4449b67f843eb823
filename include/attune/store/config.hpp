#pragma once

#include <attune/fwd.hpp>
#include <attune/graph/deadline.hpp>
#include <attune/graph/executor.hpp>
#include <attune/graph/frame_chain.hpp>
#include <attune/graph/reading.hpp>
#include <attune/graph/subscription.hpp>
#include <attune/store/bound_node.hpp>
#include <attune/store/core.hpp>
#include <attune/store/derive_options.hpp>
#include <attune/store/observer.hpp>
#include <attune/version.hpp>

#include <cassert>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace attune::inline ATTUNE_ABI {

namespace detail {

[[noreturn]] ATTUNE_DECL void throw_foreign(const GraphNode& node);
/// The value of a node in a frame of its store that was published before the node was made.
ATTUNE_DECL const CellBase& past_cell(const GraphNode& node, const Frame& frame);

ATTUNE_DECL std::string node_name(const GraphNode& node);
ATTUNE_DECL void rename_node(GraphNode& node, std::string name);
ATTUNE_DECL std::optional<Staleness> staleness_of(const GraphNode& node);

/// Lets derive() look into handles.
struct HandleAccess;

}  // namespace detail

/// A handle to a value of type T that is always valid and always current.
///
/// | to read             | cost                | lives                                         |
/// |---------------------|---------------------|-----------------------------------------------|
/// | read()              | about 1 ns          | in its scope                                  |
/// | View, view[handle]  | a load              | in the view's scope, one version for all      |
/// | with(f)             | about 1 ns          | during the call                               |
/// | get(), get(&T::x)   | a copy              | for itself                                    |
/// | pin()               | an allocation       | as long as it is held, beyond the store too   |
///
/// Handles are small and cheap to copy. All functions may be called from any thread; one handle
/// object must not be assigned to while others use it. A handle may outlive its store: it then
/// keeps the last value. A default-constructed or moved-from handle is empty, and can only be
/// assigned to, destroyed, and tested.
///
/// The value comes from a place in the documents (Store::bind) or is what a function makes of other
/// values (map, field, derive); in either case all handles of a store change together, in one
/// version. A derived value is computed for as long as a handle of it, a subscription to it, or a
/// value derived from it exists.
template <class T>
class Config {
public:
    using value_type = T;

    Config() noexcept = default;

    explicit operator bool() const noexcept { return static_cast<bool>(node_); }

    /// A scoped look at the current value. Wait-free: no lock, no reference count, no allocation.
    Reading<T> read() const noexcept {
        assert(chain_ != nullptr && "an empty Config was read");
        return Reading<T>{*chain_, slot_};
    }

    /// A copy of the current value.
    T get() const
        requires std::copy_constructible<T>
    {
        const auto now = read();
        return *now;
    }

    /// A copy of one member of the current value.
    template <class M, class C>
        requires std::derived_from<T, C> && std::is_object_v<M>
    M get(M C::*member) const {
        const auto now = read();
        return (*now).*member;
    }

    /// The current value, held for as long as the pointer, whatever becomes of handle and store.
    std::shared_ptr<const T> pin() const {
        const detail::FrameGuard guard{*chain_};
        return detail::CellPtr::share(guard.frame().cell(slot_)).template pin<T>();
    }

    /// Calls `f` with the current value, which stays as it is during the call, and returns a copy
    /// of what it returns: a reference into the value cannot get out.
    template <class F>
        requires std::invocable<F, const T&>
    auto with(F&& f) const -> std::decay_t<std::invoke_result_t<F, const T&>> {
        const auto now = read();
        return std::invoke(std::forward<F>(f), *now);
    }

    /// Calls `f(const Change<T>&)` after each version that changes the value, on the store's
    /// notifier thread, or on `executor`. Never under a lock, never concurrently with itself, in
    /// version order. When versions come faster than `f` returns, the newest one wins, and `before`
    /// is what `f` was told last; `options` may ask for every version instead. What `f` throws is
    /// reported to Store::on_rejected and status, and stops nobody.
    ///
    /// Ends with the returned subscription, or with the store: an observation of a store that is
    /// gone is over from the start.
    template <class F>
        requires std::invocable<std::decay_t<F>&, const Change<T>&>
    Subscription on_change(F&& f, ObserveOptions options = {}) const {
        return observe<false>(Executor{}, std::forward<F>(f), options);
    }
    template <ExecutorLike E, class F>
        requires std::invocable<std::decay_t<F>&, const Change<T>&>
    Subscription on_change(E executor, F&& f, ObserveOptions options = {}) const {
        return observe<false>(Executor{std::move(executor)}, std::forward<F>(f), options);
    }

    /// Calls `f(const T&)` with the current value, on this thread, before it returns, and then as
    /// on_change does after each change: nothing in between is missed, nothing comes twice. What
    /// the first call throws leaves this function, and the observation does not begin.
    template <class F>
        requires std::invocable<std::decay_t<F>&, const T&>
    Subscription apply(F&& f, ObserveOptions options = {}) const {
        return observe<true>(Executor{}, std::forward<F>(f), options);
    }
    template <ExecutorLike E, class F>
        requires std::invocable<std::decay_t<F>&, const T&>
    Subscription apply(E executor, F&& f, ObserveOptions options = {}) const {
        return observe<true>(Executor{std::move(executor)}, std::forward<F>(f), options);
    }

    /// Waits until `predicate(const T&)` is true of the current value, on this thread and without
    /// polling: it is asked now, and after each version, outside every lock. Versions that come
    /// while it runs may be passed over for the newest one. Returns its last verdict: false when
    /// `timeout` is over first, or the store is closed.
    ///
    /// May be called in an observer, which then waits for versions of other threads, and holds up
    /// whatever shares its executor; not in what runs inside a commit (std::logic_error).
    template <class P, class Rep, class Period>
        requires std::predicate<P&, const T&>
    bool wait_until(P&& predicate, std::chrono::duration<Rep, Period> timeout) const {
        const auto check = [&] {
            const auto now = read();
            return static_cast<bool>(std::invoke(predicate, *now));
        };
        const auto core = detail::core_of(*node_).lock();
        return core != nullptr ? core->wait_until(detail::deadline_after(timeout), std::ref(check))
                               : check();
    }

    /// A value made of this one, by `f(const T&)`: computed in the commit that changes this value,
    /// and part of the same version. As derive() does.
    template <class F>
        requires std::invocable<std::decay_t<F>&, const T&>
    auto map(F&& f, DeriveOptions options = {}) const
        -> Config<std::decay_t<std::invoke_result_t<std::decay_t<F>&, const T&>>>;

    /// One member of this value as a value of its own, whose observers hear nothing of the others.
    template <class M, class C>
        requires std::derived_from<T, C> && std::copy_constructible<M>
    Config<M> field(M C::*member, DeriveOptions options = {}) const;

    /// For people: the path, or the name that was given, or a number.
    std::string name() const { return detail::node_name(*node_); }
    /// Names the value in errors, reports and Store::graph_dot. Returns the handle.
    const Config& named(std::string name) const {
        detail::rename_node(*node_, std::move(name));
        return *this;
    }

    /// Why the value is older than what it derives from, while that is so: its function threw, and
    /// it was derived with OnError::keep.
    std::optional<Staleness> stale() const { return detail::staleness_of(*node_); }

private:
    friend class Store;
    friend class View;
    friend class Snapshot;
    friend class Track;
    friend struct detail::HandleAccess;

    explicit Config(detail::Ref<detail::GraphNode> node) noexcept
        : chain_(node->home.chain.get()),
          born_(node->born),
          slot_(node->slot),
          node_(std::move(node)) {}

    /// The value in a frame of `chain`. Throws std::invalid_argument for a handle of another store;
    /// as past_cell for one that was made after the frame.
    const T& value_in(const detail::Frame& frame, const detail::FrameChain* chain) const {
        if (chain_ != chain) [[unlikely]] {
            detail::throw_foreign(*node_);
        }
        if (frame.serial() < born_) [[unlikely]] {
            return detail::value_in_cell<T>(detail::past_cell(*node_, frame));
        }
        return static_cast<const detail::ValueCell<T>*>(frame.cell(slot_))->value;
    }

    /// `Apply` says what `f` takes: a generic lambda seems to take anything.
    template <bool Apply, class F>
    Subscription observe(Executor executor, F&& f, const ObserveOptions& options) const {
        using Observer = detail::ChangeObserver<T, std::decay_t<F>, Apply>;
        const auto core = detail::core_of(*node_).lock();
        if (core == nullptr) {
            if constexpr (Apply) {
                const auto last = read();
                f(*last);
            }
            return {};
        }
        auto observer = std::make_shared<Observer>(
            core->hub(), std::move(executor), detail::observer_name(name(), options),
            detail::Ref<const detail::GraphNode>{node_.get()}, options, std::forward<F>(f));
        core->observe(*node_, observer, Apply);
        return Subscription{std::move(observer)};
    }

    // All that a reading needs; the node keeps the chain alive.
    const detail::FrameChain* chain_ = nullptr;
    std::uint64_t born_ = 0;
    std::uint32_t slot_ = 0;
    detail::Ref<detail::GraphNode> node_;
};

}  // namespace attune::inline ATTUNE_ABI

#if ATTUNE_HEADER_ONLY
#include <attune/store/impl/config.ipp>
#endif
