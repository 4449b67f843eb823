#pragma once

#include <attune/document/document.hpp>
#include <attune/document/impl/build.hpp>
#include <attune/document/impl/describe.hpp>
#include <attune/document/impl/node.hpp>
#include <attune/document/impl/search.hpp>
#include <attune/document/impl/tree.hpp>
#include <attune/document/impl/walk.hpp>

#include <cstring>
#include <new>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI {

namespace detail {

[[noreturn]] inline void refuse_kind(const char* expected, const Document& document) {
    throw std::domain_error(std::string("expected ") + expected + ", found " + describe(document));
}

ATTUNE_DECL void Cursor::load() noexcept {
    slot_ = nullptr;
    last_ = nullptr;
    if (!container_ || !is_container(*container_)) {
        return;
    }
    const Node* const root = root_of(*container_);
    if (!root || next_ == root->size()) {
        return;
    }
    const Run run = run_at(root, next_);
    stride_ = root->stride;
    slot_ = run.first;
    last_ = run.last;
    next_ += static_cast<std::size_t>(run.last - run.first) / stride_;
}

// Compares two containers of one kind without looking into the containers below, which go to
// `open`. False at the first difference.
ATTUNE_DECL bool equal_here(const Document& a, const Document& b, std::vector<Delta>& open) {
    if (a.size() != b.size()) {
        return false;
    }
    const std::size_t stride = a.is_object() ? 2 : 1;
    for (Lockstep pair(a, b); pair.next();) {
        for (std::size_t part = 0; part < stride; ++part) {
            const Document& x = pair.before()[part];
            const Document& y = pair.after()[part];
            if (x.same(y)) {
                continue;
            }
            if (x.kind() != y.kind()) {
                return false;
            }
            if (is_container(x)) {
                if (x.size() != y.size()) {
                    return false;
                }
                open.push_back({&x, &y});
            } else if (!(x == y)) {
                return false;
            }
        }
    }
    return true;
}

}  // namespace detail

ATTUNE_DECL Document::Document(std::initializer_list<Document> items) {
    bool members = true;
    for (const Document& item : items) {
        const Document* const key = item.find(std::size_t{0});
        members = members && key && item.size() == 2 && key->is_string() && !key->is_text();
    }
    std::vector<Document> slots;
    if (members) {
        slots.reserve(2 * items.size());
        for (const Document& item : items) {
            for (const Document& part : item.elements()) {
                slots.push_back(part);
            }
        }
        *this = detail::make_object(slots.data(), items.size());
    } else {
        slots.assign(items);
        *this = detail::make_array(slots.data(), slots.size());
    }
}

ATTUNE_DECL detail::Cell Document::string(std::string_view text, bool untyped) {
    using detail::Tag;
    if (text.size() <= detail::Cell::short_capacity) {
        return detail::Cell::short_string(untyped ? Tag::text : Tag::string, text);
    }
    void* const memory = ::operator new(sizeof(detail::LongString) + text.size());
    auto* const block = new (memory) detail::LongString;
    block->size = text.size();
    std::memcpy(static_cast<void*>(block + 1), text.data(), text.size());
    return detail::Cell::of(untyped ? Tag::long_text : Tag::long_string,
                            static_cast<const detail::Counted*>(block));
}

ATTUNE_DECL Kind Document::kind() const noexcept {
    using detail::Tag;
    switch (cell_.tag) {
    case Tag::null: return Kind::null;
    case Tag::boolean: return Kind::boolean;
    case Tag::int64:
    case Tag::uint64: return Kind::integer;
    case Tag::real: return Kind::real;
    case Tag::string:
    case Tag::text:
    case Tag::long_string:
    case Tag::long_text: return Kind::string;
    case Tag::array: return Kind::array;
    case Tag::object: return Kind::object;
    }
    return Kind::null;
}

ATTUNE_DECL bool Document::as_bool() const {
    if (!is_bool()) {
        detail::refuse_kind("a boolean", *this);
    }
    return cell_.load<bool>();
}

ATTUNE_DECL std::int64_t Document::as_int64() const {
    if (!is_integer()) {
        detail::refuse_kind("an integer", *this);
    }
    if (is_unsigned()) {
        throw std::domain_error(
            "expected an integer of at most 9223372036854775807, found "
            "a larger one");
    }
    return cell_.load<std::int64_t>();
}

ATTUNE_DECL std::uint64_t Document::as_uint64() const {
    if (!is_integer()) {
        detail::refuse_kind("an integer", *this);
    }
    if (!is_unsigned() && cell_.load<std::int64_t>() < 0) {
        throw std::domain_error("expected an integer of at least 0, found a negative one");
    }
    return cell_.load<std::uint64_t>();
}

ATTUNE_DECL double Document::as_double() const {
    if (is_real()) {
        return cell_.load<double>();
    }
    if (!is_integer()) {
        detail::refuse_kind("a number", *this);
    }
    return is_unsigned() ? static_cast<double>(cell_.load<std::uint64_t>())
                         : static_cast<double>(cell_.load<std::int64_t>());
}

ATTUNE_DECL std::string_view Document::as_string() const {
    if (!is_string()) {
        detail::refuse_kind("a string", *this);
    }
    return detail::view(cell_);
}

ATTUNE_DECL std::size_t Document::size() const noexcept {
    const detail::Node* const root = detail::is_container(*this) ? detail::root_of(*this) : nullptr;
    return root ? root->size() : 0;
}

ATTUNE_DECL const Document* Document::find_member(std::string_view key) const noexcept {
    if (!is_object()) {
        return nullptr;
    }
    const Document* const slot = find_key(detail::root_of(*this), detail::Probe(key)).slot;
    return slot ? slot + 1 : nullptr;
}

ATTUNE_DECL const Document* Document::find(std::size_t index) const noexcept {
    if (!is_array() || index >= size()) {
        return nullptr;
    }
    return run_at(detail::root_of(*this), index).first;
}

namespace detail {

ATTUNE_DECL Path first_tokens(const Path& path, std::size_t count) {
    const auto begin = path.tokens().begin();
    return Path(std::vector<std::string>(begin, begin + static_cast<std::ptrdiff_t>(count)));
}

ATTUNE_DECL std::string shown(const Path& path) {
    return path.empty() ? "the document" : to_string(path);
}

// Why `path` does not lead on from `parent`, which has the first `depth` tokens of it.
ATTUNE_DECL std::string describe_absence(const Document& parent, const Path& path,
                                         std::size_t depth) {
    const std::string place = to_string(first_tokens(path, depth + 1)) + ": ";
    if (parent.is_object()) {
        return place + "no such member" + did_you_mean(parent, path.tokens()[depth]);
    }
    if (parent.is_array()) {
        return place + "no such element; the array has " + std::to_string(parent.size());
    }
    return place + "nothing there; " + shown(first_tokens(path, depth)) + " is " + describe(parent);
}

// The entry that `token` names in a container, or would have.
struct Entry {
    const Document* container = nullptr;
    const Document* value = nullptr;  // null when absent
    std::size_t index = 0;
};

ATTUNE_DECL Entry find_entry(const Document& container, std::string_view token) noexcept {
    if (container.is_object()) {
        const Found found = find_key(root_of(container), Probe(token));
        return {&container, found.slot ? found.slot + 1 : nullptr, found.index};
    }
    if (!container.is_array()) {
        return {&container, nullptr, 0};
    }
    if (token == "-") {
        return {&container, nullptr, container.size()};
    }
    const std::size_t index = element_index(token).value_or(container.size() + 1);
    return {&container, container.find(index), index};
}

// The container of `entry` with another value there; an object in place of a scalar.
ATTUNE_DECL Document with_entry(const Entry& entry, const std::string& token,
                                const Document& value) {
    if (entry.value) {
        return replaced(*entry.container, entry.index, value);
    }
    if (entry.container && is_container(*entry.container)) {
        const bool object = entry.container->is_object();
        return inserted(*entry.container, entry.index, object ? Document(token) : Document(),
                        value);
    }
    return inserted(Document::object(), 0, token, value);
}

}  // namespace detail

ATTUNE_DECL const Document* Document::find(const Path& path) const noexcept {
    const Document* document = this;
    for (const std::string& token : path.tokens()) {
        document = detail::child(*document, token);
        if (!document) {
            return nullptr;
        }
    }
    return document;
}

ATTUNE_DECL const Document& Document::at(const Path& path) const {
    const Document* document = this;
    for (std::size_t depth = 0; depth < path.size(); ++depth) {
        const Document* const below = detail::child(*document, path.tokens()[depth]);
        if (!below) {
            throw std::out_of_range(detail::describe_absence(*document, path, depth));
        }
        document = below;
    }
    return *document;
}

ATTUNE_DECL Document Document::with(const Path& path, Document value) const {
    std::vector<detail::Entry> entries;
    entries.reserve(path.size());
    const Document* document = this;
    for (std::size_t depth = 0; depth < path.size(); ++depth) {
        detail::Entry entry;
        if (document) {
            entry = detail::find_entry(*document, path.tokens()[depth]);
        }
        if (document && document->is_array() && entry.index > document->size()) {
            throw std::out_of_range(detail::describe_absence(*document, path, depth));
        }
        entries.push_back(entry);
        document = entry.value;
    }
    if (document && document->same(value)) {
        return *this;
    }

    for (std::size_t depth = path.size(); depth-- > 0;) {
        value = detail::with_entry(entries[depth], path.tokens()[depth], value);
    }
    return value;
}

ATTUNE_DECL Document Document::without(const Path& path) const {
    if (path.empty()) {
        return {};
    }
    std::vector<detail::Entry> entries;
    entries.reserve(path.size());
    const Document* document = this;
    for (const std::string& token : path.tokens()) {
        entries.push_back(detail::find_entry(*document, token));
        document = entries.back().value;
        if (!document) {
            return *this;
        }
    }

    Document result = detail::erased(*entries.back().container, entries.back().index);
    for (std::size_t depth = path.size() - 1; depth-- > 0;) {
        result = detail::replaced(*entries[depth].container, entries[depth].index, result);
    }
    return result;
}

ATTUNE_DECL bool Document::equal(const Document& a, const Document& b) noexcept {
    if (!detail::is_container(a)) {
        return detail::view(a.cell_) == detail::view(b.cell_);
    }
    std::vector<detail::Delta> open;
    if (!detail::equal_here(a, b, open)) {
        return false;
    }
    while (!open.empty()) {
        const detail::Delta pair = open.back();
        open.pop_back();
        if (!detail::equal_here(*pair.before, *pair.after, open)) {
            return false;
        }
    }
    return true;
}

}  // namespace attune::inline ATTUNE_ABI
