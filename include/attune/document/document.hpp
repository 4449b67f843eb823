#pragma once

#include <attune/document/impl/cell.hpp>
#include <attune/document/path.hpp>
#include <attune/version.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace attune::inline ATTUNE_ABI {

class Document;
class Elements;
class Members;

enum class Kind : std::uint8_t { null, boolean, integer, real, string, array, object };

namespace detail {

struct Access;

template <class T>
concept Character = std::same_as<T, char> || std::same_as<T, wchar_t> || std::same_as<T, char8_t> ||
                    std::same_as<T, char16_t> || std::same_as<T, char32_t>;

template <class T>
concept Integer = std::integral<T> && !std::same_as<T, bool> && !Character<T> && sizeof(T) <= 8;

// nlohmann::basic_json in any configuration, recognised without including it.
template <class J>
concept BasicJson = requires {
    typename J::json_pointer;
    typename J::json_sax_t;
    typename J::binary_t;
    typename J::object_comparator_t;
};

// Conversion between Document and J; defined in <attune/document/json.hpp>.
template <class J>
struct JsonCodec;

template <class T>
concept Complete = requires { sizeof(T); };

}  // namespace detail

/// An immutable JSON value: null, boolean, integer, real, string, array or object.
///
/// 16 bytes with value semantics. Copies are O(1) and share everything; changes (`with`, `without`)
/// give a new document that shares all it can with the old one, which stays as it is. Objects and
/// arrays are balanced trees: look-up, change, insertion and removal are O(log n) at each level of
/// the path, in time and in new memory. Members are kept in the order of their keys, by bytes.
///
/// Different threads may use copies of one document, or one const document, without locking.
/// Strings are expected to be UTF-8. Nesting has no limit; destruction and comparison do not
/// recurse.
///
/// Braces make arrays and objects as in nlohmann/json: `{{"server", {{"port", 1}}}}` is an object,
/// because every element is an array of two that begins with a string; `{1, 2}` is an array.
/// To copy a document use `=` or parentheses: braces around one may give an array of one.
class Document {
public:
    Document() noexcept = default;  ///< null
    Document(std::nullptr_t) noexcept {}

    template <std::same_as<bool> B>
    Document(B value) noexcept : cell_(detail::Cell::of(detail::Tag::boolean, value)) {}

    template <detail::Integer I>
    Document(I value) noexcept : cell_(integer(value)) {}

    template <std::floating_point F>
    Document(F value) noexcept : cell_(real(static_cast<double>(value))) {}

    Document(const char* text) : Document(std::string_view(text)) {}
    Document(const std::string& text) : Document(std::string_view(text)) {}
    Document(std::string_view text) : cell_(string(text, false)) {}

    ATTUNE_DECL Document(std::initializer_list<Document> items);

    /// From nlohmann/json; needs <attune/document/json.hpp>. Throws std::domain_error for what JSON
    /// has no text for (binary, discarded).
    template <detail::BasicJson J>
    Document(const J& json) : Document(from(json)) {}

    Document(const Document& other) noexcept : cell_(other.cell_) { detail::retain(cell_); }
    Document(Document&& other) noexcept : cell_(std::exchange(other.cell_, {})) {}

    Document& operator=(const Document& other) noexcept {
        Document(other).swap(*this);
        return *this;
    }
    Document& operator=(Document&& other) noexcept {
        Document(std::move(other)).swap(*this);
        return *this;
    }

    ~Document() { detail::release(cell_); }

    void swap(Document& other) noexcept { std::swap(cell_, other.cell_); }

    /// The object without members, and the array without elements.
    static Document object() noexcept { return Document(empty(detail::Tag::object)); }
    static Document array() noexcept { return Document(empty(detail::Tag::array)); }

    /// A string that came without a type: from the environment, an argument, a file per key. It is
    /// decoded by the type of its target: "4" as an int, "on" as a bool. Differs from the plain
    /// string with the same characters.
    static Document text(std::string_view text) { return Document(string(text, true)); }

    ATTUNE_DECL Kind kind() const noexcept;
    bool is_null() const noexcept { return cell_.tag == detail::Tag::null; }
    bool is_bool() const noexcept { return cell_.tag == detail::Tag::boolean; }
    bool is_integer() const noexcept { return cell_.tag == detail::Tag::int64 || is_unsigned(); }
    bool is_unsigned() const noexcept { return cell_.tag == detail::Tag::uint64; }  ///< above int64
    bool is_real() const noexcept { return cell_.tag == detail::Tag::real; }
    bool is_number() const noexcept { return is_integer() || is_real(); }
    bool is_string() const noexcept { return kind() == Kind::string; }  ///< text values included
    bool is_text() const noexcept {
        return cell_.tag == detail::Tag::text || cell_.tag == detail::Tag::long_text;
    }
    bool is_array() const noexcept { return cell_.tag == detail::Tag::array; }
    bool is_object() const noexcept { return cell_.tag == detail::Tag::object; }

    /// The value, when it is of that kind; std::domain_error that says what was expected and what
    /// was found otherwise. Nothing is converted, but `as_double` takes every number. The
    /// characters of a string live as long as this document; no zero comes after them.
    ATTUNE_DECL bool as_bool() const;
    ATTUNE_DECL std::int64_t as_int64() const;
    ATTUNE_DECL std::uint64_t as_uint64() const;
    ATTUNE_DECL double as_double() const;
    ATTUNE_DECL std::string_view as_string() const;

    /// Members or elements; 0 for scalars. O(1).
    ATTUNE_DECL std::size_t size() const noexcept;

    /// The member of that name; null when this is not an object or has none. The pointer is valid
    /// as long as this document is. A dot in the name means nothing here.
    template <class S>
        requires std::convertible_to<const S&, std::string_view>
    const Document* find(const S& key) const noexcept {
        return find_member(key);
    }

    /// The element at that index; null when this is not an array or is shorter.
    ATTUNE_DECL const Document* find(std::size_t index) const noexcept;

    /// The value at that path; null when there is none.
    ATTUNE_DECL const Document* find(const Path& path) const noexcept;

    /// As `find`, but throws std::out_of_range that says where the path ends, and a name that is
    /// near.
    ATTUNE_DECL const Document& at(const Path& path) const;

    /// This document with `value` at `path`; equal to this one, and sharing its root, when the same
    /// value is there already. Objects are created on the way, also in place of a scalar. Inside an
    /// array a token is the index of an element to replace, or `-` or the array's size to append;
    /// anything else throws std::out_of_range.
    ATTUNE_DECL Document with(const Path& path, Document value) const;

    /// This document without what is at `path`: later elements of an array move up. Itself when
    /// there is nothing there; null for the root.
    ATTUNE_DECL Document without(const Path& path) const;

    /// The members as `Member{key, value}` in key order, or the elements; empty for other kinds.
    /// Valid as long as this document is, hence not for temporaries.
    Members members() const& noexcept;
    Elements elements() const& noexcept;
    Members members() const&& = delete;
    Elements elements() const&& = delete;

    /// True when both are the same shared subtree, or equal scalars or short strings. O(1). May be
    /// false for equal trees.
    bool same(const Document& other) const noexcept { return cell_.same(other.cell_); }

    /// Deep equality; skips what both share. Kinds matter: 1, 1.0 and the text "1" all differ.
    /// Reals are equal when their bits are: 0.0 and -0.0 differ, NaN equals NaN.
    friend bool operator==(const Document& a, const Document& b) noexcept {
        return a.same(b) || (a.cell_.counted() && a.cell_.tag == b.cell_.tag && equal(a, b));
    }

    friend void swap(Document& a, Document& b) noexcept { a.swap(b); }

private:
    friend struct detail::Access;

    explicit Document(const detail::Cell& adopted) noexcept : cell_(adopted) {}

    template <detail::Integer I>
    static detail::Cell integer(I value) noexcept {
        if constexpr (std::is_unsigned_v<I>) {
            const auto wide = static_cast<std::uint64_t>(value);
            if (wide > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
                return detail::Cell::of(detail::Tag::uint64, wide);
            }
        }
        return detail::Cell::of(detail::Tag::int64, static_cast<std::int64_t>(value));
    }

    static detail::Cell real(double value) noexcept {
        // One NaN, so that equal bits are equality.
        if (value != value) {
            value = std::numeric_limits<double>::quiet_NaN();
        }
        return detail::Cell::of(detail::Tag::real, value);
    }

    static detail::Cell empty(detail::Tag tag) noexcept {
        return detail::Cell::of(tag, static_cast<const detail::Counted*>(nullptr));
    }

    template <class J>
    static Document from(const J& json) {
        static_assert(detail::Complete<detail::JsonCodec<J>>,
                      "to convert nlohmann/json, include <attune/document/json.hpp>");
        return detail::JsonCodec<J>::decode(json);
    }

    ATTUNE_DECL static detail::Cell string(std::string_view text, bool untyped);
    ATTUNE_DECL const Document* find_member(std::string_view key) const noexcept;
    ATTUNE_DECL static bool equal(const Document& a, const Document& b) noexcept;

    detail::Cell cell_;
};

static_assert(sizeof(Document) == 16);

namespace detail {

// The way from a document to its cell and back, for the files of this room.
struct Access {
    static const Cell& cell(const Document& document) noexcept { return document.cell_; }
    static Document adopt(const Cell& cell) noexcept { return Document(cell); }
    static Cell surrender(Document& document) noexcept { return std::exchange(document.cell_, {}); }
};

}  // namespace detail

}  // namespace attune::inline ATTUNE_ABI

#include <attune/document/impl/members.hpp>

#if ATTUNE_HEADER_ONLY
#include <attune/document/impl/document.ipp>
#endif
