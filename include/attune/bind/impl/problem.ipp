#pragma once

#include <attune/bind/problem.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace attune::inline ATTUNE_ABI {

ATTUNE_DECL std::string to_string(const Problem& problem) {
    std::string text = to_string(problem.origin);
    const auto part = [&text](std::string_view separator, const std::string& next) {
        if (next.empty()) {
            return;
        }
        if (!text.empty()) {
            text += separator;
        }
        text += next;
    };
    part(": ", to_string(problem.path));
    part(": ", problem.message);
    if (!problem.expected.empty()) {
        part(problem.message.empty() ? ": " : "; ", "expected " + problem.expected);
    }
    if (!problem.found.empty()) {
        const bool bare = problem.message.empty() && problem.expected.empty();
        part(bare ? ": " : ", ", "found " + problem.found);
    }
    if (!problem.suggestion.empty()) {
        part("; ", "did you mean \"" + problem.suggestion + "\"?");
    }
    return text;
}

ATTUNE_DECL std::string to_string(const Rejection& rejection) {
    if (rejection.problems.empty()) {
        return rejection.reason;
    }
    std::string text;
    for (const Problem& problem : rejection.problems) {
        if (!text.empty()) {
            text += '\n';
        }
        text += to_string(problem);
    }
    return text;
}

ATTUNE_DECL Rejected::Rejected(Rejection rejection)
    : std::runtime_error(to_string(rejection)),
      rejection_(std::make_shared<const Rejection>(std::move(rejection))) {}

}  // namespace attune::inline ATTUNE_ABI
