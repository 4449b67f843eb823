#pragma once

#include <attune/bind/encode.hpp>
#include <attune/document/document.hpp>
#include <attune/document/merge.hpp>
#include <attune/document/path.hpp>
#include <attune/fwd.hpp>
#include <attune/graph/executor.hpp>
#include <attune/graph/subscription.hpp>
#include <attune/store/commit.hpp>
#include <attune/store/config.hpp>
#include <attune/store/core.hpp>
#include <attune/store/layer.hpp>
#include <attune/store/options.hpp>
#include <attune/store/snapshot.hpp>
#include <attune/store/status.hpp>
#include <attune/store/transport.hpp>
#include <attune/version.hpp>

#include <chrono>
#include <concepts>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

namespace attune::inline ATTUNE_ABI {

/// The hub a program owns: layers of documents below, handles to typed values above, numbered
/// versions in between. Several per process are fine; nothing is global.
///
/// All functions may be called from any thread, from observers too, but not from decoders, rules
/// and checks, which run inside a commit (std::logic_error). Writers take turns; readers never
/// wait.
///
/// Destruction ends transports, observers and threads, and waits for callbacks that run in other
/// threads. It may happen inside an observer. Handles, snapshots, pins, layers and subscriptions
/// may outlive the store.
class Store {
public:
    explicit Store(StoreOptions options = {}) : core_(detail::Core::make(options)) {}
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;
    ~Store() { core_->close(); }

    /// Adds a layer above those there are, reads it, and begins to watch it. Throws Rejected when
    /// it cannot be loaded, or what it brings is refused: the store is then as it was.
    Layer add(std::unique_ptr<Transport> transport, LayerOptions options = {}) {
        return Layer{core_, core_->add(std::move(transport), std::move(options))};
    }

    /// A handle to the value at `path`, decoded as T: its defaults where there is nothing. Throws
    /// Rejected with every problem when that is impossible. Binding the same place as the same type
    /// again gives the same value. A binding lasts as long as the store, and every later version
    /// must satisfy it.
    template <class T>
    Config<T> bind(const Path& path = {}) {
        static_assert(std::same_as<T, std::decay_t<T>>,
                      "bind a plain type: no reference, no const, no array");
        return Config<T>{core_->bind(path, detail::bound_kind<T>)};
    }

    /// A rule over several values, `condition(const A&...)`, of the values of the handles: a version
    /// in which it does not hold is refused with `text`. Judged in each commit that changes one of
    /// them, for as long as the store lives; must be pure. Throws Rejected when it does not hold
    /// now. Include <attune/store/derive.hpp>.
    template <class F, class... A>
        requires(sizeof...(A) > 0) && std::predicate<std::decay_t<F>&, const A&...>
    void require(F&& condition, std::string text, const Config<A>&... inputs);

    /// The current version of everything, in a scope.
    View view() const noexcept { return View{*core_->chain()}; }
    /// The current version, to keep.
    Snapshot snapshot() const {
        return Snapshot{core_->chain(), core_->chain()->acquire_current()};
    }
    /// A retained version, to keep. Throws std::out_of_range when it is not retained any more, or
    /// never existed; how many are is StoreOptions::history.
    Snapshot snapshot(Version version) const {
        return Snapshot{core_->chain(), core_->acquire(version)};
    }
    Version version() const noexcept { return core_->version(); }

    /// Puts a value above all layers, where it holds until it is erased. Throws Rejected when a
    /// binding refuses the result: then nothing has changed. When it returns, every reader sees it.
    Commit set(const Path& path, Document value) {
        return core_->override_with(
            [&](const Document& before) { return before.with(path, std::move(value)); },
            path.empty() ? "set" : "set " + to_string(path));
    }
    /// The same, for a bindable struct, enum or duration.
    template <class T>
        requires(!std::convertible_to<const T&, Document>)
    Commit set(const Path& path, const T& value) {
        return set(path, encode(value));
    }

    /// Takes back what `set` or `merge` has put at `path` or below: the layers' own value shows
    /// again. To hide a layer's value, set null.
    Commit erase(const Path& path) {
        return core_->override_with([&](const Document& before) { return before.without(path); },
                                    path.empty() ? "erase" : "erase " + to_string(path));
    }

    /// Applies a JSON Merge Patch (RFC 7396) to what was set: null takes back, anything else sets.
    Commit merge(const Document& patch) {
        return core_->override_with(
            [&](const Document& before) {
                return merge_patch(before.is_null() ? Document::object() : before, patch);
            },
            "merge");
    }

    /// Calls `f(const Rejection&)` for each change that a transport brought and the store refused,
    /// or that it could not read, and for each observer that threw. In order, none is left out.
    /// Explicit writes throw instead.
    template <class F>
        requires std::invocable<std::decay_t<F>&, const Rejection&>
    Subscription on_rejected(F&& f) {
        return observe_rejections(Executor{}, std::forward<F>(f));
    }
    template <ExecutorLike E, class F>
        requires std::invocable<std::decay_t<F>&, const Rejection&>
    Subscription on_rejected(E executor, F&& f) {
        return observe_rejections(Executor{std::move(executor)}, std::forward<F>(f));
    }

    /// How the store and its layers are doing. Holds no values.
    StoreStatus status() const { return core_->status(); }

    /// Waits until every observer has been told of the current version, or a later one, and has
    /// returned. False when `timeout` is over first.
    template <class Rep, class Period>
    bool settle(std::chrono::duration<Rep, Period> timeout) const {
        return core_->settle(std::chrono::duration_cast<std::chrono::nanoseconds>(timeout));
    }

    /// Declares that everything is bound. Throws one Rejected with whatever is left over: sections
    /// nobody bound, variables inside a prefix and arguments that match nothing, each with the
    /// nearest name that would have matched. Layers whose unknown keys are warnings, or ignored,
    /// are not held to it.
    void check() const { core_->check(); }

    /// For people: every option that is bound, how to write it in the environment and on the
    /// command line where such layers exist, its default and its documentation.
    std::string usage() const { return core_->usage(); }

private:
    friend struct detail::HandleAccess;

    template <class F>
    Subscription observe_rejections(Executor executor, F&& f) {
        auto observer =
            std::make_shared<detail::RejectionObserver>(core_->hub(), std::move(executor),
                                                        std::forward<F>(f));
        core_->observe_rejections(observer);
        return Subscription{std::move(observer)};
    }

    std::shared_ptr<detail::Core> core_;
};

}  // namespace attune::inline ATTUNE_ABI
