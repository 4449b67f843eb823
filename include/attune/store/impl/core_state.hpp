#pragma once

#include <attune/graph/graph.hpp>
#include <attune/store/binding_index.hpp>
#include <attune/store/core.hpp>
#include <attune/store/journal_sink.hpp>
#include <attune/store/layer_stack.hpp>
#include <attune/store/overrides_log.hpp>
#include <attune/store/poller.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

/// The insides of Core, shared by its .ipp files only.
namespace attune::inline ATTUNE_ABI::detail {

/// A layer of a running store.
struct Core::LayerEntry {
    std::uint64_t id = 0;
    Rank rank = Rank::transport;
    std::string name;
    UnknownKeys unknown_keys = UnknownKeys::error;
    std::shared_ptr<Transport> transport;  // null for what the store itself writes
    std::unique_ptr<Feed> feed;            // set once the transport has been started
    LayerStatus status;
    std::optional<Content> refused;  // the newest content, while it cannot be accepted
    bool tells = false;              // the transport wants to know what is served, and does not yet
    std::mutex telling;              // held while it is told; before the commit mutex
    bool ended = false;              // under `telling`: it is not to be told any more
};

/// What a candidate wants to be.
struct Core::Candidate {
    LayerStack stack;
    std::string reason;
    const Path* within = nullptr;  ///< where all changes are, when that is known
    std::string layer = {};        ///< which one changes; empty when none does
    /// Called when everything is right, before anybody sees it; may refuse by an exception.
    std::function<void()> save = {};
    bool adds_layer = false;  ///< what a journal has restored goes on standing in for the others
};

/// How a layer's content comes into a candidate.
struct Core::Proposal {
    std::string reason;
    const Path* within = nullptr;  ///< as in Candidate
    bool first = false;            ///< of a new layer
    bool written = false;          ///< by the program: the layer's transport must keep it first
};

/// Of a node that is stale.
inline Staleness describe_staleness(const GraphNode& node) {
    return {.name = node.name(),
            .error = node.notes->error,
            .since = node.notes->since,
            .version = node.notes->version};
}

/// Of a reading that brought no document. Only a text has lines.
inline Failure failure_of(const std::vector<Problem>& problems) noexcept {
    const bool malformed = std::any_of(problems.begin(), problems.end(),
                                       [](const auto& each) { return each.origin.line != 0; });
    return malformed ? Failure::malformed : Failure::unavailable;
}

/// The frames of a store that begins with these versions.
ATTUNE_DECL std::shared_ptr<FrameChain> make_chain(std::size_t history,
                                                   const JournalSink::Restored& restored);

/// A version that the journal could not keep, as whoever listens to refusals is told.
ATTUNE_DECL Problem not_kept(const JournalError& error);

/// A node that comes into the graph by a commit; at most one of these.
struct Core::Addition {
    BoundNode* bound = nullptr;
    DerivedNode* derived = nullptr;
    DerivedNode* rule = nullptr;

    bool any() const noexcept { return bound != nullptr || derived != nullptr || rule != nullptr; }
};

/// The node's list to be changed, under the commit mutex, without those that are over: a copy while
/// a commit uses the list.
inline std::vector<std::shared_ptr<ValueDelivery>>& tidy_observers(GraphNode& node) {
    if (!node.observers) {
        node.observers = Ref<ObserverList>::adopt(new ObserverList);
    } else if (node.observers->shared()) {
        auto copy = Ref<ObserverList>::adopt(new ObserverList);
        copy->all = node.observers->all;
        node.observers = std::move(copy);
    }
    std::erase_if(node.observers->all, [](const auto& observer) { return observer->over(); });
    return node.observers->all;
}

inline std::vector<Bound> bound_roots(const std::vector<BoundNode*>& nodes) {
    std::vector<Bound> roots;
    roots.reserve(nodes.size());
    for (const BoundNode* node : nodes) {
        roots.push_back({node->path, &node->bound_kind.type()});
    }
    return roots;
}

/// What a commit did, and whom to tell once the mutex is free.
struct Core::Published {
    Version version = 0;
    Document before;
    Document after;
    bool waiting = false;    // contents that were refused before may be right by now
    bool elsewhere = false;  // more than what the writer wanted: restored values went
    std::vector<Ref<ObserverList>> observers;  // kept as they are
    std::vector<Delivery*> due;                // of these

    bool changed() const noexcept { return !before.same(after); }
};

struct Core::State {
    State(StoreOptions given, Ref<NodeHome> home, DeliveryHub& deliveries)
        : options(std::move(given)),
          hub(deliveries),
          graph(std::move(home)),
          poller(std::make_shared<Poller>()) {}

    const StoreOptions options;
    DeliveryHub& hub;

    std::mutex commit_mutex;
    std::atomic<std::thread::id> committing{};  // the thread inside a commit

    // All below: under commit_mutex.
    bool closed = false;
    std::atomic<bool> tells{};                  // some layer does; read without the mutex
    std::atomic<std::uint64_t> secret_epoch{};  // see Core::secret_roots; read without the mutex
    LayerStack stack;
    std::vector<std::shared_ptr<LayerEntry>> layers;  // lowest first, as in the stack
    std::uint64_t next_layer = 1;
    std::uint64_t overrides = 0;  // ids of the overrides and of the rollback, once there are some
    std::uint64_t rollback = 0;
    OverridesLog overrides_log;
    std::uint64_t restored = 0;            // id of what a journal has restored, while it stands in
    std::unique_ptr<JournalSink> journal;  // may be empty
    Document journaled;                    // the store's own state, as the journal has it
    Version last_journaled = 0;
    Poller::Timer retry;
    Poller::Timer restart;
    BindingIndex index;
    std::vector<BoundNode*> bound;  // in the order of bind; the index keeps them
    Graph graph;
    std::vector<std::shared_ptr<RejectionObserver>> rejection_observers;
    std::uint64_t commits = 0;
    std::uint64_t refusals = 0;
    std::uint64_t observer_errors = 0;
#if defined(ATTUNE_CHAOS)
    std::uint64_t chaos = 0x9E3779B97F4A7C15;
#endif
    std::shared_ptr<Poller> poller;  // empty once closed

    /// Puts a layer on top of its rank.
    void add(std::shared_ptr<LayerEntry> entry);
    /// A layer that the store itself writes.
    std::shared_ptr<LayerEntry> own_layer(Rank rank, std::string name);

    std::chrono::system_clock::time_point now() const {
        return options.clock ? options.clock() : std::chrono::system_clock::now();
    }

    std::shared_ptr<LayerEntry> find(std::uint64_t id) const noexcept;
    /// Throws std::logic_error when the layer has been removed.
    std::shared_ptr<LayerEntry> at(std::uint64_t id) const;
    const LayerContent* content_of(std::uint64_t id) const noexcept;

    /// Makes a whole document, as transports bring it, share what it has in common with the one
    /// before. An edit does so by nature.
    Content reconciled(const LayerEntry& entry, Content content) const;
    /// What `content` makes of a layer, with its texts in the places that the bound structs offer.
    std::shared_ptr<LayerContent> prepare(const LayerEntry& entry, Content content,
                                          std::vector<Problem>& problems) const;
    /// The stack with that layer replaced, or added on top of its rank.
    static LayerStack with_layer(LayerStack stack, std::shared_ptr<const LayerContent> layer);
    LayerStack stack_with(std::shared_ptr<const LayerContent> layer) const {
        return with_layer(stack, std::move(layer));
    }

    /// Writes the frame to the journal, if there is one and it has anything new: to be called last
    /// before it is published. Throws JournalError.
    void record(const Frame& frame, const Document& before, const LayerStack& next,
                const Path* within);
    /// Tries refused contents once more in a second: the journal could not keep them.
    void retry_later();
    /// Lets the layers show again a second from now, for a program that only adds layers.
    void end_restored_later();

    /// Puts a rollback above the transports, and the overrides of that time above it.
    Published hold(FrameChain& chain, Hold hold);
    /// What a layer of the store's own has at present, to be changed.
    std::shared_ptr<LayerContent> own_content(const LayerEntry& entry) const;
    /// The stack with `document` in the layer of the overrides.
    LayerStack with_overrides(LayerStack stack, const LayerEntry& entry, Document document) const;
    /// Adds the layer when there is none yet.
    std::shared_ptr<LayerEntry> overrides_layer();

    /// Publishes the candidate, with the values of all nodes it concerns, or throws Rejected and
    /// changes nothing.
    Published publish(FrameChain& chain, Candidate candidate, Addition addition = {});
    void take_stack(LayerStack next) noexcept;
    void note_overrides(const FrameChain& chain, const Candidate& candidate, Version version);
#if defined(ATTUNE_CHAOS)
    /// Replaces the current frame by one of the same version, with equal copies of some values: a
    /// reference that was kept beyond its Reading or View then dangles, and AddressSanitizer sees
    /// it.
    void shake(FrameChain& chain);
#endif
    /// As above, for one layer's content; keeps its status.
    Published accept(FrameChain& chain, LayerEntry& entry, Content content, Proposal proposal);

    /// Accepts what layers were refused, if it can be accepted now: all of it at once, or else the
    /// content of one layer.
    std::optional<Published> accept_refused(FrameChain& chain);

    /// The layer's content is served, since that version of the store.
    void note_success(LayerEntry& entry, const Content& content, Version version);
    /// Another reading could not be had, or is refused.
    void note_failure(LayerEntry& entry, Failure failure, std::vector<Problem> problems);
    Explanation explain(const FrameChain& chain, const Path& path) const;
    Explanation explain(const FrameChain& chain, const GraphNode& node) const;
    /// What bound structs begin with at `path`.
    std::optional<Document> fallback_of(const Path& path) const;

    /// Offers the values of changed nodes to their observers.
    void offer(const Frame& frame, std::span<GraphNode* const> observed, Published& result);
    /// Offers the rejection to whoever observes them; what is due then.
    std::vector<std::shared_ptr<Delivery>> announce(Rejection rejection);
};

/// The commit mutex, held. Throws std::logic_error when this thread is inside a commit already: the
/// caller is then a decoder or a check, and would wait for itself.
class CommitLock {
public:
    template <class State>
    explicit CommitLock(State& state)
        : CommitLock(state.commit_mutex, state.committing, state.graph) {}
    CommitLock(const CommitLock&) = delete;
    CommitLock& operator=(const CommitLock&) = delete;
    ~CommitLock() {
        committing_.store({}, std::memory_order_relaxed);
        do {
            GraphNode* const gone =
                graph_.home().has_abandoned() ? graph_.take_abandoned() : nullptr;
            lock_.unlock();
            Graph::destroy(gone);
        } while (graph_.home().has_abandoned() && lock_.try_lock());
    }

    /// For what needs no lock, but would wait for the commit it is called from.
    static void refuse_inside(const std::atomic<std::thread::id>& committing) {
        if (committing.load(std::memory_order_relaxed) == std::this_thread::get_id()) {
            throw std::logic_error{
                "what runs inside a commit (a decoder, a check, a rule, the function of a derived "
                "value or of transact) must not call the store that runs it, only read handles; do "
                "the rest in an observer"};
        }
    }

private:
    CommitLock(std::mutex& mutex, std::atomic<std::thread::id>& committing, Graph& graph)
        : committing_(committing), graph_(graph), lock_(mutex, std::defer_lock) {
        refuse_inside(committing);
        lock_.lock();
        committing_.store(std::this_thread::get_id(), std::memory_order_relaxed);
    }

    std::atomic<std::thread::id>& committing_;
    Graph& graph_;
    std::unique_lock<std::mutex> lock_;
};

/// As CommitLock, for callers who need a living store: throws std::logic_error when it is closed.
class OpenLock : public CommitLock {
public:
    template <class State>
    explicit OpenLock(State& state) : CommitLock(state) {
        if (state.closed) {
            throw std::logic_error{"the store has been closed"};
        }
    }
};

}  // namespace attune::inline ATTUNE_ABI::detail
