#pragma once

#include <attune/bind/problem.hpp>
#include <attune/bind/spelling.hpp>
#include <attune/document/document.hpp>
#include <attune/document/path.hpp>
#include <attune/fwd.hpp>
#include <attune/graph/derived_node.hpp>
#include <attune/graph/frame_chain.hpp>
#include <attune/graph/ref.hpp>
#include <attune/store/bound_node.hpp>
#include <attune/store/commit.hpp>
#include <attune/store/derive_options.hpp>
#include <attune/store/edit.hpp>
#include <attune/store/explain.hpp>
#include <attune/store/history.hpp>
#include <attune/store/node_status.hpp>
#include <attune/store/observer.hpp>
#include <attune/store/options.hpp>
#include <attune/store/status.hpp>
#include <attune/store/transport.hpp>
#include <attune/store/version_record.hpp>
#include <attune/version.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

/// A rule does not hold: thrown by its node inside a commit.
struct BrokenRule {};

class JournalSink;

/// A change of a layer by the program.
struct LayerEdit {
    std::function<Document(const Document&)> apply;
    std::string reason;
    const Path* within = nullptr;  ///< the only place where it changes anything, when there is one

    /// Puts `value` at `path`. Both outlive the edit.
    ATTUNE_DECL static LayerEdit set(const Path& path, Document& value);
};

/// The engine of a store, free of the bound types. A Store owns it; handles, layers and
/// subscriptions know it, and find it closed once the store is gone.
///
/// A commit runs under one mutex, on the thread of whoever brought the change:
///
///   layers -> merged document -> the bindings whose subtree differs -> decoded values
///          -> those that are not equal to the old ones -> frame -> one store of one pointer
///
/// Whatever fails on the way leaves everything as it was. Observers are offered the new values
/// under the mutex, which fixes the order, and run after it was let go.
class Core : public std::enable_shared_from_this<Core> {
public:
    ATTUNE_DECL static std::shared_ptr<Core> make(StoreOptions options);
    ATTUNE_DECL ~Core();
    Core(const Core&) = delete;
    Core& operator=(const Core&) = delete;

    /// Ends transports, observers and threads. What is called afterwards throws std::logic_error or
    /// does nothing.
    ATTUNE_DECL void close() noexcept;
    ATTUNE_DECL bool closed() const;

    // Layers. Ids are never used again.
    ATTUNE_DECL std::uint64_t add(std::unique_ptr<Transport> transport, LayerOptions options);
    ATTUNE_DECL void remove(std::uint64_t layer);
    ATTUNE_DECL Commit reload(std::uint64_t layer);
    ATTUNE_DECL Commit write(std::uint64_t layer, const Path& path, Document value);
    ATTUNE_DECL LayerStatus layer_status(std::uint64_t layer) const;

    /// The node of that place and type; made, decoded and published when it is new.
    ATTUNE_DECL Ref<GraphNode> bind(const Path& path, const BoundKind& kind);

    /// Takes a new node into the graph with its first value. `inputs` are what its function reads
    /// each time; empty when it finds out by itself.
    ATTUNE_DECL Ref<GraphNode> derive(Ref<DerivedNode> node, std::span<GraphNode* const> inputs,
                                      DeriveOptions options);
    /// Takes a rule into the graph for good, if it holds.
    ATTUNE_DECL void require(Ref<DerivedNode> rule, std::span<GraphNode* const> inputs);

    ATTUNE_DECL std::string name_of(const GraphNode& node) const;
    ATTUNE_DECL void rename(GraphNode& node, std::string name);
    ATTUNE_DECL std::optional<Staleness> staleness_of(const GraphNode& node) const;
    /// Takes abandoned nodes out of the graph, unless a commit is going on, which will do it.
    ATTUNE_DECL void tidy_graph() noexcept;

    ATTUNE_DECL Commit transact(const std::function<void(attune::Edit&)>& edits,
                                TransactOptions options);
    /// A layer above all others; returns its id.
    ATTUNE_DECL std::uint64_t begin_scope(Document document);
    ATTUNE_DECL void end_scope(std::uint64_t layer) noexcept;
    ATTUNE_DECL std::vector<NodeStatus> graph() const;

    /// Writes to the layer "overrides", above all transports.
    ATTUNE_DECL Commit override_with(LayerEdit edit);

    ATTUNE_DECL Version version() const noexcept;
    /// A retained frame with a reference; throws std::out_of_range.
    ATTUNE_DECL const Frame* acquire(Version version) const;
    ATTUNE_DECL StoreStatus status() const;
    ATTUNE_DECL bool settle(std::chrono::steady_clock::time_point deadline);
    ATTUNE_DECL void check() const;
    ATTUNE_DECL std::string usage() const;
    ATTUNE_DECL Document schema() const;
    ATTUNE_DECL std::string reference() const;

    // History.
    ATTUNE_DECL std::vector<VersionInfo> history() const;
    ATTUNE_DECL std::vector<VersionRecord> records(Secrets secrets) const;
    ATTUNE_DECL void keep(Version version, std::string note);
    ATTUNE_DECL void forget(Version version);
    ATTUNE_DECL Document diff(Version from, Version to, Secrets secrets) const;
    ATTUNE_DECL Document merge_diff(Version from, Version to, Secrets secrets) const;
    ATTUNE_DECL std::vector<Path> changed_between(Version from, Version to) const;
    ATTUNE_DECL std::string render_diff(Version from, Version to, Secrets secrets) const;
    /// See Snapshot: of a node that was made after the frame.
    ATTUNE_DECL const CellBase& past_cell(const GraphNode& node, const Frame& frame);
    ATTUNE_DECL Commit rollback(Version version, const Path& path);
    ATTUNE_DECL Commit release_rollback();

    ATTUNE_DECL Explanation explain(const Path& path) const;
    ATTUNE_DECL Explanation explain(const GraphNode& node) const;
    ATTUNE_DECL std::vector<Explanation> explain() const;
    const std::shared_ptr<FrameChain>& chain() const noexcept { return chain_; }
    ATTUNE_DECL NodeHome& home() const noexcept;
    const std::shared_ptr<DeliveryHub>& hub() const noexcept { return hub_; }

    /// Adds an observer of `node` that is told of every version after the present one; of the
    /// present one too, and first, on this thread, when `now` is set.
    ATTUNE_DECL void observe(GraphNode& node, std::shared_ptr<ValueDelivery> observer, bool now);
    ATTUNE_DECL void observe_rejections(std::shared_ptr<RejectionObserver> observer);

    /// Evaluates `check` now and after each publication until it is true, the time is over or the
    /// store closes; its last verdict.
    ATTUNE_DECL bool wait_until(std::chrono::steady_clock::time_point deadline,
                                const std::function<bool()>& check);

    /// Calls `heard` after each publication, on the thread that published, under no lock: it must
    /// be quick and must not throw. No call begins after the token is gone, but one may be running.
    ATTUNE_DECL std::shared_ptr<void> listen(std::function<void()> heard);
    /// What is bound and can hold a secret, for whoever shows documents and does not want to wait
    /// for commits each time. `epoch` grows before a version is published that a new binding had a
    /// part in: read the version first, then the epoch, and whatever that version has is masked by
    /// the roots of that epoch.
    struct SecretRoots {
        std::uint64_t epoch = 0;
        std::vector<Bound> roots;
    };
    ATTUNE_DECL SecretRoots secret_roots() const;
    ATTUNE_DECL std::uint64_t secret_epoch() const noexcept;

    /// The store's thread for file descriptors and timers. Throws std::logic_error when the store
    /// is closed.
    ATTUNE_DECL std::shared_ptr<Poller> poller() const;

    // For the feeds of running transports.
    ATTUNE_DECL Verdict deliver(std::uint64_t layer, Content content);
    ATTUNE_DECL void fail(std::uint64_t layer, std::vector<Problem> problems);
    ATTUNE_DECL void confirm(std::uint64_t layer);

private:
    struct State;
    struct LayerEntry;
    struct Addition;
    struct Candidate;
    struct Proposal;
    struct Published;

    Core(StoreOptions options, std::shared_ptr<FrameChain> chain);
    /// Begins where a journal ends.
    void restore(std::unique_ptr<JournalSink> sink, const Document& own);
    /// Lets the layers show again, if nothing else has done so.
    void end_restored();

    Commit write_layer(std::uint64_t layer, LayerEdit edit);
    /// See Transport::write; `before` is what the store served.
    Commit write_to_publisher(Transport& transport, const Path& path, const Document& value,
                              const Document& before);
    Commit reload_now(std::uint64_t layer);
    /// Tries contents that were refused once more, after something else has changed.
    void retry_refused();
    void publish_rejection(Rejection rejection);
    void observer_threw(const ObserverName& observer, const std::exception_ptr& thrown);
    void report_observer(const ObserverName& observer, const std::string& text);
    void report_notices();
    void watch_calls();
    /// Destroys layers, later when this is a callback of one of them.
    static void discard(std::vector<std::shared_ptr<LayerEntry>> layers, Poller* poller) noexcept;
    /// After the mutex was let go: runs what is due, reclaims what nobody sees.
    void finish(Published& published);
    /// Tells transports that want to know it what is served of them.
    void tell_accepted();
    /// The value at `path` of some version, as it may be shown.
    Document show(const Document& value, const Path& path, Secrets secrets) const;
    void tidy();
    Commit ticket(const Published& published, const Path* within = nullptr) const;

    const std::shared_ptr<FrameChain> chain_;
    const std::shared_ptr<DeliveryHub> hub_;
    const std::unique_ptr<State> state_;
};

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/store/impl/core.ipp>
#include <attune/store/impl/core_commit.ipp>
#include <attune/store/impl/core_deliver.ipp>
#include <attune/store/impl/core_explain.ipp>
#include <attune/store/impl/core_graph.ipp>
#include <attune/store/impl/core_history.ipp>
#include <attune/store/impl/core_journal.ipp>
#include <attune/store/impl/core_layers.ipp>
#include <attune/store/impl/core_observers.ipp>
#include <attune/store/impl/core_past.ipp>
#include <attune/store/impl/core_report.ipp>
#include <attune/store/impl/core_rollback.ipp>
#include <attune/store/impl/core_write.ipp>
#endif
