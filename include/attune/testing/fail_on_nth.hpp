#pragma once

#include <attune/version.hpp>

#include <atomic>
#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace attune::inline ATTUNE_ABI::testing {

/// What FailOnNth throws.
class InjectedFailure : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Throws InjectedFailure when it is called for the n-th time, and at no other time. Called with
/// any arguments, which it ignores: it may stand inside a check, a decoder or a function under
/// test, or be an observer itself. Copies share one count. Any thread.
class FailOnNth {
public:
    /// Counts from one; zero never fails.
    explicit FailOnNth(std::size_t n, std::string text = "injected failure")
        : state_(std::make_shared<State>(n, std::move(text))) {}

    template <class... Args>
    void operator()(const Args&...) const {
        if (state_->calls.fetch_add(1, std::memory_order_acq_rel) + 1 == state_->n) {
            throw InjectedFailure{state_->text};
        }
    }

    /// `f`, with a chance to fail before each call of it.
    template <class F>
    auto before(F&& f) const {
        return [ fail = *this, f = std::forward<F>(f) ]<class... Args>(Args && ... args) mutable
            requires std::invocable<std::decay_t<F>&, Args...>
        {
            fail();
            return std::invoke(f, std::forward<Args>(args)...);
        };
    }

    /// How often it has been called.
    std::size_t calls() const noexcept { return state_->calls.load(std::memory_order_acquire); }
    /// Whether it has thrown.
    bool failed() const noexcept { return state_->n != 0 && calls() >= state_->n; }
    std::size_t n() const noexcept { return state_->n; }

private:
    struct State {
        State(std::size_t nth, std::string what) : n(nth), text(std::move(what)) {}
        const std::size_t n;
        const std::string text;
        std::atomic<std::size_t> calls{0};
    };
    std::shared_ptr<State> state_;
};

/// Runs `scenario(const FailOnNth&)` with a failure at its first point, then, from the start, at
/// its second, and so on, until a run comes to its end without a failure. Returns how many points
/// there were.
///
/// The scenario calls the FailOnNth wherever something may fail, and asserts that what it tests
/// has coped. An InjectedFailure that it lets out ends that run; anything else it throws leaves
/// sweep. Throws std::runtime_error when `limit` runs were not enough.
template <class F>
    requires std::invocable<F&, const FailOnNth&>
std::size_t sweep(F&& scenario, std::size_t limit = 10'000) {
    for (std::size_t n = 1; n <= limit; ++n) {
        const FailOnNth fail{n};
        try {
            std::invoke(scenario, fail);
        } catch (const InjectedFailure&) {
            if (!fail.failed()) {
                throw;  // of somebody else
            }
        }
        if (!fail.failed()) {
            return n - 1;
        }
    }
    throw std::runtime_error{"a sweep has not come to an end in " + std::to_string(limit) +
                             " runs"};
}

}  // namespace attune::inline ATTUNE_ABI::testing
