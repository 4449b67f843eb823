#pragma once

#include <attune/document/document.hpp>

#include <cstddef>
#include <iterator>
#include <string_view>

namespace attune::inline ATTUNE_ABI {

/// One member of an object, as a range over it gives it.
struct Member {
    std::string_view key;
    const Document& value;
};

namespace detail {

// A place in an array or object: a run of neighbouring slots in one leaf, and the index after it.
class Cursor {
public:
    Cursor() noexcept = default;

    // At the first entry of a container, or at the end of anything else.
    explicit Cursor(const Document& container) noexcept : container_(&container) { load(); }

    // The entries that are left, including this one.
    bool done() const noexcept { return slot_ == last_; }

    // The element, or the key followed by its value.
    const Document& operator[](std::size_t part) const noexcept { return slot_[part]; }

    void advance() noexcept {
        slot_ += stride_;
        if (slot_ == last_) {
            load();
        }
    }

    friend bool operator==(const Cursor& a, const Cursor& b) noexcept { return a.slot_ == b.slot_; }

private:
    // The leaf that holds the entry after the last run; no slots at the end.
    ATTUNE_DECL void load() noexcept;

    const Document* slot_ = nullptr;
    const Document* last_ = nullptr;
    const Document* container_ = nullptr;
    std::size_t next_ = 0;
    std::size_t stride_ = 1;
};

template <class Range>
class Iterator {
public:
    using value_type = typename Range::value_type;
    using reference = typename Range::reference;
    using difference_type = std::ptrdiff_t;
    using pointer = void;
    using iterator_category = std::input_iterator_tag;
    using iterator_concept = std::forward_iterator_tag;

    Iterator() noexcept = default;
    explicit Iterator(const Document& container) noexcept : cursor_(container) {}

    reference operator*() const noexcept { return Range::dereference(cursor_); }

    Iterator& operator++() noexcept {
        cursor_.advance();
        return *this;
    }
    Iterator operator++(int) noexcept {
        Iterator before = *this;
        cursor_.advance();
        return before;
    }

    friend bool operator==(const Iterator&, const Iterator&) noexcept = default;
    friend bool operator==(const Iterator& i, std::default_sentinel_t) noexcept {
        return i.cursor_.done();
    }

private:
    Cursor cursor_;
};

}  // namespace detail

/// The members of an object in key order. A view: valid as long as the document it came from.
class Members {
public:
    using value_type = Member;
    using reference = Member;
    using iterator = detail::Iterator<Members>;
    using const_iterator = iterator;

    explicit Members(const Document& document) noexcept : document_(&document) {}

    iterator begin() const noexcept {
        return document_->is_object() ? iterator(*document_) : end();
    }
    static iterator end() noexcept { return {}; }
    std::size_t size() const noexcept { return document_->is_object() ? document_->size() : 0; }
    bool empty() const noexcept { return size() == 0; }

private:
    friend iterator;

    static Member dereference(const detail::Cursor& cursor) noexcept {
        return {detail::view(detail::Access::cell(cursor[0])), cursor[1]};
    }

    const Document* document_;
};

/// The elements of an array in order. A view: valid as long as the document it came from.
class Elements {
public:
    using value_type = Document;
    using reference = const Document&;
    using iterator = detail::Iterator<Elements>;
    using const_iterator = iterator;

    explicit Elements(const Document& document) noexcept : document_(&document) {}

    iterator begin() const noexcept { return document_->is_array() ? iterator(*document_) : end(); }
    static iterator end() noexcept { return {}; }
    std::size_t size() const noexcept { return document_->is_array() ? document_->size() : 0; }
    bool empty() const noexcept { return size() == 0; }

private:
    friend iterator;

    static const Document& dereference(const detail::Cursor& cursor) noexcept { return cursor[0]; }

    const Document* document_;
};

inline Members Document::members() const& noexcept { return Members(*this); }

inline Elements Document::elements() const& noexcept { return Elements(*this); }

}  // namespace attune::inline ATTUNE_ABI
