#pragma once

#include <attune/store/impl/core_state.hpp>

#include <attune/document/parse.hpp>

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <optional>
#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

/// The store's ear for one running transport.
class LayerFeed final : public Feed {
public:
    LayerFeed(std::weak_ptr<Core> core, std::uint64_t layer, std::shared_ptr<Poller> poller)
        : core_(std::move(core)), layer_(layer), poller_(std::move(poller)) {}

    Verdict content(Content content) override {
        if (const auto core = core_.lock()) {
            return core->deliver(layer_, std::move(content));
        }
        return {};
    }
    void failed(std::vector<Problem> problems) override {
        if (const auto core = core_.lock()) {
            core->fail(layer_, std::move(problems));
        }
    }
    void unchanged() override {
        if (const auto core = core_.lock()) {
            core->confirm(layer_);
        }
    }
    Poller& poller() override { return *poller_; }

private:
    const std::weak_ptr<Core> core_;
    const std::uint64_t layer_;
    const std::shared_ptr<Poller> poller_;
};

/// What a reload on another thread came to.
struct ReloadOutcome {
    std::mutex mutex;
    std::condition_variable ready;
    bool kept = false;
    Commit commit;
    std::exception_ptr thrown;
};

/// Kept at the latest when it is destroyed: a poller that ends drops its work.
class ReloadPromise {
public:
    explicit ReloadPromise(std::shared_ptr<ReloadOutcome> outcome) noexcept
        : outcome_(std::move(outcome)) {}
    ReloadPromise(ReloadPromise&&) noexcept = default;
    ReloadPromise& operator=(ReloadPromise&&) = delete;
    ~ReloadPromise() {
        if (outcome_ != nullptr) {
            keep({}, std::make_exception_ptr(std::logic_error{
                         "the store was closed during the reload"}));
        }
    }
    void keep(Commit commit, std::exception_ptr thrown) {
        const auto outcome = std::exchange(outcome_, nullptr);
        const std::scoped_lock lock{outcome->mutex};
        outcome->commit = std::move(commit);
        outcome->thrown = std::move(thrown);
        outcome->kept = true;
        outcome->ready.notify_one();
    }

private:
    std::shared_ptr<ReloadOutcome> outcome_;
};

/// One reading, with what is wrong about it as a Rejected.
inline Content load_from(Transport& transport, const std::string& name, Version version) {
    std::vector<Problem> problems;
    try {
        return transport.load();
    } catch (const ParseError& error) {
        problems.push_back({.path = {},
                            .origin = {.layer = name,
                                       .source = error.name(),
                                       .line = error.line(),
                                       .column = error.column(),
                                       .revision = {}},
                            .message = error.message()});
    } catch (const Rejected& rejected) {
        problems = rejected.problems();
    }
    throw Rejected{{.problems = std::move(problems), .reason = name, .version = version}};
}

ATTUNE_DECL void Core::State::add(std::shared_ptr<LayerEntry> entry) {
    const auto above = std::find_if(layers.begin(), layers.end(),
                                    [&](const auto& other) { return other->rank > entry->rank; });
    layers.insert(above, std::move(entry));
}

ATTUNE_DECL std::shared_ptr<Core::LayerEntry> Core::State::own_layer(Rank rank, std::string name) {
    auto entry = std::make_shared<LayerEntry>();
    entry->id = next_layer++;
    entry->rank = rank;
    entry->name = std::move(name);
    entry->status.name = entry->name;
    entry->unknown_keys = options.unknown_keys.value_or(UnknownKeys::error);
    return entry;
}

ATTUNE_DECL std::shared_ptr<Core::LayerEntry> Core::State::find(std::uint64_t id) const noexcept {
    const auto found = std::find_if(layers.begin(), layers.end(),
                                    [&](const auto& layer) { return layer->id == id; });
    return found != layers.end() ? *found : nullptr;
}

ATTUNE_DECL std::shared_ptr<Core::LayerEntry> Core::State::at(std::uint64_t id) const {
    auto found = find(id);
    if (found == nullptr) {
        throw std::logic_error{"the layer has been removed from its store"};
    }
    return found;
}

ATTUNE_DECL const LayerContent* Core::State::content_of(std::uint64_t id) const noexcept {
    const auto found = std::find_if(stack.begin(), stack.end(),
                                    [&](const auto& layer) { return layer->id == id; });
    return found != stack.end() ? found->get() : nullptr;
}

ATTUNE_DECL void Core::State::note_success(LayerEntry& entry, const Content& content,
                                           Version version) {
    if (entry.transport != nullptr && entry.transport->wants_accepted()) {
        entry.tells = true;
        tells.store(true, std::memory_order_relaxed);
    }
    LayerStatus& status = entry.status;
    status.version = version;
    status.revision = content.revision;
    entry.refused.reset();
    const auto time = now();
    if (!content.stale_because.empty()) {
        // An old reading, in place of one that could not be had.
        note_failure(entry, Failure::unavailable, content.stale_because);
        status.state = attune::State::stale;
        return;
    }
    if (status.state != attune::State::ready) {
        status.state = attune::State::ready;
        status.since = time;
    }
    status.last_success = time;
    ++status.updates;
    status.consecutive_failures = 0;
    status.problems.clear();
}

ATTUNE_DECL void Core::State::note_failure(LayerEntry& entry, Failure failure,
                                           std::vector<Problem> problems) {
    LayerStatus& status = entry.status;
    const auto time = now();
    const auto state = status.updates != 0 || status.state == attune::State::stale
                           ? attune::State::stale
                           : attune::State::failed;
    if (status.state != state) {
        status.state = state;
        status.since = time;
    }
    ++status.refusals;
    ++status.consecutive_failures;
    for (Problem& problem : problems) {
        problem.found.clear();  // a value
    }
    status.last_error = {
        .kind = failure, .path = problems.empty() ? Path{} : problems.front().path, .time = time};
    status.problems = std::move(problems);
    ++refusals;
}

ATTUNE_DECL std::uint64_t Core::add(std::unique_ptr<Transport> transport, LayerOptions options) {
    const auto self = shared_from_this();  // an observer may destroy the store
    auto entry = std::make_shared<LayerEntry>();
    entry->transport = std::move(transport);
    entry->name = options.name.empty() ? entry->transport->name() : std::move(options.name);
    entry->status.name = entry->name;
    const auto by_default = entry->transport->remote() ? UnknownKeys::warn : UnknownKeys::error;
    entry->unknown_keys =
        options.unknown_keys.value_or(state_->options.unknown_keys.value_or(by_default));

    Content content = load_from(*entry->transport, entry->name, version());
    Published published;
    {
        const OpenLock lock{*state_};
        entry->id = state_->next_layer++;
        published = state_->accept(*chain_, *entry, std::move(content),
                                   {.reason = entry->name, .first = true});
        state_->add(entry);
        state_->end_restored_later();
        entry->feed = std::make_unique<LayerFeed>(weak_from_this(), entry->id, state_->poller);
    }
    finish(published);
    try {
        entry->transport->start(*entry->feed);
    } catch (...) {
        remove(entry->id);
        throw;
    }
    if (published.waiting) {
        retry_refused();
    }
    return entry->id;
}

ATTUNE_DECL void Core::discard(std::vector<std::shared_ptr<LayerEntry>> layers,
                               Poller* poller) noexcept {
    // A callback that ends its own layer returns into the transport: that must still be there.
    if (poller != nullptr && poller->on_thread()) {
        poller->post([kept = std::move(layers)] {});
    }
}

ATTUNE_DECL void Core::remove(std::uint64_t layer) {
    const auto self = shared_from_this();  // an observer may destroy the store
    Published published;
    std::shared_ptr<LayerEntry> entry;
    std::shared_ptr<Poller> poller;
    {
        const CommitLock lock{*state_};
        entry = state_->find(layer);  // nothing is found in a closed store
        if (entry == nullptr) {
            return;
        }
        Candidate candidate{
            .stack = state_->stack, .reason = "remove " + entry->name, .layer = entry->name};
        std::erase_if(candidate.stack, [&](const auto& other) { return other->id == layer; });
        published = state_->publish(*chain_, std::move(candidate));
        std::erase(state_->layers, entry);
        poller = state_->poller;
    }
    finish(published);
    if (entry->transport != nullptr) {
        {
            const std::scoped_lock lock{entry->telling};
            entry->ended = true;
        }
        entry->transport->stop();
    }
    discard({std::move(entry)}, poller.get());
}

ATTUNE_DECL Commit Core::reload(std::uint64_t layer) {
    std::shared_ptr<Poller> poller;
    {
        const OpenLock lock{*state_};
        if (state_->at(layer)->transport->writable()) {
            Commit nothing;
            nothing.version = chain_->current()->version;
            return nothing;
        }
        poller = state_->poller;
    }
    if (poller->on_thread()) {
        return reload_now(layer);
    }
    // On the transport's own thread, so that this reading and those it brings by itself are
    // committed in the order in which they were made.
    auto outcome = std::make_shared<ReloadOutcome>();
    poller->post([self = shared_from_this(), layer, promise = ReloadPromise{outcome}]() mutable {
        try {
            promise.keep(self->reload_now(layer), nullptr);
        } catch (...) {
            promise.keep({}, std::current_exception());
        }
    });
    poller.reset();
    std::unique_lock lock{outcome->mutex};
    outcome->ready.wait(lock, [&] { return outcome->kept; });
    if (outcome->thrown) {
        std::rethrow_exception(outcome->thrown);
    }
    return outcome->commit;
}

ATTUNE_DECL Commit Core::reload_now(std::uint64_t layer) {
    const auto self = shared_from_this();  // an observer may destroy the store
    std::shared_ptr<LayerEntry> entry;
    {
        const OpenLock lock{*state_};
        entry = state_->at(layer);
    }
    Published published;
    bool read = false;
    try {
        Content content = load_from(*entry->transport, entry->name, version());
        read = true;
        const OpenLock lock{*state_};
        published = state_->accept(*chain_, *entry, state_->reconciled(*entry, std::move(content)),
                                   {.reason = "reload " + entry->name});
    } catch (const Rejected& rejected) {
        const OpenLock lock{*state_};
        state_->note_failure(*entry, read ? Failure::refused : failure_of(rejected.problems()),
                             rejected.problems());
        throw;
    }
    finish(published);
    if (published.waiting) {
        retry_refused();
    }
    return ticket(published);
}

}  // namespace attune::inline ATTUNE_ABI::detail
