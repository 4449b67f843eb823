#pragma once

#include <attune/fwd.hpp>
#include <attune/graph/frame_chain.hpp>
#include <attune/graph/ref.hpp>
#include <attune/graph/value_kind.hpp>
#include <attune/version.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

class DerivedNode;
class GraphNode;
class ValueDelivery;

/// What the nodes of one store share. Outlives the store for as long as a handle does, and keeps
/// the frames, so that a handle always has its last value.
class NodeHome {
public:
    explicit NodeHome(std::shared_ptr<FrameChain> frames) noexcept : chain(std::move(frames)) {}
    NodeHome(const NodeHome&) = delete;
    NodeHome& operator=(const NodeHome&) = delete;

    const std::shared_ptr<FrameChain> chain;

    /// Nobody refers to that node any more. It stays in the graph until the writer takes it out,
    /// which is at once unless a commit is going on.
    ATTUNE_DECL void abandon(GraphNode* node) noexcept;
    /// For the writer: all that were abandoned, as a list by GraphNode::next_abandoned.
    ATTUNE_DECL GraphNode* take_abandoned() noexcept;
    bool has_abandoned() const noexcept {
        return abandoned_.load(std::memory_order_relaxed) != nullptr;
    }
    /// There is no writer from now on: what is abandoned later is destroyed at once.
    ATTUNE_DECL void close() noexcept;

    void acquire() const noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
    void release() const noexcept {
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            delete this;
        }
    }

protected:
    virtual ~NodeHome() = default;

private:
    /// Lets the writer know, on the thread that abandoned a node.
    virtual void tidy() noexcept = 0;

    std::mutex mutex_;
    bool closed_ = false;
    std::atomic<GraphNode*> abandoned_{nullptr};
    mutable std::atomic<std::uint32_t> references_{1};
};

/// One node reads another. Linked into a list of all that read the same one, so that a node is
/// taken out of the graph at the cost of its own edges.
struct Edge {
    GraphNode* input = nullptr;  ///< with a reference
    DerivedNode* reader = nullptr;
    Edge* next = nullptr;
    Edge** link = nullptr;  ///< what points to this edge
};

/// What there is to say about few nodes.
struct NodeNotes {
    std::string name;   ///< given by the program
    std::string error;  ///< while the node is stale
    std::chrono::system_clock::time_point since{};
    Version version = 0;  ///< the first one that shows a stale value
};

/// The observers of one node. After a commit has let go of its mutex it goes through those that it
/// has to call, and must neither count references to each of them nor see the list change: it
/// shares the list meanwhile.
class ObserverList {
public:
    std::vector<std::shared_ptr<ValueDelivery>> all;  ///< changed only while it is not shared

    bool shared() const noexcept { return references_.load(std::memory_order_acquire) != 1; }
    void acquire() const noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
    void release() const noexcept {
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            delete this;
        }
    }

private:
    mutable std::atomic<std::uint32_t> references_{1};
};

/// What stands behind a Config: a slot in the frames, those who watch it, and those who derive
/// values from it. Handles, observers and the edges of other nodes refer to it; when nobody does,
/// it is abandoned.
///
/// The members that are not const belong to the writer, under its mutex.
class GraphNode {
public:
    static constexpr std::uint32_t no_slot = UINT32_MAX;

    GraphNode(NodeHome& owner, const ValueKind& value) noexcept : kind(value), home(owner) {
        home.acquire();
    }
    GraphNode(const GraphNode&) = delete;
    GraphNode& operator=(const GraphNode&) = delete;
    virtual ~GraphNode() { home.release(); }

    void acquire() const noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
    void release() const noexcept {
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            home.abandon(const_cast<GraphNode*>(this));
        }
    }
    /// True when nobody refers to it; then nobody will.
    bool abandoned() const noexcept { return references_.load(std::memory_order_relaxed) == 0; }

    /// For people.
    std::string name() const {
        return notes != nullptr && !notes->name.empty() ? notes->name : default_name();
    }

    const ValueKind& kind;
    NodeHome& home;
    std::uint64_t born = 0;  ///< serial of the first frame that shows it; set with the slot
    std::unique_ptr<NodeNotes> notes;
    GraphNode* next_abandoned = nullptr;

    // What a commit looks at comes last, next to what derived classes add.
    Edge* readers = nullptr;
    Ref<ObserverList> observers;
    std::uint32_t slot = no_slot;  ///< set before anybody else knows the node

private:
    mutable std::atomic<std::uint32_t> references_{1};

public:
    std::uint32_t height = 0;     ///< above every node it reads
    bool keeps_on_error = false;  ///< its function may fail without a veto
    bool stale = false;           ///< it did, and the value is an older one
    bool running = false;
    bool is_rule : 1 = false;
    bool reads_the_same : 1 = false;  ///< its function reads all its inputs, and nothing else

private:
    virtual std::string default_name() const = 0;
};

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/graph/impl/node.ipp>
#endif
