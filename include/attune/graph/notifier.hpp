#pragma once

#include <attune/version.hpp>

#include <chrono>
#include <functional>
#include <memory>

namespace attune::inline ATTUNE_ABI::detail {

/// Between two reclaimings by whoever replaces frames often.
inline constexpr std::chrono::milliseconds collect_pause{1};

/// A store's own thread for observers. Starts with the first piece of work; runs pieces one after
/// another, in the order they came. Also reclaims frames that a reader still saw when they were
/// replaced, so that the last version of a burst goes without waiting for the next commit.
class Notifier {
public:
    ATTUNE_DECL Notifier();
    /// Stops as stop() does.
    ATTUNE_DECL ~Notifier();
    Notifier(const Notifier&) = delete;
    Notifier& operator=(const Notifier&) = delete;

    /// Appends a piece of work, which must not throw. Dropped after stop().
    ATTUNE_DECL void execute(std::function<void()> work);

    /// Calls epoch_collect once nobody else has done so for a while, and again until nothing waits.
    ATTUNE_DECL void collect_soon();

    /// Ends the thread after the piece that runs now and drops the rest. From the thread itself it
    /// does not wait.
    ATTUNE_DECL void stop() noexcept;

private:
    struct State;
    static void start_locked(const std::shared_ptr<State>& state);
    static void run(State& state) noexcept;

    std::shared_ptr<State> state_;
};

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/graph/impl/notifier.ipp>
#endif
