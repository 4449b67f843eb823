#pragma once

#include <attune/bind/encode.hpp>
#include <attune/document/document.hpp>
#include <attune/document/merge.hpp>
#include <attune/document/path.hpp>
#include <attune/fwd.hpp>
#include <attune/graph/deadline.hpp>
#include <attune/graph/executor.hpp>
#include <attune/graph/subscription.hpp>
#include <attune/store/commit.hpp>
#include <attune/store/config.hpp>
#include <attune/store/core.hpp>
#include <attune/store/edit.hpp>
#include <attune/store/explain.hpp>
#include <attune/store/history.hpp>
#include <attune/store/layer.hpp>
#include <attune/store/node_status.hpp>
#include <attune/store/options.hpp>
#include <attune/store/override_scope.hpp>
#include <attune/store/snapshot.hpp>
#include <attune/store/status.hpp>
#include <attune/store/transport.hpp>
#include <attune/store/version_record.hpp>
#include <attune/version.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI {

/// The hub a program owns: layers of documents below, handles to typed values above, numbered
/// versions in between. Several per process are fine; nothing is global.
///
/// All functions may be called from any thread, from observers too, but not from decoders, rules
/// and checks, which run inside a commit (std::logic_error). Writers take turns; readers never
/// wait.
///
/// With StoreOptions::journal each version is written to a journal before anybody sees it; a commit
/// that the journal cannot keep throws JournalError, and nothing has changed. What a layer brings
/// meanwhile is refused, and tried again each second. A store that is made on a journal goes on
/// from its last version: numbers and history continue, what the program itself had set holds
/// again, a rollback too, and that version stands in for the layers until the program has put them
/// back, which is over with the first binding, write or delivery, and at the latest a second after
/// the last layer was added. Layers that bring what they brought before make no version.
///
/// Destruction ends transports, observers and threads, and waits for callbacks that run in other
/// threads. It may happen inside an observer. Handles, snapshots, pins, layers and subscriptions
/// may outlive the store.
class Store {
public:
    explicit Store(StoreOptions options = {}) : core_(detail::Core::make(std::move(options))) {}
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

    /// A rule over several values: a version in which `condition(const A&...)`, of the values of
    /// the handles, does not hold is refused with `text`. Judged in each commit that changes one
    /// of them, for as long as the store lives; must be pure. Throws Rejected when it does not
    /// hold now. Include <attune/store/derive.hpp>.
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
        return core_->override_with(detail::LayerEdit::set(path, value));
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
        return core_->override_with(
            {.apply = [&](const Document& before) { return before.without(path); },
             .reason = path.empty() ? "erase" : "erase " + to_string(path),
             .within = &path});
    }

    /// Applies a JSON Merge Patch (RFC 7396) to what was set: null takes back, anything else sets.
    Commit merge(const Document& patch) {
        return core_->override_with(
            {.apply =
                 [&](const Document& before) {
                     return merge_patch(before.is_null() ? Document::object() : before, patch);
                 },
             .reason = "merge"});
    }

    /// Applies a JSON Patch (RFC 6902) to the merged document, all of it or nothing: what it adds
    /// or replaces is set, what it removes is erased, and hidden by null where a layer has it.
    /// Throws PatchError when an operation fails, Rejected as above.
    Commit patch(const Document& json_patch) {
        return transact([&](Edit& edit) { edit.patch(json_patch); },
                        {.expect = {}, .reason = "patch"});
    }

    /// Several edits as one version: `edits(Edit&)` runs once, with nobody else writing. Throws
    /// VersionConflict when another version than the expected one is current, Rejected as above,
    /// and what `edits` throws: then nothing has changed. Calling the store from `edits` is an
    /// error (std::logic_error); what it needs to read is in the Edit.
    template <class F>
        requires std::invocable<F&, Edit&>
    Commit transact(F&& edits, TransactOptions options = {}) {
        return core_->transact(std::ref(edits), std::move(options));
    }

    /// Puts values above everything else for as long as the returned scope lives. Throws Rejected.
    OverrideScope override_scope(Document values) {
        const std::uint64_t layer = core_->begin_scope(std::move(values));
        return OverrideScope{core_, layer};
    }

    /// Waits until `version`, or a later one, is current. False when `timeout` is over first, or
    /// the store closes. Readers see that version when it returns; observers may still be running,
    /// see settle. Rules as for Config::wait_until.
    template <class Rep, class Period>
    bool wait_for(Version version, std::chrono::duration<Rep, Period> timeout) const {
        const auto core = core_;
        const auto check = [&] { return core->version() >= version; };
        return core->wait_until(detail::deadline_after(timeout), std::ref(check));
    }

    /// Waits until `predicate(const View&)` is true of the current version: Config::wait_until for
    /// conditions on several handles, or on the document.
    template <class P, class Rep, class Period>
        requires std::predicate<P&, const View&>
    bool wait_until(P&& predicate, std::chrono::duration<Rep, Period> timeout) const {
        const auto core = core_;  // the store may go meanwhile
        const auto check = [&] {
            const View now{*core->chain()};
            return static_cast<bool>(std::invoke(predicate, now));
        };
        return core->wait_until(detail::deadline_after(timeout), std::ref(check));
    }

    /// Calls `f(const Rejection&)` for each change that a transport brought and the store refused,
    /// or that it could not read, and, as a warning, for each observer that threw, runs for too
    /// long or lets its queue run over. In order, none is left out, and what comes later takes
    /// nothing back. Explicit writes throw instead.
    ///
    /// The notifier thread, where `f` runs unless it has an executor, may be the one that a slow
    /// observer holds up: inline_executor hears of it at once.
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

    /// The retained versions, oldest first: the newest StoreOptions::history, and whatever is kept.
    std::vector<VersionInfo> history() const { return core_->history(); }

    /// The same with their documents, for journal::export_folder and journal::export_git.
    std::vector<VersionRecord> records(Secrets secrets = Secrets::masked) const {
        return core_->records(secrets);
    }

    /// Keeps a retained version for as long as the store lives, or until `forget`, with a note for
    /// people. Throws std::out_of_range when it is not retained.
    void keep(Version version, std::string note = {}) { core_->keep(version, std::move(note)); }
    /// Lets a version go that was kept; it stays while it is among the newest.
    void forget(Version version) { core_->forget(version); }

    /// What leads from one retained version to another, either of which may be the older one, as a
    /// JSON Patch (RFC 6902). Secrets are masked in it, and can then not be applied. Throws
    /// std::out_of_range when a version is not retained. O(change * log n).
    Document diff(Version from, Version to, Secrets secrets = Secrets::masked) const {
        return core_->diff(from, to, secrets);
    }
    /// The same as a JSON Merge Patch (RFC 7396), as far as that can say it: see make_merge_patch.
    Document merge_diff(Version from, Version to, Secrets secrets = Secrets::masked) const {
        return core_->merge_diff(from, to, secrets);
    }
    /// The same for people: a line for each path, `server.port: 8080 -> 9090`.
    std::string render_diff(Version from, Version to, Secrets secrets = Secrets::masked) const {
        return core_->render_diff(from, to, secrets);
    }
    /// The deepest paths at which two retained versions differ.
    std::vector<Path> changed_paths(Version from, Version to) const {
        return core_->changed_between(from, to);
    }

    /// Brings a retained version back as a new one, after the same validation as any other. Throws
    /// std::out_of_range when the version is not retained, Rejected when it does not hold any more:
    /// then nothing has changed.
    ///
    /// The version holds as a layer named `rollback`, above all layers that a transport brings:
    /// these may move, but what they bring does not show until release_rollback. What the program
    /// had set by that version holds again; what it sets from now on is above the rollback, as is
    /// every override_scope.
    Commit rollback(Version version) { return core_->rollback(version, {}); }
    /// The same for what is at `path` and below, which may be nothing; not inside of lists
    /// (std::invalid_argument). Several may hold at once; of two places inside each other the one
    /// rolled back later has the word.
    Commit rollback(Version version, const Path& path) { return core_->rollback(version, path); }
    /// Ends what rollbacks hold: the layers show again as they are now. Throws Rejected, and
    /// leaves them, when that is refused. Does nothing when there was no rollback.
    Commit release_rollback() { return core_->release_rollback(); }

    /// Why the value at `path` is what it is: who says so, who else would, since when, and what the
    /// default is. Of an object, each layer that has a part in it.
    ///
    /// O(layers * length of the path + history), but the first question about a text has it read
    /// once for the places in it.
    Explanation explain(const Path& path) const { return core_->explain(path); }
    /// The same for a handle: a derived one is explained by what it is made of.
    template <class T>
    Explanation explain(const Config<T>& config) const {
        if (config.chain_ != core_->chain().get()) {
            detail::throw_foreign(*config.node_);
        }
        return core_->explain(*config.node_);
    }
    /// Everything that is effective, in the order of the paths.
    std::vector<Explanation> explain() const { return core_->explain(); }

    /// How the store and its layers are doing. Holds no values.
    StoreStatus status() const { return core_->status(); }

    /// Every value and every rule: what it reads, how often its function ran, and what is wrong.
    std::vector<NodeStatus> graph() const { return core_->graph(); }
    /// The same as a picture, for Graphviz.
    std::string graph_dot() const { return to_dot(graph()); }

    /// Waits until every observer has been told of the current version, or a later one, and has
    /// returned. False when `timeout` is over first.
    template <class Rep, class Period>
    bool settle(std::chrono::duration<Rep, Period> timeout) const {
        return core_->settle(detail::deadline_after(timeout));
    }

    /// Declares that everything is bound. Throws one Rejected with whatever is left over: sections
    /// nobody bound, variables inside a prefix and arguments that match nothing, each with the
    /// nearest name that would have matched. Layers whose unknown keys are warnings, or ignored,
    /// are not held to it.
    void check() const { core_->check(); }

    /// For people: every option that is bound, how to write it in the environment and on the
    /// command line where such layers exist, its default and its documentation.
    std::string usage() const { return core_->usage(); }

    /// The JSON Schema (draft 2020-12) of everything that is bound, for editors and validators:
    /// `to_text(store.schema(), {.indent = 2})`. It accepts what the bindings accept, as far as
    /// JSON Schema can say it, and whatever is put where nothing is bound. Documentation, ranges
    /// and defaults are in it; secrets are `writeOnly`, and their defaults are not told. What it
    /// cannot say, such as checks over several fields, is in the descriptions.
    Document schema() const { return core_->schema(); }

    /// A sample configuration of everything that is bound, as JSON with comments (`.jsonc`): each
    /// member with its documentation, what is expected, how else it can be set, and its default.
    /// What has no default to show, secrets among it, is commented out, with a value to replace.
    /// When nothing is required, reading the text gives the defaults.
    std::string reference() const { return core_->reference(); }

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
