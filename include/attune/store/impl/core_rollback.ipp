#pragma once

#include <attune/store/impl/core_state.hpp>

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
        value = value->find(Path{{token}});
        if (value == nullptr) {
            return;
        }
        here = here / token;
    }
}

/// `overrides` with what `earlier` ones had at `path`, if that is what `hold` holds; else with
/// nothing there.
inline Document overrides_below(const Hold& hold, Document overrides, const Document& earlier) {
    if (hold.path.empty()) {
        const bool part = hold.value && merge(*hold.value, earlier) == *hold.value;
        return part || earlier.is_null() ? earlier : Document::object();
    }
    // What is no object would mask the rollback from above.
    for (Path above = hold.path.parent(); !above.empty(); above = above.parent()) {
        const Document* const value = overrides.find(above);
        if (value != nullptr && !value->is_object()) {
            overrides = overrides.without(above);
        }
    }
    const Document* const value = earlier.find(hold.path);
    if (value != nullptr && hold.value && merge(*hold.value, *value) == *hold.value) {
        return overrides.with(hold.path, *value);
    }
    return overrides.without(hold.path);
}

ATTUNE_DECL Commit Core::rollback(Version version, const Path& path) {
    const auto self = shared_from_this();  // an observer may destroy the store
    Published published;
    {
        const OpenLock lock{*state_};
        const Frame* const past = acquire(version);
        const Document document = past->document;
        const Document overrides = past->overrides;
        chain_->release(past);
        refuse_list_on_the_way(document, path);
        refuse_list_on_the_way(chain_->current()->document, path);
        const Document* const value = document.find(path);
        try {
            published = state_->hold(
                *chain_,
                {path, value != nullptr ? std::optional{*value} : std::nullopt, version},
                overrides);
        } catch (const Rejected&) {
            ++state_->refusals;
            throw;
        }
    }
    Commit commit = ticket(published);
    finish(published);
    if (published.changed()) {
        retry_refused();
    }
    return commit;
}

ATTUNE_DECL Core::Published Core::State::hold(FrameChain& chain, Hold hold,
                                              const Document& earlier_overrides) {
    const auto entry_of = [&](std::uint64_t id, Rank rank, const char* name) {
        const auto known = find(id);
        return known != nullptr ? known : own_layer(rank, name);
    };
    const auto rolled = entry_of(rollback, Rank::rollback, "rollback");
    const auto set = entry_of(overrides, Rank::overrides, "overrides");

    const auto content = [&](const LayerEntry& entry) {
        const LayerContent* const known = content_of(entry.id);
        auto layer = known != nullptr ? std::make_shared<LayerContent>(*known)
                                      : std::make_shared<LayerContent>();
        layer->id = entry.id;
        layer->rank = entry.rank;
        layer->name = entry.name;
        layer->unknown_keys = entry.unknown_keys;
        return layer;
    };
    const auto held = content(*rolled);
    // What comes back was accepted once, with what a newer publisher had put into it as well.
    held->unknown_keys = UnknownKeys::warn;
    held->content.revision = std::to_string(hold.version);
    std::erase_if(held->holds,
                  [&](const Hold& other) { return other.path.starts_with(hold.path); });
    held->holds.push_back(hold);
    // What the program sets from now on is above the rollback. What it had set by then is part of
    // the version that comes back, and holds when the rollback is released.
    const auto overridden = content(*set);
    overridden->document = overrides_below(hold, overridden->document, earlier_overrides);
    overridden->content.document = overridden->document;

    std::string reason = "rollback ";
    reason += hold.path.empty() ? "" : to_string(hold.path) + ' ';
    reason += "to version " + std::to_string(hold.version);
    Published published =
        publish(chain, {.stack = with_layer(with_layer(stack, held), overridden),
                        .reason = std::move(reason),
                        .layer = rolled->name});
    for (const auto& [entry, layer] : {std::pair{rolled, held}, std::pair{set, overridden}}) {
        if (find(entry->id) == nullptr) {
            (entry == rolled ? rollback : overrides) = entry->id;
            add(entry);
        }
        note_success(*entry, layer->content, published.version);
    }
    return published;
}

ATTUNE_DECL Commit Core::release_rollback() {
    std::uint64_t layer = 0;
    {
        const OpenLock lock{*state_};
        layer = state_->rollback;
    }
    return take_out(layer, "release rollback");
}

}  // namespace attune::inline ATTUNE_ABI::detail
