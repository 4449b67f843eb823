#pragma once

#include <attune/version.hpp>

#include <cstddef>
#include <string_view>

// Reads the names of members and enumerators out of the compiler's text for template arguments:
// `... V = {Mode::primary, (Mode)2}]` from GCC, `... V = <Mode::primary, (Mode)2>]` from Clang. One
// text for a whole pack keeps this to one instantiation per type.

namespace attune::inline ATTUNE_ABI::detail {

/// Where the first comma or closing bracket stands that belongs to no inner bracket.
constexpr std::size_t end_of_argument(std::string_view text) noexcept {
    std::size_t depth = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '<' || c == '(' || c == '{' || c == '[') {
            ++depth;
        } else if (c == '>' || c == ')' || c == '}' || c == ']') {
            if (depth == 0) {
                return i;
            }
            --depth;
        } else if (c == ',' && depth == 0) {
            return i;
        }
    }
    return text.size();
}

/// From the first argument of the pack `V` on.
constexpr std::string_view pack_text(std::string_view function) noexcept {
    const std::size_t begin = function.find("V = ");
    return begin == std::string_view::npos ? std::string_view{} : function.substr(begin + 5);
}

/// Takes the first argument off the front of a pack's text; empty when none is left.
constexpr std::string_view next_argument(std::string_view& pack) noexcept {
    const std::size_t end = end_of_argument(pack);
    const std::string_view argument = pack.substr(0, end);
    const bool more = end < pack.size() && pack[end] == ',';
    pack.remove_prefix(more ? end + 2 : pack.size());
    return argument;
}

/// `port` from `Pointer<int*>{(& nowhere<S>.Nowhere<S>::value.S::port)}`. Cut by what surrounds the
/// name, not by what a name may hold: names need not be ASCII.
constexpr std::string_view member_name(std::string_view argument) noexcept {
    while (!argument.empty() && (argument.back() == '}' || argument.back() == ')')) {
        argument.remove_suffix(1);
    }
    return argument.substr(argument.find_last_of(":.") + 1);
}

/// `primary` from `ns::Mode::primary`; empty for `(ns::Mode)7`, a value without a name.
constexpr std::string_view enumerator_name(std::string_view argument) noexcept {
    const std::string_view last = argument.substr(argument.find_last_of(':') + 1);
    return last.find(')') == std::string_view::npos ? last : std::string_view{};
}

/// True when the pack names any enumerator.
constexpr bool has_enumerator(std::string_view pack) noexcept {
    while (!pack.empty()) {
        if (!enumerator_name(next_argument(pack)).empty()) {
            return true;
        }
    }
    return false;
}

}  // namespace attune::inline ATTUNE_ABI::detail
