#pragma once

#include <attune/version.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace attune::inline ATTUNE_ABI::detail {

/// A compiled regular expression; empty when there is none.
struct Pattern {
    std::string text;
    std::shared_ptr<const void> program;
    bool (*match)(const void* program, std::string_view text) = nullptr;

    explicit operator bool() const noexcept { return match != nullptr; }
};

/// std::regex recurses once per character: longer texts could end the program, so they are refused.
inline constexpr std::size_t max_pattern_input = 2048;

/// Compiles an ECMAScript expression that must match a whole text. Throws std::logic_error when it
/// is not one. A template so that only programs that use patterns pay for compiling std::regex.
template <class Char>
Pattern compile_pattern(std::basic_string_view<Char> text);

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/bind/impl/pattern.ipp>
#endif
