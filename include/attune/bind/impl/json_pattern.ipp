#pragma once

#include <attune/bind/json_pattern.hpp>

#include <array>
#include <cstddef>

namespace attune::inline ATTUNE_ABI::detail {

struct PosixClass {
    std::string_view name;
    std::string_view members;  ///< as they stand in brackets
};

inline constexpr std::array<PosixClass, 15> posix_classes{{
    {"alnum", "A-Za-z0-9"},
    {"alpha", "A-Za-z"},
    {"blank", " \\t"},
    {"cntrl", "\\x00-\\x1f\\x7f"},
    {"digit", "0-9"},
    {"graph", "!-~"},
    {"lower", "a-z"},
    {"print", " -~"},
    {"punct", "!-\\/:-@\\[-`\\{-~"},
    {"space", " \\t-\\r"},
    {"upper", "A-Z"},
    {"xdigit", "0-9A-Fa-f"},
    {"d", "0-9"},
    {"s", " \\t-\\r"},
    {"w", "0-9A-Za-z_"},
}};

/// Copies a pattern that std::regex has accepted, piece by piece.
class PatternCopy {
public:
    explicit PatternCopy(std::string_view pattern) noexcept : rest_(pattern) {}

    std::optional<std::string> run() && {
        text_ = "^(?:";
        while (possible_ && !rest_.empty()) {
            piece();
        }
        text_ += ")$";
        return possible_ ? std::optional(std::move(text_)) : std::nullopt;
    }

private:
    static bool is_one_of(char c, std::string_view set) noexcept {
        return set.find(c) != std::string_view::npos;
    }

    static bool is_ascii(char c) noexcept { return static_cast<unsigned char>(c) < 0x80; }

    void copy(std::size_t count) {
        if (count > rest_.size()) {
            possible_ = false;
            count = rest_.size();
        }
        text_ += rest_.substr(0, count);
        rest_.remove_prefix(count);
    }

    void piece() {
        const char c = rest_.front();
        if (c == '\\') {
            escape(false);
        } else if (c == '[') {
            brackets();
        } else if (c == '{') {
            copy(rest_.find('}') + 1);
        } else if (c == ']' || c == '}') {
            text_ += '\\';
            copy(1);
        } else {
            // Repeated, it would be the last byte of the character that is.
            possible_ = is_ascii(c) || rest_.size() == 1 || !is_one_of(rest_[1], "*+?{");
            copy(1);
        }
    }

    void escape(bool in_brackets) {
        const char c = rest_.size() > 1 ? rest_[1] : '\0';
        if (c == 'x' || c == 'u') {
            // Only what is one byte.
            const std::size_t zeros = c == 'u' ? 2 : 0;
            possible_ = rest_.substr(2, zeros) == std::string_view("00").substr(0, zeros) &&
                        rest_.size() > 2 + zeros && rest_[2 + zeros] < '8';
            copy(4 + zeros);
        } else if (c == 'c') {
            copy(3);
        } else if (c == '0') {
            possible_ = rest_.size() == 2 || rest_[2] < '0' || rest_[2] > '9';
            copy(2);
        } else if (is_one_of(c, "dDwWsSfnrtvb^$\\.*+?()[]{}|/") ||
                   (!in_brackets && is_one_of(c, "B123456789")) || (in_brackets && c == '-')) {
            copy(2);
        } else {
            // Stands for itself.
            possible_ = is_ascii(c) && !(in_brackets && c == 'B');
            rest_.remove_prefix(1);
            copy(1);
        }
    }

    /// Is what comes next in brackets a set of characters, and not one?
    bool at_set() const noexcept {
        return rest_.starts_with("[:") ||
               (rest_.size() > 1 && rest_[0] == '\\' && is_one_of(rest_[1], "dDwWsS"));
    }

    void brackets() {
        copy(rest_.starts_with("[^") ? 2 : 1);
        bool after_set = true;  // a dash is no range after a set, nor at the beginning
        while (possible_ && !rest_.starts_with(']')) {
            if (rest_.starts_with("[:")) {
                posix_class();
                after_set = true;
            } else if (rest_.empty() || rest_.starts_with("[.") || rest_.starts_with("[=") ||
                       !is_ascii(rest_.front())) {
                possible_ = false;
            } else if (rest_.starts_with('-')) {
                rest_.remove_prefix(1);
                text_ += after_set || rest_.starts_with(']') || at_set() ? "\\-" : "-";
                after_set = false;
            } else if (rest_.starts_with('\\')) {
                after_set = at_set();
                escape(true);
            } else {
                text_ += rest_.starts_with('[') ? "\\" : "";
                copy(1);
                after_set = false;
            }
        }
        copy(1);
    }

    void posix_class() {
        const std::size_t end = rest_.find(":]");
        if (end == std::string_view::npos) {
            possible_ = false;
            return;
        }
        const std::string_view name = rest_.substr(2, end - 2);
        rest_.remove_prefix(end + 2);
        possible_ = false;
        for (const PosixClass& known : posix_classes) {
            if (known.name == name) {
                text_ += known.members;
                possible_ = true;
            }
        }
    }

    std::string_view rest_;
    std::string text_;
    bool possible_ = true;
};

ATTUNE_DECL std::optional<std::string> json_pattern(std::string_view pattern) {
    return PatternCopy(pattern).run();
}

}  // namespace attune::inline ATTUNE_ABI::detail
