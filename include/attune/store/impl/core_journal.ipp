#pragma once

#include <attune/store/impl/core_state.hpp>

#include <attune/store/journal.hpp>

#include <chrono>
#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

/// What the store itself has set, as a journal keeps it: the overrides, or with a rollback both in
/// an array. The overrides are as they stand, so that setting a value changes both documents in the
/// same way.
inline Document own_state(const LayerStack& stack) {
    Document overrides;
    Document holds;
    for (const auto& layer : stack) {
        if (layer->rank == Rank::overrides) {
            overrides = layer->document;
        }
        if (layer->rank != Rank::rollback) {
            continue;  // what a journal has restored is there already
        }
        for (const Hold& hold : layer->holds) {
            Document record{{"path", hold.path.pointer()}, {"version", hold.version}};
            if (hold.value) {
                record = record.with("value", *hold.value);
            }
            if (hold.overrides) {
                record = record.with("overrides", *hold.overrides);
            }
            const Document list = holds.is_null() ? Document::array() : holds;
            holds = list.with("/-", std::move(record));
        }
    }
    if (holds.is_null() && !overrides.is_array()) {
        return overrides;
    }
    return Document::array().with("/-", std::move(overrides)).with("/-", std::move(holds));
}

inline std::vector<Hold> holds_of(const Document& own) {
    std::vector<Hold> holds;
    if (!own.is_array()) {
        return holds;
    }
    const auto optional = [](const Document* value) {
        return value != nullptr ? std::optional{*value} : std::nullopt;
    };
    const Document list = own.at("/1");
    for (const Document& record : list.elements()) {
        holds.push_back({.path = Path{record.at("path").as_string()},
                         .value = optional(record.find("value")),
                         .version = record.at("version").as_uint64(),
                         .overrides = optional(record.find("overrides"))});
    }
    return holds;
}

inline Document overrides_of(const Document& own) { return own.is_array() ? own.at("/0") : own; }

inline void restore_frame(Frame& frame, const VersionRecord& record, const Frame* before) {
    frame.version = record.version;
    frame.time = record.time;
    frame.reason = record.reason;
    frame.layer = record.layer;
    frame.document = record.document;
    // Where there is a gap nobody knows what that version changed.
    const bool known = before != nullptr && before->version + 1 == record.version;
    frame.before = known ? before->document : record.document;
}

ATTUNE_DECL std::shared_ptr<FrameChain> make_chain(std::size_t history,
                                                   const JournalSink::Restored& restored) {
    std::shared_ptr<FrameChain> chain;
    for (const VersionRecord& record : restored.versions) {
        const Frame* const before = chain != nullptr ? chain->current() : nullptr;
        FrameDraft draft{before, FrameDraft::Of::next};
        restore_frame(draft.frame(), record, before);
        if (chain != nullptr) {
            chain->publish(draft);
        } else {
            chain = std::make_shared<FrameChain>(history, draft);
        }
        if (record.kept) {
            (void)chain->keep(record.version, record.note);
        }
    }
    return chain != nullptr ? chain : std::make_shared<FrameChain>(history, Document::object());
}

// The newest version stands in for the layers until the program has put all of them back: when they
// bring what they brought before, nothing changes.
ATTUNE_DECL void Core::restore(std::unique_ptr<JournalSink> sink, const Document& own) {
    const CommitLock lock{*state_};
    State& state = *state_;
    state.journal = std::move(sink);
    state.journaled = own;
    const Frame& current = *chain_->current();
    if (current.version == 0) {
        return;
    }
    auto base = std::make_shared<LayerContent>();
    base->id = state.next_layer++;
    base->rank = Rank::restored;
    base->name = "journal";
    base->unknown_keys = UnknownKeys::ignore;
    base->holds = {{.path = {},
                    .value = current.document,
                    .version = current.version,
                    .overrides = std::nullopt}};
    base->content.revision = std::to_string(current.version);
    state.stack = {base};
    state.restored = base->id;
    state.overrides_log.begin(current.version);

    LayerStack proposed = state.stack;
    const auto add = [&](std::uint64_t& id, Rank rank, const char* name, auto&& fill) {
        auto entry = state.own_layer(rank, name);
        id = entry->id;
        const auto layer = state.own_content(*entry);
        fill(*layer);
        proposed = State::with_layer(std::move(proposed), layer);
        state.add(entry);
        state.note_success(*entry, layer->content, current.version);
    };
    if (std::vector<Hold> holds = holds_of(own); !holds.empty()) {
        add(state.rollback, Rank::rollback, "rollback", [&](LayerContent& layer) {
            layer.unknown_keys = UnknownKeys::warn;
            layer.content.revision = std::to_string(holds.back().version);
            layer.holds = std::move(holds);
        });
    }
    if (Document overrides = overrides_of(own); !overrides.is_null()) {
        add(state.overrides, Rank::overrides, "overrides", [&](LayerContent& layer) {
            layer.content.document = overrides;
            layer.document = std::move(overrides);
        });
    }
    // A new version where an override_scope had been part of the last one.
    (void)state.publish(*chain_,
                        {.stack = std::move(proposed), .reason = "restart", .adds_layer = true});
    state.end_restored_later();
}

ATTUNE_DECL void Core::State::end_restored_later() {
    constexpr auto pause = std::chrono::seconds{1};
    if (restored == 0 || poller == nullptr) {
        return;
    }
    if (!restart) {
        const auto& core = static_cast<const StoreHome&>(graph.home()).core;
        restart = poller->timer([core] {
            if (const auto self = core.lock()) {
                self->end_restored();
            }
        });
    }
    restart.arm_after(pause);
}

ATTUNE_DECL void Core::end_restored() {
    Published published;
    try {
        const OpenLock lock{*state_};
        if (state_->restored == 0) {
            return;
        }
        published = state_->publish(*chain_, {.stack = state_->stack, .reason = "restart"});
    } catch (const Rejected& rejected) {
        publish_rejection(rejected.rejection());
        return;
    } catch (const JournalError&) {
        const CommitLock lock{*state_};
        state_->end_restored_later();
        return;
    } catch (const std::logic_error&) {
        return;  // closed meanwhile
    }
    finish(published);
    if (published.waiting) {
        retry_refused();
    }
}

ATTUNE_DECL void Core::State::record(const Frame& frame, const Document& before,
                                     const LayerStack& next, const Path* within) {
    if (journal == nullptr) {
        return;
    }
    Document own = own_state(next);
    if (before.same(frame.document) && own == journaled) {
        return;
    }
    journal->append({.version = frame.version,
                     .time = frame.time,
                     .reason = frame.reason,
                     .layer = frame.layer,
                     .before = before,
                     .after = frame.document,
                     .own_before = journaled,
                     .own_after = own,
                     .within = within});
    journaled = std::move(own);
    last_journaled = frame.version;
}

ATTUNE_DECL void Core::State::retry_later() {
    constexpr auto pause = std::chrono::seconds{1};
    if (poller == nullptr) {
        return;
    }
    if (!retry) {
        const auto& core = static_cast<const StoreHome&>(graph.home()).core;
        retry = poller->timer([core] {
            if (const auto self = core.lock()) {
                self->retry_refused();
            }
        });
    }
    retry.arm_after(pause);
}

ATTUNE_DECL Problem not_kept(const JournalError& error) {
    return {.origin = {.layer = "journal", .source = error.file()}, .message = error.what()};
}

}  // namespace attune::inline ATTUNE_ABI::detail
