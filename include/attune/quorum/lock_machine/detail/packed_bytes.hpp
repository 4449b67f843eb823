#pragma once

#include <attune/quorum/token.hpp>
#include <attune/version.hpp>

#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace attune::inline ATTUNE_ABI::quorum::detail {

/// Numbers as little-endian bytes, strings behind their length in 32 bits: what commands and saved
/// states consist of.
class PackedWriter {
public:
    template <std::unsigned_integral T>
    void number(T value) {
        std::array<char, sizeof(T)> bytes;
        for (std::size_t at = 0; at != sizeof(T); ++at) {
            bytes[at] = static_cast<char>(value >> (8 * at) & 0xFF);
        }
        bytes_.append(bytes.data(), bytes.size());
    }
    void count(std::size_t value) { number(static_cast<std::uint32_t>(value)); }
    void flag(bool value) { number(static_cast<std::uint8_t>(value ? 1 : 0)); }
    void time(std::chrono::milliseconds value) {
        number(static_cast<std::uint64_t>(value.count()));
    }
    void token(const Token& value) {
        number(value.epoch);
        number(value.index);
    }
    void text(std::string_view value) {
        count(value.size());
        bytes_.append(value);
    }
    void raw(std::string_view value) { bytes_.append(value); }
    void client(const std::array<unsigned char, 16>& value) {
        for (const unsigned char byte : value) {
            bytes_.push_back(static_cast<char>(byte));
        }
    }

    std::string take() { return std::move(bytes_); }

private:
    std::string bytes_;
};

/// Reads them again. What is not there reads as zero or as empty, and makes `is_good` false for
/// ever; nothing is allocated for a length that the bytes do not have.
class PackedReader {
public:
    explicit PackedReader(std::string_view bytes) noexcept : rest_(bytes) {}

    template <std::unsigned_integral T>
    T number() {
        const std::string_view bytes = take(sizeof(T));
        std::uint64_t value = 0;
        for (std::size_t at = bytes.size(); at != 0; --at) {
            value = value << 8 | static_cast<unsigned char>(bytes[at - 1]);
        }
        return static_cast<T>(value);
    }
    /// Of things that have at least so many bytes each.
    std::size_t count(std::size_t least_size) {
        const auto value = number<std::uint32_t>();
        if (value > rest_.size() / least_size) {
            fail();
            return 0;
        }
        return value;
    }
    bool flag() {
        const auto value = number<std::uint8_t>();
        if (value > 1) {
            fail();
        }
        return value == 1;
    }
    std::chrono::milliseconds time() {
        return std::chrono::milliseconds{static_cast<std::int64_t>(number<std::uint64_t>())};
    }
    Token token() {
        const auto epoch = number<std::uint64_t>();
        return {epoch, number<std::uint64_t>()};
    }
    std::string_view text() { return take(number<std::uint32_t>()); }
    std::string_view raw(std::size_t size) { return take(size); }
    std::array<unsigned char, 16> client() {
        std::array<unsigned char, 16> value{};
        const std::string_view bytes = take(value.size());
        for (std::size_t at = 0; at != bytes.size(); ++at) {
            value[at] = static_cast<unsigned char>(bytes[at]);
        }
        return value;
    }

    void fail() noexcept {
        good_ = false;
        rest_ = {};
    }
    bool is_good() const noexcept { return good_; }
    /// All was there, and nothing more.
    bool is_done() const noexcept { return good_ && rest_.empty(); }

private:
    std::string_view take(std::size_t size) {
        if (size > rest_.size()) {
            fail();
            return {};
        }
        const std::string_view taken = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return taken;
    }

    std::string_view rest_;
    bool good_ = true;
};

}  // namespace attune::inline ATTUNE_ABI::quorum::detail
