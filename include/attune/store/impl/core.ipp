#pragma once

#include <attune/store/impl/core_state.hpp>

#include <attune/store/placement.hpp>

#include <algorithm>
#include <exception>
#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL Core::Core(StoreOptions options)
    : chain_(std::make_shared<FrameChain>(options.history, Document::object())),
      hub_(std::make_shared<DeliveryHub>()),
      state_(std::make_unique<State>(options, Ref<NodeHome>::adopt(new StoreHome{chain_}))) {}

ATTUNE_DECL Core::~Core() = default;

ATTUNE_DECL std::shared_ptr<Core> Core::make(StoreOptions options) {
    std::shared_ptr<Core> core{new Core{options}};
    static_cast<StoreHome&>(core->home()).core = core;
    core->hub_->on_throw([weak = std::weak_ptr<Core>{core}](const std::string& observer,
                                                            const std::exception_ptr& thrown) {
        if (const auto self = weak.lock()) {
            self->observer_threw(observer, thrown);
        }
    });
    return core;
}

ATTUNE_DECL void Core::close() noexcept {
    std::vector<std::shared_ptr<LayerEntry>> layers;
    std::vector<std::shared_ptr<Delivery>> observers;
    std::shared_ptr<Poller> poller;
    {
        const std::scoped_lock lock{state_->commit_mutex};
        state_->closed = true;
        layers.swap(state_->layers);
        poller.swap(state_->poller);
        observers.assign(state_->rejection_observers.begin(), state_->rejection_observers.end());
        for (GraphNode* const node : state_->graph.nodes()) {
            if (node != nullptr && node->observers != nullptr) {
                observers.insert(observers.end(), node->observers->begin(),
                                 node->observers->end());
                node->observers.reset();
            }
        }
        state_->graph.dissolve();
        state_->rejection_observers.clear();
        state_->stack.clear();
    }
    home().close();
    Graph::destroy(home().take_abandoned());
    hub_->on_throw(nullptr);
    // None of these under a lock: each may wait for a callback that is about to commit.
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
        Candidate candidate{state_->stack, "bind " + to_string(path)};
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
        published = state_->publish(*chain_, std::move(candidate), {.bound = node.get()});
        state_->bound.push_back(node.get());
        state_->index.insert(node);
    }
    finish(published);
    return node;
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

ATTUNE_DECL bool Core::settle(std::chrono::nanoseconds timeout) {
    const bool settled = hub_->settle(version(), std::chrono::steady_clock::now() + timeout);
    if (epoch_collect() != 0) {
        hub_->notifier().collect_soon();
    }
    return settled;
}

ATTUNE_DECL void Core::observe(GraphNode& node, std::shared_ptr<ValueDelivery> observer, bool now) {
    {
        const CommitLock lock{*state_};
        const Frame& current = *chain_->current();
        CellPtr value = CellPtr::share(current.cell(node.slot));
        if (!state_->closed) {
            if (node.observers == nullptr) {
                node.observers = std::make_unique<std::vector<std::shared_ptr<ValueDelivery>>>();
            }
            std::erase_if(*node.observers, [](const auto& other) { return other->cancelled(); });
            node.observers->push_back(observer);
        }
        if (now) {
            (void)observer->offer_value(current.version, value);
        } else {
            observer->begin_with(std::move(value));
        }
    }
    if (now) {
        observer->deliver_first();
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

// The rejection observers are told, unless it was one of them that threw: that could go on for
// ever.
ATTUNE_DECL void Core::observer_threw(const std::string& observer,
                                      const std::exception_ptr& thrown) {
    std::string what = "an exception that is no std::exception";
    try {
        std::rethrow_exception(thrown);
    } catch (const std::exception& exception) {
        what = exception.what();
    } catch (...) {
    }
    Problem problem;
    problem.message = "observer of \"" + observer + "\" threw: " + what;
    problem.severity = Severity::warning;
    Rejection rejection{
        .problems = {std::move(problem)}, .reason = "observer", .version = version()};
    {
        const CommitLock lock{*state_};
        ++state_->observer_errors;
    }
    if (observer != RejectionObserver::name) {
        publish_rejection(std::move(rejection));
    }
}

}  // namespace attune::inline ATTUNE_ABI::detail
