#pragma once

#include <attune/bind/decode.hpp>
#include <attune/document/parse.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace test {

/// What a document is refused for as a T, in the order of the report; empty when it is accepted.
template <class T>
std::vector<std::string> refusals(const attune::Document& document, const attune::Path& at = {}) {
    std::vector<std::string> lines;
    try {
        attune::decode<T>(document, at);
    } catch (const attune::Rejected& rejected) {
        for (const attune::Problem& problem : rejected.problems()) {
            lines.push_back(to_string(problem));
        }
    }
    return lines;
}

/// The same for JSON text.
template <class T>
std::vector<std::string> problems_of(std::string_view json, const attune::Path& at = {}) {
    return refusals<T>(attune::parse(json), at);
}

}  // namespace test
