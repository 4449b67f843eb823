#pragma once

#include <attune/bind/pattern.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

// GCC 12 takes a member of libstdc++'s automaton for uninitialised under -fsanitize.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <regex>
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

namespace attune::inline ATTUNE_ABI::detail {

template <class Char>
Pattern compile_pattern(std::basic_string_view<Char> text) {
    using Regex = std::basic_regex<Char>;
    try {
        return {std::string(text),
                std::make_shared<const Regex>(text.begin(), text.end(), std::regex::ECMAScript),
                [](const void* program, std::string_view input) {
                    try {
                        return std::regex_match(input.begin(), input.end(),
                                                *static_cast<const Regex*>(program));
                    } catch (const std::regex_error&) {
                        // Too hard to tell: not for this library to let it pass.
                        return false;
                    }
                }};
    } catch (const std::regex_error& error) {
        throw std::logic_error("matches(\"" + std::string(text) + "\"): " + error.what());
    }
}

#if !ATTUNE_HEADER_ONLY
template Pattern compile_pattern<char>(std::string_view);
#endif

}  // namespace attune::inline ATTUNE_ABI::detail
