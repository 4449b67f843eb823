#pragma once

#include <attune/document/origin.hpp>

namespace attune::inline ATTUNE_ABI {

ATTUNE_DECL std::string to_string(const Origin& origin) {
    std::string text = origin.source.empty() ? origin.layer : origin.source;
    if (origin.line != 0) {
        if (!text.empty()) {
            text += ':';
        }
        text += std::to_string(origin.line);
        text += ':';
        text += std::to_string(origin.column);
    }
    return text;
}

}  // namespace attune::inline ATTUNE_ABI
