#pragma once

#include <attune/version.hpp>

#include <concepts>
#include <functional>
#include <memory>
#include <utility>

namespace attune::inline ATTUNE_ABI {

/// Something that runs work: any type with `execute(f)` for a callable `f` of no arguments. Every
/// Asio executor is one.
template <class E>
concept ExecutorLike = std::copy_constructible<E> &&
                       requires(E& executor) { executor.execute(std::function<void()>{}); };

/// Runs work at once, on the calling thread: observers then run on the thread that committed,
/// after the version is published and outside every lock, before the commit returns.
struct InlineExecutor {
    void execute(const std::function<void()>& work) const { work(); }
};
inline constexpr InlineExecutor inline_executor{};

/// Where observers run: an erased executor. Copies share one; empty stands for the store's own
/// notifier thread. The executor must outlive the subscriptions that use it.
class Executor {
public:
    Executor() noexcept = default;
    template <class E>
        requires(!std::same_as<E, Executor>) && ExecutorLike<E>
    Executor(E executor)
        : implementation_(std::make_shared<Model<E>>(std::move(executor))),
          inline_(std::same_as<E, InlineExecutor>) {}

    explicit operator bool() const noexcept { return implementation_ != nullptr; }
    /// True for inline_executor.
    bool runs_inline() const noexcept { return inline_; }
    /// Must not be empty. Throws what the executor throws.
    void execute(std::function<void()> work) const { implementation_->execute(std::move(work)); }

private:
    struct Concept {
        virtual ~Concept() = default;
        virtual void execute(std::function<void()> work) = 0;
    };
    template <class E>
    struct Model final : Concept {
        explicit Model(E given) : executor(std::move(given)) {}
        void execute(std::function<void()> work) override { executor.execute(std::move(work)); }
        E executor;
    };

    std::shared_ptr<Concept> implementation_;
    bool inline_ = false;
};

}  // namespace attune::inline ATTUNE_ABI
