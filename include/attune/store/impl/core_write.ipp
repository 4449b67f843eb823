#pragma once

#include <attune/store/impl/core_state.hpp>

#include <attune/document/difference.hpp>
#include <attune/document/reconcile.hpp>
#include <attune/store/edit.hpp>
#include <attune/store/journal.hpp>

#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL LayerEdit LayerEdit::set(const Path& path, Document& value) {
    return {.apply = [&](const Document& before) { return before.with(path, std::move(value)); },
            .reason = path.empty() ? "set" : "set " + to_string(path),
            .within = &path};
}

/// Makes an edited document share what it has in common with the one before; an edit does so by
/// nature but for the values it puts in.
inline Document reconciled_edit(const Document& before, Document after, const Path* within) {
    if (within == nullptr) {
        return reconcile(before, after);
    }
    const Document* const old = before.find(*within);
    const Document* const fresh = after.find(*within);
    if (old == nullptr || fresh == nullptr || old->same(*fresh)) {
        return after;
    }
    Document shared = reconcile(*old, *fresh);
    return shared.same(*old)     ? before
           : shared.same(*fresh) ? after
                                 : after.with(*within, std::move(shared));
}

/// In place of the id of the layer "overrides", which may not be there yet.
inline constexpr std::uint64_t overrides_id = 0;

ATTUNE_DECL Commit Core::write_layer(std::uint64_t layer, LayerEdit edit) {
    const auto self = shared_from_this();  // an observer may destroy the store
    Published published;
    {
        const OpenLock lock{*state_};
        const auto entry = layer == overrides_id ? state_->overrides_layer() : state_->at(layer);
        if (entry->transport != nullptr && !entry->transport->writable()) {
            throw Rejected{
                {.problems = {{.path = {},
                               .origin = {.layer = entry->name},
                               .message = "the layer \"" + entry->name +
                                          "\" cannot be written by the program; set "
                                          "the value in the store, or in a memory layer"}},
                 .reason = std::move(edit.reason),
                 .version = chain_->current()->version}};
        }
        const LayerContent* const content = state_->content_of(entry->id);
        const Document before = content != nullptr ? content->content.document : Document{};
        Document document = reconciled_edit(before, edit.apply(before), edit.within);
        try {
            Content written{.document = std::move(document)};
            if (content != nullptr) {
                written.revision = content->content.revision;
            }
            published = state_->accept(
                *chain_, *entry, std::move(written),
                {.reason = std::move(edit.reason), .within = edit.within, .written = true});
        } catch (const Rejected&) {
            ++state_->refusals;
            throw;
        }
    }
    Commit commit = ticket(published, edit.within);  // an observer may destroy the path
    finish(published);
    if (published.waiting) {
        retry_refused();
    }
    return commit;
}

ATTUNE_DECL Commit Core::write(std::uint64_t layer, const Path& path, Document value) {
    std::shared_ptr<LayerEntry> entry;
    Document before;
    {
        const OpenLock lock{*state_};
        entry = state_->at(layer);
        before = chain_->current()->document;
    }
    if (entry->transport != nullptr && entry->transport->writes_to_publisher()) {
        return write_to_publisher(*entry->transport, path, value, before);
    }
    return write_layer(layer, LayerEdit::set(path, value));
}

ATTUNE_DECL Commit Core::write_to_publisher(Transport& transport, const Path& path,
                                            const Document& value, const Document& before) {
    const auto self = shared_from_this();  // an observer may destroy the store
    CommitLock::refuse_inside(state_->committing);
    Verdict verdict = transport.write(path, value);
    if (!verdict.accepted()) {
        throw Rejected{{.problems = std::move(verdict.problems),
                        .reason = path.empty() ? "set" : "set " + to_string(path),
                        .version = verdict.version}};
    }
    Commit commit;
    commit.version = verdict.version;
    commit.hub_ = hub_;
    const FrameGuard guard{*chain_};
    commit.changed = changed_paths(before, guard.frame().document, path);
    return commit;
}

ATTUNE_DECL std::shared_ptr<Core::LayerEntry> Core::State::overrides_layer() {
    if (overrides == 0) {
        auto entry = own_layer(Rank::overrides, "overrides");
        overrides = entry->id;
        add(std::move(entry));
    }
    return find(overrides);
}

ATTUNE_DECL Commit Core::override_with(LayerEdit edit) {
    return write_layer(overrides_id, std::move(edit));
}

ATTUNE_DECL Commit Core::transact(const std::function<void(attune::Edit&)>& edits,
                                  TransactOptions options) {
    const auto apply = [&](const Document& before) {
        const Frame& current = *chain_->current();
        if (options.expect && *options.expect != current.version) {
            throw VersionConflict{*options.expect, current.version};
        }
        attune::Edit edit{before, [&](const Document& overrides) {
                              auto layer = std::make_shared<LayerContent>();
                              layer->id = state_->overrides;
                              layer->rank = Rank::overrides;
                              layer->document = overrides;
                              return remerge(current.document, state_->stack,
                                             state_->stack_with(std::move(layer)));
                          }};
        edits(edit);
        return std::move(edit.overrides_);
    };
    return override_with({.apply = apply, .reason = options.reason});
}

ATTUNE_DECL std::uint64_t Core::begin_scope(Document document) {
    const auto self = shared_from_this();  // an observer may destroy the store
    Published published;
    std::uint64_t id = 0;
    {
        const OpenLock lock{*state_};
        auto entry = state_->own_layer(Rank::scope, "override_scope");
        id = entry->id;
        published = state_->accept(*chain_, *entry, {.document = std::move(document)},
                                   {.reason = "override_scope"});
        state_->add(std::move(entry));
    }
    finish(published);
    return id;
}

ATTUNE_DECL void Core::end_scope(std::uint64_t layer) noexcept {
    try {
        remove(layer);
    } catch (const Rejected& rejected) {
        try {
            publish_rejection(rejected.rejection());
        } catch (...) {
            // Out of memory: there is nobody left to tell.
        }
    } catch (const JournalError& error) {
        try {
            publish_rejection({.problems = {not_kept(error)}, .reason = "end of override_scope"});
        } catch (...) {
            // As above.
        }
    } catch (...) {
        // As above, or inside a commit, where no scope should end.
    }
}

}  // namespace attune::inline ATTUNE_ABI::detail
