#pragma once

#include <attune/version.hpp>

#include <compare>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI {

/// A place in a document: the member names and element indexes that lead to it from the root.
///
/// Written as a JSON Pointer (RFC 6901) when the text begins with a slash, `/server/port`, and
/// dotted otherwise, `server.port`. The empty text is the root. Dots cannot be escaped: a name that
/// contains one needs the pointer form.
class Path {
public:
    Path() = default;

    /// Throws std::invalid_argument for a pointer with a bad escape (`~` not followed by 0 or 1).
    ATTUNE_DECL Path(std::string_view text);
    Path(const char* text) : Path(std::string_view(text)) {}
    Path(const std::string& text) : Path(std::string_view(text)) {}

    explicit Path(std::vector<std::string> tokens) noexcept : tokens_(std::move(tokens)) {}

    const std::vector<std::string>& tokens() const noexcept { return tokens_; }
    bool empty() const noexcept { return tokens_.empty(); }
    std::size_t size() const noexcept { return tokens_.size(); }

    /// The last token. The path must not be empty.
    const std::string& back() const noexcept { return tokens_.back(); }

    /// One level deeper. The token is taken as it is: dots and slashes in it mean nothing.
    ATTUNE_DECL Path operator/(std::string_view token) const;
    Path operator/(const char* token) const { return *this / std::string_view(token); }
    Path operator/(const std::string& token) const { return *this / std::string_view(token); }
    ATTUNE_DECL Path operator/(const Path& below) const;

    /// One level up; the root is its own parent.
    ATTUNE_DECL Path parent() const;

    /// True for the path itself, its children and everything below; the root begins every path.
    ATTUNE_DECL bool starts_with(const Path& ancestor) const noexcept;

    /// RFC 6901 text: `/server/port`, with `~` and `/` escaped; empty for the root.
    ATTUNE_DECL std::string pointer() const;

    friend bool operator==(const Path&, const Path&) = default;
    friend std::strong_ordering operator<=>(const Path&, const Path&) = default;

private:
    std::vector<std::string> tokens_;
};

/// `server.port` when every token is plain, so that the text reads back as the same path; else the
/// pointer. Empty for the root.
ATTUNE_DECL std::string to_string(const Path& path);

namespace detail {

/// The element index a token stands for: digits without a leading zero (RFC 6901, section 4).
ATTUNE_DECL std::optional<std::size_t> element_index(std::string_view token) noexcept;

}  // namespace detail

}  // namespace attune::inline ATTUNE_ABI

#if ATTUNE_HEADER_ONLY
#include <attune/document/impl/path.ipp>
#endif
