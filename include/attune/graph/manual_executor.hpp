#pragma once

#include <attune/graph/deadline.hpp>
#include <attune/version.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <utility>

namespace attune::inline ATTUNE_ABI {

/// Keeps work until somebody asks for it: the main loop of a program that has one, or a test that
/// decides when observers run.
///
/// Copies share one queue. All functions may be called from any thread, and from the work itself;
/// several threads may run work at once. Work runs on the thread that asks for it, in the order it
/// came, outside every lock; what it throws leaves the function that runs it, and that piece is
/// gone. Work that nobody asks for is never run: observers then wait, `settle` runs into its
/// timeout, and cancelling subscriptions or destroying the store works as ever.
class ManualExecutor {
public:
    ATTUNE_DECL ManualExecutor();
    ManualExecutor(const ManualExecutor&) noexcept = default;
    ManualExecutor& operator=(const ManualExecutor&) noexcept = default;
    ~ManualExecutor() = default;

    /// Appends a piece of work.
    ATTUNE_DECL void execute(std::function<void()> work) const;

    /// Runs the oldest piece; false when there is none.
    ATTUNE_DECL bool run_one() const;

    /// Runs all there is, and what is added meanwhile; returns how many pieces that were. Does not
    /// return while work keeps adding work.
    ATTUNE_DECL std::size_t run_all() const;

    /// How many pieces wait.
    ATTUNE_DECL std::size_t pending() const;

    /// Runs work until `done()` is true or no work is left; returns the last verdict. `done` is
    /// asked before the first piece and after each.
    template <std::predicate P>
    bool run_until(P&& done) const {
        for (;;) {
            if (done()) {
                return true;
            }
            if (!run_one()) {
                return false;
            }
        }
    }

    /// As above, but waits up to `timeout` for work that other threads add. A `done` that becomes
    /// true without a piece of work is noticed with the next one, or when the time is over.
    template <std::predicate P, class Rep, class Period>
    bool run_until(P&& done, std::chrono::duration<Rep, Period> timeout) const {
        const auto deadline = detail::deadline_after(timeout);
        while (!done()) {
            if (!run_one_before(deadline)) {
                return done();
            }
        }
        return true;
    }

private:
    struct Queue;

    /// Waits for the piece; false when none has come before the deadline.
    ATTUNE_DECL bool run_one_before(std::chrono::steady_clock::time_point deadline) const;

    std::shared_ptr<Queue> queue_;
};

/// For those who write the executor as they write inline_executor: `attune::manual_executor loop;`
using manual_executor = ManualExecutor;

}  // namespace attune::inline ATTUNE_ABI

#if ATTUNE_HEADER_ONLY
#include <attune/graph/impl/manual_executor.ipp>
#endif
