#pragma once

#include <attune/document/impl/lexer.hpp>
#include <attune/document/impl/position_index.hpp>
#include <attune/document/impl/utf8.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <string>

namespace attune::inline ATTUNE_ABI::detail {

inline std::uint64_t hash_below(std::uint64_t parent, std::string_view token) noexcept {
    // The finaliser of MurmurHash3, A. Appleby.
    std::uint64_t hash = parent * 0x9E3779B97F4A7C15 + std::hash<std::string_view>{}(token);
    hash = (hash ^ (hash >> 33)) * 0xFF51AFD7ED558CCD;
    hash = (hash ^ (hash >> 33)) * 0xC4CEB9FE1A85EC53;
    return hash ^ (hash >> 33);
}

ATTUNE_DECL PositionIndex::PositionIndex(std::string_view text, const ParseOptions& options)
    : text_(text) {
    struct Open {
        std::uint64_t path;
        std::size_t next;  // element
        bool object;
    };
    lines_.push_back(text.starts_with("\xEF\xBB\xBF") ? 3 : 0);
    for (std::size_t at = lines_.front(); at < text.size(); ++at) {
        if (text[at] == '\n' ||
            (text[at] == '\r' && (at + 1 == text.size() || text[at + 1] != '\n'))) {
            lines_.push_back(static_cast<std::uint32_t>(at + 1));
        }
    }

    Lexer lexer(text, options);
    const auto offset = [&] { return static_cast<std::uint32_t>(lexer.at() - text.data()); };
    std::vector<Open> open;
    // At the first character of a value.
    const auto enter = [&](std::uint64_t path) {
        const char c = lexer.peek();
        if (c == '{' || c == '[') {
            lexer.take(c);
            open.push_back({path, 0, c == '{'});
        } else if (c == '"') {
            (void)lexer.string();
        } else {
            lexer.word();
        }
    };
    lexer.space();
    root_ = offset();
    enter(0);
    while (!open.empty() && !lexer.done()) {
        lexer.space();
        if (lexer.take(',')) {
            lexer.space();
        }
        if (lexer.take('}') || lexer.take(']')) {
            open.pop_back();
            continue;
        }
        Open& top = open.back();
        Entry entry{0, offset(), 0};
        if (top.object) {
            entry.path = hash_below(top.path, lexer.string());
            lexer.space();
            lexer.take(':');
            lexer.space();
        } else {
            entry.path = hash_below(top.path, std::to_string(top.next++));
        }
        entry.value = offset();
        entries_.push_back(entry);
        enter(entry.path);
    }
    std::sort(entries_.begin(), entries_.end(),
              [](const Entry& a, const Entry& b) { return a.path < b.path; });
}

ATTUNE_DECL const PositionIndex::Entry* PositionIndex::find(std::uint64_t path) const noexcept {
    const auto found = std::lower_bound(entries_.begin(), entries_.end(), path,
                                        [](const Entry& entry, std::uint64_t wanted) {
                                            return entry.path < wanted;
                                        });
    return found != entries_.end() && found->path == path ? &*found : nullptr;
}

ATTUNE_DECL Position PositionIndex::position_of(std::uint32_t offset) const noexcept {
    const auto after = std::upper_bound(lines_.begin() + 1, lines_.end(), offset);
    Position position;
    position.offset = offset;
    position.line = static_cast<std::uint32_t>(after - lines_.begin());
    const std::size_t begin = *(after - 1);
    for (const char c : text_.substr(begin, offset - begin)) {
        position.column += !is_continuation(c);
    }
    return position;
}

ATTUNE_DECL Located PositionIndex::locate(const Path& path, Part part) const {
    std::uint64_t hash = 0;
    std::uint32_t place = root_;
    std::size_t depth = 0;
    for (; depth != path.size(); ++depth) {
        hash = hash_below(hash, path.tokens()[depth]);
        const Entry* const entry = find(hash);
        if (entry == nullptr) {
            break;
        }
        const bool last = depth + 1 == path.size();
        place = last && part == Part::key ? entry->key : entry->value;
    }
    return {position_of(place), depth};
}

}  // namespace attune::inline ATTUNE_ABI::detail
