#pragma once

#include <attune/bind/bytes.hpp>
#include <attune/bind/duration.hpp>
#include <attune/bind/quantity.hpp>
#include <attune/bind/secret.hpp>
#include <attune/bind/structure.hpp>
#include <attune/bind/type.hpp>
#include <attune/version.hpp>

#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace attune::inline ATTUNE_ABI {

namespace detail {

// The type that rules speak about: what is inside optionals and secrets.
template <class M>
struct Inside {
    using type = M;
};
template <class M>
struct Inside<std::optional<M>> : Inside<M> {};
template <class M>
struct Inside<std::unique_ptr<M>> : Inside<M> {};
template <class M>
struct Inside<std::shared_ptr<M>> : Inside<M> {};
template <class M>
struct Inside<Secret<M>> : Inside<M> {};

template <class V>
inline constexpr bool is_text =
    type_object<V>.shape == Shape::string || type_object<V>.shape == Shape::path;

template <class V>
inline constexpr bool is_sized =
    type_object<V>.shape == Shape::string || type_object<V>.shape == Shape::list ||
    type_object<V>.shape == Shape::flags || type_object<V>.shape == Shape::map;

// What one_of takes for a field that holds a V.
template <class V>
using Choice = std::conditional_t<is_text<V>, std::string_view, V>;

/// Throw std::logic_error naming the rule when it was given before, or cannot be met.
ATTUNE_DECL void set_least(FieldInfo& field, const Quantity& least);
ATTUNE_DECL void set_most(FieldInfo& field, const Quantity& most);
ATTUNE_DECL void set_least_size(FieldInfo& field, std::size_t least);
ATTUNE_DECL void set_most_size(FieldInfo& field, std::size_t most);
ATTUNE_DECL void set_pattern(FieldInfo& field, Pattern pattern);
ATTUNE_DECL void add_choice(FieldInfo& field, std::string_view text);
ATTUNE_DECL void add_choice(FieldInfo& field, const Quantity& number);
[[noreturn]] ATTUNE_DECL void throw_bound_outside(const FieldInfo& field);

/// The field at an offset; std::logic_error when there is none of that type.
ATTUNE_DECL FieldInfo& field_at(Structure& structure, std::size_t offset, const Type& type);
ATTUNE_DECL void add_check(Structure& structure, Erased function, CheckInfo::Call call,
                           std::string text);

}  // namespace detail

/// Rules and descriptions for one field. Rules of an optional or a Secret hold for the value
/// inside; a default value is not judged. What a field's type cannot satisfy does not compile;
/// rules that contradict each other throw std::logic_error when the struct is first bound.
template <class M>
class Field {
    using Value = typename detail::Inside<M>::type;

public:
    explicit Field(detail::FieldInfo& info) noexcept : info_(&info) {}

    /// One line for people, shown by Store::usage and in the JSON Schema.
    Field& doc(std::string text) {
        info_->doc = std::move(text);
        return *this;
    }

    /// The member's name in documents, in place of the C++ one.
    Field& name(std::string name) {
        info_->name = std::move(name);
        return *this;
    }

    /// Absent, or null, is a problem.
    Field& required() {
        info_->required = true;
        return *this;
    }

    /// Never shown, like a Secret, where the type should stay plain.
    Field& secret() {
        info_->secret = true;
        return *this;
    }

    /// Numbers, durations, Bytes: from `low` to `high`, both included.
    template <class L, class H>
    Field& between(const L& low, const H& high) {
        return at_least(low).at_most(high);
    }

    template <class B>
    Field& at_least(const B& low) {
        detail::set_least(*info_, bound(low));
        return *this;
    }

    template <class B>
    Field& at_most(const B& high) {
        detail::set_most(*info_, bound(high));
        return *this;
    }

    /// Strings: bytes. Lists and maps: items.
    Field& min_size(std::size_t size) {
        static_assert(detail::is_sized<Value>, "min_size is for strings, lists and maps");
        detail::set_least_size(*info_, size);
        return *this;
    }

    Field& max_size(std::size_t size) {
        static_assert(detail::is_sized<Value>, "max_size is for strings, lists and maps");
        detail::set_most_size(*info_, size);
        return *this;
    }

    /// Strings and paths: an ECMAScript regular expression that the whole text matches. Texts of
    /// more than 2048 bytes are then refused.
    Field& matches(std::string_view pattern) {
        static_assert(detail::is_text<Value>, "matches is for strings and paths");
        detail::set_pattern(*info_, detail::compile_pattern(pattern));
        return *this;
    }

    /// Strings, paths, numbers, enumerations: one of these.
    Field& one_of(std::initializer_list<detail::Choice<Value>> values) {
        for (const detail::Choice<Value>& value : values) {
            if constexpr (detail::is_text<Value>) {
                detail::add_choice(*info_, value);
            } else if constexpr (std::is_enum_v<Value>) {
                detail::add_choice(*info_, static_cast<std::underlying_type_t<Value>>(value));
            } else {
                detail::add_choice(*info_, bound(value));
            }
        }
        return *this;
    }

private:
    template <class B>
    detail::Quantity bound(const B& value) const {
        if constexpr (detail::Integer<Value>) {
            static_assert(detail::Integer<B>, "the bound of an integer must be an integer");
            if (!std::in_range<Value>(value)) {
                detail::throw_bound_outside(*info_);
            }
            return static_cast<Value>(value);
        } else if constexpr (std::is_floating_point_v<Value>) {
            static_assert(detail::Integer<B> || std::is_floating_point_v<B>,
                          "the bound of a number must be a number");
            return static_cast<double>(value);
        } else if constexpr (detail::is_duration<Value>) {
            static_assert(std::is_convertible_v<const B&, Value>,
                          "the bound of a duration must be a duration that its type can hold "
                          "exactly");
            return detail::Quantity::of(Value(value).count());
        } else {
            static_assert(std::is_same_v<Value, Bytes>,
                          "at_least, at_most and between are for numbers, durations and "
                          "attune::Bytes");
            static_assert(std::is_convertible_v<const B&, Bytes>,
                          "the bound of a size must be attune::Bytes");
            return Bytes(value).count;
        }
    }

    detail::FieldInfo* info_;
};

/// What a struct says about itself beyond its members: an optional function found by
/// argument-dependent look-up,
///
/// ```cpp
/// void describe(attune::Schema<Server>& s) {
///     s.doc("The HTTP listener");
///     s.field(&Server::port).doc("TCP port").between(1, 65535);
///     s.check([](const Server& v) { return v.pool.size > 0; }, "pool.size must be positive");
/// }
/// ```
///
/// Declare it beside the struct, or as its friend: one that comes after the struct was bound is not
/// seen. Called once per program, when the struct is first bound; what it sets is immutable
/// afterwards. A Schema is a reference to that one description, and so are its copies.
template <class T>
class Schema {
public:
    Schema(detail::Structure& structure, const T& object) noexcept
        : structure_(&structure), object_(&object) {}

    /// One line for people about the whole struct.
    Schema& doc(std::string text) {
        structure_->doc = std::move(text);
        return *this;
    }

    template <class M>
    Field<M> field(M T::*member) {
        static_assert(std::is_object_v<M>, "field() takes a pointer to a data member");
        const auto offset = reinterpret_cast<const std::byte*>(std::addressof(object_->*member)) -
                            reinterpret_cast<const std::byte*>(object_);
        return Field<M>(detail::field_at(*structure_, static_cast<std::size_t>(offset),
                                         detail::type_object<M>));
    }

    /// A rule over several fields, judged when each of them is right by itself. `text` says what
    /// must hold. `valid` is called with a const T& at every commit, possibly from several threads
    /// at once, and must be pure; an exception from it counts as a no.
    template <class F>
        requires(std::predicate<const F&, const T&>)
    Schema& check(F valid, std::string text) {
        const auto call = [](const void* function, const void* object) -> bool {
            return (*static_cast<const F*>(function))(*static_cast<const T*>(object));
        };
        detail::Erased function = detail::erase(new F(std::move(valid)));
        detail::add_check(*structure_, std::move(function), call, std::move(text));
        return *this;
    }

private:
    detail::Structure* structure_;
    const T* object_;
};

}  // namespace attune::inline ATTUNE_ABI

#if ATTUNE_HEADER_ONLY
#include <attune/bind/impl/schema.ipp>
#endif
