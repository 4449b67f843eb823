#pragma once

#include <attune/document/document.hpp>
#include <attune/document/parse.hpp>
#include <attune/version.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace attune::inline ATTUNE_ABI::detail {

// The words of a JSON text, one after the other. Every refusal is a ParseError with its place.
class Lexer {
public:
    // Refuses a text that is too long or not UTF-8 by the look of its first bytes; passes a
    // byte-order mark. Both arguments must outlive the lexer.
    ATTUNE_DECL Lexer(std::string_view text, const ParseOptions& options);

    const char* at() const noexcept { return at_; }
    bool done() const noexcept { return at_ == end_; }

    // The next character, to tell words apart; zero at the end, where no word begins with one.
    char peek() const noexcept { return at_ == end_ ? '\0' : *at_; }

    // Takes the next character if it is this one.
    bool take(char c) noexcept {
        if (peek() != c || done()) {
            return false;
        }
        ++at_;
        return true;
    }

    // Passes white space, and comments where they are allowed.
    ATTUNE_DECL void space();

    // Each takes one word, which must begin here with the right character. The text of a string is
    // valid until the next one is taken.
    ATTUNE_DECL std::string_view string();
    ATTUNE_DECL Document number();
    ATTUNE_DECL Document literal();

    // Passes a number or literal without a look at it.
    ATTUNE_DECL void word() noexcept;

    // Back or on to a place where a word begins.
    void go_to(const char* place) noexcept { at_ = place; }

    // The character here, or the end, for a message; control characters by their number.
    ATTUNE_DECL std::string found() const;

    ATTUNE_DECL std::uint32_t line_of(const char* place) const noexcept;
    ATTUNE_DECL Position position_of(const char* place) const noexcept;
    [[noreturn]] ATTUNE_DECL void fail(const char* place, std::string message) const;

private:
    ATTUNE_DECL void check_encoding();
    ATTUNE_DECL void comment();
    ATTUNE_DECL void plain_characters() noexcept;
    ATTUNE_DECL void escape();
    ATTUNE_DECL unsigned four_digits(const char* place);
    ATTUNE_DECL Document real(const char* first);

    const char* begin_;
    const char* at_;
    const char* end_;
    const ParseOptions& options_;
    std::string unescaped_;
};

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/document/impl/lexer.ipp>
#endif
