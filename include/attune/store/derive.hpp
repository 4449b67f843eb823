#pragma once

#include <attune/fwd.hpp>
#include <attune/graph/derived_node.hpp>
#include <attune/graph/propagation.hpp>
#include <attune/store/config.hpp>
#include <attune/store/core.hpp>
#include <attune/store/derive_options.hpp>
#include <attune/store/store.hpp>
#include <attune/version.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace attune::inline ATTUNE_ABI {

namespace detail {

struct TrackAccess;

[[noreturn]] ATTUNE_DECL void throw_empty_handle();
[[noreturn]] ATTUNE_DECL void throw_broken_rule();

/// The store that all these belong to. Throws when there is none.
ATTUNE_DECL std::shared_ptr<Core> common_core(std::span<GraphNode* const> nodes);

/// The name of a member; "field" where it cannot be found out.
template <class T, class M, class C>
std::string member_label(M C::*member) {
    std::string label = "field";
    if constexpr (has_members<T>()) {
        const T object{};
        std::string_view names = field_text<T>;
        const void* const wanted = std::addressof(object.*member);
        const auto compare = [&](const void* address) {
            const std::string_view name = member_name(next_argument(names));
            if (address == wanted) {
                label = name;
            }
        };
        [&]<std::size_t... I, class... P>(
            const MembersOver<std::index_sequence<I...>, P...>& members) {
            (compare(static_cast<const MemberPointer<I, P>&>(members).address), ...);
        }(members_of(object));
    }
    return label;
}

}  // namespace detail

/// What a function given to derive() reads other handles with. Each one that it reads by this is an
/// input until the next run, whether the run ends with a new value, the same one, or an error.
///
/// Belongs to one run: must not be kept, or used on another thread.
class Track {
public:
    Track(const Track&) = delete;
    Track& operator=(const Track&) = delete;

    /// The value of `config` in the version that is being made. The reference holds during the run.
    /// Throws std::logic_error for an empty handle, for one of another store, and when this value
    /// derives from the one being computed: the commit is refused then, naming the circle.
    template <class T>
    const T& operator()(const Config<T>& config) {
        if (!config) {
            detail::throw_empty_handle();
        }
        return detail::value_in_cell<T>(now_.read(*config.node_));
    }

private:
    friend struct detail::TrackAccess;
    explicit Track(detail::Evaluation& now) noexcept : now_(now) {}

    detail::Evaluation& now_;
};

namespace detail {

struct HandleAccess {
    template <class T>
    static GraphNode* node(const Config<T>& config) noexcept {
        return config.node_.get();
    }
    template <class T>
    static Config<T> make(Ref<GraphNode> node) noexcept {
        return Config<T>{std::move(node)};
    }
    static const std::shared_ptr<Core>& core(const Store& store) noexcept { return store.core_; }
};

struct TrackAccess {
    template <class F>
    static decltype(auto) call(F& function, Evaluation& now) {
        Track use{now};
        return function(use);
    }
};

/// The cell for a new value, or none when it equals the one before: then nothing is allocated.
template <class T>
CellPtr cell_unless_equal(T value, const CellBase* before) {
    if (before != nullptr && value_equal(value_in_cell<T>(*before), value)) {
        return {};
    }
    return CellPtr::adopt(new ValueCell<T>{std::move(value)});
}

/// A function of the same handles each time.
template <class T, class F, class... A>
class FunctionNode final : EdgeRoom<sizeof...(A)>, public DerivedNode {
public:
    template <class G>
    FunctionNode(NodeHome& owner, G&& function)
        : DerivedNode(owner, derived_kind<T>), function_(std::forward<G>(function)) {
        reads_the_same = true;
    }

private:
    CellPtr compute(NodeInputs& now, const CellBase* before) override {
        return [&]<std::size_t... I>(std::index_sequence<I...>) {
            return cell_unless_equal<T>(std::invoke(function_, value_in_cell<A>(now[I])...),
                                        before);
        }(std::index_sequence_for<A...>{});
    }
    Edge* room() noexcept override { return this->edges; }

    F function_;
};

/// A function that decides what it reads while it runs.
template <class T, class F>
class TrackingNode final : public DerivedNode {
public:
    template <class G>
    TrackingNode(NodeHome& owner, G&& function)
        : DerivedNode(owner, derived_kind<T>), function_(std::forward<G>(function)) {}

private:
    CellPtr compute(NodeInputs& now, const CellBase* before) override {
        return cell_unless_equal<T>(TrackAccess::call(function_, static_cast<Evaluation&>(now)),
                                    before);
    }

    F function_;
};

/// A condition on several values. Has no value itself.
template <class F, class... A>
class RuleNode final : EdgeRoom<sizeof...(A)>, public DerivedNode {
public:
    template <class G>
    RuleNode(NodeHome& owner, G&& condition, std::string text)
        : DerivedNode(owner, derived_kind<bool>),
          condition_(std::forward<G>(condition)),
          text_(std::move(text)) {
        is_rule = true;
        reads_the_same = true;
    }

private:
    CellPtr compute(NodeInputs& now, const CellBase*) override {
        const bool holds = [&]<std::size_t... I>(std::index_sequence<I...>) -> bool {
            return std::invoke(condition_, value_in_cell<A>(now[I])...);
        }(std::index_sequence_for<A...>{});
        if (!holds) {
            throw_broken_rule();
        }
        return {};
    }
    Edge* room() noexcept override { return this->edges; }
    std::string default_name() const override { return text_; }

    F condition_;
    std::string text_;
};

template <class T>
inline constexpr bool is_config = false;
template <class T>
inline constexpr bool is_config<Config<T>> = true;

template <class F, class... A>
using DerivedType = std::decay_t<std::invoke_result_t<std::decay_t<F>&, const A&...>>;

template <class F>
using TrackedType = std::decay_t<std::invoke_result_t<std::decay_t<F>&, Track&>>;

}  // namespace detail

/// A value made of others: `fn(const A&...)`, of the values of the handles, in their order.
///
/// It is computed in each commit that changes one of them, before the commit is published, at most
/// once, and moves with them in one version. When the result equals the present value (by `==`;
/// member by member for a plain struct that has none; never, when that is impossible too), whatever
/// derives from this one does not run. The function must be pure, and read the store by its
/// arguments only: it runs inside the commit, on the thread of whoever brought the change, and a
/// call that would change the store throws std::logic_error there. What it throws vetoes the
/// commit, unless the options say otherwise.
///
/// Throws Rejected when the first run throws, std::invalid_argument when the handles are empty or
/// of different stores, std::logic_error when the store is closed, or when it is called inside a
/// commit. Any thread.
template <class F, class... A>
    requires(sizeof...(A) > 0) && std::invocable<std::decay_t<F>&, const A&...>
Config<detail::DerivedType<F, A...>> derive(DeriveOptions options, F&& fn,
                                            const Config<A>&... inputs) {
    using T = detail::DerivedType<F, A...>;
    using Made = detail::FunctionNode<T, std::decay_t<F>, A...>;
    const std::array<detail::GraphNode*, sizeof...(A)> nodes{detail::HandleAccess::node(inputs)...};
    const auto core = detail::common_core(nodes);
    return detail::HandleAccess::make<T>(core->derive(
        detail::Ref<detail::DerivedNode>::adopt(new Made{core->home(), std::forward<F>(fn)}), nodes,
        std::move(options)));
}
template <class F, class... A>
    requires(sizeof...(A) > 0) && std::invocable<std::decay_t<F>&, const A&...>
Config<detail::DerivedType<F, A...>> derive(F&& fn, const Config<A>&... inputs) {
    return derive(DeriveOptions{}, std::forward<F>(fn), inputs...);
}

/// A value made of others, where the function finds out which while it runs: `fn(Track& use)` reads
/// them by `use(handle)`. Otherwise as above.
template <std::same_as<Store> S, class F>  // first: a generic lambda is only asked about Track here
    requires std::invocable<std::decay_t<F>&, Track&>
Config<detail::TrackedType<F>> derive(S& store, F&& fn, DeriveOptions options = {}) {
    using T = detail::TrackedType<F>;
    using Made = detail::TrackingNode<T, std::decay_t<F>>;
    const auto& core = detail::HandleAccess::core(store);
    return detail::HandleAccess::make<T>(core->derive(
        detail::Ref<detail::DerivedNode>::adopt(new Made{core->home(), std::forward<F>(fn)}), {},
        std::move(options)));
}

template <class T>
template <class F>
    requires std::invocable<std::decay_t<F>&, const T&>
auto Config<T>::map(F&& f, DeriveOptions options) const
    -> Config<std::decay_t<std::invoke_result_t<std::decay_t<F>&, const T&>>> {
    return derive(std::move(options), std::forward<F>(f), *this);
}

template <class T>
template <class M, class C>
    requires std::derived_from<T, C> && std::copy_constructible<M>
Config<M> Config<T>::field(M C::*member, DeriveOptions options) const {
    if (options.name.empty()) {
        options.name = name() + '.' + detail::member_label<T>(member);
    }
    return derive(
        std::move(options), [member](const T& value) -> M { return value.*member; }, *this);
}

template <class F, class... A>
    requires(sizeof...(A) > 0) && std::predicate<std::decay_t<F>&, const A&...>
void Store::require(F&& condition, std::string text, const Config<A>&... inputs) {
    using Made = detail::RuleNode<std::decay_t<F>, A...>;
    const std::array<detail::GraphNode*, sizeof...(A)> nodes{detail::HandleAccess::node(inputs)...};
    core_->require(detail::Ref<detail::DerivedNode>::adopt(new Made{
                       core_->home(), std::forward<F>(condition), std::move(text)}),
                   nodes);
}

}  // namespace attune::inline ATTUNE_ABI

#if ATTUNE_HEADER_ONLY
#include <attune/store/impl/derive.ipp>
#endif
