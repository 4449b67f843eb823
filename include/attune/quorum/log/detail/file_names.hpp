#pragma once

#include <attune/version.hpp>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace attune::inline ATTUNE_ABI::quorum::detail {

inline constexpr std::string_view segment_suffix = ".log";
inline constexpr std::string_view snapshot_prefix = "snapshot-";
/// Of a snapshot that is being written.
inline constexpr std::string_view temporary_suffix = ".tmp";
inline constexpr std::string_view spare_name = "spare";
/// There from the first moment of a log's making to the last.
inline constexpr std::string_view unfinished_name = "unfinished";
inline constexpr std::string_view log_lock_name = "lock";
inline constexpr std::string_view volatile_name = "volatile";

inline std::string padded_number(std::uint64_t number, std::size_t digits) {
    const std::string text = std::to_string(number);
    return text.size() < digits ? std::string(digits - text.size(), '0') + text : text;
}

/// Of as many digits, or more without a zero before them.
inline std::optional<std::uint64_t> number_of_digits(std::string_view text,
                                                     std::size_t digits) noexcept {
    std::uint64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, number);
    if (read.ec != std::errc() || read.ptr != end || text.size() < digits ||
        (text.size() > digits && text.front() == '0')) {
        return std::nullopt;
    }
    return number;
}

}  // namespace attune::inline ATTUNE_ABI::quorum::detail
