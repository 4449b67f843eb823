#pragma once

#include <attune/document/impl/build.hpp>
#include <attune/document/impl/lexer.hpp>
#include <attune/document/impl/locate.hpp>
#include <attune/document/parse.hpp>

#include <array>
#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI {

namespace detail {

ATTUNE_DECL std::string place_text(const std::string& name, Position position) {
    return (name.empty() ? "" : name + ":") + std::to_string(position.line) + ":" +
           std::to_string(position.column);
}

// One pass, and no recursion: the depth is bounded by options.max_depth, not by the stack.
class Parser {
public:
    Parser(std::string_view text, const ParseOptions& options)
        : options_(options), text_(text.data()), lexer_(text, options) {}

    Document document() {
        lexer_.space();
        if (lexer_.done()) {
            lexer_.fail(lexer_.at(), "expected a value, found an empty document");
        }
        do {
            value();
        } while (to_next_value());
        lexer_.space();
        if (!lexer_.done()) {
            lexer_.fail(lexer_.at(), "expected the end of the document, found " + lexer_.found());
        }
        return std::move(slots_.back());
    }

private:
    // An object or array that is not closed yet. Its items are on `slots_`, from `first` on; where
    // the keys of an object stand is on `keys_`.
    struct Open {
        const char* start;
        std::size_t first;
        std::size_t first_key;
        bool object;
    };

    const char* thing() const noexcept { return open_.back().object ? "object" : "array"; }
    const char* item() const noexcept { return open_.back().object ? "a member" : "an element"; }
    char closer() const noexcept { return open_.back().object ? '}' : ']'; }

    // One value; of an object or array only the beginning, unless it is empty.
    void value() {
        switch (lexer_.peek()) {
        case '{': open(true); return;
        case '[': open(false); return;
        case '"': slots_.emplace_back(lexer_.string()); return;
        case '-':
        case '0':
        case '1':
        case '2':
        case '3':
        case '4':
        case '5':
        case '6':
        case '7':
        case '8':
        case '9': slots_.push_back(lexer_.number()); return;
        case 't':
        case 'f':
        case 'n': slots_.push_back(lexer_.literal()); return;
        default: refuse("a value");
        }
    }

    void open(bool object) {
        const char* const start = lexer_.at();
        if (open_.size() == options_.max_depth) {
            lexer_.fail(start, "expected at most " + std::to_string(options_.max_depth) +
                                   " levels of objects and arrays");
        }
        lexer_.take(*start);
        open_.push_back({start, slots_.size(), keys_.size(), object});
        fresh_ = true;
    }

    // Past what stands between two values, closing what ends there. False at the end of the root.
    bool to_next_value() {
        while (!open_.empty()) {
            lexer_.space();
            if (lexer_.take(closer())) {
                close();
                continue;
            }
            if (!std::exchange(fresh_, false)) {
                separator();
                if (options_.comments && lexer_.take(closer())) {
                    close();
                    continue;
                }
            }
            if (open_.back().object) {
                key();
            }
            return true;
        }
        return false;
    }

    // The comma, and the space after it.
    void separator() {
        const char* const comma = lexer_.at();
        if (!lexer_.take(',')) {
            refuse(std::string("',' or '") + closer() + "' after " + item());
        }
        lexer_.space();
        if (!options_.comments && lexer_.peek() == closer()) {
            lexer_.fail(comma, std::string("a comma after the last ") +
                                   (open_.back().object ? "member" : "element"));
        }
    }

    void key() {
        keys_.push_back(static_cast<std::size_t>(lexer_.at() - text_));
        if (lexer_.peek() != '"') {
            refuse(slots_.size() == open_.back().first ? "a name in double quotes or '}'"
                                                       : "a name in double quotes");
        }
        push_key(lexer_.string());
        lexer_.space();
        if (!lexer_.take(':')) {
            refuse("':' after a name");
        }
        lexer_.space();
    }

    // Names that are too long for a cell are shared between the objects of one document.
    void push_key(std::string_view name) {
        if (name.size() <= Cell::short_capacity) {
            slots_.emplace_back(name);
            return;
        }
        Document& known = names_[std::hash<std::string_view>()(name) % names_.size()];
        if (!known.is_string() || known.as_string() != name) {
            known = name;
        }
        slots_.push_back(known);
    }

    void close() {
        fresh_ = false;
        const Open closed = open_.back();
        Document* const items = slots_.data() + closed.first;
        const std::size_t count = slots_.size() - closed.first;
        Document made;
        if (closed.object) {
            Repeated repeated;
            const bool refuse_repeated = options_.duplicates == Duplicates::refuse;
            made = make_object(items, count / 2, refuse_repeated ? &repeated : nullptr);
            if (made.is_null()) {
                const char* const place = text_ + keys_[closed.first_key + repeated.second];
                const char* const before = text_ + keys_[closed.first_key + repeated.first];
                lexer_.fail(place, "a name that this object already has, at line " +
                                       std::to_string(lexer_.line_of(before)));
            }
            keys_.resize(closed.first_key);
        } else {
            made = make_array(items, count);
        }
        slots_.resize(closed.first);
        slots_.push_back(std::move(made));
        open_.pop_back();
    }

    [[noreturn]] void refuse(const std::string& expected) const {
        if (lexer_.done() && !open_.empty()) {
            lexer_.fail(lexer_.at(), std::string("document ends inside an ") + thing() +
                                         " that began at line " +
                                         std::to_string(lexer_.line_of(open_.back().start)));
        }
        lexer_.fail(lexer_.at(), "expected " + expected + ", found " + lexer_.found());
    }

    const ParseOptions& options_;
    const char* const text_;
    Lexer lexer_;
    std::vector<Open> open_;
    std::vector<Document> slots_;
    std::vector<std::size_t> keys_;
    std::array<Document, 64> names_;
    bool fresh_ = false;  // the innermost object or array has no item yet
};

}  // namespace detail

ATTUNE_DECL ParseError::ParseError(std::string name, Position position, std::string message)
    : std::runtime_error(detail::place_text(name, position) + ": " + message),
      name_(std::move(name)),
      position_(position),
      message_(std::move(message)) {}

ATTUNE_DECL Document parse(std::string_view text, const ParseOptions& options) {
    return detail::Parser(text, options).document();
}

ATTUNE_DECL std::optional<Position> locate(std::string_view text, const Path& path, Part part,
                                           const ParseOptions& options) {
    detail::Located located;
    if (!detail::locate_nearest(text, path, part, options, located) ||
        located.depth != path.size()) {
        return std::nullopt;
    }
    return located.position;
}

}  // namespace attune::inline ATTUNE_ABI
