#pragma once

#include <attune/graph/graph.hpp>
#include <attune/store/binding_index.hpp>
#include <attune/store/core.hpp>
#include <attune/store/layer_stack.hpp>
#include <attune/store/poller.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

/// The insides of Core, shared by its .ipp files only.
namespace attune::inline ATTUNE_ABI::detail {

/// A layer of a running store.
struct Core::LayerEntry {
    std::uint64_t id = 0;
    std::string name;
    UnknownKeys unknown_keys = UnknownKeys::error;
    std::shared_ptr<Transport> transport;  // null for the overrides
    std::unique_ptr<Feed> feed;            // set once the transport has been started
    LayerStatus status;
    std::optional<Content> refused;  // the newest content, while it cannot be accepted
};

/// What a candidate wants to be.
struct Core::Candidate {
    LayerStack stack;
    std::string reason;
};

/// A node that comes into the graph by a commit; at most one of these.
struct Core::Addition {
    BoundNode* bound = nullptr;
    DerivedNode* derived = nullptr;
    DerivedNode* rule = nullptr;

    bool any() const noexcept { return bound != nullptr || derived != nullptr || rule != nullptr; }
};

/// What a commit did, and whom to tell once the mutex is free.
struct Core::Published {
    Version version = 0;
    Document before;
    Document after;
    std::vector<std::shared_ptr<Delivery>> due;

    bool changed() const noexcept { return !before.same(after); }
};

struct Core::State {
    State(StoreOptions given, Ref<NodeHome> home)
        : options(given), graph(std::move(home)), poller(std::make_shared<Poller>()) {}

    const StoreOptions options;

    std::mutex commit_mutex;
    std::atomic<std::thread::id> committing{};  // the thread inside a commit

    // All below: under commit_mutex.
    bool closed = false;
    LayerStack stack;
    std::vector<std::shared_ptr<LayerEntry>> layers;  // lowest first, as in the stack
    std::uint64_t next_layer = 1;
    std::uint64_t overrides = 0;  // id of the overrides, once there are some
    BindingIndex index;
    std::vector<BoundNode*> bound;  // in the order of bind; the index keeps them
    Graph graph;
    std::vector<std::shared_ptr<RejectionObserver>> rejection_observers;
    std::uint64_t commits = 0;
    std::uint64_t refusals = 0;
    std::uint64_t observer_errors = 0;
    std::shared_ptr<Poller> poller;  // empty once closed

    std::shared_ptr<LayerEntry> find(std::uint64_t id) const noexcept;
    /// Throws std::logic_error when the layer has been removed.
    std::shared_ptr<LayerEntry> at(std::uint64_t id) const;
    const LayerContent* content_of(std::uint64_t id) const noexcept;

    /// Makes a whole document, as transports bring it, share what it has in common with the one
    /// before. An edit does so by nature.
    Content reconciled(const LayerEntry& entry, Content content) const;
    /// What `content` makes of a layer, with its texts in the places that the bound structs offer.
    std::shared_ptr<const LayerContent> prepare(const LayerEntry& entry, Content content,
                                                std::vector<Problem>& problems) const;
    /// The present stack with that layer replaced, or added below the overrides.
    LayerStack stack_with(std::shared_ptr<const LayerContent> layer) const;

    /// Publishes the candidate, with the values of all nodes it concerns, or throws Rejected and
    /// changes nothing.
    Published publish(FrameChain& chain, Candidate candidate, Addition addition = {});
    /// As above, for one layer's content; keeps its status.
    Published accept(FrameChain& chain, LayerEntry& entry, Content content, std::string reason);

    /// Accepts what layers were refused, if it can be accepted now: all of it at once, or else the
    /// content of one layer.
    std::optional<Published> accept_refused(FrameChain& chain);

    void note_success(LayerEntry& entry, const std::string& revision);
    void note_failure(LayerEntry& entry, std::vector<Problem> problems);
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
            GraphNode* const gone = graph_.home().has_abandoned() ? graph_.take_abandoned() : nullptr;
            lock_.unlock();
            Graph::destroy(gone);
        } while (graph_.home().has_abandoned() && lock_.try_lock());
    }

private:
    CommitLock(std::mutex& mutex, std::atomic<std::thread::id>& committing, Graph& graph)
        : committing_(committing), graph_(graph), lock_(mutex, std::defer_lock) {
        const auto self = std::this_thread::get_id();
        if (committing.load(std::memory_order_relaxed) == self) {
            throw std::logic_error{
                "a decoder, rule or check must only read the handles of the store that runs it; "
                "do the rest in an observer"};
        }
        lock_.lock();
        committing_.store(self, std::memory_order_relaxed);
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
