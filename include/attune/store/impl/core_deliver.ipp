#pragma once

#include <attune/store/impl/core_state.hpp>

#include <attune/bind/secrecy.hpp>
#include <attune/store/journal.hpp>

#include <algorithm>
#include <exception>
#include <mutex>
#include <optional>
#include <span>
#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL Verdict Core::deliver(std::uint64_t layer, Content content) {
    Published published;
    Verdict verdict;
    std::vector<std::shared_ptr<Delivery>> due;
    {
        const CommitLock lock{*state_};
        const auto entry = state_->closed ? nullptr : state_->find(layer);
        if (entry == nullptr) {
            return verdict;
        }
        content = state_->reconciled(*entry, std::move(content));
        try {
            published = state_->accept(*chain_, *entry, content, {.reason = entry->name});
        } catch (const Rejected& rejected) {
            entry->refused = std::move(content);
            if (auto together = state_->accept_refused(*chain_)) {
                published = std::move(*together);
                if (entry->refused) {
                    verdict.problems = rejected.problems();  // another layer's it was
                }
            } else {
                verdict.problems = rejected.problems();
                state_->note_failure(*entry, Failure::refused, rejected.problems());
                due = state_->announce(rejected.rejection());
            }
        } catch (const JournalError& error) {
            entry->refused = std::move(content);
            verdict.problems = {not_kept(error)};
            state_->note_failure(*entry, Failure::not_kept, verdict.problems);
            due = state_->announce({.problems = {not_kept(error)},
                                    .reason = entry->name,
                                    .version = chain_->current()->version});
            state_->retry_later();
        }
        verdict.version = chain_->current()->version;
    }
    for (const auto& delivery : due) {
        delivery->dispatch();
    }
    finish(published);
    if (published.waiting) {
        retry_refused();
    }
    return verdict;
}

ATTUNE_DECL void Core::tell_accepted() {
    std::vector<std::shared_ptr<LayerEntry>> entries;
    {
        const CommitLock lock{*state_};
        for (const auto& entry : state_->layers) {
            if (std::exchange(entry->tells, false)) {
                entries.push_back(entry);
            }
        }
    }
    for (const auto& entry : entries) {
        // Whoever comes second tells what is newer, or the same again.
        const std::scoped_lock telling{entry->telling};
        Accepted accepted;
        {
            const CommitLock lock{*state_};
            const LayerContent* const layer = state_->content_of(entry->id);
            if (layer == nullptr || entry->ended || !layer->content.stale_because.empty()) {
                continue;
            }
            accepted.document = layer->content.document;
            accepted.without_secrets =
                bound_parts(accepted.document, bound_roots(state_->bound), false);
            accepted.revision = layer->content.revision;
        }
        entry->transport->accepted(accepted);
    }
}

ATTUNE_DECL void Core::retry_refused() {
    std::optional<Published> published;
    {
        const CommitLock lock{*state_};
        published = state_->accept_refused(*chain_);
    }
    if (published) {
        finish(*published);
    }
}

// Two files that must change together are saved one after the other: the first is refused, and
// becomes right by the second. So what was refused is tried again whenever something else has
// changed or was refused too.
ATTUNE_DECL std::optional<Core::Published> Core::State::accept_refused(FrameChain& chain) {
    std::vector<std::shared_ptr<LayerEntry>> waiting;
    for (const auto& entry : layers) {
        if (entry->refused) {
            waiting.push_back(entry);
        }
    }
    const auto accept_all =
        [&](std::span<const std::shared_ptr<LayerEntry>> entries) -> std::optional<Published> {
        Candidate candidate{.stack = stack, .reason = {}};
        std::vector<Problem> problems;
        for (const auto& entry : entries) {
            const auto prepared = prepare(*entry, reconciled(*entry, *entry->refused), problems);
            std::replace_if(
                candidate.stack.begin(), candidate.stack.end(),
                [&](const auto& layer) { return layer->id == entry->id; }, prepared);
            candidate.reason += candidate.reason.empty() ? entry->name : ", " + entry->name;
        }
        candidate.layer = candidate.reason;
        if (!problems.empty()) {
            return std::nullopt;
        }
        std::optional<Published> published;
        try {
            published = publish(chain, std::move(candidate));
        } catch (const Rejected&) {
            return std::nullopt;  // reported when it came
        } catch (const JournalError&) {
            retry_later();
            return std::nullopt;
        }
        for (const auto& entry : entries) {
            const Content accepted = *std::exchange(entry->refused, std::nullopt);
            note_success(*entry, accepted, published->version);
        }
        return published;
    };
    if (waiting.empty()) {
        return std::nullopt;
    }
    if (auto published = accept_all(waiting)) {
        return published;
    }
    for (std::size_t i = 0; i != waiting.size() && waiting.size() > 1; ++i) {
        if (auto published = accept_all({&waiting[i], 1})) {
            return published;
        }
    }
    return std::nullopt;
}

ATTUNE_DECL void Core::fail(std::uint64_t layer, std::vector<Problem> problems) {
    std::vector<std::shared_ptr<Delivery>> due;
    {
        const CommitLock lock{*state_};
        const auto entry = state_->closed ? nullptr : state_->find(layer);
        if (entry == nullptr) {
            return;
        }
        for (Problem& problem : problems) {
            if (problem.origin.layer.empty()) {
                problem.origin.layer = entry->name;
            }
        }
        state_->note_failure(*entry, failure_of(problems), problems);
        due = state_->announce({.problems = std::move(problems),
                                .reason = entry->name,
                                .version = chain_->current()->version});
    }
    for (const auto& delivery : due) {
        delivery->dispatch();
    }
}

ATTUNE_DECL void Core::confirm(std::uint64_t layer) {
    const CommitLock lock{*state_};
    const auto entry = state_->closed ? nullptr : state_->find(layer);
    if (entry != nullptr && !entry->refused) {
        Content same;
        same.revision = entry->status.revision;
        state_->note_success(*entry, same, entry->status.version);
    }
}

}  // namespace attune::inline ATTUNE_ABI::detail
