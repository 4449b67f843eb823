#pragma once

#include <attune/version.hpp>

#include <string>
#include <type_traits>
#include <utility>

namespace attune::inline ATTUNE_ABI {

/// A value that is never shown: no error, difference, event, schema or log of attune holds it, and
/// it prints as `***`. It is set like a T and read by `reveal` only, so that whoever lets it out
/// has said so.
template <class T>
class Secret {
public:
    Secret() = default;
    Secret(const T& value) : value_(value) {}
    Secret(T&& value) noexcept(std::is_nothrow_move_constructible_v<T>)
        : value_(std::move(value)) {}

    /// Whatever makes a T in one step: a literal for a std::string.
    template <class U>
        requires(std::is_convertible_v<U&&, T> && !std::is_same_v<std::remove_cvref_t<U>, T> &&
                 !std::is_same_v<std::remove_cvref_t<U>, Secret>)
    Secret(U&& value) : value_(std::forward<U>(value)) {}

    const T& reveal() const noexcept { return value_; }
    T& reveal() noexcept { return value_; }

    friend bool operator==(const Secret&, const Secret&) = default;

private:
    T value_{};
};

/// `***`
template <class T>
std::string to_string(const Secret<T>&) {
    return "***";
}

/// Streams `***`.
template <class Stream, class T>
    requires requires(Stream& stream) { stream << "***"; }
Stream& operator<<(Stream& stream, const Secret<T>&) {
    stream << "***";
    return stream;
}

}  // namespace attune::inline ATTUNE_ABI
