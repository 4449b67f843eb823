#pragma once

#include <attune/version.hpp>

#include <cstddef>
#include <new>

/// Memory for value cells. A commit that recomputes a thousand small values allocates a thousand
/// cells of the same few sizes, and frees those of the version that falls out of the history. Each
/// thread keeps freed ones for its next commit: a general allocator takes longer for such a pair
/// than most functions that make the values.
namespace attune::inline ATTUNE_ABI::detail {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ATTUNE_PLAIN_CELL_MEMORY
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define ATTUNE_PLAIN_CELL_MEMORY
#endif
#endif

#if defined(ATTUNE_PLAIN_CELL_MEMORY)

// A sanitizer sees a cell that is used after its end only when its memory is not given out again.
inline void* allocate_cell(std::size_t size) { return ::operator new(size); }
inline void free_cell(void* cell, std::size_t) noexcept { ::operator delete(cell); }

#else

class SpareCells {
public:
    static constexpr std::size_t classes = 4;
    static constexpr std::size_t largest = 72;
    static constexpr std::size_t most = 4096;  ///< of one class and thread: 1 MiB at most, together

    void* take(std::size_t size) {
        List& list = list_of(size);
        return list.first != nullptr ? pop(list) : ::operator new(rounded(size));
    }
    void give(void* cell, std::size_t size) noexcept {
        List& list = list_of(size);
        if (list.size == most || (!open_ && !open())) {
            ::operator delete(cell);
            return;
        }
        list.first = new (cell) Spare{list.first};
        ++list.size;
    }

private:
    struct Spare {
        Spare* next;
    };
    struct List {
        Spare* first = nullptr;
        std::size_t size = 0;
    };

    // 24, 40, 56 or 72: what a general allocator has left of 16-byte units after its own 8 bytes.
    static std::size_t class_of(std::size_t size) noexcept {
        return size <= 24 ? 0 : (size - 9) / 16;
    }
    static std::size_t rounded(std::size_t size) noexcept { return 16 * class_of(size) + 24; }
    List& list_of(std::size_t size) noexcept { return lists_[class_of(size)]; }
    static void* pop(List& list) noexcept {
        Spare* const spare = list.first;
        list.first = spare->next;
        --list.size;
        return spare;
    }

    /// Closes what the thread keeps when it ends; what it frees after that is not kept any more.
    struct Closing {
        ~Closing();
    };

    bool open() noexcept;

    List lists_[classes];
    bool open_ = false;
    bool closed_ = false;
};

// Plain data, so that it can be used until the very end of a thread.
inline constinit thread_local SpareCells spare_cells;

inline bool SpareCells::open() noexcept {
    if (!closed_) {
        static thread_local Closing closing;
        (void)closing;
        open_ = true;
    }
    return open_;
}

inline SpareCells::Closing::~Closing() {
    spare_cells.open_ = false;
    spare_cells.closed_ = true;
    for (List& list : spare_cells.lists_) {
        while (list.first != nullptr) {
            ::operator delete(pop(list));
        }
    }
}

inline void* allocate_cell(std::size_t size) {
    return size <= SpareCells::largest ? spare_cells.take(size) : ::operator new(size);
}
inline void free_cell(void* cell, std::size_t size) noexcept {
    if (size <= SpareCells::largest) {
        spare_cells.give(cell, size);
    } else {
        ::operator delete(cell);
    }
}

#endif
#undef ATTUNE_PLAIN_CELL_MEMORY

}  // namespace attune::inline ATTUNE_ABI::detail
