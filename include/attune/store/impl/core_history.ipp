#pragma once

#include <attune/store/impl/core_state.hpp>

#include <attune/bind/secrecy.hpp>
#include <attune/document/difference.hpp>
#include <attune/document/merge.hpp>
#include <attune/store/detail/shown_diff.hpp>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

/// Two retained versions, held while they are compared.
class RetainedPair {
public:
    RetainedPair(const Core& core, Version from, Version to)
        : chain_(*core.chain()), from_(core.acquire(from)) {
        try {
            to_ = core.acquire(to);
        } catch (...) {
            chain_.release(from_);
            throw;
        }
    }
    RetainedPair(const RetainedPair&) = delete;
    RetainedPair& operator=(const RetainedPair&) = delete;
    ~RetainedPair() {
        chain_.release(from_);
        chain_.release(to_);
    }
    const Document& before() const noexcept { return from_->document; }
    const Document& after() const noexcept { return to_->document; }

private:
    const FrameChain& chain_;
    const Frame* from_;
    const Frame* to_ = nullptr;
};

/// Calls `f(const FrameChain::Retained&)` for each retained version, oldest first.
template <class F>
void for_each_retained(const FrameChain& chain, F&& f) {
    struct Held {
        const FrameChain& chain;
        const std::vector<FrameChain::Retained> all = chain.retained();
        ~Held() {
            for (const FrameChain::Retained& each : all) {
                chain.release(each.frame);
            }
        }
    };
    const Held held{chain};
    for (const FrameChain::Retained& each : held.all) {
        f(each);
    }
}

ATTUNE_DECL std::vector<VersionInfo> Core::history() const {
    std::vector<VersionInfo> history;
    for_each_retained(*chain_, [&](const FrameChain::Retained& each) {
        VersionInfo& info = history.emplace_back();
        info.version = each.frame->version;
        info.time = each.frame->time;
        info.reason = each.frame->reason;
        info.layer = each.frame->layer;
        info.changed = each.frame->changed();
        info.kept = each.kept;
        info.note = each.note;
        info.document_ = each.frame->document;
    });
    return history;
}

ATTUNE_DECL std::vector<VersionRecord> Core::records(Secrets secrets) const {
    std::vector<VersionRecord> records;
    for_each_retained(*chain_, [&](const FrameChain::Retained& each) {
        records.push_back({.version = each.frame->version,
                           .time = each.frame->time,
                           .reason = each.frame->reason,
                           .layer = each.frame->layer,
                           .kept = each.kept,
                           .note = each.note,
                           .document = show(each.frame->document, {}, secrets)});
    });
    return records;
}

ATTUNE_DECL void Core::keep(Version version, std::string note) {
    const OpenLock lock{*state_};
    chain_->release(acquire(version));  // or says which versions there are
    if (state_->journal != nullptr && version != 0) {
        state_->journal->keep(version, note);
    }
    state_->overrides_log.keep(version, overrides_in(state_->stack));
    (void)chain_->keep(version, std::move(note));
}

ATTUNE_DECL void Core::forget(Version version) {
    const OpenLock lock{*state_};
    state_->overrides_log.give_up(version);
    if (chain_->give_up(version) && state_->journal != nullptr && version != 0) {
        state_->journal->forget(version);
    }
}

ATTUNE_DECL Document Core::show(const Document& value, const Path& path, Secrets secrets) const {
    if (secrets == Secrets::shown) {
        return value;
    }
    const CommitLock lock{*state_};
    return mask_secrets(value, path, bound_roots(state_->index.around(path)));
}

ATTUNE_DECL Document Core::diff(Version from, Version to, Secrets secrets) const {
    const RetainedPair pair{*this, from, to};
    return shown_patch(pair.before(), pair.after(), [&](const Document& value, const Path& path) {
        return show(value, path, secrets);
    });
}

ATTUNE_DECL Document Core::merge_diff(Version from, Version to, Secrets secrets) const {
    const RetainedPair pair{*this, from, to};
    return show(make_merge_patch(pair.before(), pair.after()), {}, secrets);
}

ATTUNE_DECL std::vector<Path> Core::changed_between(Version from, Version to) const {
    const RetainedPair pair{*this, from, to};
    return changed_paths(pair.before(), pair.after());
}

ATTUNE_DECL std::string Core::render_diff(Version from, Version to, Secrets secrets) const {
    const RetainedPair pair{*this, from, to};
    return shown_changes(pair.before(), pair.after(), [&](const Document& value, const Path& path) {
        return show(value, path, secrets);
    });
}

}  // namespace attune::inline ATTUNE_ABI::detail
