#pragma once

#include <attune/bind/problem.hpp>
#include <attune/document/path.hpp>
#include <attune/fwd.hpp>
#include <attune/store/derive_options.hpp>
#include <attune/version.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace attune::inline ATTUNE_ABI {

/// How a layer, or a whole store, is doing.
enum class State : std::uint8_t {
    starting,  ///< nothing has been loaded yet
    ready,     ///< what is served is the newest there is
    stale,     ///< the last good document is served: the newest could not be read, or was refused
    failed,    ///< nothing to serve: the first reading failed
};

/// `starting`, `ready`, `stale` or `failed`.
ATTUNE_DECL std::string_view to_string(State state) noexcept;

/// Why a layer's newest document is not served.
enum class Failure : std::uint8_t {
    none,
    unavailable,  ///< it could not be read
    malformed,    ///< it is not what it should be: no JSON, for example
    refused,      ///< it was read, but bindings, rules or checks refuse it
    not_kept,     ///< the store's journal could not keep it; it is tried again
};

/// `none`, `unavailable`, `malformed`, `refused` or `not kept`.
ATTUNE_DECL std::string_view to_string(Failure failure) noexcept;

/// The last thing that went wrong with a layer. Stays when the layer has recovered.
struct LayerError {
    Failure kind = Failure::none;
    Path path{};  ///< the first value it was about; empty when it was about the whole
    std::chrono::system_clock::time_point time{};
};

/// One layer at one moment. Holds no values.
struct LayerStatus {
    std::string name;  ///< such as `file service.json`
    State state = State::starting;
    std::chrono::system_clock::time_point since{};         ///< of the state
    std::chrono::system_clock::time_point last_success{};  ///< the last reading that was accepted
    /// Since last_success, when the status was asked for: how old what is served may be. Negative
    /// when there was none yet.
    std::chrono::system_clock::duration age{-1};
    Version version = 0;         ///< of the store, that first showed what is served
    std::uint64_t updates = 0;   ///< readings accepted
    std::uint64_t refusals = 0;  ///< readings refused or impossible
    std::uint64_t consecutive_failures = 0;
    LayerError last_error{};
    std::vector<Problem> problems;  ///< of the last failure, while it lasts; without `found`
    std::string revision;           ///< the transport's own mark of what is served
};

/// An observer that has been running for longer than StoreOptions::slow_observer.
struct SlowObserver {
    std::string name;  ///< of what it observes, or ObserveOptions::name
    std::chrono::system_clock::time_point since{};
    std::chrono::nanoseconds running{};
};

/// A store at one moment. Holds no values.
struct StoreStatus {
    /// `starting` while a journal stands in for layers that are not there yet; else `stale` when
    /// any layer or derived value is; else `ready`.
    State state = State::ready;
    Version version = 0;
    std::chrono::system_clock::time_point published{};  ///< when that version was
    std::uint64_t commits = 0;                          ///< versions published
    std::uint64_t refusals = 0;                         ///< candidates refused, explicit ones too
    std::uint64_t observer_errors = 0;                  ///< observers that threw
    std::uint64_t dropped_changes = 0;  ///< merged into later ones: an observer's queue was full
    std::uint64_t slow_calls = 0;       ///< calls of observers that took too long
    std::vector<SlowObserver> slow_observers;  ///< those that run right now
    std::vector<LayerStatus> layers;           ///< lowest first
    std::vector<Problem> warnings;  ///< about what is served: unknown keys that are let through
    std::vector<Staleness> stale;   ///< derived values whose functions failed, see OnError::keep

    /// The rule for a readiness probe: everything that is served was accepted from the layers there
    /// are. A stale store is ready, since it goes on with what was good; a starting one is not.
    bool ready() const noexcept { return state == State::ready || state == State::stale; }
};

/// For people: a line for the store, one per slow observer, one per layer, one per problem.
ATTUNE_DECL std::string to_string(const StoreStatus& status);

}  // namespace attune::inline ATTUNE_ABI

#if ATTUNE_HEADER_ONLY
#include <attune/store/impl/status.ipp>
#endif
