#pragma once

#include <attune/document/text.hpp>
#include <attune/store/explain.hpp>

#include <cstddef>
#include <string_view>

namespace attune::inline ATTUNE_ABI {

namespace detail {

inline void render_explanation(const Explanation& explanation, std::size_t indent,
                               std::string& text) {
    const std::string margin(indent, ' ');
    const auto line = [&](std::string_view mark, const std::string& rest) {
        text += '\n' + margin + "  ";
        text += mark;
        text += rest;
    };
    text += margin;
    if (!explanation.derived.empty()) {
        text += explanation.derived + " is derived from";
        for (const Explanation& input : explanation.inputs) {
            text += '\n';
            render_explanation(input, indent + 4, text);
        }
        return;
    }
    text += explanation.path.empty() ? "(everything)" : to_string(explanation.path);
    if (explanation.value) {
        text += " = " + to_text(*explanation.value);
        if (explanation.since != 0) {
            text += " (set in version " + std::to_string(explanation.since) + ')';
        }
    } else {
        text += explanation.fallback ? " has its default" : " is not set";
    }
    for (const Candidate& candidate : explanation.candidates) {
        const bool wins = candidate.fate == Candidate::Fate::wins;
        line(wins ? "* " : "  ", to_string(candidate.origin) + ": " + to_text(candidate.value) +
                                     (wins                                        ? ""
                                      : candidate.fate == Candidate::Fate::merged ? ", merged"
                                                                                  : ", shadowed"));
    }
    if (explanation.fallback) {
        line(explanation.value ? "  " : "* ", "default: " + to_text(*explanation.fallback));
    }
}

}  // namespace detail

ATTUNE_DECL std::string to_string(const Explanation& explanation) {
    std::string text;
    detail::render_explanation(explanation, 0, text);
    return text;
}

ATTUNE_DECL std::string to_string(const std::vector<Explanation>& explanations) {
    std::string text;
    for (const Explanation& explanation : explanations) {
        text += (text.empty() ? "" : "\n") + to_string(explanation);
    }
    return text;
}

}  // namespace attune::inline ATTUNE_ABI
