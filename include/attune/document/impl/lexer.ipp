#pragma once

#include <attune/document/impl/lexer.hpp>
#include <attune/document/impl/utf8.hpp>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <limits>
#include <system_error>
#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

inline bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

// The lowest bit of the high half of each byte that is below `limit`, which is at most 128; bytes
// after the first such one may be marked wrongly.
inline std::uint64_t bytes_below(std::uint64_t word, std::uint64_t limit) noexcept {
    constexpr std::uint64_t ones = 0x0101010101010101;
    return (word - ones * limit) & ~word & ones << 7;
}

// True when one of eight bytes cannot be taken as it is inside a string: quote, backslash, control
// characters, anything outside ASCII.
inline bool has_special(std::uint64_t word) noexcept {
    constexpr std::uint64_t ones = 0x0101010101010101;
    return (bytes_below(word, 0x20) | bytes_below(word ^ ones * '"', 1) |
            bytes_below(word ^ ones * '\\', 1) | (word & ones << 7)) != 0;
}

ATTUNE_DECL Lexer::Lexer(std::string_view text, const ParseOptions& options)
    : begin_(text.data()), at_(begin_), end_(begin_ + text.size()), options_(options) {
    if (text.size() > options.max_bytes) {
        fail(begin_, "expected at most " + std::to_string(options.max_bytes) + " bytes, found " +
                         std::to_string(text.size()));
    }
    check_encoding();
    if (text.starts_with("\xEF\xBB\xBF")) {
        at_ += 3;
    }
}

// JSON begins with two ASCII characters, or is a single one: a zero among them is wider encoding.
ATTUNE_DECL void Lexer::check_encoding() {
    const std::string_view text(begin_, static_cast<std::size_t>(end_ - begin_));
    const auto zero = [&](std::size_t i) { return i < text.size() && text[i] == '\0'; };
    const bool marked = text.starts_with("\xFE\xFF") || text.starts_with("\xFF\xFE");
    const bool wide = text.size() >= 2 && zero(0) != zero(1);
    if (!marked && !wide && !(zero(0) && zero(1))) {
        return;
    }
    const bool four = text.size() >= 4 && ((zero(0) && zero(1)) || (zero(2) && zero(3)));
    fail(begin_, std::string("expected UTF-8, found what looks like UTF-") + (four ? "32" : "16"));
}

ATTUNE_DECL void Lexer::space() {
    for (;;) {
        while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) {
            ++at_;
            for (std::uint64_t word = 0; end_ - at_ >= 8; at_ += 8) {
                std::memcpy(&word, at_, sizeof word);
                if (word != 0x2020202020202020) {
                    break;
                }
            }
        }
        if (peek() != '/') {
            return;
        }
        comment();
    }
}

ATTUNE_DECL void Lexer::comment() {
    const char* const start = at_;
    const std::string_view rest(at_, static_cast<std::size_t>(end_ - at_));
    const bool line = rest.starts_with("//");
    if (!line && !rest.starts_with("/*")) {
        fail(start, "unexpected \"/\"");
    }
    if (!options_.comments) {
        fail(start, "comments are not allowed here");
    }
    const std::size_t stop = line ? rest.find_first_of("\r\n") : rest.find("*/", 2);
    if (stop == std::string_view::npos && !line) {
        fail(start, "unterminated comment");
    }
    const std::size_t length = stop == std::string_view::npos ? rest.size() : stop + (line ? 0 : 2);
    for (const char* const end = at_ + length; at_ != end;) {
        const std::size_t sequence = utf8_sequence(at_, end);
        if (sequence == 0) {
            fail(at_, "a byte that is not UTF-8");
        }
        at_ += sequence;
    }
}

// Up to the next character that needs a closer look.
ATTUNE_DECL void Lexer::plain_characters() noexcept {
    for (std::uint64_t word = 0; end_ - at_ >= 8; at_ += 8) {
        std::memcpy(&word, at_, sizeof word);
        if (has_special(word)) {
            break;
        }
    }
    while (at_ != end_) {
        const auto byte = static_cast<unsigned char>(*at_);
        if (byte < 0x20 || byte >= 0x80 || byte == '"' || byte == '\\') {
            return;
        }
        ++at_;
    }
}

ATTUNE_DECL std::string_view Lexer::string() {
    const char* const start = at_++;
    const char* kept = at_;
    bool plain = true;
    const auto keep = [&] {
        if (std::exchange(plain, false)) {
            unescaped_.clear();
        }
        unescaped_.append(kept, at_);
    };
    for (;;) {
        plain_characters();
        if (at_ == end_) {
            fail(start, "unterminated string");
        }
        const auto byte = static_cast<unsigned char>(*at_);
        if (byte == '"') {
            const std::string_view whole(kept, static_cast<std::size_t>(at_ - kept));
            if (!plain) {
                keep();
            }
            ++at_;
            return plain ? whole : unescaped_;
        }
        if (byte == '\\') {
            keep();
            escape();
            kept = at_;
        } else if (byte >= 0x80) {
            const std::size_t length = utf8_sequence(at_, end_);
            if (length == 0) {
                fail(at_, "a byte that is not UTF-8 inside a string");
            }
            at_ += length;
        } else if (byte == '\n' || byte == '\r') {
            fail(start, "unterminated string; a line break inside is written \"\\n\"");
        } else {
            fail(at_, "expected an escape such as \"\\u0009\" inside a string, found " + found());
        }
    }
}

ATTUNE_DECL unsigned Lexer::four_digits(const char* place) {
    unsigned value = 0;
    const bool long_enough = end_ - at_ >= 4;
    const char* const last = long_enough ? at_ + 4 : at_;
    const auto [stop, error] = std::from_chars(at_, last, value, 16);
    if (!long_enough || stop != last) {
        fail(place, "expected four hexadecimal digits after \"\\u\"");
    }
    at_ = last;
    return value;
}

ATTUNE_DECL void Lexer::escape() {
    constexpr std::string_view names = "\"\\/bfnrt";
    constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
    const char* const start = at_++;
    const char name = peek();
    const std::size_t known = done() ? std::string_view::npos : names.find(name);
    if (known != std::string_view::npos) {
        unescaped_ += meanings[known];
        ++at_;
        return;
    }
    if (name != 'u') {
        fail(start, "unknown escape in a string");
    }
    ++at_;

    unsigned point = four_digits(start);
    if (point >= 0xD800 && point <= 0xDFFF) {
        const bool low_follows =
            point < 0xDC00 && end_ - at_ >= 2 && at_[0] == '\\' && at_[1] == 'u';
        const char* const second = at_;
        unsigned low = 0;
        if (low_follows) {
            at_ += 2;
            low = four_digits(second);
        }
        if (low < 0xDC00 || low > 0xDFFF) {
            fail(start, "half of a surrogate pair in a string");
        }
        point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
    }

    const auto put = [&](unsigned byte) { unescaped_ += static_cast<char>(byte); };
    if (point < 0x80) {
        put(point);
        return;
    }
    if (point < 0x800) {
        put(0xC0 | point >> 6);
    } else if (point < 0x10000) {
        put(0xE0 | point >> 12);
        put(0x80 | (point >> 6 & 0x3F));
    } else {
        put(0xF0 | point >> 18);
        put(0x80 | (point >> 12 & 0x3F));
        put(0x80 | (point >> 6 & 0x3F));
    }
    put(0x80 | (point & 0x3F));
}

ATTUNE_DECL Document Lexer::number() {
    const char* const first = at_;
    const bool negative = take('-');
    const char* const digits = at_;
    std::uint64_t value = 0;
    while (at_ != end_ && is_digit(*at_)) {
        value = value * 10 + static_cast<unsigned>(*at_++ - '0');
    }
    if (at_ == digits) {
        fail(at_, "expected a digit after \"-\", found " + found());
    }
    if (*digits == '0' && at_ - digits > 1) {
        fail(first, "a number must not begin with a zero");
    }
    if (peek() == '.' || peek() == 'e' || peek() == 'E') {
        return real(first);
    }
    if (negative && *digits == '0') {
        return -0.0;
    }

    // Above 19 digits the sum may have wrapped around.
    constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    bool fits = true;
    if (at_ - digits > 19) {
        fits = std::from_chars(digits, at_, value).ec == std::errc();
    }
    if (negative) {
        fits = fits && value <= most + 1;
    }
    if (!fits) {
        fail(first, "an integer that needs more than 64 bits");
    }
    if (!negative) {
        return value;
    }
    return value == 0 ? std::int64_t{0} : -static_cast<std::int64_t>(value - 1) - 1;
}

// The rest of a number whose integral digits have been passed.
ATTUNE_DECL Document Lexer::real(const char* first) {
    const auto digits = [&](const char* after) {
        if (done() || !is_digit(*at_)) {
            fail(at_, std::string("expected a digit after ") + after + ", found " + found());
        }
        while (at_ != end_ && is_digit(*at_)) {
            ++at_;
        }
    };
    if (take('.')) {
        digits("the decimal point");
    }
    if (take('e') || take('E')) {
        if (!take('+')) {
            take('-');
        }
        digits("the exponent's \"e\"");
    }

    double value = 0;
    if (std::from_chars(first, at_, value).ec != std::errc::result_out_of_range) {
        return value;
    }

    // Too large, or so small that it rounds to zero: decided by where the first digit stands.
    const bool negative = *first == '-';
    const char* const mantissa_end =
        std::find_if(first, at_, [](char c) { return (c | 32) == 'e'; });
    const char* const point = std::find(first, mantissa_end, '.');
    const char* const leading =
        std::find_if(first, mantissa_end, [](char c) { return c >= '1' && c <= '9'; });
    const char* exponent_text = mantissa_end == at_ ? at_ : mantissa_end + 1;
    if (exponent_text != at_ && *exponent_text == '+') {
        ++exponent_text;
    }
    std::int32_t exponent = 0;
    const bool huge =
        std::from_chars(exponent_text, at_, exponent).ec == std::errc::result_out_of_range;
    const bool down = huge ? *exponent_text == '-' : point - leading <= -std::int64_t{exponent};
    if (!down) {
        fail(first, "a number too large for a double");
    }
    return negative ? -0.0 : 0.0;
}

ATTUNE_DECL Document Lexer::literal() {
    const std::string_view rest(at_, static_cast<std::size_t>(end_ - at_));
    const auto is = [&](std::string_view word) {
        if (!rest.starts_with(word)) {
            return false;
        }
        at_ += word.size();
        return true;
    };
    if (is("true")) {
        return true;
    }
    if (is("false")) {
        return false;
    }
    if (is("null")) {
        return nullptr;
    }
    fail(at_, "expected a value, found " + found());
}

ATTUNE_DECL void Lexer::word() noexcept {
    constexpr std::string_view ends = " \t\r\n,:{}[]\"/";
    while (at_ != end_ && ends.find(*at_) == std::string_view::npos) {
        ++at_;
    }
}

ATTUNE_DECL std::string Lexer::found() const {
    if (done()) {
        return "the end of the document";
    }
    if (*at_ == '"') {
        return "'\"'";
    }
    const std::size_t length = utf8_sequence(at_, end_);
    if (length == 0) {
        return "a byte that is not UTF-8";
    }
    const auto byte = static_cast<unsigned char>(*at_);
    if (byte >= 0x20 && byte != 0x7F) {
        return '"' + std::string(at_, length) + '"';
    }
    constexpr std::string_view digits = "0123456789ABCDEF";
    return std::string("a control character, U+00") + digits[byte >> 4] + digits[byte & 0xF];
}

ATTUNE_DECL Position Lexer::position_of(const char* place) const noexcept {
    const std::string_view text(begin_, static_cast<std::size_t>(end_ - begin_));
    const char* line_start = begin_ + (text.starts_with("\xEF\xBB\xBF") ? 3 : 0);
    Position position;
    position.offset = static_cast<std::size_t>(place - begin_);
    for (const char* at = line_start; at < place; ++at) {
        if (*at == '\n' || (*at == '\r' && (at + 1 == end_ || at[1] != '\n'))) {
            ++position.line;
            line_start = at + 1;
        }
    }
    for (const char* at = line_start; at < place; ++at) {
        position.column += !is_continuation(*at);
    }
    return position;
}

ATTUNE_DECL std::uint32_t Lexer::line_of(const char* place) const noexcept {
    return position_of(place).line;
}

ATTUNE_DECL void Lexer::fail(const char* place, std::string message) const {
    throw ParseError(options_.name, position_of(place), std::move(message));
}

}  // namespace attune::inline ATTUNE_ABI::detail
