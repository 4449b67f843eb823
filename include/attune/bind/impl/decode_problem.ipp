#pragma once

#include <attune/bind/expected.hpp>
#include <attune/bind/impl/decoder.hpp>
#include <attune/document/text.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL Path Decoder::path(const Trail& place) const {
    std::vector<std::string> tokens;
    for (const Trail* at = &place; at->above != nullptr; at = at->above) {
        tokens.insert(tokens.begin(),
                      at->is_element ? std::to_string(at->index) : std::string(at->key));
    }
    return at_ / Path(std::move(tokens));
}

ATTUNE_DECL Problem& Decoder::report(const Trail& place, Part part) {
    ++errors_;
    Problem& problem = problems_.emplace_back();
    problem.path = path(place);
    problem.origin = provenance_.origin(problem.path, part);
    return problem;
}

ATTUNE_DECL void Decoder::mismatch(const Type& type, const Document& document, const Trail& place) {
    Problem& problem = report(place);
    problem.expected = expected(type, place.rules);
    problem.found = found(document, place.secret);
}

// At most so many code points, and dots for what is left out.
ATTUNE_DECL std::string shortened(std::string_view text, std::size_t most) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool begins = (static_cast<unsigned char>(text[i]) & 0xC0) != 0x80;
        if (begins && count++ == most) {
            return std::string(text.substr(0, i)) + "...";
        }
    }
    return std::string(text);
}

ATTUNE_DECL std::string found(const Document& document, bool secret) {
    switch (document.kind()) {
    case Kind::null: return "null";
    case Kind::array: return "a list";
    case Kind::object: return "an object";
    case Kind::string:
        return secret ? "a string (not shown)"
                      : to_text(Document(shortened(document.as_string(), 40)));
    case Kind::boolean: return secret ? "a boolean (not shown)" : to_text(document);
    case Kind::integer:
    case Kind::real: break;
    }
    return secret ? "a number (not shown)" : to_text(document);
}

}  // namespace attune::inline ATTUNE_ABI::detail
