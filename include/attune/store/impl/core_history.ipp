#pragma once

#include <attune/store/impl/core_state.hpp>

#include <attune/bind/secrecy.hpp>
#include <attune/document/difference.hpp>
#include <attune/document/merge.hpp>
#include <attune/document/patch.hpp>
#include <attune/document/text.hpp>

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

ATTUNE_DECL std::vector<VersionInfo> Core::history() const {
    std::vector<FrameChain::Retained> retained = chain_->retained();
    std::vector<VersionInfo> history;
    const auto release_all = [&]() noexcept {
        for (const FrameChain::Retained& each : retained) {
            chain_->release(each.frame);
        }
    };
    try {
        history.reserve(retained.size());
        for (FrameChain::Retained& each : retained) {
            VersionInfo info;
            info.version = each.frame->version;
            info.time = each.frame->time;
            info.reason = each.frame->reason;
            info.layer = each.frame->layer;
            info.changed = each.frame->changed();
            info.kept = each.kept;
            info.note = std::move(each.note);
            info.document_ = each.frame->document;
            history.push_back(std::move(info));
        }
    } catch (...) {
        release_all();
        throw;
    }
    release_all();
    return history;
}

ATTUNE_DECL void Core::keep(Version version, std::string note) {
    const OpenLock lock{*state_};
    chain_->release(acquire(version));  // or says which versions there are
    if (state_->journal != nullptr && version != 0) {
        state_->journal->keep(version, note);
    }
    (void)chain_->keep(version, std::move(note));
}

ATTUNE_DECL void Core::forget(Version version) {
    const OpenLock lock{*state_};
    if (chain_->give_up(version) && state_->journal != nullptr && version != 0) {
        state_->journal->forget(version);
    }
}

/// The operations of a JSON Patch with the secrets in their values masked.
inline Document mask_operations(const Document& patch, std::span<const Bound> roots) {
    Document masked = patch;
    for (std::size_t i = 0; i != patch.size(); ++i) {
        const Document& operation = *patch.find(i);
        if (const Document* const value = operation.find("value")) {
            Document safe = mask_secrets(*value, Path{operation.find("path")->as_string()}, roots);
            if (!safe.same(*value)) {
                masked = masked.with(Path{{std::to_string(i), "value"}}, std::move(safe));
            }
        }
    }
    return masked;
}

ATTUNE_DECL Document Core::diff(Version from, Version to, Secrets secrets) const {
    const RetainedPair pair{*this, from, to};
    Document patch = make_patch(pair.before(), pair.after());
    return secrets == Secrets::shown ? patch : mask_operations(patch, roots());
}

ATTUNE_DECL Document Core::merge_diff(Version from, Version to, Secrets secrets) const {
    const RetainedPair pair{*this, from, to};
    Document patch = make_merge_patch(pair.before(), pair.after());
    return secrets == Secrets::shown ? patch : mask_secrets(patch, {}, roots());
}

ATTUNE_DECL std::vector<Path> Core::changed_between(Version from, Version to) const {
    const RetainedPair pair{*this, from, to};
    return changed_paths(pair.before(), pair.after());
}

ATTUNE_DECL std::string Core::render_diff(Version from, Version to, Secrets secrets) const {
    const RetainedPair pair{*this, from, to};
    const std::vector<Bound> known = secrets == Secrets::shown ? std::vector<Bound>{} : roots();
    const auto shown = [&](const Document* value, const Path& path) -> std::string {
        return value == nullptr ? "nothing" : to_text(mask_secrets(*value, path, known));
    };
    std::string text;
    for (const Path& path : changed_paths(pair.before(), pair.after())) {
        text += path.empty() ? "(everything)" : to_string(path);
        text += ": " + shown(pair.before().find(path), path) + " -> " +
                shown(pair.after().find(path), path) + '\n';
    }
    return text;
}

}  // namespace attune::inline ATTUNE_ABI::detail
