#pragma once

#include <attune/document/impl/lexer.hpp>
#include <attune/document/impl/locate.hpp>

#include <cstddef>
#include <optional>

namespace attune::inline ATTUNE_ABI::detail {

// Finds places in a text that has been parsed before: takes the same words, but checks nothing that
// it does not need.
class Locator {
public:
    Locator(std::string_view text, const ParseOptions& options) : lexer_(text, options) {}

    Located locate(const Path& path, Part part) {
        lexer_.space();
        const char* place = lexer_.at();
        std::size_t depth = 0;
        for (; depth < path.size(); ++depth) {
            const Item item = find(path.tokens()[depth]);
            if (!item.value) {
                break;
            }
            const bool last = depth + 1 == path.size();
            place = last && part == Part::key ? item.key : item.value;
            lexer_.go_to(item.value);
        }
        return {lexer_.position_of(place), depth};
    }

private:
    struct Item {
        const char* key = nullptr;
        const char* value = nullptr;
    };

    // In the object or array that begins here. The last of several members counts.
    Item find(std::string_view token) {
        Item found;
        const bool object = lexer_.peek() == '{';
        if (!object && lexer_.peek() != '[') {
            return found;
        }
        const std::optional<std::size_t> wanted = element_index(token);
        lexer_.take(lexer_.peek());
        for (std::size_t index = 0; to_item(); ++index) {
            const char* const key = lexer_.at();
            bool match = wanted == index;
            if (object) {
                match = lexer_.string() == token;
                lexer_.space();
                lexer_.take(':');
                lexer_.space();
            }
            const char* const value = lexer_.at();
            if (match) {
                found = {key, value};
            }
            if (match && !object) {
                break;
            }
            skip_value();
        }
        return found;
    }

    // Past a comma to the next item; false at the end of the object or array.
    bool to_item() {
        lexer_.space();
        if (lexer_.take(',')) {
            lexer_.space();
        }
        return !lexer_.done() && lexer_.peek() != '}' && lexer_.peek() != ']';
    }

    void skip_value() {
        std::size_t depth = 0;
        do {
            lexer_.space();
            const char c = lexer_.peek();
            const bool closes = c == '}' || c == ']';
            if (lexer_.done() || (closes && depth == 0)) {
                return;
            }
            if (c == '"') {
                lexer_.string();
            } else if (c == '{' || c == '[') {
                ++depth;
                lexer_.take(c);
            } else if (closes) {
                --depth;
                lexer_.take(c);
            } else if (!lexer_.take(',') && !lexer_.take(':')) {
                lexer_.word();
            }
        } while (depth > 0);
    }

    Lexer lexer_;
};

ATTUNE_DECL bool locate_nearest(std::string_view text, const Path& path, Part part,
                                const ParseOptions& options, Located& located) {
    try {
        located = Locator(text, options).locate(path, part);
        return true;
    } catch (const ParseError&) {
        return false;
    }
}

}  // namespace attune::inline ATTUNE_ABI::detail
