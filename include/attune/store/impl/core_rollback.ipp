#pragma once

#include <attune/store/impl/core_state.hpp>

#include <attune/document/impl/search.hpp>
#include <attune/document/merge.hpp>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

/// Throws std::invalid_argument where a list is on the way: layers replace lists whole, so nothing
/// inside of one can be held.
inline void refuse_list_on_the_way(const Document& document, const Path& path) {
    const Document* value = &document;
    Path here;
    for (const std::string& token : path.tokens()) {
        if (value->is_array()) {
            throw std::invalid_argument{"a rollback cannot hold \"" + to_string(path) +
                                        "\", which is inside a list: roll back \"" +
                                        to_string(here) + "\" as a whole"};
        }
        value = child(*value, token);
        if (value == nullptr) {
            return;
        }
        here = here / token;
    }
}

/// The overrides without what would hide the hold.
inline Document overrides_beside(const Path& path, Document overrides) {
    for (Path above = path; !above.empty(); above = above.parent()) {
        const Document* const value = overrides.find(above);
        if (value != nullptr && (above == path || !value->is_object())) {
            overrides = overrides.without(above);
        }
    }
    return path.empty() ? Document{} : overrides;
}

inline std::optional<Document> value_at(const Document& document, const Path& path) {
    const Document* const value = document.find(path);
    return value != nullptr ? std::optional{*value} : std::nullopt;
}

ATTUNE_DECL Commit Core::rollback(Version version, const Path& path) {
    const auto self = shared_from_this();  // an observer may destroy the store
    Published published;
    {
        const OpenLock lock{*state_};
        const Frame* const past = acquire(version);
        const Document document = past->document;
        const Document overrides =
            state_->overrides_log.at(version, overrides_in(state_->stack)).value_or(Document{});
        chain_->release(past);
        refuse_list_on_the_way(document, path);
        refuse_list_on_the_way(chain_->current()->document, path);
        try {
            published = state_->hold(*chain_, {.path = path,
                                               .value = value_at(document, path),
                                               .version = version,
                                               .overrides = value_at(overrides, path)});
        } catch (const Rejected&) {
            ++state_->refusals;
            throw;
        }
    }
    Commit commit = ticket(published);
    finish(published);
    if (published.waiting) {
        retry_refused();
    }
    return commit;
}

// What the program sets from now on is above the rollback. What it had set before goes: what of it
// was there in the version that comes back is part of the rollback, and holds again afterwards.
ATTUNE_DECL Core::Published Core::State::hold(FrameChain& chain, Hold hold) {
    const auto known = find(rollback);
    const auto entry = known != nullptr ? known : own_layer(Rank::rollback, "rollback");
    const auto layer = own_content(*entry);
    // What comes back was accepted once, with what a newer publisher had put into it as well.
    layer->unknown_keys = UnknownKeys::warn;
    layer->content.revision = std::to_string(hold.version);
    std::erase_if(layer->holds,
                  [&](const Hold& other) { return other.path.starts_with(hold.path); });
    layer->holds.push_back(hold);

    LayerStack proposed = with_layer(stack, layer);
    if (const LayerContent* const set = content_of(overrides)) {
        proposed = with_overrides(std::move(proposed), *find(overrides),
                                  overrides_beside(hold.path, set->document));
    }
    std::string reason = "rollback ";
    reason += hold.path.empty() ? "" : to_string(hold.path) + ' ';
    reason += "to version " + std::to_string(hold.version);
    Published published =
        publish(chain,
                {.stack = std::move(proposed), .reason = std::move(reason), .layer = entry->name});
    if (known == nullptr) {
        rollback = entry->id;
        add(entry);
    }
    note_success(*entry, layer->content, published.version);
    return published;
}

ATTUNE_DECL std::shared_ptr<LayerContent> Core::State::own_content(const LayerEntry& entry) const {
    const LayerContent* const present = content_of(entry.id);
    auto layer = present != nullptr ? std::make_shared<LayerContent>(*present)
                                    : std::make_shared<LayerContent>();
    layer->id = entry.id;
    layer->rank = entry.rank;
    layer->name = entry.name;
    layer->unknown_keys = entry.unknown_keys;
    return layer;
}

ATTUNE_DECL LayerStack Core::State::with_overrides(LayerStack changed, const LayerEntry& entry,
                                                   Document document) const {
    auto layer = own_content(entry);
    layer->content.document = document;
    layer->document = std::move(document);
    return with_layer(std::move(changed), std::move(layer));
}

ATTUNE_DECL Commit Core::release_rollback() {
    const auto self = shared_from_this();  // an observer may destroy the store
    Published published;
    {
        const OpenLock lock{*state_};
        const auto entry = state_->find(state_->rollback);
        if (entry == nullptr) {
            Commit nothing;
            nothing.version = chain_->current()->version;
            return nothing;
        }
        const Document set = overrides_in(state_->stack);
        LayerStack proposed = state_->stack;
        std::erase_if(proposed, [&](const auto& layer) { return layer->id == entry->id; });
        if (!set.is_null()) {
            proposed = state_->with_overrides(std::move(proposed), *state_->overrides_layer(), set);
        }
        try {
            published = state_->publish(*chain_, {.stack = std::move(proposed),
                                                  .reason = "release rollback",
                                                  .layer = entry->name});
        } catch (const Rejected&) {
            ++state_->refusals;
            throw;
        }
        std::erase(state_->layers, entry);
    }
    Commit commit = ticket(published);
    finish(published);
    if (published.waiting) {
        retry_refused();
    }
    return commit;
}

}  // namespace attune::inline ATTUNE_ABI::detail
