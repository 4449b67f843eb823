#pragma once

#include <attune/version.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

namespace attune::inline ATTUNE_ABI::detail {

// What a cell holds. From long_string on it points to a counted block.
enum class Tag : std::uint8_t {
    null,
    boolean,
    int64,
    uint64,  // above the range of int64 only: every number has one representation
    real,
    string,  // up to 14 bytes, inside the cell
    text,    // the same, for a value that came without a type
    long_string,
    long_text,
    array,  // the pointer is null when there are no elements
    object,
};

// Beginning of everything on the heap that documents share.
struct Counted {
    mutable std::atomic<std::uint32_t> references{1};
};

// A string too long for a cell. The characters follow.
struct LongString : Counted {
    std::size_t size = 0;
};

// The 16 bytes of a document without the ownership: a plain value that nodes copy and compare.
//
// Unused bytes are zero, so two cells stand for the same scalar or the same block exactly when
// their bytes are equal. A short string has its length in the last byte before the tag: read as a
// big-endian number, the bytes of two short strings are in the order of the strings.
struct Cell {
    static constexpr std::size_t short_capacity = 14;

    alignas(8) unsigned char bytes[15] = {};
    Tag tag = Tag::null;

    bool counted() const noexcept { return tag >= Tag::long_string; }

    template <class T>
    T load() const noexcept {
        static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 8);
        T value;
        std::memcpy(&value, bytes, sizeof value);
        return value;
    }

    template <class T>
    static Cell of(Tag tag, T value) noexcept {
        static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 8);
        Cell cell;
        std::memcpy(cell.bytes, &value, sizeof value);
        cell.tag = tag;
        return cell;
    }

    // At most short_capacity bytes.
    static Cell short_string(Tag tag, std::string_view text) noexcept {
        Cell cell;
        if (!text.empty()) {
            std::memcpy(cell.bytes, text.data(), text.size());
        }
        cell.bytes[short_capacity] = static_cast<unsigned char>(text.size());
        cell.tag = tag;
        return cell;
    }

    const Counted* block() const noexcept { return load<const Counted*>(); }

    bool same(const Cell& other) const noexcept {
        std::uint64_t mine[2];
        std::uint64_t theirs[2];
        std::memcpy(mine, this, sizeof mine);
        std::memcpy(theirs, &other, sizeof theirs);
        return mine[0] == theirs[0] && mine[1] == theirs[1];
    }
};

static_assert(sizeof(Cell) == 16 && std::is_trivially_copyable_v<Cell>);

// The characters of a string of any kind; those of a short one lie inside the cell itself.
inline std::string_view view(const Cell& cell) noexcept {
    if (cell.counted()) {
        const auto* block = static_cast<const LongString*>(cell.block());
        return {reinterpret_cast<const char*>(block + 1), block->size};
    }
    return {reinterpret_cast<const char*>(cell.bytes), cell.bytes[Cell::short_capacity]};
}

inline void retain(const Cell& cell) noexcept {
    if (!cell.counted()) {
        return;
    }
    if (const Counted* block = cell.block()) {
        block->references.fetch_add(1, std::memory_order_relaxed);
    }
}

// Frees what a cell points to and whatever only that kept alive, without recursion.
ATTUNE_DECL void destroy(Cell cell) noexcept;

inline void release(const Cell& cell) noexcept {
    if (!cell.counted()) {
        return;
    }
    const Counted* block = cell.block();
    if (block && block->references.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        destroy(cell);
    }
}

}  // namespace attune::inline ATTUNE_ABI::detail
