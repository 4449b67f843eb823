#pragma once

#include <attune/store/status.hpp>

#include <attune/bind/duration.hpp>

namespace attune::inline ATTUNE_ABI {

ATTUNE_DECL std::string_view to_string(State state) noexcept {
    switch (state) {
    case State::starting: return "starting";
    case State::ready: return "ready";
    case State::stale: return "stale";
    case State::failed: return "failed";
    }
    return "unknown";
}

ATTUNE_DECL std::string_view to_string(Failure failure) noexcept {
    switch (failure) {
    case Failure::none: return "none";
    case Failure::unavailable: return "unavailable";
    case Failure::malformed: return "malformed";
    case Failure::refused: return "refused";
    case Failure::not_kept: return "not kept";
    }
    return "unknown";
}

ATTUNE_DECL std::string to_string(const StoreStatus& status) {
    std::string text = "version " + std::to_string(status.version) + ", ";
    text += to_string(status.state);
    text += ", " + std::to_string(status.commits) + " commits, " + std::to_string(status.refusals) +
            " refusals";
    const auto count = [&](std::uint64_t number, const char* what) {
        if (number != 0) {
            text += ", " + std::to_string(number) + what;
        }
    };
    count(status.observer_errors, " observer errors");
    count(status.dropped_changes, " dropped changes");
    count(status.slow_calls, " slow observer calls");
    for (const SlowObserver& slow : status.slow_observers) {
        text += "\n  slow observer \"" + slow.name + "\": running for " +
                to_text(std::chrono::ceil<std::chrono::milliseconds>(slow.running));
    }
    for (const LayerStatus& layer : status.layers) {
        text += "\n  " + layer.name + ": ";
        text += to_string(layer.state);
        if (layer.consecutive_failures != 0) {
            text += ", " + std::to_string(layer.consecutive_failures) + " failures in a row";
        }
        for (const Problem& problem : layer.problems) {
            text += "\n    " + to_string(problem);
        }
    }
    for (const Staleness& value : status.stale) {
        text += "\n  stale since version " + std::to_string(value.version) + ": " + value.name +
                ": " + value.error;
    }
    for (const Problem& warning : status.warnings) {
        text += "\n  warning: " + to_string(warning);
    }
    return text;
}

}  // namespace attune::inline ATTUNE_ABI
