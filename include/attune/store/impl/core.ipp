#pragma once

#include <attune/store/impl/core_state.hpp>

#include <attune/bind/secrecy.hpp>
#include <attune/store/placement.hpp>

#include <algorithm>
#include <exception>
#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL Core::Core(StoreOptions options, std::shared_ptr<FrameChain> chain)
    : chain_(std::move(chain)),
      hub_(std::make_shared<DeliveryHub>()),
      state_(std::make_unique<State>(std::move(options),
                                     Ref<NodeHome>::adopt(new StoreHome{chain_}), *hub_)) {}

ATTUNE_DECL Core::~Core() = default;

ATTUNE_DECL std::shared_ptr<Core> Core::make(StoreOptions options) {
    std::unique_ptr<JournalSink> journal;
    JournalSink::Restored restored;
    if (options.journal) {
        journal = options.journal.open(options.sync);
        restored = journal->restore(options.history);
    }
    std::shared_ptr<FrameChain> chain = make_chain(options.history, restored);
    std::shared_ptr<Core> core{new Core{std::move(options), std::move(chain)}};
    static_cast<StoreHome&>(core->home()).core = core;
    core->hub_->on_throw([weak = std::weak_ptr<Core>{core}](const ObserverName& observer,
                                                            const std::exception_ptr& thrown) {
        if (const auto self = weak.lock()) {
            self->observer_threw(observer, thrown);
        }
    });
    core->watch_calls();
    if (journal != nullptr) {
        core->restore(std::move(journal), restored.own);
    }
    return core;
}

ATTUNE_DECL void Core::close() noexcept {
    std::vector<std::shared_ptr<LayerEntry>> layers;
    std::vector<std::shared_ptr<Delivery>> observers;
    std::shared_ptr<Poller> poller;
    Poller::Timer retry;
    Poller::Timer restart;
    {
        const std::scoped_lock lock{state_->commit_mutex};
        state_->closed = true;
        retry = std::move(state_->retry);
        restart = std::move(state_->restart);
        layers.swap(state_->layers);
        poller.swap(state_->poller);
        observers.assign(state_->rejection_observers.begin(), state_->rejection_observers.end());
        for (GraphNode* const node : state_->graph.nodes()) {
            if (node != nullptr && node->observers) {
                const auto& all = node->observers->all;
                observers.insert(observers.end(), all.begin(), all.end());
                node->observers = {};
            }
        }
        state_->graph.dissolve();
        state_->rejection_observers.clear();
        state_->stack.clear();
        state_->journal.reset();
    }
    home().close();
    Graph::destroy(home().take_abandoned());
    hub_->on_throw(nullptr);
    hub_->bell().close();
    // None of these under a lock: each may wait for a callback that is about to commit.
    hub_->calls().stop();
    retry.reset();
    restart.reset();
    for (const auto& layer : layers) {
        if (layer->feed != nullptr) {
            layer->transport->stop();
        }
    }
    for (const auto& observer : observers) {
        observer->cancel();
    }
    discard(std::move(layers), poller.get());
    poller.reset();
    hub_->notifier().stop();
    chain_->forget();
    (void)epoch_collect();
}

ATTUNE_DECL Ref<GraphNode> Core::bind(const Path& path, const BoundKind& kind) {
    const auto self = shared_from_this();  // an observer may destroy the store
    Published published;
    Ref<BoundNode> node;
    {
        const OpenLock lock{*state_};
        if (auto known = state_->index.find(path, kind)) {
            return known;
        }
        node = Ref<BoundNode>::adopt(new BoundNode{home(), kind, path});
        Candidate candidate{.stack = state_->stack, .reason = "bind " + to_string(path)};
        std::vector<Problem> problems;
        for (auto& layer : candidate.stack) {
            if (layer->content.texts.empty()) {
                continue;
            }
            auto placed = std::make_shared<LayerContent>(*layer);
            if (find_places(*placed, {path, &kind.type()})) {
                place_texts(*placed, problems);
                layer = std::move(placed);
            }
        }
        if (!problems.empty()) {
            throw Rejected{{.problems = std::move(problems),
                            .reason = std::move(candidate.reason),
                            .version = chain_->current()->version}};
        }
        if (has_secrets(kind.type())) {
            state_->secret_epoch.fetch_add(1, std::memory_order_release);
        }
        published = state_->publish(*chain_, std::move(candidate), {.bound = node.get()});
        for (const auto& layer : state_->layers) {
            if (layer->transport != nullptr && layer->transport->wants_accepted()) {
                layer->tells = true;
                state_->tells.store(true, std::memory_order_relaxed);
            }
        }
        state_->bound.push_back(node.get());
        state_->index.insert(node);
    }
    finish(published);
    return node;
}

ATTUNE_DECL std::shared_ptr<Poller> Core::poller() const {
    const OpenLock lock{*state_};
    return state_->poller;
}

ATTUNE_DECL bool Core::closed() const {
    const CommitLock lock{*state_};
    return state_->closed;
}

ATTUNE_DECL Core::SecretRoots Core::secret_roots() const {
    const CommitLock lock{*state_};
    SecretRoots secret{.epoch = secret_epoch(), .roots = bound_roots(state_->bound)};
    std::erase_if(secret.roots, [](const Bound& root) { return !has_secrets(*root.type); });
    return secret;
}

ATTUNE_DECL std::uint64_t Core::secret_epoch() const noexcept {
    return state_->secret_epoch.load(std::memory_order_acquire);
}

ATTUNE_DECL Version Core::version() const noexcept {
    const FrameGuard guard{*chain_};
    return guard.frame().version;
}

ATTUNE_DECL const Frame* Core::acquire(Version version) const {
    const Frame* const frame = chain_->acquire_version(version);
    if (frame == nullptr) {
        throw std::out_of_range{"version " + std::to_string(version) +
                                " is not retained; versions " + std::to_string(chain_->oldest()) +
                                " to " + std::to_string(this->version()) + " are"};
    }
    return frame;
}

ATTUNE_DECL bool Core::settle(std::chrono::steady_clock::time_point deadline) {
    const bool settled = hub_->settle(version(), deadline);
    if (epoch_collect() != 0) {
        hub_->notifier().collect_soon();
    }
    return settled;
}

ATTUNE_DECL void Core::observe(GraphNode& node, std::shared_ptr<ValueDelivery> observer, bool now) {
    bool closed = false;
    {
        const CommitLock lock{*state_};
        closed = state_->closed;
        const Frame& current = *chain_->current();
        CellOwner value = CellPtr::share(current.cell(node.slot)).own();
        if (!closed) {
            tidy_observers(node).push_back(observer);
        }
        if (now) {
            (void)observer->offer_first(current.version, std::move(value));
        } else {
            observer->begin_with(std::move(value));
        }
    }
    if (now) {
        observer->deliver_first();
    }
    if (closed) {
        observer->cancel();
    }
}

ATTUNE_DECL void Core::observe_rejections(std::shared_ptr<RejectionObserver> observer) {
    const OpenLock lock{*state_};
    std::erase_if(state_->rejection_observers,
                  [](const auto& other) { return other->cancelled(); });
    state_->rejection_observers.push_back(std::move(observer));
}

ATTUNE_DECL std::vector<std::shared_ptr<Delivery>> Core::State::announce(Rejection rejection) {
    std::vector<std::shared_ptr<Delivery>> due;
    std::erase_if(rejection_observers, [](const auto& other) { return other->cancelled(); });
    const auto shared = std::make_shared<const Rejection>(std::move(rejection));
    for (const auto& observer : rejection_observers) {
        if (observer->offer_rejection(shared->version, shared)) {
            due.push_back(observer);
        }
    }
    return due;
}

ATTUNE_DECL void Core::publish_rejection(Rejection rejection) {
    std::vector<std::shared_ptr<Delivery>> due;
    {
        const CommitLock lock{*state_};
        due = state_->announce(std::move(rejection));
    }
    for (const auto& delivery : due) {
        delivery->dispatch();
    }
}

}  // namespace attune::inline ATTUNE_ABI::detail
