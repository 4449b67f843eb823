#pragma once

#include <attune/bind/decode.hpp>
#include <attune/store/journal.hpp>
#include <attune/version.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>

namespace attune::inline ATTUNE_ABI {

struct StoreOptions {
    /// Versions kept for Store::snapshot(version), the current one included; at least 1.
    std::size_t history = 64;
    /// What a key that no bound struct knows means, unless the layer says otherwise. When unset: an
    /// error in local layers; a warning in remote ones, whose publisher may be newer.
    std::optional<UnknownKeys> unknown_keys = std::nullopt;
    /// What time it is, for the times of versions and of layer states; the system clock when empty.
    /// Called inside commits: it must be quick, must not throw and must not use the store.
    std::function<std::chrono::system_clock::time_point()> clock = {};
    /// An observer that runs for longer is reported to Store::on_rejected, once per call and while
    /// it still runs, and listed in the status. Zero: never. The thread that watches transports
    /// looks after this as well: it does not notice an inline observer that holds up itself.
    std::chrono::nanoseconds slow_observer = std::chrono::seconds{1};
    /// Where versions are kept beyond the end of the program: a directory, or a Journal with
    /// options of its own. Nowhere when empty. A store that finds versions there goes on from the
    /// last one; see Store for what that means.
    Journal journal = {};
    /// False: as JournalOptions::sync.
    bool sync = true;
};

struct LayerOptions {
    /// Replaces the transport's own name in errors and status.
    std::string name = {};
    /// For this layer; the store's rule when unset.
    std::optional<UnknownKeys> unknown_keys = std::nullopt;
};

}  // namespace attune::inline ATTUNE_ABI
