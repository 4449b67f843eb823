#pragma once

#include <attune/version.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// How numbers stand in files and frames: little-endian, one after the other.

namespace attune::inline ATTUNE_ABI::quorum::detail {

template <std::unsigned_integral T>
void append_number(std::string& bytes, T value) {
    for (std::size_t i = 0; i != sizeof value; ++i) {
        bytes += static_cast<char>(static_cast<unsigned char>(value >> (8 * i)));
    }
}

/// Reads from the front of some bytes. Where they do not suffice it gives zeros and nothing, and
/// says so in the end.
class ByteReader {
public:
    explicit ByteReader(std::string_view bytes) noexcept : rest_(bytes) {}

    template <std::unsigned_integral T>
    T number() noexcept {
        T value = 0;
        const std::string_view taken = bytes(sizeof value);
        for (std::size_t i = 0; i != taken.size(); ++i) {
            const auto byte = static_cast<std::uint64_t>(static_cast<unsigned char>(taken[i]));
            value = static_cast<T>(value | (byte << (8 * i)));
        }
        return value;
    }
    std::string_view bytes(std::uint64_t count) noexcept {
        if (count > rest_.size()) {
            short_ = true;
            rest_ = {};
            return {};
        }
        const std::string_view taken = rest_.substr(0, static_cast<std::size_t>(count));
        rest_.remove_prefix(taken.size());
        return taken;
    }

    std::size_t left() const noexcept { return rest_.size(); }
    bool was_short() const noexcept { return short_; }
    /// Nothing was missing, and nothing is left.
    bool is_complete() const noexcept { return !short_ && rest_.empty(); }

private:
    std::string_view rest_;
    bool short_ = false;
};

}  // namespace attune::inline ATTUNE_ABI::quorum::detail
