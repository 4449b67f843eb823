#pragma once

#include <attune/document/impl/node.hpp>
#include <attune/document/impl/text.hpp>
#include <attune/document/impl/utf8.hpp>
#include <attune/document/text.hpp>

#include <array>
#include <charconv>
#include <cmath>
#include <string_view>
#include <vector>

namespace attune::inline ATTUNE_ABI {

namespace detail {

ATTUNE_DECL void write_escape(char c, std::string& out) {
    switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\b': out += "\\b"; return;
    case '\f': out += "\\f"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: break;
    }
    constexpr std::string_view digits = "0123456789abcdef";
    out += "\\u00";
    out += digits[static_cast<unsigned char>(c) >> 4];
    out += digits[static_cast<unsigned char>(c) & 0xF];
}

ATTUNE_DECL void write_string(std::string_view text, std::string& out) {
    out += '"';
    const char* at = text.data();
    const char* const end = at + text.size();
    const char* written = at;
    const auto write_up_to = [&](const char* to) {
        out.append(written, to);
        written = to;
    };
    while (at != end) {
        const auto byte = static_cast<unsigned char>(*at);
        if (byte >= 0x80) {
            const std::size_t length = utf8_sequence(at, end);
            if (length == 0) {
                write_up_to(at);
                out += "\xEF\xBF\xBD";
                ++written;
            }
            at += length == 0 ? 1 : length;
        } else if (byte < 0x20 || byte == '"' || byte == '\\') {
            write_up_to(at);
            write_escape(*at, out);
            written = ++at;
        } else {
            ++at;
        }
    }
    write_up_to(end);
    out += '"';
}

template <class T>
std::string_view digits_of(T value, std::array<char, 40>& buffer) noexcept {
    const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
    return {buffer.data(), static_cast<std::size_t>(result.ptr - buffer.data())};
}

ATTUNE_DECL void write_scalar(const Document& value, std::string& out) {
    std::array<char, 40> buffer;
    switch (value.kind()) {
    case Kind::boolean: out += value.as_bool() ? "true" : "false"; return;
    case Kind::integer:
        out += value.is_unsigned() ? digits_of(value.as_uint64(), buffer)
                                   : digits_of(value.as_int64(), buffer);
        return;
    case Kind::real: {
        if (!std::isfinite(value.as_double())) {
            break;
        }
        const std::string_view digits = digits_of(value.as_double(), buffer);
        out += digits;
        if (digits.find_first_of(".e") == std::string_view::npos) {
            out += ".0";
        }
        return;
    }
    case Kind::string: write_string(value.as_string(), out); return;
    default: break;
    }
    out += "null";
}

ATTUNE_DECL void write_line(int indent, std::size_t depth, std::string& out) {
    if (indent < 0) {
        return;
    }
    out += '\n';
    out.append(static_cast<std::size_t>(indent) * depth, ' ');
}

ATTUNE_DECL std::size_t text_size(const Document& document, std::size_t limit) {
    std::vector<Cursor> open;
    std::vector<bool> objects;  // which of them
    std::string scratch;
    std::size_t size = 0;
    const Document* value = &document;
    for (;;) {
        if (is_container(*value)) {
            // The brackets, and the commas between; in an object a colon for each member.
            const std::size_t items = value->size();
            size += 2 + items - (items > 0 ? 1 : 0) + (value->is_object() ? items : 0);
        } else {
            scratch.clear();
            write_scalar(*value, scratch);
            size += scratch.size();
        }
        if (size > limit) {
            return size;
        }
        if (is_container(*value) && value->size() > 0) {
            open.emplace_back(*value);
            objects.push_back(value->is_object());
        } else {
            while (!open.empty() && (open.back().advance(), open.back().done())) {
                open.pop_back();
                objects.pop_back();
            }
        }
        if (open.empty()) {
            return size;
        }
        if (objects.back()) {
            scratch.clear();
            write_string(open.back()[0].as_string(), scratch);
            size += scratch.size();
        }
        value = &open.back()[objects.back() ? 1 : 0];
    }
}

}  // namespace detail

ATTUNE_DECL std::string to_text(const Document& document, TextOptions options) {
    struct Open {
        detail::Cursor next;
        bool object;
    };
    std::vector<Open> open;
    std::string out;
    const Document* value = &document;
    for (;;) {
        const bool object = value->is_object();
        if (value->size() > 0) {
            out += object ? '{' : '[';
            open.push_back({detail::Cursor(*value), object});
            detail::write_line(options.indent, open.size(), out);
        } else if (detail::is_container(*value)) {
            out += object ? "{}" : "[]";
        } else {
            detail::write_scalar(*value, out);
        }

        // To the next value, past the ends of all containers it was the last one of.
        for (bool found = value->size() > 0; !found && !open.empty();) {
            open.back().next.advance();
            found = !open.back().next.done();
            if (found) {
                out += ',';
            }
            detail::write_line(options.indent, open.size() - (found ? 0 : 1), out);
            if (!found) {
                out += open.back().object ? '}' : ']';
                open.pop_back();
            }
        }
        if (open.empty()) {
            return out;
        }

        const Open& top = open.back();
        if (top.object) {
            detail::write_string(top.next[0].as_string(), out);
            out += options.indent < 0 ? ":" : ": ";
        }
        value = &top.next[top.object ? 1 : 0];
    }
}

}  // namespace attune::inline ATTUNE_ABI
