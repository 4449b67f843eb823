// attune 0.1.0, one file; written by tools/single_header.py.
// SPDX-License-Identifier: MIT
#pragma once

#if defined(ATTUNE_SEPARATE_COMPILATION)
#error "the single header is header-only; use include/ for separate compilation"
#endif

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cassert>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <climits>
#include <cmath>
#include <compare>
#include <concepts>
#include <condition_variable>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <deque>
#include <dirent.h>
#include <exception>
#include <fcntl.h>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <iosfwd>
#include <iterator>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <numeric>
#include <optional>
#include <ostream>
#include <poll.h>
#include <pthread.h>
#include <ratio>
#include <regex>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <tuple>
#include <type_traits>
#include <unistd.h>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>
#include <nlohmann/json_fwd.hpp>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>

/// The core of attune: documents, bound structs, handles, stores and the local transports. Brings
/// in no network.

/// Version and build mode of attune. Includes nothing.

/// Major * 1'000'000 + minor * 1'000 + patch.
#define ATTUNE_VERSION 1000
#define ATTUNE_VERSION_STRING "0.1.0"

// One TU of the program includes <attune/src.hpp>, all others only declarations, when
// ATTUNE_SEPARATE_COMPILATION is defined (the CMake target attune::compiled does both).
#if defined(ATTUNE_SEPARATE_COMPILATION)
#define ATTUNE_HEADER_ONLY 0
#define ATTUNE_DECL
#else
#define ATTUNE_HEADER_ONLY 1
#define ATTUNE_DECL inline
#endif

// Options that change the layout of a public type or the reading protocol change the inline
// namespace as well: mixing them in one program is a link error, not silent corruption.
#if defined(ATTUNE_LOCKED_CELLS)
#define ATTUNE_ABI v0_locked
#elif defined(ATTUNE_CHAOS)
#define ATTUNE_ABI v0_chaos
#else
#define ATTUNE_ABI v0
#endif

/// Every public name of attune, declared. Includes no container of the standard library.
namespace attune::inline ATTUNE_ABI {

/// A number that only grows in a store: each commit that changes something takes the next one.
using Version = std::uint64_t;

// document
class Document;
class ParseError;
class PatchError;
class Path;
class Source;
class TextSource;
enum class Duplicates : std::uint8_t;
enum class Kind : std::uint8_t;
enum class Part : std::uint8_t;
struct Origin;
struct ParseOptions;
struct Position;
struct TextOptions;

// bind
class Rejected;
enum class Severity : std::uint8_t;
enum class UnknownKeys : std::uint8_t;
struct Bytes;
struct Problem;
struct Rejection;
template <class E>
struct EnumRange;
template <class T>
class Schema;
template <class T>
class Secret;

// graph
class Executor;
class ManualExecutor;
class Subscription;
struct InlineExecutor;
struct Lag;
template <class T>
class Reading;

namespace detail {
class Core;
}  // namespace detail

// store
class Commit;
class Edit;
class Journal;
class JournalError;
class Layer;
class OverrideScope;
class Poller;
class Snapshot;
class Store;
class Track;
class Transport;
class VersionConflict;
class VersionInfo;
class View;
enum class Deliver : std::uint8_t;
enum class JournalFault : std::uint8_t;
enum class OnError : std::uint8_t;
enum class Failure : std::uint8_t;
enum class Secrets : std::uint8_t;
enum class State : std::uint8_t;
struct Accepted;
struct Candidate;
struct Content;
struct DeriveOptions;
struct Explanation;
struct LayerError;
struct JournalOptions;
struct LayerOptions;
struct LayerStatus;
struct NodeStatus;
struct ObserveOptions;
struct SlowObserver;
struct Staleness;
struct StoreOptions;
struct StoreStatus;
struct Text;
struct TransactOptions;
struct VersionRecord;
template <class T>
class Config;
template <class T>
struct Change;

// transport
enum class CacheSecrets : std::uint8_t;
struct CachedOptions;
struct DirectoryOptions;
struct EnvOptions;
struct FileOptions;
struct MemoryOptions;
struct SqliteOptions;

namespace journal {
struct Damage;
struct Recovery;
struct Report;
struct VerifyOptions;
}  // namespace journal

namespace testing {
class EventTrace;
class FailOnNth;
class FlakyTransport;
class InjectedFailure;
class ManualClock;
struct FlakyOptions;
}  // namespace testing

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI {

/// A number of bytes. In configuration `"64MiB"`, `"10kB"`, `"1.5GiB"`, or a bare number of bytes:
/// kB, MB, GB, TB, PB, EB are powers of 1000; KiB, MiB, GiB, TiB, PiB, EiB powers of 1024; B is
/// one. Upper and lower case are told apart, as the standards do.
struct Bytes {
    std::uint64_t count = 0;

    friend constexpr bool operator==(const Bytes&, const Bytes&) = default;
    friend constexpr auto operator<=>(const Bytes&, const Bytes&) = default;
};

/// The shortest exact text that `parse_bytes` reads back: `64MiB`, `10kB`, `1500B`.
ATTUNE_DECL std::string to_string(Bytes bytes);

/// Nothing when the text is not a size, is not a whole number of bytes, or exceeds 2^64 - 1.
ATTUNE_DECL std::optional<Bytes> parse_bytes(std::string_view text) noexcept;

/// `64_MiB`
namespace literals {

constexpr Bytes operator""_B(unsigned long long n) noexcept { return {n}; }
constexpr Bytes operator""_kB(unsigned long long n) noexcept { return {n * 1000}; }
constexpr Bytes operator""_MB(unsigned long long n) noexcept { return {n * 1000'000}; }
constexpr Bytes operator""_GB(unsigned long long n) noexcept { return {n * 1000'000'000}; }
constexpr Bytes operator""_KiB(unsigned long long n) noexcept { return {n << 10}; }
constexpr Bytes operator""_MiB(unsigned long long n) noexcept { return {n << 20}; }
constexpr Bytes operator""_GiB(unsigned long long n) noexcept { return {n << 30}; }

}  // namespace literals

namespace detail {

enum class SizeFault : std::uint8_t { none, malformed, unknown_unit, fraction, overflow };

ATTUNE_DECL SizeFault read_bytes(std::string_view text, std::uint64_t& count) noexcept;

}  // namespace detail

}  // namespace attune::inline ATTUNE_ABI

// Decimal numbers with units, computed exactly: what durations and sizes have in common.

namespace attune::inline ATTUNE_ABI::detail {

__extension__ typedef unsigned __int128 uint128;

/// `12.50`: the digits before the point, and after it without zeros at the end.
struct Decimal {
    std::string_view whole;
    std::string_view fraction;
};

/// Takes digits, and a point with more digits, off the front of the text.
constexpr bool take_decimal(std::string_view& text, Decimal& decimal) noexcept {
    const auto take_digits = [&text] {
        std::size_t count = 0;
        while (count < text.size() && text[count] >= '0' && text[count] <= '9') {
            ++count;
        }
        const std::string_view digits = text.substr(0, count);
        text.remove_prefix(count);
        return digits;
    };
    decimal.whole = take_digits();
    decimal.fraction = {};
    if (decimal.whole.empty()) {
        return false;
    }
    if (text.starts_with('.')) {
        text.remove_prefix(1);
        decimal.fraction = take_digits();
        if (decimal.fraction.empty()) {
            return false;
        }
        const std::size_t last = decimal.fraction.find_last_not_of('0');
        decimal.fraction = decimal.fraction.substr(0, last + 1);
    }
    return true;
}

enum class Scaled : std::uint8_t { exact, fraction, overflow };

/// The decimal times the unit, when that is a whole number below 2^128.
constexpr Scaled scale(const Decimal& decimal, std::uint64_t unit, uint128& result) noexcept {
    constexpr uint128 most = ~uint128{0};
    result = 0;
    for (const char digit : decimal.whole) {
        const auto value = static_cast<unsigned>(digit - '0');
        if (result > (most - value) / 10) {
            return Scaled::overflow;
        }
        result = result * 10 + value;
    }
    if (result > most / unit) {
        return Scaled::overflow;
    }
    result *= unit;

    // Eighteen digits keep the product below 2^128, and nobody writes more.
    if (decimal.fraction.size() > 18) {
        return Scaled::fraction;
    }
    uint128 part = unit;
    std::uint64_t numerator = 0;
    std::uint64_t denominator = 1;
    for (const char digit : decimal.fraction) {
        numerator = numerator * 10 + static_cast<unsigned>(digit - '0');
        denominator *= 10;
    }
    part *= numerator;
    if (part % denominator != 0) {
        return Scaled::fraction;
    }
    part /= denominator;
    if (result > most - part) {
        return Scaled::overflow;
    }
    result += part;
    return Scaled::exact;
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI {

namespace detail {

struct SizeUnit {
    std::string_view name;
    std::uint64_t bytes;
};

// The largest of each family first: to_string takes the first that fits.
inline constexpr std::array<SizeUnit, 13> size_units{{
    {"EiB", 1ull << 60},
    {"PiB", 1ull << 50},
    {"TiB", 1ull << 40},
    {"GiB", 1ull << 30},
    {"MiB", 1ull << 20},
    {"KiB", 1ull << 10},
    {"EB", 1'000'000'000'000'000'000ull},
    {"PB", 1'000'000'000'000'000ull},
    {"TB", 1'000'000'000'000ull},
    {"GB", 1'000'000'000ull},
    {"MB", 1'000'000ull},
    {"kB", 1'000ull},
    {"B", 1ull},
}};

ATTUNE_DECL SizeFault read_bytes(std::string_view text, std::uint64_t& count) noexcept {
    Decimal number;
    if (!take_decimal(text, number)) {
        return SizeFault::malformed;
    }
    std::uint64_t unit = 0;
    for (const SizeUnit& candidate : size_units) {
        if (text == candidate.name) {
            unit = candidate.bytes;
        }
    }
    if (text.empty()) {
        unit = 1;
    }
    if (unit == 0) {
        return SizeFault::unknown_unit;
    }
    uint128 exact = 0;
    const Scaled scaled = scale(number, unit, exact);
    if (scaled == Scaled::fraction) {
        return SizeFault::fraction;
    }
    if (scaled == Scaled::overflow || exact > std::numeric_limits<std::uint64_t>::max()) {
        return SizeFault::overflow;
    }
    count = static_cast<std::uint64_t>(exact);
    return SizeFault::none;
}

}  // namespace detail

ATTUNE_DECL std::string to_string(Bytes bytes) {
    for (const detail::SizeUnit& unit : detail::size_units) {
        if (bytes.count != 0 && bytes.count % unit.bytes == 0) {
            return std::to_string(bytes.count / unit.bytes).append(unit.name);
        }
    }
    return "0B";
}

ATTUNE_DECL std::optional<Bytes> parse_bytes(std::string_view text) noexcept {
    Bytes bytes;
    if (detail::read_bytes(text, bytes.count) != detail::SizeFault::none) {
        return std::nullopt;
    }
    return bytes;
}

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI {

/// Where a value came from. Anything that is not known stays empty or zero.
struct Origin {
    std::string layer{};       ///< the name of the layer in its store
    std::string source{};      ///< `service.json`, `environment variable X`, `argument --x`, a URL
    std::uint32_t line = 0;    ///< counted from 1
    std::uint32_t column = 0;  ///< counted from 1, in code points
    std::string revision{};    ///< the transport's own version mark

    friend bool operator==(const Origin&, const Origin&) = default;
};

/// `service.json:7:17`; without line and column when there are none; the layer's name when there is
/// no source; empty when nothing is known.
ATTUNE_DECL std::string to_string(const Origin& origin);

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI {

ATTUNE_DECL std::string to_string(const Origin& origin) {
    std::string text = origin.source.empty() ? origin.layer : origin.source;
    if (origin.line != 0) {
        if (!text.empty()) {
            text += ':';
        }
        text += std::to_string(origin.line);
        text += ':';
        text += std::to_string(origin.column);
    }
    return text;
}

}  // namespace attune::inline ATTUNE_ABI

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

namespace attune::inline ATTUNE_ABI {

namespace detail {

// One token of a JSON Pointer; `~1` is a slash, `~0` a tilde.
ATTUNE_DECL std::string unescape_token(std::string_view token) {
    std::string plain;
    plain.reserve(token.size());
    for (std::size_t i = 0; i < token.size(); ++i) {
        if (token[i] != '~') {
            plain += token[i];
            continue;
        }
        const char escaped = ++i < token.size() ? token[i] : '\0';
        if (escaped != '0' && escaped != '1') {
            throw std::invalid_argument(
                "expected \"~0\" or \"~1\" in a JSON Pointer, found another \"~\"");
        }
        plain += escaped == '0' ? '~' : '/';
    }
    return plain;
}

// Reads back as itself between dots, and can be told apart by eye.
ATTUNE_DECL bool is_plain_token(std::string_view token) noexcept {
    for (const char c : token) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte <= 0x20 || byte == 0x7F || c == '.' || c == '/' || c == '~' || c == '"') {
            return false;
        }
    }
    return !token.empty();
}

ATTUNE_DECL std::optional<std::size_t> element_index(std::string_view token) noexcept {
    if (token.empty() || (token.size() > 1 && token.front() == '0')) {
        return std::nullopt;
    }
    std::size_t index = 0;
    const char* const end = token.data() + token.size();
    const auto [stop, error] = std::from_chars(token.data(), end, index);
    if (error != std::errc() || stop != end) {
        return std::nullopt;
    }
    return index;
}

}  // namespace detail

ATTUNE_DECL Path::Path(std::string_view text) {
    if (text.empty()) {
        return;
    }
    const bool pointer = text.front() == '/';
    const char separator = pointer ? '/' : '.';
    if (pointer) {
        text.remove_prefix(1);
    }
    for (;;) {
        const std::size_t end = text.find(separator);
        const std::string_view token = text.substr(0, end);
        tokens_.push_back(pointer ? detail::unescape_token(token) : std::string(token));
        if (end == std::string_view::npos) {
            return;
        }
        text.remove_prefix(end + 1);
    }
}

ATTUNE_DECL Path Path::operator/(std::string_view token) const {
    Path path;
    path.tokens_.reserve(tokens_.size() + 1);
    path.tokens_ = tokens_;
    path.tokens_.emplace_back(token);
    return path;
}

ATTUNE_DECL Path Path::operator/(const Path& below) const {
    Path path;
    path.tokens_.reserve(tokens_.size() + below.tokens_.size());
    path.tokens_ = tokens_;
    path.tokens_.insert(path.tokens_.end(), below.tokens_.begin(), below.tokens_.end());
    return path;
}

ATTUNE_DECL Path Path::parent() const {
    if (tokens_.empty()) {
        return {};
    }
    return Path(std::vector<std::string>(tokens_.begin(), tokens_.end() - 1));
}

ATTUNE_DECL bool Path::starts_with(const Path& ancestor) const noexcept {
    return ancestor.size() <= size() &&
           std::equal(ancestor.tokens_.begin(), ancestor.tokens_.end(), tokens_.begin());
}

ATTUNE_DECL std::string Path::pointer() const {
    std::string text;
    for (const std::string& token : tokens_) {
        text += '/';
        for (const char c : token) {
            if (c == '~') {
                text += "~0";
            } else if (c == '/') {
                text += "~1";
            } else {
                text += c;
            }
        }
    }
    return text;
}

ATTUNE_DECL std::string to_string(const Path& path) {
    std::string text;
    for (const std::string& token : path.tokens()) {
        if (!detail::is_plain_token(token)) {
            return path.pointer();
        }
        if (!text.empty()) {
            text += '.';
        }
        text += token;
    }
    return text;
}

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI {

/// Whether a problem keeps a document from being accepted.
enum class Severity : std::uint8_t { error, warning };

/// One thing wrong with a configuration, or one thing worth a look.
///
/// No member ever holds the value of a secret.
struct Problem {
    Path path{};      ///< the value, or the key, that is meant
    Origin origin{};  ///< where it was written, as far as known
    /// What is wrong, such as `unknown key`; empty when `expected` and `found` say it all.
    std::string message{};
    std::string expected{};    ///< such as `an integer in [1, 65535]`
    std::string found{};       ///< such as `80800` or `"x"` or `a list`
    std::string suggestion{};  ///< the nearest name that would have been right, without quotes
    Severity severity = Severity::error;
};

/// One line without its end: `service.json:7:17: server.port: expected an integer in [1, 65535],
/// found 80800`. Parts that are not known are left out.
ATTUNE_DECL std::string to_string(const Problem& problem);

/// Why a candidate was not published. The version before it stays.
struct Rejection {
    std::vector<Problem> problems{};
    std::string reason{};       ///< what was tried, such as `file service.json`; may be empty
    std::uint64_t version = 0;  ///< the version that stays; 0 when there is none yet
};

/// The problems in their order, one per line, the last line without its end. The reason alone when
/// no problem is known.
ATTUNE_DECL std::string to_string(const Rejection& rejection);

/// Thrown where bad configuration meets a caller who waits: at start-up and by explicit writes.
/// `what` is the text of the rejection.
class Rejected : public std::runtime_error {
public:
    ATTUNE_DECL explicit Rejected(Rejection rejection);

    const Rejection& rejection() const noexcept { return *rejection_; }
    const std::vector<Problem>& problems() const noexcept { return rejection_->problems; }

private:
    // Shared, since copying an exception must not throw.
    std::shared_ptr<const Rejection> rejection_;
};

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI {

ATTUNE_DECL std::string to_string(const Problem& problem) {
    std::string text = to_string(problem.origin);
    const auto part = [&text](std::string_view separator, const std::string& next) {
        if (next.empty()) {
            return;
        }
        if (!text.empty()) {
            text += separator;
        }
        text += next;
    };
    part(": ", to_string(problem.path));
    part(": ", problem.message);
    if (!problem.expected.empty()) {
        part(problem.message.empty() ? ": " : "; ", "expected " + problem.expected);
    }
    if (!problem.found.empty()) {
        const bool bare = problem.message.empty() && problem.expected.empty();
        part(bare ? ": " : ", ", "found " + problem.found);
    }
    if (!problem.suggestion.empty()) {
        part("; ", "did you mean \"" + problem.suggestion + "\"?");
    }
    return text;
}

ATTUNE_DECL std::string to_string(const Rejection& rejection) {
    if (rejection.problems.empty()) {
        return rejection.reason;
    }
    std::string text;
    for (const Problem& problem : rejection.problems) {
        if (!text.empty()) {
            text += '\n';
        }
        text += to_string(problem);
    }
    return text;
}

ATTUNE_DECL Rejected::Rejected(Rejection rejection)
    : std::runtime_error(to_string(rejection)),
      rejection_(std::make_shared<const Rejection>(std::move(rejection))) {}

}  // namespace attune::inline ATTUNE_ABI

// Reads the names of members and enumerators out of the compiler's text for template arguments:
// `... V = {Mode::primary, (Mode)2}]` from GCC, `... V = <Mode::primary, (Mode)2>]` from Clang. One
// text for a whole pack keeps this to one instantiation per type.

namespace attune::inline ATTUNE_ABI::detail {

/// Where the first comma or closing bracket stands that belongs to no inner bracket.
constexpr std::size_t end_of_argument(std::string_view text) noexcept {
    std::size_t depth = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '<' || c == '(' || c == '{' || c == '[') {
            ++depth;
        } else if (c == '>' || c == ')' || c == '}' || c == ']') {
            if (depth == 0) {
                return i;
            }
            --depth;
        } else if (c == ',' && depth == 0) {
            return i;
        }
    }
    return text.size();
}

/// From the first argument of the pack `V` on.
constexpr std::string_view pack_text(std::string_view function) noexcept {
    const std::size_t begin = function.find("V = ");
    return begin == std::string_view::npos ? std::string_view{} : function.substr(begin + 5);
}

/// Takes the first argument off the front of a pack's text; empty when none is left.
constexpr std::string_view next_argument(std::string_view& pack) noexcept {
    const std::size_t end = end_of_argument(pack);
    const std::string_view argument = pack.substr(0, end);
    const bool more = end < pack.size() && pack[end] == ',';
    pack.remove_prefix(more ? end + 2 : pack.size());
    return argument;
}

/// `port` from `Pointer<int*>{(& nowhere<S>.Nowhere<S>::value.S::port)}`. Cut by what surrounds the
/// name, not by what a name may hold: names need not be ASCII.
constexpr std::string_view member_name(std::string_view argument) noexcept {
    while (!argument.empty() && (argument.back() == '}' || argument.back() == ')')) {
        argument.remove_suffix(1);
    }
    return argument.substr(argument.find_last_of(":.") + 1);
}

/// `primary` from `ns::Mode::primary`; empty for `(ns::Mode)7`, a value without a name.
constexpr std::string_view enumerator_name(std::string_view argument) noexcept {
    const std::string_view last = argument.substr(argument.find_last_of(':') + 1);
    return last.find(')') == std::string_view::npos ? last : std::string_view{};
}

/// True when the pack names any enumerator.
constexpr bool has_enumerator(std::string_view pack) noexcept {
    while (!pack.empty()) {
        if (!enumerator_name(next_argument(pack)).empty()) {
            return true;
        }
    }
    return false;
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI {

/// The values among which the enumerators of `E` are looked for: an enumerator outside has no name.
/// Specialise it for an enumeration with others; each value in the range costs compile time.
///
/// ```cpp
/// template <>
/// struct attune::EnumRange<Status> {
///     static constexpr int min = 100, max = 599;
/// };
/// ```
template <class E>
struct EnumRange {
    static constexpr int min = -1;
    static constexpr int max = 64;
};

namespace detail {

struct Enumerator {
    std::string_view name;
    std::int64_t value;
};

/// The enumerators of one type that have a name, by rising value.
using Enumerators = std::vector<Enumerator>;

// Values that are no enumerators are well defined only where the underlying type is fixed.
template <class E>
concept FixedEnum = std::is_enum_v<E> && requires {
    E{0};
};

template <class E>
struct EnumScan {
    static_assert(FixedEnum<E>,
                  "attune cannot bind this enumeration: it needs a fixed underlying type; write "
                  "`enum class E` or `enum E : int`");
    static_assert(EnumRange<E>::min <= EnumRange<E>::max, "attune::EnumRange<E> is empty");

    using Underlying = std::underlying_type_t<E>;
    using Limits = std::numeric_limits<Underlying>;

    // The range, cut to what the underlying type can hold.
    static constexpr std::int64_t first =
        EnumRange<E>::min < 0 && !Limits::is_signed ? 0 : EnumRange<E>::min;
    static constexpr std::int64_t top =
        Limits::digits < 31 ? static_cast<std::int64_t>(Limits::max()) : EnumRange<E>::max;
    static constexpr std::int64_t last = EnumRange<E>::max < top ? EnumRange<E>::max : top;
    static_assert(first <= last, "attune::EnumRange<E> lies outside the underlying type");

    template <E... V>
    static constexpr std::string_view spell() noexcept {
        return pack_text(__PRETTY_FUNCTION__);
    }

    template <std::size_t... I>
    static constexpr std::string_view spell_range(std::index_sequence<I...>) noexcept {
        return spell<static_cast<E>(first + static_cast<std::int64_t>(I))...>();
    }

    static constexpr std::string_view text =
        spell_range(std::make_index_sequence<static_cast<std::size_t>(last - first + 1)>{});

    static_assert(has_enumerator(text),
                  "attune cannot bind this enumeration: no enumerator lies in the range of "
                  "attune::EnumRange<E>");
};

/// Never destroyed, since objects of static storage may use it to their end.
ATTUNE_DECL const Enumerators& read_enumerators(std::string_view text, std::int64_t first);

/// Read once, when first asked for.
template <class E>
const Enumerators& enumerators() {
    static const Enumerators& found = read_enumerators(EnumScan<E>::text, EnumScan<E>::first);
    return found;
}

}  // namespace detail

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL const Enumerators& read_enumerators(std::string_view text, std::int64_t first) {
    Enumerators found;
    for (std::int64_t value = first; !text.empty(); ++value) {
        const std::string_view name = enumerator_name(next_argument(text));
        if (!name.empty()) {
            found.push_back({name, value});
        }
    }
    return *new Enumerators(std::move(found));
}

}  // namespace attune::inline ATTUNE_ABI::detail

// What a C++ type looks like to code that is not a template. One constant object describes each
// type; decode, encode, equal and everything that lists fields walk over these descriptions, so
// that one more bound struct costs a table and not another copy of the engine.
//
// Pointers in a description are to other descriptions or to small functions over `void*`, each of
// which takes an object of exactly the described type. Descriptions of structs are completed when
// they are first asked for, which is what lets types be recursive.

namespace attune::inline ATTUNE_ABI {

class Document;

namespace detail {

enum class Shape : std::uint8_t {
    boolean,
    integer,
    real,
    string,
    enumeration,
    duration,
    bytes,
    path,
    optional,  ///< std::optional, std::unique_ptr, std::shared_ptr
    flags,     ///< std::vector<bool>
    list,      ///< std::vector of anything else
    array,     ///< std::array
    map,       ///< std::map, std::unordered_map
    variant,
    structure,
    secret,
    document,
    external,  ///< by the type's own nlohmann from_json and to_json
};

/// The kinds of JSON value that a type decodes from. Alternatives of a variant must be told apart
/// by them.
namespace form {

inline constexpr std::uint8_t null = 1;
inline constexpr std::uint8_t boolean = 2;
inline constexpr std::uint8_t integer = 4;
inline constexpr std::uint8_t real = 8;
inline constexpr std::uint8_t string = 16;
inline constexpr std::uint8_t list = 32;
inline constexpr std::uint8_t map = 64;
inline constexpr std::uint8_t structure = 128;
inline constexpr std::uint8_t any = 255;

}  // namespace form

struct Structure;

struct Type {
    Shape shape;
    std::uint8_t forms;
};

/// Integers, and the numbers that enumerations and durations are made of.
struct IntegerFormat {
    std::uint8_t width;  ///< bytes
    bool is_signed;
};

enum class RealFormat : std::uint8_t { none, single, twofold, extended };

struct IntegerType : Type {
    IntegerFormat format;
};

struct RealType : Type {
    RealFormat format;
};

struct EnumType : Type {
    IntegerFormat format;
    const Enumerators& (*names)();
};

struct DurationType : Type {
    IntegerFormat integer;
    RealFormat real;    ///< none: counts in integers
    std::int64_t tick;  ///< nanoseconds
};

struct PathType : Type {
    void (*assign)(void* path, std::string_view text);
    std::string (*text)(const void* path);
};

struct OptionalType : Type {
    const Type& inner;
    const void* (*get)(const void* optional);  ///< null when empty
    /// Makes sure that there is a value that may be changed: the present one, else a new one.
    void* (*engage)(void* optional);
    void (*reset)(void* optional);
};

struct FlagsType : Type {
    std::size_t (*size)(const void* list);
    bool (*get)(const void* list, std::size_t index);
    void (*clear)(void* list);
    void (*append)(void* list, bool value);
};

struct ListType : Type {
    const Type& element;
    std::size_t (*size)(const void* list);
    const void* (*get)(const void* list, std::size_t index);
    void (*clear)(void* list, std::size_t expected);
    void* (*append)(void* list);  ///< an element with its default value
};

struct ArrayType : Type {
    const Type& element;
    std::size_t count;
    std::size_t stride;  ///< bytes from one element to the next
};

struct MapType : Type {
    using Visitor = void (*)(void* context, const std::string& key, const void* value);

    const Type& element;
    std::size_t (*size)(const void* map);
    const void* (*find)(const void* map, const std::string& key);
    void (*visit)(const void* map, void* context, Visitor visitor);
    void (*clear)(void* map);
    void* (*emplace)(void* map, std::string_view key);  ///< a value with its default value
};

struct VariantType : Type {
    const Type* const* alternatives;
    std::size_t count;
    std::size_t (*index)(const void* variant);  ///< `count` or more when it has no value
    const void* (*get)(const void* variant);
    void* (*emplace)(void* variant, std::size_t index);
};

struct StructType : Type {
    const Structure& (*get)();
};

struct SecretType : Type {
    const Type& inner;
    const void* (*reveal)(const void* secret);
};

struct ExternalType : Type {
    /// An exception is the type's way of saying no.
    void (*decode)(void* object, const Document& document);
    Document (*encode)(const void* object);
    bool (*equal)(const void* a, const void* b);
};

/// The description of T. Constant, and the same object at each call.
template <class T>
const Type& type_of() noexcept;

/// The fields and rules of a struct's description. Completed at the first call, which may throw
/// std::logic_error when the struct's `describe` contradicts itself; thread-safe.
inline const Structure& structure_of(const Type& type) {
    return static_cast<const StructType&>(type).get();
}

}  // namespace detail

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI::detail {

/// A number of any type that configuration can hold, without loss.
class Quantity {
public:
    constexpr Quantity() noexcept = default;

    template <std::integral I>
    constexpr Quantity(I value) noexcept
        : kind_(std::is_signed_v<I> ? Kind::integer : Kind::natural),
          integer_(std::is_signed_v<I> ? static_cast<std::int64_t>(value) : 0),
          natural_(std::is_signed_v<I> ? 0 : static_cast<std::uint64_t>(value)) {}

    constexpr Quantity(double value) noexcept : kind_(Kind::real), real_(value) {}

    /// From any arithmetic type.
    template <class N>
    static constexpr Quantity of(N value) noexcept {
        if constexpr (std::integral<N>) {
            return value;
        } else {
            return static_cast<double>(value);
        }
    }

    constexpr bool is_real() const noexcept { return kind_ == Kind::real; }
    constexpr bool is_negative() const noexcept { return kind_ == Kind::integer && integer_ < 0; }

    /// The value of an integer as the low 64 bits of its two's complement.
    constexpr std::uint64_t bits() const noexcept {
        return kind_ == Kind::integer ? static_cast<std::uint64_t>(integer_) : natural_;
    }

    /// The value as a double, rounded when it has to be.
    constexpr double real() const noexcept {
        switch (kind_) {
        case Kind::integer: return static_cast<double>(integer_);
        case Kind::natural: return static_cast<double>(natural_);
        case Kind::real: break;
        }
        return real_;
    }

    /// By value. NaN is unordered.
    ATTUNE_DECL friend std::partial_ordering operator<=>(const Quantity& a,
                                                         const Quantity& b) noexcept;
    friend bool operator==(const Quantity& a, const Quantity& b) noexcept { return (a <=> b) == 0; }

private:
    enum class Kind : std::uint8_t { integer, natural, real };

    Kind kind_ = Kind::integer;
    std::int64_t integer_ = 0;
    std::uint64_t natural_ = 0;
    double real_ = 0;
};

/// Digits, or the shortest text that reads back as the same double.
ATTUNE_DECL std::string to_text(const Quantity& quantity);

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL std::partial_ordering operator<=>(const Quantity& a, const Quantity& b) noexcept {
    if (a.is_real() || b.is_real()) {
        return a.real() <=> b.real();
    }
    if (a.is_negative() != b.is_negative()) {
        return a.is_negative() ? std::partial_ordering::less : std::partial_ordering::greater;
    }
    // Of one sign, two's complement keeps the order.
    return a.bits() <=> b.bits();
}

ATTUNE_DECL std::string to_text(const Quantity& quantity) {
    std::array<char, 32> buffer;
    char* const first = buffer.data();
    char* const last = first + buffer.size();
    const std::to_chars_result result =
        quantity.is_real() ? std::to_chars(first, last, quantity.real())
        : quantity.is_negative()
            ? std::to_chars(first, last, static_cast<std::int64_t>(quantity.bits()))
            : std::to_chars(first, last, quantity.bits());
    return std::string(first, result.ptr);
}

}  // namespace attune::inline ATTUNE_ABI::detail

// Durations as text: `250ms`, `1h30m`, `1.5s`, `-5s`, `0`. Numbers with a unit, from large units to
// small ones and without spaces; the units are d, h, m, s, ms, us, ns. A number without a unit is
// refused, since somebody would read it otherwise.

namespace attune::inline ATTUNE_ABI {

namespace detail {

enum class DurationFault : std::uint8_t {
    none,
    malformed,
    unknown_unit,
    inexact,   ///< not a whole number of ticks
    overflow,  ///< more ticks than 64 bits can count
};

/// Durations count ticks of so many nanoseconds. `count` becomes an integer.
ATTUNE_DECL DurationFault read_duration(std::string_view text, std::int64_t tick,
                                        Quantity& count) noexcept;

/// The same for durations that count in fractions: `count` is real, and rounded.
ATTUNE_DECL DurationFault read_real_duration(std::string_view text, std::int64_t tick,
                                             double& count) noexcept;

/// The text that reads back as the same count.
ATTUNE_DECL std::string write_duration(const Quantity& count, std::int64_t tick);

template <class D>
inline constexpr bool is_duration = false;

template <class Rep, class Period>
inline constexpr bool is_duration<std::chrono::duration<Rep, Period>> = true;

template <class D>
concept Duration = is_duration<D>;

/// Nanoseconds in one tick; 0 when that is no whole number or exceeds 64 bits.
template <class Period>
inline constexpr std::int64_t tick_of = [] {
    constexpr std::intmax_t per_second = 1'000'000'000;
    if (per_second % Period::den != 0 ||
        Period::num > std::numeric_limits<std::int64_t>::max() / (per_second / Period::den)) {
        return std::int64_t{0};
    }
    return std::int64_t{Period::num * (per_second / Period::den)};
}();

}  // namespace detail

/// `1h30m`, `250ms`, `0s`: exact for integral counts; a real count is in the unit of its type.
template <class Rep, class Period>
std::string to_text(const std::chrono::duration<Rep, Period>& duration) {
    if constexpr (std::is_floating_point_v<Rep>) {
        return detail::write_duration(static_cast<double>(duration.count()),
                                      detail::tick_of<Period>);
    } else {
        return detail::write_duration(duration.count(), detail::tick_of<Period>);
    }
}

/// Nothing when the text is not a duration, or not one that D can hold exactly.
template <detail::Duration D>
std::optional<D> parse_duration(std::string_view text) noexcept {
    using Rep = typename D::rep;
    constexpr std::int64_t tick = detail::tick_of<typename D::period>;
    if constexpr (std::is_floating_point_v<Rep>) {
        double count = 0;
        if (detail::read_real_duration(text, tick, count) != detail::DurationFault::none) {
            return std::nullopt;
        }
        return D(static_cast<Rep>(count));
    } else {
        detail::Quantity count;
        if (detail::read_duration(text, tick, count) != detail::DurationFault::none ||
            count < std::numeric_limits<Rep>::min() || count > std::numeric_limits<Rep>::max()) {
            return std::nullopt;
        }
        return D(static_cast<Rep>(count.bits()));
    }
}

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI::detail {

struct TimeUnit {
    std::string_view name;
    std::int64_t nanoseconds;
};

// From large to small, the order in which they may stand.
inline constexpr std::array<TimeUnit, 7> time_units{{
    {"d", 86'400'000'000'000},
    {"h", 3'600'000'000'000},
    {"m", 60'000'000'000},
    {"s", 1'000'000'000},
    {"ms", 1'000'000},
    {"us", 1'000},
    {"ns", 1},
}};

// Takes numbers with units, each unit smaller than the one before it, and hands them to `add`.
template <class Add>
DurationFault read_terms(std::string_view text, Add&& add) noexcept {
    if (text == "0") {
        return DurationFault::none;
    }
    std::size_t unit = 0;
    do {
        Decimal number;
        if (!take_decimal(text, number)) {
            return DurationFault::malformed;
        }
        const std::string_view name = text.substr(0, text.find_first_of(".0123456789"));
        if (name.empty()) {
            return text.empty() ? DurationFault::malformed : DurationFault::unknown_unit;
        }
        text.remove_prefix(name.size());
        const auto named = [name](const TimeUnit& candidate) { return candidate.name == name; };
        std::size_t found = 0;
        while (found < time_units.size() && !named(time_units[found])) {
            ++found;
        }
        if (found == time_units.size()) {
            return DurationFault::unknown_unit;
        }
        if (found < unit) {
            return DurationFault::malformed;
        }
        unit = found + 1;
        const DurationFault fault = add(number, time_units[found].nanoseconds);
        if (fault != DurationFault::none) {
            return fault;
        }
    } while (!text.empty());
    return DurationFault::none;
}

ATTUNE_DECL DurationFault read_duration(std::string_view text, std::int64_t tick,
                                        Quantity& count) noexcept {
    const bool negative = text.starts_with('-');
    text.remove_prefix(negative ? 1 : 0);
    uint128 sum = 0;
    const DurationFault fault =
        read_terms(text, [&sum](const Decimal& number, std::int64_t unit) noexcept {
            uint128 term = 0;
            switch (scale(number, static_cast<std::uint64_t>(unit), term)) {
            case Scaled::exact: break;
            case Scaled::fraction: return DurationFault::inexact;
            case Scaled::overflow: return DurationFault::overflow;
            }
            if (term > ~uint128{0} - sum) {
                return DurationFault::overflow;
            }
            sum += term;
            return DurationFault::none;
        });
    if (fault != DurationFault::none) {
        return fault;
    }
    const auto divisor = static_cast<std::uint64_t>(tick);
    if (sum % divisor != 0) {
        return DurationFault::inexact;
    }
    sum /= divisor;
    const uint128 most = negative ? uint128{1} << 63 : ~std::uint64_t{0};
    if (sum > most) {
        return DurationFault::overflow;
    }
    const auto magnitude = static_cast<std::uint64_t>(sum);
    count = negative ? Quantity(static_cast<std::int64_t>(-magnitude)) : Quantity(magnitude);
    return DurationFault::none;
}

ATTUNE_DECL DurationFault read_real_duration(std::string_view text, std::int64_t tick,
                                             double& count) noexcept {
    const bool negative = text.starts_with('-');
    text.remove_prefix(negative ? 1 : 0);
    double sum = 0;
    const DurationFault fault =
        read_terms(text, [&sum, tick](const Decimal& number, std::int64_t unit) noexcept {
            double value = 0;
            const char* const end = number.fraction.empty()
                                        ? number.whole.data() + number.whole.size()
                                        : number.fraction.data() + number.fraction.size();
            if (std::from_chars(number.whole.data(), end, value).ec != std::errc{}) {
                return DurationFault::overflow;
            }
            sum += unit == tick ? value
                                : value * static_cast<double>(unit) / static_cast<double>(tick);
            return DurationFault::none;
        });
    count = negative ? -sum : sum;
    return fault != DurationFault::none || std::isfinite(count) ? fault : DurationFault::overflow;
}

// In the largest unit that is not larger than a tick: exact for std::chrono's units up to days.
ATTUNE_DECL std::string write_real_duration(double count, std::int64_t tick) {
    std::size_t unit = 0;
    while (time_units[unit].nanoseconds > tick) {
        ++unit;
    }
    const std::int64_t nanoseconds = time_units[unit].nanoseconds;
    if (nanoseconds != tick) {
        count = count * static_cast<double>(tick) / static_cast<double>(nanoseconds);
    }
    // A double has at most 309 digits before the point and 1074 after it.
    std::array<char, 1400> buffer;
    const std::to_chars_result end = std::to_chars(buffer.data(), buffer.data() + buffer.size(),
                                                   count, std::chars_format::fixed);
    return std::string(buffer.data(), end.ptr).append(time_units[unit].name);
}

ATTUNE_DECL std::string write_duration(const Quantity& count, std::int64_t tick) {
    if (count.is_real()) {
        return write_real_duration(count.real(), tick);
    }
    const std::uint64_t magnitude = count.is_negative() ? -count.bits() : count.bits();
    uint128 rest = uint128{magnitude} * static_cast<std::uint64_t>(tick);
    std::string text;
    if (rest == 0) {
        text = "0s";
    } else if (count.is_negative()) {
        text = "-";
    }
    for (const TimeUnit& unit : time_units) {
        const auto nanoseconds = static_cast<std::uint64_t>(unit.nanoseconds);
        uint128 whole = rest / nanoseconds;
        rest %= nanoseconds;
        if (whole != 0) {
            // std::to_chars does not take 128 bits, and ticks may be longer than a day.
            std::array<char, 40> digits;
            std::size_t first = digits.size();
            for (; whole != 0; whole /= 10) {
                digits[--first] = static_cast<char>('0' + static_cast<int>(whole % 10));
            }
            text.append(digits.data() + first, digits.size() - first).append(unit.name);
        }
    }
    return text;
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

/// Makes the description of T; specialised in impl/type.hpp.
template <class T>
struct Describe;

/// The description of T.
template <class T>
inline constexpr auto type_object = Describe<T>::make();

}  // namespace attune::inline ATTUNE_ABI::detail

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

namespace attune::inline ATTUNE_ABI::detail {

// An array of `count` elements, which are moved from. O(n).
ATTUNE_DECL Document make_array(Document* elements, std::size_t count);

// Two members with one key, by their places among the members given.
struct Repeated {
    std::size_t first = 0;
    std::size_t second = 0;
};

// An object of `count` members, keys and values in turn, which are moved from. O(n) when they are
// sorted, else O(n log n). Of equal keys the last one wins; when `repeated` is given, the first
// repetition is written there instead and the result is null.
ATTUNE_DECL Document make_object(Document* slots, std::size_t count, Repeated* repeated = nullptr);

// One change of an object: a member to set, or one to remove.
struct Edit {
    Document key;
    Document value;
    bool erase = false;
};

// The object with `count` edits, which come in key order, one per key. Copies paths when they are
// few, builds anew when they are many; what has not changed is shared in either case.
ATTUNE_DECL Document edited(const Document& object, const Edit* edits, std::size_t count);

}  // namespace attune::inline ATTUNE_ABI::detail

// Objects and arrays are one structure: a persistent B+-tree over a sequence of entries, found by
// their index. An entry is one slot in an array (the element) and two in an object (key, value);
// the entries of an object are sorted by key, which makes them searchable as well.
//
// A container is the root node, or null when empty. Nodes never change once they are made. All
// leaves are on one level, and every node but the root is at least half full.

namespace attune::inline ATTUNE_ABI::detail {

// Entries of a leaf, children of an inner node. Smaller nodes make an edit copy fewer slots and
// touch fewer reference counts, larger ones make the tree flatter.
inline constexpr std::size_t node_capacity = 16;
inline constexpr std::size_t node_minimum = node_capacity / 2;

// Header of a node. What follows it in memory:
//   leaf:        Document slots[used * stride]
//   inner node:  const Node* children[used]; size_t ends[used]; Cell keys[used] if stride is 2
// `ends` is the number of entries up to and including a child. `keys` are the first keys of the
// children, borrowed from their leaves.
struct alignas(8) Node : Counted {
    Node(std::size_t level_, std::size_t stride_, std::size_t used_) noexcept
        : used(static_cast<std::uint16_t>(used_)),
          level(static_cast<std::uint8_t>(level_)),
          stride(static_cast<std::uint8_t>(stride_)) {}

    std::uint16_t used;
    std::uint8_t level;  // 0 is a leaf
    std::uint8_t stride;

    void* storage() noexcept { return this + 1; }
    const void* storage() const noexcept { return this + 1; }

    const Document* slots() const noexcept {
        return std::launder(static_cast<const Document*>(storage()));
    }
    const Node* const* children() const noexcept {
        return std::launder(static_cast<const Node* const*>(storage()));
    }
    const std::size_t* ends() const noexcept {
        return std::launder(reinterpret_cast<const std::size_t*>(children() + used));
    }
    const Cell* keys() const noexcept {
        return std::launder(reinterpret_cast<const Cell*>(ends() + used));
    }

    std::size_t size() const noexcept { return level == 0 ? used : ends()[used - 1]; }

    // Index of the first entry below a child.
    std::size_t start(std::size_t child) const noexcept {
        return child == 0 ? 0 : ends()[child - 1];
    }

    // Nodes of objects only.
    const Cell& first_key() const noexcept {
        return level == 0 ? Access::cell(slots()[0]) : keys()[0];
    }
};

inline Cell container(Tag tag, const Node* root) noexcept {
    return Cell::of(tag, static_cast<const Counted*>(root));
}

// The root of an array or object.
inline const Node* root_of(const Cell& cell) noexcept {
    return static_cast<const Node*>(cell.block());
}

inline const Node* root_of(const Document& container) noexcept {
    return root_of(Access::cell(container));
}

inline bool is_container(const Document& document) noexcept {
    return Access::cell(document).tag >= Tag::array;
}

// An owning pointer to a node, or null.
class NodeRef {
public:
    NodeRef() noexcept = default;
    explicit NodeRef(const Node* adopted) noexcept : node_(adopted) {}
    NodeRef(NodeRef&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
    NodeRef(const NodeRef&) = delete;
    NodeRef& operator=(const NodeRef&) = delete;
    NodeRef& operator=(NodeRef&& other) noexcept {
        std::swap(node_, other.node_);
        return *this;
    }
    ~NodeRef() { release(container(Tag::array, node_)); }

    const Node* operator->() const noexcept { return node_; }
    const Node* get() const noexcept { return node_; }
    explicit operator bool() const noexcept { return node_ != nullptr; }
    const Node* surrender() noexcept { return std::exchange(node_, nullptr); }

private:
    const Node* node_ = nullptr;
};

// A child with what its parent knows about it, so that nobody has to look at the child.
struct Child {
    const Node* node;
    std::size_t size;
    Cell key;
};

ATTUNE_DECL std::size_t node_bytes(std::size_t level, std::size_t stride,
                                   std::size_t used) noexcept;

// A node whose contents are still to be made, in full and without an exception.
ATTUNE_DECL Node* allocate_node(std::size_t level, std::size_t stride, std::size_t used);

// A leaf that shares what the cells hold.
ATTUNE_DECL NodeRef make_leaf(const Cell* cells, std::size_t stride, std::size_t used);

// An inner node that shares the children.
ATTUNE_DECL NodeRef make_inner(const Child* list, std::size_t level, std::size_t stride,
                               std::size_t used);

ATTUNE_DECL Child child_of(const Node* node) noexcept;

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL std::size_t node_bytes(std::size_t level, std::size_t stride,
                                   std::size_t used) noexcept {
    const std::size_t leaf_entry = stride * sizeof(Document);
    const std::size_t inner_entry =
        sizeof(Node*) + sizeof(std::size_t) + (stride == 2 ? sizeof(Cell) : 0);
    return sizeof(Node) + used * (level == 0 ? leaf_entry : inner_entry);
}

ATTUNE_DECL Node* allocate_node(std::size_t level, std::size_t stride, std::size_t used) {
    return new (::operator new(node_bytes(level, stride, used))) Node(level, stride, used);
}

// Reference counts of cold blocks are cache misses that a locked increment would take one by one.
inline void prefetch(const Counted* block) noexcept {
#if defined(__GNUC__)
    __builtin_prefetch(block, 1);
#else
    static_cast<void>(block);
#endif
}

ATTUNE_DECL void prefetch(const Cell* cells, std::size_t count) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
        if (cells[i].counted()) {
            prefetch(cells[i].block());
        }
    }
}

ATTUNE_DECL NodeRef make_leaf(const Cell* cells, std::size_t stride, std::size_t used) {
    Node* const node = allocate_node(0, stride, used);
    prefetch(cells, used * stride);
    auto* const slots = static_cast<Document*>(node->storage());
    for (std::size_t i = 0; i < used * stride; ++i) {
        retain(cells[i]);
        new (slots + i) Document(Access::adopt(cells[i]));
    }
    return NodeRef(node);
}

ATTUNE_DECL NodeRef make_inner(const Child* list, std::size_t level, std::size_t stride,
                               std::size_t used) {
    Node* const node = allocate_node(level, stride, used);
    for (std::size_t i = 0; i < used; ++i) {
        prefetch(list[i].node);
    }
    auto* const children = static_cast<const Node**>(node->storage());
    auto* const ends = reinterpret_cast<std::size_t*>(children + used);
    auto* const keys = reinterpret_cast<Cell*>(ends + used);
    std::size_t end = 0;
    for (std::size_t i = 0; i < used; ++i) {
        list[i].node->references.fetch_add(1, std::memory_order_relaxed);
        end += list[i].size;
        new (children + i) const Node*(list[i].node);
        new (ends + i) std::size_t(end);
        if (stride == 2) {
            new (keys + i) Cell(list[i].key);
        }
    }
    return NodeRef(node);
}

ATTUNE_DECL Child child_of(const Node* node) noexcept {
    return {node, node->size(), node->stride == 2 ? node->first_key() : Cell{}};
}

// Gives up one reference to a block; true when it was the last one.
inline bool drop(const Counted* block) noexcept {
    return block->references.fetch_sub(1, std::memory_order_acq_rel) == 1;
}

// The places in a node that may refer to blocks: slots of a leaf, children of an inner node.
inline std::size_t places(const Node& node) noexcept {
    return node.level == 0 ? std::size_t{node.used} * node.stride : node.used;
}

// Where a dead node keeps a pointer: in the place of a child it no longer has.
inline void* link_at(Node* node, std::size_t place) noexcept {
    auto* const base = static_cast<unsigned char*>(node->storage());
    return base + place * (node->level == 0 ? sizeof(Document) : sizeof(Node*));
}

ATTUNE_DECL void prefetch_places(const Node& node) noexcept {
    if (node.level == 0) {
        for (std::size_t i = 0; i < places(node); ++i) {
            const Cell& cell = Access::cell(node.slots()[i]);
            if (cell.counted()) {
                prefetch(cell.block());
            }
        }
    } else {
        for (std::size_t i = 0; i < node.used; ++i) {
            prefetch(node.children()[i]);
        }
    }
}

// Gives up what the places from `place` on hold, up to the first node that dies of it: that one is
// returned, and `place` is the one after it. Null at the end.
ATTUNE_DECL Node* next_dead_child(Node& node, std::uint32_t& place) noexcept {
    while (place < places(node)) {
        if (node.level > 0) {
            const Node* const child = node.children()[place++];
            if (drop(child)) {
                return const_cast<Node*>(child);
            }
            continue;
        }
        const Cell cell = Access::cell(node.slots()[place++]);
        if (!cell.counted() || !cell.block() || !drop(cell.block())) {
            continue;
        }
        if (cell.tag >= Tag::array) {
            return const_cast<Node*>(root_of(cell));
        }
        ::operator delete(const_cast<Counted*>(cell.block()));
    }
    return nullptr;
}

// Documents can be nested deeper than the stack. A dead node remembers how far it is emptied in its
// reference count, and its parent in the place of the child that is being emptied.
ATTUNE_DECL void destroy(Cell cell) noexcept {
    if (cell.tag < Tag::array) {
        return ::operator delete(const_cast<Counted*>(cell.block()));
    }

    Node* parent = nullptr;
    Node* node = const_cast<Node*>(root_of(cell));
    std::uint32_t place = 0;
    prefetch_places(*node);
    for (;;) {
        if (Node* const child = next_dead_child(*node, place)) {
            std::memcpy(link_at(node, place - 1), &parent, sizeof parent);
            node->references.store(place, std::memory_order_relaxed);
            parent = std::exchange(node, child);
            place = 0;
            prefetch_places(*node);
            continue;
        }
        ::operator delete(node);
        if (!parent) {
            return;
        }
        node = parent;
        place = node->references.load(std::memory_order_relaxed);
        std::memcpy(&parent, link_at(node, place - 1), sizeof parent);
    }
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

// By bytes, as std::string_view does. Both are strings, and neither is text.
ATTUNE_DECL int compare_keys(const Cell& a, const Cell& b) noexcept;

// A key to search for, without a copy of its characters: lives as long as they do.
class Probe {
public:
    ATTUNE_DECL explicit Probe(std::string_view key) noexcept;

    // Below, at or above zero when this key is before, equal to or after `other`.
    ATTUNE_DECL int compare(const Cell& other) const noexcept;

private:
    std::string_view key_;
    Cell short_;
};

struct Found {
    const Document* slot = nullptr;  // the key, followed by its value; null when there is none
    std::size_t index = 0;           // where it is, or would be
};

ATTUNE_DECL Found find_key(const Node* root, const Probe& probe) noexcept;

// The slots from entry `index` to the end of its leaf.
struct Run {
    const Document* first = nullptr;
    const Document* last = nullptr;
};

// The child whose entries include `index`, or the last one.
ATTUNE_DECL std::size_t child_at(const Node& node, std::size_t index) noexcept;

// The index must be below the size.
ATTUNE_DECL Run run_at(const Node* root, std::size_t index) noexcept;

// The value one level down; null when there is none.
ATTUNE_DECL const Document* child(const Document& document, std::string_view token) noexcept;

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

inline std::uint64_t big_endian(const unsigned char* bytes) noexcept {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes, sizeof word);
    if constexpr (std::endian::native == std::endian::big) {
        return word;
    }
    word = (word & 0x00000000FFFFFFFF) << 32 | word >> 32;
    word = (word & 0x0000FFFF0000FFFF) << 16 | (word >> 16 & 0x0000FFFF0000FFFF);
    return (word & 0x00FF00FF00FF00FF) << 8 | (word >> 8 & 0x00FF00FF00FF00FF);
}

inline int compare_short(const Cell& a, const Cell& b) noexcept {
    std::uint64_t x = big_endian(a.bytes);
    std::uint64_t y = big_endian(b.bytes);
    if (x == y) {
        x = big_endian(reinterpret_cast<const unsigned char*>(&a) + 8);
        y = big_endian(reinterpret_cast<const unsigned char*>(&b) + 8);
    }
    return x < y ? -1 : x > y ? 1 : 0;
}

ATTUNE_DECL int compare_keys(const Cell& a, const Cell& b) noexcept {
    if (a.same(b)) {
        return 0;
    }
    if (!a.counted() && !b.counted()) {
        return compare_short(a, b);
    }
    return view(a).compare(view(b));
}

ATTUNE_DECL Probe::Probe(std::string_view key) noexcept : key_(key) {
    if (key.size() <= Cell::short_capacity) {
        short_ = Cell::short_string(Tag::string, key);
    }
}

ATTUNE_DECL int Probe::compare(const Cell& other) const noexcept {
    if (short_.tag == Tag::string && !other.counted()) {
        return compare_short(short_, other);
    }
    return key_.compare(view(other));
}

ATTUNE_DECL Found find_key(const Node* root, const Probe& probe) noexcept {
    if (!root) {
        return {};
    }
    const Node* node = root;
    std::size_t index = 0;
    while (node->level > 0) {
        // The last child whose first key is not after the probe.
        std::size_t low = 0;
        std::size_t high = node->used;
        while (high - low > 1) {
            const std::size_t middle = (low + high) / 2;
            (probe.compare(node->keys()[middle]) < 0 ? high : low) = middle;
        }
        index += node->start(low);
        node = node->children()[low];
    }

    std::size_t low = 0;
    std::size_t high = node->used;
    while (low < high) {
        const std::size_t middle = (low + high) / 2;
        const Document* const slot = node->slots() + 2 * middle;
        const int order = probe.compare(Access::cell(*slot));
        if (order == 0) {
            return {slot, index + middle};
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return {nullptr, index + low};
}

ATTUNE_DECL std::size_t child_at(const Node& node, std::size_t index) noexcept {
    const std::size_t* const ends = node.ends();
    std::size_t child = 0;
    while (child + 1 < node.used && ends[child] <= index) {
        ++child;
    }
    return child;
}

ATTUNE_DECL Run run_at(const Node* root, std::size_t index) noexcept {
    const Node* node = root;
    while (node->level > 0) {
        const std::size_t child = child_at(*node, index);
        index -= node->start(child);
        node = node->children()[child];
    }
    return {node->slots() + index * node->stride,
            node->slots() + std::size_t{node->used} * node->stride};
}

ATTUNE_DECL const Document* child(const Document& document, std::string_view token) noexcept {
    if (!document.is_array()) {
        return document.find(token);
    }
    const std::optional<std::size_t> index = element_index(token);
    return index ? document.find(*index) : nullptr;
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

// A container with one entry changed. `key` must stand for a member and be null for an element.
ATTUNE_DECL Document replaced(const Document& container, std::size_t index, const Document& value);
ATTUNE_DECL Document inserted(const Document& container, std::size_t index, const Document& key,
                              const Document& value);
ATTUNE_DECL Document erased(const Document& container, std::size_t index);

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

// What stands in the place of one node after a change: nothing, one node, or two.
struct Nodes {
    NodeRef first;
    NodeRef second;
};

struct Change {
    enum class Type : std::uint8_t { replace, insert, erase } type;
    Cell key;
    Cell value;
};

ATTUNE_DECL Nodes pack_leaf(const Cell* cells, std::size_t stride, std::size_t count) {
    Nodes nodes;
    if (count == 0) {
        return nodes;
    }
    const std::size_t half = count <= node_capacity ? count : count - count / 2;
    nodes.first = make_leaf(cells, stride, half);
    if (half != count) {
        nodes.second = make_leaf(cells + half * stride, stride, count - half);
    }
    return nodes;
}

ATTUNE_DECL Nodes pack_inner(const Child* list, std::size_t level, std::size_t stride,
                             std::size_t count) {
    Nodes nodes;
    if (count == 0) {
        return nodes;
    }
    const std::size_t half = count <= node_capacity ? count : count - count / 2;
    nodes.first = make_inner(list, level, stride, half);
    if (half != count) {
        nodes.second = make_inner(list + half, level, stride, count - half);
    }
    return nodes;
}

ATTUNE_DECL Child* list_children(const Node& node, std::size_t from, std::size_t to,
                                 Child* out) noexcept {
    for (std::size_t i = from; i < to; ++i) {
        *out++ = {node.children()[i], node.ends()[i] - node.start(i),
                  node.stride == 2 ? node.keys()[i] : Cell{}};
    }
    return out;
}

ATTUNE_DECL Cell* list_cells(const Node& leaf, std::size_t from, std::size_t to,
                             Cell* out) noexcept {
    for (std::size_t i = from * leaf.stride; i < to * leaf.stride; ++i) {
        *out++ = Access::cell(leaf.slots()[i]);
    }
    return out;
}

// Two neighbours as one node, or as two that are both half full.
ATTUNE_DECL Nodes join(const Node& left, const Node& right) {
    const std::size_t count = std::size_t{left.used} + right.used;
    if (left.level == 0) {
        std::array<Cell, 4 * node_capacity> cells;
        list_cells(right, 0, right.used, list_cells(left, 0, left.used, cells.data()));
        return pack_leaf(cells.data(), left.stride, count);
    }
    std::array<Child, 2 * node_capacity> list;
    list_children(right, 0, right.used, list_children(left, 0, left.used, list.data()));
    return pack_inner(list.data(), left.level, left.stride, count);
}

ATTUNE_DECL Nodes change_leaf(const Node& leaf, std::size_t index, const Change& change) {
    std::array<Cell, 2 * (node_capacity + 1)> cells;
    Cell* out = list_cells(leaf, 0, index, cells.data());
    const bool insert = change.type == Change::Type::insert;
    if (change.type != Change::Type::erase) {
        if (leaf.stride == 2) {
            *out++ = insert ? change.key : Access::cell(leaf.slots()[index * 2]);
        }
        *out++ = change.value;
    }
    out = list_cells(leaf, index + (insert ? 0 : 1), leaf.used, out);
    const auto count = static_cast<std::size_t>(out - cells.data());
    return pack_leaf(cells.data(), leaf.stride, count / leaf.stride);
}

// The tree below `node` with the change at entry `index`, copying the path to it and no more.
ATTUNE_DECL Nodes change_node(const Node& node, std::size_t index, const Change& change) {
    if (node.level == 0) {
        return change_leaf(node, index, change);
    }

    std::size_t first = child_at(node, index);
    std::size_t last = first + 1;
    Nodes fresh = change_node(*node.children()[first], index - node.start(first), change);
    if (fresh.first && !fresh.second && fresh.first->used < node_minimum && node.used > 1) {
        if (first > 0) {
            --first;
            fresh = join(*node.children()[first], *fresh.first.get());
        } else {
            ++last;
            fresh = join(*fresh.first.get(), *node.children()[first + 1]);
        }
    }

    std::array<Child, node_capacity + 1> list;
    Child* out = list_children(node, 0, first, list.data());
    if (fresh.first) {
        *out++ = child_of(fresh.first.get());
    }
    if (fresh.second) {
        *out++ = child_of(fresh.second.get());
    }
    out = list_children(node, last, node.used, out);
    return pack_inner(list.data(), node.level, node.stride,
                      static_cast<std::size_t>(out - list.data()));
}

ATTUNE_DECL Document changed(const Document& document, std::size_t index, const Change& change) {
    const Tag tag = Access::cell(document).tag;
    const Node* const root = root_of(document);
    if (!root) {
        const std::array<Cell, 2> entry{change.key, change.value};
        const std::size_t stride = tag == Tag::object ? 2 : 1;
        return Access::adopt(
            container(tag, make_leaf(entry.data() + (2 - stride), stride, 1).surrender()));
    }

    Nodes nodes = change_node(*root, index, change);
    if (nodes.second) {
        const std::array<Child, 2> list{child_of(nodes.first.get()), child_of(nodes.second.get())};
        nodes.first = make_inner(list.data(), nodes.first->level + 1u, nodes.first->stride, 2);
    }
    while (nodes.first && nodes.first->level > 0 && nodes.first->used == 1) {
        const Node* const only = nodes.first->children()[0];
        only->references.fetch_add(1, std::memory_order_relaxed);
        nodes.first = NodeRef(only);
    }
    return Access::adopt(container(tag, nodes.first.surrender()));
}

ATTUNE_DECL Document replaced(const Document& container, std::size_t index, const Document& value) {
    return changed(container, index, {Change::Type::replace, {}, Access::cell(value)});
}

ATTUNE_DECL Document inserted(const Document& container, std::size_t index, const Document& key,
                              const Document& value) {
    return changed(container, index,
                   {Change::Type::insert, Access::cell(key), Access::cell(value)});
}

ATTUNE_DECL Document erased(const Document& container, std::size_t index) {
    return changed(container, index, {Change::Type::erase, {}, {}});
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

// Entries in the order they will have; moved from when they are taken.
struct Entries {
    Document* slots;
    std::size_t count;
    std::size_t stride;
    const std::size_t* order;  // null: as they are

    Document* entry(std::size_t index) const noexcept {
        return slots + (order ? order[index] : index) * stride;
    }
};

ATTUNE_DECL NodeRef take_leaf(const Entries& entries, std::size_t first, std::size_t used) {
    const std::size_t stride = entries.stride;
    Node* const node = allocate_node(0, stride, used);
    auto* slot = static_cast<Document*>(node->storage());
    for (std::size_t i = first; i < first + used; ++i) {
        Document* const entry = entries.entry(i);
        for (std::size_t part = 0; part < stride; ++part) {
            new (slot++) Document(std::move(entry[part]));
        }
    }
    return NodeRef(node);
}

// A tree with its nodes filled evenly, so that none is less than half full.
ATTUNE_DECL Document build(Tag tag, const Entries& entries) {
    if (entries.count == 0) {
        return Access::adopt(container(tag, nullptr));
    }
    if (entries.count <= node_capacity) {
        return Access::adopt(container(tag, take_leaf(entries, 0, entries.count).surrender()));
    }

    std::vector<NodeRef> nodes;
    std::size_t done = 0;
    const auto make_level = [&](std::size_t count, const auto& make) {
        const std::size_t wanted = (count + node_capacity - 1) / node_capacity;
        std::vector<NodeRef> level;
        level.reserve(wanted);
        done = 0;
        for (std::size_t i = 0; i < wanted; ++i) {
            const std::size_t used = count / wanted + (i < count % wanted ? 1 : 0);
            level.push_back(make(done, used));
            done += used;
        }
        nodes = std::move(level);
    };

    make_level(entries.count, [&](std::size_t first, std::size_t used) {
        return take_leaf(entries, first, used);
    });
    for (std::size_t height = 1; nodes.size() > 1; ++height) {
        make_level(nodes.size(), [&](std::size_t first, std::size_t used) {
            std::array<Child, node_capacity> list;
            for (std::size_t i = 0; i < used; ++i) {
                list[i] = child_of(nodes[first + i].get());
            }
            return make_inner(list.data(), height, entries.stride, used);
        });
    }
    return Access::adopt(container(tag, nodes.front().surrender()));
}

ATTUNE_DECL bool is_sorted_and_unique(const Document* slots, std::size_t count) noexcept {
    for (std::size_t i = 1; i < count; ++i) {
        if (compare_keys(Access::cell(slots[2 * i - 2]), Access::cell(slots[2 * i])) >= 0) {
            return false;
        }
    }
    return true;
}

ATTUNE_DECL Document make_array(Document* elements, std::size_t count) {
    return build(Tag::array, {elements, count, 1, nullptr});
}

ATTUNE_DECL Document make_object(Document* slots, std::size_t count, Repeated* repeated) {
    if (is_sorted_and_unique(slots, count)) {
        return build(Tag::object, {slots, count, 2, nullptr});
    }

    std::array<std::size_t, 2 * node_capacity> few;
    std::vector<std::size_t> many(count > few.size() ? count : 0);
    std::size_t* const order = many.empty() ? few.data() : many.data();
    std::iota(order, order + count, std::size_t{0});
    const auto compare = [&](std::size_t a, std::size_t b) {
        return compare_keys(Access::cell(slots[2 * a]), Access::cell(slots[2 * b]));
    };
    std::sort(order, order + count, [&](std::size_t a, std::size_t b) {
        const int keys = compare(a, b);
        return keys != 0 ? keys < 0 : a < b;
    });

    std::size_t kept = 0;
    bool found = false;
    for (std::size_t i = 0, end = 0; i < count; i = end) {
        for (end = i + 1; end < count && compare(order[i], order[end]) == 0;) {
            ++end;
        }
        if (repeated && end - i > 1 && (!found || order[i + 1] < repeated->second)) {
            *repeated = {order[i], order[i + 1]};
            found = true;
        }
        order[kept++] = order[end - 1];
    }
    if (found) {
        return {};
    }
    return build(Tag::object, {slots, kept, 2, order});
}

// Cheaper than building anew: each edit copies about as much as eight members take.
ATTUNE_DECL bool are_few(std::size_t edits, std::size_t size) noexcept { return edits <= size / 8; }

ATTUNE_DECL Document edited(const Document& object, const Edit* edits, std::size_t count) {
    if (are_few(count, object.size())) {
        Document result = object;
        for (const Edit* edit = edits; edit != edits + count; ++edit) {
            const Found found = find_key(root_of(result), Probe(edit->key.as_string()));
            if (edit->erase) {
                if (found.slot) {
                    result = erased(result, found.index);
                }
            } else if (found.slot) {
                result = replaced(result, found.index, edit->value);
            } else {
                result = inserted(result, found.index, edit->key, edit->value);
            }
        }
        return result;
    }

    std::vector<Document> slots;
    slots.reserve(2 * (object.size() + count));
    const Edit* const last = edits + count;
    const auto add = [&] {
        if (!edits->erase) {
            slots.push_back(edits->key);
            slots.push_back(edits->value);
        }
        ++edits;
    };
    for (Cursor member(object); !member.done(); member.advance()) {
        const Cell& key = Access::cell(member[0]);
        while (edits != last && compare_keys(Access::cell(edits->key), key) < 0) {
            add();
        }
        if (edits != last && compare_keys(Access::cell(edits->key), key) == 0) {
            add();
        } else {
            slots.push_back(member[0]);
            slots.push_back(member[1]);
        }
    }
    while (edits != last) {
        add();
    }
    return make_object(slots.data(), slots.size() / 2);
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

// The kind of a value as messages name it, "a string". The value itself is not for messages.
ATTUNE_DECL std::string describe(const Document& document);

// The end of a message about a member that does not exist: `; did you mean "port"?`, or nothing
// when no name is near.
ATTUNE_DECL std::string did_you_mean(const Document& object, std::string_view name);

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI {

/// The name that somebody who wrote `word` most likely meant; empty when none is near.
///
/// Near is an optimal string alignment distance (insert, erase, replace, swap neighbours; ASCII
/// letters match in either case) of at most a third of the word's length, and at least one. The
/// first of several equally near names wins. O(names * length^2).
ATTUNE_DECL std::string nearest(std::string_view word, std::span<const std::string_view> names);

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI {

namespace detail {

ATTUNE_DECL char lower_case(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Optimal string alignment, three rows of the table at a time.
ATTUNE_DECL std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before_last(b.size() + 1);
    std::vector<std::size_t> last(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) {
        row[j] = j;
    }

    const auto equal = [&](std::size_t i, std::size_t j) {
        return lower_case(a[i]) == lower_case(b[j]);
    };
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::swap(before_last, last);
        std::swap(last, row);
        row[0] = i + 1;
        for (std::size_t j = 0; j < b.size(); ++j) {
            row[j + 1] = std::min({last[j] + (equal(i, j) ? 0 : 1), last[j + 1] + 1, row[j] + 1});
            if (i > 0 && j > 0 && equal(i, j - 1) && equal(i - 1, j)) {
                row[j + 1] = std::min(row[j + 1], before_last[j - 1] + 1);
            }
        }
    }
    return row[b.size()];
}

}  // namespace detail

ATTUNE_DECL std::string nearest(std::string_view word, std::span<const std::string_view> names) {
    const std::size_t limit = std::max<std::size_t>(1, word.size() / 3);
    std::size_t best = limit + 1;
    std::string_view found;
    for (const std::string_view name : names) {
        const std::size_t longer = std::max(word.size(), name.size());
        const std::size_t shorter = std::min(word.size(), name.size());
        if (longer - shorter >= best) {
            continue;
        }
        const std::size_t distance = detail::edit_distance(word, name);
        // Where every letter would have to change, nothing is alike.
        if (distance < best && distance < longer) {
            best = distance;
            found = name;
        }
    }
    return std::string(found);
}

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL std::string describe(const Document& document) {
    switch (document.kind()) {
    case Kind::null: return "null";
    case Kind::boolean: return "a boolean";
    case Kind::integer: return "an integer";
    case Kind::real: return "a real number";
    case Kind::string: return "a string";
    case Kind::array: return "an array";
    case Kind::object: return "an object";
    }
    return {};
}

ATTUNE_DECL std::string did_you_mean(const Document& object, std::string_view name) {
    std::vector<std::string_view> names;
    names.reserve(object.size());
    for (const Member member : object.members()) {
        names.push_back(member.key);
    }
    const std::string near = nearest(name, names);
    return near.empty() ? "" : "; did you mean \"" + near + "\"?";
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

struct Node;

// One place in two documents; null where a document has nothing.
struct Delta {
    const Document* before;
    const Document* after;

    bool same() const noexcept {
        return before == after || (before != nullptr && after != nullptr && before->same(*after));
    }
};

// No tree that fits into memory is higher: 2 * 8^20 entries.
inline constexpr std::size_t max_levels = 22;

enum class Direction : std::uint8_t { forward, backward };

// A walk over one container that stands at a whole node for as long as nobody looks into it: two
// walks that stand at the same node pass it in one step.
class Walk {
public:
    // Null is the empty container.
    explicit Walk(const Node* root, Direction direction = Direction::forward) noexcept
        : node_(root), backward_(direction == Direction::backward) {}

    bool done() const noexcept { return !node_ && !slot_; }

    // One of these is set unless the walk is done: the node whose entries come next, or the
    // entry inside a leaf.
    const Node* node() const noexcept { return node_; }
    const Document* slot() const noexcept { return slot_; }

    // From a node to its first child or entry.
    ATTUNE_DECL void descend() noexcept;

    // Past the node or the entry.
    ATTUNE_DECL void skip() noexcept;

private:
    struct Step {
        const Node* node;
        std::size_t index;
    };

    ATTUNE_DECL void stand() noexcept;

    const Node* node_ = nullptr;
    const Document* slot_ = nullptr;
    bool backward_;
    std::size_t depth_ = 0;
    Step steps_[max_levels];
};

// Pairs of entries at equal indexes of two containers, counted from either end, except where both
// share the node; ends with the shorter one.
class Lockstep {
public:
    ATTUNE_DECL Lockstep(const Document& before, const Document& after,
                         Direction direction = Direction::forward) noexcept;

    // Moves to the next pair; false when there is none.
    ATTUNE_DECL bool next() noexcept;

    // Counted from the end where the walk began.
    std::size_t index() const noexcept { return next_ - 1; }
    const Document* before() const noexcept { return before_.slot(); }
    const Document* after() const noexcept { return after_.slot(); }

private:
    Walk before_;
    Walk after_;
    std::size_t next_ = 0;
};

// Members of two objects that are not `same`, in key order.
class Differences {
public:
    ATTUNE_DECL Differences(const Document& before, const Document& after) noexcept;

    // Moves to the next difference; false when there is none.
    ATTUNE_DECL bool next() noexcept;

    std::string_view key() const noexcept { return key_document().as_string(); }
    const Document& key_document() const noexcept {
        return before_slot_ ? *before_slot_ : *after_slot_;
    }
    const Document* before() const noexcept { return before_slot_ ? before_slot_ + 1 : nullptr; }
    const Document* after() const noexcept { return after_slot_ ? after_slot_ + 1 : nullptr; }

private:
    Walk before_;
    Walk after_;
    const Document* before_slot_ = nullptr;
    const Document* after_slot_ = nullptr;
};

// The entries that differ in two objects, or at equal indexes of two arrays, and the token of the
// current one.
class ChangedEntries {
public:
    // Of one kind.
    ATTUNE_DECL ChangedEntries(const Document& before, const Document& after) noexcept;

    ATTUNE_DECL bool next() noexcept;

    ATTUNE_DECL std::string token() const;
    // Elements only.
    std::size_t index() const noexcept { return elements_.index(); }
    ATTUNE_DECL const Document* before() const noexcept;
    ATTUNE_DECL const Document* after() const noexcept;

private:
    bool object_;  // which of the two counts
    Differences members_;
    Lockstep elements_;
};

// How many of the first `most` elements of two arrays are equal in turn, seen from one end: none
// after the first pair that differs. Skips what both share. Both must have that many elements.
ATTUNE_DECL std::size_t count_equal(const Document& before, const Document& after,
                                    Direction direction, std::size_t most) noexcept;

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL void Walk::stand() noexcept {
    const Step& step = steps_[depth_ - 1];
    const bool leaf = step.node->level == 0;
    node_ = leaf ? nullptr : step.node->children()[step.index];
    slot_ = leaf ? step.node->slots() + step.index * step.node->stride : nullptr;
}

ATTUNE_DECL void Walk::descend() noexcept {
    steps_[depth_++] = {node_, backward_ ? node_->used - std::size_t{1} : 0};
    stand();
}

ATTUNE_DECL void Walk::skip() noexcept {
    while (depth_ > 0) {
        Step& step = steps_[depth_ - 1];
        // Below zero is above every size.
        step.index += backward_ ? std::size_t(-1) : 1;
        if (step.index < step.node->used) {
            return stand();
        }
        --depth_;
    }
    node_ = nullptr;
    slot_ = nullptr;
}

ATTUNE_DECL Lockstep::Lockstep(const Document& before, const Document& after,
                               Direction direction) noexcept
    : before_(is_container(before) ? root_of(before) : nullptr, direction),
      after_(is_container(after) ? root_of(after) : nullptr, direction) {}

ATTUNE_DECL bool Lockstep::next() noexcept {
    if (before_.slot()) {
        before_.skip();
        after_.skip();
    }
    while (!before_.done() && !after_.done()) {
        const Node* const a = before_.node();
        const Node* const b = after_.node();
        if (!a && !b) {
            ++next_;
            return true;
        }
        if (a == b) {
            next_ += a->size();
            before_.skip();
            after_.skip();
            continue;
        }
        if (a && (!b || a->level >= b->level)) {
            before_.descend();
        }
        if (b && (!a || b->level >= a->level)) {
            after_.descend();
        }
    }
    return false;
}

ATTUNE_DECL Differences::Differences(const Document& before, const Document& after) noexcept
    : before_(before.is_object() ? root_of(before) : nullptr),
      after_(after.is_object() ? root_of(after) : nullptr) {}

ATTUNE_DECL bool Differences::next() noexcept {
    if (before_slot_) {
        before_.skip();
    }
    if (after_slot_) {
        after_.skip();
    }
    before_slot_ = nullptr;
    after_slot_ = nullptr;

    for (;;) {
        const Node* const a = before_.node();
        const Node* const b = after_.node();
        if (a && a == b) {
            before_.skip();
            after_.skip();
            continue;
        }
        if (before_.done() && after_.done()) {
            return false;
        }

        // What comes next on each side. A shared node begins with the same key in both walks, so
        // the walk that is behind catches up before the other one looks inside.
        int order = before_.done() ? 1 : -1;
        if (!before_.done() && !after_.done()) {
            order = compare_keys(a ? a->first_key() : Access::cell(*before_.slot()),
                                 b ? b->first_key() : Access::cell(*after_.slot()));
        }
        const bool open_a = a && (order < 0 || (order == 0 && (!b || a->level >= b->level)));
        const bool open_b = b && (order > 0 || (order == 0 && (!a || b->level >= a->level)));
        if (open_a) {
            before_.descend();
        }
        if (open_b) {
            after_.descend();
        }
        if (open_a || open_b) {
            continue;
        }

        if (order == 0 && before_.slot()[1].same(after_.slot()[1])) {
            before_.skip();
            after_.skip();
            continue;
        }
        if (order <= 0) {
            before_slot_ = before_.slot();
        }
        if (order >= 0) {
            after_slot_ = after_.slot();
        }
        return true;
    }
}

ATTUNE_DECL ChangedEntries::ChangedEntries(const Document& before, const Document& after) noexcept
    : object_(before.is_object()), members_(before, after), elements_(before, after) {}

ATTUNE_DECL bool ChangedEntries::next() noexcept {
    if (object_) {
        return members_.next();
    }
    while (elements_.next()) {
        if (!elements_.before()->same(*elements_.after())) {
            return true;
        }
    }
    return false;
}

ATTUNE_DECL std::string ChangedEntries::token() const {
    return object_ ? std::string(members_.key()) : std::to_string(elements_.index());
}

ATTUNE_DECL const Document* ChangedEntries::before() const noexcept {
    return object_ ? members_.before() : elements_.before();
}

ATTUNE_DECL const Document* ChangedEntries::after() const noexcept {
    return object_ ? members_.after() : elements_.after();
}

ATTUNE_DECL std::size_t count_equal(const Document& before, const Document& after,
                                    Direction direction, std::size_t most) noexcept {
    for (Lockstep pair(before, after, direction); pair.next();) {
        if (pair.index() >= most || !(*pair.before() == *pair.after())) {
            return std::min(pair.index(), most);
        }
    }
    return most;
}

}  // namespace attune::inline ATTUNE_ABI::detail

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

// Types with nlohmann from_json and to_json of their own, found without including nlohmann/json.

namespace attune::inline ATTUNE_ABI::detail {

namespace lookup {

// Ends the look-up of names in the enclosing namespaces: only the type's own functions count.
void from_json() = delete;
void to_json() = delete;

// Stands for nlohmann::json. With that itself as the argument, nlohmann's own functions for
// enumerations, ranges and strings would be found as well, but only where all of nlohmann/json is
// included: one type would be described in two ways in one program.
struct Json {
    operator nlohmann::json&() const;
};

template <class T, class J>
concept Converts = requires(const J& in, J& out, T& target, const T& value) {
    from_json(in, target);
    to_json(out, value);
};

}  // namespace lookup

/// Classes and enumerations that say themselves how they are converted.
template <class T>
concept External = lookup::Converts<T, lookup::Json>;

/// Types that cannot be bound in another way: for them no confusion is possible.
template <class T>
concept OnlyExternal =
    std::is_class_v<T> && !std::is_aggregate_v<T> && lookup::Converts<T, nlohmann::json>;

template <class J>
concept JsonIncluded = Complete<JsonCodec<J>>;

template <class T, class J = nlohmann::json>
constexpr ExternalType external_type() noexcept {
    static_assert(JsonIncluded<J>,
                  "this type is bound by its nlohmann from_json: include "
                  "<attune/document/json.hpp>");
    return {{Shape::external, form::any & ~form::null},
            [](void* object, const Document& document) {
                const J json = JsonCodec<J>::encode(document);
                from_json(json, *static_cast<T*>(object));
            },
            [](const void* object) {
                J json;
                to_json(json, *static_cast<const T*>(object));
                return JsonCodec<J>::decode(json);
            },
            [](const void* a, const void* b) {
                const T& left = *static_cast<const T*>(a);
                const T& right = *static_cast<const T*>(b);
                if constexpr (std::equality_comparable<T>) {
                    return left == right;
                } else {
                    J left_json;
                    J right_json;
                    to_json(left_json, left);
                    to_json(right_json, right);
                    return left_json == right_json;
                }
            }};
}

}  // namespace attune::inline ATTUNE_ABI::detail

// Structured bindings for every count of members up to 64: C++20 has no pack to write this with.

namespace attune::inline ATTUNE_ABI::detail {

template <std::size_t I, class P>
struct MemberPointer {
    P address;
};

template <class I, class... P>
struct MembersOver;

/// Pointers to the members of one struct, in their order: std::tuple without its compile time.
template <std::size_t... I, class... P>
struct MembersOver<std::index_sequence<I...>, P...> : MemberPointer<I, P>... {};

template <class... P>
using MemberPointers = MembersOver<std::index_sequence_for<P...>, P...>;

template <class... M>
constexpr auto point_to(M&... members) noexcept {
    return MemberPointers<M*...>{{std::addressof(members)}...};
}

template <std::size_t N>
struct Tie;

template <>
struct Tie<0> {
    template <class T>
    static constexpr MemberPointers<> members(T&) noexcept {
        return {};
    }
};

#define ATTUNE_TIE(N, ...)                                  \
    template <>                                             \
    struct Tie<N> {                                         \
        template <class T>                                  \
        static constexpr auto members(T& object) noexcept { \
            auto& [__VA_ARGS__] = object;                   \
            return point_to(__VA_ARGS__);                   \
        }                                                   \
    };

// clang-format off
ATTUNE_TIE(1, m0)
ATTUNE_TIE(2, m0, m1)
ATTUNE_TIE(3, m0, m1, m2)
ATTUNE_TIE(4, m0, m1, m2, m3)
ATTUNE_TIE(5, m0, m1, m2, m3, m4)
ATTUNE_TIE(6, m0, m1, m2, m3, m4, m5)
ATTUNE_TIE(7, m0, m1, m2, m3, m4, m5, m6)
ATTUNE_TIE(8, m0, m1, m2, m3, m4, m5, m6, m7)
ATTUNE_TIE(9, m0, m1, m2, m3, m4, m5, m6, m7, m8)
ATTUNE_TIE(10, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9)
ATTUNE_TIE(11, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10)
ATTUNE_TIE(12, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11)
ATTUNE_TIE(13, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12)
ATTUNE_TIE(14, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13)
ATTUNE_TIE(15, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14)
ATTUNE_TIE(16, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15)
ATTUNE_TIE(17, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16)
ATTUNE_TIE(18, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17)
ATTUNE_TIE(19, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18)
ATTUNE_TIE(20, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
    m19)
ATTUNE_TIE(21, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
    m19, m20)
ATTUNE_TIE(22, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
    m19, m20, m21)
ATTUNE_TIE(23, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
    m19, m20, m21, m22)
ATTUNE_TIE(24, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
    m19, m20, m21, m22, m23)
ATTUNE_TIE(25, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
    m19, m20, m21, m22, m23, m24)
ATTUNE_TIE(26, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
    m19, m20, m21, m22, m23, m24, m25)
ATTUNE_TIE(27, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
    m19, m20, m21, m22, m23, m24, m25, m26)
ATTUNE_TIE(28, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
    m19, m20, m21, m22, m23, m24, m25, m26, m27)
ATTUNE_TIE(29, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
    m19, m20, m21, m22, m23, m24, m25, m26, m27, m28)
ATTUNE_TIE(30, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
    m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29)
ATTUNE_TIE(31, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
    m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30)
ATTUNE_TIE(32, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
    m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31)
ATTUNE_TIE(33, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
    m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32)
ATTUNE_TIE(34, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
    m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33)
ATTUNE_TIE(35, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
    m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34)
ATTUNE_TIE(36, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
    m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35)
ATTUNE_TIE(37, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
    m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36)
ATTUNE_TIE(38, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
    m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37)
ATTUNE_TIE(39, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
    m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37,
    m38)
ATTUNE_TIE(40, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
    m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37,
    m38, m39)
ATTUNE_TIE(41, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
    m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37,
    m38, m39, m40)
ATTUNE_TIE(42, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
    m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37,
    m38, m39, m40, m41)
ATTUNE_TIE(43, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
    m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37,
    m38, m39, m40, m41, m42)
ATTUNE_TIE(44, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
    m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37,
    m38, m39, m40, m41, m42, m43)
ATTUNE_TIE(45, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
    m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37,
    m38, m39, m40, m41, m42, m43, m44)
ATTUNE_TIE(46, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
    m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37,
    m38, m39, m40, m41, m42, m43, m44, m45)
ATTUNE_TIE(47, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
    m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37,
    m38, m39, m40, m41, m42, m43, m44, m45, m46)
ATTUNE_TIE(48, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
    m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37,
    m38, m39, m40, m41, m42, m43, m44, m45, m46, m47)
ATTUNE_TIE(49, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
    m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37,
    m38, m39, m40, m41, m42, m43, m44, m45, m46, m47, m48)
ATTUNE_TIE(50, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
    m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37,
    m38, m39, m40, m41, m42, m43, m44, m45, m46, m47, m48, m49)
ATTUNE_TIE(51, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
    m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37,
    m38, m39, m40, m41, m42, m43, m44, m45, m46, m47, m48, m49, m50)
ATTUNE_TIE(52, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
    m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37,
    m38, m39, m40, m41, m42, m43, m44, m45, m46, m47, m48, m49, m50, m51)
ATTUNE_TIE(53, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
    m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37,
    m38, m39, m40, m41, m42, m43, m44, m45, m46, m47, m48, m49, m50, m51, m52)
ATTUNE_TIE(54, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
    m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37,
    m38, m39, m40, m41, m42, m43, m44, m45, m46, m47, m48, m49, m50, m51, m52, m53)
ATTUNE_TIE(55, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
    m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37,
    m38, m39, m40, m41, m42, m43, m44, m45, m46, m47, m48, m49, m50, m51, m52, m53, m54)
ATTUNE_TIE(56, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
    m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37,
    m38, m39, m40, m41, m42, m43, m44, m45, m46, m47, m48, m49, m50, m51, m52, m53, m54, m55)
ATTUNE_TIE(57, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
    m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37,
    m38, m39, m40, m41, m42, m43, m44, m45, m46, m47, m48, m49, m50, m51, m52, m53, m54, m55, m56)
ATTUNE_TIE(58, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
    m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37,
    m38, m39, m40, m41, m42, m43, m44, m45, m46, m47, m48, m49, m50, m51, m52, m53, m54, m55, m56,
    m57)
ATTUNE_TIE(59, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
    m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37,
    m38, m39, m40, m41, m42, m43, m44, m45, m46, m47, m48, m49, m50, m51, m52, m53, m54, m55, m56,
    m57, m58)
ATTUNE_TIE(60, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
    m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37,
    m38, m39, m40, m41, m42, m43, m44, m45, m46, m47, m48, m49, m50, m51, m52, m53, m54, m55, m56,
    m57, m58, m59)
ATTUNE_TIE(61, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
    m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37,
    m38, m39, m40, m41, m42, m43, m44, m45, m46, m47, m48, m49, m50, m51, m52, m53, m54, m55, m56,
    m57, m58, m59, m60)
ATTUNE_TIE(62, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
    m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37,
    m38, m39, m40, m41, m42, m43, m44, m45, m46, m47, m48, m49, m50, m51, m52, m53, m54, m55, m56,
    m57, m58, m59, m60, m61)
ATTUNE_TIE(63, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
    m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37,
    m38, m39, m40, m41, m42, m43, m44, m45, m46, m47, m48, m49, m50, m51, m52, m53, m54, m55, m56,
    m57, m58, m59, m60, m61, m62)
ATTUNE_TIE(64, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18,
    m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37,
    m38, m39, m40, m41, m42, m43, m44, m45, m46, m47, m48, m49, m50, m51, m52, m53, m54, m55, m56,
    m57, m58, m59, m60, m61, m62, m63)
// clang-format on

#undef ATTUNE_TIE

}  // namespace attune::inline ATTUNE_ABI::detail

// What C++20 lets a library find out about a plain struct without a macro: how many members it has,
// where they are, and what they are called. All that depends on how compilers spell things is in
// this file and in impl/names.hpp.

namespace attune::inline ATTUNE_ABI::detail {

inline constexpr std::size_t max_fields = 64;

// Converts to whatever a member is, where only types matter. Never called; it has a body because
// Clang misses one for types without linkage.
struct AnyValue {
    template <class U>
    operator U() const {
        __builtin_trap();
    }
};

template <std::size_t>
using AnyAt = AnyValue;

// Converts to the bases of T alone.
template <class T>
struct AnyBase {
    template <class U>
        requires(std::is_base_of_v<U, T> && !std::is_same_v<U, T>)
    operator U() const { __builtin_trap(); }
};

template <class T>
concept HasBase = requires {
    T{AnyBase<T>{}};
};

template <class T, class... V>
concept TakesValues = requires {
    T{V{}...};
};

template <class T, std::size_t... I>
constexpr bool takes(std::index_sequence<I...>) noexcept {
    return TakesValues<T, AnyAt<I>...>;
}

// The largest number of values T can be initialised by. Since T{} is valid, every member can be
// left out, and so `takes` holds up to that number and for none above it.
template <class T, std::size_t Low = 0, std::size_t High = max_fields + 2>
constexpr std::size_t count_values() noexcept {
    if constexpr (Low + 1 == High) {
        return Low;
    } else {
        // Most structs are small: double first, then halve.
        constexpr std::size_t doubled = Low == 0 ? 4 : 2 * Low;
        constexpr std::size_t middle =
            High == max_fields + 2 && doubled < High ? doubled : Low + (High - Low) / 2;
        if constexpr (takes<T>(std::make_index_sequence<middle>{})) {
            return count_values<T, middle, High>();
        } else {
            return count_values<T, Low, middle>();
        }
    }
}

// Can the members at Width places, which are 1, 2 or 8, be initialised by empty braces, with single
// values before and after them?
template <class T, std::size_t Width, std::size_t... B, std::size_t... A>
constexpr bool takes_braces(std::index_sequence<B...>, std::index_sequence<A...>) noexcept {
    if constexpr (Width == 1) {
        return requires { T{AnyAt<B>{}..., {}, AnyAt<A>{}...}; };
    } else if constexpr (Width == 2) {
        return requires { T{AnyAt<B>{}..., {}, {}, AnyAt<A>{}...}; };
    } else {
        return requires { T{AnyAt<B>{}..., {}, {}, {}, {}, {}, {}, {}, {}, AnyAt<A>{}...}; };
    }
}

// The same for one place and a pair of values in braces.
template <class T, std::size_t... B, std::size_t... A>
constexpr bool takes_pair(std::index_sequence<B...>, std::index_sequence<A...>) noexcept {
    return requires { T{AnyAt<B>{}..., {AnyValue{}, AnyValue{}}, AnyAt<A>{}...}; };
}

// Is there a C array among the members at Width places? N is the number of values T takes.
//
// No value converts to an array, so an array takes as many values as it has elements; in braces it
// takes one place and leaves too many values for the members after it. A member that empty braces
// cannot initialise fails in the same way, but a pair of values in braces tells the two apart.
template <class T, std::size_t N, std::size_t At, std::size_t Width>
constexpr bool has_array_at() noexcept {
    constexpr std::make_index_sequence<At> before;
    constexpr std::make_index_sequence<N - At - Width> after;
    if constexpr (takes_braces<T, Width>(before, after)) {
        return false;
    } else if constexpr (Width == 1) {
        return takes_pair<T>(before, std::index_sequence<>{}) && !takes_pair<T>(before, after);
    } else {
        const auto one_by_one = []<std::size_t... I>(std::index_sequence<I...>) {
            return (has_array_at<T, N, At + I, 1>() || ...);
        };
        return one_by_one(std::make_index_sequence<Width>{});
    }
}

template <class T, std::size_t N, std::size_t At = 0>
constexpr bool has_array() noexcept {
    if constexpr (At == N) {
        return false;
    } else {
        constexpr std::size_t width = N - At >= 8 ? 8 : N - At >= 2 ? 2 : 1;
        return has_array_at<T, N, At, width>() || has_array<T, N, At + width>();
    }
}

// What must hold for the members to be counted rightly. A member that is overlooked is a setting
// that is lost, so whatever cannot be told apart is an error that says why.
template <class T>
constexpr std::size_t count_fields() noexcept {
    static_assert(std::is_aggregate_v<T>,
                  "attune cannot bind this type: it is not a plain struct, since it has private "
                  "members, constructors, virtual functions or virtual bases");
    static_assert(TakesValues<T>,
                  "attune cannot bind this struct: T{} is not valid; every member needs a default "
                  "value, and a reference cannot have one");
    if constexpr (std::is_aggregate_v<T> && TakesValues<T>) {
        static_assert(!HasBase<T>,
                      "attune cannot bind this struct: it has a base class; make the base a "
                      "member");
        constexpr std::size_t count = count_values<T>();
        static_assert(count > 0 || std::is_empty_v<T>,
                      "attune cannot bind this struct: its first member is a reference, or of a "
                      "type that cannot be initialised");
        static_assert(!has_array<T, count>(),
                      "attune cannot bind this struct: it has a C array; use std::array");
        static_assert(count <= max_fields,
                      "attune cannot bind this struct: it has more than 64 members; group them in "
                      "structs of their own");
        return count;
    }
    return 0;
}

template <class T>
inline constexpr std::size_t field_count = count_fields<T>();

/// The members of `object`, in their order. `T` may be const.
template <class T>
constexpr auto members_of(T& object) noexcept {
    return Tie<field_count<std::remove_const_t<T>>>::members(object);
}

// An object that is never made: only the addresses of its members are used, as template arguments.
template <class T>
struct Nowhere {
    T value;
};

#if defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wundefined-var-template"
#pragma clang diagnostic ignored "-Wundefined-internal"
#endif

template <class T>
extern Nowhere<T> nowhere;

// Clang takes the address of a member as a template argument only as part of a class.
template <class P>
struct Spelled {
    P address;
};

template <auto... V>
consteval std::string_view spell_members() {
    return pack_text(__PRETTY_FUNCTION__);
}

template <class T, std::size_t... I, class... P>
consteval std::string_view spell_fields(MembersOver<std::index_sequence<I...>, P...>*) {
    [[maybe_unused]] constexpr auto members = members_of(nowhere<T>.value);
    return spell_members<Spelled<P>{static_cast<const MemberPointer<I, P>&>(members).address}...>();
}

/// The names of the members of T, for next_argument and member_name to take apart.
template <class T>
inline constexpr std::string_view field_text =
    spell_fields<T>(static_cast<decltype(members_of(nowhere<T>.value))*>(nullptr));

#if defined(__clang__)
#pragma clang diagnostic pop
#endif

// The spelling of names is no part of the language: a compiler that does it in another way must
// fail here, not at run time.
namespace probe {

enum class Colour : unsigned char { red, green = 3 };

struct Sample {
    int first;
    Colour second;
    struct {
        bool inner;
    } third;
};

constexpr bool spells(std::string_view text, std::string_view a, std::string_view b,
                      std::string_view c) noexcept {
    return member_name(next_argument(text)) == a && member_name(next_argument(text)) == b &&
           member_name(next_argument(text)) == c && text.empty();
}

static_assert(spells(field_text<Sample>, "first", "second", "third"),
              "attune does not know how this compiler spells the names of members");

}  // namespace probe

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

/// A compiled regular expression; empty when there is none.
struct Pattern {
    std::string text;
    std::shared_ptr<const void> program;
    bool (*match)(const void* program, std::string_view text) = nullptr;

    explicit operator bool() const noexcept { return match != nullptr; }
};

/// std::regex recurses once per character: longer texts could end the program, so they are refused.
inline constexpr std::size_t max_pattern_input = 2048;

/// Compiles an ECMAScript expression that must match a whole text. Throws std::logic_error when it
/// is not one. A template so that only programs that use patterns pay for compiling std::regex.
template <class Char>
Pattern compile_pattern(std::basic_string_view<Char> text);

}  // namespace attune::inline ATTUNE_ABI::detail

// GCC 12 takes a member of libstdc++'s automaton for uninitialised under -fsanitize.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

namespace attune::inline ATTUNE_ABI::detail {

template <class Char>
Pattern compile_pattern(std::basic_string_view<Char> text) {
    using Regex = std::basic_regex<Char>;
    try {
        return {std::string(text),
                std::make_shared<const Regex>(text.begin(), text.end(), std::regex::ECMAScript),
                [](const void* program, std::string_view input) {
                    try {
                        return std::regex_match(input.begin(), input.end(),
                                                *static_cast<const Regex*>(program));
                    } catch (const std::regex_error&) {
                        // Too hard to tell: not for this library to let it pass.
                        return false;
                    }
                }};
    } catch (const std::regex_error& error) {
        throw std::logic_error("matches(\"" + std::string(text) + "\"): " + error.what());
    }
}

#if !ATTUNE_HEADER_ONLY
template Pattern compile_pattern<char>(std::string_view);
#endif

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

struct Type;

/// What a field must satisfy beyond its type. Rules of an optional or a secret hold for the value
/// inside.
struct Rules {
    std::optional<Quantity> least;
    std::optional<Quantity> most;
    std::optional<std::size_t> least_size;
    std::optional<std::size_t> most_size;
    Pattern pattern;
    std::vector<std::string> strings;  ///< nothing else is allowed, unless empty
    std::vector<Quantity> numbers;     ///< nothing else is allowed, unless empty
};

struct FieldInfo {
    std::string name;  ///< in documents
    std::string doc;
    const Type* type;
    std::size_t offset;  ///< bytes from the beginning of the struct
    bool required = false;
    bool secret = false;
    std::unique_ptr<Rules> rules;  ///< null when there are none
};

/// An object of any type; std::shared_ptr would be compiled anew for each.
using Erased = std::unique_ptr<const void, void (*)(const void*)>;

template <class T>
Erased erase(T* object) {
    return Erased(object, [](const void* erased) { delete static_cast<const T*>(erased); });
}

struct CheckInfo {
    using Call = bool (*)(const void* function, const void* object);

    Erased function;
    Call call;
    std::string text;
};

/// What has_secrets found out about a struct.
enum class Secrecy : std::uint8_t { unknown, none, some };

/// A struct: its fields in their order, and what its `describe` said about them. Immutable once it
/// is complete.
struct Structure {
    std::string doc;
    std::vector<FieldInfo> fields;
    std::vector<CheckInfo> checks;
    Erased defaults{nullptr, nullptr};  ///< an object T{}
    /// Found out when first asked for: recursive structs are not known before all are complete.
    mutable std::atomic<Secrecy> secrecy = Secrecy::unknown;

    const FieldInfo* find(std::string_view name) const noexcept {
        for (const FieldInfo& field : fields) {
            if (field.name == name) {
                return &field;
            }
        }
        return nullptr;
    }
};

/// What the compiler knows about a struct.
struct Recipe {
    std::string_view names;  ///< of the members, as the compiler spells them
    std::size_t count;
    Erased (*make)();
    void (*members)(Structure& structure, const void* object);   ///< adds them
    void (*describe)(Structure& structure, const void* object);  ///< null when it has none
};

/// Adds a field that has no name yet: the member at that address in the structure's defaults.
ATTUNE_DECL void add_member(Structure& structure, const void* address, const Type& type);

/// Makes a Structure that is never destroyed, since objects of static storage may use it to their
/// end. Throws std::logic_error when `describe` contradicts itself.
ATTUNE_DECL const Structure& make_structure(const Recipe& recipe);

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

// What `describe` said must make sense.
ATTUNE_DECL void judge(const Structure& structure) {
    for (const FieldInfo& field : structure.fields) {
        if (structure.find(field.name) != &field) {
            throw std::logic_error("describe: two fields are named \"" + field.name + "\"");
        }
        if (!field.rules) {
            continue;
        }
        const Rules& rules = *field.rules;
        if ((rules.least && rules.most && *rules.least > *rules.most) ||
            (rules.least_size && rules.most_size && *rules.least_size > *rules.most_size)) {
            throw std::logic_error("describe: the bounds of \"" + field.name +
                                   "\" leave no value between them");
        }
    }
}

ATTUNE_DECL void add_member(Structure& structure, const void* address, const Type& type) {
    FieldInfo& field = structure.fields.emplace_back();
    field.type = &type;
    field.offset =
        static_cast<std::size_t>(static_cast<const std::byte*>(address) -
                                 static_cast<const std::byte*>(structure.defaults.get()));
}

ATTUNE_DECL const Structure& make_structure(const Recipe& recipe) {
    auto made = std::make_unique<Structure>();
    Structure& structure = *made;
    structure.defaults = recipe.make();
    const void* const object = structure.defaults.get();

    structure.fields.reserve(recipe.count);
    recipe.members(structure, object);
    std::string_view names = recipe.names;
    for (FieldInfo& field : structure.fields) {
        field.name = member_name(next_argument(names));
    }
    if (recipe.describe != nullptr) {
        recipe.describe(structure, object);
        judge(structure);
    }
    return *made.release();
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI {

template <class T>
class Schema;

namespace detail {

// Whoever declares such a function has included <attune/bind/schema.hpp>.
template <class T>
concept Described = requires(Schema<T>& schema) {
    describe(schema);
};

template <std::size_t... I, class... M>
void add_members(Structure& structure,
                 const MembersOver<std::index_sequence<I...>, M*...>& members) {
    (add_member(structure, static_cast<const MemberPointer<I, M*>&>(members).address,
                type_object<M>),
     ...);
}

template <class T>
Erased make_default() {
    // Where T{} is not valid, field_count has said so already, and better.
    if constexpr (requires { T{}; }) {
        return erase(new T{});
    }
    return Erased(nullptr, nullptr);
}

template <class T>
const Structure& structure_for() {
    Recipe recipe{field_text<T>, field_count<T>, &make_default<T>,
                  [](Structure& structure, const void* object) {
                      // Made by the function above, which does not make it const.
                      T& made = *static_cast<T*>(const_cast<void*>(object));
                      add_members(structure, members_of(made));
                  },
                  nullptr};
    if constexpr (Described<T>) {
        recipe.describe = [](Structure& structure, const void* object) {
            Schema<T> schema(structure, *static_cast<const T*>(object));
            describe(schema);
        };
    }
    static const Structure& structure = make_structure(recipe);
    return structure;
}

}  // namespace detail

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI {

/// A value that is never shown: no error, difference, event, schema or log of attune holds it, and
/// it prints as `***`. It is set like a T and read by `reveal` only, so that whoever lets it out
/// has said so.
template <class T>
class Secret {
public:
    Secret() = default;
    Secret(const T& value) : value_(value) {}
    Secret(T&& value) noexcept(std::is_nothrow_move_constructible_v<T>)
        : value_(std::move(value)) {}

    /// Whatever makes a T in one step: a literal for a std::string.
    template <class U>
        requires(std::is_convertible_v<U&&, T> && !std::is_same_v<std::remove_cvref_t<U>, T> &&
                 !std::is_same_v<std::remove_cvref_t<U>, Secret>)
    Secret(U&& value) : value_(std::forward<U>(value)) {}

    const T& reveal() const noexcept { return value_; }
    T& reveal() noexcept { return value_; }

    friend bool operator==(const Secret&, const Secret&) = default;

private:
    T value_{};
};

/// `***`
template <class T>
std::string to_string(const Secret<T>&) {
    return "***";
}

/// Streams `***`.
template <class Stream, class T>
    requires requires(Stream& stream) { stream << "***"; }
Stream& operator<<(Stream& stream, const Secret<T>&) {
    stream << "***";
    return stream;
}

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI::detail {

template <class T>
constexpr IntegerFormat integer_format() noexcept {
    return {sizeof(T), std::is_signed_v<T>};
}

template <std::floating_point T>
constexpr RealFormat real_format() noexcept {
    return std::is_same_v<T, float>    ? RealFormat::single
           : std::is_same_v<T, double> ? RealFormat::twofold
                                       : RealFormat::extended;
}

// Recognised by what they can do, so that <filesystem>, <map> and <unordered_map> stay out of this.
template <class T>
concept PathLike = requires(const T& path) {
    typename T::string_type;
    T::preferred_separator;
    { path.lexically_normal() } -> std::same_as<T>;
    { path.string() } -> std::same_as<std::string>;
};

template <class T>
concept MapLike = std::same_as<typename T::key_type, std::string> && requires(T& map) {
    typename T::mapped_type;
    map.try_emplace(std::string());
};

template <class T>
concept OtherMap = requires {
    typename T::key_type;
    typename T::mapped_type;
};

/// Makes the description of T. The general case: scalars, and classes that are no templates.
template <class T>
struct Describe {
    static_assert(!std::is_const_v<T> && !std::is_volatile_v<T>,
                  "attune cannot bind a const or volatile member: it could not be set");
    static_assert(!std::is_reference_v<T>, "attune cannot bind a reference");
    static_assert(!std::is_array_v<T>, "attune cannot bind a C array: use std::array");
    static_assert(!std::is_union_v<T>, "attune cannot bind a union: use std::variant");
    static_assert(!std::is_pointer_v<T> && !std::is_null_pointer_v<T>,
                  "attune cannot bind a pointer: use std::unique_ptr for a value, std::string for "
                  "text");
    static_assert(!Character<T>, "attune cannot bind a character: use std::string or an integer");
    static_assert(!std::is_same_v<T, std::string_view>,
                  "attune cannot bind std::string_view, which does not own its text: use "
                  "std::string");

    static constexpr auto make() noexcept {
        if constexpr (std::is_same_v<T, bool>) {
            return Type{Shape::boolean, form::boolean};
        } else if constexpr (Integer<T>) {
            return IntegerType{{Shape::integer, form::integer}, integer_format<T>()};
        } else if constexpr (std::is_floating_point_v<T>) {
            return RealType{{Shape::real, form::real}, real_format<T>()};
        } else if constexpr (std::is_same_v<T, std::string>) {
            return Type{Shape::string, form::string};
        } else if constexpr (std::is_same_v<T, Bytes>) {
            return Type{Shape::bytes, form::string | form::integer};
        } else if constexpr (std::is_same_v<T, Document>) {
            return Type{Shape::document, form::any};
        } else if constexpr (External<T>) {
            return external_type<T>();
        } else if constexpr (std::is_enum_v<T>) {
            return EnumType{{Shape::enumeration, form::string},
                            integer_format<std::underlying_type_t<T>>(),
                            &enumerators<T>};
        } else if constexpr (PathLike<T>) {
            return PathType{
                {Shape::path, form::string},
                [](void* path, std::string_view text) { static_cast<T*>(path)->assign(text); },
                [](const void* path) { return static_cast<const T*>(path)->string(); }};
        } else if constexpr (MapLike<T>) {
            return map();
        } else {
            static_assert(!OtherMap<T>,
                          "attune cannot bind this map: its keys must be std::string and its "
                          "values must have a default");
            static_assert(std::is_class_v<T>, "attune cannot bind this type");
            if constexpr (OnlyExternal<T>) {
                return external_type<T>();
            } else {
                return StructType{{Shape::structure, form::structure}, &structure_for<T>};
            }
        }
    }

private:
    static constexpr MapType map() noexcept {
        using Value = typename T::mapped_type;
        return {{Shape::map, form::map},
                type_object<Value>,
                [](const void* map) { return static_cast<const T*>(map)->size(); },
                [](const void* map, const std::string& key) -> const void* {
                    const auto found = static_cast<const T*>(map)->find(key);
                    const bool none = found == static_cast<const T*>(map)->end();
                    return none ? nullptr : std::addressof(found->second);
                },
                [](const void* map, void* context, MapType::Visitor visitor) {
                    for (const auto& [key, value] : *static_cast<const T*>(map)) {
                        visitor(context, key, std::addressof(value));
                    }
                },
                [](void* map) { static_cast<T*>(map)->clear(); },
                [](void* map, std::string_view key) -> void* {
                    return std::addressof(
                        static_cast<T*>(map)->try_emplace(std::string(key)).first->second);
                }};
    }
};

template <class Rep, class Period>
struct Describe<std::chrono::duration<Rep, Period>> {
    static_assert(Integer<Rep> || std::is_floating_point_v<Rep>,
                  "attune cannot bind this duration: it must count in integers or reals");
    static_assert(tick_of<Period> > 0,
                  "attune cannot bind this duration: its period must be a whole number of "
                  "nanoseconds");

    static constexpr DurationType make() noexcept {
        DurationType type{{Shape::duration, form::string}, {}, {}, tick_of<Period>};
        if constexpr (std::is_floating_point_v<Rep>) {
            type.real = real_format<Rep>();
        } else {
            type.integer = integer_format<Rep>();
        }
        return type;
    }
};

// What std::optional and the smart pointers have in common.
template <class T, class Value>
struct DescribeOptional {
    static constexpr OptionalType make() noexcept {
        static_assert((type_object<Value>.forms & form::null) == 0,
                      "attune cannot bind an optional of something that can be null itself");
        return {{Shape::optional, static_cast<std::uint8_t>(type_object<Value>.forms | form::null)},
                type_object<Value>,
                [](const void* optional) -> const void* {
                    const T& value = *static_cast<const T*>(optional);
                    return value ? std::addressof(*value) : nullptr;
                },
                [](void* optional) -> void* {
                    T& value = *static_cast<T*>(optional);
                    if constexpr (std::is_same_v<T, std::shared_ptr<Value>>) {
                        // Somebody else may hold the present one.
                        value = std::make_shared<Value>();
                    } else if (!value) {
                        if constexpr (std::is_same_v<T, std::optional<Value>>) {
                            value.emplace();
                        } else {
                            value = std::make_unique<Value>();
                        }
                    }
                    return std::addressof(*value);
                },
                [](void* optional) { static_cast<T*>(optional)->reset(); }};
    }
};

template <class T>
inline constexpr bool is_std_optional = false;

template <class Value>
inline constexpr bool is_std_optional<std::optional<Value>> = true;

template <class Value>
struct Describe<std::optional<Value>> : DescribeOptional<std::optional<Value>, Value> {};

template <class Value>
struct Describe<std::unique_ptr<Value>> : DescribeOptional<std::unique_ptr<Value>, Value> {};

template <class Value>
struct Describe<std::shared_ptr<Value>> : DescribeOptional<std::shared_ptr<Value>, Value> {};

template <class Allocator>
struct Describe<std::vector<bool, Allocator>> {
    using T = std::vector<bool, Allocator>;

    static constexpr FlagsType make() noexcept {
        return {{Shape::flags, form::list},
                [](const void* list) { return static_cast<const T*>(list)->size(); },
                [](const void* list, std::size_t index) -> bool {
                    return (*static_cast<const T*>(list))[index];
                },
                [](void* list) { static_cast<T*>(list)->clear(); },
                [](void* list, bool value) { static_cast<T*>(list)->push_back(value); }};
    }
};

template <class Value, class Allocator>
struct Describe<std::vector<Value, Allocator>> {
    using T = std::vector<Value, Allocator>;

    static constexpr ListType make() noexcept {
        return {{Shape::list, form::list},
                type_object<Value>,
                [](const void* list) { return static_cast<const T*>(list)->size(); },
                [](const void* list, std::size_t index) -> const void* {
                    return static_cast<const T*>(list)->data() + index;
                },
                [](void* list, std::size_t expected) {
                    static_cast<T*>(list)->clear();
                    static_cast<T*>(list)->reserve(expected);
                },
                [](void* list) -> void* {
                    return std::addressof(static_cast<T*>(list)->emplace_back());
                }};
    }
};

template <class Value, std::size_t N>
struct Describe<std::array<Value, N>> {
    static constexpr ArrayType make() noexcept {
        return {{Shape::array, form::list}, type_object<Value>, N, sizeof(Value)};
    }
};

template <class Value>
struct Describe<Secret<Value>> {
    static constexpr SecretType make() noexcept {
        return {{Shape::secret, type_object<Value>.forms},
                type_object<Value>,
                [](const void* secret) -> const void* {
                    return std::addressof(static_cast<const Secret<Value>*>(secret)->reveal());
                }};
    }
};

/// Can JSON values of every kind be given to one alternative at most? Several structs can: they are
/// told apart by their members.
template <class... Values>
constexpr bool distinguishable() noexcept {
    unsigned seen = 0;
    bool clash = false;
    for (const unsigned forms : {unsigned{type_object<Values>.forms}...}) {
        const unsigned alone = forms & ~unsigned{form::structure | form::null};
        clash = clash || (seen & alone) != 0 ||
                ((seen | forms) & (form::map | form::structure)) == (form::map | form::structure);
        seen |= forms;
    }
    return !clash;
}

template <class... Values>
struct Describe<std::variant<Values...>> {
    using T = std::variant<Values...>;

    static_assert((!std::is_same_v<Values, std::monostate> && ...),
                  "attune cannot bind std::monostate: use a std::optional of the variant");
    static_assert((!is_std_optional<Values> && ...),
                  "attune cannot bind a variant of optionals: use a std::optional of the variant");
    static_assert(distinguishable<Values...>(),
                  "attune cannot bind this variant: two of its alternatives take the same kind of "
                  "JSON value");

    static constexpr const Type* alternatives[] = {&type_object<Values>...};

    static constexpr VariantType make() noexcept {
        return {
            {Shape::variant, static_cast<std::uint8_t>((type_object<Values>.forms | ...))},
            alternatives,
            sizeof...(Values),
            [](const void* variant) { return static_cast<const T*>(variant)->index(); },
            &get,
            [](void* variant, std::size_t index) {
                return emplace(*static_cast<T*>(variant), index,
                               std::index_sequence_for<Values...>{});
            }};
    }

private:
    static const void* get(const void* variant) {
        const auto address = [](const auto& value) -> const void* {
            return std::addressof(value);
        };
        return std::visit(address, *static_cast<const T*>(variant));
    }

    template <std::size_t... I>
    static void* emplace(T& variant, std::size_t index, std::index_sequence<I...>) {
        void* value = nullptr;
        const auto make = [&]<std::size_t N>(std::integral_constant<std::size_t, N>) {
            if (N == index) {
                value = std::addressof(variant.template emplace<N>());
            }
        };
        (make(std::integral_constant<std::size_t, I>{}), ...);
        return value;
    }
};

template <class T>
const Type& type_of() noexcept {
    return type_object<T>;
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI {

/// What happens to a member name that occurs twice in one object.
enum class Duplicates : std::uint8_t {
    refuse,  ///< ParseError at the second one
    last,    ///< the last one wins, as in most other programs
};

struct ParseOptions {
    std::string name{};     ///< how errors and origins call the text: a file name, a URL
    bool comments = false;  ///< JSONC: `//` and `/* */` comments, one comma after the last item
    Duplicates duplicates = Duplicates::refuse;
    std::size_t max_depth = 128;                    ///< objects and arrays inside each other
    std::size_t max_bytes = std::size_t{64} << 20;  ///< length of the whole text
};

/// A place in a text.
struct Position {
    std::uint32_t line = 1;    ///< counted from 1; LF, CR LF and CR each end a line
    std::uint32_t column = 1;  ///< counted from 1, in code points; a byte-order mark is not counted
    std::size_t offset = 0;    ///< in bytes from the beginning, byte-order mark included

    friend bool operator==(const Position&, const Position&) = default;
};

/// The text is not the JSON it should be. The message never repeats the contents of a string.
class ParseError : public std::runtime_error {
public:
    ATTUNE_DECL ParseError(std::string name, Position position, std::string message);

    const std::string& name() const noexcept { return name_; }
    Position position() const noexcept { return position_; }
    std::uint32_t line() const noexcept { return position_.line; }
    std::uint32_t column() const noexcept { return position_.column; }
    std::size_t offset() const noexcept { return position_.offset; }

    /// What is wrong, without the place. `what()` is `name:line:column: message`.
    const std::string& message() const noexcept { return message_; }

private:
    std::string name_;
    Position position_;
    std::string message_;
};

/// Reads strict JSON (RFC 8259) in UTF-8, with or without a byte-order mark. O(n log n) in the
/// size of the largest object, O(n) where its members come sorted.
///
/// Integers outside both int64 and uint64, and reals beyond double, are refused; a real too small
/// becomes zero. `-0` is the real -0.0. Throws ParseError.
ATTUNE_DECL Document parse(std::string_view text, const ParseOptions& options = {});

/// Which half of a member a place is asked for.
enum class Part : std::uint8_t { key, value };

/// Where `path` stands in a text that `parse` accepts with the same options. The key of the root or
/// of an array's element is the value itself. Nothing when the path does not exist. Scans the text:
/// O(n).
ATTUNE_DECL std::optional<Position> locate(std::string_view text, const Path& path, Part part,
                                           const ParseOptions& options = {});

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI::detail {

// The words of a JSON text, one after the other. Every refusal is a ParseError with its place.
class Lexer {
public:
    // Refuses a text that is too long or not UTF-8 by the look of its first bytes; passes a
    // byte-order mark. Both arguments must outlive the lexer.
    ATTUNE_DECL Lexer(std::string_view text, const ParseOptions& options);

    const char* at() const noexcept { return at_; }
    bool done() const noexcept { return at_ == end_; }

    // The next character, to tell words apart; zero at the end, where no word begins with one.
    char peek() const noexcept { return at_ == end_ ? '\0' : *at_; }

    // Takes the next character if it is this one.
    bool take(char c) noexcept {
        if (peek() != c || done()) {
            return false;
        }
        ++at_;
        return true;
    }

    // Passes white space, and comments where they are allowed.
    ATTUNE_DECL void space();

    // Each takes one word, which must begin here with the right character. The text of a string is
    // valid until the next one is taken.
    ATTUNE_DECL std::string_view string();
    ATTUNE_DECL Document number();
    ATTUNE_DECL Document literal();

    // Passes a number or literal without a look at it.
    ATTUNE_DECL void word() noexcept;

    // Back or on to a place where a word begins.
    void go_to(const char* place) noexcept { at_ = place; }

    // The character here, or the end, for a message; control characters by their number.
    ATTUNE_DECL std::string found() const;

    ATTUNE_DECL std::uint32_t line_of(const char* place) const noexcept;
    ATTUNE_DECL Position position_of(const char* place) const noexcept;
    [[noreturn]] ATTUNE_DECL void fail(const char* place, std::string message) const;

private:
    ATTUNE_DECL void check_encoding();
    ATTUNE_DECL void comment();
    ATTUNE_DECL void plain_characters() noexcept;
    ATTUNE_DECL void escape();
    ATTUNE_DECL unsigned four_digits(const char* place);
    ATTUNE_DECL Document real(const char* first);

    const char* begin_;
    const char* at_;
    const char* end_;
    const ParseOptions& options_;
    std::string unescaped_;
};

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

// A byte of a sequence other than its first.
inline bool is_continuation(char c) noexcept {
    return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

// The length of the well-formed UTF-8 sequence (Unicode, table 3-7) that begins at `at`; 0 when
// there is none. `at` must be before `end`.
inline std::size_t utf8_sequence(const char* at, const char* end) noexcept {
    const auto byte = [&](std::ptrdiff_t i) { return static_cast<unsigned char>(at[i]); };
    const auto follows = [&](std::ptrdiff_t i, unsigned low, unsigned high) {
        return end - at > i && byte(i) >= low && byte(i) <= high;
    };
    const unsigned lead = byte(0);
    if (lead < 0x80) {
        return 1;
    }
    if (lead < 0xC2 || lead > 0xF4) {
        return 0;
    }
    if (lead < 0xE0) {
        return follows(1, 0x80, 0xBF) ? 2 : 0;
    }
    if (lead < 0xF0) {
        const unsigned low = lead == 0xE0 ? 0xA0 : 0x80;   // no overlong forms
        const unsigned high = lead == 0xED ? 0x9F : 0xBF;  // no surrogates
        return follows(1, low, high) && follows(2, 0x80, 0xBF) ? 3 : 0;
    }
    const unsigned low = lead == 0xF0 ? 0x90 : 0x80;   // no overlong forms
    const unsigned high = lead == 0xF4 ? 0x8F : 0xBF;  // nothing above U+10FFFF
    return follows(1, low, high) && follows(2, 0x80, 0xBF) && follows(3, 0x80, 0xBF) ? 4 : 0;
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

inline bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

// The lowest bit of the high half of each byte that is below `limit`, which is at most 128; bytes
// after the first such one may be marked wrongly.
inline std::uint64_t bytes_below(std::uint64_t word, std::uint64_t limit) noexcept {
    constexpr std::uint64_t ones = 0x0101010101010101;
    return (word - ones * limit) & ~word & ones << 7;
}

// True when one of eight bytes cannot be taken as it is inside a string: quote, backslash, control
// characters, anything outside ASCII.
inline bool has_special(std::uint64_t word) noexcept {
    constexpr std::uint64_t ones = 0x0101010101010101;
    return (bytes_below(word, 0x20) | bytes_below(word ^ ones * '"', 1) |
            bytes_below(word ^ ones * '\\', 1) | (word & ones << 7)) != 0;
}

ATTUNE_DECL Lexer::Lexer(std::string_view text, const ParseOptions& options)
    : begin_(text.data()), at_(begin_), end_(begin_ + text.size()), options_(options) {
    if (text.size() > options.max_bytes) {
        fail(begin_, "expected at most " + std::to_string(options.max_bytes) + " bytes, found " +
                         std::to_string(text.size()));
    }
    check_encoding();
    if (text.starts_with("\xEF\xBB\xBF")) {
        at_ += 3;
    }
}

// JSON begins with two ASCII characters, or is a single one: a zero among them is wider encoding.
ATTUNE_DECL void Lexer::check_encoding() {
    const std::string_view text(begin_, static_cast<std::size_t>(end_ - begin_));
    const auto zero = [&](std::size_t i) { return i < text.size() && text[i] == '\0'; };
    const bool marked = text.starts_with("\xFE\xFF") || text.starts_with("\xFF\xFE");
    const bool wide = text.size() >= 2 && zero(0) != zero(1);
    if (!marked && !wide && !(zero(0) && zero(1))) {
        return;
    }
    const bool four = text.size() >= 4 && ((zero(0) && zero(1)) || (zero(2) && zero(3)));
    fail(begin_, std::string("expected UTF-8, found what looks like UTF-") + (four ? "32" : "16"));
}

ATTUNE_DECL void Lexer::space() {
    for (;;) {
        while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) {
            ++at_;
            for (std::uint64_t word = 0; end_ - at_ >= 8; at_ += 8) {
                std::memcpy(&word, at_, sizeof word);
                if (word != 0x2020202020202020) {
                    break;
                }
            }
        }
        if (peek() != '/') {
            return;
        }
        comment();
    }
}

ATTUNE_DECL void Lexer::comment() {
    const char* const start = at_;
    const std::string_view rest(at_, static_cast<std::size_t>(end_ - at_));
    const bool line = rest.starts_with("//");
    if (!line && !rest.starts_with("/*")) {
        fail(start, "unexpected \"/\"");
    }
    if (!options_.comments) {
        fail(start, "comments are not allowed here");
    }
    const std::size_t stop = line ? rest.find_first_of("\r\n") : rest.find("*/", 2);
    if (stop == std::string_view::npos && !line) {
        fail(start, "unterminated comment");
    }
    const std::size_t length = stop == std::string_view::npos ? rest.size() : stop + (line ? 0 : 2);
    for (const char* const end = at_ + length; at_ != end;) {
        const std::size_t sequence = utf8_sequence(at_, end);
        if (sequence == 0) {
            fail(at_, "a byte that is not UTF-8");
        }
        at_ += sequence;
    }
}

// Up to the next character that needs a closer look.
ATTUNE_DECL void Lexer::plain_characters() noexcept {
    for (std::uint64_t word = 0; end_ - at_ >= 8; at_ += 8) {
        std::memcpy(&word, at_, sizeof word);
        if (has_special(word)) {
            break;
        }
    }
    while (at_ != end_) {
        const auto byte = static_cast<unsigned char>(*at_);
        if (byte < 0x20 || byte >= 0x80 || byte == '"' || byte == '\\') {
            return;
        }
        ++at_;
    }
}

ATTUNE_DECL std::string_view Lexer::string() {
    const char* const start = at_++;
    const char* kept = at_;
    bool plain = true;
    const auto keep = [&] {
        if (std::exchange(plain, false)) {
            unescaped_.clear();
        }
        unescaped_.append(kept, at_);
    };
    for (;;) {
        plain_characters();
        if (at_ == end_) {
            fail(start, "unterminated string");
        }
        const auto byte = static_cast<unsigned char>(*at_);
        if (byte == '"') {
            const std::string_view whole(kept, static_cast<std::size_t>(at_ - kept));
            if (!plain) {
                keep();
            }
            ++at_;
            return plain ? whole : unescaped_;
        }
        if (byte == '\\') {
            keep();
            escape();
            kept = at_;
        } else if (byte >= 0x80) {
            const std::size_t length = utf8_sequence(at_, end_);
            if (length == 0) {
                fail(at_, "a byte that is not UTF-8 inside a string");
            }
            at_ += length;
        } else if (byte == '\n' || byte == '\r') {
            fail(start, "unterminated string; a line break inside is written \"\\n\"");
        } else {
            fail(at_, "expected an escape such as \"\\u0009\" inside a string, found " + found());
        }
    }
}

ATTUNE_DECL unsigned Lexer::four_digits(const char* place) {
    unsigned value = 0;
    const bool long_enough = end_ - at_ >= 4;
    const char* const last = long_enough ? at_ + 4 : at_;
    const auto [stop, error] = std::from_chars(at_, last, value, 16);
    if (!long_enough || stop != last) {
        fail(place, "expected four hexadecimal digits after \"\\u\"");
    }
    at_ = last;
    return value;
}

ATTUNE_DECL void Lexer::escape() {
    constexpr std::string_view names = "\"\\/bfnrt";
    constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
    const char* const start = at_++;
    const char name = peek();
    const std::size_t known = done() ? std::string_view::npos : names.find(name);
    if (known != std::string_view::npos) {
        unescaped_ += meanings[known];
        ++at_;
        return;
    }
    if (name != 'u') {
        fail(start, "unknown escape in a string");
    }
    ++at_;

    unsigned point = four_digits(start);
    if (point >= 0xD800 && point <= 0xDFFF) {
        const bool low_follows =
            point < 0xDC00 && end_ - at_ >= 2 && at_[0] == '\\' && at_[1] == 'u';
        const char* const second = at_;
        unsigned low = 0;
        if (low_follows) {
            at_ += 2;
            low = four_digits(second);
        }
        if (low < 0xDC00 || low > 0xDFFF) {
            fail(start, "half of a surrogate pair in a string");
        }
        point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
    }

    const auto put = [&](unsigned byte) { unescaped_ += static_cast<char>(byte); };
    if (point < 0x80) {
        put(point);
        return;
    }
    if (point < 0x800) {
        put(0xC0 | point >> 6);
    } else if (point < 0x10000) {
        put(0xE0 | point >> 12);
        put(0x80 | (point >> 6 & 0x3F));
    } else {
        put(0xF0 | point >> 18);
        put(0x80 | (point >> 12 & 0x3F));
        put(0x80 | (point >> 6 & 0x3F));
    }
    put(0x80 | (point & 0x3F));
}

ATTUNE_DECL Document Lexer::number() {
    const char* const first = at_;
    const bool negative = take('-');
    const char* const digits = at_;
    std::uint64_t value = 0;
    while (at_ != end_ && is_digit(*at_)) {
        value = value * 10 + static_cast<unsigned>(*at_++ - '0');
    }
    if (at_ == digits) {
        fail(at_, "expected a digit after \"-\", found " + found());
    }
    if (*digits == '0' && at_ - digits > 1) {
        fail(first, "a number must not begin with a zero");
    }
    if (peek() == '.' || peek() == 'e' || peek() == 'E') {
        return real(first);
    }
    if (negative && *digits == '0') {
        return -0.0;
    }

    // Above 19 digits the sum may have wrapped around.
    constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    bool fits = true;
    if (at_ - digits > 19) {
        fits = std::from_chars(digits, at_, value).ec == std::errc();
    }
    if (negative) {
        fits = fits && value <= most + 1;
    }
    if (!fits) {
        fail(first, "an integer that needs more than 64 bits");
    }
    if (!negative) {
        return value;
    }
    return value == 0 ? std::int64_t{0} : -static_cast<std::int64_t>(value - 1) - 1;
}

// The rest of a number whose integral digits have been passed.
ATTUNE_DECL Document Lexer::real(const char* first) {
    const auto digits = [&](const char* after) {
        if (done() || !is_digit(*at_)) {
            fail(at_, std::string("expected a digit after ") + after + ", found " + found());
        }
        while (at_ != end_ && is_digit(*at_)) {
            ++at_;
        }
    };
    if (take('.')) {
        digits("the decimal point");
    }
    if (take('e') || take('E')) {
        if (!take('+')) {
            take('-');
        }
        digits("the exponent's \"e\"");
    }

    double value = 0;
    if (std::from_chars(first, at_, value).ec != std::errc::result_out_of_range) {
        return value;
    }

    // Too large, or so small that it rounds to zero: decided by where the first digit stands.
    const bool negative = *first == '-';
    const char* const mantissa_end =
        std::find_if(first, at_, [](char c) { return (c | 32) == 'e'; });
    const char* const point = std::find(first, mantissa_end, '.');
    const char* const leading =
        std::find_if(first, mantissa_end, [](char c) { return c >= '1' && c <= '9'; });
    const char* exponent_text = mantissa_end == at_ ? at_ : mantissa_end + 1;
    if (exponent_text != at_ && *exponent_text == '+') {
        ++exponent_text;
    }
    std::int32_t exponent = 0;
    const bool huge =
        std::from_chars(exponent_text, at_, exponent).ec == std::errc::result_out_of_range;
    const bool down = huge ? *exponent_text == '-' : point - leading <= -std::int64_t{exponent};
    if (!down) {
        fail(first, "a number too large for a double");
    }
    return negative ? -0.0 : 0.0;
}

ATTUNE_DECL Document Lexer::literal() {
    const std::string_view rest(at_, static_cast<std::size_t>(end_ - at_));
    const auto is = [&](std::string_view word) {
        if (!rest.starts_with(word)) {
            return false;
        }
        at_ += word.size();
        return true;
    };
    if (is("true")) {
        return true;
    }
    if (is("false")) {
        return false;
    }
    if (is("null")) {
        return nullptr;
    }
    fail(at_, "expected a value, found " + found());
}

ATTUNE_DECL void Lexer::word() noexcept {
    constexpr std::string_view ends = " \t\r\n,:{}[]\"/";
    while (at_ != end_ && ends.find(*at_) == std::string_view::npos) {
        ++at_;
    }
}

ATTUNE_DECL std::string Lexer::found() const {
    if (done()) {
        return "the end of the document";
    }
    if (*at_ == '"') {
        return "'\"'";
    }
    const std::size_t length = utf8_sequence(at_, end_);
    if (length == 0) {
        return "a byte that is not UTF-8";
    }
    const auto byte = static_cast<unsigned char>(*at_);
    if (byte >= 0x20 && byte != 0x7F) {
        return '"' + std::string(at_, length) + '"';
    }
    constexpr std::string_view digits = "0123456789ABCDEF";
    return std::string("a control character, U+00") + digits[byte >> 4] + digits[byte & 0xF];
}

ATTUNE_DECL Position Lexer::position_of(const char* place) const noexcept {
    const std::string_view text(begin_, static_cast<std::size_t>(end_ - begin_));
    const char* line_start = begin_ + (text.starts_with("\xEF\xBB\xBF") ? 3 : 0);
    Position position;
    position.offset = static_cast<std::size_t>(place - begin_);
    for (const char* at = line_start; at < place; ++at) {
        if (*at == '\n' || (*at == '\r' && (at + 1 == end_ || at[1] != '\n'))) {
            ++position.line;
            line_start = at + 1;
        }
    }
    for (const char* at = line_start; at < place; ++at) {
        position.column += !is_continuation(*at);
    }
    return position;
}

ATTUNE_DECL std::uint32_t Lexer::line_of(const char* place) const noexcept {
    return position_of(place).line;
}

ATTUNE_DECL void Lexer::fail(const char* place, std::string message) const {
    throw ParseError(options_.name, position_of(place), std::move(message));
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

// The place of a path, or of the longest beginning of it that exists.
struct Located {
    Position position;
    std::size_t depth = 0;  // tokens of the path that were found
};

// False for a text that is not JSON.
ATTUNE_DECL bool locate_nearest(std::string_view text, const Path& path, Part part,
                                const ParseOptions& options, Located& located);

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

// Finds places in a text that has been parsed before: takes the same words, but checks nothing that
// it does not need.
class Locator {
public:
    Locator(std::string_view text, const ParseOptions& options) : lexer_(text, options) {}

    Located locate(const Path& path, Part part) {
        lexer_.space();
        const char* place = lexer_.at();
        std::size_t depth = 0;
        for (; depth < path.size(); ++depth) {
            const Item item = find(path.tokens()[depth]);
            if (!item.value) {
                break;
            }
            const bool last = depth + 1 == path.size();
            place = last && part == Part::key ? item.key : item.value;
            lexer_.go_to(item.value);
        }
        return {lexer_.position_of(place), depth};
    }

private:
    struct Item {
        const char* key = nullptr;
        const char* value = nullptr;
    };

    // In the object or array that begins here. The last of several members counts.
    Item find(std::string_view token) {
        Item found;
        const bool object = lexer_.peek() == '{';
        if (!object && lexer_.peek() != '[') {
            return found;
        }
        const std::optional<std::size_t> wanted = element_index(token);
        lexer_.take(lexer_.peek());
        for (std::size_t index = 0; to_item(); ++index) {
            const char* const key = lexer_.at();
            bool match = wanted == index;
            if (object) {
                match = lexer_.string() == token;
                lexer_.space();
                lexer_.take(':');
                lexer_.space();
            }
            const char* const value = lexer_.at();
            if (match) {
                found = {key, value};
            }
            if (match && !object) {
                break;
            }
            skip_value();
        }
        return found;
    }

    // Past a comma to the next item; false at the end of the object or array.
    bool to_item() {
        lexer_.space();
        if (lexer_.take(',')) {
            lexer_.space();
        }
        return !lexer_.done() && lexer_.peek() != '}' && lexer_.peek() != ']';
    }

    void skip_value() {
        std::size_t depth = 0;
        do {
            lexer_.space();
            const char c = lexer_.peek();
            const bool closes = c == '}' || c == ']';
            if (lexer_.done() || (closes && depth == 0)) {
                return;
            }
            if (c == '"') {
                lexer_.string();
            } else if (c == '{' || c == '[') {
                ++depth;
                lexer_.take(c);
            } else if (closes) {
                --depth;
                lexer_.take(c);
            } else if (!lexer_.take(',') && !lexer_.take(':')) {
                lexer_.word();
            }
        } while (depth > 0);
    }

    Lexer lexer_;
};

ATTUNE_DECL bool locate_nearest(std::string_view text, const Path& path, Part part,
                                const ParseOptions& options, Located& located) {
    try {
        located = Locator(text, options).locate(path, part);
        return true;
    } catch (const ParseError&) {
        return false;
    }
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI {

namespace detail {

ATTUNE_DECL std::string place_text(const std::string& name, Position position) {
    return (name.empty() ? "" : name + ":") + std::to_string(position.line) + ":" +
           std::to_string(position.column);
}

// One pass, and no recursion: the depth is bounded by options.max_depth, not by the stack.
class Parser {
public:
    Parser(std::string_view text, const ParseOptions& options)
        : options_(options), text_(text.data()), lexer_(text, options) {}

    Document document() {
        lexer_.space();
        if (lexer_.done()) {
            lexer_.fail(lexer_.at(), "expected a value, found an empty document");
        }
        do {
            value();
        } while (to_next_value());
        lexer_.space();
        if (!lexer_.done()) {
            lexer_.fail(lexer_.at(), "expected the end of the document, found " + lexer_.found());
        }
        return std::move(slots_.back());
    }

private:
    // An object or array that is not closed yet. Its items are on `slots_`, from `first` on; where
    // the keys of an object stand is on `keys_`.
    struct Open {
        const char* start;
        std::size_t first;
        std::size_t first_key;
        bool object;
    };

    const char* thing() const noexcept { return open_.back().object ? "object" : "array"; }
    const char* item() const noexcept { return open_.back().object ? "a member" : "an element"; }
    char closer() const noexcept { return open_.back().object ? '}' : ']'; }

    // One value; of an object or array only the beginning, unless it is empty.
    void value() {
        switch (lexer_.peek()) {
        case '{': open(true); return;
        case '[': open(false); return;
        case '"': slots_.emplace_back(lexer_.string()); return;
        case '-':
        case '0':
        case '1':
        case '2':
        case '3':
        case '4':
        case '5':
        case '6':
        case '7':
        case '8':
        case '9': slots_.push_back(lexer_.number()); return;
        case 't':
        case 'f':
        case 'n': slots_.push_back(lexer_.literal()); return;
        default: refuse("a value");
        }
    }

    void open(bool object) {
        const char* const start = lexer_.at();
        if (open_.size() == options_.max_depth) {
            lexer_.fail(start, "expected at most " + std::to_string(options_.max_depth) +
                                   " levels of objects and arrays");
        }
        lexer_.take(*start);
        open_.push_back({start, slots_.size(), keys_.size(), object});
        fresh_ = true;
    }

    // Past what stands between two values, closing what ends there. False at the end of the root.
    bool to_next_value() {
        while (!open_.empty()) {
            lexer_.space();
            if (lexer_.take(closer())) {
                close();
                continue;
            }
            if (!std::exchange(fresh_, false)) {
                separator();
                if (options_.comments && lexer_.take(closer())) {
                    close();
                    continue;
                }
            }
            if (open_.back().object) {
                key();
            }
            return true;
        }
        return false;
    }

    // The comma, and the space after it.
    void separator() {
        const char* const comma = lexer_.at();
        if (!lexer_.take(',')) {
            refuse(std::string("',' or '") + closer() + "' after " + item());
        }
        lexer_.space();
        if (!options_.comments && lexer_.peek() == closer()) {
            lexer_.fail(comma, std::string("a comma after the last ") +
                                   (open_.back().object ? "member" : "element"));
        }
    }

    void key() {
        keys_.push_back(static_cast<std::size_t>(lexer_.at() - text_));
        if (lexer_.peek() != '"') {
            refuse(slots_.size() == open_.back().first ? "a name in double quotes or '}'"
                                                       : "a name in double quotes");
        }
        push_key(lexer_.string());
        lexer_.space();
        if (!lexer_.take(':')) {
            refuse("':' after a name");
        }
        lexer_.space();
    }

    // Names that are too long for a cell are shared between the objects of one document.
    void push_key(std::string_view name) {
        if (name.size() <= Cell::short_capacity) {
            slots_.emplace_back(name);
            return;
        }
        Document& known = names_[std::hash<std::string_view>()(name) % names_.size()];
        if (!known.is_string() || known.as_string() != name) {
            known = name;
        }
        slots_.push_back(known);
    }

    void close() {
        fresh_ = false;
        const Open closed = open_.back();
        Document* const items = slots_.data() + closed.first;
        const std::size_t count = slots_.size() - closed.first;
        Document made;
        if (closed.object) {
            Repeated repeated;
            const bool refuse_repeated = options_.duplicates == Duplicates::refuse;
            made = make_object(items, count / 2, refuse_repeated ? &repeated : nullptr);
            if (made.is_null()) {
                const char* const place = text_ + keys_[closed.first_key + repeated.second];
                const char* const before = text_ + keys_[closed.first_key + repeated.first];
                lexer_.fail(place, "a name that this object already has, at line " +
                                       std::to_string(lexer_.line_of(before)));
            }
            keys_.resize(closed.first_key);
        } else {
            made = make_array(items, count);
        }
        slots_.resize(closed.first);
        slots_.push_back(std::move(made));
        open_.pop_back();
    }

    [[noreturn]] void refuse(const std::string& expected) const {
        if (lexer_.done() && !open_.empty()) {
            lexer_.fail(lexer_.at(), std::string("document ends inside an ") + thing() +
                                         " that began at line " +
                                         std::to_string(lexer_.line_of(open_.back().start)));
        }
        lexer_.fail(lexer_.at(), "expected " + expected + ", found " + lexer_.found());
    }

    const ParseOptions& options_;
    const char* const text_;
    Lexer lexer_;
    std::vector<Open> open_;
    std::vector<Document> slots_;
    std::vector<std::size_t> keys_;
    std::array<Document, 64> names_;
    bool fresh_ = false;  // the innermost object or array has no item yet
};

}  // namespace detail

ATTUNE_DECL ParseError::ParseError(std::string name, Position position, std::string message)
    : std::runtime_error(detail::place_text(name, position) + ": " + message),
      name_(std::move(name)),
      position_(position),
      message_(std::move(message)) {}

ATTUNE_DECL Document parse(std::string_view text, const ParseOptions& options) {
    return detail::Parser(text, options).document();
}

ATTUNE_DECL std::optional<Position> locate(std::string_view text, const Path& path, Part part,
                                           const ParseOptions& options) {
    detail::Located located;
    if (!detail::locate_nearest(text, path, part, options, located) ||
        located.depth != path.size()) {
        return std::nullopt;
    }
    return located.position;
}

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI {

/// What a member is that no field of a bound struct has the name of.
enum class UnknownKeys : std::uint8_t { error, warn, ignore };

namespace detail {

/// What a decoder has to ask about the document it reads.
class Provenance {
public:
    Provenance() = default;
    Provenance(const Provenance&) = delete;
    Provenance& operator=(const Provenance&) = delete;
    virtual ~Provenance() = default;

    /// Where the value at `path`, or its name, was written; when nothing is there, its nearest
    /// ancestor.
    virtual Origin origin(const Path& path, Part part) const = 0;

    /// How the unknown member at `path` is judged.
    virtual UnknownKeys unknown_keys(const Path& path) const = 0;
};

/// Reads `document`, the value at the path `at`, into an object of the described type.
///
/// The object holds the defaults. They stay where the document has nothing, or null; a null
/// pointer is a document that has nothing at all. Lists and maps are replaced, members of structs
/// are read one by one. Goes on after a problem and appends all of them; returns false when one of
/// them is an error, and then the object is valid but of no use.
ATTUNE_DECL bool decode(const Type& type, void* object, const Document* document, const Path& at,
                        const Provenance& provenance, std::vector<Problem>& problems);

/// As above, for a document nobody knows the origin of; throws Rejected.
ATTUNE_DECL void decode_or_throw(const Type& type, void* object, const Document& document,
                                 const Path& at);

}  // namespace detail

/// The part of the document at `at` as a T, whose defaults stand for what is absent. Throws
/// Rejected with every problem in it; unknown members are errors.
template <class T>
T decode(const Document& document, const Path& at = {}) {
    const detail::Type& type = detail::type_of<T>();
    // Where T{} is not valid, the description of T has said so already, and better.
    if constexpr (requires { T{}; }) {
        T object{};
        detail::decode_or_throw(type, &object, document, at);
        return object;
    }
}

}  // namespace attune::inline ATTUNE_ABI

// What a type and its rules accept, for error texts and for lists of options.

namespace attune::inline ATTUNE_ABI::detail {

/// `an integer in [1, 65535]`, `one of primary, replica`, `a duration such as "250ms"`. The rules
/// may be null.
ATTUNE_DECL std::string expected(const Type& type, const Rules* rules);

/// The numbers that a type with numeric bounds can hold and its rules allow; an absent bound is no
/// bound.
struct Range {
    std::optional<Quantity> least;
    std::optional<Quantity> most;

    bool contains(const Quantity& value) const noexcept {
        // Written so that NaN is inside only where there is no bound.
        return (!least || value >= *least) && (!most || value <= *most);
    }
};
ATTUNE_DECL Range range_of(const Type& type, const Rules* rules);

/// `an integer in [1, 9]`, `a size of at least 1kB`: a noun and a range of the described type.
ATTUNE_DECL std::string in_range(const Type& type, std::string_view noun, const Range& range);

/// A number of the described type as its rules compare it, and as text.
ATTUNE_DECL Quantity load(const Type& type, const void* object) noexcept;
ATTUNE_DECL std::string number_text(const Type& type, const Quantity& number);

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

/// The integer at an address, and the way back. The value must fit.
ATTUNE_DECL Quantity load_integer(IntegerFormat format, const void* object) noexcept;
ATTUNE_DECL void store_integer(IntegerFormat format, void* object, const Quantity& value) noexcept;
ATTUNE_DECL Quantity least_of(IntegerFormat format) noexcept;
ATTUNE_DECL Quantity most_of(IntegerFormat format) noexcept;

/// The real at an address, and the way back. A long double is rounded to a double.
ATTUNE_DECL double load_real(RealFormat format, const void* object) noexcept;
ATTUNE_DECL void store_real(RealFormat format, void* object, double value) noexcept;
/// The largest finite value, as far as a double can say it.
ATTUNE_DECL double most_of(RealFormat format) noexcept;

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

template <class T>
T load_as(const void* object) noexcept {
    // Copied bytes: long and long long are two types of one format.
    T value;
    std::memcpy(&value, object, sizeof value);
    return value;
}

template <class T>
void store_as(void* object, T value) noexcept {
    std::memcpy(object, &value, sizeof value);
}

ATTUNE_DECL Quantity load_integer(IntegerFormat format, const void* object) noexcept {
    switch (format.width) {
    case 1:
        return format.is_signed ? Quantity(load_as<std::int8_t>(object))
                                : Quantity(load_as<std::uint8_t>(object));
    case 2:
        return format.is_signed ? Quantity(load_as<std::int16_t>(object))
                                : Quantity(load_as<std::uint16_t>(object));
    case 4:
        return format.is_signed ? Quantity(load_as<std::int32_t>(object))
                                : Quantity(load_as<std::uint32_t>(object));
    default:
        return format.is_signed ? Quantity(load_as<std::int64_t>(object))
                                : Quantity(load_as<std::uint64_t>(object));
    }
}

ATTUNE_DECL void store_integer(IntegerFormat format, void* object, const Quantity& value) noexcept {
    switch (format.width) {
    case 1: return store_as(object, static_cast<std::uint8_t>(value.bits()));
    case 2: return store_as(object, static_cast<std::uint16_t>(value.bits()));
    case 4: return store_as(object, static_cast<std::uint32_t>(value.bits()));
    default: return store_as(object, value.bits());
    }
}

ATTUNE_DECL Quantity least_of(IntegerFormat format) noexcept {
    if (!format.is_signed) {
        return std::uint64_t{0};
    }
    return std::numeric_limits<std::int64_t>::min() >> (64 - 8 * format.width);
}

ATTUNE_DECL Quantity most_of(IntegerFormat format) noexcept {
    const int unused = 64 - 8 * format.width;
    if (format.is_signed) {
        return std::numeric_limits<std::int64_t>::max() >> unused;
    }
    return std::numeric_limits<std::uint64_t>::max() >> unused;
}

ATTUNE_DECL double load_real(RealFormat format, const void* object) noexcept {
    switch (format) {
    case RealFormat::single: return static_cast<double>(load_as<float>(object));
    case RealFormat::extended: return static_cast<double>(load_as<long double>(object));
    default: return load_as<double>(object);
    }
}

ATTUNE_DECL void store_real(RealFormat format, void* object, double value) noexcept {
    switch (format) {
    case RealFormat::single: *static_cast<float*>(object) = static_cast<float>(value); return;
    case RealFormat::extended: *static_cast<long double*>(object) = value; return;
    default: store_as(object, value);
    }
}

ATTUNE_DECL double most_of(RealFormat format) noexcept {
    return format == RealFormat::single ? static_cast<double>(std::numeric_limits<float>::max())
                                        : std::numeric_limits<double>::max();
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL Range range_of(const Type& type, const Rules* rules) {
    Range range;
    if (type.shape == Shape::integer) {
        const IntegerFormat format = static_cast<const IntegerType&>(type).format;
        range = {least_of(format), most_of(format)};
    } else if (type.shape == Shape::duration) {
        const auto& duration = static_cast<const DurationType&>(type);
        if (duration.real == RealFormat::none) {
            range = {least_of(duration.integer), most_of(duration.integer)};
        }
    }
    if (rules != nullptr && rules->least) {
        range.least = rules->least;
    }
    if (rules != nullptr && rules->most) {
        range.most = rules->most;
    }
    return range;
}

ATTUNE_DECL Quantity load(const Type& type, const void* object) noexcept {
    switch (type.shape) {
    case Shape::integer: return load_integer(static_cast<const IntegerType&>(type).format, object);
    case Shape::enumeration: return load_integer(static_cast<const EnumType&>(type).format, object);
    case Shape::real: return load_real(static_cast<const RealType&>(type).format, object);
    case Shape::bytes: return static_cast<const Bytes*>(object)->count;
    case Shape::duration: {
        const auto& duration = static_cast<const DurationType&>(type);
        return duration.real == RealFormat::none ? load_integer(duration.integer, object)
                                                 : load_real(duration.real, object);
    }
    default: return {};
    }
}

ATTUNE_DECL std::string number_text(const Type& type, const Quantity& number) {
    switch (type.shape) {
    case Shape::bytes: return to_string(Bytes{number.bits()});
    case Shape::duration:
        return write_duration(number, static_cast<const DurationType&>(type).tick);
    case Shape::enumeration:
        for (const Enumerator& enumerator : static_cast<const EnumType&>(type).names()) {
            if (number == enumerator.value) {
                return std::string(enumerator.name);
            }
        }
        return to_text(number);
    default: return to_text(number);
    }
}

ATTUNE_DECL std::string in_range(const Type& type, std::string_view noun, const Range& range) {
    std::string text(noun);
    if (range.least && range.most) {
        text +=
            " in [" + number_text(type, *range.least) + ", " + number_text(type, *range.most) + ']';
    } else if (range.least) {
        text += " of at least " + number_text(type, *range.least);
    } else if (range.most) {
        text += " of at most " + number_text(type, *range.most);
    }
    return text;
}

ATTUNE_DECL std::string of_size(std::string_view noun, std::string_view unit, const Rules* rules) {
    std::string text(noun);
    if (rules == nullptr || (!rules->least_size && !rules->most_size)) {
        return text;
    }
    const std::size_t last = rules->most_size ? *rules->most_size : *rules->least_size;
    text += " of ";
    if (rules->least_size && rules->most_size) {
        text += std::to_string(*rules->least_size) + " to ";
    } else {
        text += rules->least_size ? "at least " : "at most ";
    }
    text += std::to_string(last) + ' ';
    text += unit;
    if (last != 1) {
        text += 's';
    }
    return text;
}

// "one of a, b, c"
template <class Range, class ToText>
std::string one_of(const Range& range, ToText&& to_text_of) {
    std::string text;
    for (const auto& item : range) {
        text += text.empty() ? "one of " : ", ";
        text += to_text_of(item);
    }
    return text;
}

ATTUNE_DECL std::string expected_integer(const Type& type, const Rules* rules) {
    // The ends of 64 bits tell nobody anything.
    Range range = range_of(type, rules);
    const IntegerFormat format = static_cast<const IntegerType&>(type).format;
    if (format.width == 8 && range.most == most_of(format)) {
        range.most.reset();
        if (format.is_signed && range.least == least_of(format)) {
            range.least.reset();
        }
    } else if (format.width == 8 && format.is_signed && range.least == least_of(format)) {
        range.least.reset();
    }
    return in_range(type, "an integer", range);
}

ATTUNE_DECL std::string expected_string(std::string_view noun, const Rules* rules) {
    std::string text = of_size(noun, "byte", rules);
    if (rules != nullptr && rules->pattern) {
        text += " matching \"" + rules->pattern.text + '"';
    }
    return text;
}

ATTUNE_DECL std::string expected_variant(const VariantType& type) {
    std::string text;
    for (std::size_t i = 0; i < type.count; ++i) {
        const std::string next = expected(*type.alternatives[i], nullptr);
        // Several structs are one "an object" to whoever reads this.
        if (text != next && !text.ends_with(" or " + next)) {
            text += (text.empty() ? "" : " or ") + next;
        }
    }
    return text;
}

ATTUNE_DECL std::string expected(const Type& type, const Rules* rules) {
    if (rules != nullptr && !rules->strings.empty()) {
        return one_of(rules->strings, [](const std::string& text) { return text; });
    }
    if (rules != nullptr && !rules->numbers.empty()) {
        return one_of(rules->numbers,
                      [&type](const Quantity& number) { return number_text(type, number); });
    }
    const Range allowed{rules == nullptr ? std::nullopt : rules->least,
                        rules == nullptr ? std::nullopt : rules->most};
    const bool bounded = allowed.least || allowed.most;
    switch (type.shape) {
    case Shape::boolean: return "true or false";
    case Shape::integer: return expected_integer(type, rules);
    case Shape::real: return in_range(type, "a number", allowed);
    case Shape::string: return expected_string("a string", rules);
    case Shape::path: return expected_string("a path", rules);
    case Shape::enumeration:
        return one_of(static_cast<const EnumType&>(type).names(),
                      [](const Enumerator& enumerator) { return enumerator.name; });
    case Shape::duration:
        return bounded ? in_range(type, "a duration", allowed) : "a duration such as \"250ms\"";
    case Shape::bytes:
        return bounded ? in_range(type, "a size", allowed) : "a size such as \"64MiB\"";
    case Shape::optional: return expected(static_cast<const OptionalType&>(type).inner, rules);
    case Shape::secret: return expected(static_cast<const SecretType&>(type).inner, rules);
    case Shape::flags:
    case Shape::list: return of_size("a list", "item", rules);
    case Shape::array: {
        const std::size_t count = static_cast<const ArrayType&>(type).count;
        return "a list of " + std::to_string(count) + (count == 1 ? " item" : " items");
    }
    case Shape::map: return of_size("an object", "member", rules);
    case Shape::variant: return expected_variant(static_cast<const VariantType&>(type));
    case Shape::structure: return "an object";
    case Shape::document:
    case Shape::external: break;
    }
    return "a value";
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

class Provenance;

// Twice what a parsed document can be deep: only recursive structs read from documents made by hand
// get there, and they must not exhaust the stack.
inline constexpr std::size_t max_decode_depth = 256;

/// Where a decoder is, without a path: paths are made only for problems. Lives on the stack.
struct Trail {
    const Trail* above = nullptr;
    std::string_view key{};
    std::size_t index = 0;
    bool is_element = false;
    const Rules* rules = nullptr;  ///< of the field; null in a list's elements
    bool secret = false;           ///< nothing found from here on may be shown

    Trail member(std::string_view name) const noexcept {
        return {this, name, 0, false, nullptr, secret};
    }
    Trail element(std::size_t at) const noexcept { return {this, {}, at, true, nullptr, secret}; }
};

/// One run over one document. What `decode` promises, in parts.
class Decoder {
public:
    Decoder(const Type& root, const Path& at, const Provenance& provenance,
            std::vector<Problem>& problems) noexcept
        : root_(root), at_(at), provenance_(provenance), problems_(problems) {}

    /// A null document is one that has nothing.
    ATTUNE_DECL void value(const Type& type, void* object, const Document* document,
                           const Trail& place);

    std::size_t errors() const noexcept { return errors_; }

private:
    // Scalars; impl/decode_scalar.ipp. The document is not null.
    ATTUNE_DECL void boolean(void* object, const Document& document, const Trail& place);
    ATTUNE_DECL void integer(const IntegerType& type, void* object, const Document& document,
                             const Trail& place);
    ATTUNE_DECL void real(const RealType& type, void* object, const Document& document,
                          const Trail& place);
    ATTUNE_DECL void string(const Type& type, void* object, const Document& document,
                            const Trail& place);
    ATTUNE_DECL void enumeration(const EnumType& type, void* object, const Document& document,
                                 const Trail& place);
    ATTUNE_DECL void duration(const DurationType& type, void* object, const Document& document,
                              const Trail& place);
    ATTUNE_DECL void bytes(const Type& type, void* object, const Document& document,
                           const Trail& place);
    ATTUNE_DECL void external(const ExternalType& type, void* object, const Document& document,
                              const Trail& place);
    ATTUNE_DECL bool allowed(const Type& type, const Quantity& number, const Document& document,
                             const Trail& place);

    // Containers; impl/decode.ipp.
    ATTUNE_DECL void structured(const Type& type, void* object, const Document& document,
                                const Trail& place);
    ATTUNE_DECL void flags(const FlagsType& type, void* object, const Document& document,
                           const Trail& place);
    ATTUNE_DECL void list(const ListType& type, void* object, const Document& document,
                          const Trail& place);
    ATTUNE_DECL void array(const ArrayType& type, void* object, const Document& document,
                           const Trail& place);
    ATTUNE_DECL void map(const MapType& type, void* object, const Document& document,
                         const Trail& place);
    ATTUNE_DECL void element(const Type& type, void* object, const Document& document,
                             const Trail& place);
    ATTUNE_DECL void check_size(const Type& type, std::size_t size, const Document& document,
                                const Trail& place);

    // Structs; impl/decode_struct.ipp.
    ATTUNE_DECL void structure(const Structure& type, void* object, const Document* document,
                               const Trail& place);
    ATTUNE_DECL void missing(const Structure& type, const FieldInfo& field,
                             const Document* document, const Trail& place);
    ATTUNE_DECL void unknown(const Structure& type, const Document& document, const Trail& place);
    ATTUNE_DECL void check(const Structure& type, const void* object, const Trail& place);

    // Variants; impl/decode_variant.ipp.
    ATTUNE_DECL void variant(const VariantType& type, void* object, const Document& document,
                             const Trail& place);
    ATTUNE_DECL void text_variant(const VariantType& type, void* object, const Document& document,
                                  const Trail& place);
    ATTUNE_DECL bool attempt(const VariantType& type, void* object, std::size_t index,
                             const Document& document, const Trail& place);
    ATTUNE_DECL void struct_variant(const VariantType& type, void* object,
                                    const std::vector<std::size_t>& order, const Document& document,
                                    const Trail& place);

    // Problems; impl/decode_problem.ipp.
    ATTUNE_DECL Path path(const Trail& place) const;
    ATTUNE_DECL Problem& report(const Trail& place, Part part = Part::value);
    ATTUNE_DECL void mismatch(const Type& type, const Document& document, const Trail& place);

    const Type& root_;
    const Path& at_;
    const Provenance& provenance_;
    std::vector<Problem>& problems_;
    std::size_t errors_ = 0;
    std::size_t depth_ = 0;
};

/// True when null is a value of the type's own, and does not stand for its default.
ATTUNE_DECL bool takes_null(const Type& type) noexcept;

/// The forms that a value can be given as.
ATTUNE_DECL std::uint8_t form_of(const Document& document) noexcept;

/// A value for people: `80800`, `"text"`, `a list`; cut when it is long, kept back when it is
/// secret.
ATTUNE_DECL std::string found(const Document& document, bool secret);

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI {

struct TextOptions {
    /// Spaces per level, each item on its own line; negative: everything on one line, no spaces.
    int indent = -1;
};

/// JSON text (RFC 8259) that `parse` reads back as an equal document, text values excepted: they
/// become plain strings. Members come in the order of their keys. Reals are the shortest text that
/// reads back as the same double and always carry a `.` or an `e`. What JSON cannot say is
/// replaced: NaN and the infinities by `null`, bytes that are not UTF-8 by U+FFFD. O(n); any depth.
ATTUNE_DECL std::string to_text(const Document& document, TextOptions options = {});

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI::detail {

// JSON text at the end of `out`, as `to_text` has it: a string with its quotes, and what is neither
// an object nor an array.
ATTUNE_DECL void write_string(std::string_view text, std::string& out);
ATTUNE_DECL void write_scalar(const Document& value, std::string& out);

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI {

namespace detail {

ATTUNE_DECL void write_escape(char c, std::string& out) {
    switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\b': out += "\\b"; return;
    case '\f': out += "\\f"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: break;
    }
    constexpr std::string_view digits = "0123456789abcdef";
    out += "\\u00";
    out += digits[static_cast<unsigned char>(c) >> 4];
    out += digits[static_cast<unsigned char>(c) & 0xF];
}

ATTUNE_DECL void write_string(std::string_view text, std::string& out) {
    out += '"';
    const char* at = text.data();
    const char* const end = at + text.size();
    const char* written = at;
    const auto write_up_to = [&](const char* to) {
        out.append(written, to);
        written = to;
    };
    while (at != end) {
        const auto byte = static_cast<unsigned char>(*at);
        if (byte >= 0x80) {
            const std::size_t length = utf8_sequence(at, end);
            if (length == 0) {
                write_up_to(at);
                out += "\xEF\xBF\xBD";
                ++written;
            }
            at += length == 0 ? 1 : length;
        } else if (byte < 0x20 || byte == '"' || byte == '\\') {
            write_up_to(at);
            write_escape(*at, out);
            written = ++at;
        } else {
            ++at;
        }
    }
    write_up_to(end);
    out += '"';
}

template <class T>
std::string_view digits_of(T value, std::array<char, 40>& buffer) noexcept {
    const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
    return {buffer.data(), static_cast<std::size_t>(result.ptr - buffer.data())};
}

ATTUNE_DECL void write_scalar(const Document& value, std::string& out) {
    std::array<char, 40> buffer;
    switch (value.kind()) {
    case Kind::boolean: out += value.as_bool() ? "true" : "false"; return;
    case Kind::integer:
        out += value.is_unsigned() ? digits_of(value.as_uint64(), buffer)
                                   : digits_of(value.as_int64(), buffer);
        return;
    case Kind::real: {
        if (!std::isfinite(value.as_double())) {
            break;
        }
        const std::string_view digits = digits_of(value.as_double(), buffer);
        out += digits;
        if (digits.find_first_of(".e") == std::string_view::npos) {
            out += ".0";
        }
        return;
    }
    case Kind::string: write_string(value.as_string(), out); return;
    default: break;
    }
    out += "null";
}

ATTUNE_DECL void write_line(int indent, std::size_t depth, std::string& out) {
    if (indent < 0) {
        return;
    }
    out += '\n';
    out.append(static_cast<std::size_t>(indent) * depth, ' ');
}

}  // namespace detail

ATTUNE_DECL std::string to_text(const Document& document, TextOptions options) {
    struct Open {
        detail::Cursor next;
        bool object;
    };
    std::vector<Open> open;
    std::string out;
    const Document* value = &document;
    for (;;) {
        const bool object = value->is_object();
        if (value->size() > 0) {
            out += object ? '{' : '[';
            open.push_back({detail::Cursor(*value), object});
            detail::write_line(options.indent, open.size(), out);
        } else if (detail::is_container(*value)) {
            out += object ? "{}" : "[]";
        } else {
            detail::write_scalar(*value, out);
        }

        // To the next value, past the ends of all containers it was the last one of.
        for (bool found = value->size() > 0; !found && !open.empty();) {
            open.back().next.advance();
            found = !open.back().next.done();
            if (found) {
                out += ',';
            }
            detail::write_line(options.indent, open.size() - (found ? 0 : 1), out);
            if (!found) {
                out += open.back().object ? '}' : ']';
                open.pop_back();
            }
        }
        if (open.empty()) {
            return out;
        }

        const Open& top = open.back();
        if (top.object) {
            detail::write_string(top.next[0].as_string(), out);
            out += options.indent < 0 ? ":" : ": ";
        }
        value = &top.next[top.object ? 1 : 0];
    }
}

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL Path Decoder::path(const Trail& place) const {
    std::vector<std::string> tokens;
    for (const Trail* at = &place; at->above != nullptr; at = at->above) {
        tokens.insert(tokens.begin(),
                      at->is_element ? std::to_string(at->index) : std::string(at->key));
    }
    return at_ / Path(std::move(tokens));
}

ATTUNE_DECL Problem& Decoder::report(const Trail& place, Part part) {
    ++errors_;
    Problem& problem = problems_.emplace_back();
    problem.path = path(place);
    problem.origin = provenance_.origin(problem.path, part);
    return problem;
}

ATTUNE_DECL void Decoder::mismatch(const Type& type, const Document& document, const Trail& place) {
    Problem& problem = report(place);
    problem.expected = expected(type, place.rules);
    problem.found = found(document, place.secret);
}

// At most so many code points, and dots for what is left out.
ATTUNE_DECL std::string shortened(std::string_view text, std::size_t most) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool begins = (static_cast<unsigned char>(text[i]) & 0xC0) != 0x80;
        if (begins && count++ == most) {
            return std::string(text.substr(0, i)) + "...";
        }
    }
    return std::string(text);
}

ATTUNE_DECL std::string found(const Document& document, bool secret) {
    switch (document.kind()) {
    case Kind::null: return "null";
    case Kind::array: return "a list";
    case Kind::object: return "an object";
    case Kind::string:
        return secret ? "a string (not shown)"
                      : to_text(Document(shortened(document.as_string(), 40)));
    case Kind::boolean: return secret ? "a boolean (not shown)" : to_text(document);
    case Kind::integer:
    case Kind::real: break;
    }
    return secret ? "a number (not shown)" : to_text(document);
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL bool equals_ignoring_case(std::string_view text, std::string_view lower) noexcept {
    if (text.size() != lower.size()) {
        return false;
    }
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c) != lower[i]) {
            return false;
        }
    }
    return true;
}

ATTUNE_DECL std::optional<bool> read_boolean(std::string_view text) noexcept {
    for (const std::string_view yes : {"true", "yes", "on", "1"}) {
        if (equals_ignoring_case(text, yes)) {
            return true;
        }
    }
    for (const std::string_view no : {"false", "no", "off", "0"}) {
        if (equals_ignoring_case(text, no)) {
            return false;
        }
    }
    return std::nullopt;
}

template <class N>
bool read_number(std::string_view text, N& number) noexcept {
    const char* const last = text.data() + text.size();
    const std::from_chars_result result = std::from_chars(text.data(), last, number);
    return result.ec == std::errc{} && result.ptr == last;
}

// An integer in a document, or in text.
ATTUNE_DECL std::optional<Quantity> integer_in(const Document& document) {
    if (document.is_integer()) {
        return document.is_unsigned() ? Quantity(document.as_uint64())
                                      : Quantity(document.as_int64());
    }
    if (document.is_text()) {
        std::int64_t small = 0;
        if (read_number(document.as_string(), small)) {
            return small;
        }
        std::uint64_t large = 0;
        if (read_number(document.as_string(), large)) {
            return large;
        }
    }
    return std::nullopt;
}

ATTUNE_DECL void Decoder::boolean(void* object, const Document& document, const Trail& place) {
    std::optional<bool> value;
    if (document.is_bool()) {
        value = document.as_bool();
    } else if (document.is_text()) {
        value = read_boolean(document.as_string());
    }
    if (value) {
        *static_cast<bool*>(object) = *value;
    } else {
        mismatch(type_of<bool>(), document, place);
    }
}

// Judges a number by the range and the choices of its field.
ATTUNE_DECL bool Decoder::allowed(const Type& type, const Quantity& number,
                                  const Document& document, const Trail& place) {
    bool good = range_of(type, place.rules).contains(number);
    if (good && place.rules != nullptr && !place.rules->numbers.empty()) {
        good = false;
        for (const Quantity& choice : place.rules->numbers) {
            good = good || number == choice;
        }
    }
    if (!good) {
        mismatch(type, document, place);
    }
    return good;
}

ATTUNE_DECL void Decoder::integer(const IntegerType& type, void* object, const Document& document,
                                  const Trail& place) {
    const std::optional<Quantity> number = integer_in(document);
    if (!number) {
        mismatch(type, document, place);
    } else if (allowed(type, *number, document, place)) {
        store_integer(type.format, object, *number);
    }
}

ATTUNE_DECL void Decoder::real(const RealType& type, void* object, const Document& document,
                               const Trail& place) {
    double number = 0;
    bool good = document.is_number();
    if (good) {
        number = document.as_double();
    } else if (document.is_text()) {
        good = read_number(document.as_string(), number) && std::isfinite(number);
    }
    if (!good) {
        mismatch(type, document, place);
    } else if (std::isfinite(number) && std::abs(number) > most_of(type.format)) {
        const double most = most_of(type.format);
        Problem& problem = report(place);
        problem.expected =
            "a number in [" + to_text(Quantity(-most)) + ", " + to_text(Quantity(most)) + ']';
        problem.found = found(document, place.secret);
    } else if (allowed(type, number, document, place)) {
        store_real(type.format, object, number);
    }
}

ATTUNE_DECL void Decoder::string(const Type& type, void* object, const Document& document,
                                 const Trail& place) {
    if (!document.is_string()) {
        mismatch(type, document, place);
        return;
    }
    const std::string_view text = document.as_string();
    if (type.shape == Shape::path) {
        static_cast<const PathType&>(type).assign(object, text);
    } else {
        *static_cast<std::string*>(object) = text;
    }
    if (place.rules == nullptr) {
        return;
    }
    const Rules& rules = *place.rules;
    check_size(type, text.size(), document, place);
    if (!rules.strings.empty()) {
        const std::vector<std::string_view> names(rules.strings.begin(), rules.strings.end());
        bool good = false;
        for (const std::string_view name : names) {
            good = good || name == text;
        }
        if (!good) {
            mismatch(type, document, place);
            if (!place.secret) {
                problems_.back().suggestion = nearest(text, names);
            }
        }
    }
    if (!rules.pattern) {
        return;
    }
    if (text.size() > max_pattern_input) {
        Problem& problem = report(place);
        problem.expected = "a text of at most " + std::to_string(max_pattern_input) + " bytes";
        problem.found =
            place.secret ? found(document, true) : std::to_string(text.size()) + " bytes";
    } else if (!rules.pattern.match(rules.pattern.program.get(), text)) {
        mismatch(type, document, place);
    }
}

ATTUNE_DECL void Decoder::enumeration(const EnumType& type, void* object, const Document& document,
                                      const Trail& place) {
    if (!document.is_string()) {
        mismatch(type, document, place);
        return;
    }
    const std::string_view text = document.as_string();
    for (const Enumerator& enumerator : type.names()) {
        if (enumerator.name == text) {
            if (allowed(type, enumerator.value, document, place)) {
                store_integer(type.format, object, enumerator.value);
            }
            return;
        }
    }
    mismatch(type, document, place);
    if (!place.secret) {
        std::vector<std::string_view> names;
        for (const Enumerator& enumerator : type.names()) {
            names.push_back(enumerator.name);
        }
        problems_.back().suggestion = nearest(text, names);
    }
}

ATTUNE_DECL void Decoder::duration(const DurationType& type, void* object, const Document& document,
                                   const Trail& place) {
    // A number without a unit is refused: zero alone needs none.
    const bool zero = document.is_integer() && !document.is_unsigned() && document.as_int64() == 0;
    if (!zero && !document.is_string()) {
        mismatch(type, document, place);
        return;
    }
    const std::string_view text = zero ? "0" : document.as_string();
    const bool is_real = type.real != RealFormat::none;
    Quantity count;
    double real_count = 0;
    const DurationFault fault = is_real ? read_real_duration(text, type.tick, real_count)
                                        : read_duration(text, type.tick, count);
    if (is_real) {
        count = real_count;
    }
    const Range held = range_of(type, nullptr);
    const bool holds = fault == DurationFault::none && held.contains(count);
    if (holds) {
        if (allowed(type, count, document, place)) {
            if (is_real) {
                store_real(type.real, object, real_count);
            } else {
                store_integer(type.integer, object, count);
            }
        }
        return;
    }
    mismatch(type, document, place);
    Problem& problem = problems_.back();
    if (fault == DurationFault::unknown_unit) {
        problem.expected += " with units of d, h, m, s, ms, us, ns";
    } else if (fault == DurationFault::inexact) {
        problem.expected = "a multiple of " + write_duration(std::uint64_t{1}, type.tick);
    } else if (fault == DurationFault::overflow || fault == DurationFault::none) {
        problem.expected = in_range(type, is_real ? "a shorter duration" : "a duration", held);
    }
}

ATTUNE_DECL void Decoder::bytes(const Type& type, void* object, const Document& document,
                                const Trail& place) {
    std::uint64_t count = 0;
    SizeFault fault = SizeFault::none;
    if (document.is_integer() && (document.is_unsigned() || document.as_int64() >= 0)) {
        count = document.as_uint64();
    } else if (document.is_string()) {
        fault = read_bytes(document.as_string(), count);
    } else {
        fault = SizeFault::malformed;
    }
    if (fault == SizeFault::none) {
        if (allowed(type, count, document, place)) {
            static_cast<Bytes*>(object)->count = count;
        }
        return;
    }
    mismatch(type, document, place);
    Problem& problem = problems_.back();
    if (fault == SizeFault::unknown_unit) {
        problem.expected +=
            " with a unit of B, kB, MB, GB, TB, PB, EB, KiB, MiB, GiB, TiB, PiB, EiB";
    } else if (fault == SizeFault::fraction) {
        problem.expected = "a whole number of bytes";
    } else if (fault == SizeFault::overflow) {
        problem.expected = "a size below 16EiB";
    }
}

// What a type of its own takes text for, nobody here knows: JSON when it is JSON and the type
// agrees, else a string.
ATTUNE_DECL bool accepts_as_json(const ExternalType& type, void* object, std::string_view text) {
    try {
        type.decode(object, parse(text));
        return true;
    } catch (...) {
        return false;
    }
}

ATTUNE_DECL void Decoder::external(const ExternalType& type, void* object, const Document& document,
                                   const Trail& place) {
    if (document.is_text() && accepts_as_json(type, object, document.as_string())) {
        return;
    }
    std::string reason = "not accepted";
    try {
        return type.decode(object, document);
    } catch (const std::exception& error) {
        // The text may repeat what was read.
        if (!place.secret) {
            reason += std::string(": ") + error.what();
        }
    } catch (...) {
        // It says no, and no more.
    }
    Problem& problem = report(place);
    problem.message = std::move(reason);
    problem.found = found(document, place.secret);
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

// A struct that is absent is one without members: what is required in it is still required.
ATTUNE_DECL void Decoder::structure(const Structure& type, void* object, const Document* document,
                                    const Trail& place) {
    const std::size_t errors_before = errors_;
    std::size_t known = 0;
    for (const FieldInfo& field : type.fields) {
        const Document* const member = document == nullptr ? nullptr : document->find(field.name);
        known += member == nullptr ? 0 : 1;
        Trail at = place.member(field.name);
        at.rules = field.rules.get();
        at.secret = place.secret || field.secret;
        if (field.required && (member == nullptr || member->is_null())) {
            missing(type, field, document, at);
        } else {
            value(*field.type, static_cast<std::byte*>(object) + field.offset, member, at);
        }
    }
    if (document != nullptr && known != document->size()) {
        unknown(type, *document, place);
    }
    if (errors_ == errors_before) {
        check(type, object, place);
    }
}

ATTUNE_DECL void Decoder::missing(const Structure& type, const FieldInfo& field,
                                  const Document* document, const Trail& place) {
    Problem& problem = report(place);
    problem.message = "missing";
    problem.expected = expected(*field.type, field.rules.get());
    if (document != nullptr) {
        std::vector<std::string_view> strangers;
        for (const Member member : document->members()) {
            if (type.find(member.key) == nullptr) {
                strangers.push_back(member.key);
            }
        }
        problem.suggestion = nearest(field.name, strangers);
    }
}

// The struct that a field holds, also in an optional or a secret; null when it holds something
// else.
ATTUNE_DECL const Structure* structure_inside(const Type& type) {
    switch (type.shape) {
    case Shape::structure: return &structure_of(type);
    case Shape::optional: return structure_inside(static_cast<const OptionalType&>(type).inner);
    case Shape::secret: return structure_inside(static_cast<const SecretType&>(type).inner);
    default: return nullptr;
    }
}

// Looks for a field by its name, so many levels below a struct, and appends the way to it.
ATTUNE_DECL bool find_at(const Structure& structure, std::string_view name, std::size_t levels,
                         Path& path) {
    if (levels == 0) {
        const bool here = structure.find(name) != nullptr;
        if (here) {
            path = path / name;
        }
        return here;
    }
    for (const FieldInfo& field : structure.fields) {
        const Structure* const inner = structure_inside(*field.type);
        Path below = path / field.name;
        if (inner != nullptr && find_at(*inner, name, levels - 1, below)) {
            path = std::move(below);
            return true;
        }
    }
    return false;
}

// The nearest field of that name below a struct; empty when there is none. Structs that contain
// themselves have no end: six levels are enough.
ATTUNE_DECL std::string find_below(const Structure* structure, std::string_view name, Path path) {
    for (std::size_t levels = 0; structure != nullptr && levels < 6; ++levels) {
        if (find_at(*structure, name, levels, path)) {
            return to_string(path);
        }
    }
    return {};
}

ATTUNE_DECL void Decoder::unknown(const Structure& type, const Document& document,
                                  const Trail& place) {
    std::vector<std::string_view> names;
    for (const FieldInfo& field : type.fields) {
        names.push_back(field.name);
    }
    for (const Member member : document.members()) {
        if (type.find(member.key) != nullptr) {
            continue;
        }
        const Trail at = place.member(member.key);
        const UnknownKeys verdict = provenance_.unknown_keys(path(at));
        if (verdict == UnknownKeys::ignore) {
            continue;
        }
        Problem& problem = report(at, Part::key);
        problem.message = "unknown key";
        problem.suggestion = nearest(member.key, names);
        if (verdict == UnknownKeys::warn) {
            problem.severity = Severity::warning;
            --errors_;
        }
        // Nothing near here: perhaps it belongs deeper, or elsewhere.
        if (problem.suggestion.empty()) {
            problem.suggestion = find_below(&type, member.key, path(place));
        }
        if (problem.suggestion.empty()) {
            problem.suggestion = find_below(structure_inside(root_), member.key, at_);
        }
    }
}

ATTUNE_DECL void Decoder::check(const Structure& type, const void* object, const Trail& place) {
    for (const CheckInfo& check : type.checks) {
        std::string message = check.text;
        try {
            if (check.call(check.function.get(), object)) {
                continue;
            }
        } catch (const std::exception& error) {
            message += std::string(" (the check failed: ") + error.what() + ')';
        } catch (...) {
            message += " (the check failed)";
        }
        report(place).message = std::move(message);
    }
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL std::uint8_t form_of(const Document& document) noexcept {
    switch (document.kind()) {
    case Kind::boolean: return form::boolean;
    case Kind::integer: return form::integer;
    case Kind::real: return form::real;
    case Kind::string: return form::string;
    case Kind::array: return form::list;
    case Kind::object: return form::map | form::structure;
    case Kind::null: break;
    }
    return form::null;
}

ATTUNE_DECL std::vector<std::size_t> alternatives_for(const VariantType& type, std::uint8_t forms) {
    std::vector<std::size_t> fitting;
    for (std::size_t i = 0; i < type.count; ++i) {
        if ((type.alternatives[i]->forms & forms) != 0) {
            fitting.push_back(i);
        }
    }
    return fitting;
}

// Decodes into an alternative, from its own defaults. Whatever goes wrong is taken back.
ATTUNE_DECL bool Decoder::attempt(const VariantType& type, void* object, std::size_t index,
                                  const Document& document, const Trail& place) {
    const std::size_t problems_before = problems_.size();
    const std::size_t errors_before = errors_;
    value(*type.alternatives[index], type.emplace(object, index), &document, place);
    if (errors_ == errors_before) {
        return true;
    }
    problems_.resize(problems_before);
    errors_ = errors_before;
    return false;
}

ATTUNE_DECL void Decoder::variant(const VariantType& type, void* object, const Document& document,
                                  const Trail& place) {
    if (document.is_text()) {
        return text_variant(type, object, document, place);
    }
    std::vector<std::size_t> fitting = alternatives_for(type, form_of(document));
    if (fitting.empty() && document.is_integer()) {
        fitting = alternatives_for(type, form::real);
    }
    if (fitting.empty()) {
        mismatch(type, document, place);
    } else if (fitting.size() == 1) {
        value(*type.alternatives[fitting[0]], type.emplace(object, fitting[0]), &document, place);
    } else {
        struct_variant(type, object, fitting, document, place);
    }
}

// How badly the members of an object fit a struct: first what would be a problem, then what would
// be left at its default.
struct Misfit {
    std::size_t problems = 0;
    std::size_t absent = 0;

    friend bool operator<(const Misfit& a, const Misfit& b) noexcept {
        return a.problems != b.problems ? a.problems < b.problems : a.absent < b.absent;
    }
};

ATTUNE_DECL Misfit misfit(const Structure& structure, const Document& document) {
    Misfit result;
    std::size_t known = 0;
    for (const FieldInfo& field : structure.fields) {
        const bool present = document.find(field.name) != nullptr;
        known += present ? 1 : 0;
        result.absent += present ? 0 : 1;
        result.problems += field.required && !present ? 1 : 0;
    }
    result.problems += document.size() - known;
    return result;
}

// Of several structs the one that fits without a problem; when none does, the problems of the one
// that comes nearest.
ATTUNE_DECL void Decoder::struct_variant(const VariantType& type, void* object,
                                         const std::vector<std::size_t>& fitting,
                                         const Document& document, const Trail& place) {
    const auto misfit_of = [&](std::size_t index) {
        const Structure* const structure = structure_inside(*type.alternatives[index]);
        return structure == nullptr ? Misfit{} : misfit(*structure, document);
    };
    // Alternatives are few, and the first one tried is right as a rule: no need to sort.
    std::vector<std::size_t> left = fitting;
    std::size_t nearest = type.count;
    while (!left.empty()) {
        std::size_t best = 0;
        for (std::size_t i = 1; i < left.size(); ++i) {
            best = misfit_of(left[i]) < misfit_of(left[best]) ? i : best;
        }
        const std::size_t index = left[best];
        if (attempt(type, object, index, document, place)) {
            return;
        }
        nearest = nearest == type.count ? index : nearest;
        left.erase(left.begin() + static_cast<std::ptrdiff_t>(best));
    }
    value(*type.alternatives[nearest], type.emplace(object, nearest), &document, place);
}

// The order in which alternatives are tried on text: the choosier ones first.
ATTUNE_DECL int text_rank(const Type& type) noexcept {
    switch (type.shape) {
    case Shape::integer: return 0;
    case Shape::real: return 1;
    case Shape::boolean: return 2;
    case Shape::enumeration:
    case Shape::duration:
    case Shape::bytes: return 3;
    case Shape::string:
    case Shape::path: return 5;
    case Shape::secret: return text_rank(static_cast<const SecretType&>(type).inner);
    case Shape::optional: return text_rank(static_cast<const OptionalType&>(type).inner);
    default: return 4;
    }
}

ATTUNE_DECL void Decoder::text_variant(const VariantType& type, void* object,
                                       const Document& document, const Trail& place) {
    for (const int rank : {0, 1, 2, 3, 4, 5}) {
        if (rank == 4) {
            try {
                const Document parsed = parse(document.as_string());
                if (parsed.is_array() || parsed.is_object()) {
                    return variant(type, object, parsed, place);
                }
            } catch (const ParseError&) {
                // It is no JSON, then; perhaps it is a string.
            }
            continue;
        }
        for (std::size_t i = 0; i < type.count; ++i) {
            if (text_rank(*type.alternatives[i]) == rank &&
                attempt(type, object, i, document, place)) {
                return;
            }
        }
    }
    mismatch(type, document, place);
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL bool takes_null(const Type& type) noexcept {
    switch (type.shape) {
    case Shape::optional:
    case Shape::document: return true;
    case Shape::secret: return takes_null(static_cast<const SecretType&>(type).inner);
    default: return false;
    }
}

ATTUNE_DECL void Decoder::value(const Type& type, void* object, const Document* document,
                                const Trail& place) {
    const bool absent = document == nullptr || document->is_null();
    if (absent && type.shape != Shape::structure && type.shape != Shape::secret) {
        // The default stays, unless null is a value here.
        if (document != nullptr && type.shape == Shape::optional) {
            static_cast<const OptionalType&>(type).reset(object);
        } else if (document != nullptr && type.shape == Shape::document) {
            *static_cast<Document*>(object) = *document;
        }
        return;
    }
    switch (type.shape) {
    case Shape::boolean: return boolean(object, *document, place);
    case Shape::integer:
        return integer(static_cast<const IntegerType&>(type), object, *document, place);
    case Shape::real: return real(static_cast<const RealType&>(type), object, *document, place);
    case Shape::string:
    case Shape::path: return string(type, object, *document, place);
    case Shape::enumeration:
        return enumeration(static_cast<const EnumType&>(type), object, *document, place);
    case Shape::duration:
        return duration(static_cast<const DurationType&>(type), object, *document, place);
    case Shape::bytes: return bytes(type, object, *document, place);
    case Shape::document: *static_cast<Document*>(object) = *document; return;
    case Shape::external:
        return external(static_cast<const ExternalType&>(type), object, *document, place);
    case Shape::secret: {
        const auto& secret = static_cast<const SecretType&>(type);
        Trail inside = place;
        inside.secret = true;
        // The object is not const; only the way into it is.
        return value(secret.inner, const_cast<void*>(secret.reveal(object)), document, inside);
    }
    default: break;
    }
    if (depth_ == max_decode_depth) {
        report(place).message = "nested too deeply";
        return;
    }
    ++depth_;
    if (type.shape == Shape::optional) {
        const auto& optional = static_cast<const OptionalType&>(type);
        value(optional.inner, optional.engage(object), document, place);
    } else if (absent) {
        structure(structure_of(type), object, nullptr, place);
    } else if (type.shape == Shape::variant) {
        variant(static_cast<const VariantType&>(type), object, *document, place);
    } else {
        structured(type, object, *document, place);
    }
    --depth_;
}

// Text stands for lists, maps and structs as JSON.
ATTUNE_DECL void Decoder::structured(const Type& type, void* object, const Document& document,
                                     const Trail& place) {
    if (document.is_text()) {
        Document parsed;
        try {
            parsed = parse(document.as_string());
        } catch (const ParseError&) {
            mismatch(type, document, place);
            problems_.back().expected += " written as JSON";
            return;
        }
        return structured(type, object, parsed, place);
    }
    const bool keyed = type.shape == Shape::map || type.shape == Shape::structure;
    if (keyed ? !document.is_object() : !document.is_array()) {
        return mismatch(type, document, place);
    }
    switch (type.shape) {
    case Shape::flags: return flags(static_cast<const FlagsType&>(type), object, document, place);
    case Shape::list: return list(static_cast<const ListType&>(type), object, document, place);
    case Shape::array: return array(static_cast<const ArrayType&>(type), object, document, place);
    case Shape::map: return map(static_cast<const MapType&>(type), object, document, place);
    default: return structure(structure_of(type), object, &document, place);
    }
}

// In a list there is no default that null could stand for.
ATTUNE_DECL void Decoder::element(const Type& type, void* object, const Document& document,
                                  const Trail& place) {
    if (document.is_null() && !takes_null(type)) {
        mismatch(type, document, place);
    } else {
        value(type, object, &document, place);
    }
}

ATTUNE_DECL void Decoder::check_size(const Type& type, std::size_t size, const Document& document,
                                     const Trail& place) {
    if (place.rules == nullptr) {
        return;
    }
    const Rules& rules = *place.rules;
    if ((rules.least_size && size < *rules.least_size) ||
        (rules.most_size && size > *rules.most_size)) {
        mismatch(type, document, place);
        if (!place.secret) {
            const char* const unit = document.is_array()    ? " item"
                                     : document.is_object() ? " member"
                                                            : " byte";
            problems_.back().found = std::to_string(size) + unit + (size == 1 ? "" : "s");
        }
    }
}

ATTUNE_DECL void Decoder::flags(const FlagsType& type, void* object, const Document& document,
                                const Trail& place) {
    type.clear(object);
    std::size_t index = 0;
    for (const Document& item : document.elements()) {
        bool flag = false;
        element(type_of<bool>(), &flag, item, place.element(index++));
        type.append(object, flag);
    }
    check_size(type, index, document, place);
}

ATTUNE_DECL void Decoder::list(const ListType& type, void* object, const Document& document,
                               const Trail& place) {
    type.clear(object, document.size());
    std::size_t index = 0;
    for (const Document& item : document.elements()) {
        element(type.element, type.append(object), item, place.element(index++));
    }
    check_size(type, index, document, place);
}

ATTUNE_DECL void Decoder::array(const ArrayType& type, void* object, const Document& document,
                                const Trail& place) {
    if (document.size() != type.count) {
        mismatch(type, document, place);
        problems_.back().found += " of " + std::to_string(document.size());
        return;
    }
    auto* item = static_cast<std::byte*>(object);
    std::size_t index = 0;
    for (const Document& from : document.elements()) {
        element(type.element, item, from, place.element(index++));
        item += type.stride;
    }
}

ATTUNE_DECL void Decoder::map(const MapType& type, void* object, const Document& document,
                              const Trail& place) {
    type.clear(object);
    for (const Member member : document.members()) {
        // Null masks what a lower layer has: the member is not there.
        if (!member.value.is_null() || takes_null(type.element)) {
            value(type.element, type.emplace(object, member.key), &member.value,
                  place.member(member.key));
        }
    }
    check_size(type, type.size(object), document, place);
}

ATTUNE_DECL bool decode(const Type& type, void* object, const Document* document, const Path& at,
                        const Provenance& provenance, std::vector<Problem>& problems) {
    Decoder decoder(type, at, provenance, problems);
    decoder.value(type, object, document, Trail{});
    return decoder.errors() == 0;
}

// For documents without a store.
class NoProvenance final : public Provenance {
public:
    Origin origin(const Path&, Part) const override { return {}; }
    UnknownKeys unknown_keys(const Path&) const override { return UnknownKeys::error; }
};

ATTUNE_DECL void decode_or_throw(const Type& type, void* object, const Document& document,
                                 const Path& at) {
    std::vector<Problem> problems;
    if (!decode(type, object, document.find(at), at, NoProvenance(), problems)) {
        throw Rejected({std::move(problems), "decode"});
    }
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI {

namespace detail {

/// An object of the described type as a document: every field of a struct, in its names, also where
/// it is empty. Secrets become `"***"` when they are to be masked, and can then not be decoded.
ATTUNE_DECL Document encode(const Type& type, const void* object, bool mask_secrets);

}  // namespace detail

/// The document that `decode` reads back as an equal object. Secrets are written out: for a
/// document that somebody will see, mask them with `masked`.
///
/// Not everything has a text: an enumerator outside EnumRange becomes a number that no decoder
/// takes, a long double is rounded to a double, a duration that is not finite becomes null.
template <class T>
Document encode(const T& object) {
    return detail::encode(detail::type_of<T>(), std::addressof(object), false);
}

/// As `encode`, with `"***"` in place of every secret.
template <class T>
Document masked(const T& object) {
    return detail::encode(detail::type_of<T>(), std::addressof(object), true);
}

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI::detail {

// The double that is written with the same digits: 0.1f is 0.1, not 0.10000000149011612.
ATTUNE_DECL double widened(float value) {
    std::array<char, 32> buffer;
    const std::to_chars_result end =
        std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
    double wide = value;
    if (std::isfinite(value)) {
        std::from_chars(buffer.data(), end.ptr, wide);
    }
    return wide;
}

class Encoder {
public:
    explicit Encoder(bool mask_secrets) noexcept : mask_secrets_(mask_secrets) {}

    Document value(const Type& type, const void* object) const {
        switch (type.shape) {
        case Shape::boolean: return *static_cast<const bool*>(object);
        case Shape::integer: return number(load(type, object));
        case Shape::real: return real(static_cast<const RealType&>(type).format, object);
        case Shape::string: return *static_cast<const std::string*>(object);
        case Shape::enumeration: return enumerator(static_cast<const EnumType&>(type), object);
        case Shape::duration: return duration(static_cast<const DurationType&>(type), object);
        case Shape::bytes: return to_string(*static_cast<const Bytes*>(object));
        case Shape::path: return static_cast<const PathType&>(type).text(object);
        case Shape::optional: {
            const auto& optional = static_cast<const OptionalType&>(type);
            const void* const inner = optional.get(object);
            return inner == nullptr ? Document() : value(optional.inner, inner);
        }
        case Shape::flags: return flags(static_cast<const FlagsType&>(type), object);
        case Shape::list: return list(static_cast<const ListType&>(type), object);
        case Shape::array: return array(static_cast<const ArrayType&>(type), object);
        case Shape::map: return map(static_cast<const MapType&>(type), object);
        case Shape::variant: {
            const auto& variant = static_cast<const VariantType&>(type);
            const std::size_t index = variant.index(object);
            return index >= variant.count
                       ? Document()
                       : value(*variant.alternatives[index], variant.get(object));
        }
        case Shape::structure: return structure(structure_of(type), object);
        case Shape::secret: {
            const auto& secret = static_cast<const SecretType&>(type);
            return mask_secrets_ ? mask() : value(secret.inner, secret.reveal(object));
        }
        case Shape::document: return *static_cast<const Document*>(object);
        case Shape::external: return static_cast<const ExternalType&>(type).encode(object);
        }
        return {};
    }

private:
    static Document mask() { return "***"; }

    static Document number(const Quantity& value) {
        return value.is_negative() ? Document(static_cast<std::int64_t>(value.bits()))
                                   : Document(value.bits());
    }

    static Document real(RealFormat format, const void* object) {
        return format == RealFormat::single ? widened(*static_cast<const float*>(object))
                                            : load_real(format, object);
    }

    static Document enumerator(const EnumType& type, const void* object) {
        const Quantity number = load(type, object);
        for (const Enumerator& known : type.names()) {
            if (number == known.value) {
                return known.name;
            }
        }
        return Encoder::number(number);
    }

    static Document duration(const DurationType& type, const void* object) {
        const Quantity count = load(type, object);
        if (count.is_real() && !std::isfinite(count.real())) {
            return {};
        }
        return write_duration(count, type.tick);
    }

    static Document flags(const FlagsType& type, const void* object) {
        std::vector<Document> elements;
        for (std::size_t i = 0; i < type.size(object); ++i) {
            elements.emplace_back(type.get(object, i));
        }
        return make_array(elements.data(), elements.size());
    }

    Document list(const ListType& type, const void* object) const {
        std::vector<Document> elements;
        elements.reserve(type.size(object));
        for (std::size_t i = 0; i < type.size(object); ++i) {
            elements.push_back(value(type.element, type.get(object, i)));
        }
        return make_array(elements.data(), elements.size());
    }

    Document array(const ArrayType& type, const void* object) const {
        std::vector<Document> elements;
        const auto* element = static_cast<const std::byte*>(object);
        for (std::size_t i = 0; i < type.count; ++i, element += type.stride) {
            elements.push_back(value(type.element, element));
        }
        return make_array(elements.data(), elements.size());
    }

    Document map(const MapType& type, const void* object) const {
        struct Context {
            const Encoder& encoder;
            const Type& element;
            std::vector<Document> slots;
        } context{*this, type.element, {}};
        context.slots.reserve(2 * type.size(object));
        type.visit(object, &context, [](void* opaque, const std::string& key, const void* value) {
            Context& c = *static_cast<Context*>(opaque);
            c.slots.emplace_back(key);
            c.slots.push_back(c.encoder.value(c.element, value));
        });
        return make_object(context.slots.data(), context.slots.size() / 2);
    }

    Document structure(const Structure& type, const void* object) const {
        std::vector<Document> slots;
        slots.reserve(2 * type.fields.size());
        for (const FieldInfo& field : type.fields) {
            slots.emplace_back(field.name);
            slots.push_back(field.secret && mask_secrets_
                                ? mask()
                                : value(*field.type,
                                        static_cast<const std::byte*>(object) + field.offset));
        }
        return make_object(slots.data(), type.fields.size());
    }

    bool mask_secrets_;
};

ATTUNE_DECL Document encode(const Type& type, const void* object, bool mask_secrets) {
    return Encoder(mask_secrets).value(type, object);
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI {

namespace detail {

// The type that rules speak about: what is inside optionals and secrets.
template <class M>
struct Inside {
    using type = M;
};
template <class M>
struct Inside<std::optional<M>> : Inside<M> {};
template <class M>
struct Inside<std::unique_ptr<M>> : Inside<M> {};
template <class M>
struct Inside<std::shared_ptr<M>> : Inside<M> {};
template <class M>
struct Inside<Secret<M>> : Inside<M> {};

template <class V>
inline constexpr bool is_text =
    type_object<V>.shape == Shape::string || type_object<V>.shape == Shape::path;

template <class V>
inline constexpr bool is_sized =
    type_object<V>.shape == Shape::string || type_object<V>.shape == Shape::list ||
    type_object<V>.shape == Shape::flags || type_object<V>.shape == Shape::map;

// What one_of takes for a field that holds a V.
template <class V>
using Choice = std::conditional_t<is_text<V>, std::string_view, V>;

/// Throw std::logic_error naming the rule when it was given before, or cannot be met.
ATTUNE_DECL void set_least(FieldInfo& field, const Quantity& least);
ATTUNE_DECL void set_most(FieldInfo& field, const Quantity& most);
ATTUNE_DECL void set_least_size(FieldInfo& field, std::size_t least);
ATTUNE_DECL void set_most_size(FieldInfo& field, std::size_t most);
ATTUNE_DECL void set_pattern(FieldInfo& field, Pattern pattern);
ATTUNE_DECL void add_choice(FieldInfo& field, std::string_view text);
ATTUNE_DECL void add_choice(FieldInfo& field, const Quantity& number);
[[noreturn]] ATTUNE_DECL void throw_bound_outside(const FieldInfo& field);

/// The field at an offset; std::logic_error when there is none of that type.
ATTUNE_DECL FieldInfo& field_at(Structure& structure, std::size_t offset, const Type& type);
ATTUNE_DECL void add_check(Structure& structure, Erased function, CheckInfo::Call call,
                           std::string text);

}  // namespace detail

/// Rules and descriptions for one field. Rules of an optional or a Secret hold for the value
/// inside; a default value is not judged. What a field's type cannot satisfy does not compile;
/// rules that contradict each other throw std::logic_error when the struct is first bound.
template <class M>
class Field {
    using Value = typename detail::Inside<M>::type;

public:
    explicit Field(detail::FieldInfo& info) noexcept : info_(&info) {}

    /// One line for people, shown by Store::usage and in the JSON Schema.
    Field& doc(std::string text) {
        info_->doc = std::move(text);
        return *this;
    }

    /// The member's name in documents, in place of the C++ one.
    Field& name(std::string name) {
        info_->name = std::move(name);
        return *this;
    }

    /// Absent, or null, is a problem.
    Field& required() {
        info_->required = true;
        return *this;
    }

    /// Never shown, like a Secret, where the type should stay plain.
    Field& secret() {
        info_->secret = true;
        return *this;
    }

    /// Numbers, durations, Bytes: from `low` to `high`, both included.
    template <class L, class H>
    Field& between(const L& low, const H& high) {
        return at_least(low).at_most(high);
    }

    template <class B>
    Field& at_least(const B& low) {
        detail::set_least(*info_, bound(low));
        return *this;
    }

    template <class B>
    Field& at_most(const B& high) {
        detail::set_most(*info_, bound(high));
        return *this;
    }

    /// Strings: bytes. Lists and maps: items.
    Field& min_size(std::size_t size) {
        static_assert(detail::is_sized<Value>, "min_size is for strings, lists and maps");
        detail::set_least_size(*info_, size);
        return *this;
    }

    Field& max_size(std::size_t size) {
        static_assert(detail::is_sized<Value>, "max_size is for strings, lists and maps");
        detail::set_most_size(*info_, size);
        return *this;
    }

    /// Strings and paths: an ECMAScript regular expression that the whole text matches. Texts of
    /// more than 2048 bytes are then refused.
    Field& matches(std::string_view pattern) {
        static_assert(detail::is_text<Value>, "matches is for strings and paths");
        detail::set_pattern(*info_, detail::compile_pattern(pattern));
        return *this;
    }

    /// Strings, paths, numbers, enumerations: one of these.
    Field& one_of(std::initializer_list<detail::Choice<Value>> values) {
        for (const detail::Choice<Value>& value : values) {
            if constexpr (detail::is_text<Value>) {
                detail::add_choice(*info_, value);
            } else if constexpr (std::is_enum_v<Value>) {
                detail::add_choice(*info_, static_cast<std::underlying_type_t<Value>>(value));
            } else {
                detail::add_choice(*info_, bound(value));
            }
        }
        return *this;
    }

private:
    template <class B>
    detail::Quantity bound(const B& value) const {
        if constexpr (detail::Integer<Value>) {
            static_assert(detail::Integer<B>, "the bound of an integer must be an integer");
            if (!std::in_range<Value>(value)) {
                detail::throw_bound_outside(*info_);
            }
            return static_cast<Value>(value);
        } else if constexpr (std::is_floating_point_v<Value>) {
            static_assert(detail::Integer<B> || std::is_floating_point_v<B>,
                          "the bound of a number must be a number");
            return static_cast<double>(value);
        } else if constexpr (detail::is_duration<Value>) {
            static_assert(std::is_convertible_v<const B&, Value>,
                          "the bound of a duration must be a duration that its type can hold "
                          "exactly");
            return detail::Quantity::of(Value(value).count());
        } else {
            static_assert(std::is_same_v<Value, Bytes>,
                          "at_least, at_most and between are for numbers, durations and "
                          "attune::Bytes");
            static_assert(std::is_convertible_v<const B&, Bytes>,
                          "the bound of a size must be attune::Bytes");
            return Bytes(value).count;
        }
    }

    detail::FieldInfo* info_;
};

/// What a struct says about itself beyond its members: an optional function found by
/// argument-dependent look-up,
///
/// ```cpp
/// void describe(attune::Schema<Server>& s) {
///     s.doc("The HTTP listener");
///     s.field(&Server::port).doc("TCP port").between(1, 65535);
///     s.check([](const Server& v) { return v.pool.size > 0; }, "pool.size must be positive");
/// }
/// ```
///
/// Declare it beside the struct, or as its friend: one that comes after the struct was bound is not
/// seen. Called once per program, when the struct is first bound; what it sets is immutable
/// afterwards. A Schema is a reference to that one description, and so are its copies.
template <class T>
class Schema {
public:
    Schema(detail::Structure& structure, const T& object) noexcept
        : structure_(&structure), object_(&object) {}

    /// One line for people about the whole struct.
    Schema& doc(std::string text) {
        structure_->doc = std::move(text);
        return *this;
    }

    template <class M>
    Field<M> field(M T::*member) {
        static_assert(std::is_object_v<M>, "field() takes a pointer to a data member");
        const auto offset = reinterpret_cast<const std::byte*>(std::addressof(object_->*member)) -
                            reinterpret_cast<const std::byte*>(object_);
        return Field<M>(detail::field_at(*structure_, static_cast<std::size_t>(offset),
                                         detail::type_object<M>));
    }

    /// A rule over several fields, judged when each of them is right by itself. `text` says what
    /// must hold. `valid` is called with a const T& at every commit, possibly from several threads
    /// at once, and must be pure; an exception from it counts as a no.
    template <class F>
        requires(std::predicate<const F&, const T&>)
    Schema& check(F valid, std::string text) {
        const auto call = [](const void* function, const void* object) -> bool {
            return (*static_cast<const F*>(function))(*static_cast<const T*>(object));
        };
        detail::Erased function = detail::erase(new F(std::move(valid)));
        detail::add_check(*structure_, std::move(function), call, std::move(text));
        return *this;
    }

private:
    detail::Structure* structure_;
    const T* object_;
};

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL Rules& rules_of(FieldInfo& field) {
    if (!field.rules) {
        field.rules = std::make_unique<Rules>();
    }
    return *field.rules;
}

template <class T>
void set_once(const FieldInfo& field, std::optional<T>& rule, const T& value) {
    if (rule) {
        throw std::logic_error("describe: \"" + field.name + "\" has the same bound twice");
    }
    rule = value;
}

ATTUNE_DECL void set_least(FieldInfo& field, const Quantity& least) {
    set_once(field, rules_of(field).least, least);
}

ATTUNE_DECL void set_most(FieldInfo& field, const Quantity& most) {
    set_once(field, rules_of(field).most, most);
}

ATTUNE_DECL void set_least_size(FieldInfo& field, std::size_t least) {
    set_once(field, rules_of(field).least_size, least);
}

ATTUNE_DECL void set_most_size(FieldInfo& field, std::size_t most) {
    set_once(field, rules_of(field).most_size, most);
}

ATTUNE_DECL void set_pattern(FieldInfo& field, Pattern pattern) {
    Rules& rules = rules_of(field);
    if (rules.pattern) {
        throw std::logic_error("describe: \"" + field.name + "\" has two patterns");
    }
    rules.pattern = std::move(pattern);
}

ATTUNE_DECL void add_choice(FieldInfo& field, std::string_view text) {
    rules_of(field).strings.emplace_back(text);
}

ATTUNE_DECL void add_choice(FieldInfo& field, const Quantity& number) {
    rules_of(field).numbers.push_back(number);
}

ATTUNE_DECL void throw_bound_outside(const FieldInfo& field) {
    throw std::logic_error("describe: a bound of \"" + field.name +
                           "\" is outside what its type can hold");
}

ATTUNE_DECL FieldInfo& field_at(Structure& structure, std::size_t offset, const Type& type) {
    for (FieldInfo& field : structure.fields) {
        if (field.offset == offset && field.type == &type) {
            return field;
        }
    }
    throw std::logic_error(
        "describe: field() was given something else than a member of the struct");
}

ATTUNE_DECL void add_check(Structure& structure, Erased function, CheckInfo::Call call,
                           std::string text) {
    structure.checks.push_back({std::move(function), call, std::move(text)});
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI {

/// Calls `f(std::string_view key, const Document* before, const Document* after)` for each member
/// that differs between two objects, in key order; the missing side is null. What is not an object
/// counts as one without members.
///
/// Members differ when they are not `same`: two equal subtrees that share nothing are reported, and
/// so is a long string that was written again. After `reconcile` that does not happen. Nodes that
/// both documents share are skipped unseen: O(change * log n) between neighbouring versions.
template <class F>
void for_each_difference(const Document& before, const Document& after, F&& f) {
    for (detail::Differences difference(before, after); difference.next();) {
        f(difference.key(), difference.before(), difference.after());
    }
}

/// The deepest paths at which two documents differ, in order. A member that exists on one side only
/// is named itself, not what is inside it; so is an array whose length has changed. Equal subtrees
/// are never named, shared or not. Empty when the documents are equal.
ATTUNE_DECL std::vector<Path> changed_paths(const Document& before, const Document& after);
/// The same for documents that differ at `within`, or below or above it, and nowhere else, as after
/// one `with` or `without`: looks at nothing beside the path.
ATTUNE_DECL std::vector<Path> changed_paths(const Document& before, const Document& after,
                                            const Path& within);

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI {

namespace detail {

// Both are objects, or arrays of one length: whatever differs does so further down.
ATTUNE_DECL bool differ_inside(const Document* before, const Document* after) noexcept {
    if (!before || !after) {
        return false;
    }
    if (before->is_object()) {
        return after->is_object();
    }
    return before->is_array() && after->is_array() && before->size() == after->size();
}

}  // namespace detail

ATTUNE_DECL std::vector<Path> changed_paths(const Document& before, const Document& after) {
    if (before.same(after)) {
        return {};
    }
    if (!detail::differ_inside(&before, &after)) {
        return before == after ? std::vector<Path>{} : std::vector<Path>{Path()};
    }
    std::vector<Path> paths;
    std::vector<std::string> tokens;
    std::vector<detail::ChangedEntries> open;
    open.emplace_back(before, after);
    while (!open.empty()) {
        detail::ChangedEntries& entries = open.back();
        tokens.resize(open.size() - 1);
        if (!entries.next()) {
            open.pop_back();
            continue;
        }
        const Document* const old = entries.before();
        const Document* const fresh = entries.after();
        tokens.push_back(entries.token());
        if (detail::differ_inside(old, fresh)) {
            open.emplace_back(*old, *fresh);
        } else if (!old || !fresh || !(*old == *fresh)) {
            paths.emplace_back(tokens);
        }
    }
    return paths;
}

ATTUNE_DECL std::vector<Path> changed_paths(const Document& before, const Document& after,
                                            const Path& within) {
    const Document* old = &before;
    const Document* fresh = &after;
    std::size_t depth = 0;
    while (depth != within.size() && old && fresh && old->is_object() && fresh->is_object()) {
        const std::string& token = within.tokens()[depth++];
        old = old->find(token);
        fresh = fresh->find(token);
    }
    const auto at = [&](const Path& below) {
        std::vector<std::string> tokens{
            within.tokens().begin(), within.tokens().begin() + static_cast<std::ptrdiff_t>(depth)};
        tokens.insert(tokens.end(), below.tokens().begin(), below.tokens().end());
        return Path{std::move(tokens)};
    };
    std::vector<Path> paths;
    if (old && fresh) {
        for (const Path& below : changed_paths(*old, *fresh)) {
            paths.push_back(at(below));
        }
    } else if (old || fresh) {
        paths.push_back(at({}));
    }
    return paths;
}

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI {

/// `upper` laid over `lower`, as layers of configuration are: two objects are merged key by key, in
/// any other case `upper` is the result. A null in `upper` is a value like any other: it masks what
/// is below it.
///
/// What `upper` does not touch is shared with `lower`, subtrees that exist only in `upper` with
/// `upper`. O(m log n) for m members of `upper` at the places where both are objects; any depth.
ATTUNE_DECL Document merge(const Document& lower, const Document& upper);

/// JSON Merge Patch (RFC 7396): as `merge`, but a null in `patch` removes the member.
ATTUNE_DECL Document merge_patch(const Document& target, const Document& patch);

/// A JSON Merge Patch that makes `after` of `before`: `merge_patch(before, make_merge_patch(before,
/// after))` equals `after`. A merge patch cannot put a null into an object: where `after` has one
/// that `before` has not, its member is removed instead. `make_patch` has no such limit.
///
/// What both documents share is not looked at: O(change * log n) between neighbouring versions. Any
/// depth.
ATTUNE_DECL Document make_merge_patch(const Document& before, const Document& after);

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI {

namespace detail {

// Two objects in the middle of being compared, and the members of their patch so far.
struct MergeComparing {
    Differences differences;
    bool replaces;                     // something that is no object stood here before
    std::vector<Document> slots = {};  // keys and values in turn, in key order
};

// Compares without recursion: the documents may be deeper than the stack.
class MergePatchMaker {
public:
    Document make(const Document& before, const Document& after) {
        if (!after.is_object()) {
            return after;
        }
        open(&before, after);
        for (;;) {
            MergeComparing& top = open_.back();
            if (!top.differences.next()) {
                const bool counts = top.replaces || !top.slots.empty();
                Document patch = make_object(top.slots.data(), top.slots.size() / 2);
                open_.pop_back();
                if (open_.empty()) {
                    return patch;
                }
                if (counts) {
                    open_.back().slots.push_back(std::move(patch));
                } else {
                    open_.back().slots.pop_back();  // equal after all
                }
                continue;
            }
            const Document* const old = top.differences.before();
            const Document* const fresh = top.differences.after();
            const bool object = fresh != nullptr && fresh->is_object();
            if (!object && fresh != nullptr && old != nullptr && *old == *fresh) {
                continue;
            }
            top.slots.push_back(top.differences.key_document());
            if (object) {
                open(old, *fresh);  // its patch becomes the member's value
            } else {
                top.slots.push_back(fresh != nullptr ? *fresh : Document{});
            }
        }
    }

private:
    void open(const Document* before, const Document& after) {
        const bool objects = before != nullptr && before->is_object();
        open_.push_back({Differences(objects ? *before : nothing_, after), !objects});
    }

    const Document nothing_ = Document::object();
    std::vector<MergeComparing> open_;
};

}  // namespace detail

ATTUNE_DECL Document make_merge_patch(const Document& before, const Document& after) {
    return detail::MergePatchMaker().make(before, after);
}

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI {

namespace detail {

// What becomes of a null in the upper document.
enum class Null : bool { masks, removes };

// Two objects in the middle of being merged.
struct Merging {
    Document lower;
    Cursor upper;
    std::vector<Edit> edits = {};
};

// Merges without recursion: the document may be deeper than the stack.
class Merger {
public:
    explicit Merger(Null null) noexcept : null_(null) {}

    Document merge(const Document& lower, const Document& upper) {
        if (std::optional<Document> whole = enter(&lower, upper)) {
            return *std::move(whole);
        }
        for (;;) {
            Merging& top = open_.back();
            if (top.upper.done()) {
                Document made = edited(top.lower, top.edits.data(), top.edits.size());
                open_.pop_back();
                if (open_.empty()) {
                    return made;
                }
                put(std::move(made));
                continue;
            }
            const Document& value = top.upper[1];
            const Document* const existing = top.lower.find(top.upper[0].as_string());
            if (null_ == Null::removes && value.is_null()) {
                if (existing) {
                    top.edits.push_back({top.upper[0], {}, true});
                }
                top.upper.advance();
            } else if (std::optional<Document> whole = enter(existing, value)) {
                put(*std::move(whole));
            }
        }
    }

private:
    // The result, when it takes no merging; else nothing, and the pair is the innermost open one.
    std::optional<Document> enter(const Document* lower, const Document& upper) {
        if (!upper.is_object()) {
            return upper;
        }
        const bool objects = lower && lower->is_object();
        if (null_ == Null::masks && (!objects || lower->size() == 0 || lower->same(upper))) {
            return upper;
        }
        open_.push_back({objects ? *lower : Document::object(), Cursor(upper)});
        return std::nullopt;
    }

    // The value of the current member of the innermost open pair.
    void put(Document value) {
        Merging& top = open_.back();
        const Document* const existing = top.lower.find(top.upper[0].as_string());
        if (!existing || !existing->same(value)) {
            top.edits.push_back({top.upper[0], std::move(value), false});
        }
        top.upper.advance();
    }

    Null null_;
    std::vector<Merging> open_;
};

}  // namespace detail

ATTUNE_DECL Document merge(const Document& lower, const Document& upper) {
    return detail::Merger(detail::Null::masks).merge(lower, upper);
}

ATTUNE_DECL Document merge_patch(const Document& target, const Document& patch) {
    return detail::Merger(detail::Null::removes).merge(target, patch);
}

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI {

/// A JSON Patch that cannot be applied: an operation of it is malformed, or the document is not
/// what the operation expects. The message names members and kinds, never a value of the document
/// or of the patch.
class PatchError : public std::runtime_error {
public:
    ATTUNE_DECL PatchError(std::string place, std::size_t operation, Path path,
                           std::string message);

    /// The operation that failed, counted from 0 as in a JSON Pointer into the patch; 0 when the
    /// patch is no array at all.
    std::size_t operation() const noexcept { return operation_; }

    /// The `path` of that operation, or its `from` when that is what failed; the root when the
    /// operation does not get as far as naming one.
    const Path& path() const noexcept { return path_; }

    /// What is wrong, without the place. `what()` is `operation 2: replace /server/prot: message`.
    const std::string& message() const noexcept { return message_; }

private:
    std::size_t operation_;
    Path path_;
    std::string message_;
};

/// JSON Patch (RFC 6902): `target` after all operations of `patch`, in their order. Throws
/// PatchError at the first one that fails: all or nothing.
///
/// As the RFC has it, unknown members of an operation are ignored, and `test` compares numbers by
/// their value: 1 equals 1.0. A text value equals the string with the same characters. Removing
/// the root leaves null.
///
/// Each operation takes O(log n) at each level of its path, in time and in new memory, also where
/// the elements of an array move up or down; a `test` compares besides, skipping what is shared.
/// Any depth.
ATTUNE_DECL Document apply_patch(const Document& target, const Document& patch);

/// A JSON Patch that makes `after` of `before`: `apply_patch(before, make_patch(before, after))`
/// equals `after`. Made of `add`, `remove` and `replace`; the empty array when both are equal.
///
/// Objects are compared member by member, arrays of one length element by element. Of arrays whose
/// length has changed, equal elements at both ends are left alone, those between are compared in
/// turn, and the rest of them is removed or added. What both documents share is not looked at:
/// O(change * log n) between neighbouring versions. Any depth.
ATTUNE_DECL Document make_patch(const Document& before, const Document& after);

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI {

namespace detail {

// Two containers of one kind in the middle of being compared.
struct Comparing {
    const Document* before;
    const Document* after;
    ChangedEntries entries;
    std::size_t paired;  // elements that are compared with that at the same index
};

// Compares without recursion: the documents may be deeper than the stack.
class PatchMaker {
public:
    Document make(const Document& before, const Document& after) {
        compare(&before, &after);
        while (!open_.empty()) {
            Comparing& top = open_.back();
            tokens_.resize(open_.size() - 1);
            if (next(top)) {
                tokens_.push_back(top.entries.token());
                compare(top.entries.before(), top.entries.after());
                continue;
            }
            if (top.before->is_array()) {
                resize(top);
            }
            open_.pop_back();
        }
        return make_array(operations_.data(), operations_.size());
    }

private:
    // The operation that the difference at the current path takes; containers of one kind are left
    // to be compared inside.
    void compare(const Document* before, const Document* after) {
        if (!before) {
            append("add", after);
        } else if (!after) {
            append("remove", nullptr);
        } else if (before->same(*after)) {
            return;
        } else if (before->is_object() && after->is_object()) {
            open_.push_back({before, after, ChangedEntries(*before, *after), 0});
        } else if (before->is_array() && after->is_array()) {
            open_.push_back({before, after, ChangedEntries(*before, *after),
                             pairs(*before, *after)});
        } else if (!(*before == *after)) {
            append("replace", after);
        }
    }

    static std::size_t pairs(const Document& before, const Document& after) {
        const std::size_t common = std::min(before.size(), after.size());
        if (before.size() == after.size()) {
            return common;
        }
        // An element that could count at either end counts at the front: lists grow at the back.
        const std::size_t head = count_equal(before, after, Direction::forward, common);
        return common - count_equal(before, after, Direction::backward, common - head);
    }

    static bool next(Comparing& pair) {
        return pair.entries.next() &&
               (pair.before->is_object() || pair.entries.index() < pair.paired);
    }

    // Removes or adds what lies between the elements compared and the equal ones at the end.
    void resize(const Comparing& arrays) {
        const std::size_t old_size = arrays.before->size();
        const std::size_t new_size = arrays.after->size();
        const std::size_t tail = std::min(old_size, new_size) - arrays.paired;
        // From the back: each index is then that of the old array.
        for (std::size_t i = old_size - tail; i-- > new_size - tail;) {
            append_element("remove", i, nullptr);
        }
        for (std::size_t i = old_size - tail; i < new_size - tail; ++i) {
            append_element("add", i, arrays.after->find(i));
        }
    }

    void append_element(std::string_view name, std::size_t index, const Document* value) {
        tokens_.push_back(std::to_string(index));
        append(name, value);
        tokens_.pop_back();
    }

    // The members of an operation come in key order.
    void append(std::string_view name, const Document* value) {
        std::array<Document, 6> slots{
            "op", name, "path", Path(tokens_).pointer(), "value", value ? *value : Document()};
        operations_.push_back(make_object(slots.data(), value ? 3 : 2));
    }

    std::vector<Comparing> open_;
    std::vector<std::string> tokens_;
    std::vector<Document> operations_;
};

}  // namespace detail

ATTUNE_DECL Document make_patch(const Document& before, const Document& after) {
    return detail::PatchMaker().make(before, after);
}

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI {

namespace detail {

// By their value, exactly: no integer is rounded to find out.
ATTUNE_DECL bool equal_numbers(const Document& a, const Document& b) noexcept {
    if (a.is_real() == b.is_real()) {
        return a.is_real() ? a.as_double() == b.as_double() : a.same(b);
    }
    const Document& integer = a.is_real() ? b : a;
    const double real = (a.is_real() ? a : b).as_double();
    // The bounds are powers of two; both comparisons are false for NaN.
    if (integer.is_unsigned()) {
        return real >= 0x1p63 && real < 0x1p64 &&
               static_cast<std::uint64_t>(real) == integer.as_uint64() &&
               static_cast<double>(integer.as_uint64()) == real;
    }
    return real >= -0x1p63 && real < 0x1p63 &&
           static_cast<std::int64_t>(real) == integer.as_int64() &&
           static_cast<double>(integer.as_int64()) == real;
}

ATTUNE_DECL bool equal_scalars_as_json(const Document& a, const Document& b) noexcept {
    if (a.is_number() && b.is_number()) {
        return equal_numbers(a, b);
    }
    if (a.is_string() && b.is_string()) {
        return a.as_string() == b.as_string();
    }
    return a.same(b);
}

// Equality of RFC 6902, section 4.6, which is that of the values JSON stands for, not of documents.
ATTUNE_DECL bool equal_as_json(const Document& a, const Document& b) {
    std::vector<std::pair<const Document*, const Document*>> open;
    // What is inside two containers is left for later.
    const auto may_be_equal = [&](const Document& x, const Document& y) {
        if (x.same(y)) {
            return true;
        }
        if (!is_container(x)) {
            return equal_scalars_as_json(x, y);
        }
        open.emplace_back(&x, &y);
        return x.kind() == y.kind() && x.size() == y.size();
    };
    if (!may_be_equal(a, b)) {
        return false;
    }
    while (!open.empty()) {
        const auto [x, y] = open.back();
        open.pop_back();
        for (Lockstep pair(*x, *y); pair.next();) {
            const Document* const before = pair.before();
            const Document* const after = pair.after();
            if (x->is_object() ? !(before[0] == after[0]) || !may_be_equal(before[1], after[1])
                               : !may_be_equal(*before, *after)) {
                return false;
            }
        }
    }
    return true;
}

// Applies one operation after another.
class Patcher {
public:
    explicit Patcher(const Document& target) : document_(target) {}

    Document apply(const Document& patch) {
        place_ = "patch";
        if (!patch.is_array()) {
            refuse("expected an array of operations, found " + describe(patch));
        }
        for (const Document& operation : patch.elements()) {
            place_ = "operation " + std::to_string(number_);
            path_ = {};
            apply_one(operation);
            ++number_;
        }
        return std::move(document_);
    }

private:
    void apply_one(const Document& operation) {
        if (!operation.is_object()) {
            refuse("expected an object, found " + describe(operation));
        }
        const std::string_view name = name_of(operation);
        place_ += ": " + std::string(name);
        const Path path = pointer(operation, "path");
        if (name == "move" || name == "copy") {
            transfer(name == "move", pointer(operation, "from"), path);
            return;
        }
        enter(path);
        if (name == "remove") {
            (void)existing(path);
            document_ = document_.without(path);
        } else if (name == "add") {
            add(path, member(operation, "value"));
        } else if (name == "replace") {
            const Document& value = member(operation, "value");
            (void)existing(path);
            document_ = document_.with(path, value);
        } else {
            const Document& value = member(operation, "value");
            test(existing(path), value);
        }
    }

    // Both operations take a value from one place and add it at another.
    void transfer(bool move, const Path& from, const Path& path) {
        const std::string operation = place_;
        place_ += " from";
        enter(from);
        if (move && path.size() > from.size() && path.starts_with(from)) {
            refuse("a value cannot be moved into itself");
        }
        const Document value = existing(from);
        place_ = operation;
        enter(path);
        if (move && path == from) {
            return;
        }
        if (move) {
            document_ = document_.without(from);
        }
        add(path, value);
    }

    void add(const Path& path, const Document& value) {
        if (path.empty()) {
            document_ = value;
            return;
        }
        const Document& parent = existing(path, path.size() - 1);
        if (!parent.is_array()) {
            if (!parent.is_object()) {
                refuse_below(parent, path, path.size() - 1);
            }
            document_ = document_.with(path, value);
            return;
        }
        const std::string& token = path.back();
        const std::optional<std::size_t> index =
            token == "-" ? parent.size() : element_index(token);
        if (!index) {
            refuse("not an index: expected a number without leading zeros, or \"-\" to append");
        }
        if (*index > parent.size()) {
            refuse("beyond the end; the array has " + std::to_string(parent.size()));
        }
        document_ = document_.with(path.parent(), inserted(parent, *index, {}, value));
    }

    void test(const Document& found, const Document& expected) const {
        if (equal_as_json(found, expected)) {
            return;
        }
        if (found.kind() == expected.kind()) {
            refuse("found " + describe(found) + " that is not the one expected");
        }
        refuse("expected " + describe(expected) + ", found " + describe(found));
    }

    // The value at the first `levels` tokens of `path`, where there must be one.
    const Document& existing(const Path& path, std::size_t levels) const {
        const Document* document = &document_;
        for (std::size_t depth = 0; depth < levels; ++depth) {
            const Document* const below = child(*document, path.tokens()[depth]);
            if (!below) {
                refuse_below(*document, path, depth);
            }
            document = below;
        }
        return *document;
    }
    const Document& existing(const Path& path) const { return existing(path, path.size()); }

    // There is nothing in `parent`, which has the first `depth` tokens of `path`, for the next one.
    [[noreturn]] void refuse_below(const Document& parent, const Path& path,
                                   std::size_t depth) const {
        const auto beginning = [&](std::size_t count) {
            const auto first = path.tokens().begin();
            const auto last = first + static_cast<std::ptrdiff_t>(count);
            return Path(std::vector<std::string>(first, last)).pointer();
        };
        if (!is_container(parent)) {
            const std::string place = depth == 0 ? "the root" : beginning(depth);
            refuse("expected an object or an array at " + place + ", found " + describe(parent));
        }
        const std::string& token = path.tokens()[depth];
        const std::string place = depth + 1 < path.size() ? beginning(depth + 1) + ": " : "";
        if (parent.is_object()) {
            refuse(place + "no such member" + did_you_mean(parent, token));
        }
        if (token == "-") {
            refuse(place + "\"-\" is the place after the last element, where nothing is yet");
        }
        if (!element_index(token)) {
            refuse(place + "not an index: expected a number without leading zeros");
        }
        refuse(place + "no such element; the array has " + std::to_string(parent.size()));
    }

    std::string_view name_of(const Document& operation) const {
        static constexpr std::array<std::string_view, 6> names{"add",  "remove", "replace",
                                                               "move", "copy",   "test"};
        const std::string_view given = text(operation, "op");
        for (const std::string_view name : names) {
            if (name == given) {
                return name;
            }
        }
        const std::string near = nearest(given, names);
        refuse("unknown \"op\"; " + (near.empty()
                                         ? "expected add, remove, replace, move, copy or test"
                                         : "did you mean \"" + near + "\"?"));
    }

    Path pointer(const Document& operation, const char* name) const {
        const std::string_view given = text(operation, name);
        if (!given.empty() && given.front() != '/') {
            refuse(quoted(name) + " is no JSON Pointer: expected a \"/\" before each name; " +
                   "did you mean \"" + Path(given).pointer() + "\"?");
        }
        try {
            return Path(given);
        } catch (const std::invalid_argument& malformed) {
            refuse(quoted(name) + ": " + malformed.what());
        }
    }

    std::string_view text(const Document& operation, const char* name) const {
        const Document& value = member(operation, name);
        if (!value.is_string()) {
            refuse(quoted(name) + ": expected a string, found " + describe(value));
        }
        return value.as_string();
    }

    const Document& member(const Document& operation, const char* name) const {
        const Document* const value = operation.find(std::string_view(name));
        if (!value) {
            refuse(quoted(name) + " is missing");
        }
        return *value;
    }

    static std::string quoted(const char* name) { return '"' + std::string(name) + '"'; }

    // What goes wrong from here on is about `path`.
    void enter(const Path& path) {
        place_ += ' ' + (path.empty() ? "the document" : path.pointer());
        path_ = path;
    }

    [[noreturn]] void refuse(std::string message) const {
        throw PatchError(place_, number_, path_, std::move(message));
    }

    Document document_;
    std::size_t number_ = 0;
    std::string place_;
    Path path_;
};

}  // namespace detail

ATTUNE_DECL PatchError::PatchError(std::string place, std::size_t operation, Path path,
                                   std::string message)
    : std::runtime_error(place + ": " + message),
      operation_(operation),
      path_(std::move(path)),
      message_(std::move(message)) {}

ATTUNE_DECL Document apply_patch(const Document& target, const Document& patch) {
    return detail::Patcher(target).apply(patch);
}

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI {

/// A document that equals `fresh` and shares with `old` every object, array and string that is
/// equal in both at the same place, and the unchanged parts of large containers that are not.
/// Returns `old` itself when both are equal, so that `same` tells at once that nothing has changed.
///
/// O(n) when the two share nothing yet, which is the case after parsing a text again. Sharing ends
/// at 256 levels of depth: a subtree below is taken from `old` only as a whole.
ATTUNE_DECL Document reconcile(const Document& old, const Document& fresh);

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI {

namespace detail {

inline constexpr std::size_t reconcile_depth = 256;

ATTUNE_DECL Document reconcile(const Document& old, const Document& fresh, std::size_t depth);

ATTUNE_DECL Document reconcile_objects(const Document& old, const Document& fresh,
                                       std::size_t depth) {
    std::vector<Edit> edits;
    for (Differences difference(old, fresh); difference.next();) {
        const Document* const before = difference.before();
        const Document* const after = difference.after();
        if (!after) {
            edits.push_back({difference.key_document(), {}, true});
            continue;
        }
        Document value = before ? reconcile(*before, *after, depth + 1) : *after;
        if (!before || !before->same(value)) {
            edits.push_back({difference.key_document(), std::move(value), false});
        }
    }
    return edited(old, edits.data(), edits.size());
}

// Elements have no names: equal ones at the beginning and at the end are the same, those between
// are matched in order.
ATTUNE_DECL Document reconcile_arrays(const Document& old, const Document& fresh,
                                      std::size_t depth) {
    std::vector<std::size_t> replaced_at;
    std::vector<Document> replacements;  // the value for each of these indexes
    const std::size_t common = std::min(old.size(), fresh.size());
    std::size_t tail = 0;
    for (Lockstep pair(old, fresh); pair.next();) {
        if (pair.index() >= common - tail) {
            break;
        }
        Document value = reconcile(*pair.before(), *pair.after(), depth + 1);
        if (value.same(*pair.before())) {
            continue;
        }
        if (replacements.empty() && old.size() != fresh.size()) {
            tail = count_equal(old, fresh, Direction::backward, common - pair.index());
            if (pair.index() + tail == common) {
                break;
            }
        }
        replaced_at.push_back(pair.index());
        replacements.push_back(std::move(value));
    }

    const std::size_t kept = common - tail;
    const std::size_t resized = std::max(old.size(), fresh.size()) - common;
    if (replacements.size() + resized <= old.size() / 8) {
        Document result = old;
        for (std::size_t i = 0; i < replacements.size(); ++i) {
            result = replaced(result, replaced_at[i], replacements[i]);
        }
        for (std::size_t i = 0; i < resized; ++i) {
            result = fresh.size() < old.size()
                         ? erased(result, kept)
                         : inserted(result, kept + i, {}, *fresh.find(kept + i));
        }
        return result;
    }

    std::vector<Document> elements;
    elements.reserve(fresh.size());
    std::size_t next = 0;
    for (std::size_t i = 0; i < fresh.size(); ++i) {
        if (next < replacements.size() && replaced_at[next] == i) {
            elements.push_back(std::move(replacements[next++]));
        } else if (i < kept) {
            elements.push_back(*old.find(i));
        } else if (i >= fresh.size() - tail) {
            elements.push_back(*old.find(old.size() - (fresh.size() - i)));
        } else {
            elements.push_back(*fresh.find(i));
        }
    }
    return make_array(elements.data(), elements.size());
}

ATTUNE_DECL Document reconcile(const Document& old, const Document& fresh, std::size_t depth) {
    if (old.same(fresh)) {
        return old;
    }
    if (depth < reconcile_depth) {
        if (old.is_object() && fresh.is_object()) {
            return reconcile_objects(old, fresh, depth);
        }
        if (old.is_array() && fresh.is_array()) {
            return reconcile_arrays(old, fresh, depth);
        }
    }
    return old == fresh ? old : fresh;
}

}  // namespace detail

ATTUNE_DECL Document reconcile(const Document& old, const Document& fresh) {
    return detail::reconcile(old, fresh, 0);
}

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI {

/// Something that runs work: any type with `execute(f)` for a callable `f` of no arguments. Every
/// Asio executor is one.
template <class E>
concept ExecutorLike = std::copy_constructible<E> &&
                       requires(E& executor) { executor.execute(std::function<void()>{}); };

/// Runs work at once, on the calling thread: observers then run on the thread that committed,
/// after the version is published and outside every lock, before the commit returns.
struct InlineExecutor {
    void execute(const std::function<void()>& work) const { work(); }
};
inline constexpr InlineExecutor inline_executor{};

/// Where observers run: an erased executor. Copies share one; empty stands for the store's own
/// notifier thread. The executor must outlive the subscriptions that use it.
class Executor {
public:
    Executor() noexcept = default;
    template <class E>
        requires(!std::same_as<E, Executor>) && ExecutorLike<E>
    Executor(E executor)
        : implementation_(std::make_shared<Model<E>>(std::move(executor))),
          inline_(std::same_as<E, InlineExecutor>) {}

    explicit operator bool() const noexcept { return implementation_ != nullptr; }
    /// True for inline_executor.
    bool runs_inline() const noexcept { return inline_; }
    /// Must not be empty. Throws what the executor throws.
    void execute(std::function<void()> work) const { implementation_->execute(std::move(work)); }

private:
    struct Concept {
        virtual ~Concept() = default;
        virtual void execute(std::function<void()> work) = 0;
    };
    template <class E>
    struct Model final : Concept {
        explicit Model(E given) : executor(std::move(given)) {}
        void execute(std::function<void()> work) override { executor.execute(std::move(work)); }
        E executor;
    };

    std::shared_ptr<Concept> implementation_;
    bool inline_ = false;
};

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI::detail {

/// When a wait that begins now is over. A century stands for anything longer, so that no timeout
/// runs over the end of the clock.
template <class Rep, class Period>
std::chrono::steady_clock::time_point deadline_after(std::chrono::duration<Rep, Period> timeout) {
    using Clock = std::chrono::steady_clock;
    constexpr std::chrono::hours century{24 * 365 * 100};
    const Clock::time_point now = Clock::now();
    if (!(timeout > std::chrono::duration<Rep, Period>::zero())) {
        return now;
    }
    if (std::chrono::duration<double>(timeout) >= std::chrono::duration<double>(century)) {
        return now + century;
    }
    return now + std::chrono::ceil<Clock::duration>(timeout);
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI {

/// Keeps work until somebody asks for it: the main loop of a program that has one, or a test that
/// decides when observers run.
///
/// Copies share one queue. All functions may be called from any thread, and from the work itself;
/// several threads may run work at once. Work runs on the thread that asks for it, in the order it
/// came, outside every lock; what it throws leaves the function that runs it, and that piece is
/// gone. Work that nobody asks for is never run: observers then wait, `settle` runs into its
/// timeout, and cancelling subscriptions or destroying the store works as ever.
class ManualExecutor {
public:
    ATTUNE_DECL ManualExecutor();
    ManualExecutor(const ManualExecutor&) noexcept = default;
    ManualExecutor& operator=(const ManualExecutor&) noexcept = default;
    ~ManualExecutor() = default;

    /// Appends a piece of work.
    ATTUNE_DECL void execute(std::function<void()> work) const;

    /// Runs the oldest piece; false when there is none.
    ATTUNE_DECL bool run_one() const;

    /// Runs all there is, and what is added meanwhile; returns how many pieces that were. Does not
    /// return while work keeps adding work.
    ATTUNE_DECL std::size_t run_all() const;

    /// How many pieces wait.
    ATTUNE_DECL std::size_t pending() const;

    /// Runs work until `done()` is true or no work is left; returns the last verdict. `done` is
    /// asked before the first piece and after each.
    template <std::predicate P>
    bool run_until(P&& done) const {
        for (;;) {
            if (done()) {
                return true;
            }
            if (!run_one()) {
                return false;
            }
        }
    }

    /// As above, but waits up to `timeout` for work that other threads add. A `done` that becomes
    /// true without a piece of work is noticed with the next one, or when the time is over.
    template <std::predicate P, class Rep, class Period>
    bool run_until(P&& done, std::chrono::duration<Rep, Period> timeout) const {
        const auto deadline = detail::deadline_after(timeout);
        while (!done()) {
            if (!run_one_before(deadline)) {
                return done();
            }
        }
        return true;
    }

private:
    struct Queue;

    /// Waits for the piece; false when none has come before the deadline.
    ATTUNE_DECL bool run_one_before(std::chrono::steady_clock::time_point deadline) const;

    std::shared_ptr<Queue> queue_;
};

/// For those who write the executor as they write inline_executor: `attune::manual_executor loop;`
using manual_executor = ManualExecutor;

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI {

struct ManualExecutor::Queue {
    std::mutex mutex;
    std::condition_variable filled;
    std::deque<std::function<void()>> work;

    /// Takes the lock over, and gives it back before it runs the oldest piece.
    void run_front(std::unique_lock<std::mutex> lock) {
        const auto piece = std::move(work.front());
        work.pop_front();
        lock.unlock();
        piece();
    }
};

ATTUNE_DECL ManualExecutor::ManualExecutor() : queue_(std::make_shared<Queue>()) {}

ATTUNE_DECL void ManualExecutor::execute(std::function<void()> work) const {
    {
        const std::scoped_lock lock{queue_->mutex};
        queue_->work.push_back(std::move(work));
    }
    queue_->filled.notify_one();
}

ATTUNE_DECL bool ManualExecutor::run_one() const {
    const auto queue = queue_;  // the work may destroy this executor
    std::unique_lock lock{queue->mutex};
    if (queue->work.empty()) {
        return false;
    }
    queue->run_front(std::move(lock));
    return true;
}

ATTUNE_DECL bool ManualExecutor::run_one_before(
    std::chrono::steady_clock::time_point deadline) const {
    const auto queue = queue_;
    std::unique_lock lock{queue->mutex};
    if (!queue->filled.wait_until(lock, deadline, [&] { return !queue->work.empty(); })) {
        return false;
    }
    queue->run_front(std::move(lock));
    return true;
}

ATTUNE_DECL std::size_t ManualExecutor::run_all() const {
    const ManualExecutor kept = *this;
    std::size_t count = 0;
    while (kept.run_one()) {
        ++count;
    }
    return count;
}

ATTUNE_DECL std::size_t ManualExecutor::pending() const {
    const std::scoped_lock lock{queue_->mutex};
    return queue_->work.size();
}

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI::detail {

/// Who an observer is, in reports.
struct ObserverName {
    enum class Kind : std::uint8_t {
        observed,    ///< known by what it observes
        given,       ///< known by the name its owner gave it
        rejections,  ///< an observer of rejections, which is not told of its own trouble
    };

    std::string text;
    Kind kind = Kind::observed;

    /// `observer of "server.pool"`, or `observer "resizer"`.
    std::string label() const {
        return (kind == Kind::given ? "observer \"" : "observer of \"") + text + '"';
    }
};

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

class Turn;

/// The turns of one store.
struct TurnList {
    std::mutex mutex;
    Turn* oldest = nullptr;
    Turn* newest = nullptr;
};

/// Where one observer stands: one word that is state and lock at once, so that a delivery takes
/// three atomic operations and not three mutexes. Listed while it exists.
///
/// The lock is held for a few instructions, never during user's code or while waiting for anything.
/// That is why its owner gives it back with a plain store and wakes nobody: who finds it taken
/// tries again, and soon sleeps between two tries, for the case that the owner was preempted.
class Turn {
public:
    using Flags = std::uint32_t;
    static constexpr Flags locked = 1;
    static constexpr Flags scheduled = 2;  ///< a run is due, or goes on
    static constexpr Flags running = 4;    ///< inside the user's code
    static constexpr Flags more = 8;       ///< something was offered meanwhile; may be gone again
    static constexpr Flags ended = 16;
    static constexpr Flags dropped = 32;   ///< what belonged to the observer is destroyed
    static constexpr Flags reported = 64;  ///< the call that runs was found to be slow

    /// The lock, held. What is set and cleared becomes the state in the end.
    class Held {
    public:
        explicit Held(Turn& turn) noexcept : turn_(turn), flags_(turn.lock()) {}
        Held(const Held&) = delete;
        Held& operator=(const Held&) = delete;
        ~Held() { turn_.word_.store(flags_, std::memory_order_release); }

        bool is(Flags flag) const noexcept { return (flags_ & flag) != 0; }
        void set(Flags flag) noexcept { flags_ |= flag; }
        void clear(Flags flag) noexcept { flags_ &= ~flag; }

    private:
        Turn& turn_;
        Flags flags_;
    };

    /// Both outlive it.
    ATTUNE_DECL Turn(TurnList& list, const ObserverName& observer);
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ATTUNE_DECL ~Turn();

    bool is(Flags flag) const noexcept {
        return (word_.load(std::memory_order_acquire) & flag) != 0;
    }
    /// Ended, and not inside the last call any more.
    bool over() const noexcept {
        return (word_.load(std::memory_order_acquire) & (ended | running)) == ended;
    }

    /// The call begins, at CallWatch::time. Afterwards, without the lock, comes CallWatch::began.
    void begin(Held& held, std::chrono::steady_clock::time_point now) noexcept {
        held.set(running);
        runner_ = std::this_thread::get_id();
        since_ = now;
    }
    /// For the lock's owner, while it is running.
    bool runs_here() const noexcept { return runner_ == std::this_thread::get_id(); }

    /// Running to idle; false, and nothing done, when there is anything else to see to.
    bool end() noexcept {
        Flags plain = scheduled | running;
        return word_.compare_exchange_strong(plain, 0, std::memory_order_acq_rel,
                                             std::memory_order_relaxed);
    }

private:
    friend class CallWatch;

    Flags lock() noexcept {
        Flags seen = word_.load(std::memory_order_relaxed) & ~locked;
        if (word_.compare_exchange_strong(seen, seen | locked, std::memory_order_acquire,
                                          std::memory_order_relaxed)) [[likely]] {
            return seen;
        }
        return lock_slowly();
    }
    ATTUNE_DECL Flags lock_slowly() noexcept;

    std::atomic<Flags> word_{0};
    std::thread::id runner_;
    TurnList& list_;
    std::chrono::steady_clock::time_point since_{};  // of the call; none: it is not watched
    const ObserverName& observer_;
    Turn* older_ = nullptr;
    Turn* newer_ = nullptr;
};

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL Turn::Turn(TurnList& list, const ObserverName& observer)
    : list_(list), observer_(observer) {
    const std::scoped_lock lock{list_.mutex};
    older_ = list_.newest;
    (older_ != nullptr ? older_->newer_ : list_.oldest) = this;
    list_.newest = this;
}

ATTUNE_DECL Turn::~Turn() {
    const std::scoped_lock lock{list_.mutex};
    (older_ != nullptr ? older_->newer_ : list_.oldest) = newer_;
    (newer_ != nullptr ? newer_->older_ : list_.newest) = older_;
}

ATTUNE_DECL Turn::Flags Turn::lock_slowly() noexcept {
    for (unsigned tries = 0;; ++tries) {
        Flags seen = word_.load(std::memory_order_relaxed) & ~locked;
        if (word_.compare_exchange_weak(seen, seen | locked, std::memory_order_acquire,
                                        std::memory_order_relaxed)) {
            return seen;
        }
        if (tries < 16) {
            std::this_thread::yield();
        } else {  // yielding is no help to an owner of lower priority
            std::this_thread::sleep_for(std::chrono::microseconds{50});
        }
    }
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

/// Finds observers whose call takes too long.
///
/// It has no thread: when a call begins and no look is due, one is asked for, through `arm`, for
/// the moment at which that call would be slow. The look goes through all observers; a call itself
/// costs the reading of a clock. Observers that return soon cause at most one wake-up per `limit`,
/// and a store without calls none. Where calls are timed with a coarse clock, a call may count as
/// slow some milliseconds before it is.
class CallWatch {
public:
    using Clock = std::chrono::steady_clock;
    /// Has look() called at that moment. Called under the watch's lock, must not call back.
    using Arm = std::function<void(Clock::time_point when)>;

    struct SlowCall {
        ObserverName observer;
        Clock::duration running;
    };

    /// Calls that begin from now on are slow after `limit`.
    ATTUNE_DECL void start(Clock::duration limit, Arm arm);
    /// No look is asked for after this.
    ATTUNE_DECL void stop() noexcept;

    /// To be told after each Turn::begin. By then armed_ is read after the turn's lock was taken: a
    /// look that took that lock before, and missed the call, has shown by then that it was made.
    void began(const Turn& turn) noexcept {
        if (!armed_.load(std::memory_order_relaxed) && on_.load(std::memory_order_relaxed))
            [[unlikely]] {
            ask_for(turn);
        }
    }

    /// The calls that have become slow since the last look: each call comes up once.
    ATTUNE_DECL std::vector<SlowCall> look();
    /// All calls that are slow at this moment, oldest first.
    ATTUNE_DECL std::vector<SlowCall> slow() const;
    /// How many calls have been found slow by look().
    std::uint64_t found() const noexcept { return found_.load(std::memory_order_relaxed); }

    /// Those who are watched.
    TurnList& turns() noexcept { return turns_; }

    /// The time at which a call begins, or nothing when the watch is off. May be early, by grain_
    /// or some more.
    Clock::time_point time() const noexcept {
        if (!on_.load(std::memory_order_acquire)) {
            return {};
        }
#if defined(__linux__)
        std::timespec now{};
        (void)clock_gettime(clock_, &now);
        return Clock::time_point{std::chrono::seconds{now.tv_sec} +
                                 std::chrono::nanoseconds{now.tv_nsec}};
#else
        return Clock::now();
#endif
    }

private:
    ATTUNE_DECL void ask_for(const Turn& turn) noexcept;
    void ask(Clock::time_point when) noexcept;

    std::atomic<bool> on_{false};
    std::atomic<bool> armed_{false};
#if defined(__linux__)
    clockid_t clock_ = CLOCK_MONOTONIC;
#endif
    Clock::duration limit_{};
    Clock::duration grain_{};
    std::atomic<std::uint64_t> found_{0};
    mutable TurnList turns_;  // its mutex is also that of arm_ and of what is written to armed_
    Arm arm_;
};

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL void CallWatch::start(Clock::duration limit, Arm arm) {
    const std::scoped_lock lock{turns_.mutex};
    limit_ = limit;
#if defined(__linux__)
    // The coarse clock takes a quarter of the time to read, and is late by some milliseconds: by
    // one tick of the system, and more when the system was late with that.
    std::timespec grain{};
    if (limit >= std::chrono::milliseconds{100} &&
        clock_getres(CLOCK_MONOTONIC_COARSE, &grain) == 0) {
        clock_ = CLOCK_MONOTONIC_COARSE;
        grain_ = std::chrono::seconds{grain.tv_sec} + std::chrono::nanoseconds{grain.tv_nsec};
    }
#endif
    arm_ = std::move(arm);
    on_.store(true, std::memory_order_release);
}

ATTUNE_DECL void CallWatch::stop() noexcept {
    Arm gone;  // destroyed without the lock: it may wait for a look
    {
        const std::scoped_lock lock{turns_.mutex};
        on_.store(false, std::memory_order_relaxed);
        gone.swap(arm_);
    }
}

ATTUNE_DECL void CallWatch::ask(Clock::time_point when) noexcept {
    if (armed_.load(std::memory_order_relaxed) || !arm_) {
        return;
    }
    try {
        arm_(when);
        armed_.store(true, std::memory_order_relaxed);
    } catch (...) {
        // No thread can be had: the call goes unwatched, and the next one asks again.
    }
}

ATTUNE_DECL void CallWatch::ask_for(const Turn& turn) noexcept {
    const std::scoped_lock lock{turns_.mutex};
    if (turn.since_ != Clock::time_point{}) {
        ask(Clock::now() + limit_ + grain_);
    }
}

ATTUNE_DECL std::vector<CallWatch::SlowCall> CallWatch::look() {
    std::vector<SlowCall> found;
    const std::scoped_lock lock{turns_.mutex};
    armed_.store(false, std::memory_order_relaxed);
    const auto now = Clock::now();
    auto next = Clock::time_point::max();
    for (Turn* turn = turns_.oldest; turn != nullptr; turn = turn->newer_) {
        Clock::time_point since;
        {
            Turn::Held held{*turn};
            since = turn->since_;
            if (!held.is(Turn::running) || held.is(Turn::reported) ||
                since == Clock::time_point{}) {
                continue;
            }
            if (now - since < limit_ + grain_) {
                next = std::min(next, since + limit_ + grain_);
                continue;
            }
            held.set(Turn::reported);
        }
        found.push_back({turn->observer_, now - since});
    }
    if (next != Clock::time_point::max()) {
        ask(next);
    }
    found_.fetch_add(found.size(), std::memory_order_relaxed);
    return found;
}

ATTUNE_DECL std::vector<CallWatch::SlowCall> CallWatch::slow() const {
    std::vector<SlowCall> found;
    const std::scoped_lock lock{turns_.mutex};
    const auto now = Clock::now();
    for (Turn* turn = turns_.oldest; turn != nullptr; turn = turn->newer_) {
        Clock::time_point since;
        {
            const Turn::Held held{*turn};
            since = turn->since_;
            if (!held.is(Turn::running) || since == Clock::time_point{}) {
                continue;
            }
        }
        if (now - since >= limit_ + grain_) {
            found.push_back({turn->observer_, now - since});
        }
    }
    std::stable_sort(found.begin(), found.end(), [](const SlowCall& one, const SlowCall& other) {
        return one.running > other.running;
    });
    return found;
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

/// A store's own thread for observers. Starts with the first piece of work; runs pieces one after
/// another, in the order they came. Also reclaims frames that a reader still saw when they were
/// replaced, so that the last version of a burst goes without waiting for the next commit.
class Notifier {
public:
    ATTUNE_DECL Notifier();
    /// Stops as stop() does.
    ATTUNE_DECL ~Notifier();
    Notifier(const Notifier&) = delete;
    Notifier& operator=(const Notifier&) = delete;

    /// Appends a piece of work, which must not throw. Dropped after stop().
    ATTUNE_DECL void execute(std::function<void()> work);

    /// Calls epoch_collect soon, and again until nothing waits.
    ATTUNE_DECL void collect_soon();

    /// Ends the thread after the piece that runs now and drops the rest. From the thread itself it
    /// does not wait.
    ATTUNE_DECL void stop() noexcept;

private:
    struct State;
    static void start_locked(const std::shared_ptr<State>& state);
    static void run(State& state) noexcept;

    std::shared_ptr<State> state_;
};

}  // namespace attune::inline ATTUNE_ABI::detail

/// Epoch-based reclamation: how a reader keeps a frame alive without a lock, a reference count or
/// an atomic read-modify-write.
///
/// Every thread owns one slot. Entering writes the current epoch into it, leaving writes 0. A
/// writer unlinks an object, stamps it with the epoch and advances the epoch; the object may be
/// destroyed once no slot holds an epoch that old. The order "slot is written, then the frame
/// pointer is loaded" is needed on the reader's side. It costs the reader only a compiler fence,
/// because the writer makes every running thread pass a full fence (membarrier) between unlinking
/// and looking at the slots. Where membarrier is missing, or ATTUNE_NO_MEMBARRIER is defined,
/// readers pay for a full fence instead.
///
/// Source: K. Fraser, Practical lock-freedom (2004), ch. 5.2.3; the asymmetric fence is that of
/// liburcu's "memb" flavour, membarrier(2).
///
/// There is one domain per process: a thread has one slot, however many stores it reads.
namespace attune::inline ATTUNE_ABI::detail {

/// One thread's announcement. Slots are claimed by a thread at its first reading, given back when
/// the thread ends, and never freed: the pool is as large as the largest number of threads that
/// read at the same time.
struct alignas(64) ReaderSlot {
    std::atomic<std::uint64_t> active{0};  ///< epoch of the outermost reading; 0 outside
    std::uint64_t nested = 0;              ///< readings beyond the first; touched by the owner only
    std::atomic<bool> taken{false};
    ReaderSlot* next = nullptr;
};

struct EpochState {
    alignas(64) std::atomic<std::uint64_t> epoch{1};
    alignas(64) std::atomic<ReaderSlot*> slots{nullptr};
};

// Shared by all dynamic objects of a process, also by those compiled with hidden visibility: a
// writer in one of them must see the readers in all the others.
#define ATTUNE_PROCESS_WIDE __attribute__((visibility("default")))

ATTUNE_PROCESS_WIDE inline constinit EpochState epoch_state;

/// This thread's slot; null before its first reading, and always null where membarrier is missing,
/// so that the fast path below needs no second test.
ATTUNE_PROCESS_WIDE inline constinit thread_local ReaderSlot* reader_slot = nullptr;

#undef ATTUNE_PROCESS_WIDE

/// The part of epoch_enter that is not a few instructions: claims a slot, or enters with a full
/// fence.
[[gnu::cold]] ATTUNE_DECL ReaderSlot* epoch_enter_slow() noexcept;

/// Begins a reading; may nest. Wait-free but for the first call of a thread, which claims a slot.
/// Always inline: a call would cost as much as all the rest.
[[gnu::always_inline]] inline ReaderSlot* epoch_enter() noexcept {
    ReaderSlot* const slot = reader_slot;
    if (slot == nullptr) [[unlikely]] {
        return epoch_enter_slow();
    }
    // A branch instead of a counter: the predicted branch keeps one reading from waiting for the
    // store of the one before it.
    if (slot->active.load(std::memory_order_relaxed) == 0) [[likely]] {
        // Release, so that a writer that sees this epoch also sees that earlier readings ended.
        slot->active.store(epoch_state.epoch.load(std::memory_order_acquire),
                           std::memory_order_release);
        std::atomic_signal_fence(std::memory_order_seq_cst);
    } else {
        ++slot->nested;
    }
    return slot;
}

/// Ends a reading on the thread that began it. Readings may end in any order.
[[gnu::always_inline]] inline void epoch_leave(ReaderSlot* slot) noexcept {
    if (slot->nested == 0) [[likely]] {
        slot->active.store(0, std::memory_order_release);
    } else {
        --slot->nested;
    }
}

/// Something to be done once no reader can see what was just unlinked.
class Retired {
public:
    virtual ~Retired() = default;
    /// Runs once, outside every lock of the domain.
    virtual void reclaim() noexcept = 0;

private:
    friend class RetiredList;
    std::uint64_t epoch_ = 0;
    Retired* next_ = nullptr;
};

/// Takes ownership of `retired`, to be reclaimed by a later epoch_collect. Any thread.
ATTUNE_DECL void epoch_retire(Retired* retired) noexcept;

/// Reclaims whatever no reader can see any more; never waits for a reader. Returns how many
/// objects still wait. Any thread. Costs one membarrier and one look at each slot when there is
/// something to reclaim.
ATTUNE_DECL std::size_t epoch_collect() noexcept;

/// True when readers get by with a compiler fence.
ATTUNE_DECL bool epoch_is_asymmetric() noexcept;

}  // namespace attune::inline ATTUNE_ABI::detail

#if defined(__linux__) && !defined(ATTUNE_NO_MEMBARRIER)
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace attune::inline ATTUNE_ABI::detail {

/// Objects that wait for their readers, oldest first.
class RetiredList {
public:
    void push(Retired* retired) noexcept {
        const std::scoped_lock lock{mutex_};
        retired->epoch_ = epoch_state.epoch.fetch_add(1, std::memory_order_acq_rel);
        retired->next_ = nullptr;
        *tail_ = retired;
        tail_ = &retired->next_;
        ++size_;
    }

    template <class OldestReader>
    std::size_t collect(OldestReader oldest_reader) noexcept {
        Retired* free = nullptr;
        std::size_t left = 0;
        {
            const std::scoped_lock lock{mutex_};
            if (head_ == nullptr) {
                return 0;
            }
            const std::uint64_t oldest = oldest_reader();
            Retired** end = &head_;
            while (*end != nullptr && (*end)->epoch_ < oldest) {
                end = &(*end)->next_;
                --size_;
            }
            if (end != &head_) {
                free = head_;
                head_ = *end;
                *end = nullptr;
                if (head_ == nullptr) {
                    tail_ = &head_;
                }
            }
            left = size_;
        }
        reclaim_all(free);
        return left;
    }

private:
    static void reclaim_all(Retired* list) noexcept {
        while (list != nullptr) {
            Retired* const next = list->next_;
            list->reclaim();
            delete list;
            list = next;
        }
    }

    std::mutex mutex_;
    Retired* head_ = nullptr;
    Retired** tail_ = &head_;
    std::size_t size_ = 0;
};

/// Never destroyed: stores with static storage may retire frames while the process ends.
inline RetiredList& retired_list() noexcept {
    static RetiredList& list = *new RetiredList;
    return list;
}

inline bool membarrier_is_available() noexcept {
#if defined(__linux__) && !defined(ATTUNE_NO_MEMBARRIER) && defined(SYS_membarrier)
    return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
#else
    return false;
#endif
}

ATTUNE_DECL bool epoch_is_asymmetric() noexcept {
    static const bool available = membarrier_is_available();
    return available;
}

/// Orders what this thread wrote before with what it reads after, against every reader.
inline void epoch_heavy_fence() noexcept {
#if defined(__linux__) && !defined(ATTUNE_NO_MEMBARRIER) && defined(SYS_membarrier)
    if (epoch_is_asymmetric()) {
        // Registered, so it cannot fail.
        (void)syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
        return;
    }
#endif
#if !defined(__SANITIZE_THREAD__)
    std::atomic_thread_fence(std::memory_order_seq_cst);
#endif
}

/// This thread's slot where readers need a full fence.
inline constinit thread_local ReaderSlot* fenced_reader_slot = nullptr;

inline void release_reader_slot(void* taken) noexcept {
    auto* const slot = static_cast<ReaderSlot*>(taken);
    reader_slot = nullptr;
    fenced_reader_slot = nullptr;
    slot->taken.store(false, std::memory_order_release);
}

/// A pthread key, not a thread_local object: its destructor runs after those of all thread_local
/// objects, which may still read, and runs again should a later destructor read once more.
inline pthread_key_t reader_slot_key() noexcept {
    static const pthread_key_t key = [] {
        pthread_key_t made{};
        (void)pthread_key_create(&made, release_reader_slot);
        return made;
    }();
    return key;
}

inline ReaderSlot* claim_reader_slot() noexcept {
    ReaderSlot* slot = epoch_state.slots.load(std::memory_order_acquire);
    for (; slot != nullptr; slot = slot->next) {
        bool taken = false;
        if (!slot->taken.load(std::memory_order_relaxed) &&
            slot->taken.compare_exchange_strong(taken, true, std::memory_order_acq_rel)) {
            break;
        }
    }
    if (slot == nullptr) {
        slot = new ReaderSlot;
        slot->taken.store(true, std::memory_order_relaxed);
        slot->next = epoch_state.slots.load(std::memory_order_relaxed);
        while (!epoch_state.slots.compare_exchange_weak(slot->next, slot,
                                                        std::memory_order_acq_rel)) {
        }
    }
    (void)pthread_setspecific(reader_slot_key(), slot);
    return slot;
}

ATTUNE_DECL ReaderSlot* epoch_enter_slow() noexcept {
    if (epoch_is_asymmetric()) {
        reader_slot = claim_reader_slot();
        return epoch_enter();
    }
    if (fenced_reader_slot == nullptr) {
        fenced_reader_slot = claim_reader_slot();
    }
    ReaderSlot* const slot = fenced_reader_slot;
    if (slot->active.load(std::memory_order_relaxed) == 0) {
        const std::uint64_t epoch = epoch_state.epoch.load(std::memory_order_acquire);
        // An exchange is a full fence on every machine we know, and one that ThreadSanitizer
        // understands.
        (void)slot->active.exchange(epoch, std::memory_order_seq_cst);
#if !defined(__SANITIZE_THREAD__)
        std::atomic_thread_fence(std::memory_order_seq_cst);
#endif
    } else {
        ++slot->nested;
    }
    return slot;
}

ATTUNE_DECL void epoch_retire(Retired* retired) noexcept { retired_list().push(retired); }

ATTUNE_DECL std::size_t epoch_collect() noexcept {
    return retired_list().collect([]() noexcept {
        epoch_heavy_fence();
        std::uint64_t oldest = UINT64_MAX;
        for (ReaderSlot* slot = epoch_state.slots.load(std::memory_order_acquire); slot != nullptr;
             slot = slot->next) {
            const std::uint64_t active = slot->active.load(std::memory_order_seq_cst);
            if (active != 0 && active < oldest) {
                oldest = active;
            }
        }
        return oldest;
    });
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

struct Notifier::State {
    using Clock = std::chrono::steady_clock;

    std::mutex mutex;
    std::condition_variable wake;
    std::deque<std::function<void()>> work;
    std::optional<Clock::time_point> collect_at;
    Clock::duration collect_delay{};
    bool stopped = false;
    std::thread thread;
};

ATTUNE_DECL Notifier::Notifier() : state_(std::make_shared<State>()) {}

ATTUNE_DECL Notifier::~Notifier() { stop(); }

ATTUNE_DECL void Notifier::start_locked(const std::shared_ptr<State>& state) {
    if (!state->thread.joinable()) {
        state->thread = std::thread{[state] {
#if defined(__linux__)
            (void)pthread_setname_np(pthread_self(), "attune-notify");
#endif
            run(*state);
        }};
    }
}

ATTUNE_DECL void Notifier::execute(std::function<void()> work) {
    const auto state = state_;  // the work may destroy this notifier before we return
    {
        const std::scoped_lock lock{state->mutex};
        if (state->stopped) {
            return;
        }
        state->work.push_back(std::move(work));
        start_locked(state);
    }
    state->wake.notify_one();
}

ATTUNE_DECL void Notifier::collect_soon() {
    constexpr auto first_delay = std::chrono::milliseconds{1};
    {
        const std::scoped_lock lock{state_->mutex};
        if (state_->stopped || (state_->collect_at && state_->collect_delay == first_delay)) {
            return;
        }
        state_->collect_delay = first_delay;
        state_->collect_at = State::Clock::now() + first_delay;
        start_locked(state_);
    }
    state_->wake.notify_one();
}

ATTUNE_DECL void Notifier::stop() noexcept {
    std::deque<std::function<void()>> dropped;
    std::thread thread;
    {
        const std::scoped_lock lock{state_->mutex};
        state_->stopped = true;
        dropped.swap(state_->work);
        thread = std::move(state_->thread);
    }
    state_->wake.notify_one();
    if (!thread.joinable()) {
        return;
    }
    if (thread.get_id() == std::this_thread::get_id()) {
        thread.detach();  // it ends by itself, and holds the state it needs until then
    } else {
        thread.join();
    }
}

ATTUNE_DECL void Notifier::run(State& state) noexcept {
    // A reader that stays inside for long must not make this thread spin.
    constexpr State::Clock::duration longest_delay = std::chrono::milliseconds{100};
    std::unique_lock lock{state.mutex};
    while (!state.stopped) {
        if (!state.work.empty()) {
            auto work = std::move(state.work.front());
            state.work.pop_front();
            lock.unlock();
            work();
            work = nullptr;
            lock.lock();
        } else if (!state.collect_at) {
            state.wake.wait(lock);
        } else if (State::Clock::now() < *state.collect_at) {
            state.wake.wait_until(lock, *state.collect_at);
        } else {
            state.collect_at.reset();
            lock.unlock();
            const bool more = epoch_collect() != 0;
            lock.lock();
            if (more && !state.collect_at) {
                state.collect_delay = std::min(state.collect_delay * 2, longest_delay);
                state.collect_at = State::Clock::now() + state.collect_delay;
            }
        }
    }
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

/// Wakes the threads that wait for something to be published. Nobody waiting costs a publication
/// one atomic load.
class PublicationBell {
public:
    /// After the publication's seq_cst store, under no lock.
    void ring() noexcept {
        if (waiting_.load(std::memory_order_seq_cst) != 0) {
            ring_all();
        }
    }

    /// Sends everybody away, for good.
    ATTUNE_DECL void close() noexcept;

    /// Evaluates `check` now and after each publication, on this thread, until it is true, the time
    /// is over or the bell is closed; returns its last verdict. Publications that come while
    /// `check` runs are followed by one more evaluation.
    ATTUNE_DECL bool wait(std::chrono::steady_clock::time_point deadline,
                          const std::function<bool()>& check);

private:
    ATTUNE_DECL void ring_all() noexcept;

    std::atomic<std::uint32_t> waiting_{0};
    std::mutex mutex_;
    std::condition_variable rung_;
    std::uint64_t rings_ = 0;
    bool closed_ = false;
};

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL void PublicationBell::ring_all() noexcept {
    {
        const std::scoped_lock lock{mutex_};
        ++rings_;
    }
    rung_.notify_all();
}

ATTUNE_DECL void PublicationBell::close() noexcept {
    {
        const std::scoped_lock lock{mutex_};
        closed_ = true;
    }
    rung_.notify_all();
}

ATTUNE_DECL bool PublicationBell::wait(std::chrono::steady_clock::time_point deadline,
                                       const std::function<bool()>& check) {
    struct Registration {
        explicit Registration(std::atomic<std::uint32_t>& waiting) : count(waiting) {
            count.fetch_add(1, std::memory_order_seq_cst);
            // Either the publisher's load sees this registration, or what follows sees what it has
            // published.
            std::atomic_thread_fence(std::memory_order_seq_cst);
        }
        ~Registration() { count.fetch_sub(1, std::memory_order_relaxed); }
        std::atomic<std::uint32_t>& count;
    };
    const Registration registration{waiting_};
    std::unique_lock lock{mutex_};
    for (;;) {
        const std::uint64_t heard = rings_;
        lock.unlock();
        if (check()) {
            return true;
        }
        lock.lock();
        if (!rung_.wait_until(lock, deadline, [&] { return closed_ || rings_ != heard; }) ||
            closed_) {
            return false;
        }
    }
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI {

/// How far an observer is behind.
struct Lag {
    std::size_t waiting = 0;    ///< changes it will be told of and has not begun with
    std::uint64_t dropped = 0;  ///< changes that were merged into later ones: its queue was full

    friend bool operator==(const Lag&, const Lag&) = default;
};

namespace detail {

/// What a store and its observers share: the thread they run on, which versions still have
/// observers to be told, who waits for versions, and where observers in trouble are reported.
/// Outlives the store while an observer runs.
class DeliveryHub {
public:
    using OnThrow = std::function<void(const ObserverName&, const std::exception_ptr&)>;

    /// Something to be told of an observer that has not thrown.
    struct Notice {
        ObserverName observer;
        std::string text;
    };

    Notifier& notifier() noexcept { return notifier_; }
    PublicationBell& bell() noexcept { return bell_; }
    CallWatch& calls() noexcept { return calls_; }

    /// The deliveries of one version that are owed. Whoever has a share may use it.
    class Debt {
    public:
        explicit Debt(Version owed) noexcept : version_(owed) {}

    private:
        friend class DeliveryHub;
        const Version version_;
        std::atomic<std::size_t> shares_{0};
    };

    /// Takes `shares` in the debt of `version`: so many deliveries of it are owed.
    ATTUNE_DECL Debt& open(Version version, std::size_t shares = 1);
    /// They were made. One atomic operation but for the last.
    void close(Debt& debt, std::size_t shares = 1) noexcept {
        const Version version = debt.version_;  // without a share, the debt may be gone
        if (debt.shares_.fetch_sub(shares, std::memory_order_acq_rel) == shares) {
            close_last(version);
        }
    }
    /// Waits until no observer owes a version up to `version`. False when the time is over first.
    ATTUNE_DECL bool settle(Version version, std::chrono::steady_clock::time_point deadline);

    /// Waits until `left`, which may take the lock of a turn, says that whatever went on in a
    /// turn that has ended is over; wake makes it look again.
    template <class Left>
    void await(Left&& left) noexcept {
        std::unique_lock lock{mutex_};
        idle_.wait(lock, left);
    }
    ATTUNE_DECL void wake() noexcept;

    /// Who is told of what an observer throws; null for nobody.
    ATTUNE_DECL void on_throw(OnThrow told) noexcept;
    ATTUNE_DECL void report(const ObserverName& observer,
                            const std::exception_ptr& thrown) noexcept;

    /// Leaves a notice for whoever publishes next. May be called under the commit mutex.
    ATTUNE_DECL void notice(const ObserverName& observer, std::string text) noexcept;
    /// All notices since the last call; one atomic load when there are none.
    std::vector<Notice> take_notices() {
        return noticed_.load(std::memory_order_relaxed) ? take_all_notices()
                                                        : std::vector<Notice>{};
    }

    /// A change was merged into a later one; counted for the status of the store.
    void count_dropped() noexcept { dropped_.fetch_add(1, std::memory_order_relaxed); }
    std::uint64_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }

private:
    ATTUNE_DECL void close_last(Version version) noexcept;
    ATTUNE_DECL std::vector<Notice> take_all_notices();

    Notifier notifier_;
    PublicationBell bell_;
    CallWatch calls_;
    std::mutex mutex_;
    std::condition_variable settled_;
    std::condition_variable idle_;
    std::map<Version, Debt> owed_;
    std::mutex report_mutex_;
    OnThrow on_throw_;
    std::vector<Notice> notices_;
    std::atomic<bool> noticed_{false};
    std::atomic<std::uint64_t> dropped_{0};
};

/// One subscription's side of the delivery: at most one call at a time, in version order, none
/// after the end.
///
/// The store offers items under its commit mutex, which fixes their order, and dispatches after
/// it has let go of it. What an item is, and whether a newer one replaces an older one, is the
/// derived class's business.
class Delivery : public std::enable_shared_from_this<Delivery> {
public:
    ATTUNE_DECL Delivery(std::shared_ptr<DeliveryHub> hub, Executor executor, ObserverName name);
    virtual ~Delivery() = default;
    Delivery(const Delivery&) = delete;
    Delivery& operator=(const Delivery&) = delete;

    /// Ends the subscription: no call begins after this, and the executor is let go. From another
    /// thread it waits for a running call, and for work that is being given to the executor; from
    /// inside the call it does not.
    ATTUNE_DECL void cancel() noexcept;
    bool cancelled() const noexcept { return turn_.is(Turn::ended); }
    /// Cancelled, and not inside its last call any more.
    bool over() const noexcept { return turn_.over(); }

    ATTUNE_DECL Lag lag() const noexcept;

    /// Hands the waiting item to the executor. Call outside every lock, after an offer that
    /// returned true. The executor gets no share in this object: work that is never run keeps
    /// nothing alive.
    ATTUNE_DECL void dispatch();

    /// Delivers the first item on the calling thread, in place of dispatch. What the observer
    /// throws ends the subscription and leaves this function.
    ATTUNE_DECL void deliver_first();

protected:
    using Debt = DeliveryHub::Debt;

    /// Puts an item in with `store`, under the lock. True when dispatch is due; then a share in
    /// `debt`, which is that of the item's version, has become this object's.
    template <class Store>
    bool offer(Debt& debt, Store&& store) {
        Turn::Held turn{turn_};
        if (turn.is(Turn::ended)) {
            return false;
        }
        store();
        if (turn.is(Turn::scheduled)) {
            turn.set(Turn::more);
            return false;
        }
        turn.set(Turn::scheduled);
        owed_ = &debt;
        return true;
    }
    template <class Store>
    bool offer(Version version, Store&& store) {
        Debt& debt = hub_->open(version);
        const bool due = offer(debt, std::forward<Store>(store));
        if (!due) {
            hub_->close(debt);
        }
        return due;
    }

    /// Under the lock: takes the next item out for call(); false when there is none to deliver.
    virtual bool take() = 0;
    /// Under the lock: the version of the oldest item that waits, if one does.
    virtual std::optional<Version> waiting() const noexcept = 0;
    /// Under the lock.
    virtual Lag count_waiting() const noexcept { return {.waiting = waiting() ? 1U : 0U}; }
    /// Outside the lock, once, after the end: destroys all items and the callback.
    virtual void drop() noexcept = 0;
    /// The user's code, outside the lock.
    virtual void call() = 0;

    DeliveryHub& hub() const noexcept { return *hub_; }
    const ObserverName& name() const noexcept { return name_; }

private:
    /// Where the calls are made.
    enum class Place : std::uint8_t { inline_here, notifier, executor };

    /// A thread that is inside the executor's execute; on that thread's stack.
    struct HandingOver {
        std::thread::id thread;
        HandingOver* other;
    };

    static Place place_of(const Executor& executor) noexcept;
    void run() noexcept;
    std::function<void()> work();
    void hand_over();
    /// Under the lock.
    bool handing_over_elsewhere() const noexcept;
    /// Under the lock: the executor, once nothing will use it any more. To be destroyed outside.
    Executor spent_executor(const Turn::Held& turn) noexcept;
    /// One item; true when another waits.
    bool step(std::exception_ptr* thrown);
    bool end_step(Debt* paid);
    void pay(Debt* debt) noexcept {
        if (debt != nullptr) {
            hub_->close(*debt);
        }
    }

    // What each delivery needs comes last, next to what derived classes add.
    const Place place_;
    Executor executor_;
    HandingOver* handing_over_ = nullptr;
    const ObserverName name_;
    const std::shared_ptr<DeliveryHub> hub_;
    mutable Turn turn_;
    Debt* owed_ = nullptr;  // what settle waits for
};

}  // namespace detail

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL DeliveryHub::Debt& DeliveryHub::open(Version version, std::size_t shares) {
    const std::scoped_lock lock{mutex_};
    Debt& debt = owed_.try_emplace(version, version).first->second;
    debt.shares_.fetch_add(shares, std::memory_order_relaxed);
    return debt;
}

// Between the last share and the lock, somebody may have opened the version again, and even closed
// it: only what the map says now counts.
ATTUNE_DECL void DeliveryHub::close_last(Version version) noexcept {
    {
        const std::scoped_lock lock{mutex_};
        const auto found = owed_.find(version);
        if (found == owed_.end() || found->second.shares_.load(std::memory_order_acquire) != 0) {
            return;
        }
        owed_.erase(found);
    }
    settled_.notify_all();
}

ATTUNE_DECL void DeliveryHub::wake() noexcept {
    { const std::scoped_lock lock{mutex_}; }  // nobody is between looking and waiting
    idle_.notify_all();
}

ATTUNE_DECL bool DeliveryHub::settle(Version version,
                                     std::chrono::steady_clock::time_point deadline) {
    std::unique_lock lock{mutex_};
    return settled_.wait_until(lock, deadline,
                               [&] { return owed_.empty() || owed_.begin()->first > version; });
}

ATTUNE_DECL void DeliveryHub::report(const ObserverName& observer,
                                     const std::exception_ptr& thrown) noexcept {
    OnThrow on_throw;
    try {
        {
            const std::scoped_lock lock{report_mutex_};
            on_throw = on_throw_;
        }
        if (on_throw) {
            on_throw(observer, thrown);
        }
    } catch (...) {
        // Reporting is the last resort; there is nobody left to tell.
    }
}

ATTUNE_DECL void DeliveryHub::on_throw(OnThrow told) noexcept {
    const std::scoped_lock lock{report_mutex_};
    on_throw_.swap(told);
}

ATTUNE_DECL void DeliveryHub::notice(const ObserverName& observer, std::string text) noexcept {
    const std::scoped_lock lock{report_mutex_};
    try {
        notices_.push_back({observer, std::move(text)});
        noticed_.store(true, std::memory_order_relaxed);
    } catch (...) {
        // Out of memory: what happened is still counted.
    }
}

ATTUNE_DECL std::vector<DeliveryHub::Notice> DeliveryHub::take_all_notices() {
    const std::scoped_lock lock{report_mutex_};
    noticed_.store(false, std::memory_order_relaxed);
    return std::exchange(notices_, {});
}

ATTUNE_DECL Delivery::Place Delivery::place_of(const Executor& executor) noexcept {
    return !executor                ? Place::notifier
           : executor.runs_inline() ? Place::inline_here
                                    : Place::executor;
}

ATTUNE_DECL Delivery::Delivery(std::shared_ptr<DeliveryHub> hub, Executor executor,
                               ObserverName name)
    : place_(place_of(executor)),
      executor_(std::move(executor)),
      name_(std::move(name)),
      hub_(std::move(hub)),
      turn_(hub_->calls().turns(), name_) {}

ATTUNE_DECL std::function<void()> Delivery::work() {
    return [weak = weak_from_this()] {
        if (const auto self = weak.lock()) {
            self->run();
        }
    };
}

ATTUNE_DECL void Delivery::dispatch() {
    if (place_ == Place::inline_here) {
        run();
        return;
    }
    if (place_ == Place::notifier) {
        hub_->notifier().execute(work());
        return;
    }
    try {
        hand_over();
    } catch (...) {
        // The executor takes no work any more: the observation is over, and says so.
        hub_->report(name_, std::current_exception());
        cancel();
    }
}

ATTUNE_DECL void Delivery::hand_over() {
    const auto self = shared_from_this();
    HandingOver here{std::this_thread::get_id(), nullptr};
    {
        const Turn::Held turn{turn_};
        if (turn.is(Turn::ended)) {
            return;
        }
        here.other = std::exchange(handing_over_, &here);
    }
    std::exception_ptr thrown;
    try {
        executor_.execute(work());  // which may run it at once
    } catch (...) {
        thrown = std::current_exception();
    }
    Executor spent;
    bool ended = false;
    {
        const Turn::Held turn{turn_};
        HandingOver** link = &handing_over_;
        while (*link != &here) {
            link = &(*link)->other;
        }
        *link = here.other;
        spent = spent_executor(turn);
        ended = turn.is(Turn::ended);
    }
    if (ended) {
        hub_->wake();
    }
    if (thrown) {
        std::rethrow_exception(thrown);
    }
}

ATTUNE_DECL bool Delivery::handing_over_elsewhere() const noexcept {
    const HandingOver* one = handing_over_;
    while (one != nullptr && one->thread == std::this_thread::get_id()) {
        one = one->other;
    }
    return one != nullptr;
}

ATTUNE_DECL Executor Delivery::spent_executor(const Turn::Held& turn) noexcept {
    return turn.is(Turn::dropped) && handing_over_ == nullptr ? std::exchange(executor_, {})
                                                              : Executor{};
}

ATTUNE_DECL void Delivery::run() noexcept {
    try {
        while (step(nullptr)) {
            if (place_ != Place::inline_here) {
                dispatch();  // a turn for the other observers
                return;
            }
        }
    } catch (...) {
        hub_->report(name_, std::current_exception());
    }
}

ATTUNE_DECL void Delivery::deliver_first() {
    std::exception_ptr thrown;
    const bool more = step(&thrown);
    if (thrown) {
        cancel();
        std::rethrow_exception(thrown);
    }
    if (more) {
        dispatch();
    }
}

ATTUNE_DECL bool Delivery::step(std::exception_ptr* thrown) {
    Debt* unowed = nullptr;
    bool taken = false;
    {
        Turn::Held turn{turn_};
        if (turn.is(Turn::ended)) {
            return false;
        }
        taken = take();
        if (taken) {
            turn_.begin(turn, hub_->calls().time());
        } else {
            turn.clear(Turn::scheduled | Turn::more);
            unowed = std::exchange(owed_, nullptr);
        }
    }
    if (!taken) {
        pay(unowed);
        return false;
    }
    hub_->calls().began(turn_);
    try {
        call();
    } catch (...) {
        if (thrown != nullptr) {
            *thrown = std::current_exception();
        } else {
            hub_->report(name_, std::current_exception());
        }
    }
    Debt* const paid = std::exchange(owed_, nullptr);  // it is ours while we are running
    if (turn_.end()) {
        pay(paid);
        return false;
    }
    return end_step(paid);
}

// When more may wait, or the observation is over.
ATTUNE_DECL bool Delivery::end_step(Debt* paid) {
    Debt* next = nullptr;
    bool again = false;
    bool over = false;
    bool last = false;
    for (;;) {
        std::optional<Version> version;
        {
            Turn::Held turn{turn_};
            over = turn.is(Turn::ended);
            version = over ? std::nullopt : waiting();
            if (over) {
                last = !turn.is(Turn::dropped);
                turn.set(Turn::dropped);
                turn.clear(Turn::scheduled);
                break;
            }
            if (!version || next != nullptr) {
                again = version.has_value();
                turn.clear(Turn::running | Turn::reported);
                if (!again) {
                    turn.clear(Turn::scheduled | Turn::more);
                }
                owed_ = next;
                break;
            }
        }
        next = &hub_->open(*version);  // before the old debt is paid, so that settle sees no gap
    }
    if (over) {
        if (last) {
            drop();  // part of the call for whoever waits for its end
        }
        Executor spent;
        {
            Turn::Held turn{turn_};
            turn.clear(Turn::running | Turn::reported);
            spent = spent_executor(turn);
        }
        hub_->wake();
        pay(next);
    }
    pay(paid);
    return again;
}

ATTUNE_DECL Lag Delivery::lag() const noexcept {
    const Turn::Held turn{turn_};
    return turn.is(Turn::ended) ? Lag{} : count_waiting();
}

ATTUNE_DECL void Delivery::cancel() noexcept {
    bool wait = false;
    {
        Turn::Held turn{turn_};
        turn.set(Turn::ended);
        const bool running = turn.is(Turn::running);
        if (running && turn_.runs_here()) {
            return;  // end_step() clears up when the callback has returned
        }
        wait = running || handing_over_elsewhere();
    }
    if (wait) {
        hub_->await([&] {
            const Turn::Held turn{turn_};
            return !turn.is(Turn::running) && !handing_over_elsewhere();
        });
    }
    Debt* unpaid = nullptr;
    bool last = false;
    Executor spent;
    {
        Turn::Held turn{turn_};
        unpaid = std::exchange(owed_, nullptr);
        last = !turn.is(Turn::dropped);
        turn.clear(Turn::scheduled);
        turn.set(Turn::dropped);
        spent = spent_executor(turn);
    }
    pay(unpaid);
    if (last) {
        drop();
    }
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI {

/// An observation, ended by destroying it.
///
/// Once cancel or the destructor has returned, the callback does not begin again. Called from
/// another thread, both wait for a callback that runs at that moment, so that whatever the
/// callback uses, and the executor, may go next; called from inside the callback they do not wait.
/// Do not end a subscription while holding a lock that its callback or its executor takes.
///
/// May outlive the store, whose destruction ends it. Not thread-safe itself.
class [[nodiscard]] Subscription {
public:
    Subscription() noexcept = default;
    Subscription(Subscription&& other) noexcept = default;
    Subscription& operator=(Subscription&& other) noexcept {
        if (this != &other) {
            cancel();
            delivery_ = std::move(other.delivery_);
        }
        return *this;
    }
    ~Subscription() { cancel(); }

    void cancel() noexcept {
        if (const auto ended = std::exchange(delivery_, nullptr)) {
            ended->cancel();
        }
    }

    /// True while the observation goes on.
    explicit operator bool() const noexcept {
        return delivery_ != nullptr && !delivery_->cancelled();
    }

    /// How far the observer is behind at this moment; all zero when the observation is over. The
    /// change that it is being told of right now does not count.
    Lag lag() const noexcept { return delivery_ != nullptr ? delivery_->lag() : Lag{}; }

    explicit Subscription(std::shared_ptr<detail::Delivery> delivery) noexcept
        : delivery_(std::move(delivery)) {}

private:
    std::shared_ptr<detail::Delivery> delivery_;
};

}  // namespace attune::inline ATTUNE_ABI

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

namespace attune::inline ATTUNE_ABI::detail {

/// One value of one handle, immutable once published, shared by every frame between the commit
/// that made it and the commit that replaced it.
///
/// The frames of a store own it together with a single reference (see FrameChain); further
/// references are pins, which outlive the store.
class CellBase {
public:
    CellBase() noexcept = default;
    CellBase(const CellBase&) = delete;
    CellBase& operator=(const CellBase&) = delete;
    virtual ~CellBase() = default;

    void acquire() const noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
    void release() const noexcept {
        // Who holds the only reference need not count it down.
        if (references_.load(std::memory_order_acquire) == 1 ||
            references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            delete this;
        }
    }

    static void* operator new(std::size_t size) { return allocate_cell(size); }
    static void operator delete(void* cell, std::size_t size) noexcept { free_cell(cell, size); }
    static void* operator new(std::size_t size, std::align_val_t alignment) {
        return ::operator new(size, alignment);
    }
    static void operator delete(void* cell, std::align_val_t alignment) noexcept {
        ::operator delete(cell, alignment);
    }

private:
    friend class FrameChain;
    friend class FrameDraft;
    friend class Obituary;
    // In this order a small value lies in what would be padding.
    std::uint64_t born_ = 0;  ///< serial of the first frame that shows it
    mutable std::atomic<std::uint32_t> references_{1};
};

template <class T>
class ValueCell final : public CellBase {
public:
    ValueCell() = default;
    explicit ValueCell(T initial) : value(std::move(initial)) {}
    T value{};
};

/// What keeps a cell alive in the hands of a program.
using CellOwner = std::shared_ptr<const CellBase>;

/// The value of the owner's cell, kept alive by it; null when there is none.
template <class T>
std::shared_ptr<const T> pin_value(CellOwner owner) noexcept {
    const auto* const cell = static_cast<const ValueCell<T>*>(owner.get());
    return std::shared_ptr<const T>{std::move(owner), cell != nullptr ? &cell->value : nullptr};
}

/// An owning reference to a cell.
class CellPtr {
public:
    CellPtr() noexcept = default;
    /// Takes over the reference that `cell` was created with.
    static CellPtr adopt(const CellBase* cell) noexcept {
        CellPtr made;
        made.cell_ = cell;
        return made;
    }
    static CellPtr share(const CellBase* cell) noexcept {
        if (cell != nullptr) {
            cell->acquire();
        }
        return adopt(cell);
    }
    CellPtr(const CellPtr& other) noexcept : cell_(other.cell_) {
        if (cell_ != nullptr) {
            cell_->acquire();
        }
    }
    CellPtr(CellPtr&& other) noexcept : cell_(std::exchange(other.cell_, nullptr)) {}
    CellPtr& operator=(CellPtr other) noexcept {
        std::swap(cell_, other.cell_);
        return *this;
    }
    ~CellPtr() {
        if (cell_ != nullptr) {
            cell_->release();
        }
    }

    const CellBase* get() const noexcept { return cell_; }
    const CellBase* release() noexcept { return std::exchange(cell_, nullptr); }
    explicit operator bool() const noexcept { return cell_ != nullptr; }

    template <class T>
    const T& value() const noexcept {
        return static_cast<const ValueCell<T>*>(cell_)->value;
    }

    /// As a standard pointer; null when this is empty. Allocates, once for all copies.
    CellOwner own() const {
        if (cell_ == nullptr) {
            return nullptr;
        }
        cell_->acquire();
        return CellOwner{cell_, [](const CellBase* cell) { cell->release(); }};
    }

    /// The value as a standard pointer that keeps the cell alive; null when this is empty.
    template <class T>
    std::shared_ptr<const T> pin() const {
        return pin_value<T>(own());
    }

private:
    const CellBase* cell_ = nullptr;
};

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

/// A chunk of slots. Chunks are shared between frames and copied when a slot below them changes.
struct FrameChunk {
    static constexpr unsigned bits = 6;
    static constexpr std::size_t width = std::size_t{1} << bits;

    std::uint64_t born = 0;  ///< serial of the first frame that uses it
    bool leaf = true;        ///< its children are cells
    const void* child[width] = {};
};

/// What died with a commit: visible in the frame before, not visible in the frame that holds the
/// note.
class Obituary {
public:
    explicit Obituary(const CellBase* cell) noexcept
        : object_(reinterpret_cast<std::uintptr_t>(cell) | 1) {}
    explicit Obituary(const FrameChunk* chunk) noexcept
        : object_(reinterpret_cast<std::uintptr_t>(chunk)) {}

    /// Null when it is a chunk.
    const CellBase* cell() const noexcept {
        return (object_ & 1) != 0 ? reinterpret_cast<const CellBase*>(object_ - 1) : nullptr;
    }
    const FrameChunk* chunk() const noexcept {
        return reinterpret_cast<const FrameChunk*>(object_);
    }
    /// Serial of the first frame that showed it.
    std::uint64_t born() const noexcept {
        return cell() != nullptr ? cell()->born_ : chunk()->born;
    }

private:
    std::uintptr_t object_;  // cells are marked in the lowest bit
};

/// One published version: its number, its document and the value of every handle.
///
/// Immutable while any reader can see it. The first 64 handles have their cells in the frame
/// itself, one load away; most programs have no more. The others hang in a radix tree of chunks, so
/// that a commit that changes one of 100,000 handles copies two or three chunks.
///
/// Frames own chunks and cells together, without a count per chunk: versions form a line, so an
/// object that was born with frame b and died with frame d is visible in exactly the frames in
/// [b, d), and can go when none of these is left. See FrameChain::destroy.
class Frame {
public:
    /// The cell of `slot`, which must be below size(); null in an empty one.
    [[gnu::always_inline]] const CellBase* cell(std::uint32_t slot) const noexcept {
        if (slot < FrameChunk::width) [[likely]] {
            return static_cast<const CellBase*>(direct_[slot]);
        }
        return far_cell(slot - static_cast<std::uint32_t>(FrameChunk::width));
    }

    /// Grows with every frame of a store, also where the version stays.
    std::uint64_t serial() const noexcept { return serial_; }
    /// Number of slots, those that are empty included.
    std::uint32_t size() const noexcept { return size_; }

    /// The deepest paths at which the document differs from that of the version before. Found by
    /// the first call, O(change * log n), and remembered. Any thread.
    ATTUNE_DECL const std::vector<Path>& changed() const;

    /// The value of a node that was made after this frame, once somebody has worked it out; else
    /// null. `slot` and `born` are the node's. Under the writer's mutex, like add_late.
    ATTUNE_DECL const CellBase* late_cell(std::uint32_t slot, std::uint64_t born) const noexcept;
    /// Keeps such a value for as long as the frame lives.
    ATTUNE_DECL void add_late(std::uint32_t slot, std::uint64_t born, CellPtr cell) const;

    Version version = 0;
    std::chrono::system_clock::time_point time{};
    std::string reason;
    std::string layer;  ///< that brought the change; empty when none did
    Document document;
    Document before;     ///< the document of the version before
    Document overrides;  ///< what the program itself had set

private:
    friend class FrameDraft;
    friend class FrameChain;
    Frame() = default;
    ATTUNE_DECL ~Frame();

    /// `index` is the slot's number in the tree.
    const CellBase* far_cell(std::uint32_t index) const noexcept {
        const void* const* children = root_;
        for (unsigned shift = shift_; shift != 0; shift -= FrameChunk::bits) {
            children =
                static_cast<const FrameChunk*>(children[(index >> shift) % FrameChunk::width])
                    ->child;
        }
        return static_cast<const CellBase*>(children[index % FrameChunk::width]);
    }

    const void* direct_[FrameChunk::width] = {};

    mutable std::atomic<std::uint32_t> references_{1};
    mutable std::atomic<const std::vector<Path>*> changed_{nullptr};
    std::uint32_t size_ = 0;
    std::uint64_t serial_ = 0;
    unsigned shift_ = 0;
    const void* root_[FrameChunk::width] = {};
    // The chain's, under its mutex: neighbours among the frames still alive, and what died here.
    mutable const Frame* older_ = nullptr;
    mutable const Frame* newer_ = nullptr;
    mutable std::vector<Obituary> dead_;

    struct LateCell {
        std::uint32_t slot;
        std::uint64_t born;
        CellPtr cell;
    };
    mutable std::vector<LateCell> late_;
};

/// The next frame while its writer puts it together. Owned by one thread; gives everything back
/// when it is dropped without being published.
class FrameDraft {
public:
    /// Begins as a copy of `base`, which must stay alive; null begins empty.
    ATTUNE_DECL explicit FrameDraft(const Frame* base);
    ATTUNE_DECL ~FrameDraft();
    FrameDraft(const FrameDraft&) = delete;
    FrameDraft& operator=(const FrameDraft&) = delete;

    /// Adds a slot that holds `cell` and returns its number.
    ATTUNE_DECL std::uint32_t append(CellPtr cell);
    /// Replaces the cell of a slot.
    ATTUNE_DECL void set(std::uint32_t slot, CellPtr&& cell);
    /// Empties a slot, for another node to be put there by `set`.
    ATTUNE_DECL void clear(std::uint32_t slot);

    Frame& frame() noexcept { return *frame_; }

    /// As Frame::cell, and faster near the slot that was set last.
    const CellBase* cell(std::uint32_t slot) const noexcept {
        if (slot < FrameChunk::width) {
            return static_cast<const CellBase*>(frame_->direct_[slot]);
        }
        const auto index = slot - static_cast<std::uint32_t>(FrameChunk::width);
        return index >> FrameChunk::bits == leaf_number_
                   ? static_cast<const CellBase*>(leaf_[index % FrameChunk::width])
                   : frame_->far_cell(index);
    }

private:
    friend class FrameChain;

    /// Where the cell of `slot` is kept, in a place of this draft's own.
    [[gnu::always_inline]] const void*& place_of(std::uint32_t slot) {
        if (slot < FrameChunk::width) {
            return frame_->direct_[slot];
        }
        const auto index = slot - static_cast<std::uint32_t>(FrameChunk::width);
        return index >> FrameChunk::bits == leaf_number_ ? leaf_[index % FrameChunk::width]
                                                         : far_place(index);
    }
    const void*& far_place(std::uint32_t index);
    FrameChunk* own_chunk(const void*& place, bool leaf);
    void put(const void*& place, CellPtr&& cell);
    Frame* release() noexcept;
    /// Of a draft that is dropped: the cells it made.
    void release_cells(const void* const* children) noexcept;
    void bury(const CellBase* cell) noexcept;

    Frame* frame_;
    std::vector<FrameChunk*> chunks_;
    // The leaf of this draft's own that was used last. Nodes that derive from each other tend to
    // lie side by side.
    const void** leaf_ = nullptr;
    std::uint32_t leaf_number_ = UINT32_MAX;
};

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

template <class T>
[[gnu::cold]] void grow(std::vector<T>& list) {
    list.reserve(std::max<std::size_t>(8, 2 * list.size()));
}

/// Room for one more, so that push_back cannot throw.
template <class T>
void reserve_one(std::vector<T>& list) {
    if (list.size() == list.capacity()) [[unlikely]] {
        grow(list);
    }
}

ATTUNE_DECL Frame::~Frame() { delete changed_.load(std::memory_order_relaxed); }

ATTUNE_DECL const std::vector<Path>& Frame::changed() const {
    const std::vector<Path>* known = changed_.load(std::memory_order_acquire);
    if (known == nullptr) {
        auto found = std::make_unique<const std::vector<Path>>(changed_paths(before, document));
        if (changed_.compare_exchange_strong(known, found.get(), std::memory_order_acq_rel)) {
            known = found.release();
        }
    }
    return *known;
}

ATTUNE_DECL const CellBase* Frame::late_cell(std::uint32_t slot,
                                             std::uint64_t born) const noexcept {
    const auto found = std::find_if(late_.begin(), late_.end(), [&](const LateCell& late) {
        return late.slot == slot && late.born == born;
    });
    return found != late_.end() ? found->cell.get() : nullptr;
}

ATTUNE_DECL void Frame::add_late(std::uint32_t slot, std::uint64_t born, CellPtr cell) const {
    late_.push_back({slot, born, std::move(cell)});
}

ATTUNE_DECL FrameDraft::FrameDraft(const Frame* base) : frame_(new Frame) {
    if (base == nullptr) {
        frame_->serial_ = 1;
        return;
    }
    frame_->version = base->version;
    frame_->time = base->time;
    frame_->reason = base->reason;
    frame_->layer = base->layer;
    frame_->document = base->document;
    frame_->before = base->before;
    frame_->overrides = base->overrides;
    frame_->size_ = base->size_;
    frame_->shift_ = base->shift_;
    std::copy(std::begin(base->direct_), std::end(base->direct_), std::begin(frame_->direct_));
    std::copy(std::begin(base->root_), std::end(base->root_), std::begin(frame_->root_));
    frame_->serial_ = base->serial_ + 1;
}

ATTUNE_DECL FrameDraft::~FrameDraft() {
    if (frame_ == nullptr) {
        return;
    }
    release_cells(frame_->direct_);
    if (frame_->shift_ == 0) {
        release_cells(frame_->root_);
    }
    for (FrameChunk* chunk : chunks_) {
        if (chunk->leaf) {
            release_cells(chunk->child);
        }
        delete chunk;
    }
    delete frame_;
}

ATTUNE_DECL void FrameDraft::release_cells(const void* const* children) noexcept {
    for (std::size_t i = 0; i != FrameChunk::width; ++i) {
        const auto* const cell = static_cast<const CellBase*>(children[i]);
        if (cell != nullptr && cell->born_ == frame_->serial_) {
            cell->release();
        }
    }
}

ATTUNE_DECL FrameChunk* FrameDraft::own_chunk(const void*& place, bool leaf) {
    const auto* const shared = static_cast<const FrameChunk*>(place);
    if (shared != nullptr && shared->born == frame_->serial_) {
        return const_cast<FrameChunk*>(shared);  // made by this draft, seen by nobody else
    }
    reserve_one(chunks_);
    reserve_one(frame_->dead_);
    auto made =
        shared != nullptr ? std::make_unique<FrameChunk>(*shared) : std::make_unique<FrameChunk>();
    made->born = frame_->serial_;
    made->leaf = leaf;
    if (shared != nullptr) {
        frame_->dead_.push_back(Obituary{shared});
    }
    chunks_.push_back(made.get());
    place = made.get();
    return made.release();
}

ATTUNE_DECL const void*& FrameDraft::far_place(std::uint32_t index) {
    const void** children = frame_->root_;
    for (unsigned shift = frame_->shift_; shift != 0; shift -= FrameChunk::bits) {
        children =
            own_chunk(children[(index >> shift) % FrameChunk::width], shift == FrameChunk::bits)
                ->child;
    }
    if (frame_->shift_ != 0) {
        leaf_ = children;
        leaf_number_ = index >> FrameChunk::bits;
    }
    return children[index % FrameChunk::width];
}

ATTUNE_DECL void FrameDraft::put(const void*& place, CellPtr&& cell) {
    reserve_one(frame_->dead_);
    const auto* const before = static_cast<const CellBase*>(place);
    const CellBase* const after = cell.release();
    // Not published yet: this draft is its only owner.
    const_cast<CellBase*>(after)->born_ = frame_->serial_;
    place = after;
    if (before != nullptr) {
        bury(before);
    }
}

ATTUNE_DECL std::uint32_t FrameDraft::append(CellPtr cell) {
    const std::uint32_t slot = frame_->size_;
    if (slot == FrameChunk::width + (FrameChunk::width << frame_->shift_)) {
        // The root is full: its content becomes the first chunk of a new level.
        reserve_one(chunks_);
        auto level = std::make_unique<FrameChunk>();
        level->born = frame_->serial_;
        level->leaf = frame_->shift_ == 0;
        std::copy(std::begin(frame_->root_), std::end(frame_->root_), std::begin(level->child));
        std::fill(std::begin(frame_->root_), std::end(frame_->root_), nullptr);
        frame_->root_[0] = level.get();
        chunks_.push_back(level.release());
        frame_->shift_ += FrameChunk::bits;
    }
    put(place_of(slot), std::move(cell));
    ++frame_->size_;
    return slot;
}

ATTUNE_DECL void FrameDraft::set(std::uint32_t slot, CellPtr&& cell) {
    put(place_of(slot), std::move(cell));
}

ATTUNE_DECL void FrameDraft::clear(std::uint32_t slot) {
    const void*& place = place_of(slot);
    const auto* const cell = static_cast<const CellBase*>(place);
    if (cell == nullptr) {
        return;
    }
    reserve_one(frame_->dead_);
    place = nullptr;
    bury(cell);
}

// In the place of a cell there is another, or none.
ATTUNE_DECL void FrameDraft::bury(const CellBase* cell) noexcept {
    if (cell->born_ == frame_->serial_) {
        // Put in by this draft, and seen by no frame at all.
        cell->release();
    } else {
        frame_->dead_.push_back(Obituary{cell});
    }
}

ATTUNE_DECL Frame* FrameDraft::release() noexcept {
    chunks_.clear();
    return std::exchange(frame_, nullptr);
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

/// The versions of one store: the current frame that readers load, the newest frames kept as
/// history, and whatever snapshots hold.
///
/// One writer at a time publishes; any thread reads, and acquires and releases frames. A frame
/// lives while it is current, in the history, held by a snapshot, or visible to a reader that
/// entered before it was replaced. A version that is kept stays when the history moves on.
class FrameChain : public std::enable_shared_from_this<FrameChain> {
public:
    /// Begins with version 0, which shows `first` and has no handles. `history` is the number of
    /// versions to keep, the current one included; at least 1.
    ATTUNE_DECL FrameChain(std::size_t history, Document first);
    /// Begins with the draft, which was made of nothing.
    ATTUNE_DECL FrameChain(std::size_t history, FrameDraft& first);
    ATTUNE_DECL ~FrameChain();
    FrameChain(const FrameChain&) = delete;
    FrameChain& operator=(const FrameChain&) = delete;

    /// For the writer, and for a thread inside an epoch: nobody else may follow the pointer.
    const Frame* current() const noexcept { return current_.load(std::memory_order_acquire); }

    /// Makes the draft the current frame: one store of one pointer. A draft whose version is that
    /// of the current frame takes its place in the history as well.
    ATTUNE_DECL void publish(FrameDraft& draft);

    /// The current frame with a reference, to be given back with release.
    ATTUNE_DECL const Frame* acquire_current() const noexcept;
    /// The newest retained frame of that version with a reference, or null.
    ATTUNE_DECL const Frame* acquire_version(Version version) const noexcept;
    /// The first retained version that shows the cell. For the writer.
    ATTUNE_DECL Version version_of(const CellBase& cell) const noexcept;
    /// The oldest version in the history.
    ATTUNE_DECL Version oldest() const noexcept;
    /// Keeps a retained version until it is given up. False when it is not retained.
    ATTUNE_DECL bool keep(Version version, std::string note);
    /// False when the version was not kept.
    ATTUNE_DECL bool give_up(Version version) noexcept;

    /// A retained version with a reference, and why it is retained.
    struct Retained {
        const Frame* frame;
        bool kept;
        std::string note;
    };
    /// All of them, oldest first.
    ATTUNE_DECL std::vector<Retained> retained() const;
    /// Calls `f(const Frame&)` for the versions in the history, newest first, for as long as it
    /// says true. Under the chain's mutex.
    template <class F>
    void visit_history(F&& f) const {
        const std::scoped_lock lock{mutex_};
        for (std::size_t i = history_.size(); i-- != 0 && f(*history_[i]);) {
        }
    }
    /// Lets go of the history but for the current frame, for good.
    ATTUNE_DECL void forget() noexcept;
    void acquire(const Frame* frame) const noexcept {
        frame->references_.fetch_add(1, std::memory_order_relaxed);
    }
    void release(const Frame* frame) const noexcept {
        if (frame->references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            destroy(frame);
        }
    }

    /// Frames alive: current, history, snapshots, and those that wait for a reader.
    ATTUNE_DECL std::size_t frames_alive() const noexcept;

private:
    struct Retirement;
    struct Kept {
        std::string note;
        const Frame* frame;  // null while the version is in the history
    };

    ATTUNE_DECL void destroy(const Frame* frame) const noexcept;
    static void bury(const Obituary& dead) noexcept;
    static void bury_all(const void* const* children, unsigned shift) noexcept;

    std::atomic<const Frame*> current_;
    mutable std::mutex mutex_;  // the links between frames, their dead, the history
    std::size_t history_size_;
    std::deque<const Frame*> history_;
    std::map<Version, Kept> kept_;
    mutable std::size_t alive_ = 1;
};

/// Keeps the frame that is current now visible while it exists. Scoped; ends on the thread that
/// began it.
class FrameGuard {
public:
    FrameGuard(const FrameGuard&) = delete;
    FrameGuard& operator=(const FrameGuard&) = delete;
    static void* operator new(std::size_t) = delete;

    const Frame& frame() const noexcept { return *frame_; }

#if defined(ATTUNE_LOCKED_CELLS)
    explicit FrameGuard(const FrameChain& chain) noexcept
        : chain_(&chain), frame_(chain.acquire_current()) {}
    ~FrameGuard() { chain_->release(frame_); }

private:
    const FrameChain* chain_;
    const Frame* frame_;
#else
    explicit FrameGuard(const FrameChain& chain) noexcept
        : slot_(epoch_enter()), frame_(chain.current()) {}
    ~FrameGuard() { epoch_leave(slot_); }

private:
    ReaderSlot* slot_;
    const Frame* frame_;
#endif
};

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

/// The reference a frame has for being current, given up when no reader can see it any more.
struct FrameChain::Retirement final : Retired {
    Retirement(std::shared_ptr<const FrameChain> owner, const Frame* replaced) noexcept
        : chain(std::move(owner)), frame(replaced) {}
    void reclaim() noexcept override { chain->release(frame); }

    std::shared_ptr<const FrameChain> chain;
    const Frame* frame;
};

/// A draft of version 0.
inline FrameDraft& begin_draft(FrameDraft&& draft, Document document) {
    draft.frame().document = std::move(document);
    return draft;
}

ATTUNE_DECL FrameChain::FrameChain(std::size_t history, Document first)
    : FrameChain(history, begin_draft(FrameDraft{nullptr}, std::move(first))) {}

ATTUNE_DECL FrameChain::FrameChain(std::size_t history, FrameDraft& first)
    : history_size_(std::max<std::size_t>(history, 1)) {
    history_.push_back(nullptr);
    const Frame* const frame = first.release();
    acquire(frame);
    history_.back() = frame;
    current_.store(frame, std::memory_order_release);
}

ATTUNE_DECL FrameChain::~FrameChain() {
    // Snapshots and retirements own the chain, so only the history is left.
    const Frame* const last = current_.load(std::memory_order_relaxed);
    bury_all(last->direct_, 0);
    bury_all(last->root_, last->shift_);
    for (const Frame* frame = last; frame != nullptr;) {
        for (const Obituary& dead : frame->dead_) {
            bury(dead);
        }
        delete std::exchange(frame, frame->older_);
    }
}

ATTUNE_DECL void FrameChain::bury(const Obituary& dead) noexcept {
    if (const CellBase* const cell = dead.cell()) {
        cell->release();
    } else {
        delete dead.chunk();
    }
}

ATTUNE_DECL void FrameChain::bury_all(const void* const* children, unsigned shift) noexcept {
    for (std::size_t i = 0; i != FrameChunk::width; ++i) {
        if (children[i] == nullptr) {
            continue;
        }
        if (shift == 0) {
            static_cast<const CellBase*>(children[i])->release();
        } else {
            const auto* const chunk = static_cast<const FrameChunk*>(children[i]);
            bury_all(chunk->child, shift - FrameChunk::bits);
            delete chunk;
        }
    }
}

ATTUNE_DECL void FrameChain::publish(FrameDraft& draft) {
    const Frame* const before = current_.load(std::memory_order_relaxed);
    std::vector<const Frame*> forgotten;
    forgotten.reserve(2);
#if !defined(ATTUNE_LOCKED_CELLS)
    auto retirement = std::make_unique<Retirement>(shared_from_this(), before);
#endif
    const Frame* after = nullptr;
    {
        const std::scoped_lock lock{mutex_};
        history_.push_back(nullptr);
        after = draft.release();
        after->older_ = before;
        before->newer_ = after;
        ++alive_;
        acquire(after);
        history_.back() = after;
        if (after->version == before->version) {
            forgotten.push_back(before);
            history_.erase(history_.end() - 2);
        } else if (history_.size() > history_size_) {
            const Frame* const left = history_.front();
            if (const auto kept = kept_.find(left->version); kept != kept_.end()) {
                kept->second.frame = left;
            } else {
                forgotten.push_back(left);
            }
            history_.pop_front();
        }
        current_.store(after, std::memory_order_seq_cst);
    }
#if defined(ATTUNE_LOCKED_CELLS)
    release(before);
#else
    epoch_retire(retirement.release());
#endif
    for (const Frame* frame : forgotten) {
        release(frame);
    }
}

ATTUNE_DECL const Frame* FrameChain::acquire_current() const noexcept {
#if defined(ATTUNE_LOCKED_CELLS)
    const std::scoped_lock lock{mutex_};
    const Frame* const frame = current();
    acquire(frame);
    return frame;
#else
    const FrameGuard guard{*this};
    acquire(&guard.frame());
    return &guard.frame();
#endif
}

ATTUNE_DECL const Frame* FrameChain::acquire_version(Version version) const noexcept {
    const std::scoped_lock lock{mutex_};
    const auto found = std::find_if(history_.rbegin(), history_.rend(),
                                    [&](const Frame* frame) { return frame->version == version; });
    const Frame* frame = found != history_.rend() ? *found : nullptr;
    if (const auto kept = kept_.find(version); frame == nullptr && kept != kept_.end()) {
        frame = kept->second.frame;
    }
    if (frame != nullptr) {
        acquire(frame);
    }
    return frame;
}

ATTUNE_DECL Version FrameChain::version_of(const CellBase& cell) const noexcept {
    const std::scoped_lock lock{mutex_};
    const auto found = std::find_if(history_.begin(), history_.end(), [&](const Frame* frame) {
        return frame->serial_ >= cell.born_;
    });
    return (*found)->version;
}

ATTUNE_DECL Version FrameChain::oldest() const noexcept {
    const std::scoped_lock lock{mutex_};
    return history_.front()->version;
}

ATTUNE_DECL bool FrameChain::keep(Version version, std::string note) {
    const std::scoped_lock lock{mutex_};
    if (const auto known = kept_.find(version); known != kept_.end()) {
        known->second.note = std::move(note);
        return true;
    }
    const bool here = std::any_of(history_.begin(), history_.end(),
                                  [&](const Frame* frame) { return frame->version == version; });
    return here && kept_.try_emplace(version, Kept{std::move(note), nullptr}).second;
}

ATTUNE_DECL bool FrameChain::give_up(Version version) noexcept {
    const Frame* frame = nullptr;
    {
        const std::scoped_lock lock{mutex_};
        const auto kept = kept_.find(version);
        if (kept == kept_.end()) {
            return false;
        }
        frame = kept->second.frame;
        kept_.erase(kept);
    }
    if (frame != nullptr) {
        release(frame);
    }
    return true;
}

ATTUNE_DECL std::vector<FrameChain::Retained> FrameChain::retained() const {
    const std::scoped_lock lock{mutex_};
    std::vector<Retained> all;
    all.reserve(kept_.size() + history_.size());
    for (const auto& [version, kept] : kept_) {
        if (kept.frame != nullptr) {
            all.push_back({kept.frame, true, kept.note});
        }
    }
    for (const Frame* const frame : history_) {
        const auto kept = kept_.find(frame->version);
        const bool is_kept = kept != kept_.end();
        all.push_back({frame, is_kept, is_kept ? kept->second.note : std::string{}});
    }
    for (const Retained& each : all) {
        acquire(each.frame);
    }
    return all;
}

ATTUNE_DECL void FrameChain::forget() noexcept {
    std::deque<const Frame*> forgotten;
    std::map<Version, Kept> kept;
    {
        const std::scoped_lock lock{mutex_};
        history_size_ = 1;
        kept.swap(kept_);
        while (history_.size() > 1) {
            forgotten.push_back(history_.front());
            history_.pop_front();
        }
    }
    for (const Frame* frame : forgotten) {
        release(frame);
    }
    for (const auto& [version, each] : kept) {
        if (each.frame != nullptr) {
            release(each.frame);
        }
    }
}

ATTUNE_DECL std::size_t FrameChain::frames_alive() const noexcept {
    const std::scoped_lock lock{mutex_};
    return alive_;
}

// What died with the next newer frame was last seen here. Of that, whatever was born after the
// next older frame was seen here alone and goes; the rest is still seen by older frames, and the
// newer frame inherits the duty, together with what died here. (ZFS frees the blocks of a deleted
// snapshot by the same rule.) Appending the short list to the long one keeps a commit cheap while
// an old snapshot is held.
ATTUNE_DECL void FrameChain::destroy(const Frame* frame) const noexcept {
    std::vector<Obituary> free;
    {
        const std::scoped_lock lock{mutex_};
        const Frame* const older = frame->older_;
        const Frame* const newer = frame->newer_;  // the current frame is never destroyed here
        auto& dead = newer->dead_;
        const auto seen_by_older = [&](const Obituary& note) {
            return older != nullptr && note.born() <= older->serial_;
        };
        const auto keep_end = std::partition(dead.begin(), dead.end(), seen_by_older);
        frame->dead_.insert(frame->dead_.end(), dead.begin(), keep_end);
        dead.erase(dead.begin(), keep_end);
        free.swap(dead);
        dead.swap(frame->dead_);
        newer->older_ = older;
        if (older != nullptr) {
            older->newer_ = newer;
        }
        --alive_;
    }
    // Outside the lock: destructors of values are the user's code.
    for (const Obituary& note : free) {
        bury(note);
    }
    delete frame;
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI {

/// A scoped look at the current value of one handle: about a nanosecond, without a lock, a
/// reference count or an allocation.
///
/// The value stays as it is, and where it is, while the Reading exists, whatever is committed
/// meanwhile. It delays only the reclamation of what was replaced, never a writer. Keep it short:
/// for anything that waits, copy with Config::get or hold with Config::pin.
///
/// A Reading stays in the scope, and on the thread, that made it: it cannot be copied, moved, or
/// made on the heap, and a temporary cannot be dereferenced. It must not be held across a
/// `co_await` that may resume on another thread.
template <class T>
class [[nodiscard]] Reading {
public:
    Reading(const Reading&) = delete;
    Reading& operator=(const Reading&) = delete;
    static void* operator new(std::size_t) = delete;
    static void* operator new[](std::size_t) = delete;

    const T* operator->() const& noexcept { return &value_; }
    const T& operator*() const& noexcept { return value_; }
    /// A temporary would end before the value is used: name it first, `auto now = config.read();`.
    const T* operator->() const&& = delete;
    /// As above.
    const T& operator*() const&& = delete;

    /// The version this reading sees.
    Version version() const noexcept { return guard_.frame().version; }

private:
    template <class>
    friend class Config;
    Reading(const detail::FrameChain& chain, std::uint32_t slot) noexcept
        : guard_(chain),
          value_(static_cast<const detail::ValueCell<T>*>(guard_.frame().cell(slot))->value) {}

    detail::FrameGuard guard_;
    const T& value_;
};

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI::detail {

/// Deep equality of two objects of the described type, whether or not it has an `==`: structs by
/// their fields, what is behind pointers by value. NaN equals NaN, so that an unchanged
/// configuration is one.
ATTUNE_DECL bool equal(const Type& type, const void* a, const void* b);

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

template <class T>
bool same(const void* a, const void* b) {
    return *static_cast<const T*>(a) == *static_cast<const T*>(b);
}

template <class T>
bool equal_reals(const void* a, const void* b) noexcept {
    const T left = *static_cast<const T*>(a);
    const T right = *static_cast<const T*>(b);
    return left == right || (left != left && right != right);
}

// Not through double: a long double has more digits.
ATTUNE_DECL bool equal_reals(RealFormat format, const void* a, const void* b) noexcept {
    switch (format) {
    case RealFormat::single: return equal_reals<float>(a, b);
    case RealFormat::extended: return equal_reals<long double>(a, b);
    default: return equal_reals<double>(a, b);
    }
}

ATTUNE_DECL bool equal_lists(const ListType& type, const void* a, const void* b) {
    const std::size_t size = type.size(a);
    if (size != type.size(b)) {
        return false;
    }
    for (std::size_t i = 0; i < size; ++i) {
        if (!equal(type.element, type.get(a, i), type.get(b, i))) {
            return false;
        }
    }
    return true;
}

ATTUNE_DECL bool equal_flags(const FlagsType& type, const void* a, const void* b) {
    const std::size_t size = type.size(a);
    if (size != type.size(b)) {
        return false;
    }
    for (std::size_t i = 0; i < size; ++i) {
        if (type.get(a, i) != type.get(b, i)) {
            return false;
        }
    }
    return true;
}

ATTUNE_DECL bool equal_arrays(const ArrayType& type, const void* a, const void* b) {
    const auto* left = static_cast<const std::byte*>(a);
    const auto* right = static_cast<const std::byte*>(b);
    for (std::size_t i = 0; i < type.count; ++i, left += type.stride, right += type.stride) {
        if (!equal(type.element, left, right)) {
            return false;
        }
    }
    return true;
}

ATTUNE_DECL bool equal_maps(const MapType& type, const void* a, const void* b) {
    if (type.size(a) != type.size(b)) {
        return false;
    }
    struct Context {
        const MapType& type;
        const void* other;
        bool equal;
    } context{type, b, true};
    type.visit(a, &context, [](void* opaque, const std::string& key, const void* value) {
        Context& c = *static_cast<Context*>(opaque);
        if (c.equal) {
            const void* const other = c.type.find(c.other, key);
            c.equal = other != nullptr && equal(c.type.element, value, other);
        }
    });
    return context.equal;
}

ATTUNE_DECL bool equal_structs(const Structure& structure, const void* a, const void* b) {
    const auto* left = static_cast<const std::byte*>(a);
    const auto* right = static_cast<const std::byte*>(b);
    for (const FieldInfo& field : structure.fields) {
        if (!equal(*field.type, left + field.offset, right + field.offset)) {
            return false;
        }
    }
    return true;
}

ATTUNE_DECL bool equal(const Type& type, const void* a, const void* b) {
    if (a == b) {
        return true;
    }
    switch (type.shape) {
    case Shape::boolean: return same<bool>(a, b);
    case Shape::integer:
    case Shape::enumeration:
    case Shape::bytes: return load(type, a) == load(type, b);
    case Shape::real: return equal_reals(static_cast<const RealType&>(type).format, a, b);
    case Shape::string: return same<std::string>(a, b);
    case Shape::document: return same<Document>(a, b);
    case Shape::duration: {
        const auto& duration = static_cast<const DurationType&>(type);
        return duration.real == RealFormat::none ? load(type, a) == load(type, b)
                                                 : equal_reals(duration.real, a, b);
    }
    case Shape::path: {
        const auto& path = static_cast<const PathType&>(type);
        return path.text(a) == path.text(b);
    }
    case Shape::optional: {
        const auto& optional = static_cast<const OptionalType&>(type);
        const void* const left = optional.get(a);
        const void* const right = optional.get(b);
        return left == nullptr || right == nullptr ? left == right
                                                   : equal(optional.inner, left, right);
    }
    case Shape::flags: return equal_flags(static_cast<const FlagsType&>(type), a, b);
    case Shape::list: return equal_lists(static_cast<const ListType&>(type), a, b);
    case Shape::array: return equal_arrays(static_cast<const ArrayType&>(type), a, b);
    case Shape::map: return equal_maps(static_cast<const MapType&>(type), a, b);
    case Shape::variant: {
        const auto& variant = static_cast<const VariantType&>(type);
        const std::size_t index = variant.index(a);
        return index == variant.index(b) &&
               (index >= variant.count ||
                equal(*variant.alternatives[index], variant.get(a), variant.get(b)));
    }
    case Shape::structure: return equal_structs(structure_of(type), a, b);
    case Shape::secret: {
        const auto& secret = static_cast<const SecretType&>(type);
        return equal(secret.inner, secret.reveal(a), secret.reveal(b));
    }
    case Shape::external: return static_cast<const ExternalType&>(type).equal(a, b);
    }
    return false;
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

/// An owning pointer to something that counts its references itself, by `acquire` and `release`.
template <class T>
class Ref {
public:
    Ref() noexcept = default;
    explicit Ref(T* object) noexcept : object_(object) { acquire(); }
    /// Takes over a reference that is there already.
    static Ref adopt(T* object) noexcept {
        Ref made;
        made.object_ = object;
        return made;
    }
    Ref(const Ref& other) noexcept : object_(other.object_) { acquire(); }
    Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    template <class U>
    Ref(Ref<U> other) noexcept : object_(other.surrender()) {}
    Ref& operator=(Ref other) noexcept {
        std::swap(object_, other.object_);
        return *this;
    }
    ~Ref() {
        if (object_ != nullptr) {
            object_->release();
        }
    }

    T* get() const noexcept { return object_; }
    T* operator->() const noexcept { return object_; }
    T& operator*() const noexcept { return *object_; }
    explicit operator bool() const noexcept { return object_ != nullptr; }
    T* surrender() noexcept { return std::exchange(object_, nullptr); }

private:
    void acquire() const noexcept {
        if (object_ != nullptr) {
            object_->acquire();
        }
    }

    T* object_ = nullptr;
};

}  // namespace attune::inline ATTUNE_ABI::detail

// How two values of a derived node are compared: by `==`, else by their members, else they count
// as different. Standard containers have an `==` whatever their elements are, and it does not
// compile when these have none: so one has to look at the elements first.

namespace attune::inline ATTUNE_ABI::detail {

template <class T>
constexpr bool has_equality() noexcept;

template <class T>
inline constexpr bool elements_have_equality = true;
template <class A, class B>
inline constexpr bool elements_have_equality<std::pair<A, B>> =
    has_equality<A>() && has_equality<B>();
template <class... A>
inline constexpr bool elements_have_equality<std::tuple<A...>> = (has_equality<A>() && ...);
template <class... A>
inline constexpr bool elements_have_equality<std::variant<A...>> = (has_equality<A>() && ...);
template <class A>
inline constexpr bool elements_have_equality<std::optional<A>> = has_equality<A>();

template <class T>
concept ValueRange = requires(const T& range) {
    typename T::value_type;
    range.begin();
    range.end();
    range.size();
} && !std::same_as<typename T::value_type, T>;

template <class T>
constexpr bool has_equality() noexcept {
    if constexpr (ValueRange<T>) {
        if constexpr (!has_equality<std::remove_cv_t<typename T::value_type>>()) {
            return false;
        }
    }
    if constexpr (elements_have_equality<T>) {
        return std::equality_comparable<T>;
    } else {
        return false;
    }
}

// A plain struct whose members can be taken apart; what bind refuses is refused here silently.
template <class T>
constexpr bool has_members() noexcept {
    if constexpr (std::is_class_v<T> && std::is_aggregate_v<T> && TakesValues<T> && !HasBase<T>) {
        constexpr std::size_t count = count_values<T>();
        if constexpr (count > 0 && count <= max_fields) {
            return !has_array<T, count>();
        }
    }
    return false;
}

template <class T>
bool value_equal(const T& a, const T& b);

template <std::size_t... I, class... P>
bool members_equal(const MembersOver<std::index_sequence<I...>, P...>& a,
                   const MembersOver<std::index_sequence<I...>, P...>& b) {
    return (value_equal(*static_cast<const MemberPointer<I, P>&>(a).address,
                        *static_cast<const MemberPointer<I, P>&>(b).address) &&
            ...);
}

template <class T>
bool value_equal(const T& a, const T& b) {
    if constexpr (std::is_floating_point_v<T>) {
        return a == b || (a != a && b != b);  // not a number stays what it is
    } else if constexpr (has_equality<T>()) {
        return a == b;
    } else if constexpr (ValueRange<T>) {
        return a.size() == b.size() &&
               std::equal(a.begin(), a.end(), b.begin(),
                          [](const auto& x, const auto& y) { return value_equal(x, y); });
    } else if constexpr (has_members<T>()) {
        return members_equal(members_of(a), members_of(b));
    } else {
        return false;
    }
}

template <class A, class B>
bool value_equal(const std::pair<A, B>& a, const std::pair<A, B>& b) {
    return value_equal(a.first, b.first) && value_equal(a.second, b.second);
}

template <class T>
bool value_equal(const std::optional<T>& a, const std::optional<T>& b) {
    return a.has_value() == b.has_value() && (!a || value_equal(*a, *b));
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

/// All that the graph knows of the C++ type of a value: a few functions, one constant per type.
struct ValueKind {
    bool (*equal)(const CellBase& a, const CellBase& b);
    CellPtr (*copy)(const CellBase& cell);  ///< null for types that cannot be copied
};

template <class T>
const T& value_in_cell(const CellBase& cell) noexcept {
    return static_cast<const ValueCell<T>&>(cell).value;
}

template <class T>
constexpr auto cell_copier() noexcept {
    if constexpr (std::copy_constructible<T>) {
        return [](const CellBase& cell) {
            return CellPtr::adopt(new ValueCell<T>{value_in_cell<T>(cell)});
        };
    } else {
        return nullptr;
    }
}

/// The kind of values that functions make, and compare by value_equal.
template <class T>
inline constexpr ValueKind derived_kind{
    [](const CellBase& a, const CellBase& b) {
        return &a == &b || value_equal(value_in_cell<T>(a), value_in_cell<T>(b));
    },
    cell_copier<T>(),
};

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

class DerivedNode;
class GraphNode;
class ValueDelivery;

/// What the nodes of one store share. Outlives the store for as long as a handle does, and keeps
/// the frames, so that a handle always has its last value.
class NodeHome {
public:
    explicit NodeHome(std::shared_ptr<FrameChain> frames) noexcept : chain(std::move(frames)) {}
    NodeHome(const NodeHome&) = delete;
    NodeHome& operator=(const NodeHome&) = delete;

    const std::shared_ptr<FrameChain> chain;

    /// Nobody refers to that node any more. It stays in the graph until the writer takes it out,
    /// which is at once unless a commit is going on.
    ATTUNE_DECL void abandon(GraphNode* node) noexcept;
    /// For the writer: all that were abandoned, as a list by GraphNode::next_abandoned.
    ATTUNE_DECL GraphNode* take_abandoned() noexcept;
    bool has_abandoned() const noexcept {
        return abandoned_.load(std::memory_order_relaxed) != nullptr;
    }
    /// There is no writer from now on: what is abandoned later is destroyed at once.
    ATTUNE_DECL void close() noexcept;

    void acquire() const noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
    void release() const noexcept {
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            delete this;
        }
    }

protected:
    virtual ~NodeHome() = default;

private:
    /// Lets the writer know, on the thread that abandoned a node.
    virtual void tidy() noexcept = 0;

    std::mutex mutex_;
    bool closed_ = false;
    std::atomic<GraphNode*> abandoned_{nullptr};
    mutable std::atomic<std::uint32_t> references_{1};
};

/// One node reads another. Linked into a list of all that read the same one, so that a node is
/// taken out of the graph at the cost of its own edges.
struct Edge {
    GraphNode* input = nullptr;  ///< with a reference
    DerivedNode* reader = nullptr;
    Edge* next = nullptr;
    Edge** link = nullptr;  ///< what points to this edge
};

/// What there is to say about few nodes.
struct NodeNotes {
    std::string name;   ///< given by the program
    std::string error;  ///< while the node is stale
    std::chrono::system_clock::time_point since{};
    Version version = 0;  ///< the first one that shows a stale value
};

/// The observers of one node. After a commit has let go of its mutex it goes through those that it
/// has to call, and must neither count references to each of them nor see the list change: it
/// shares the list meanwhile.
class ObserverList {
public:
    std::vector<std::shared_ptr<ValueDelivery>> all;  ///< changed only while it is not shared

    bool shared() const noexcept { return references_.load(std::memory_order_acquire) != 1; }
    void acquire() const noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
    void release() const noexcept {
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            delete this;
        }
    }

private:
    mutable std::atomic<std::uint32_t> references_{1};
};

/// What stands behind a Config: a slot in the frames, those who watch it, and those who derive
/// values from it. Handles, observers and the edges of other nodes refer to it; when nobody does,
/// it is abandoned.
///
/// The members that are not const belong to the writer, under its mutex.
class GraphNode {
public:
    static constexpr std::uint32_t no_slot = UINT32_MAX;

    GraphNode(NodeHome& owner, const ValueKind& value) noexcept : kind(value), home(owner) {
        home.acquire();
    }
    GraphNode(const GraphNode&) = delete;
    GraphNode& operator=(const GraphNode&) = delete;
    virtual ~GraphNode() { home.release(); }

    void acquire() const noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
    void release() const noexcept {
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            home.abandon(const_cast<GraphNode*>(this));
        }
    }
    /// True when nobody refers to it; then nobody will.
    bool abandoned() const noexcept { return references_.load(std::memory_order_relaxed) == 0; }

    /// For people.
    std::string name() const {
        return notes != nullptr && !notes->name.empty() ? notes->name : default_name();
    }

    const ValueKind& kind;
    NodeHome& home;
    std::uint64_t born = 0;  ///< serial of the first frame that shows it; set with the slot
    std::unique_ptr<NodeNotes> notes;
    GraphNode* next_abandoned = nullptr;

    // What a commit looks at comes last, next to what derived classes add.
    Edge* readers = nullptr;
    Ref<ObserverList> observers;
    std::uint32_t slot = no_slot;  ///< set before anybody else knows the node

private:
    mutable std::atomic<std::uint32_t> references_{1};

public:
    std::uint32_t height = 0;     ///< above every node it reads
    bool keeps_on_error = false;  ///< its function may fail without a veto
    bool stale = false;           ///< it did, and the value is an older one
    bool running = false;
    bool is_rule = false;

private:
    virtual std::string default_name() const = 0;
};

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL void NodeHome::abandon(GraphNode* node) noexcept {
    acquire();  // the node may be the last to know this home, and go
    bool closed = false;
    {
        const std::scoped_lock lock{mutex_};
        closed = closed_;
        if (!closed) {
            node->next_abandoned = abandoned_.load(std::memory_order_relaxed);
            abandoned_.store(node, std::memory_order_relaxed);
        }
    }
    if (closed) {
        delete node;
    } else {
        tidy();
    }
    release();
}

ATTUNE_DECL GraphNode* NodeHome::take_abandoned() noexcept {
    const std::scoped_lock lock{mutex_};
    return abandoned_.exchange(nullptr, std::memory_order_relaxed);
}

ATTUNE_DECL void NodeHome::close() noexcept {
    const std::scoped_lock lock{mutex_};
    closed_ = true;
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

/// What decoding has to know of a C++ type, beyond what the graph does.
struct BoundKind : ValueKind {
    const Type& (*type)() noexcept;
    CellPtr (*make)();                          ///< a cell that holds T{}
    void* (*object)(const CellBase&) noexcept;  ///< the T in a cell that nobody else has seen yet
};

template <class T>
inline constexpr BoundKind bound_kind{
    {
        [](const CellBase& a, const CellBase& b) {
            return &a == &b || equal(type_of<T>(), &value_in_cell<T>(a), &value_in_cell<T>(b));
        },
        cell_copier<T>(),
    },
    []() noexcept -> const Type& { return type_of<T>(); },
    [] { return CellPtr::adopt(new ValueCell<T>); },
    [](const CellBase& cell) noexcept -> void* { return const_cast<T*>(&value_in_cell<T>(cell)); },
};

/// How the nodes of a store find it, while it is there.
class StoreHome final : public NodeHome {
public:
    using NodeHome::NodeHome;

    std::weak_ptr<Core> core;  ///< set before there are nodes

private:
    ATTUNE_DECL void tidy() noexcept override;
};

inline const std::weak_ptr<Core>& core_of(const GraphNode& node) noexcept {
    return static_cast<const StoreHome&>(node.home).core;
}

/// A source of the graph: what the merged document has at a path, decoded.
class BoundNode final : public GraphNode {
public:
    BoundNode(NodeHome& owner, const BoundKind& value, Path place)
        : GraphNode(owner, value), bound_kind(value), path(std::move(place)) {}

    const BoundKind& bound_kind;
    const Path path;
    std::vector<Problem> warnings;  ///< about the present value

private:
    std::string default_name() const override { return to_string(path); }
};

}  // namespace attune::inline ATTUNE_ABI::detail

// How the places of bound types are spelt outside of documents: `SERVER_POOL_SIZE` in the
// environment and `--server.pool-size` on the command line are `server.pool_size`, or whatever the
// bound structs call it. The names are matched against the types, so no spelling has to say where
// one name ends and the next begins.

namespace attune::inline ATTUNE_ABI::detail {

struct Type;

/// A type and where in the document its values are.
struct Bound {
    Path path;
    const Type* type = nullptr;
};

/// A place that a name may mean.
struct Target {
    Path path;
    const Type* type = nullptr;  ///< what is expected there; never optional, pointer or secret
    bool by_key = false;         ///< a key of a map on the way was taken from the name
    bool negated = false;        ///< the name is `no-` before that of a boolean

    friend bool operator==(const Target&, const Target&) = default;
};

/// The places within `root` that an environment variable, without its prefix, may mean.
///
/// Underscores part the name into words; how many words make one name of the path is found out by
/// trying. Letter case means nothing, nor does it matter whether a member is spelt `pool_size`,
/// `pool-size` or `poolSize`. The key of a map is what is left of the name, in lower case; where
/// the values are structs or maps, a shorter key with a name inside its value goes before that.
/// Elements of lists cannot be named.
///
/// Where very many places fit, only some are found, but never just one.
ATTUNE_DECL std::vector<Target> places_of_variable(std::string_view name, const Bound& root);

/// The places within `root` that a command-line option, without its dashes, may mean.
///
/// The name is a path, dotted or as a JSON Pointer. A part that equals a member's name means that
/// member; otherwise only letters and digits count, in either case. Keys of maps are taken as
/// written. `no-` before the whole name, or before its last part, negates a boolean, unless
/// something is really called so.
ATTUNE_DECL std::vector<Target> places_of_option(std::string_view name, const Bound& root);

/// The place at `path`, if that lies within `root`: one, or none. Names are taken exactly.
ATTUNE_DECL std::vector<Target> places_of_path(const Path& path, const Bound& root);

/// The usual spelling of a path as an environment variable, without prefix: `SERVER_POOL_SIZE` for
/// `server.poolSize`.
ATTUNE_DECL std::string variable_name(const Path& path);

/// Something that can be set, as Store::usage tells it.
struct Option {
    Path path;
    const Type* type = nullptr;  ///< never optional, pointer or secret
    std::string doc;             ///< of the member
    std::string expected;        ///< such as `an integer in [1, 65535]`
    Document fallback;           ///< the default, typed; null for secrets and where none is known
    bool unset = false;          ///< an optional that is empty by default
    bool required = false;
    bool secret = false;
    Path section;         ///< of the nearest struct around it that has a doc
    std::string heading;  ///< that doc; empty when none has one
};

/// All that can be set within `root`, in the order of the members. What holds other values is one
/// option: a list, a map, a variant, and a struct inside itself.
ATTUNE_DECL std::vector<Option> options_of(const Bound& root);

/// A value that came without a type. JSON where the type holds other values and the text begins as
/// such; the text itself otherwise, to be decoded by its type later. Throws ParseError.
ATTUNE_DECL Document document_from_text(std::string_view text, const Type& type);

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

// Bytes of letters beyond ASCII count as letters, and keep their case.
ATTUNE_DECL bool is_letter(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           static_cast<unsigned char>(c) >= 0x80;
}
ATTUNE_DECL bool is_upper(char c) noexcept { return c >= 'A' && c <= 'Z'; }
ATTUNE_DECL char to_lower(char c) noexcept {
    return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
}
ATTUNE_DECL char to_upper(char c) noexcept {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

/// What all spellings of a name have in common: its letters and digits, in lower case.
ATTUNE_DECL std::string letters_of(std::string_view name) {
    std::string letters;
    for (const char c : name) {
        if (is_letter(c)) {
            letters += to_lower(c);
        }
    }
    return letters;
}

ATTUNE_DECL bool spelt_alike(std::string_view a, std::string_view b) {
    const std::string letters = letters_of(a);
    return !letters.empty() && letters == letters_of(b);
}

/// The type of the value itself, behind what only says whether there is one and who may see it.
ATTUNE_DECL const Type& plain_type(const Type& type) noexcept {
    const Type* plain = &type;
    for (;;) {
        if (plain->shape == Shape::optional) {
            plain = &static_cast<const OptionalType*>(plain)->inner;
        } else if (plain->shape == Shape::secret) {
            plain = &static_cast<const SecretType*>(plain)->inner;
        } else {
            return *plain;
        }
    }
}

ATTUNE_DECL const Type& map_element(const Type& map) noexcept {
    return plain_type(static_cast<const MapType&>(map).element);
}

/// Tries the words of a variable's name on a bound type.
class VariableSearch {
public:
    explicit VariableSearch(std::string_view name) {
        while (!name.empty()) {
            const std::size_t end = std::min(name.find('_'), name.size());
            if (end != 0) {
                for (char& c : words_.emplace_back(name.substr(0, end))) {
                    c = to_lower(c);
                }
            }
            name.remove_prefix(std::min(end + 1, name.size()));
        }
    }

    std::vector<Target> in(const Bound& root) && {
        std::size_t first = 0;
        for (const std::string& token : root.path.tokens()) {
            const std::size_t end = end_of(token, first);
            if (end == first) {
                return {};
            }
            first = end;
        }
        if (!words_.empty()) {
            descend(*root.type, root.path, first, false);
        }
        return std::move(places_);
    }

private:
    // Recursive types can offer a place for each way to cut a long name. So many are ambiguous,
    // whatever else there is.
    static constexpr std::size_t enough = 8;

    /// Where the words that spell `name` end; `first` when it is not what the next words spell.
    std::size_t end_of(std::string_view name, std::size_t first) const {
        const std::string letters = letters_of(name);
        std::string_view rest = letters;
        std::size_t end = first;
        while (!rest.empty()) {
            if (end == words_.size() || !rest.starts_with(words_[end])) {
                return first;
            }
            rest.remove_prefix(words_[end].size());
            ++end;
        }
        return end;
    }

    std::string key_of(std::size_t first, std::size_t end) const {
        std::string key = words_[first];
        while (++first != end) {
            key += '_' + words_[first];
        }
        return key;
    }

    void add(const Type& type, Path path, bool by_key) {
        ++(by_key ? keys_ : members_);
        places_.push_back({.path = std::move(path), .type = &type, .by_key = by_key});
    }

    void descend(const Type& at, const Path& path, std::size_t first, bool by_key) {
        if (members_ >= enough || (by_key && keys_ >= enough)) {
            return;
        }
        const Type& type = plain_type(at);
        if (first == words_.size()) {
            add(type, path, by_key);
        } else if (type.shape == Shape::structure) {
            for (const FieldInfo& field : structure_of(type).fields) {
                const std::size_t end = end_of(field.name, first);
                if (end != first) {
                    descend(*field.type, path / field.name, end, by_key);
                }
            }
        } else if (type.shape == Shape::map) {
            descend_map(map_element(type), path, first);
        }
    }

    void descend_map(const Type& element, const Path& path, std::size_t first) {
        const std::size_t before = places_.size();
        if (element.shape == Shape::structure || element.shape == Shape::map) {
            for (std::size_t end = first + 1; end < words_.size(); ++end) {
                descend(element, path / key_of(first, end), end, true);
            }
        }
        if (places_.size() == before) {
            add(element, path / key_of(first, words_.size()), true);
        }
    }

    std::vector<std::string> words_;
    std::vector<Target> places_;
    std::size_t members_ = 0;
    std::size_t keys_ = 0;
};

ATTUNE_DECL std::vector<Target> places_of_variable(std::string_view name, const Bound& root) {
    return VariableSearch(name).in(root);
}

/// Adds what the tokens of an option may mean below `path`.
ATTUNE_DECL void find_option(const Type& at, const Path& path, std::span<const std::string> tokens,
                             bool by_key, std::vector<Target>& places) {
    const Type& type = plain_type(at);
    if (tokens.empty()) {
        places.push_back({.path = path, .type = &type, .by_key = by_key});
    } else if (type.shape == Shape::map) {
        find_option(map_element(type), path / tokens.front(), tokens.subspan(1), true, places);
    } else if (type.shape == Shape::structure) {
        const Structure& structure = structure_of(type);
        const FieldInfo* const exact = structure.find(tokens.front());
        for (const FieldInfo& field : structure.fields) {
            if (exact != nullptr ? &field == exact : spelt_alike(field.name, tokens.front())) {
                find_option(*field.type, path / field.name, tokens.subspan(1), by_key, places);
            }
        }
    }
}

ATTUNE_DECL std::vector<Target> places_of_tokens(std::span<const std::string> tokens,
                                                 const Bound& root) {
    const std::vector<std::string>& above = root.path.tokens();
    if (tokens.empty() || tokens.size() < above.size()) {
        return {};
    }
    for (std::size_t i = 0; i != above.size(); ++i) {
        if (above[i] != tokens[i] && !spelt_alike(above[i], tokens[i])) {
            return {};
        }
    }
    std::vector<Target> places;
    find_option(*root.type, root.path, tokens.subspan(above.size()), false, places);
    return places;
}

ATTUNE_DECL std::vector<Target> places_of_option(std::string_view name, const Bound& root) {
    std::vector<std::string> tokens;
    try {
        tokens = Path(name).tokens();
    } catch (const std::invalid_argument&) {
        return {};  // a pointer with a bad escape names nothing
    }
    std::vector<Target> places = places_of_tokens(tokens, root);
    if (!places.empty()) {
        return places;
    }
    constexpr std::string_view no = "no-";
    for (std::size_t i = 0; i < tokens.size(); i += std::max<std::size_t>(1, tokens.size() - 1)) {
        if (!tokens[i].starts_with(no)) {
            continue;
        }
        std::vector<std::string> positive = tokens;
        positive[i].erase(0, no.size());
        for (Target& place : places_of_tokens(positive, root)) {
            if (place.type->shape == Shape::boolean) {
                place.negated = true;
                places.push_back(std::move(place));
            }
        }
    }
    return places;
}

ATTUNE_DECL std::vector<Target> places_of_path(const Path& path, const Bound& root) {
    if (!path.starts_with(root.path)) {
        return {};
    }
    const Type* type = &plain_type(*root.type);
    Target place{.path = path};
    for (std::size_t i = root.path.size(); i != path.size(); ++i) {
        const std::string& token = path.tokens()[i];
        if (type->shape == Shape::structure) {
            const FieldInfo* const field = structure_of(*type).find(token);
            if (field == nullptr) {
                return {};
            }
            type = &plain_type(*field->type);
        } else if (type->shape == Shape::map) {
            type = &map_element(*type);
            place.by_key = true;
        } else if (type->shape == Shape::list && element_index(token)) {
            type = &plain_type(static_cast<const ListType*>(type)->element);
        } else if (type->shape == Shape::array && element_index(token)) {
            type = &plain_type(static_cast<const ArrayType*>(type)->element);
        } else if (type->shape != Shape::document) {
            return {};
        }
    }
    place.type = type;
    return {std::move(place)};
}

ATTUNE_DECL std::string variable_name(const Path& path) {
    std::string name;
    for (const std::string& token : path.tokens()) {
        bool fresh = !name.empty();  // an underscore is due before the next letter
        for (std::size_t i = 0; i != token.size(); ++i) {
            const char c = token[i];
            if (!is_letter(c)) {
                fresh = !name.empty();
                continue;
            }
            // `poolSize` is two words, and so are `HTTPServer` and `ipV6`; `HTTP` is one.
            const bool after_small = i > 0 && is_letter(token[i - 1]) && !is_upper(token[i - 1]);
            const bool before_small = i > 0 && is_upper(token[i - 1]) && i + 1 < token.size() &&
                                      is_letter(token[i + 1]) && !is_upper(token[i + 1]) &&
                                      !(token[i + 1] >= '0' && token[i + 1] <= '9');
            if (fresh || (is_upper(c) && (after_small || before_small))) {
                name += '_';
            }
            fresh = false;
            name += to_upper(c);
        }
    }
    return name;
}

/// Lists what can be set below a place.
class OptionList {
public:
    struct Section {
        const Path& path;
        const std::string& heading;
    };

    /// `object` is a default value of `type`; null when there is none.
    void add(const Type& at, const Path& path, const void* object, const FieldInfo* field,
             const Section& section, bool secret) {
        const Type* type = &at;
        bool unset = false;
        for (;;) {
            if (type->shape == Shape::optional) {
                const auto& optional = *static_cast<const OptionalType*>(type);
                object = object != nullptr ? optional.get(object) : nullptr;
                unset = unset || object == nullptr;
                type = &optional.inner;
            } else if (type->shape == Shape::secret) {
                secret = true;
                object = nullptr;
                type = &static_cast<const SecretType*>(type)->inner;
            } else {
                break;
            }
        }
        if (type->shape == Shape::structure && !is_around(*type)) {
            add_fields(*type, path, object, section, secret);
            return;
        }
        Option option;
        option.path = path;
        option.type = type;
        if (field != nullptr) {
            option.doc = field->doc;
            option.required = field->required;
        }
        option.expected = detail::expected(*type, field != nullptr ? field->rules.get() : nullptr);
        if (object != nullptr && !secret) {
            option.fallback = encode(*type, object, true);
        }
        option.unset = unset && !secret;
        option.secret = secret;
        option.section = section.path;
        option.heading = section.heading;
        options_.push_back(std::move(option));
    }

    std::vector<Option> take() && { return std::move(options_); }

private:
    bool is_around(const Type& type) const noexcept {
        for (const Type* const around : around_) {
            if (around == &type) {
                return true;
            }
        }
        return false;
    }

    void add_fields(const Type& type, const Path& path, const void* object, const Section& section,
                    bool secret) {
        const Structure& structure = structure_of(type);
        // Setting one member of an absent struct brings the defaults of the others.
        const auto* const base =
            static_cast<const std::byte*>(object != nullptr ? object : structure.defaults.get());
        const Section inner = structure.doc.empty() ? section : Section{path, structure.doc};
        around_.push_back(&type);
        for (const FieldInfo& field : structure.fields) {
            add(*field.type, path / field.name, base + field.offset, &field, inner,
                secret || field.secret);
        }
        around_.pop_back();
    }

    std::vector<const Type*> around_;  // structs, from the root
    std::vector<Option> options_;
};

ATTUNE_DECL std::vector<Option> options_of(const Bound& root) {
    const Path no_section;
    const std::string no_heading;
    OptionList list;
    list.add(*root.type, root.path, nullptr, nullptr, {no_section, no_heading}, false);
    return std::move(list).take();
}

ATTUNE_DECL Document document_from_text(std::string_view text, const Type& type) {
    const Type& plain = plain_type(type);
    const std::size_t begin = text.find_first_not_of(" \t\r\n");
    const bool json = begin != std::string_view::npos && (text[begin] == '[' || text[begin] == '{');
    constexpr unsigned nested = form::list | form::map | form::structure;
    if (!json || (plain.forms & nested) == 0) {
        return Document::text(text);
    }
    try {
        return parse(text);
    } catch (const ParseError&) {
        // `[::1]:80` is a fine string.
        if ((plain.forms & form::string) != 0) {
            return Document::text(text);
        }
        throw;
    }
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

class Evaluation;

/// The edges of one node. Holds on to the inputs; becomes part of the graph by link().
class EdgeList {
public:
    EdgeList() noexcept = default;
    /// In `room`, if there is one: as many edges, which outlive the list.
    ATTUNE_DECL explicit EdgeList(std::span<GraphNode* const> inputs, Edge* room = nullptr);
    EdgeList(EdgeList&& other) noexcept
        : edges_(std::exchange(other.edges_, nullptr)),
          size_(std::exchange(other.size_, 0)),
          in_room_(other.in_room_) {}
    EdgeList& operator=(EdgeList&& other) noexcept {
        const EdgeList before{std::move(*this)};
        edges_ = std::exchange(other.edges_, nullptr);
        size_ = std::exchange(other.size_, 0);
        in_room_ = other.in_room_;
        return *this;
    }
    /// Unlinks and lets go of the inputs.
    ATTUNE_DECL ~EdgeList();

    std::uint32_t size() const noexcept { return size_; }
    GraphNode& input(std::size_t i) const noexcept { return *edges_[i].input; }
    ATTUNE_DECL void link(DerivedNode& reader) noexcept;
    ATTUNE_DECL void unlink() noexcept;

private:
    Edge* edges_ = nullptr;
    std::uint32_t size_ = 0;
    bool in_room_ = false;
};

/// Room for the edges of a node that always reads the same handles, next to the node: a base of it,
/// before DerivedNode, so that it is there for as long as DerivedNode::inputs.
template <std::size_t N>
struct EdgeRoom {
    Edge edges[N];
};

/// A node whose value is what a function makes of the values of other nodes. Also a rule, which has
/// no value, only a verdict.
class DerivedNode : public GraphNode {
public:
    using GraphNode::GraphNode;

    /// Runs the user's function and returns a cell with the result; empty when it equals the value
    /// in `before`, which is null at the first run. Throws what the function throws.
    virtual CellPtr compute(Evaluation& now, const CellBase* before) = 0;

    /// See EdgeRoom; null for none.
    virtual Edge* room() noexcept { return nullptr; }

    /// Sets the height above all inputs, and lifts the readers above this node, and so on.
    ATTUNE_DECL void settle_height();

    // The propagation's.
    std::uint64_t mark = 0;
    DerivedNode* next_queued = nullptr;

    EdgeList inputs;
    std::uint64_t runs = 0;
    std::uint32_t cut_offs = 0;     ///< runs that gave the same value again
    std::uint32_t nanoseconds = 0;  ///< of the last run that was timed

protected:
    ATTUNE_DECL std::string default_name() const override;
};

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL EdgeList::EdgeList(std::span<GraphNode* const> inputs, Edge* room)
    : edges_(room != nullptr || inputs.empty() ? room : new Edge[inputs.size()]),
      size_(static_cast<std::uint32_t>(inputs.size())),
      in_room_(room != nullptr) {
    for (std::size_t i = 0; i != inputs.size(); ++i) {
        inputs[i]->acquire();
        edges_[i].input = inputs[i];
    }
}

ATTUNE_DECL EdgeList::~EdgeList() {
    unlink();
    for (std::size_t i = 0; i != size_; ++i) {
        edges_[i].input->release();
    }
    if (!in_room_) {
        delete[] edges_;
    }
}

ATTUNE_DECL void EdgeList::link(DerivedNode& reader) noexcept {
    for (std::size_t i = 0; i != size_; ++i) {
        Edge& edge = edges_[i];
        edge.reader = &reader;
        edge.link = &edge.input->readers;
        edge.next = *edge.link;
        if (edge.next != nullptr) {
            edge.next->link = &edge.next;
        }
        *edge.link = &edge;
    }
}

ATTUNE_DECL void EdgeList::unlink() noexcept {
    for (std::size_t i = 0; i != size_; ++i) {
        Edge& edge = edges_[i];
        if (edge.link == nullptr) {
            continue;
        }
        *edge.link = edge.next;
        if (edge.next != nullptr) {
            edge.next->link = edge.link;
        }
        edge.link = nullptr;
    }
}

// Lowest first: what is lifted for two reasons is then looked at once.
ATTUNE_DECL void DerivedNode::settle_height() {
    const auto higher = [](const DerivedNode* a, const DerivedNode* b) {
        return a->height > b->height;
    };
    std::vector<DerivedNode*> lifted{this};
    while (!lifted.empty()) {
        std::pop_heap(lifted.begin(), lifted.end(), higher);
        DerivedNode& node = *lifted.back();
        lifted.pop_back();
        std::uint32_t above = 0;
        for (std::size_t i = 0; i != node.inputs.size(); ++i) {
            above = std::max(above, node.inputs.input(i).height);
        }
        node.height = above + 1;
        for (const Edge* edge = node.readers; edge != nullptr; edge = edge->next) {
            if (edge->reader->height <= node.height) {
                lifted.push_back(edge->reader);
                std::push_heap(lifted.begin(), lifted.end(), higher);
            }
        }
    }
}

ATTUNE_DECL std::string DerivedNode::default_name() const {
    return slot == no_slot ? "rule" : "derived #" + std::to_string(slot);
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI {

/// The ticket of an explicit write.
class Commit {
public:
    /// The version that shows the write. A write that changes nothing makes no version; this is
    /// then the version that was current.
    Version version = 0;
    /// The deepest paths that differ from the version before; empty when nothing changed.
    std::vector<Path> changed;

    /// Waits until every observer that this version concerns has been told of it, or of a later
    /// one, and has returned. False when `timeout` is over first. Do not call it from an observer
    /// of the same store: it would wait for itself.
    template <class Rep, class Period>
    bool settle(std::chrono::duration<Rep, Period> timeout) const {
        return hub_ == nullptr || hub_->settle(version, detail::deadline_after(timeout));
    }

    Commit() = default;

private:
    friend class detail::Core;
    std::shared_ptr<detail::DeliveryHub> hub_;
};

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI {

/// What it means that the function of a derived value throws during a commit.
enum class OnError : std::uint8_t {
    veto,  ///< the commit is refused, and nothing changes
    keep,  ///< the value stays as it is and counts as stale until the function succeeds again
};

struct DeriveOptions {
    /// For errors, reports and Store::graph_dot; a number when empty.
    std::string name = {};
    OnError on_error = OnError::veto;
};

/// A derived value that is older than what it derives from. See OnError::keep.
struct Staleness {
    std::string name;   ///< of the value
    std::string error;  ///< what its function threw
    std::chrono::system_clock::time_point since{};
    Version version = 0;  ///< the first one that shows the old value
};

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI {

/// Another version than the expected one is current: somebody else has written in between. Nothing
/// has changed.
class VersionConflict : public std::runtime_error {
public:
    ATTUNE_DECL VersionConflict(Version expected, Version current);

    Version expected() const noexcept { return expected_; }
    Version current() const noexcept { return current_; }

private:
    Version expected_;
    Version current_;
};

struct TransactOptions {
    /// The version the edits were decided on. When another one is current: VersionConflict.
    std::optional<Version> expect = std::nullopt;
    /// Snapshot::reason of the version.
    std::string reason = "transact";
};

/// Several edits of what stands above all layers, published as one version or not at all. Each sees
/// what those before it have done.
///
/// Given to the function of Store::transact, and lives as long as its call.
class Edit {
public:
    Edit(const Edit&) = delete;
    Edit& operator=(const Edit&) = delete;

    /// As Store::set.
    void set(const Path& path, Document value) {
        overrides_ = overrides_.with(path, std::move(value));
    }
    /// As above, for a bindable struct, enum or duration.
    template <class T>
        requires(!std::convertible_to<const T&, Document>)
    void set(const Path& path, const T& value) {
        set(path, encode(value));
    }
    /// As Store::erase.
    void erase(const Path& path) { overrides_ = overrides_.without(path); }
    /// As Store::merge.
    ATTUNE_DECL void merge(const Document& patch);
    /// As Store::patch. Throws PatchError.
    ATTUNE_DECL void patch(const Document& json_patch);

    /// The merged document with the edits so far. Cost follows these.
    Document document() const { return merged_(overrides_); }

private:
    friend class detail::Core;
    using Merged = std::function<Document(const Document& overrides)>;

    Edit(Document overrides, Merged merged) noexcept
        : overrides_(std::move(overrides)), merged_(std::move(merged)) {}

    Document overrides_;
    Merged merged_;
};

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI {

ATTUNE_DECL VersionConflict::VersionConflict(Version expected, Version current)
    : std::runtime_error{"version " + std::to_string(expected) + " was expected, but version " +
                         std::to_string(current) +
                         " is current; read it, decide again, and try once more"},
      expected_(expected),
      current_(current) {}

ATTUNE_DECL void Edit::merge(const Document& patch) {
    overrides_ = merge_patch(overrides_.is_null() ? Document::object() : overrides_, patch);
}

namespace detail {

/// Places that a patch has changed: whole values, since layers replace arrays and scalars whole.
struct PatchedPlaces {
    std::vector<std::pair<Path, Document>> put;
    std::vector<Path> removed;
};

inline void find_patched(const Document& before, const Document& after, const Path& path,
                         PatchedPlaces& places) {
    for_each_difference(before, after,
                        [&](std::string_view key, const Document* old, const Document* fresh) {
                            const Path here = path / key;
                            if (fresh == nullptr) {
                                places.removed.push_back(here);
                            } else if (old != nullptr && old->is_object() && fresh->is_object()) {
                                find_patched(*old, *fresh, here, places);
                            } else if (old == nullptr || !(*old == *fresh)) {
                                places.put.emplace_back(here, *fresh);
                            }
                        });
}

}  // namespace detail

ATTUNE_DECL void Edit::patch(const Document& json_patch) {
    const Document before = document();
    const Document after = apply_patch(before, json_patch);
    if (!before.is_object() || !after.is_object()) {
        throw PatchError{"the patch", 0, {}, "the document of a store must stay an object"};
    }
    detail::PatchedPlaces places;
    detail::find_patched(before, after, {}, places);
    for (const auto& [path, value] : places.put) {
        overrides_ = overrides_.with(path, value);
    }
    for (const Path& path : places.removed) {
        overrides_ = overrides_.without(path);
    }
    // What a layer has as well is masked by an explicit null.
    const Document left = places.removed.empty() ? Document{} : document();
    for (const Path& path : places.removed) {
        if (left.find(path) != nullptr) {
            overrides_ = overrides_.with(path, nullptr);
        }
    }
}

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI {

/// What one layer has to say about a value.
struct Candidate {
    /// What became of it.
    enum class Fate : std::uint8_t {
        wins,      ///< it is the effective value
        merged,    ///< an object: some of its members are in the effective value
        shadowed,  ///< a layer above has the word
    };

    Fate fate = Fate::shadowed;
    Origin origin{};   ///< the layer's name; file and line, variable, argument or URL
    Document value{};  ///< secrets masked
};

/// Why a value is what it is. Secrets are masked in it.
struct Explanation {
    /// Of the value; empty for the whole document, and for a derived value.
    Path path{};
    /// Of a derived value: its name, and what it is made of, in the order in which it reads them.
    std::string derived{};
    std::vector<Explanation> inputs{};
    /// The effective value in the documents; nothing where no layer has one, and for derived values.
    std::optional<Document> value{};
    /// The version that made the value what it is; 0 when that is older than the history, or when
    /// no layer has a value.
    Version since = 0;
    /// The winning one first, then the others from the highest layer down.
    std::vector<Candidate> candidates{};
    /// What the bound struct has where no layer says anything; nothing when nobody bound it.
    std::optional<Document> fallback{};
    /// Whether the value, or a part of it, is a secret.
    bool secret = false;
};

/// For people, on several lines without the end of the last one:
///
/// ```text
/// server.port = 9090 (set in version 7)
///   * overrides: 9090
///     environment variable SERVICE_SERVER_PORT: 8081, shadowed
///     service.json:3:13: 8080, shadowed
///     default: 80
/// ```
ATTUNE_DECL std::string to_string(const Explanation& explanation);
/// One after the other.
ATTUNE_DECL std::string to_string(const std::vector<Explanation>& explanations);

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI {

namespace detail {

inline void render_explanation(const Explanation& explanation, std::size_t indent,
                               std::string& text) {
    const std::string margin(indent, ' ');
    const auto line = [&](std::string_view mark, const std::string& rest) {
        text += '\n' + margin + "  ";
        text += mark;
        text += rest;
    };
    text += margin;
    if (!explanation.derived.empty()) {
        text += explanation.derived + " is derived from";
        for (const Explanation& input : explanation.inputs) {
            text += '\n';
            render_explanation(input, indent + 4, text);
        }
        return;
    }
    text += explanation.path.empty() ? "(everything)" : to_string(explanation.path);
    if (explanation.value) {
        text += " = " + to_text(*explanation.value);
        if (explanation.since != 0) {
            text += " (set in version " + std::to_string(explanation.since) + ')';
        }
    } else {
        text += explanation.fallback ? " has its default" : " is not set";
    }
    for (const Candidate& candidate : explanation.candidates) {
        const bool wins = candidate.fate == Candidate::Fate::wins;
        line(wins ? "* " : "  ", to_string(candidate.origin) + ": " + to_text(candidate.value) +
                                     (wins                                        ? ""
                                      : candidate.fate == Candidate::Fate::merged ? ", merged"
                                                                                  : ", shadowed"));
    }
    if (explanation.fallback) {
        line(explanation.value ? "  " : "* ", "default: " + to_text(*explanation.fallback));
    }
}

}  // namespace detail

ATTUNE_DECL std::string to_string(const Explanation& explanation) {
    std::string text;
    detail::render_explanation(explanation, 0, text);
    return text;
}

ATTUNE_DECL std::string to_string(const std::vector<Explanation>& explanations) {
    std::string text;
    for (const Explanation& explanation : explanations) {
        text += (text.empty() ? "" : "\n") + to_string(explanation);
    }
    return text;
}

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI {

/// Whether secrets are to be seen in what a store gives away.
enum class Secrets : std::uint8_t {
    masked,  ///< `"***"` in their place
    shown,
};

/// One retained version, as Store::history lists it. Holds no values but the way to a hash of them.
class VersionInfo {
public:
    Version version = 0;
    std::chrono::system_clock::time_point time{};  ///< when it was published
    std::string reason;  ///< `set server.port`, the name of a layer, what transact was told
    std::string layer;   ///< which layer brought the change; empty when none did
    /// The deepest paths that differ from the version before.
    std::vector<Path> changed;
    bool kept = false;  ///< by Store::keep
    std::string note;   ///< what Store::keep was told

    /// SHA-256 of the merged document's text in 64 hexadecimal digits: equal for equal documents,
    /// in any process. Computed by each call, O(n) in the size of the document.
    ATTUNE_DECL std::string content_hash() const;

    VersionInfo() = default;

private:
    friend class detail::Core;
    Document document_;
};

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI {

ATTUNE_DECL std::string VersionInfo::content_hash() const {
    const std::string text = to_text(document_);
    std::array<unsigned char, 32> digest;
    if (EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr) != 1) {
        throw std::runtime_error{"OpenSSL cannot compute SHA-256"};
    }
    constexpr std::string_view digits = "0123456789abcdef";
    std::string hash;
    for (const unsigned char byte : digest) {
        hash += digits[byte >> 4];
        hash += digits[byte & 15];
    }
    return hash;
}

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI {

/// One value of a store's graph at one moment, or one rule. Holds no values.
struct NodeStatus {
    enum class Type : std::uint8_t { bound, derived, rule };

    Type type = Type::bound;
    std::string name;
    std::vector<std::size_t> inputs;  ///< what it read last, as indexes into Store::graph()
    std::uint32_t height = 0;         ///< 0 for bound values, else above every input
    /// The version that brought the present value, or the oldest one retained if that is younger.
    Version version = 0;
    std::size_t observers = 0;
    std::uint64_t runs = 0;                         ///< of the function, refused commits included
    std::uint64_t cut_offs = 0;                     ///< runs that gave an equal value
    std::chrono::nanoseconds last_duration{};       ///< of the last run that was timed: 1 in 128
    std::string error;                              ///< while the value is stale, what was thrown
    std::chrono::system_clock::time_point since{};  ///< of the error
};

/// The graph in the language of Graphviz, `dot -Tsvg`: sources at the top, stale values in red.
ATTUNE_DECL std::string to_dot(const std::vector<NodeStatus>& graph);

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI {

namespace detail {

/// Within double quotes; a label ends its lines with \n.
inline std::string quoted_for_dot(std::string_view text) {
    std::string quoted = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            quoted += '\\';
        }
        if (c == '\n') {
            quoted += "\\n";
        } else {
            quoted += c;
        }
    }
    return quoted + '"';
}

inline std::string label_for_dot(const NodeStatus& node) {
    std::string label = node.name + "\nheight " + std::to_string(node.height);
    if (node.type != NodeStatus::Type::rule) {
        label += ", version " + std::to_string(node.version);
    }
    if (node.type != NodeStatus::Type::bound) {
        label += '\n' + std::to_string(node.runs) + " runs, " + std::to_string(node.cut_offs) +
                 " cut off, last " + std::to_string(node.last_duration.count()) + " ns";
    }
    if (node.observers != 0) {
        label += '\n' + std::to_string(node.observers) + " observers";
    }
    if (!node.error.empty()) {
        label += "\nstale: " + node.error;
    }
    return label;
}

}  // namespace detail

ATTUNE_DECL std::string to_dot(const std::vector<NodeStatus>& graph) {
    std::string dot = "digraph attune {\n  node [fontname=\"sans-serif\"];\n";
    for (std::size_t i = 0; i != graph.size(); ++i) {
        const NodeStatus& node = graph[i];
        const char* const shape = node.type == NodeStatus::Type::bound  ? "box"
                                  : node.type == NodeStatus::Type::rule ? "diamond"
                                                                        : "ellipse";
        dot += "  n" + std::to_string(i) + " [shape=" + shape +
               ", label=" + detail::quoted_for_dot(detail::label_for_dot(node)) +
               (node.error.empty() ? "" : ", color=red") + "];\n";
    }
    for (std::size_t i = 0; i != graph.size(); ++i) {
        for (const std::size_t input : graph[i].inputs) {
            dot += "  n" + std::to_string(input) + " -> n" + std::to_string(i) + ";\n";
        }
    }
    return dot + "}\n";
}

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI {

/// What an observer of changes is told. `before` is what the same observer was told last (or found
/// when it subscribed), so that no step is missing between two calls, even where several versions
/// came together in one. Where every version is delivered by itself, it is the version before,
/// unless the observer's queue was full.
template <class T>
struct Change {
    std::shared_ptr<const T> before;
    std::shared_ptr<const T> after;
    Version version = 0;  ///< the version `after` belongs to
};

/// Which changes an observer is told of when versions come faster than it returns.
enum class Deliver : std::uint8_t {
    /// The newest one. A value that has meanwhile returned to what the observer saw last is no
    /// change to it.
    latest,
    /// Each one by itself, in order: for audit trails, counters, replication.
    every_version,
};

struct ObserveOptions {
    Deliver deliver = Deliver::latest;
    /// With Deliver::every_version: how many changes may wait, at least 1. When one more comes, the
    /// oldest that waits is dropped: the next one then tells of both, from the `before` of the
    /// first to the `after` of the second. Subscription::lag counts what was dropped, and
    /// Store::on_rejected is told once, until the observer has caught up.
    std::size_t queue = 1024;
    /// Who the observer is in reports and status; the name of what it observes when empty.
    std::string name = {};
};

namespace detail {

/// The name of an observer of what is known as `observed`.
ATTUNE_DECL ObserverName observer_name(std::string observed, const ObserveOptions& options);

/// An observer of one node.
class ValueDelivery : public Delivery {
public:
    ATTUNE_DECL ValueDelivery(std::shared_ptr<DeliveryHub> hub, Executor executor,
                              ObserverName name, Ref<const GraphNode> node,
                              const ObserveOptions& options);
    ATTUNE_DECL ~ValueDelivery() override;

    /// What the observer is taken to know already. Before the first offer.
    void begin_with(CellOwner seen) noexcept { seen_ = std::move(seen); }

    /// Under the commit mutex. True when dispatch is due; see offer.
    ATTUNE_DECL bool offer_value(Version version, const CellOwner& value, DeliveryHub::Debt& debt);
    /// The same for a single observer, to be followed by deliver_first.
    ATTUNE_DECL bool offer_first(Version version, CellOwner value);

protected:
    /// The user's code. `before` is empty for the first value that is applied, and may be moved
    /// from; `after` must be in its place when this returns.
    virtual void tell(CellOwner& before, CellOwner& after, Version version) = 0;
    ATTUNE_DECL void drop() noexcept override;

private:
    struct Backlog;

    /// A value to be told of.
    struct Item {
        CellOwner value;
        Version version = 0;  ///< of the value
        Version since = 0;    ///< of the oldest value it stands for
    };

    ATTUNE_DECL bool take() override;
    ATTUNE_DECL std::optional<Version> waiting() const noexcept override;
    ATTUNE_DECL Lag count_waiting() const noexcept override;
    ATTUNE_DECL void call() override;
    /// Gives what had to go, to be destroyed without the lock.
    Item add_to_backlog(Item item, bool& fell_behind);

    Ref<const GraphNode> node_;  // an observed value is computed, whether or not a handle is left
    CellOwner seen_;             // by the observer
    Item taken_;                 // from take to call
    Item next_;                  // Deliver::latest
    const std::unique_ptr<Backlog> backlog_;  // Deliver::every_version
};

/// Calls an F with the value, when it applies values, or with the Change.
template <class T, class F, bool Apply>
class ChangeObserver final : public ValueDelivery {
public:
    template <class G>
    ChangeObserver(std::shared_ptr<DeliveryHub> hub, Executor executor, ObserverName name,
                   Ref<const GraphNode> node, const ObserveOptions& options, G&& callback)
        : ValueDelivery(std::move(hub), std::move(executor), std::move(name), std::move(node),
                        options),
          callback_(std::in_place, std::forward<G>(callback)) {}

private:
    void tell([[maybe_unused]] CellOwner& before, CellOwner& after,
              [[maybe_unused]] Version version) override {
        if constexpr (Apply) {
            (*callback_)(static_cast<const ValueCell<T>*>(after.get())->value);
        } else {
            // Moved there and back: most callbacks keep neither value, and none must be counted.
            struct Loan {
                ~Loan() { after = CellOwner{std::move(change.after), cell}; }
                CellOwner& after;
                const CellBase* const cell;
                attune::Change<T> change;
            } loan{after,
                   after.get(),
                   {pin_value<T>(std::move(before)), pin_value<T>(std::move(after)), version}};
            (*callback_)(std::as_const(loan.change));
        }
    }
    void drop() noexcept override {
        callback_.reset();
        ValueDelivery::drop();
    }

    std::optional<F> callback_;
};

/// An observer of rejections: gets each of them, in order.
class RejectionObserver final : public Delivery {
public:
    RejectionObserver(std::shared_ptr<DeliveryHub> hub, Executor executor,
                      std::function<void(const Rejection&)> callback)
        : Delivery(std::move(hub), std::move(executor),
                   {"on_rejected", ObserverName::Kind::rejections}),
          callback_(std::move(callback)) {}

    bool offer_rejection(Version version, std::shared_ptr<const Rejection> rejection) {
        return offer(version, [&] { queue_.emplace_back(version, std::move(rejection)); });
    }

private:
    bool take() override {
        if (queue_.empty()) {
            return false;
        }
        current_ = std::move(queue_.front().second);
        queue_.pop_front();
        return true;
    }
    std::optional<Version> waiting() const noexcept override {
        return queue_.empty() ? std::nullopt : std::optional{queue_.front().first};
    }
    Lag count_waiting() const noexcept override { return {.waiting = queue_.size()}; }
    void call() override { callback_(*std::exchange(current_, nullptr)); }
    void drop() noexcept override {
        queue_.clear();
        callback_ = nullptr;
    }

    std::function<void(const Rejection&)> callback_;
    std::deque<std::pair<Version, std::shared_ptr<const Rejection>>> queue_;
    std::shared_ptr<const Rejection> current_;
};

}  // namespace detail

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL ObserverName observer_name(std::string observed, const ObserveOptions& options) {
    if (options.name.empty()) {
        return {std::move(observed), ObserverName::Kind::observed};
    }
    return {options.name, ObserverName::Kind::given};
}

/// What waits where every version is delivered. Under the delivery's lock.
struct ValueDelivery::Backlog {
    explicit Backlog(std::size_t size) : capacity(std::max<std::size_t>(size, 1)) {}

    const std::size_t capacity;
    std::deque<Item> items;  // oldest first
    std::uint64_t dropped = 0;
    bool behind = false;  // something was dropped since the queue was last empty
};

ATTUNE_DECL ValueDelivery::ValueDelivery(std::shared_ptr<DeliveryHub> hub, Executor executor,
                                         ObserverName name, Ref<const GraphNode> node,
                                         const ObserveOptions& options)
    : Delivery(std::move(hub), std::move(executor), std::move(name)),
      node_(std::move(node)),
      backlog_(options.deliver == Deliver::every_version ? std::make_unique<Backlog>(options.queue)
                                                         : nullptr) {}

ATTUNE_DECL ValueDelivery::~ValueDelivery() = default;

ATTUNE_DECL bool ValueDelivery::offer_value(Version version, const CellOwner& value,
                                            DeliveryHub::Debt& debt) {
    Item replaced;  // destroyed without the lock
    if (backlog_ != nullptr) {
        bool fell_behind = false;
        const bool due = offer(debt, [&] {
            replaced = add_to_backlog({value, version, version}, fell_behind);
        });
        if (fell_behind) {
            hub().notice(name(), "is behind by " + std::to_string(backlog_->capacity) +
                                     " changes, all that ObserveOptions::queue lets wait; until "
                                     "it has caught up, the oldest are merged into the next. Make "
                                     "it faster, give it an executor of its own or a longer "
                                     "queue, or let it have the latest value only");
        }
        return due;
    }
    return offer(debt, [&] {
        const Version since = next_.value ? next_.since : version;
        replaced = std::exchange(next_, {value, version, since});
    });
}

ATTUNE_DECL bool ValueDelivery::offer_first(Version version, CellOwner value) {
    DeliveryHub::Debt& debt = hub().open(version);
    const bool due = offer_value(version, value, debt);
    if (!due) {
        hub().close(debt);
    }
    return due;
}

ATTUNE_DECL ValueDelivery::Item ValueDelivery::add_to_backlog(Item item, bool& fell_behind) {
    Backlog& backlog = *backlog_;
    Item dropped;
    if (backlog.items.size() == backlog.capacity) {
        dropped = std::move(backlog.items.front());
        backlog.items.pop_front();
        (backlog.items.empty() ? item : backlog.items.front()).since = dropped.since;
        ++backlog.dropped;
        hub().count_dropped();
        fell_behind = !std::exchange(backlog.behind, true);
    }
    backlog.items.push_back(std::move(item));
    return dropped;
}

ATTUNE_DECL bool ValueDelivery::take() {
    if (backlog_ == nullptr) {
        taken_ = std::exchange(next_, {});
        return static_cast<bool>(taken_.value);
    }
    if (backlog_->items.empty()) {
        return false;
    }
    taken_ = std::move(backlog_->items.front());
    backlog_->items.pop_front();
    backlog_->behind = backlog_->behind && !backlog_->items.empty();
    return true;
}

ATTUNE_DECL void ValueDelivery::call() {
    Item item = std::exchange(taken_, {});
    // Compared here and not in take: two values of a user's type are compared by the user's code.
    if (backlog_ == nullptr && seen_ && node_->kind.equal(*seen_.get(), *item.value.get())) {
        return;
    }
    std::swap(seen_, item.value);
    tell(item.value, seen_, item.version);
}

ATTUNE_DECL std::optional<Version> ValueDelivery::waiting() const noexcept {
    if (backlog_ != nullptr) {
        return backlog_->items.empty() ? std::nullopt
                                       : std::optional{backlog_->items.front().since};
    }
    return next_.value ? std::optional{next_.since} : std::nullopt;
}

ATTUNE_DECL Lag ValueDelivery::count_waiting() const noexcept {
    if (backlog_ != nullptr) {
        return {.waiting = backlog_->items.size(), .dropped = backlog_->dropped};
    }
    return {.waiting = next_.value ? 1U : 0U};
}

ATTUNE_DECL void ValueDelivery::drop() noexcept {
    if (backlog_ != nullptr) {
        backlog_->items.clear();
    }
    seen_ = {};
    taken_ = {};
    next_ = {};
    node_ = {};
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI {

/// How a store writes its journal.
struct JournalOptions {
    /// A commit returns when its version would survive a loss of power: one flush each, 0.1 ms or
    /// more. Otherwise it survives the end of the process, also by SIGKILL, but a loss of power
    /// takes what the kernel has not written yet, mostly the last seconds.
    bool sync = true;
    /// Versions that compaction leaves, besides those that Store::keep marks; at least 1.
    std::size_t keep = 1000;
    /// Size from which a segment file may be closed and the one before it removed, which also needs
    /// `keep` versions in it, and more bytes of changes than of the document it begins with. With
    /// `sync`, a sixteenth of it is set aside at a time. At least 4 KiB.
    std::size_t segment_bytes = std::size_t{16} << 20;
    /// Signs every record: a private Ed25519 key as PEM (PKCS #8, no password), or its 32 bytes.
    /// Empty: no signatures.
    std::string signing_key = {};
    /// Refuses a journal with a record that this public Ed25519 key (PEM, or 32 bytes) has not
    /// signed. Checking takes 0.1 ms per record. Empty: signatures are not looked at.
    std::string public_key = {};
};

namespace journal {

struct VerifyOptions {
    /// As JournalOptions::public_key.
    std::string public_key = {};
    /// The last record's hash, 64 hexadecimal digits, as an earlier report has it and somebody has
    /// kept elsewhere. Finds what nothing inside a journal can show: that its end is missing.
    std::string expected_head = {};
};

}  // namespace journal

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI {

/// What went wrong with a journal.
enum class JournalFault : std::uint8_t {
    damaged,  ///< the files are not what was written; journal::recover is the way out
    locked,   ///< another store has the journal
    full,     ///< no room: as before, and the next attempt may succeed
    disk,     ///< the system said something else
    key,      ///< a key that is none, or not the one that has signed
};

/// A journal cannot be read or written. The message says where, why, and what to do about it.
class JournalError : public std::runtime_error {
public:
    ATTUNE_DECL JournalError(JournalFault fault, std::string file, std::uint64_t offset,
                             const std::string& message);

    JournalFault fault() const noexcept { return fault_; }
    /// The file, or the directory where it is about all of them.
    const std::string& file() const noexcept { return file_; }
    /// Of damage: where in the file, in bytes; zero otherwise.
    std::uint64_t offset() const noexcept { return offset_; }

private:
    JournalFault fault_;
    std::string file_;
    std::uint64_t offset_;
};

namespace journal {

/// A place where a journal is not what was written.
struct Damage {
    std::string file;
    std::uint64_t offset = 0;
    std::string what;

    friend bool operator==(const Damage&, const Damage&) = default;
};

struct Report {
    std::uint64_t records = 0;  ///< all that are intact, marks included
    std::size_t versions = 0;
    Version first = 0;  ///< the oldest version; zero when there is none
    Version last = 0;
    std::string head;  ///< SHA-256 of the last record, in hexadecimal; empty when there is none
    /// Bytes after the last record that a write has left which never ended. They were never
    /// acknowledged (with `sync`), and the next store that opens the journal cuts them off.
    std::uint64_t unfinished = 0;
    std::optional<Damage> damage;  ///< the first; what comes after it is not counted above

    explicit operator bool() const noexcept { return !damage; }
};

}  // namespace journal

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI {

ATTUNE_DECL JournalError::JournalError(JournalFault fault, std::string file, std::uint64_t offset,
                                       const std::string& message)
    : std::runtime_error("journal " + file +
                         (fault == JournalFault::damaged ? ", byte " + std::to_string(offset)
                                                         : std::string()) +
                         ": " + message),
      fault_(fault),
      file_(std::move(file)),
      offset_(offset) {}

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI {

/// One published version as it is kept outside of a running store: in a journal, in an export.
struct VersionRecord {
    Version version = 0;
    std::chrono::system_clock::time_point time{};
    std::string reason;  ///< as Snapshot::reason
    std::string layer;   ///< which layer brought the change; empty when none did
    bool kept = false;   ///< by Store::keep
    std::string note;    ///< what Store::keep was told
    Document document;   ///< the merged document of that version

    friend bool operator==(const VersionRecord&, const VersionRecord&) = default;
};

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI::detail {

/// Where a store puts its versions before anybody sees them. One store at a time; the store calls
/// it under its commit mutex, so calls never overlap.
class JournalSink {
public:
    JournalSink() = default;
    JournalSink(const JournalSink&) = delete;
    JournalSink& operator=(const JournalSink&) = delete;
    virtual ~JournalSink() = default;

    /// What was found at start.
    struct Restored {
        std::vector<VersionRecord> versions;  ///< oldest first; the last one is the newest there is
        Document own;                         ///< what the store itself had set, as of the last one
        std::size_t cut = 0;                  ///< bytes of an unfinished record, which were cut off
    };

    /// What is to be kept of a commit. References are valid during the call.
    struct Entry {
        Version version;  ///< larger than any before
        std::chrono::system_clock::time_point time;
        std::string_view reason;
        std::string_view layer;
        const Document& before;  ///< the merged document of the version before, and of this one
        const Document& after;
        const Document& own_before;  ///< what the store itself has set, likewise
        const Document& own_after;
        const Path* within = nullptr;  ///< where before and after differ, when that is known
    };

    /// The newest `most` versions, and all that are kept. Called once, first.
    virtual Restored restore(std::size_t most) = 0;

    /// Keeps the version for good, then returns. Throws JournalError when that is impossible; the
    /// journal is then as it was, and the next call may succeed.
    virtual void append(const Entry& entry) = 0;

    /// Marks a version that compaction must not drop, or takes the mark back. Throws JournalError.
    virtual void keep(Version version, std::string_view note) = 0;
    virtual void forget(Version version) = 0;
};

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI {

/// Where a store keeps its versions: a directory of its own, which is created when it is missing.
/// Empty by default: nowhere.
///
/// The files hold all values as they are, secrets too, and only their owner may read them (mode
/// 0600, in a directory of mode 0700). One store at a time has a journal. docs/journal.md has the
/// format and the guarantees.
class Journal {
public:
    Journal() noexcept = default;
    Journal(const char* directory) : Journal(std::filesystem::path(directory)) {}
    Journal(const std::string& directory) : Journal(std::filesystem::path(directory)) {}
    Journal(const std::filesystem::path& directory) : Journal(directory, {}) {}
    Journal(const std::filesystem::path& directory, JournalOptions options)
        : directory_(directory), options_(std::move(options)), open_(&Journal::open_files) {}

    explicit operator bool() const noexcept { return open_ != nullptr; }
    const std::filesystem::path& directory() const noexcept { return directory_; }
    const JournalOptions& options() const noexcept { return options_; }

    /// Takes the journal for one store, until the sink is destroyed. It must not be empty; without
    /// `sync` nothing is flushed, whatever the options say. Throws JournalError: locked, disk, key.
    std::unique_ptr<detail::JournalSink> open(bool sync = true) const {
        Journal how = *this;
        how.options_.sync = how.options_.sync && sync;
        return open_(how);
    }

private:
    // Reached through a pointer that only a journal with a directory has: a program without one
    // contains none of what is behind it.
    using Open = std::unique_ptr<detail::JournalSink>(const Journal&);

    ATTUNE_DECL static std::unique_ptr<detail::JournalSink> open_files(const Journal& journal);

    std::filesystem::path directory_;
    JournalOptions options_;
    Open* open_ = nullptr;
};

}  // namespace attune::inline ATTUNE_ABI

/// What can be done with a journal without a store.
namespace attune::inline ATTUNE_ABI::journal {

/// Reads all of a journal and checks everything in it: checksums, the chain of hashes, signatures.
/// Changes nothing and takes no lock; beside a running store it may find that store's last record
/// unfinished. Damage is reported, not thrown; throws JournalError when files cannot be read, or
/// the key is none.
ATTUNE_DECL Report verify(const std::filesystem::path& directory,
                          const VerifyOptions& options = {});

struct Recovery {
    Report report;             ///< of the journal as it is now
    std::size_t versions = 0;  ///< how many could be kept
    /// Versions that are gone, as far as their headers can be read; nothing when all were kept.
    Version lost_first = 0;
    Version lost_last = 0;
    std::size_t lost = 0;
    std::vector<std::string> moved;  ///< where the old files are now; empty when nothing was wrong
};

/// The way out of damage: writes every version that is proved intact into a new file, which takes
/// the place of the old ones, and moves those into a directory `damaged-1` (or the next number)
/// inside the journal. Removes nothing. What lies before the damage is kept, and what comes after
/// it as far as it stands on its own: a later file begins with a whole document.
///
/// The chain of hashes goes on from the last intact record before the damage. Records are written
/// again, hence the options, for their `signing_key`. A journal without damage is left as it is.
/// Throws JournalError when another store has the journal or the disk fails; then nothing changed.
ATTUNE_DECL Recovery recover(const std::filesystem::path& directory,
                             const JournalOptions& options = {});

/// All versions in a journal, oldest first. Takes no lock. Throws JournalError.
ATTUNE_DECL std::vector<VersionRecord> read(const std::filesystem::path& directory);

/// Leaves the newest `keep` versions, at least one, and those that are marked. Stores do this as
/// they go; this is for a journal that no store has open. Throws JournalError.
ATTUNE_DECL void compact(const std::filesystem::path& directory, std::size_t keep,
                         const JournalOptions& options = {});

/// Writes one file per version, `000000000012.json`, into a folder that is created when it is
/// missing: an indented JSON object with the members `version`, `time` (RFC 3339, UTC), `reason`,
/// `layer`, `kept` and `note` where there is one, and `document`. Made for git: equal versions give
/// equal files, and lines differ where values do. Other files are left alone.
///
/// Writes what it is given: mask secrets before. Throws JournalError.
ATTUNE_DECL void export_folder(std::span<const VersionRecord> records,
                               const std::filesystem::path& folder);

/// Makes a new journal of a folder that export_folder has written; values without a type have
/// become strings. Throws JournalError, also when there is a journal in the directory already, and
/// ParseError or JournalError (damaged) for a file that is not as described above.
ATTUNE_DECL void import_folder(const std::filesystem::path& folder,
                               const std::filesystem::path& directory,
                               const JournalOptions& options = {});

/// Writes a stream for `git fast-import`: on branch `main` one commit per version, of a
/// `config.json`, made at the version's time by `attune <attune@localhost>`; its message is the
/// reason, followed by the trailers `Version:`, and where there is one `Layer:` and `Kept:`. After
/// `git init; git fast-import < stream`, `git log -p main` shows the history.
///
/// Writes what it is given: mask secrets before. Errors: the stream's state.
ATTUNE_DECL void export_git(std::span<const VersionRecord> records, std::ostream& out);

}  // namespace attune::inline ATTUNE_ABI::journal

namespace attune::inline ATTUNE_ABI::detail {

/// An open file. Everything that fails throws std::system_error that names the file and what was
/// tried. One thread at a time.
class DiskFile {
public:
    DiskFile() = default;
    DiskFile(const DiskFile&) = delete;
    DiskFile& operator=(const DiskFile&) = delete;
    virtual ~DiskFile() = default;

    virtual std::uint64_t size() = 0;

    /// Fewer than `count` bytes only where the file ends.
    virtual std::size_t read(void* to, std::size_t count, std::uint64_t offset) = 0;

    /// All of it, or an exception; then any part of it may have been written.
    virtual void write(std::string_view bytes, std::uint64_t offset) = 0;

    /// Returns when what has been written would survive a loss of power. After a failure the kernel
    /// may take pages for written that are not: trying again proves nothing.
    virtual void sync() = 0;

    /// Has that part written soon, without waiting for it, so that the next `sync` has less to do.
    /// Promises nothing.
    virtual void start_sync(std::uint64_t from, std::uint64_t to) noexcept = 0;

    /// Cuts the file, or lengthens it by zeros that may take no room yet.
    virtual void resize(std::uint64_t size) = 0;

    /// Lengthens the file by zeros that have their room, so that writing there changes no metadata:
    /// a flush then costs one write of the data and no more.
    virtual void reserve(std::uint64_t from, std::uint64_t to) = 0;
};

enum class DiskOpen : std::uint8_t {
    read,
    write,   ///< one that exists
    create,  ///< one that does not
};

/// Held until it is destroyed, or the process ends in whatever way.
class DiskLock {
public:
    DiskLock() = default;
    DiskLock(const DiskLock&) = delete;
    DiskLock& operator=(const DiskLock&) = delete;
    virtual ~DiskLock() = default;
};

/// What is asked of a file system by those who must not lose anything; tests have one that fails.
/// Errors are std::system_error that names the path and what was tried. Any thread.
class Disk {
public:
    Disk() = default;
    Disk(const Disk&) = delete;
    Disk& operator=(const Disk&) = delete;
    virtual ~Disk() = default;

    /// `mode` is for a file that is created.
    virtual std::unique_ptr<DiskFile> open(const std::string& path, DiskOpen how,
                                           unsigned mode = 0600) = 0;

    /// The directory and those above it that are missing.
    virtual void make_directory(const std::string& path, unsigned mode) = 0;

    virtual bool exists(const std::string& path) = 0;

    /// The names in a directory, in order, without `.` and `..`.
    virtual std::vector<std::string> list(const std::string& directory) = 0;

    /// Replaces what has the new name, in one step.
    virtual void rename(const std::string& from, const std::string& to) = 0;

    virtual void remove(const std::string& path) = 0;

    /// Returns when the names in the directory would survive a loss of power.
    virtual void sync_directory(const std::string& directory) = 0;

    /// An exclusive lock on a file, which is created where it is missing; null when somebody has
    /// the lock, in this process or another one.
    virtual std::unique_ptr<DiskLock> lock(const std::string& path) = 0;
};

/// The one that the kernel has.
ATTUNE_DECL std::shared_ptr<Disk> posix_disk();

/// The directory that a path is in; `.` for a name alone.
ATTUNE_DECL std::string directory_of(const std::string& path);

/// Errors: std::system_error.
ATTUNE_DECL std::string read_file(Disk& disk, const std::string& path);

/// Creates or replaces a file so that, whatever happens, either the old or the new content is there
/// as a whole, and the new one once this has returned: temporary file in the same directory, flush,
/// rename, flush of the directory. The file has its mode before it has content. On failure the
/// temporary file is removed, and std::system_error is thrown.
ATTUNE_DECL void write_file_durably(Disk& disk, const std::string& path, std::string_view bytes,
                                    unsigned mode = 0600);

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

[[noreturn]] ATTUNE_DECL void refuse_disk(int error, const char* what, const std::string& path) {
    throw std::system_error(error, std::generic_category(), std::string(what) + ' ' + path);
}

class PosixFile final : public DiskFile, public DiskLock {
public:
    PosixFile(int fd, std::string path) noexcept : fd_(fd), path_(std::move(path)) {}
    ~PosixFile() override { ::close(fd_); }

    std::uint64_t size() override {
        struct stat status;
        if (::fstat(fd_, &status) != 0) {
            refuse_disk(errno, "cannot look at", path_);
        }
        return static_cast<std::uint64_t>(status.st_size);
    }

    std::size_t read(void* to, std::size_t count, std::uint64_t offset) override {
        auto* const bytes = static_cast<char*>(to);
        std::size_t done = 0;
        while (done != count) {
            const ssize_t got =
                ::pread(fd_, bytes + done, count - done, static_cast<off_t>(offset + done));
            if (got < 0 && errno == EINTR) {
                continue;
            }
            if (got < 0) {
                refuse_disk(errno, "cannot read", path_);
            }
            if (got == 0) {
                break;
            }
            done += static_cast<std::size_t>(got);
        }
        return done;
    }

    void write(std::string_view bytes, std::uint64_t offset) override {
        while (!bytes.empty()) {
            const ssize_t put =
                ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
            if (put < 0 && errno == EINTR) {
                continue;
            }
            if (put <= 0) {
                refuse_disk(put < 0 ? errno : EIO, "cannot write", path_);
            }
            bytes.remove_prefix(static_cast<std::size_t>(put));
            offset += static_cast<std::uint64_t>(put);
        }
    }

    void sync() override {
        // Not even after EINTR is it known what has been written.
        if (::fdatasync(fd_) != 0) {
            refuse_disk(errno, "cannot flush", path_);
        }
    }

    void start_sync(std::uint64_t from, std::uint64_t to) noexcept override {
#if defined(SYNC_FILE_RANGE_WRITE)
        (void)::sync_file_range(fd_, static_cast<off64_t>(from), static_cast<off64_t>(to - from),
                                SYNC_FILE_RANGE_WRITE);
#else
        (void)from;
        (void)to;
#endif
    }

    void resize(std::uint64_t size) override {
        while (::ftruncate(fd_, static_cast<off_t>(size)) != 0) {
            if (errno != EINTR) {
                refuse_disk(errno, "cannot resize", path_);
            }
        }
    }

    void reserve(std::uint64_t from, std::uint64_t to) override {
        // fallocate alone would leave extents that are marked as unwritten, and each first write
        // to one of those changes metadata.
        static constexpr std::array<char, 65536> zeros{};
        while (from < to) {
            const std::uint64_t step = std::min<std::uint64_t>(zeros.size(), to - from);
            write({zeros.data(), static_cast<std::size_t>(step)}, from);
            from += step;
        }
    }

private:
    const int fd_;
    const std::string path_;
};

class PosixDisk final : public Disk {
public:
    std::unique_ptr<DiskFile> open(const std::string& path, DiskOpen how, unsigned mode) override {
        const int flags = how == DiskOpen::read    ? O_RDONLY
                          : how == DiskOpen::write ? O_RDWR
                                                   : O_RDWR | O_CREAT | O_EXCL;
        const char* const what = how == DiskOpen::create ? "cannot create" : "cannot open";
        return open_as(path, flags, mode, what);
    }

    void make_directory(const std::string& path, unsigned mode) override {
        if (::mkdir(path.c_str(), static_cast<mode_t>(mode)) == 0) {
            return;
        }
        int error = errno;
        if (error == ENOENT && directory_of(path) != path) {
            make_directory(directory_of(path), mode);
            error = ::mkdir(path.c_str(), static_cast<mode_t>(mode)) == 0 ? 0 : errno;
        }
        struct stat status;
        if (error == EEXIST && ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) {
            return;
        }
        if (error != 0) {
            refuse_disk(error, "cannot create", path);
        }
    }

    bool exists(const std::string& path) override {
        struct stat status;
        if (::lstat(path.c_str(), &status) == 0) {
            return true;
        }
        if (errno != ENOENT && errno != ENOTDIR) {
            refuse_disk(errno, "cannot look at", path);
        }
        return false;
    }

    std::vector<std::string> list(const std::string& directory) override {
        const std::unique_ptr<DIR, int (*)(DIR*)> opened(::opendir(directory.c_str()), &::closedir);
        if (opened == nullptr) {
            refuse_disk(errno, "cannot list", directory);
        }
        std::vector<std::string> names;
        errno = 0;
        while (const dirent* const entry = ::readdir(opened.get())) {
            std::string name = entry->d_name;
            if (name != "." && name != "..") {
                names.push_back(std::move(name));
            }
            errno = 0;
        }
        if (errno != 0) {
            refuse_disk(errno, "cannot list", directory);
        }
        std::sort(names.begin(), names.end());
        return names;
    }

    void rename(const std::string& from, const std::string& to) override {
        if (::rename(from.c_str(), to.c_str()) != 0) {
            refuse_disk(errno, "cannot rename", from + " to " + to);
        }
    }

    void remove(const std::string& path) override {
        if (::unlink(path.c_str()) != 0) {
            refuse_disk(errno, "cannot remove", path);
        }
    }

    void sync_directory(const std::string& directory) override {
        const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0) {
            refuse_disk(errno, "cannot open", directory);
        }
        const int error = ::fsync(fd) == 0 ? 0 : errno;
        ::close(fd);
        // Some file systems cannot, and need not.
        if (error != 0 && error != EINVAL) {
            refuse_disk(error, "cannot flush", directory);
        }
    }

    std::unique_ptr<DiskLock> lock(const std::string& path) override {
        const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0) {
            refuse_disk(errno, "cannot open", path);
        }
        auto held = std::make_unique<PosixFile>(fd, path);
        while (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
            if (errno == EWOULDBLOCK) {
                return nullptr;
            }
            if (errno != EINTR) {
                refuse_disk(errno, "cannot lock", path);
            }
        }
        return held;
    }

private:
    static std::unique_ptr<PosixFile> open_as(const std::string& path, int flags, unsigned mode,
                                              const char* what) {
        const int fd = ::open(path.c_str(), flags | O_CLOEXEC, static_cast<mode_t>(mode));
        if (fd < 0) {
            refuse_disk(errno, what, path);
        }
        return std::make_unique<PosixFile>(fd, path);
    }
};

ATTUNE_DECL std::shared_ptr<Disk> posix_disk() { return std::make_shared<PosixDisk>(); }

ATTUNE_DECL std::string directory_of(const std::string& path) {
    const std::size_t last = path.find_last_not_of('/');
    const std::size_t slash = last == std::string::npos ? last : path.rfind('/', last);
    if (slash == std::string::npos) {
        return path.starts_with('/') ? "/" : ".";
    }
    const std::size_t end = path.find_last_not_of('/', slash);
    return end == std::string::npos ? "/" : path.substr(0, end + 1);
}

ATTUNE_DECL std::string read_file(Disk& disk, const std::string& path) {
    const auto file = disk.open(path, DiskOpen::read);
    std::string bytes(static_cast<std::size_t>(file->size()), '\0');
    bytes.resize(file->read(bytes.data(), bytes.size(), 0));
    return bytes;
}

ATTUNE_DECL void write_file_durably(Disk& disk, const std::string& path, std::string_view bytes,
                                    unsigned mode) {
    // A name nobody else has: what another process is writing must not be taken from it.
    std::string beside;
    std::unique_ptr<DiskFile> file;
    for (int number = 0; file == nullptr; ++number) {
        beside = path + '.' + std::to_string(::getpid()) + '-' + std::to_string(number) + ".tmp";
        try {
            file = disk.open(beside, DiskOpen::create, mode);
        } catch (const std::system_error& error) {
            if (error.code() != std::errc::file_exists || number == 1000) {
                throw;
            }
        }
    }
    try {
        file->write(bytes, 0);
        file->sync();
        file.reset();
        disk.rename(beside, path);
    } catch (...) {
        const auto failure = std::current_exception();
        try {
            disk.remove(beside);
        } catch (const std::system_error&) {
            // It was the disk that failed: the first error says more.
        }
        std::rethrow_exception(failure);
    }
    disk.sync_directory(directory_of(path));
}

}  // namespace attune::inline ATTUNE_ABI::detail

// OpenSSL's names for what it calls EVP_MD, EVP_MD_CTX and EVP_PKEY.
struct evp_md_st;
struct evp_md_ctx_st;
struct evp_pkey_st;

namespace attune::inline ATTUNE_ABI::detail {

using Hash = std::array<unsigned char, 32>;
using Signature = std::array<unsigned char, 64>;

struct DigestFree {
    ATTUNE_DECL void operator()(evp_md_st* owned) const noexcept;
    ATTUNE_DECL void operator()(evp_md_ctx_st* owned) const noexcept;
    ATTUNE_DECL void operator()(evp_pkey_st* owned) const noexcept;
};

/// SHA-256 (FIPS 180-4) by OpenSSL. What takes longer than a short message, finding the algorithm
/// and making room for it, is done once per object. One thread at a time.
class Sha256 {
public:
    ATTUNE_DECL Sha256();
    ATTUNE_DECL Hash of(std::string_view bytes);

private:
    std::unique_ptr<evp_md_st, DigestFree> algorithm_;
    std::unique_ptr<evp_md_ctx_st, DigestFree> context_;
};

/// An Ed25519 key (RFC 8032) that signs or verifies hashes. Throws std::invalid_argument, which
/// does not repeat the key, for text that is none.
class Ed25519Key {
public:
    /// PEM (PKCS #8), or the 32 bytes themselves.
    ATTUNE_DECL static Ed25519Key private_key(std::string_view text);
    /// PEM (SubjectPublicKeyInfo), or the 32 bytes themselves.
    ATTUNE_DECL static Ed25519Key public_key(std::string_view text);

    ATTUNE_DECL Signature sign(const Hash& hash) const;
    ATTUNE_DECL bool verify(const Hash& hash, const Signature& signature) const;

private:
    explicit Ed25519Key(evp_pkey_st* owned) : key_(owned) {}

    std::unique_ptr<evp_pkey_st, DigestFree> key_;
};

/// 64 lower-case hexadecimal digits.
ATTUNE_DECL std::string to_hex(const Hash& hash);

/// Bytes that nobody can guess or meet twice.
ATTUNE_DECL std::array<unsigned char, 16> random_id();

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL void DigestFree::operator()(evp_md_st* owned) const noexcept { EVP_MD_free(owned); }
ATTUNE_DECL void DigestFree::operator()(evp_md_ctx_st* owned) const noexcept {
    EVP_MD_CTX_free(owned);
}
ATTUNE_DECL void DigestFree::operator()(evp_pkey_st* owned) const noexcept { EVP_PKEY_free(owned); }

ATTUNE_DECL Sha256::Sha256()
    : algorithm_(EVP_MD_fetch(nullptr, "SHA256", nullptr)), context_(EVP_MD_CTX_new()) {
    if (algorithm_ == nullptr || context_ == nullptr) {
        throw std::runtime_error("OpenSSL has no SHA-256: is its default provider loaded?");
    }
}

ATTUNE_DECL Hash Sha256::of(std::string_view bytes) {
    Hash hash;
    if (EVP_DigestInit_ex(context_.get(), algorithm_.get(), nullptr) != 1 ||
        EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) != 1 ||
        EVP_DigestFinal_ex(context_.get(), hash.data(), nullptr) != 1) {
        throw std::bad_alloc();
    }
    return hash;
}

ATTUNE_DECL Ed25519Key Ed25519Key::private_key(std::string_view text) {
    const auto* const raw = reinterpret_cast<const unsigned char*>(text.data());
    EVP_PKEY* key = nullptr;
    if (text.size() == 32) {
        key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, raw, text.size());
    } else if (BIO* const source = BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))) {
        // No password: asking for one would take over the terminal.
        char none[] = "";
        key = PEM_read_bio_PrivateKey(source, nullptr, nullptr, none);
        BIO_free(source);
    }
    Ed25519Key made(key);
    if (key == nullptr || EVP_PKEY_is_a(key, "ED25519") != 1) {
        throw std::invalid_argument(
            "expected a private Ed25519 key: 32 bytes, or PEM without a password as "
            "`openssl genpkey -algorithm ed25519` writes it");
    }
    return made;
}

ATTUNE_DECL Ed25519Key Ed25519Key::public_key(std::string_view text) {
    const auto* const raw = reinterpret_cast<const unsigned char*>(text.data());
    EVP_PKEY* key = nullptr;
    if (text.size() == 32) {
        key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, raw, text.size());
    } else if (BIO* const source = BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))) {
        key = PEM_read_bio_PUBKEY(source, nullptr, nullptr, nullptr);
        BIO_free(source);
    }
    Ed25519Key made(key);
    if (key == nullptr || EVP_PKEY_is_a(key, "ED25519") != 1) {
        throw std::invalid_argument(
            "expected a public Ed25519 key: 32 bytes, or PEM as "
            "`openssl pkey -pubout` writes it");
    }
    return made;
}

ATTUNE_DECL Signature Ed25519Key::sign(const Hash& hash) const {
    const std::unique_ptr<EVP_MD_CTX, DigestFree> context(EVP_MD_CTX_new());
    Signature signature;
    std::size_t size = signature.size();
    if (context == nullptr ||
        EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get()) != 1 ||
        EVP_DigestSign(context.get(), signature.data(), &size, hash.data(), hash.size()) != 1) {
        throw std::bad_alloc();
    }
    return signature;
}

ATTUNE_DECL bool Ed25519Key::verify(const Hash& hash, const Signature& signature) const {
    const std::unique_ptr<EVP_MD_CTX, DigestFree> context(EVP_MD_CTX_new());
    return context != nullptr &&
           EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key_.get()) == 1 &&
           EVP_DigestVerify(context.get(), signature.data(), signature.size(), hash.data(),
                            hash.size()) == 1;
}

ATTUNE_DECL std::string to_hex(const Hash& hash) {
    std::string text;
    for (const unsigned char byte : hash) {
        text += "0123456789abcdef"[byte >> 4];
        text += "0123456789abcdef"[byte & 0xF];
    }
    return text;
}

ATTUNE_DECL std::array<unsigned char, 16> random_id() {
    std::array<unsigned char, 16> id;
    if (RAND_bytes(id.data(), static_cast<int>(id.size())) != 1) {
        throw std::runtime_error("OpenSSL has no random numbers to give");
    }
    return id;
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

/// Writes JSON Patches (RFC 6902) that give back exactly the document they were made from. What
/// JSON has no text for is said in a further member of the operation, which other readers ignore:
/// `"as"` maps JSON Pointers into the value to `text` (a value without a type), `nan`, `inf` or
/// `-inf`. Bytes in strings that are not UTF-8 become U+FFFD.
///
/// Keeps its buffers, so that a change of one value needs no memory. One thread at a time.
class ExactPatch {
public:
    /// Appends a patch that makes `after` of `before` to `out`: `[]` when they are equal. `within`,
    /// when given, says that they differ there, below or above, and nowhere else. O(change * log n)
    /// where they share what is equal.
    ATTUNE_DECL void write(const Document& before, const Document& after, const Path* within,
                           std::string& out);

private:
    ATTUNE_DECL void enter(std::string_view token);
    ATTUNE_DECL void several(const Document& before, const Document& after, std::string& out);
    ATTUNE_DECL void operation(std::string_view name, std::string_view pointer,
                               const Document* value, std::string& out);

    std::string pointer_;
};

/// `target` after a patch that ExactPatch has written, or any other. Throws PatchError.
ATTUNE_DECL Document apply_exact(const Document& target, const Document& patch);

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL void append_token(std::string_view token, std::string& pointer) {
    pointer += '/';
    for (const char c : token) {
        if (c == '~') {
            pointer += "~0";
        } else if (c == '/') {
            pointer += "~1";
        } else {
            pointer += c;
        }
    }
}

// What the JSON text of a scalar would not say; empty when it says all.
ATTUNE_DECL std::string_view beyond_json(const Document& scalar) noexcept {
    if (scalar.is_text()) {
        return "text";
    }
    if (scalar.is_real() && !std::isfinite(scalar.as_double())) {
        return std::isnan(scalar.as_double()) ? "nan" : scalar.as_double() > 0 ? "inf" : "-inf";
    }
    return {};
}

// The member "as" of an operation with that value, and the comma after it.
ATTUNE_DECL void write_beyond_json(const Document& value, std::string& out) {
    struct Open {
        Cursor next;
        bool object;
        std::size_t index;
    };
    std::vector<Open> open;
    bool any = false;
    const auto look_at = [&](const Document& found) {
        if (is_container(found)) {
            open.push_back({Cursor(found), found.is_object(), 0});
            return;
        }
        const std::string_view what = beyond_json(found);
        if (what.empty()) {
            return;
        }
        std::string pointer;
        for (const Open& level : open) {
            append_token(level.object ? std::string(level.next[0].as_string())
                                      : std::to_string(level.index),
                         pointer);
        }
        out += any ? "," : "\"as\":{";
        any = true;
        write_string(pointer, out);
        out += ":\"";
        out += what;
        out += '"';
    };
    const auto advance = [&] {
        open.back().next.advance();
        ++open.back().index;
    };
    look_at(value);
    while (!open.empty()) {
        if (open.back().next.done()) {
            open.pop_back();
            if (!open.empty()) {
                advance();
            }
            continue;
        }
        const std::size_t depth = open.size();
        look_at(open.back().next[open.back().object ? 1 : 0]);
        if (open.size() == depth) {
            advance();
        }
    }
    if (any) {
        out += "},";
    }
}

ATTUNE_DECL void ExactPatch::enter(std::string_view token) { append_token(token, pointer_); }

ATTUNE_DECL void ExactPatch::operation(std::string_view name, std::string_view pointer,
                                       const Document* value, std::string& out) {
    // The members come in key order, which is how the parser likes them best.
    out += '{';
    if (value != nullptr && (is_container(*value) || !beyond_json(*value).empty())) {
        write_beyond_json(*value, out);
    }
    out += "\"op\":\"";
    out += name;
    out += "\",\"path\":";
    write_string(pointer, out);
    if (value != nullptr) {
        out += ",\"value\":";
        if (is_container(*value)) {
            out += to_text(*value);
        } else {
            write_scalar(*value, out);
        }
    }
    out += '}';
}

ATTUNE_DECL void ExactPatch::several(const Document& before, const Document& after,
                                     std::string& out) {
    const Document operations = make_patch(before, after);
    const char* comma = "";
    for (const Document& made : operations.elements()) {
        out += comma;
        comma = ",";
        const std::string pointer = pointer_ + std::string(made.find("path")->as_string());
        operation(made.find("op")->as_string(), pointer, made.find("value"), out);
    }
}

ATTUNE_DECL void ExactPatch::write(const Document& before, const Document& after,
                                   const Path* within, std::string& out) {
    pointer_.clear();
    out += '[';
    const Document* old = &before;
    const Document* fresh = &after;
    if (within != nullptr) {
        for (const std::string& token : within->tokens()) {
            if (old == nullptr || fresh == nullptr || !old->is_object() || !fresh->is_object()) {
                break;
            }
            enter(token);
            old = old->find(token);
            fresh = fresh->find(token);
        }
    }
    // Down as long as there is one difference: mostly that leads to a value.
    while (old != nullptr && fresh != nullptr && !old->same(*fresh) && old->is_object() &&
           fresh->is_object()) {
        Differences differences(*old, *fresh);
        if (!differences.next()) {
            old = fresh;
            break;
        }
        const std::string_view key = differences.key();
        const Document* const old_below = differences.before();
        const Document* const fresh_below = differences.after();
        if (differences.next()) {
            break;
        }
        enter(key);
        old = old_below;
        fresh = fresh_below;
    }
    if (old == nullptr || fresh == nullptr) {
        if (old != fresh) {
            operation(fresh != nullptr ? "add" : "remove", pointer_, fresh, out);
        }
    } else if (is_container(*old) && old->kind() == fresh->kind()) {
        several(*old, *fresh, out);
    } else if (!(*old == *fresh)) {
        operation("replace", pointer_, fresh, out);
    }
    out += ']';
}

// The value of an operation, with what "as" says about it.
ATTUNE_DECL Document exact_value(const Document& value, const Document& as) {
    Document exact = value;
    for (const auto& [pointer, what] : as.members()) {
        const Path place(pointer);
        const Document* const found = exact.find(place);
        constexpr double infinity = std::numeric_limits<double>::infinity();
        if (found == nullptr || !what.is_string()) {
            continue;
        }
        if (what.as_string() == "text" && found->is_string()) {
            exact = exact.with(place, Document::text(std::string(found->as_string())));
        } else if (what.as_string() == "nan") {
            exact = exact.with(place, std::numeric_limits<double>::quiet_NaN());
        } else if (what.as_string() == "inf" || what.as_string() == "-inf") {
            exact = exact.with(place, what.as_string() == "inf" ? infinity : -infinity);
        }
    }
    return exact;
}

// The result of a patch of one operation that sets or removes one value, as most in a journal
// are, where nothing can be wrong with it; otherwise nothing, and the general way finds out.
ATTUNE_DECL std::optional<Document> apply_one_exact(const Document& target,
                                                    const Document& operation) {
    const Document* const name = operation.find("op");
    const Document* const pointer = operation.find("path");
    if (name == nullptr || pointer == nullptr || !name->is_string() || !pointer->is_string() ||
        !pointer->as_string().starts_with('/')) {
        return std::nullopt;
    }
    const Path path(pointer->as_string());
    const Document* parent = &target;
    for (std::size_t depth = 0; depth + 1 < path.size() && parent != nullptr; ++depth) {
        parent = parent->find(path.tokens()[depth]);
    }
    if (parent == nullptr || !parent->is_object()) {
        return std::nullopt;
    }
    const bool there = parent->find(path.back()) != nullptr;
    if (name->as_string() == "remove") {
        return there ? std::optional(target.without(path)) : std::nullopt;
    }
    const Document* const value = operation.find("value");
    if (value == nullptr ||
        !(name->as_string() == "add" || (there && name->as_string() == "replace"))) {
        return std::nullopt;
    }
    const Document* const as = operation.find("as");
    return target.with(path, as == nullptr ? *value : exact_value(*value, *as));
}

ATTUNE_DECL Document apply_exact(const Document& target, const Document& patch) {
    if (patch.is_array() && patch.size() == 1) {
        if (auto applied = apply_one_exact(target, *patch.find(std::size_t{0}))) {
            return std::move(*applied);
        }
    }
    Document exact = patch;
    std::size_t index = 0;
    for (const Document& operation : patch.elements()) {
        const Document* const as = operation.find("as");
        const Document* const value = operation.find("value");
        if (as != nullptr && value != nullptr) {
            exact = exact.with(Path() / std::to_string(index) / "value", exact_value(*value, *as));
        }
        ++index;
    }
    return apply_patch(target, exact);
}

}  // namespace attune::inline ATTUNE_ABI::detail

// The bytes of a journal; docs/journal.md has them in tables. Numbers are little-endian.

namespace attune::inline ATTUNE_ABI::detail {

inline constexpr std::size_t segment_header_size = 128;
inline constexpr std::size_t record_header_size = 104;
inline constexpr std::size_t record_end_size = 12;  // checksum and mark
inline constexpr std::size_t disk_sector = 512;     // written as a whole, or not at all

// Every byte of a mark has at least two bits set: one flipped bit does not make it look unwritten.
inline constexpr std::string_view segment_mark = "ATTUNEJ\n";
inline constexpr std::string_view record_mark = "ARec";
inline constexpr std::string_view header_end_mark = "hEnd";
inline constexpr std::string_view record_end_mark = "ATTUNE.\n";

struct SegmentHeader {
    std::uint64_t number = 0;
    std::uint64_t first_sequence = 0;
    std::uint64_t created = 0;  // nanoseconds since 1970
    std::array<unsigned char, 16> journal{};
    Hash link{};               // of the record before the first one; zero when there was none
    std::uint64_t sealed = 0;  // bytes that were flushed before the segment got its name
    bool whole = false;        // everything before this segment has been copied into it
};

enum class RecordType : std::uint8_t {
    base = 1,     // a version, made of nothing
    version = 2,  // a version, made of the one in the record before
    keep = 3,
    forget = 4,
};

struct RecordHeader {
    RecordType type = RecordType::version;
    bool is_signed = false;
    std::uint32_t size = 0;  // of the whole record
    std::uint64_t sequence = 0;
    std::uint64_t durable = 0;  // the last record known to be flushed when this one was written
    std::uint64_t version = 0;
    std::chrono::system_clock::time_point time{};
    Hash previous{};

    std::size_t overhead() const noexcept {
        return record_header_size + record_end_size + (is_signed ? sizeof(Signature) : 0);
    }
};

struct Record {
    RecordHeader header;
    std::string_view payload;
    Hash hash{};
    std::optional<Signature> signature;
};

ATTUNE_DECL std::string encode_segment_header(const SegmentHeader& header);
/// Nothing when the bytes are not what encode_segment_header gives.
ATTUNE_DECL std::optional<SegmentHeader> decode_segment_header(std::string_view bytes);

/// Completes a record in place: `record` is record_header_size bytes of anything, then the payload.
/// Gives the record's hash. `header.size` is set here. Throws std::length_error beyond 4 GiB.
ATTUNE_DECL Hash finish_record(RecordHeader header, std::string& record, Sha256& sha,
                               const Ed25519Key* key);

/// What may be a record header at the beginning of the bytes, unchecked but for its mark and size.
ATTUNE_DECL std::optional<RecordHeader> peek_record_header(std::string_view bytes) noexcept;

/// Nothing when there is no intact record header at the beginning of the bytes.
ATTUNE_DECL std::optional<RecordHeader> decode_record_header(std::string_view bytes) noexcept;

/// Nothing when the bytes do not begin with an intact record.
ATTUNE_DECL std::optional<Record> decode_record(std::string_view bytes, Sha256& sha);

/// What stands after the last intact record.
struct Tail {
    enum Kind : std::uint8_t {
        clean,       ///< nothing, or zeros
        unfinished,  ///< what a write that never ended may have left
        damaged,     ///< bytes that were written once and have changed since
    };
    Kind kind = clean;
    std::uint64_t written = 0;  ///< from the offset up to the last byte that is not zero
    std::string what;           ///< of damage
};

/// Judges what stands at `offset` of a segment, where record `sequence` would begin and no intact
/// one does. A write that did not end leaves sectors as they were, which is zero, or ends early; a
/// record that is there to its last byte, in all its sectors, was written and is damaged.
ATTUNE_DECL Tail judge_tail(std::string_view segment, std::uint64_t offset, std::uint64_t sequence);

/// The versions whose record headers can be read from `offset` on, however far apart: all that can
/// be said about what is lost.
ATTUNE_DECL std::vector<std::uint64_t> versions_after(std::string_view segment,
                                                      std::uint64_t offset);

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

/// CRC-32C (Castagnoli; RFC 3720, appendix B.4) of some bytes. Whatever their number, one flipped
/// bit never goes unseen, nor does any run of up to 32 bits.
ATTUNE_DECL std::uint32_t crc32c(std::string_view bytes) noexcept;

/// The same without the instruction of the CPU, for those that have none.
ATTUNE_DECL std::uint32_t crc32c_by_table(std::string_view bytes) noexcept;

}  // namespace attune::inline ATTUNE_ABI::detail

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace attune::inline ATTUNE_ABI::detail {

// Entry [k][b] is what byte b does to the remainder when k more bytes follow it: eight bytes are
// taken at a time.
struct Crc32cTable {
    std::array<std::array<std::uint32_t, 256>, 8> of;

    constexpr Crc32cTable() : of{} {
        for (std::uint32_t byte = 0; byte != 256; ++byte) {
            std::uint32_t remainder = byte;
            for (int bit = 0; bit != 8; ++bit) {
                remainder = (remainder >> 1) ^ ((remainder & 1) != 0 ? 0x82F63B78U : 0U);
            }
            of[0][byte] = remainder;
        }
        for (std::size_t more = 1; more != 8; ++more) {
            for (std::size_t byte = 0; byte != 256; ++byte) {
                const std::uint32_t before = of[more - 1][byte];
                of[more][byte] = (before >> 8) ^ of[0][before & 0xFF];
            }
        }
    }
};

ATTUNE_DECL std::uint32_t crc32c_by_table(std::string_view bytes) noexcept {
    static constexpr Crc32cTable table;
    std::uint32_t crc = 0xFFFFFFFFU;
    const auto byte_at = [&](std::size_t at) { return static_cast<unsigned char>(bytes[at]); };
    while (bytes.size() >= 8) {
        std::uint32_t next = 0;
        for (std::size_t at = 0; at != 4; ++at) {
            next ^= table.of[7 - at][byte_at(at) ^ ((crc >> (8 * at)) & 0xFF)];
            next ^= table.of[3 - at][byte_at(at + 4)];
        }
        crc = next;
        bytes.remove_prefix(8);
    }
    for (std::size_t at = 0; at != bytes.size(); ++at) {
        crc = (crc >> 8) ^ table.of[0][(crc ^ byte_at(at)) & 0xFF];
    }
    return ~crc;
}

#if defined(__x86_64__)
[[gnu::target("sse4.2")]] ATTUNE_DECL std::uint32_t crc32c_by_instruction(
    std::string_view bytes) noexcept {
    std::uint64_t crc = 0xFFFFFFFFU;
    while (bytes.size() >= 8) {
        std::uint64_t word;
        std::memcpy(&word, bytes.data(), sizeof word);
        crc = _mm_crc32_u64(crc, word);
        bytes.remove_prefix(8);
    }
    auto rest = static_cast<std::uint32_t>(crc);
    for (const char byte : bytes) {
        rest = _mm_crc32_u8(rest, static_cast<unsigned char>(byte));
    }
    return ~rest;
}
#endif

ATTUNE_DECL std::uint32_t crc32c(std::string_view bytes) noexcept {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2")) {
        return crc32c_by_instruction(bytes);
    }
#endif
    return crc32c_by_table(bytes);
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

// Places in a segment header.
inline constexpr std::size_t segment_format_at = 8;
inline constexpr std::size_t segment_size_at = 12;
inline constexpr std::size_t segment_number_at = 16;
inline constexpr std::size_t segment_sequence_at = 24;
inline constexpr std::size_t segment_created_at = 32;
inline constexpr std::size_t segment_journal_at = 40;
inline constexpr std::size_t segment_link_at = 56;
inline constexpr std::size_t segment_sealed_at = 88;
inline constexpr std::size_t segment_flags_at = 96;
inline constexpr std::size_t segment_crc_at = 124;
inline constexpr std::uint32_t segment_format = 1;

// Places in a record header.
inline constexpr std::size_t record_type_at = 4;
inline constexpr std::size_t record_flags_at = 5;
inline constexpr std::size_t record_size_at = 8;
inline constexpr std::size_t record_sequence_at = 16;
inline constexpr std::size_t record_durable_at = 24;
inline constexpr std::size_t record_version_at = 32;
inline constexpr std::size_t record_time_at = 40;
inline constexpr std::size_t record_previous_at = 48;
inline constexpr std::size_t record_crc_at = 96;
inline constexpr std::size_t record_header_end_at = 100;

template <class T>
void put_number(std::string& bytes, std::size_t at, T value) noexcept {
    for (std::size_t i = 0; i != sizeof value; ++i) {
        bytes[at + i] = static_cast<char>(static_cast<unsigned char>(value >> (8 * i)));
    }
}

template <class T>
T get_number(std::string_view bytes, std::size_t at) noexcept {
    T value = 0;
    for (std::size_t i = 0; i != sizeof value; ++i) {
        const auto byte = static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[at + i]));
        value = static_cast<T>(value | (byte << (8 * i)));
    }
    return value;
}

template <class Array>
void put_array(std::string& bytes, std::size_t at, const Array& array) noexcept {
    std::memcpy(bytes.data() + at, array.data(), array.size());
}

template <class Array>
Array get_array(std::string_view bytes, std::size_t at) noexcept {
    Array array;
    std::memcpy(array.data(), bytes.data() + at, array.size());
    return array;
}

ATTUNE_DECL std::string encode_segment_header(const SegmentHeader& header) {
    std::string bytes(segment_header_size, '\0');
    put_array(bytes, 0, segment_mark);
    put_number(bytes, segment_format_at, segment_format);
    put_number(bytes, segment_size_at, static_cast<std::uint32_t>(segment_header_size));
    put_number(bytes, segment_number_at, header.number);
    put_number(bytes, segment_sequence_at, header.first_sequence);
    put_number(bytes, segment_created_at, header.created);
    put_array(bytes, segment_journal_at, header.journal);
    put_array(bytes, segment_link_at, header.link);
    put_number(bytes, segment_sealed_at, header.sealed);
    put_number(bytes, segment_flags_at, std::uint32_t{header.whole});
    put_number(bytes, segment_crc_at, crc32c(std::string_view(bytes).substr(0, segment_crc_at)));
    return bytes;
}

ATTUNE_DECL std::optional<SegmentHeader> decode_segment_header(std::string_view bytes) {
    if (bytes.size() < segment_header_size) {
        return std::nullopt;
    }
    SegmentHeader header;
    header.number = get_number<std::uint64_t>(bytes, segment_number_at);
    header.first_sequence = get_number<std::uint64_t>(bytes, segment_sequence_at);
    header.created = get_number<std::uint64_t>(bytes, segment_created_at);
    header.journal = get_array<decltype(header.journal)>(bytes, segment_journal_at);
    header.link = get_array<Hash>(bytes, segment_link_at);
    header.sealed = get_number<std::uint64_t>(bytes, segment_sealed_at);
    header.whole = get_number<std::uint32_t>(bytes, segment_flags_at) != 0;
    // Nothing is left open in a header: reserved bytes, formats and checksum are compared at once.
    if (encode_segment_header(header) != bytes.substr(0, segment_header_size)) {
        return std::nullopt;
    }
    return header;
}

ATTUNE_DECL Hash finish_record(RecordHeader header, std::string& record, Sha256& sha,
                               const Ed25519Key* key) {
    header.is_signed = key != nullptr;
    const std::size_t payload = record.size() - record_header_size;
    const std::size_t size = payload + header.overhead();
    if (size > std::numeric_limits<std::uint32_t>::max()) {
        throw std::length_error("a record of a journal has at most 4 GiB");
    }
    std::memset(record.data(), 0, record_header_size);
    put_array(record, 0, record_mark);
    record[record_type_at] = static_cast<char>(header.type);
    record[record_flags_at] = static_cast<char>(header.is_signed);
    put_number(record, record_size_at, static_cast<std::uint32_t>(size));
    put_number(record, record_sequence_at, header.sequence);
    put_number(record, record_durable_at, header.durable);
    put_number(record, record_version_at, header.version);
    const auto time =
        std::chrono::duration_cast<std::chrono::nanoseconds>(header.time.time_since_epoch());
    put_number(record, record_time_at, static_cast<std::uint64_t>(time.count()));
    put_array(record, record_previous_at, header.previous);
    put_number(record, record_crc_at, crc32c(std::string_view(record).substr(0, record_crc_at)));
    put_array(record, record_header_end_at, header_end_mark);

    const Hash hash = sha.of(record);
    if (key != nullptr) {
        const Signature signature = key->sign(hash);
        record.append(reinterpret_cast<const char*>(signature.data()), signature.size());
    }
    const std::uint32_t crc = crc32c(std::string_view(record).substr(record_header_size));
    record.append(4, '\0');
    put_number(record, record.size() - 4, crc);
    record += record_end_mark;
    return hash;
}

ATTUNE_DECL std::optional<RecordHeader> peek_record_header(std::string_view bytes) noexcept {
    if (bytes.size() < record_header_size || !bytes.starts_with(record_mark)) {
        return std::nullopt;
    }
    RecordHeader header;
    header.type = static_cast<RecordType>(get_number<std::uint8_t>(bytes, record_type_at));
    header.is_signed = get_number<std::uint8_t>(bytes, record_flags_at) == 1;
    header.size = get_number<std::uint32_t>(bytes, record_size_at);
    header.sequence = get_number<std::uint64_t>(bytes, record_sequence_at);
    header.durable = get_number<std::uint64_t>(bytes, record_durable_at);
    header.version = get_number<std::uint64_t>(bytes, record_version_at);
    const auto time = static_cast<std::int64_t>(get_number<std::uint64_t>(bytes, record_time_at));
    header.time = std::chrono::system_clock::time_point(
        std::chrono::duration_cast<std::chrono::system_clock::duration>(
            std::chrono::nanoseconds(time)));
    header.previous = get_array<Hash>(bytes, record_previous_at);
    if (header.size < header.overhead()) {
        return std::nullopt;
    }
    return header;
}

ATTUNE_DECL std::optional<RecordHeader> decode_record_header(std::string_view bytes) noexcept {
    auto header = peek_record_header(bytes);
    if (header && (bytes.substr(record_header_end_at, header_end_mark.size()) != header_end_mark ||
                   get_number<std::uint32_t>(bytes, record_crc_at) !=
                       crc32c(bytes.substr(0, record_crc_at)))) {
        header.reset();
    }
    return header;
}

ATTUNE_DECL std::optional<Record> decode_record(std::string_view bytes, Sha256& sha) {
    const std::optional<RecordHeader> header = decode_record_header(bytes);
    if (!header || bytes.size() < header->size) {
        return std::nullopt;
    }
    bytes = bytes.substr(0, header->size);
    const std::size_t crc_at = bytes.size() - record_end_size;
    if (!bytes.ends_with(record_end_mark) ||
        get_number<std::uint32_t>(bytes, crc_at) !=
            crc32c(bytes.substr(record_header_size, crc_at - record_header_size))) {
        return std::nullopt;
    }
    const std::size_t payload = header->size - header->overhead();
    Record record{*header, bytes.substr(record_header_size, payload), {}, std::nullopt};
    const std::size_t signed_size = record_header_size + payload;
    record.hash = sha.of(bytes.substr(0, signed_size));
    if (header->is_signed) {
        record.signature = get_array<Signature>(bytes, signed_size);
    }
    return record;
}

// Whether a whole sector may be part of records, whose beginning may be missing. Records are mostly
// text, which has no zeros: either the sector is full of it, or the last record in it ends there.
ATTUNE_DECL bool may_be_record_sector(std::string_view sector) noexcept {
    const auto written = static_cast<std::size_t>(
        std::count_if(sector.begin(), sector.end(), [](char byte) { return byte != '\0'; }));
    if (written >= disk_sector / 8) {
        return true;
    }
    const std::string_view used = sector.substr(0, sector.find_last_not_of('\0') + 1);
    return used.size() < record_end_mark.size() ? record_end_mark.ends_with(used)
                                                : used.ends_with(record_end_mark);
}

// Calls f(piece) for each part of [begin, end) that lies in a sector of its own.
template <class F>
bool all_pieces(std::string_view segment, std::size_t begin, std::size_t end, F&& f) {
    while (begin < end) {
        const std::size_t next = std::min(end, (begin / disk_sector + 1) * disk_sector);
        if (!f(segment.substr(begin, next - begin))) {
            return false;
        }
        begin = next;
    }
    return true;
}

ATTUNE_DECL bool is_unwritten(std::string_view bytes) noexcept {
    return bytes.find_first_not_of('\0') == std::string_view::npos;
}

// Empty when what stands at `offset` may be left of a write that did not end.
ATTUNE_DECL std::string damage_at(std::string_view segment, std::size_t offset) {
    const std::string_view rest = segment.substr(offset);
    const auto written_at = [&](std::size_t at) { return at < rest.size() && rest[at] != '\0'; };
    if (written_at(0) && written_at(record_header_size - 1)) {
        const std::optional<RecordHeader> header = decode_record_header(rest);
        if (!header) {
            return "the header of a record has changed";
        }
        const bool complete =
            written_at(header->size - 1) &&
            all_pieces(segment, offset, offset + header->size,
                       [](std::string_view piece) { return !is_unwritten(piece); });
        return complete ? "a record has changed" : "";
    }

    const std::string_view used = rest.substr(0, rest.find_last_not_of('\0') + 1);
    const bool begins = used.substr(0, record_mark.size()) == record_mark.substr(0, used.size());
    if (begins && used.size() < record_header_size) {
        return "";
    }

    // The beginning of a record is missing, or the end of its header. What is there of the first
    // sector must then be the beginning of one, and what is in others must be like records.
    const std::size_t first_end =
        std::min(segment.size(), (offset / disk_sector + 1) * disk_sector);
    std::string_view first = segment.substr(offset, first_end - offset);
    first = first.substr(0, first.find_last_not_of('\0') + 1);
    if (first.size() >= record_header_size ||
        first.substr(0, record_mark.size()) != record_mark.substr(0, first.size())) {
        return "bytes that are no record";
    }
    const bool plausible = all_pieces(segment, first_end, segment.size(), [](std::string_view s) {
        return is_unwritten(s) || may_be_record_sector(s);
    });
    return plausible ? "" : "bytes that are no record";
}

ATTUNE_DECL Tail judge_tail(std::string_view segment, std::uint64_t offset,
                            std::uint64_t sequence) {
    const std::string_view rest = segment.substr(static_cast<std::size_t>(offset));
    Tail tail;
    tail.written = rest.find_last_not_of('\0') + 1;
    if (tail.written == 0) {
        return tail;
    }
    tail.kind = Tail::unfinished;
    tail.what = damage_at(segment, static_cast<std::size_t>(offset));
    for (std::size_t at = rest.find(record_mark, 1); tail.what.empty() && at != rest.npos;
         at = rest.find(record_mark, at + 1)) {
        const std::optional<RecordHeader> later = decode_record_header(rest.substr(at));
        if (later && later->durable >= sequence) {
            tail.what = "a record is missing that later ones rely on";
        }
    }
    if (!tail.what.empty()) {
        tail.kind = Tail::damaged;
    }
    return tail;
}

ATTUNE_DECL std::vector<std::uint64_t> versions_after(std::string_view segment,
                                                      std::uint64_t offset) {
    std::vector<std::uint64_t> versions;
    for (std::size_t at = segment.find(record_mark, static_cast<std::size_t>(offset));
         at != segment.npos; at = segment.find(record_mark, at + 1)) {
        const std::optional<RecordHeader> header = decode_record_header(segment.substr(at));
        if (header && (header->type == RecordType::base || header->type == RecordType::version)) {
            versions.push_back(header->version);
        }
    }
    return versions;
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

/// The file of a segment.
struct SegmentFile {
    std::uint64_t number;
    std::string path;
};

inline constexpr std::string_view segment_suffix = ".journal";

ATTUNE_DECL std::string segment_path(const std::string& directory, std::uint64_t number);

/// The segments in a directory, in order of their numbers.
ATTUNE_DECL std::vector<SegmentFile> segments_in(Disk& disk, const std::string& directory);

/// What a journal says, up to its end or its first damage.
struct JournalContent {
    std::array<unsigned char, 16> id{};
    std::uint64_t records = 0;
    std::size_t version_count = 0;
    Version first = 0;
    std::uint64_t sequence = 0;  ///< of the last record; zero when there is none
    Hash head{};                 ///< its hash
    std::optional<VersionRecord> last;
    Document own;  ///< as of the last version

    std::map<Version, VersionRecord> kept;  ///< marked, and there
    std::deque<VersionRecord> newest;       ///< in order; some of them are kept as well

    std::vector<SegmentFile> superseded;  ///< segments that a later one has copied
    std::vector<SegmentFile> segments;    ///< that were read, or should have been
    SegmentHeader newest_segment;
    Version newest_base = 0;           ///< the version that the newest segment begins from
    std::set<Version> newest_carried;  ///< versions before that one which it holds as well
    std::size_t newest_versions = 0;   ///< versions after that one
    std::uint64_t end = 0;             ///< of its last record, in bytes
    bool expected_found = false;
    Tail tail;  ///< what comes after
    std::optional<journal::Damage> damage;
    std::set<Version> unreadable;  ///< versions that damage has taken, as far as one can see

    /// All that was asked for, oldest first, with their marks.
    ATTUNE_DECL std::vector<VersionRecord> versions() const;
};

struct ReadOptions {
    std::size_t most = static_cast<std::size_t>(-1);       ///< of the newest versions
    const Ed25519Key* key = nullptr;                       ///< that must have signed every record
    std::uint64_t up_to = static_cast<std::uint64_t>(-1);  ///< the last record to look at
    std::optional<Hash> expected = std::nullopt;           ///< of a record that must be there
    bool past_damage = false;  ///< go on with the next segment, which begins with a whole document
};

/// Errors of the disk are std::system_error.
ATTUNE_DECL JournalContent read_journal(Disk& disk, const std::string& directory,
                                        const ReadOptions& options = {});

/// Damage as the exception for it.
[[noreturn]] ATTUNE_DECL void refuse_damage(const journal::Damage& damage);

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL std::string segment_path(const std::string& directory, std::uint64_t number) {
    std::string digits = std::to_string(number);
    digits.insert(0, digits.size() < 10 ? 10 - digits.size() : 0, '0');
    return directory + '/' + digits + std::string(segment_suffix);
}

ATTUNE_DECL std::vector<SegmentFile> segments_in(Disk& disk, const std::string& directory) {
    std::vector<SegmentFile> segments;
    for (const std::string& name : disk.list(directory)) {
        std::uint64_t number = 0;
        const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
        if (error == std::errc() && std::string_view(end) == segment_suffix) {
            segments.push_back({number, directory + '/' + name});
        }
    }
    std::sort(segments.begin(), segments.end(),
              [](const SegmentFile& a, const SegmentFile& b) { return a.number < b.number; });
    return segments;
}

ATTUNE_DECL std::vector<VersionRecord> JournalContent::versions() const {
    std::vector<VersionRecord> all;
    all.reserve(kept.size() + newest.size());
    auto marked = kept.begin();
    for (const VersionRecord& record : newest) {
        for (; marked != kept.end() && marked->first < record.version; ++marked) {
            all.push_back(marked->second);
        }
        if (marked != kept.end() && marked->first == record.version) {
            all.push_back(marked->second);
            ++marked;
        } else {
            all.push_back(record);
        }
    }
    for (; marked != kept.end(); ++marked) {
        all.push_back(marked->second);
    }
    return all;
}

ATTUNE_DECL void refuse_damage(const journal::Damage& damage) {
    throw JournalError(JournalFault::damaged, damage.file, damage.offset,
                       damage.what +
                           "; journal::recover keeps what is intact, and moves the "
                           "damaged file aside");
}

/// One pass over the segments of a journal.
class JournalReader {
public:
    JournalReader(Disk& disk, const std::string& directory, const ReadOptions& options)
        : disk_(disk), directory_(directory), options_(options) {}

    JournalContent read() {
        std::vector<Loaded> segments = load();
        for (const Loaded& segment : segments) {
            find_marks(segment.bytes);
        }
        for (std::size_t i = 0; i != segments.size() && !over_; ++i) {
            read_segment(segments[i], i + 1 == segments.size());
            if (content_.damage && !options_.past_damage) {
                break;
            }
        }
        finish();
        return std::move(content_);
    }

private:
    struct Loaded {
        SegmentFile file;
        std::string bytes;
        std::optional<SegmentHeader> header;
    };

    struct Mark {
        bool kept;
        std::string note;
    };

    // All segments from the last one that holds everything on.
    std::vector<Loaded> load() {
        std::vector<Loaded> segments;
        for (SegmentFile& file : segments_in(disk_, directory_)) {
            std::string bytes = read_file(disk_, file.path);
            std::optional<SegmentHeader> header = decode_segment_header(bytes);
            if (header && header->whole && header->number == file.number) {
                for (Loaded& earlier : segments) {
                    content_.superseded.push_back(std::move(earlier.file));
                }
                segments.clear();
            }
            segments.push_back({std::move(file), std::move(bytes), header});
        }
        for (const Loaded& segment : segments) {
            content_.segments.push_back(segment.file);
        }
        return segments;
    }

    // Which versions are marked is said after them: so as not to hold on to every document until
    // the end, the marks are looked for before. One that is none does no harm, hence no checksums.
    void find_marks(std::string_view bytes) {
        for (std::size_t at = segment_header_size; at < bytes.size();) {
            const auto header = peek_record_header(bytes.substr(at));
            if (!header) {
                return;
            }
            if (header->type == RecordType::keep) {
                marked_.insert(header->version);
            }
            at += header->size;
        }
    }

    void damaged(const SegmentFile& file, std::uint64_t offset, std::string what) {
        if (!content_.damage) {
            content_.damage = {file.path, offset, std::move(what)};
        }
    }

    void lose(std::string_view bytes, std::uint64_t offset) {
        const std::vector<std::uint64_t> lost = versions_after(bytes, offset);
        content_.unreadable.insert(lost.begin(), lost.end());
    }

    void read_segment(const Loaded& segment, bool newest) {
        const std::string_view bytes = segment.bytes;
        const SegmentFile& file = segment.file;
        if (!segment.header) {
            damaged(file, 0, "the header of the file has changed");
            lose(bytes, 0);
            return;
        }
        const SegmentHeader& header = *segment.header;
        if (header.number != file.number) {
            damaged(file, 0, "the file has another one's name");
            return;
        }
        const bool first = last_number_ == 0;
        if (!first && !content_.damage &&
            (header.number != last_number_ + 1 || header.journal != content_.id ||
             header.link != content_.head || header.first_sequence != content_.sequence + 1)) {
            damaged(file, 0, "the file does not go on where the one before it ends");
            if (!options_.past_damage) {
                return;
            }
        }
        last_number_ = header.number;
        content_.id = header.journal;
        expect(header.link);
        content_.newest_segment = header;
        content_.newest_carried.clear();
        content_.newest_versions = 0;
        content_.sequence = header.first_sequence - 1;
        content_.head = sha_.of(bytes.substr(0, segment_header_size));
        document_ = Document();
        Document own;

        std::size_t at = segment_header_size;
        while (content_.sequence != options_.up_to) {
            const auto record = decode_record(bytes.substr(at), sha_);
            if (!record) {
                break;
            }
            std::string problem = chain_problem(*record, at == segment_header_size);
            if (problem.empty()) {
                problem = take(*record, own, at + record->header.size <= header.sealed);
            }
            if (!problem.empty()) {
                damaged(file, at, std::move(problem));
                lose(bytes, at);
                return;
            }
            at += record->header.size;
        }
        content_.end = at;
        over_ = content_.sequence == options_.up_to;
        if (over_) {
            return;
        }
        if (at < header.sealed) {
            damaged(file, at, "a record has changed");
        } else {
            content_.tail = judge_tail(bytes, at, content_.sequence + 1);
            if (content_.tail.kind == Tail::damaged) {
                damaged(file, at, content_.tail.what);
            } else if (content_.tail.kind == Tail::unfinished && !newest) {
                damaged(file, at, "the end of the file is missing");
            }
        }
        if (content_.damage && content_.damage->file == file.path) {
            lose(bytes, at);
        }
    }

    std::string chain_problem(const Record& record, bool first) const {
        if (record.header.sequence != content_.sequence + 1 ||
            record.header.previous != content_.head) {
            return "a record does not follow the one before it";
        }
        if (first != (record.header.type == RecordType::base)) {
            return "a record of the wrong type";
        }
        if (options_.key != nullptr &&
            (!record.signature || !options_.key->verify(record.hash, *record.signature))) {
            return record.signature ? "a signature by another key" : "a record without a signature";
        }
        return {};
    }

    // What is wrong with the content of a record, whose bytes are right; mostly nothing.
    std::string take(const Record& record, Document& own, bool sealed) {
        try {
            const Document payload = parse(record.payload, parsing());
            const RecordType type = record.header.type;
            if (type == RecordType::keep || type == RecordType::forget) {
                marks_[record.header.version] = {type == RecordType::keep, text(payload, "note")};
            } else {
                take_version(record.header, payload, own, sealed);
            }
        } catch (const std::exception& error) {
            return std::string("a record that cannot be applied: ") + error.what();
        }
        ++content_.records;
        content_.sequence = record.header.sequence;
        content_.head = record.hash;
        expect(record.hash);
        return {};
    }

    void take_version(const RecordHeader& header, const Document& payload, Document& own,
                      bool sealed) {
        const Document* const patch = payload.find("patch");
        const Document* const own_patch = payload.find("own");
        if (patch != nullptr) {
            Document next = apply_exact(document_, *patch);
            // A whole document shares nothing with those before it.
            document_ = header.type == RecordType::base && !content_.newest.empty()
                            ? reconcile(content_.newest.back().document, next)
                            : std::move(next);
        }
        if (own_patch != nullptr) {
            own = apply_exact(own, own_patch->is_bool() ? *patch : *own_patch);
        }

        VersionRecord version{
            header.version, header.time, text(payload, "reason"), text(payload, "layer"), false, {},
            document_};
        if (const Document* const note = payload.find("kept")) {
            marks_[header.version] = {true, std::string(note->as_string())};
            marked_.insert(header.version);
        }
        if (sealed) {
            // The last one of them is what the segment begins from.
            if (content_.newest_base != 0 && header.type != RecordType::base) {
                content_.newest_carried.insert(content_.newest_base);
            }
            content_.newest_base = header.version;
        } else {
            ++content_.newest_versions;
        }
        content_.own = own;
        keep(std::move(version));
    }

    void expect(const Hash& hash) {
        content_.expected_found = content_.expected_found || options_.expected == hash;
    }

    void keep(VersionRecord version) {
        // A segment begins with versions that the one before it may hold as well.
        std::deque<VersionRecord>& newest = content_.newest;
        const bool fresh = newest.empty() || version.version > newest.back().version;
        const bool more = marked_.contains(version.version) &&
                          content_.kept.insert_or_assign(version.version, version).second;
        if (fresh) {
            if (content_.version_count++ == 0) {
                content_.first = version.version;
            }
            newest.push_back(std::move(version));
            if (newest.size() > std::max<std::size_t>(options_.most, 1)) {
                newest.pop_front();
            }
        } else if (version.version == newest.back().version) {
            newest.back() = std::move(version);
        } else if (more) {
            ++content_.version_count;
        }
    }

    void finish() {
        if (!content_.newest.empty()) {
            content_.last = content_.newest.back();
        }
        if (options_.most == 0) {
            content_.newest.clear();
        }
        for (auto entry = content_.kept.begin(); entry != content_.kept.end();) {
            const auto mark = marks_.find(entry->first);
            if (mark == marks_.end() || !mark->second.kept) {
                entry = content_.kept.erase(entry);
                continue;
            }
            entry->second.kept = true;
            entry->second.note = mark->second.note;
            ++entry;
        }
        if (!content_.kept.empty()) {
            content_.first = std::min(content_.first, content_.kept.begin()->first);
        }
    }

    static std::string text(const Document& payload, std::string_view name) {
        const Document* const value = payload.find(name);
        return value == nullptr ? std::string() : std::string(value->as_string());
    }

    static const ParseOptions& parsing() {
        // What a store has accepted is read back, however deep and large it is.
        static const ParseOptions options{.duplicates = Duplicates::last,
                                          .max_depth = std::numeric_limits<std::size_t>::max(),
                                          .max_bytes = std::numeric_limits<std::size_t>::max()};
        return options;
    }

    Disk& disk_;
    const std::string& directory_;
    const ReadOptions& options_;
    Sha256 sha_;
    JournalContent content_;
    Document document_;
    std::uint64_t last_number_ = 0;
    bool over_ = false;
    std::set<Version> marked_;
    std::map<Version, Mark> marks_;
};

ATTUNE_DECL JournalContent read_journal(Disk& disk, const std::string& directory,
                                        const ReadOptions& options) {
    return JournalReader(disk, directory, options).read();
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

/// What the name of a segment ends with while it is written; then it is renamed.
inline constexpr std::string_view journal_unnamed = ".new";

/// A member of a record's payload, unless the text is empty, and the comma after it.
ATTUNE_DECL void write_text_member(std::string_view name, std::string_view text, std::string& out);
/// Closes the payload's object, in the place of a comma if there is one.
ATTUNE_DECL void end_payload(std::string& record);

/// Throws what a disk has said as a JournalError.
[[noreturn]] ATTUNE_DECL void refuse_disk_error(const std::system_error& error,
                                                const std::string& file);

/// `read(text)`, where what is no key is a JournalError.
ATTUNE_DECL Ed25519Key journal_key(Ed25519Key (*read)(std::string_view), std::string_view text,
                                   const std::string& directory);

/// The journal of one store. Holds the directory's lock.
class JournalWriter final : public JournalSink {
public:
    /// Throws JournalError.
    ATTUNE_DECL JournalWriter(std::shared_ptr<Disk> disk, std::string directory,
                              const JournalOptions& options);
    ATTUNE_DECL ~JournalWriter() override;

    ATTUNE_DECL Restored restore(std::size_t most) override;
    ATTUNE_DECL void append(const Entry& entry) override;
    ATTUNE_DECL void keep(Version version, std::string_view note) override;
    ATTUNE_DECL void forget(Version version) override;

    /// Puts a segment with these versions in the place of everything there is; `own` goes with the
    /// last one. With no versions there is nothing afterwards. Only what `before` says about the
    /// journal so far is continued: its id, number, last record.
    ATTUNE_DECL void replace_by(std::span<const VersionRecord> versions, const Document& own,
                                const JournalContent& before);

private:
    struct Kept {
        std::string note;
        std::optional<VersionRecord> record;  ///< once somebody had to know it
    };

    ATTUNE_DECL void continue_from(const JournalContent& content);
    ATTUNE_DECL void cut_tail(const JournalContent& content);
    ATTUNE_DECL void start_journal(const VersionRecord& version, const Document& own);
    ATTUNE_DECL void mark(RecordType type, Version version, std::string_view note);

    /// Completes `record_`, and puts it at the end of the segment.
    ATTUNE_DECL void write_record(RecordType type, Version version,
                                  std::chrono::system_clock::time_point time);
    ATTUNE_DECL RecordHeader next_header(RecordType type, Version version,
                                         std::chrono::system_clock::time_point time) const;
    ATTUNE_DECL void start_record();
    ATTUNE_DECL void make_room(std::size_t bytes);
    ATTUNE_DECL void undo_write() noexcept;
    ATTUNE_DECL void repair();

    ATTUNE_DECL void roll();
    ATTUNE_DECL void load_kept();
    ATTUNE_DECL void start_segment(std::span<const VersionRecord> versions, const Document& own,
                                   bool whole);
    ATTUNE_DECL void remove_segments(std::uint64_t below) noexcept;

    template <class F>
    void guarded(F&& f);

    const std::shared_ptr<Disk> disk_;
    const std::string directory_;
    const bool sync_;
    const std::size_t keep_;
    const std::size_t segment_bytes_;
    std::optional<Ed25519Key> signing_key_;
    std::optional<Ed25519Key> public_key_;
    std::unique_ptr<DiskLock> lock_;

    bool restored_ = false;
    // A flush has failed: nobody knows what the disk has of the segment, and nothing may be added
    // to it before all of it has been written elsewhere.
    bool distrusted_ = false;

    // The segment that is written to, unless nothing has been written yet.
    std::unique_ptr<DiskFile> file_;
    std::string path_;
    std::uint64_t number_ = 0;
    std::uint64_t end_ = 0;       // where the next record goes
    std::uint64_t reserved_ = 0;  // zeros up to here have their room
    std::uint64_t started_ = 0;   // the kernel has been asked to write up to here
    std::uint64_t base_end_ = 0;
    std::uint64_t roll_at_ = 0;  // not before the segment has this size
    std::size_t versions_ = 0;   // after the base
    Version base_ = 0;
    std::set<Version> carried_;

    // The journal so far.
    std::array<unsigned char, 16> id_{};
    std::uint64_t sequence_ = 0;
    std::uint64_t durable_ = 0;
    Hash head_{};
    std::optional<VersionRecord> last_;
    Document own_;
    std::map<Version, Kept> kept_;

    Sha256 sha_;
    ExactPatch patch_;
    std::string record_;
    std::string own_text_;
};

}  // namespace attune::inline ATTUNE_ABI::detail

// How a JournalWriter begins a segment: when the one before is full, when it cannot be trusted any
// more, and when everything is written anew.

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL void JournalWriter::repair() {
    if (!distrusted_) {
        return;
    }
    // What the kernel has in memory can still be read; what is on the disk nobody knows.
    const JournalContent content = read_journal(*disk_, directory_, {.up_to = sequence_});
    if (content.damage) {
        refuse_damage(*content.damage);
    }
    replace_by(content.versions(), own_, content);
}

ATTUNE_DECL void JournalWriter::replace_by(std::span<const VersionRecord> versions,
                                           const Document& own, const JournalContent& before) {
    id_ = before.id;
    head_ = before.head;
    sequence_ = before.sequence;
    number_ = before.segments.empty() ? 0 : before.segments.back().number;
    if (versions.empty()) {
        return;
    }
    start_segment(versions, own, true);
    remove_segments(number_);
}

ATTUNE_DECL void JournalWriter::roll() {
    try {
        load_kept();
        if (!sync_) {
            file_->sync();
        }
    } catch (const JournalError&) {
        roll_at_ = end_ + segment_bytes_;  // there is time: it is only room that would be gained
        return;
    } catch (const std::system_error&) {
        distrusted_ = true;
        throw;
    }
    std::vector<VersionRecord> versions;
    for (const auto& [version, kept] : kept_) {
        if (kept.record && version < base_ && !carried_.contains(version)) {
            versions.push_back(*kept.record);
        }
    }
    versions.push_back(*last_);
    const std::uint64_t previous = number_;
    try {
        file_->resize(end_);
        reserved_ = end_;
        start_segment(versions, own_, false);
    } catch (const std::system_error&) {
        if (distrusted_) {
            throw;
        }
        roll_at_ = end_ + segment_bytes_;
        return;
    }
    remove_segments(previous);
}

ATTUNE_DECL void JournalWriter::load_kept() {
    const bool complete = std::all_of(kept_.begin(), kept_.end(), [](const auto& entry) {
        return entry.second.record.has_value();
    });
    if (complete) {
        return;
    }
    const JournalContent content = read_journal(*disk_, directory_, {.most = 0});
    if (content.damage) {
        refuse_damage(*content.damage);
    }
    for (const auto& [version, record] : content.kept) {
        kept_[version].record = record;
    }
    // Marked, but never there.
    std::erase_if(kept_, [](const auto& entry) { return !entry.second.record; });
}

ATTUNE_DECL void JournalWriter::start_segment(std::span<const VersionRecord> versions,
                                              const Document& own, bool whole) {
    SegmentHeader header;
    header.number = number_ + 1;
    header.first_sequence = sequence_ + 1;
    header.created =
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                       std::chrono::system_clock::now().time_since_epoch())
                                       .count());
    header.journal = id_;
    header.link = head_;
    header.whole = whole;

    // The header has the length of what follows, and the first record the header's hash: so sizes
    // come first. Everything but the hashes is final then.
    std::vector<std::string> records;
    header.sealed = segment_header_size;
    const Document nothing;
    const Document* before = &nothing;
    for (const VersionRecord& version : versions) {
        const bool newest = &version == &versions.back();
        const auto kept = kept_.find(version.version);
        start_record();
        if (version.kept || kept != kept_.end()) {
            record_ += "\"kept\":";
            write_string(kept != kept_.end() ? kept->second.note : version.note, record_);
            record_ += ',';
        }
        write_text_member("layer", version.layer, record_);
        if (newest && !own.is_null()) {
            record_ += "\"own\":";
            patch_.write(nothing, own, nullptr, record_);
            record_ += ',';
        }
        record_ += "\"patch\":";
        patch_.write(*before, version.document, nullptr, record_);
        record_ += ',';
        write_text_member("reason", version.reason, record_);
        end_payload(record_);
        header.sealed += record_.size() + record_end_size + (signing_key_ ? sizeof(Signature) : 0);
        records.push_back(record_);
        before = &version.document;
    }

    std::string bytes = encode_segment_header(header);
    Hash hash = sha_.of(bytes);
    std::uint64_t sequence = sequence_;
    for (std::size_t i = 0; i != records.size(); ++i) {
        const RecordHeader record{.type = i == 0 ? RecordType::base : RecordType::version,
                                  .sequence = sequence + 1,
                                  .durable = sequence,
                                  .version = versions[i].version,
                                  .time = versions[i].time,
                                  .previous = hash};
        hash = finish_record(record, records[i], sha_, signing_key_ ? &*signing_key_ : nullptr);
        bytes += records[i];
        ++sequence;
    }

    const std::string path = segment_path(directory_, header.number);
    const std::string unnamed = path + std::string(journal_unnamed);
    std::unique_ptr<DiskFile> file;
    std::uint64_t reserved = bytes.size();
    try {
        if (disk_->exists(unnamed)) {
            disk_->remove(unnamed);
        }
        file = disk_->open(unnamed, DiskOpen::create, 0600);
        file->write(bytes, 0);
        if (sync_) {
            const std::uint64_t step = segment_bytes_ / 16;
            reserved = (bytes.size() / step + 1) * step;
            file->reserve(bytes.size(), reserved);
        }
        file->sync();
        disk_->rename(unnamed, path);
    } catch (...) {
        const auto failure = std::current_exception();
        try {
            file.reset();
            disk_->remove(unnamed);
        } catch (const std::system_error&) {
            // The next attempt, or the next start, removes it.
        }
        std::rethrow_exception(failure);
    }
    // From here on the new segment is there for whoever reads the journal. Only a loss of power may
    // take its name away, until the directory has been flushed.
    distrusted_ = true;
    file_ = std::move(file);
    path_ = path;
    number_ = header.number;
    end_ = bytes.size();
    reserved_ = reserved;
    started_ = end_;
    base_end_ = end_;
    roll_at_ = std::max<std::uint64_t>(segment_bytes_, 2 * base_end_);
    versions_ = 0;
    base_ = versions.back().version;
    carried_.clear();
    for (const VersionRecord& version : versions.first(versions.size() - 1)) {
        carried_.insert(version.version);
    }
    sequence_ = sequence;
    durable_ = sequence;
    head_ = hash;
    last_ = versions.back();
    own_ = own;
    disk_->sync_directory(directory_);
    distrusted_ = false;
}

ATTUNE_DECL void JournalWriter::remove_segments(std::uint64_t below) noexcept {
    // What cannot be removed now is out of date, but does no harm.
    try {
        for (const SegmentFile& segment : segments_in(*disk_, directory_)) {
            if (segment.number + 1 < below) {
                // Oldest first also on the disk: a gap between two segments would be damage.
                disk_->remove(segment.path);
                disk_->sync_directory(directory_);
            } else if (segment.number < below) {
                disk_->remove(segment.path);
            }
        }
    } catch (const std::exception&) {
    }
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

inline constexpr std::string_view journal_lock = "lock";
// Without `sync`, the kernel is asked to write what has come together, at least so often: when the
// segment is closed, its flush finds most of the work done.
inline constexpr std::uint64_t flush_step = std::uint64_t{1} << 20;

[[noreturn]] ATTUNE_DECL void refuse_disk_error(const std::system_error& error,
                                                const std::string& file) {
    if (error.code() == std::errc::no_space_on_device ||
        error.code() == std::error_code(EDQUOT, std::generic_category())) {
        throw JournalError(JournalFault::full, file, 0,
                           std::string(error.what()) +
                               "; nothing was changed: make room and try again");
    }
    throw JournalError(JournalFault::disk, file, 0, error.what());
}

template <class F>
void JournalWriter::guarded(F&& f) {
    try {
        f();
    } catch (const std::system_error& error) {
        refuse_disk_error(error, path_.empty() ? directory_ : path_);
    } catch (const std::length_error& error) {
        throw JournalError(JournalFault::disk, directory_, 0, error.what());
    }
}

ATTUNE_DECL Ed25519Key journal_key(Ed25519Key (*read)(std::string_view), std::string_view text,
                                   const std::string& directory) {
    try {
        return read(text);
    } catch (const std::invalid_argument& error) {
        throw JournalError(JournalFault::key, directory, 0, error.what());
    }
}

ATTUNE_DECL JournalWriter::JournalWriter(std::shared_ptr<Disk> disk, std::string directory,
                                         const JournalOptions& options)
    : disk_(std::move(disk)),
      directory_(std::move(directory)),
      sync_(options.sync),
      keep_(std::max<std::size_t>(options.keep, 1)),
      segment_bytes_(std::max<std::size_t>(options.segment_bytes, 4096)) {
    if (!options.signing_key.empty()) {
        signing_key_ = journal_key(&Ed25519Key::private_key, options.signing_key, directory_);
    }
    if (!options.public_key.empty()) {
        public_key_ = journal_key(&Ed25519Key::public_key, options.public_key, directory_);
    }
    guarded([&] {
        if (!disk_->exists(directory_)) {
            disk_->make_directory(directory_, 0700);
            disk_->sync_directory(directory_of(directory_));
        }
        lock_ = disk_->lock(directory_ + '/' + std::string(journal_lock));
    });
    if (lock_ == nullptr) {
        throw JournalError(JournalFault::locked, directory_, 0,
                           "another store has this journal, in this process or another one; give "
                           "each store a directory of its own");
    }
}

ATTUNE_DECL JournalWriter::~JournalWriter() {
    if (file_ != nullptr) {
        try {
            file_->resize(end_);
        } catch (const std::system_error&) {
            // The zeros stay, which is as good to whoever reads the journal.
        }
    }
}

ATTUNE_DECL JournalSink::Restored JournalWriter::restore(std::size_t most) {
    Restored restored;
    guarded([&] {
        for (const std::string& name : disk_->list(directory_)) {
            if (name.ends_with(journal_unnamed)) {
                disk_->remove(directory_ + '/' + name);
            }
        }
        const JournalContent content =
            read_journal(*disk_, directory_,
                         {.most = most, .key = public_key_ ? &*public_key_ : nullptr});
        if (content.damage) {
            refuse_damage(*content.damage);
        }
        for (const SegmentFile& file : content.superseded) {
            disk_->remove(file.path);
        }
        if (!content.segments.empty()) {
            continue_from(content);
            cut_tail(content);
        }
        restored.versions = content.versions();
        restored.own = content.own;
        restored.cut = content.tail.written;
    });
    restored_ = true;
    return restored;
}

ATTUNE_DECL void JournalWriter::continue_from(const JournalContent& content) {
    id_ = content.id;
    sequence_ = content.sequence;
    durable_ = content.sequence;
    head_ = content.head;
    last_ = content.last;
    own_ = content.own;
    for (const auto& [version, record] : content.kept) {
        kept_[version] = {record.note, record};
    }
    number_ = content.newest_segment.number;
    path_ = segment_path(directory_, number_);
    end_ = content.end;
    base_end_ = content.newest_segment.sealed;
    base_ = content.newest_base;
    carried_ = content.newest_carried;
    versions_ = content.newest_versions;
    roll_at_ = std::max<std::uint64_t>(segment_bytes_, 2 * base_end_);
}

ATTUNE_DECL void JournalWriter::cut_tail(const JournalContent& content) {
    file_ = disk_->open(path_, DiskOpen::write);
    // What was read may be in memory only. And what is cut off must be gone for good before
    // anything takes its place: after a loss of power, parts of both would be no record at all.
    file_->resize(content.end);
    file_->sync();
    reserved_ = content.end;
    started_ = content.end;
}

ATTUNE_DECL RecordHeader JournalWriter::next_header(
    RecordType type, Version version, std::chrono::system_clock::time_point time) const {
    return {.type = type,
            .sequence = sequence_ + 1,
            .durable = durable_,
            .version = version,
            .time = time,
            .previous = head_};
}

ATTUNE_DECL void JournalWriter::start_record() {
    record_.resize(record_header_size);
    record_ += '{';
}

// A member of the payload, unless there is nothing to say.
ATTUNE_DECL void write_text_member(std::string_view name, std::string_view text, std::string& out) {
    if (!text.empty()) {
        out += '"';
        out += name;
        out += "\":";
        write_string(text, out);
        out += ',';
    }
}

ATTUNE_DECL void end_payload(std::string& record) {
    if (record.back() == ',') {
        record.back() = '}';
    } else {
        record += '}';
    }
}

ATTUNE_DECL void JournalWriter::append(const Entry& entry) {
    if (!restored_) {
        restore(0);
    }
    guarded([&] {
        repair();
        VersionRecord version{entry.version,
                              entry.time,
                              std::string(entry.reason),
                              std::string(entry.layer),
                              false,
                              {},
                              entry.after};
        if (file_ == nullptr) {
            start_journal(version, entry.own_after);
            return;
        }
        if (versions_ >= keep_ && end_ >= roll_at_) {
            roll();
        }
        // From what the journal says: that is the version before, but need not be the same object.
        const Document& before = last_->document;
        start_record();
        write_text_member("layer", entry.layer, record_);
        std::size_t own_at = record_.size();
        own_text_.clear();
        if (!own_.same(entry.own_after)) {
            patch_.write(own_, entry.own_after, nullptr, own_text_);
            record_ += "\"own\":";
            own_at = record_.size();
        }
        std::string_view own_text = own_text_;
        if (!own_text.empty()) {
            record_ += "true,";
        }
        record_ += "\"patch\":";
        const std::size_t patch_at = record_.size();
        patch_.write(before, entry.after, before.same(entry.before) ? entry.within : nullptr,
                     record_);
        if (!own_text.empty() && std::string_view(record_).substr(patch_at) != own_text) {
            record_.replace(own_at, 4, own_text);
        }
        record_ += ',';
        write_text_member("reason", entry.reason, record_);
        end_payload(record_);
        write_record(RecordType::version, entry.version, entry.time);
        last_ = std::move(version);
        own_ = entry.own_after;
        ++versions_;
    });
}

ATTUNE_DECL void JournalWriter::start_journal(const VersionRecord& version, const Document& own) {
    try {
        id_ = random_id();
        // After a failure, what is left of the first attempt must not count.
        start_segment({&version, 1}, own, number_ != 0);
    } catch (...) {
        file_.reset();
        path_.clear();
        distrusted_ = false;
        sequence_ = 0;
        head_ = {};
        last_.reset();
        own_ = {};
        throw;
    }
    remove_segments(number_);
}

ATTUNE_DECL void JournalWriter::keep(Version version, std::string_view note) {
    mark(RecordType::keep, version, note);
    Kept& kept = kept_[version];
    kept.note = note;
    if (last_ && last_->version == version) {
        kept.record = last_;
    }
}

ATTUNE_DECL void JournalWriter::forget(Version version) {
    mark(RecordType::forget, version, {});
    kept_.erase(version);
}

ATTUNE_DECL void JournalWriter::mark(RecordType type, Version version, std::string_view note) {
    if (!restored_) {
        restore(0);
    }
    if (file_ == nullptr) {
        throw JournalError(JournalFault::disk, directory_, 0,
                           "a version cannot be marked before there is one");
    }
    guarded([&] {
        repair();
        start_record();
        write_text_member("note", note, record_);
        end_payload(record_);
        write_record(type, version, std::chrono::system_clock::now());
    });
}

ATTUNE_DECL void JournalWriter::write_record(RecordType type, Version version,
                                             std::chrono::system_clock::time_point time) {
    const Hash hash = finish_record(next_header(type, version, time), record_, sha_,
                                    signing_key_ ? &*signing_key_ : nullptr);
    try {
        make_room(record_.size());
        file_->write(record_, end_);
    } catch (...) {
        undo_write();
        throw;
    }
    if (sync_) {
        try {
            file_->sync();
        } catch (...) {
            // Taken back as far as anybody can say; on the disk it may be, or not.
            undo_write();
            distrusted_ = true;
            throw;
        }
    }
    end_ += record_.size();
    head_ = hash;
    ++sequence_;
    if (sync_) {
        durable_ = sequence_;
    } else if (end_ - started_ >= flush_step) {
        file_->start_sync(started_, end_ / flush_step * flush_step);
        started_ = end_ / flush_step * flush_step;
    }
}

ATTUNE_DECL void JournalWriter::make_room(std::size_t bytes) {
    if (!sync_ || end_ + bytes <= reserved_) {
        return;
    }
    const std::uint64_t step = segment_bytes_ / 16;
    const std::uint64_t to = (end_ + bytes + step - 1) / step * step;
    file_->reserve(std::max(end_, reserved_), to);
    reserved_ = to;
}

ATTUNE_DECL void JournalWriter::undo_write() noexcept {
    // Flushed, for the same reason as in `cut_tail`.
    try {
        file_->resize(end_);
        reserved_ = end_;
        file_->sync();
    } catch (...) {
        distrusted_ = true;
    }
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI {

ATTUNE_DECL std::unique_ptr<detail::JournalSink> Journal::open_files(const Journal& journal) {
    return std::make_unique<detail::JournalWriter>(detail::posix_disk(),
                                                   journal.directory_.string(), journal.options_);
}

}  // namespace attune::inline ATTUNE_ABI

// What namespace journal offers, on any disk.

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL journal::Report verify_journal(Disk& disk, const std::string& directory,
                                           const journal::VerifyOptions& options = {});
ATTUNE_DECL journal::Recovery recover_journal(const std::shared_ptr<Disk>& disk,
                                              const std::string& directory,
                                              const JournalOptions& options = {});
ATTUNE_DECL std::vector<VersionRecord> read_versions(Disk& disk, const std::string& directory);
ATTUNE_DECL void compact_journal(const std::shared_ptr<Disk>& disk, const std::string& directory,
                                 std::size_t keep, const JournalOptions& options = {});

/// A journal of these versions, in increasing order, where there is none.
ATTUNE_DECL void create_journal(const std::shared_ptr<Disk>& disk, const std::string& directory,
                                std::span<const VersionRecord> versions,
                                const JournalOptions& options);

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI {

namespace detail {

// Calls f(); what the disk says becomes a JournalError.
template <class F>
auto as_journal_errors(const std::string& directory, F&& f) {
    try {
        return f();
    } catch (const std::system_error& error) {
        refuse_disk_error(error, directory);
    }
}

ATTUNE_DECL std::optional<Hash> hash_of_hex(std::string_view hex) {
    Hash hash{};
    if (hex.size() != 2 * hash.size()) {
        return std::nullopt;
    }
    for (std::size_t i = 0; i != hex.size(); ++i) {
        const std::size_t digit =
            std::string_view("0123456789abcdef")
                .find(static_cast<char>(std::tolower(static_cast<unsigned char>(hex[i]))));
        if (digit == std::string_view::npos) {
            return std::nullopt;
        }
        hash[i / 2] = static_cast<unsigned char>(hash[i / 2] * 16 + digit);
    }
    return hash;
}

ATTUNE_DECL journal::Report report_of(const JournalContent& content) {
    journal::Report report;
    report.records = content.records;
    report.versions = content.version_count;
    report.first = content.first;
    report.last = content.last ? content.last->version : 0;
    report.head = content.records == 0 ? std::string() : to_hex(content.head);
    report.unfinished = content.damage ? 0 : content.tail.written;
    report.damage = content.damage;
    return report;
}

ATTUNE_DECL journal::Report verify_journal(Disk& disk, const std::string& directory,
                                           const journal::VerifyOptions& options) {
    return as_journal_errors(directory, [&] {
        std::optional<Ed25519Key> key;
        if (!options.public_key.empty()) {
            key = journal_key(&Ed25519Key::public_key, options.public_key, directory);
        }
        const std::optional<Hash> expected = hash_of_hex(options.expected_head);
        const JournalContent content =
            read_journal(disk, directory,
                         {.most = 1, .key = key ? &*key : nullptr, .expected = expected});
        journal::Report report = report_of(content);
        if (!options.expected_head.empty() && !content.expected_found && !report.damage) {
            const std::string file =
                content.segments.empty() ? directory : content.segments.back().path;
            report.damage = {file, content.end,
                             "the record with the expected hash is not there: what was written "
                             "last, or everything, has been removed or replaced"};
        }
        return report;
    });
}

// A file that survives a loss of power as the original does.
ATTUNE_DECL void copy_aside(Disk& disk, const std::string& from, const std::string& to) {
    write_file_durably(disk, to, read_file(disk, from), 0600);
}

ATTUNE_DECL journal::Recovery recover_journal(const std::shared_ptr<Disk>& disk,
                                              const std::string& directory,
                                              const JournalOptions& options) {
    return as_journal_errors(directory, [&] {
        JournalWriter writer(disk, directory, options);
        const JournalContent content = read_journal(*disk, directory, {.past_damage = true});
        const std::vector<VersionRecord> versions = content.versions();
        journal::Recovery recovery;
        recovery.versions = versions.size();
        if (!content.damage) {
            recovery.report = report_of(content);
            return recovery;
        }
        for (const Version version : content.unreadable) {
            const bool there =
                std::any_of(versions.begin(), versions.end(),
                            [&](const VersionRecord& record) { return record.version == version; });
            if (!there) {
                recovery.lost_first = recovery.lost == 0 ? version : recovery.lost_first;
                recovery.lost_last = version;
                ++recovery.lost;
            }
        }

        // Copied before anything changes, removed after everything has: at any moment there is
        // either the damaged journal or the new one, and the damaged files are somewhere.
        std::string aside;
        for (int number = 1; aside.empty() || disk->exists(aside); ++number) {
            aside = directory + "/damaged-" + std::to_string(number);
        }
        disk->make_directory(aside, 0700);
        disk->sync_directory(directory);
        for (const SegmentFile& file : content.segments) {
            const std::string to = aside + file.path.substr(directory.size());
            copy_aside(*disk, file.path, to);
            recovery.moved.push_back(to);
        }
        writer.replace_by(versions, content.own, content);
        if (versions.empty()) {
            for (const SegmentFile& file : content.segments) {
                disk->remove(file.path);
            }
        }
        recovery.report = report_of(read_journal(*disk, directory, {.most = 1}));
        return recovery;
    });
}

ATTUNE_DECL std::vector<VersionRecord> read_versions(Disk& disk, const std::string& directory) {
    return as_journal_errors(directory, [&] {
        const JournalContent content = read_journal(disk, directory);
        if (content.damage) {
            refuse_damage(*content.damage);
        }
        return content.versions();
    });
}

ATTUNE_DECL void compact_journal(const std::shared_ptr<Disk>& disk, const std::string& directory,
                                 std::size_t keep, const JournalOptions& options) {
    as_journal_errors(directory, [&] {
        JournalWriter writer(disk, directory, options);
        const JournalContent content = read_journal(*disk, directory);
        if (content.damage) {
            refuse_damage(*content.damage);
        }
        std::vector<VersionRecord> versions = content.versions();
        const std::size_t most = std::max<std::size_t>(keep, 1);
        if (versions.size() <= most) {
            return;
        }
        const auto first_left = versions.end() - static_cast<std::ptrdiff_t>(most);
        versions.erase(std::remove_if(versions.begin(), first_left,
                                      [](const VersionRecord& record) { return !record.kept; }),
                       first_left);
        writer.replace_by(versions, content.own, content);
    });
}

ATTUNE_DECL void create_journal(const std::shared_ptr<Disk>& disk, const std::string& directory,
                                std::span<const VersionRecord> versions,
                                const JournalOptions& options) {
    as_journal_errors(directory, [&] {
        JournalWriter writer(disk, directory, options);
        if (!segments_in(*disk, directory).empty()) {
            throw JournalError(JournalFault::disk, directory, 0,
                               "there is a journal already; give an empty directory");
        }
        JournalContent nothing;
        nothing.id = random_id();
        writer.replace_by(versions, {}, nothing);
    });
}

}  // namespace detail

namespace journal {

ATTUNE_DECL Report verify(const std::filesystem::path& directory, const VerifyOptions& options) {
    return detail::verify_journal(*detail::posix_disk(), directory.string(), options);
}

ATTUNE_DECL Recovery recover(const std::filesystem::path& directory,
                             const JournalOptions& options) {
    return detail::recover_journal(detail::posix_disk(), directory.string(), options);
}

ATTUNE_DECL std::vector<VersionRecord> read(const std::filesystem::path& directory) {
    return detail::read_versions(*detail::posix_disk(), directory.string());
}

ATTUNE_DECL void compact(const std::filesystem::path& directory, std::size_t keep,
                         const JournalOptions& options) {
    detail::compact_journal(detail::posix_disk(), directory.string(), keep, options);
}

}  // namespace journal

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI::detail {

/// RFC 3339 in UTC, with as many digits of a second as it takes: `2026-01-31T23:59:59.25Z`.
ATTUNE_DECL std::string rfc3339(std::chrono::system_clock::time_point time);

/// Reads such a time; nothing when the text is another, or in another time zone.
ATTUNE_DECL std::optional<std::chrono::system_clock::time_point> parse_rfc3339(
    std::string_view text);

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL std::string rfc3339(std::chrono::system_clock::time_point time) {
    using namespace std::chrono;
    const auto day = floor<days>(time);
    const year_month_day date(day);
    const hh_mm_ss<nanoseconds> clock(duration_cast<nanoseconds>(time - day));
    std::array<char, 64> buffer;
    int size =
        std::snprintf(buffer.data(), buffer.size(), "%04d-%02u-%02uT%02d:%02d:%02d",
                      static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                      static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                      static_cast<int>(clock.minutes().count()),
                      static_cast<int>(clock.seconds().count()));
    std::string text(buffer.data(), static_cast<std::size_t>(size));
    if (clock.subseconds().count() != 0) {
        size = std::snprintf(buffer.data(), buffer.size(), ".%09d",
                             static_cast<int>(clock.subseconds().count()));
        text.append(buffer.data(), static_cast<std::size_t>(size));
        text.erase(text.find_last_not_of('0') + 1);
    }
    return text + 'Z';
}

ATTUNE_DECL std::optional<std::chrono::system_clock::time_point> parse_rfc3339(
    std::string_view text) {
    using namespace std::chrono;
    const auto number = [&](std::size_t at, std::size_t digits) {
        int value = -1;
        const char* const begin = text.data() + at;
        const auto [end, error] = std::from_chars(begin, begin + digits, value);
        return error == std::errc() && end == begin + digits && *begin != '-' ? value : -1;
    };
    constexpr std::string_view form = "0000-00-00T00:00:00";
    if (text.size() <= form.size() || text.back() != 'Z') {
        return std::nullopt;
    }
    for (std::size_t i = 0; i != form.size(); ++i) {
        if (form[i] != '0' && text[i] != form[i]) {
            return std::nullopt;
        }
    }
    const year_month_day date(year(number(0, 4)), month(static_cast<unsigned>(number(5, 2))),
                              day(static_cast<unsigned>(number(8, 2))));
    const int hour = number(11, 2);
    const int minute = number(14, 2);
    const int second = number(17, 2);
    // What nanoseconds in 64 bits can count to.
    constexpr year first{1678};
    constexpr year last{2261};
    if (date.year() < first || date.year() > last || !date.ok() || hour < 0 || hour > 23 ||
        minute < 0 || minute > 59 || second < 0 || second > 59) {
        return std::nullopt;
    }
    nanoseconds fraction{0};
    if (const std::size_t digits = text.size() - form.size() - 2; text[form.size()] == '.') {
        if (digits == 0 || digits > 9 || number(form.size() + 1, digits) < 0) {
            return std::nullopt;
        }
        fraction = nanoseconds(number(form.size() + 1, digits));
        for (std::size_t i = digits; i != 9; ++i) {
            fraction *= 10;
        }
    } else if (text.size() != form.size() + 1) {
        return std::nullopt;
    }
    const auto whole = sys_days(date) + hours(hour) + minutes(minute) + seconds(second);
    return system_clock::time_point(duration_cast<system_clock::duration>(whole.time_since_epoch() +
                                                                          fraction));
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI {

namespace detail {

ATTUNE_DECL std::string export_name(Version version) {
    std::string digits = std::to_string(version);
    digits.insert(0, digits.size() < 12 ? 12 - digits.size() : 0, '0');
    return digits + ".json";
}

ATTUNE_DECL Document export_document(const VersionRecord& record) {
    Document exported = {{"version", record.version},
                         {"time", rfc3339(record.time)},
                         {"reason", record.reason},
                         {"layer", record.layer}};
    if (record.kept) {
        exported = exported.with("kept", true);
    }
    if (!record.note.empty()) {
        exported = exported.with("note", record.note);
    }
    return exported.with("document", record.document);
}

ATTUNE_DECL VersionRecord import_document(const Document& exported, const std::string& file) {
    const auto refuse = [&](const char* what) {
        throw JournalError(JournalFault::damaged, file, 0,
                           std::string("expected ") + what +
                               ", as journal::export_folder writes it");
    };
    const auto text = [&](std::string_view name) {
        const Document* const value = exported.find(name);
        return value != nullptr && value->is_string() ? std::string(value->as_string())
                                                      : std::string();
    };
    const Document* const version = exported.find("version");
    if (version == nullptr || !version->is_integer() ||
        (!version->is_unsigned() && version->as_int64() < 1)) {
        refuse("a positive \"version\"");
    }
    const auto time = parse_rfc3339(text("time"));
    if (!time) {
        refuse("a \"time\" in UTC such as 2026-01-31T23:59:59Z");
    }
    const Document* const document = exported.find("document");
    if (document == nullptr) {
        refuse("a \"document\"");
    }
    const Document* const kept = exported.find("kept");
    return {version->as_uint64(),
            *time,
            text("reason"),
            text("layer"),
            kept != nullptr && kept->is_bool() && kept->as_bool(),
            text("note"),
            *document};
}

// One line, for a trailer.
ATTUNE_DECL std::string one_line(std::string text) {
    std::replace_if(
        text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
    return text;
}

}  // namespace detail

namespace journal {

ATTUNE_DECL void export_folder(std::span<const VersionRecord> records,
                               const std::filesystem::path& folder) {
    const std::string directory = folder.string();
    try {
        const auto disk = detail::posix_disk();
        disk->make_directory(directory, 0700);
        for (const VersionRecord& record : records) {
            const std::string text = to_text(detail::export_document(record), {.indent = 2}) + '\n';
            detail::write_file_durably(*disk, directory + '/' + detail::export_name(record.version),
                                       text, 0600);
        }
    } catch (const std::system_error& error) {
        throw JournalError(JournalFault::disk, directory, 0, error.what());
    }
}

ATTUNE_DECL void import_folder(const std::filesystem::path& folder,
                               const std::filesystem::path& directory,
                               const JournalOptions& options) {
    const std::string from = folder.string();
    std::vector<VersionRecord> records;
    try {
        const auto disk = detail::posix_disk();
        for (const std::string& name : disk->list(from)) {
            if (name.size() < 17 || !name.ends_with(".json") ||
                name.find_first_not_of("0123456789") != name.size() - 5) {
                continue;
            }
            const std::string file = from + '/' + name;
            const Document exported = parse(detail::read_file(*disk, file), {.name = file});
            records.push_back(detail::import_document(exported, file));
            if (detail::export_name(records.back().version) != name) {
                throw JournalError(JournalFault::damaged, file, 0,
                                   "the file has another version's name");
            }
        }
    } catch (const std::system_error& error) {
        throw JournalError(JournalFault::disk, from, 0, error.what());
    }
    std::sort(records.begin(), records.end(),
              [](const VersionRecord& a, const VersionRecord& b) { return a.version < b.version; });
    detail::create_journal(detail::posix_disk(), directory.string(), records, options);
}

ATTUNE_DECL void export_git(std::span<const VersionRecord> records, std::ostream& out) {
    using namespace std::chrono;
    for (const VersionRecord& record : records) {
        const std::string number = std::to_string(record.version);
        std::string message = record.reason.empty() ? "Version " + number : record.reason;
        message += "\n\nVersion: " + number + '\n';
        if (!record.layer.empty()) {
            message += "Layer: " + detail::one_line(record.layer) + '\n';
        }
        if (record.kept) {
            message +=
                "Kept: " + (record.note.empty() ? "yes" : detail::one_line(record.note)) + '\n';
        }
        const std::string text = to_text(record.document, {.indent = 2}) + '\n';
        const auto seconds_since_1970 =
            std::max<std::int64_t>(0, floor<seconds>(record.time).time_since_epoch().count());
        out << "commit refs/heads/main\ncommitter attune <attune@localhost> "
            << std::to_string(seconds_since_1970) << " +0000\ndata "
            << std::to_string(message.size()) << '\n'
            << message << "\nM 100644 inline config.json\ndata " << std::to_string(text.size())
            << '\n'
            << text << '\n';
    }
}

}  // namespace journal

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI {

struct StoreOptions {
    /// Versions kept for Store::snapshot(version), the current one included; at least 1.
    std::size_t history = 64;
    /// What a key that no bound struct knows means, unless the layer says otherwise. When unset: an
    /// error in local layers; a warning in remote ones, whose publisher may be newer.
    std::optional<UnknownKeys> unknown_keys = std::nullopt;
    /// What time it is, for the times of versions and of layer states; the system clock when empty.
    /// Called inside commits: it must be quick, must not throw and must not use the store.
    std::function<std::chrono::system_clock::time_point()> clock = {};
    /// An observer that runs for longer is reported to Store::on_rejected, once per call and while
    /// it still runs, and listed in the status. Zero: never. The thread that watches transports
    /// looks after this as well: it does not notice an inline observer that holds up itself.
    std::chrono::nanoseconds slow_observer = std::chrono::seconds{1};
    /// Where versions are kept beyond the end of the program: a directory, or a Journal with
    /// options of its own. Nowhere when empty. A store that finds versions there goes on from the
    /// last one; see Store for what that means.
    Journal journal = {};
    /// False: as JournalOptions::sync.
    bool sync = true;
};

struct LayerOptions {
    /// Replaces the transport's own name in errors and status.
    std::string name = {};
    /// For this layer; the store's rule when unset.
    std::optional<UnknownKeys> unknown_keys = std::nullopt;
};

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI {

/// How a layer, or a whole store, is doing.
enum class State : std::uint8_t {
    starting,  ///< nothing has been loaded yet
    ready,     ///< what is served is the newest there is
    stale,     ///< the last good document is served: the newest could not be read, or was refused
    failed,    ///< nothing to serve: the first reading failed
};

/// `starting`, `ready`, `stale` or `failed`.
ATTUNE_DECL std::string_view to_string(State state) noexcept;

/// Why a layer's newest document is not served.
enum class Failure : std::uint8_t {
    none,
    unavailable,  ///< it could not be read
    malformed,    ///< it is not what it should be: no JSON, for example
    refused,      ///< it was read, but bindings, rules or checks refuse it
    not_kept,     ///< the store's journal could not keep it; it is tried again
};

/// `none`, `unavailable`, `malformed`, `refused` or `not kept`.
ATTUNE_DECL std::string_view to_string(Failure failure) noexcept;

/// The last thing that went wrong with a layer. Stays when the layer has recovered.
struct LayerError {
    Failure kind = Failure::none;
    Path path{};  ///< the first value it was about; empty when it was about the whole
    std::chrono::system_clock::time_point time{};
};

/// One layer at one moment. Holds no values.
struct LayerStatus {
    std::string name;  ///< such as `file service.json`
    State state = State::starting;
    std::chrono::system_clock::time_point since{};         ///< of the state
    std::chrono::system_clock::time_point last_success{};  ///< the last reading that was accepted
    /// Since last_success, when the status was asked for: how old what is served may be. Negative
    /// when there was none yet.
    std::chrono::system_clock::duration age{-1};
    Version version = 0;         ///< of the store, that first showed what is served
    std::uint64_t updates = 0;   ///< readings accepted
    std::uint64_t refusals = 0;  ///< readings refused or impossible
    std::uint64_t consecutive_failures = 0;
    LayerError last_error{};
    std::vector<Problem> problems;  ///< of the last failure, while it lasts; without `found`
    std::string revision;           ///< the transport's own mark of what is served
};

/// An observer that has been running for longer than StoreOptions::slow_observer.
struct SlowObserver {
    std::string name;  ///< of what it observes, or ObserveOptions::name
    std::chrono::system_clock::time_point since{};
    std::chrono::nanoseconds running{};
};

/// A store at one moment. Holds no values.
struct StoreStatus {
    /// `starting` while a journal stands in for layers that are not there yet; else `stale` when
    /// any layer or derived value is; else `ready`.
    State state = State::ready;
    Version version = 0;
    std::chrono::system_clock::time_point published{};  ///< when that version was
    std::uint64_t commits = 0;                          ///< versions published
    std::uint64_t refusals = 0;                         ///< candidates refused, explicit ones too
    std::uint64_t observer_errors = 0;                  ///< observers that threw
    std::uint64_t dropped_changes = 0;  ///< merged into later ones: an observer's queue was full
    std::uint64_t slow_calls = 0;       ///< calls of observers that took too long
    std::vector<SlowObserver> slow_observers;  ///< those that run right now
    std::vector<LayerStatus> layers;           ///< lowest first
    std::vector<Problem> warnings;  ///< about what is served: unknown keys that are let through
    std::vector<Staleness> stale;   ///< derived values whose functions failed, see OnError::keep

    /// The rule for a readiness probe: everything that is served was accepted from the layers there
    /// are. A stale store is ready, since it goes on with what was good; a starting one is not.
    bool ready() const noexcept { return state == State::ready || state == State::stale; }
};

/// For people: a line for the store, one per slow observer, one per layer, one per problem.
ATTUNE_DECL std::string to_string(const StoreStatus& status);

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI {

ATTUNE_DECL std::string_view to_string(State state) noexcept {
    switch (state) {
    case State::starting: return "starting";
    case State::ready: return "ready";
    case State::stale: return "stale";
    case State::failed: return "failed";
    }
    return "unknown";
}

ATTUNE_DECL std::string_view to_string(Failure failure) noexcept {
    switch (failure) {
    case Failure::none: return "none";
    case Failure::unavailable: return "unavailable";
    case Failure::malformed: return "malformed";
    case Failure::refused: return "refused";
    case Failure::not_kept: return "not kept";
    }
    return "unknown";
}

ATTUNE_DECL std::string to_string(const StoreStatus& status) {
    std::string text = "version " + std::to_string(status.version) + ", ";
    text += to_string(status.state);
    text += ", " + std::to_string(status.commits) + " commits, " + std::to_string(status.refusals) +
            " refusals";
    const auto count = [&](std::uint64_t number, const char* what) {
        if (number != 0) {
            text += ", " + std::to_string(number) + what;
        }
    };
    count(status.observer_errors, " observer errors");
    count(status.dropped_changes, " dropped changes");
    count(status.slow_calls, " slow observer calls");
    for (const SlowObserver& slow : status.slow_observers) {
        text += "\n  slow observer \"" + slow.name + "\": running for " +
                to_text(std::chrono::ceil<std::chrono::milliseconds>(slow.running));
    }
    for (const LayerStatus& layer : status.layers) {
        text += "\n  " + layer.name + ": ";
        text += to_string(layer.state);
        if (layer.consecutive_failures != 0) {
            text += ", " + std::to_string(layer.consecutive_failures) + " failures in a row";
        }
        for (const Problem& problem : layer.problems) {
            text += "\n    " + to_string(problem);
        }
    }
    for (const Staleness& value : status.stale) {
        text += "\n  stale since version " + std::to_string(value.version) + ": " + value.name +
                ": " + value.error;
    }
    for (const Problem& warning : status.warnings) {
        text += "\n  warning: " + to_string(warning);
    }
    return text;
}

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI {

namespace detail {
class PositionIndex;
}  // namespace detail

/// Where the values of one loaded document came from. Implementations are immutable and may be
/// asked from any thread.
class Source {
public:
    Source() = default;
    Source(const Source&) = delete;
    Source& operator=(const Source&) = delete;
    virtual ~Source() = default;

    /// The origin of the value at `path`, or of its name. When there is nothing at `path`, the
    /// origin of the nearest ancestor that exists.
    virtual Origin locate(const Path& path, Part part) const = 0;
};

/// The source of a document that was parsed from one text.
///
/// Keeps the text and scans it for the first question: positions cost nothing until somebody asks,
/// which is when there is a problem to report. Whoever asks twice will ask again: the second
/// question makes an index, 16 bytes for each value in the text.
class TextSource final : public Source {
public:
    /// `options` as they were given to `parse`; `options.name` becomes Origin::source.
    ATTUNE_DECL TextSource(std::shared_ptr<const std::string> text, ParseOptions options);
    ATTUNE_DECL ~TextSource() override;

    /// O(n) in the length of the text for the first two questions, then O(log n) for each token.
    ATTUNE_DECL Origin locate(const Path& path, Part part) const override;

private:
    const detail::PositionIndex* index() const;

    std::shared_ptr<const std::string> text_;
    ParseOptions options_;
    mutable std::atomic<bool> asked_{false};
    mutable std::atomic<const detail::PositionIndex*> index_{nullptr};
};

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI::detail {

// Where everything in a text stands, for whoever asks often: made by one scan, then O(log n) for
// each token of a path. 16 bytes per value and 4 per line.
//
// A path is known by a hash of 64 bits: two paths of one text with the same hash, which nobody will
// see, would be taken for each other.
class PositionIndex {
public:
    // Of a text below 4 GiB that parses, without duplicate keys. Throws ParseError for others.
    ATTUNE_DECL PositionIndex(std::string_view text, const ParseOptions& options);

    // The text must still be there.
    ATTUNE_DECL Located locate(const Path& path, Part part) const;

private:
    struct Entry {
        std::uint64_t path;
        std::uint32_t key;
        std::uint32_t value;
    };

    const Entry* find(std::uint64_t path) const noexcept;
    Position position_of(std::uint32_t offset) const noexcept;

    std::string_view text_;
    std::uint32_t root_ = 0;
    std::vector<Entry> entries_;        // by path
    std::vector<std::uint32_t> lines_;  // offsets of their beginnings
};

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

inline std::uint64_t hash_below(std::uint64_t parent, std::string_view token) noexcept {
    // The finaliser of MurmurHash3, A. Appleby.
    std::uint64_t hash = parent * 0x9E3779B97F4A7C15 + std::hash<std::string_view>{}(token);
    hash = (hash ^ (hash >> 33)) * 0xFF51AFD7ED558CCD;
    hash = (hash ^ (hash >> 33)) * 0xC4CEB9FE1A85EC53;
    return hash ^ (hash >> 33);
}

ATTUNE_DECL PositionIndex::PositionIndex(std::string_view text, const ParseOptions& options)
    : text_(text) {
    struct Open {
        std::uint64_t path;
        std::size_t next;  // element
        bool object;
    };
    lines_.push_back(text.starts_with("\xEF\xBB\xBF") ? 3 : 0);
    for (std::size_t at = lines_.front(); at < text.size(); ++at) {
        if (text[at] == '\n' ||
            (text[at] == '\r' && (at + 1 == text.size() || text[at + 1] != '\n'))) {
            lines_.push_back(static_cast<std::uint32_t>(at + 1));
        }
    }

    Lexer lexer(text, options);
    const auto offset = [&] { return static_cast<std::uint32_t>(lexer.at() - text.data()); };
    std::vector<Open> open;
    // At the first character of a value.
    const auto enter = [&](std::uint64_t path) {
        const char c = lexer.peek();
        if (c == '{' || c == '[') {
            lexer.take(c);
            open.push_back({path, 0, c == '{'});
        } else if (c == '"') {
            (void)lexer.string();
        } else {
            lexer.word();
        }
    };
    lexer.space();
    root_ = offset();
    enter(0);
    while (!open.empty() && !lexer.done()) {
        lexer.space();
        if (lexer.take(',')) {
            lexer.space();
        }
        if (lexer.take('}') || lexer.take(']')) {
            open.pop_back();
            continue;
        }
        Open& top = open.back();
        Entry entry{0, offset(), 0};
        if (top.object) {
            entry.path = hash_below(top.path, lexer.string());
            lexer.space();
            lexer.take(':');
            lexer.space();
        } else {
            entry.path = hash_below(top.path, std::to_string(top.next++));
        }
        entry.value = offset();
        entries_.push_back(entry);
        enter(entry.path);
    }
    std::sort(entries_.begin(), entries_.end(),
              [](const Entry& a, const Entry& b) { return a.path < b.path; });
}

ATTUNE_DECL const PositionIndex::Entry* PositionIndex::find(std::uint64_t path) const noexcept {
    const auto found = std::lower_bound(entries_.begin(), entries_.end(), path,
                                        [](const Entry& entry, std::uint64_t wanted) {
                                            return entry.path < wanted;
                                        });
    return found != entries_.end() && found->path == path ? &*found : nullptr;
}

ATTUNE_DECL Position PositionIndex::position_of(std::uint32_t offset) const noexcept {
    const auto after = std::upper_bound(lines_.begin() + 1, lines_.end(), offset);
    Position position;
    position.offset = offset;
    position.line = static_cast<std::uint32_t>(after - lines_.begin());
    const std::size_t begin = *(after - 1);
    for (const char c : text_.substr(begin, offset - begin)) {
        position.column += !is_continuation(c);
    }
    return position;
}

ATTUNE_DECL Located PositionIndex::locate(const Path& path, Part part) const {
    std::uint64_t hash = 0;
    std::uint32_t place = root_;
    std::size_t depth = 0;
    for (; depth != path.size(); ++depth) {
        hash = hash_below(hash, path.tokens()[depth]);
        const Entry* const entry = find(hash);
        if (entry == nullptr) {
            break;
        }
        const bool last = depth + 1 == path.size();
        place = last && part == Part::key ? entry->key : entry->value;
    }
    return {position_of(place), depth};
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI {

ATTUNE_DECL TextSource::TextSource(std::shared_ptr<const std::string> text, ParseOptions options)
    : text_(std::move(text)), options_(std::move(options)) {}

ATTUNE_DECL TextSource::~TextSource() { delete index_.load(std::memory_order_relaxed); }

ATTUNE_DECL const detail::PositionIndex* TextSource::index() const {
    const detail::PositionIndex* known = index_.load(std::memory_order_acquire);
    if (known != nullptr || options_.duplicates == Duplicates::last ||
        text_->size() > std::numeric_limits<std::uint32_t>::max() ||
        !asked_.exchange(true, std::memory_order_relaxed)) {
        return known;
    }
    try {
        auto made = std::make_unique<const detail::PositionIndex>(*text_, options_);
        if (index_.compare_exchange_strong(known, made.get(), std::memory_order_acq_rel)) {
            known = made.release();
        }
    } catch (const ParseError&) {
        // As the scan will find.
    }
    return known;
}

ATTUNE_DECL Origin TextSource::locate(const Path& path, Part part) const {
    Origin origin;
    origin.source = options_.name;
    detail::Located located;
    if (const detail::PositionIndex* const known = index()) {
        located = known->locate(path, part);
        origin.line = located.position.line;
        origin.column = located.position.column;
    } else if (detail::locate_nearest(*text_, path, part, options_, located)) {
        origin.line = located.position.line;
        origin.column = located.position.column;
    }
    return origin;
}

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI {

class Poller;

/// How the name of a Text is to be read.
enum class Naming : std::uint8_t {
    path,        ///< a path as written: `server.port`, or a JSON Pointer
    variable,    ///< an environment variable without its prefix: `SERVER_POOL_SIZE`
    option,      ///< a command-line option without its dashes: `server.port`, `no-x`
    positional,  ///< an argument without a name; the value of the option before it, or left over
};

/// One value that came without a type. The store finds its place among the bound structs and
/// decodes it by the type it finds there.
struct Text {
    Naming naming = Naming::path;
    std::string name;
    std::string value;
    Origin origin;
    std::string prefix =
        {};  ///< what stands before the name where a person writes it: `SERVICE_`, `--`
    bool has_value = true;  ///< options only: false for `--name`, without `=value`
};

/// What one reading of a transport brought.
struct Content {
    Document document;                          ///< null when there is nothing
    std::shared_ptr<const Source> source = {};  ///< where its values stand; may be null
    std::vector<Text> texts = {};               ///< values that still need a place
    std::string revision = {};                  ///< the transport's own version mark, if it has one
    std::optional<std::string> variable_prefix = {};  ///< set when it reads environment variables
    bool reads_options = false;                       ///< true when it reads command-line options
    /// Not empty when this is an older reading that stands in for one that could not be had, and
    /// then says why: the layer is stale from the start.
    std::vector<Problem> stale_because = {};
};

/// What a store serves of a layer.
struct Accepted {
    Document document;  ///< as the transport brought it
    /// The same without secrets, and without what nobody has bound, of which nobody knows whether
    /// it is secret. Null while nothing is bound.
    Document without_secrets;
    std::string revision;
};

/// The store's side of a running transport. The store keeps it valid until Transport::stop has
/// returned. Calls for one transport must not overlap.
class Feed {
public:
    virtual ~Feed() = default;

    /// A new reading. Commits on the calling thread; a refusal is reported by the store, which
    /// keeps the last good version.
    virtual void content(Content content) = 0;

    /// The transport could not bring a document: the last good one stays, the layer turns stale
    /// and the problems go to Store::on_rejected and Layer::status.
    virtual void failed(std::vector<Problem> problems) = 0;

    /// The transport works, and nothing has changed: ends a stale state.
    virtual void unchanged() = 0;

    /// The store's thread for file descriptors and timers.
    virtual Poller& poller() = 0;
};

/// Where documents come from: a file, a server, memory.
///
/// A transport brings one document and, once started, its later states. It judges nothing: merging,
/// binding and validation are the store's. `load` is called before `start`, and again by
/// Layer::reload; `load`, `start` and `stop` never overlap.
class Transport {
public:
    virtual ~Transport() = default;

    /// For people: `file service.json`. Constant.
    virtual std::string name() const = 0;

    /// Reads the present state. Throws Rejected or ParseError when that is impossible.
    virtual Content load() = 0;

    /// Begins to watch. Whatever changed since `load` must be delivered; nothing equal may be.
    virtual void start(Feed&) {}

    /// Ends the watch. After it has returned the feed is not called again; when called from inside
    /// a feed call, that call is the last.
    virtual void stop() noexcept {}

    /// True when the publisher is another program that may be newer than this one: unknown keys
    /// are then warnings by default.
    virtual bool remote() const noexcept { return false; }

    /// True when Layer::set may replace the document.
    virtual bool writable() const noexcept { return false; }

    /// Keeps what Layer::set makes of the document, for a transport whose document lives elsewhere.
    /// Called inside the commit, before anybody sees the document; throws Rejected when it cannot,
    /// or when somebody else has written since `revision`: then nothing has changed. Returns the
    /// new revision.
    virtual std::string save(const Document&, const std::string& revision) { return revision; }

    /// True when `accepted` is to be called.
    virtual bool wants_accepted() const noexcept { return false; }

    /// What the store now serves of this layer: after each content that was accepted, and again
    /// when a binding is added. Outside of commits, on the thread that did it; calls do not overlap
    /// and the last one is the newest.
    virtual void accepted(const Accepted&) {}
};

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI::detail {

/// A rule does not hold: thrown by its node inside a commit.
struct BrokenRule {};

class JournalSink;

/// A change of a layer by the program.
struct LayerEdit {
    std::function<Document(const Document&)> apply;
    std::string reason;
    const Path* within = nullptr;  ///< the only place where it changes anything, when there is one

    /// Puts `value` at `path`. Both outlive the edit.
    ATTUNE_DECL static LayerEdit set(const Path& path, Document& value);
};

/// The engine of a store, free of the bound types. A Store owns it; handles, layers and
/// subscriptions know it, and find it closed once the store is gone.
///
/// A commit runs under one mutex, on the thread of whoever brought the change:
///
///   layers -> merged document -> the bindings whose subtree differs -> decoded values
///          -> those that are not equal to the old ones -> frame -> one store of one pointer
///
/// Whatever fails on the way leaves everything as it was. Observers are offered the new values
/// under the mutex, which fixes the order, and run after it was let go.
class Core : public std::enable_shared_from_this<Core> {
public:
    ATTUNE_DECL static std::shared_ptr<Core> make(StoreOptions options);
    ATTUNE_DECL ~Core();
    Core(const Core&) = delete;
    Core& operator=(const Core&) = delete;

    /// Ends transports, observers and threads. What is called afterwards throws std::logic_error or
    /// does nothing.
    ATTUNE_DECL void close() noexcept;

    // Layers. Ids are never used again.
    ATTUNE_DECL std::uint64_t add(std::unique_ptr<Transport> transport, LayerOptions options);
    ATTUNE_DECL void remove(std::uint64_t layer);
    ATTUNE_DECL Commit reload(std::uint64_t layer);
    ATTUNE_DECL Commit write(std::uint64_t layer, const Path& path, Document value);
    ATTUNE_DECL LayerStatus layer_status(std::uint64_t layer) const;

    /// The node of that place and type; made, decoded and published when it is new.
    ATTUNE_DECL Ref<GraphNode> bind(const Path& path, const BoundKind& kind);

    /// Takes a new node into the graph with its first value. `inputs` are what its function reads
    /// each time; empty when it finds out by itself.
    ATTUNE_DECL Ref<GraphNode> derive(Ref<DerivedNode> node, std::span<GraphNode* const> inputs,
                                      DeriveOptions options);
    /// Takes a rule into the graph for good, if it holds.
    ATTUNE_DECL void require(Ref<DerivedNode> rule, std::span<GraphNode* const> inputs);

    ATTUNE_DECL std::string name_of(const GraphNode& node) const;
    ATTUNE_DECL void rename(GraphNode& node, std::string name);
    ATTUNE_DECL std::optional<Staleness> staleness_of(const GraphNode& node) const;
    /// Takes abandoned nodes out of the graph, unless a commit is going on, which will do it.
    ATTUNE_DECL void tidy_graph() noexcept;

    ATTUNE_DECL Commit transact(const std::function<void(attune::Edit&)>& edits,
                                TransactOptions options);
    /// A layer above all others; returns its id.
    ATTUNE_DECL std::uint64_t begin_scope(Document document);
    ATTUNE_DECL void end_scope(std::uint64_t layer) noexcept;
    ATTUNE_DECL std::vector<NodeStatus> graph() const;

    /// Writes to the layer "overrides", above all transports.
    ATTUNE_DECL Commit override_with(LayerEdit edit);

    ATTUNE_DECL Version version() const noexcept;
    /// A retained frame with a reference; throws std::out_of_range.
    ATTUNE_DECL const Frame* acquire(Version version) const;
    ATTUNE_DECL StoreStatus status() const;
    ATTUNE_DECL bool settle(std::chrono::steady_clock::time_point deadline);
    ATTUNE_DECL void check() const;
    ATTUNE_DECL std::string usage() const;
    ATTUNE_DECL Document schema() const;
    ATTUNE_DECL std::string reference() const;

    // History.
    ATTUNE_DECL std::vector<VersionInfo> history() const;
    ATTUNE_DECL void keep(Version version, std::string note);
    ATTUNE_DECL void forget(Version version);
    ATTUNE_DECL Document diff(Version from, Version to, Secrets secrets) const;
    ATTUNE_DECL Document merge_diff(Version from, Version to, Secrets secrets) const;
    ATTUNE_DECL std::vector<Path> changed_between(Version from, Version to) const;
    ATTUNE_DECL std::string render_diff(Version from, Version to, Secrets secrets) const;
    /// See Snapshot: of a node that was made after the frame.
    ATTUNE_DECL const CellBase& past_cell(const GraphNode& node, const Frame& frame);
    ATTUNE_DECL Commit rollback(Version version, const Path& path);
    ATTUNE_DECL Commit release_rollback();

    ATTUNE_DECL Explanation explain(const Path& path) const;
    ATTUNE_DECL Explanation explain(const GraphNode& node) const;
    ATTUNE_DECL std::vector<Explanation> explain() const;
    const std::shared_ptr<FrameChain>& chain() const noexcept { return chain_; }
    ATTUNE_DECL NodeHome& home() const noexcept;
    const std::shared_ptr<DeliveryHub>& hub() const noexcept { return hub_; }

    /// Adds an observer of `node` that is told of every version after the present one; of the
    /// present one too, and first, on this thread, when `now` is set.
    ATTUNE_DECL void observe(GraphNode& node, std::shared_ptr<ValueDelivery> observer, bool now);
    ATTUNE_DECL void observe_rejections(std::shared_ptr<RejectionObserver> observer);

    /// Evaluates `check` now and after each publication until it is true, the time is over or the
    /// store closes; its last verdict.
    ATTUNE_DECL bool wait_until(std::chrono::steady_clock::time_point deadline,
                                const std::function<bool()>& check);

    // For the feeds of running transports.
    ATTUNE_DECL void deliver(std::uint64_t layer, Content content);
    ATTUNE_DECL void fail(std::uint64_t layer, std::vector<Problem> problems);
    ATTUNE_DECL void confirm(std::uint64_t layer);

private:
    struct State;
    struct LayerEntry;
    struct Addition;
    struct Candidate;
    struct Proposal;
    struct Published;

    Core(StoreOptions options, std::shared_ptr<FrameChain> chain);
    /// Begins where a journal ends.
    void restore(std::unique_ptr<JournalSink> sink, const Document& own);
    /// Lets the layers show again, if nothing else has done so.
    void end_restored();

    Commit write_layer(std::uint64_t layer, LayerEdit edit);
    Commit reload_now(std::uint64_t layer);
    /// Tries contents that were refused once more, after something else has changed.
    void retry_refused();
    void publish_rejection(Rejection rejection);
    void observer_threw(const ObserverName& observer, const std::exception_ptr& thrown);
    void report_observer(const ObserverName& observer, const std::string& text);
    void report_notices();
    void watch_calls();
    /// Destroys layers, later when this is a callback of one of them.
    static void discard(std::vector<std::shared_ptr<LayerEntry>> layers, Poller* poller) noexcept;
    /// After the mutex was let go: runs what is due, reclaims what nobody sees.
    void finish(Published& published);
    /// Tells transports that want to know it what is served of them.
    void tell_accepted();
    /// What is bound, for whoever looks without the mutex.
    std::vector<Bound> roots() const;
    void tidy();
    Commit ticket(const Published& published, const Path* within = nullptr) const;

    const std::shared_ptr<FrameChain> chain_;
    const std::shared_ptr<DeliveryHub> hub_;
    const std::unique_ptr<State> state_;
    std::atomic<std::chrono::steady_clock::duration> last_collect_{};
};

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

/// Nodes that wait for their turn, by height. Belongs to a store; kept between commits for its
/// memory.
struct PropagationQueue {
    std::vector<DerivedNode*> by_height;  ///< heads of lists by DerivedNode::next_queued
    std::vector<GraphNode*> observed;     ///< nodes with a new value and somebody to be told
    std::uint64_t passes = 0;
};

/// A derived value reads itself, by way of others. `what` names them all.
class CycleError : public std::logic_error {
public:
    using std::logic_error::logic_error;
};

/// One pass over the graph, on a candidate: brings the derived values up to date with the sources
/// that changed.
///
/// Nodes run in the order of their heights, each at most once, and only when something they read
/// has changed. A function may read a node it has not read before; should that one's turn be yet to
/// come, it is brought up to date first. What the functions read by their present runs becomes
/// their edges in finish(), after the candidate was accepted: one that is refused leaves the graph
/// as it was.
///
/// Cost follows the nodes that run and the edges to and from them.
class Propagation {
public:
    /// Why a node has no value for the candidate.
    struct Failure {
        GraphNode* node;
        std::exception_ptr thrown;
    };

    ATTUNE_DECL Propagation(FrameDraft& draft, PropagationQueue& queue);
    ATTUNE_DECL ~Propagation();
    Propagation(const Propagation&) = delete;
    Propagation& operator=(const Propagation&) = delete;

    /// The draft has a new value in that node's slot.
    ATTUNE_DECL void changed(GraphNode& node);
    /// A source has no value for the candidate, and nothing that reads it will have one.
    ATTUNE_DECL void lacking(GraphNode& source);
    /// Runs whatever depends on what has changed.
    ATTUNE_DECL void run();
    /// The first value of a node that is not in the graph yet; empty when it failed, or is a rule.
    /// Its inputs may be known already; else they are those it reads.
    ATTUNE_DECL CellPtr first_value(DerivedNode& node);

    /// Vetoes, in the order in which they came.
    const std::vector<Failure>& failures() const noexcept { return failures_; }
    /// Does the draft have a value of the node that fits the candidate? After run().
    ATTUNE_DECL bool has_value(const GraphNode& node) const noexcept;
    /// Nodes with a new value and observers, sources among them; valid until the next pass.
    const std::vector<GraphNode*>& observed_nodes() const noexcept { return queue_.observed; }

    /// After publication: edges and heights become those of the runs of this pass, and what failed
    /// without a veto becomes stale.
    ATTUNE_DECL void finish(Version version, std::chrono::system_clock::time_point now);

private:
    friend class Evaluation;
    using Clock = std::chrono::steady_clock;

    /// A node read something else than it did the last time.
    struct Rewiring {
        DerivedNode* node;
        EdgeList inputs;
    };
    /// A node keeps its value in spite of an error.
    struct Lapse {
        DerivedNode* node;
        std::string error;  ///< empty when it has recovered
    };

    bool settled(const GraphNode& node) const noexcept {
        return node.height < floor_ ||
               (static_cast<const DerivedNode&>(node).mark == done_ && !node.running);
    }
    void enqueue(DerivedNode& node);
    // What is rare has functions of its own, which keep it out of the way of what is not.
    [[gnu::cold]] void grow(std::uint32_t height);
    [[gnu::cold]] void note_observed(GraphNode& node);
    [[gnu::cold]] static void note_time(DerivedNode& node, Clock::time_point begin) noexcept;
    [[gnu::cold]] void note_outcome(Evaluation& run, bool failed);
    void run_node(DerivedNode& node);
    CellPtr evaluate(DerivedNode& node, const CellBase* before);
    [[gnu::cold]] void fail(DerivedNode& node);
    void refresh(DerivedNode& node);
    [[noreturn]] void refuse_cycle(const std::vector<DerivedNode*>& trail, const DerivedNode& node);

    FrameDraft& draft_;
    PropagationQueue& queue_;
    // Marks of this pass: grow from pass to pass.
    const std::uint64_t queued_;
    const std::uint64_t done_;
    std::uint32_t floor_ = UINT32_MAX;  ///< every node below this height is up to date
    std::size_t top_ = 0;               ///< no list above this height
    Evaluation* innermost_ = nullptr;   ///< of the functions that run right now
    std::vector<Failure> failures_;
    std::vector<Rewiring> rewirings_;
    std::vector<Lapse> lapses_;
    std::exception_ptr cycle_;
};

/// What a function sees while it runs: the values of the candidate.
class Evaluation {
public:
    Evaluation(Propagation& pass, DerivedNode& node) noexcept
        : pass_(pass), node_(node), outer_(std::exchange(pass.innermost_, this)) {
        node.running = true;
    }
    ~Evaluation() {
        node_.running = false;
        pass_.innermost_ = outer_;
    }
    Evaluation(const Evaluation&) = delete;
    Evaluation& operator=(const Evaluation&) = delete;

    /// The value of the input of that number. For functions that read the same nodes each time.
    [[gnu::always_inline]] const CellBase& input(std::size_t i) const {
        const GraphNode& node = node_.inputs.input(i);
        if (!pass_.failures_.empty()) [[unlikely]] {
            require_value(node);
        }
        return *pass_.draft_.cell(node.slot);
    }
    /// The value of any node of the same store, which becomes an input. Throws CycleError, and
    /// std::logic_error for a node of another store.
    const CellBase& read(GraphNode& node) {
        if (reads_ == nullptr && in_step_ != node_.inputs.size() &&
            &node_.inputs.input(in_step_) == &node) [[likely]] {
            ++in_step_;
        } else {
            read_out_of_step(node);
        }
        if (!pass_.failures_.empty()) [[unlikely]] {
            require_value(node);
        }
        return *pass_.draft_.cell(node.slot);
    }
    /// Before the first read.
    void track() noexcept { tracks_ = true; }

private:
    friend class Propagation;
    ATTUNE_DECL void require_value(const GraphNode& node) const;
    ATTUNE_DECL void read_out_of_step(GraphNode& node);

    /// True when the node is read for the first time, and was no input before.
    bool note_read(GraphNode& node);
    /// True when this run has read what the one before has.
    bool as_before() const noexcept;
    std::span<GraphNode* const> all_reads();

    Propagation& pass_;
    DerivedNode& node_;
    Evaluation* const outer_;
    // A function mostly reads what it read the last time, in the same order: then there is nothing
    // to be noted but how far it has got.
    bool tracks_ = false;
    std::uint32_t in_step_ = 0;  // reads equal to the first inputs of the node
    struct Reads {
        std::vector<GraphNode*> all;
        std::vector<GraphNode*> sorted;  // the same, by address
    };
    std::unique_ptr<Reads> reads_;  // once one differs
};

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

/// Ends a function that reads a value which does not exist, since its own function has failed.
struct InputFailed {};

ATTUNE_DECL Propagation::Propagation(FrameDraft& draft, PropagationQueue& queue)
    : draft_(draft), queue_(queue), queued_(2 * ++queue_.passes), done_(queued_ + 1) {
    queue_.observed.clear();
}

ATTUNE_DECL Propagation::~Propagation() {
    // Empty already, unless memory ran out.
    std::fill(queue_.by_height.begin(), queue_.by_height.end(), nullptr);
}

ATTUNE_DECL void Propagation::enqueue(DerivedNode& node) {
    if (node.mark >= queued_ || node.abandoned()) {
        return;
    }
    if (node.height >= queue_.by_height.size()) [[unlikely]] {
        grow(node.height);
    }
    node.mark = queued_;
    node.next_queued = std::exchange(queue_.by_height[node.height], &node);
    top_ = std::max<std::size_t>(top_, node.height);
}

ATTUNE_DECL void Propagation::note_observed(GraphNode& node) { queue_.observed.push_back(&node); }

ATTUNE_DECL void Propagation::grow(std::uint32_t height) { queue_.by_height.resize(height + 1); }

ATTUNE_DECL void Propagation::changed(GraphNode& node) {
    if (node.observers) [[unlikely]] {
        note_observed(node);
    }
    for (const Edge* edge = node.readers; edge != nullptr; edge = edge->next) {
        enqueue(*edge->reader);
    }
}

ATTUNE_DECL void Propagation::lacking(GraphNode& source) {
    failures_.push_back({&source, nullptr});
    changed(source);
}

ATTUNE_DECL bool Propagation::has_value(const GraphNode& node) const noexcept {
    const auto is_node = [&](const auto& other) { return other.node == &node; };
    return std::none_of(failures_.begin(), failures_.end(), is_node) &&
           std::none_of(lapses_.begin(), lapses_.end(), [&](const Lapse& lapse) {
               return is_node(lapse) && !lapse.error.empty();
           });
}

ATTUNE_DECL void Propagation::run() {
    // What runs puts its readers into higher lists only.
    for (std::size_t height = 0; height <= top_ && height < queue_.by_height.size(); ++height) {
        floor_ = static_cast<std::uint32_t>(height);
        while (DerivedNode* const node = queue_.by_height[height]) {
            queue_.by_height[height] = node->next_queued;
            if (node->mark == queued_) {
                run_node(*node);
            }
        }
    }
    floor_ = UINT32_MAX;
}

ATTUNE_DECL void Propagation::run_node(DerivedNode& node) {
    node.mark = done_;
    const bool rule = node.slot == GraphNode::no_slot;
    const CellBase* const before = rule ? nullptr : draft_.cell(node.slot);
    CellPtr cell = evaluate(node, before);
    if (cell) {
        draft_.set(node.slot, std::move(cell));
        changed(node);
    }
}

ATTUNE_DECL CellPtr Propagation::first_value(DerivedNode& node) {
    node.mark = done_;
    return evaluate(node, nullptr);
}

ATTUNE_DECL CellPtr Propagation::evaluate(DerivedNode& node, const CellBase* before) {
    // Looking at the clock would cost more than most functions do.
    constexpr std::uint64_t timed_run = 128;
    Evaluation now{*this, node};
    const bool timed = node.runs % timed_run == 0;
    const auto begin = timed ? Clock::now() : Clock::time_point{};
    bool failed = false;
    CellPtr cell = [&]() -> CellPtr {
        try {
            return node.compute(now, before);
        } catch (...) {
            failed = true;
            fail(node);
            return {};
        }
    }();
    ++node.runs;
    if (timed) [[unlikely]] {
        note_time(node, begin);
    }
    if (!cell && !failed && before != nullptr && node.cut_offs != UINT32_MAX) {
        ++node.cut_offs;
    }
    if (cycle_ || node.stale || now.tracks_) [[unlikely]] {
        note_outcome(now, failed);
    }
    return cell;
}

ATTUNE_DECL void Propagation::note_time(DerivedNode& node, Clock::time_point begin) noexcept {
    const auto spent = (Clock::now() - begin) / std::chrono::nanoseconds{1};
    node.nanoseconds = static_cast<std::uint32_t>(std::min<std::int64_t>(spent, UINT32_MAX));
}

ATTUNE_DECL void Propagation::note_outcome(Evaluation& run, bool failed) {
    DerivedNode& node = run.node_;
    if (cycle_ && failures_.empty()) {
        failures_.push_back({&node, cycle_});  // though the function has swallowed it
    }
    if (node.stale && !failed) {
        lapses_.push_back({&node, {}});
    }
    // What was read is what the outcome depends on, be it a value, the same value, or an error.
    if (run.tracks_ && !run.as_before()) {
        rewirings_.push_back({&node, EdgeList{run.all_reads()}});
    }
}

/// Called while what the function of `node` has thrown is being handled.
ATTUNE_DECL void Propagation::fail(DerivedNode& node) {
    const bool first = node.runs == 0;
    const bool vetoes = !node.keeps_on_error || first || cycle_;
    std::string error = "threw an exception that is no std::exception";
    try {
        throw;
    } catch (const InputFailed&) {
        failures_.push_back({&node, nullptr});
        return;
    } catch (const std::exception& exception) {
        if (!vetoes) {
            error = exception.what();
        }
    } catch (...) {
    }
    if (vetoes) {
        failures_.push_back({&node, std::current_exception()});
    } else {
        lapses_.push_back({&node, std::move(error)});
    }
}

// A walk up to what has changed, and back: only nodes that are not up to date are entered.
ATTUNE_DECL void Propagation::refresh(DerivedNode& wanted) {
    struct Step {
        DerivedNode* node;
        std::size_t input;
    };
    std::vector<Step> open;
    const auto enter = [&](DerivedNode& node) {
        if (node.running) {
            std::vector<DerivedNode*> trail;
            for (const Step& step : open) {
                trail.push_back(step.node);
            }
            refuse_cycle(trail, node);
        }
        open.push_back({&node, 0});
    };
    enter(wanted);
    while (!open.empty()) {
        Step& step = open.back();
        DerivedNode& node = *step.node;
        if (step.input != node.inputs.size()) {
            GraphNode& input = node.inputs.input(step.input++);
            if (input.height != 0 && !settled(input)) {
                enter(static_cast<DerivedNode&>(input));
            }
            continue;
        }
        open.pop_back();
        if (node.mark == queued_) {
            run_node(node);
        }
        node.mark = done_;
    }
}

ATTUNE_DECL void Propagation::refuse_cycle(const std::vector<DerivedNode*>& trail,
                                           const DerivedNode& node) {
    std::string names;
    for (const Evaluation* one = innermost_; &one->node_ != &node; one = one->outer_) {
        names.insert(0, " -> " + one->node_.name());
    }
    names.insert(0, node.name());
    for (const DerivedNode* between : trail) {
        names += " -> " + between->name();
    }
    names += " -> " + node.name();
    cycle_ =
        std::make_exception_ptr(CycleError{"derived values read each other in a circle: " + names});
    std::rethrow_exception(cycle_);
}

ATTUNE_DECL void Propagation::finish(Version version, std::chrono::system_clock::time_point now) {
    for (Rewiring& rewiring : rewirings_) {
        DerivedNode& node = *rewiring.node;
        node.inputs = std::move(rewiring.inputs);
        node.inputs.link(node);
        node.settle_height();
    }
    for (Lapse& lapse : lapses_) {
        DerivedNode& node = *lapse.node;
        const bool was_stale = std::exchange(node.stale, !lapse.error.empty());
        if (node.notes == nullptr) {
            node.notes = std::make_unique<NodeNotes>();
        }
        node.notes->error = std::move(lapse.error);
        if (!was_stale) {
            node.notes->since = now;
            node.notes->version = version;
        }
    }
}

ATTUNE_DECL void Evaluation::require_value(const GraphNode& node) const {
    for (const auto& failure : pass_.failures_) {
        if (failure.node == &node) {
            throw InputFailed{};
        }
    }
}

ATTUNE_DECL bool Evaluation::as_before() const noexcept {
    const std::size_t size = node_.inputs.size();
    if (reads_ == nullptr) {
        return in_step_ == size;
    }
    bool same = reads_->all.size() == size;
    for (std::size_t i = 0; same && i != size; ++i) {
        same = reads_->all[i] == &node_.inputs.input(i);
    }
    return same;
}

ATTUNE_DECL std::span<GraphNode* const> Evaluation::all_reads() {
    if (reads_ == nullptr) {
        reads_ = std::make_unique<Reads>();
        for (std::uint32_t i = 0; i != in_step_; ++i) {
            reads_->all.push_back(&node_.inputs.input(i));
        }
    }
    return reads_->all;
}

ATTUNE_DECL bool Evaluation::note_read(GraphNode& node) {
    constexpr std::uint32_t quickly_searched = 8;
    if (reads_ == nullptr) {
        for (std::uint32_t i = 0; i != std::min(in_step_, quickly_searched); ++i) {
            if (&node_.inputs.input(in_step_ - 1 - i) == &node) {
                return false;
            }
        }
        (void)all_reads();
        reads_->sorted = reads_->all;
        std::sort(reads_->sorted.begin(), reads_->sorted.end());
    }
    auto& sorted = reads_->sorted;
    const auto place = std::lower_bound(sorted.begin(), sorted.end(), &node);
    if (place != sorted.end() && *place == &node) {
        return false;
    }
    sorted.insert(place, &node);
    reads_->all.push_back(&node);
    return true;
}

ATTUNE_DECL void Evaluation::read_out_of_step(GraphNode& node) {
    if (&node.home != &node_.home) {
        throw std::logic_error{"\"" + node_.name() + "\" reads \"" + node.name() +
                               "\", which belongs to another store"};
    }
    if (note_read(node) && node.height != 0 && !pass_.settled(node)) {
        pass_.refresh(static_cast<DerivedNode&>(node));
    }
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

/// All nodes of one store, and their slots in its frames. The writer's, under its mutex.
class Graph {
public:
    explicit Graph(Ref<NodeHome> home) noexcept : home_(std::move(home)) {}

    NodeHome& home() const noexcept { return *home_; }
    /// By slot; null where a slot is empty.
    const std::vector<GraphNode*>& nodes() const noexcept { return nodes_; }
    const std::vector<Ref<DerivedNode>>& rules() const noexcept { return rules_; }

    /// Gives a new node a slot and its first cell in the draft. It is in the graph once the draft
    /// has been published, and placed() was called.
    ATTUNE_DECL void place(GraphNode& node, FrameDraft& draft, CellPtr cell);
    ATTUNE_DECL void placed(GraphNode& node);
    void add_rule(Ref<DerivedNode> rule) { rules_.push_back(std::move(rule)); }

    /// Empties the slots of nodes that are gone; sweep_done() after the draft was published, and
    /// after placed().
    ATTUNE_DECL void sweep(FrameDraft& draft);
    ATTUNE_DECL void sweep_done();

    /// Takes out the nodes nobody refers to, and those that only these referred to. To be destroyed
    /// by destroy(), outside the mutex: what a function holds is the user's.
    ATTUNE_DECL GraphNode* take_abandoned() noexcept;
    ATTUNE_DECL static void destroy(GraphNode* list) noexcept;

    /// Ends the graph: no node derives from another any more, and none is known here.
    ATTUNE_DECL void dissolve() noexcept;

    PropagationQueue queue;

private:
    const Ref<NodeHome> home_;
    std::vector<GraphNode*> nodes_;
    std::vector<Ref<DerivedNode>> rules_;
    std::vector<std::uint32_t> vacated_;  // still filled in the current frame
    std::vector<std::uint32_t> free_;
};

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL void Graph::place(GraphNode& node, FrameDraft& draft, CellPtr cell) {
    if (nodes_.size() == nodes_.capacity()) {
        nodes_.reserve(2 * nodes_.size() + 1);  // so that placed() cannot throw
    }
    if (free_.empty()) {
        node.slot = draft.append(std::move(cell));
    } else {
        node.slot = free_.back();
        draft.set(node.slot, std::move(cell));
    }
    node.born = draft.frame().serial();
}

ATTUNE_DECL void Graph::placed(GraphNode& node) {
    if (node.slot == nodes_.size()) {
        nodes_.push_back(&node);
    } else {
        free_.pop_back();
        nodes_[node.slot] = &node;
    }
}

ATTUNE_DECL void Graph::sweep(FrameDraft& draft) {
    for (const std::uint32_t slot : vacated_) {
        draft.clear(slot);
    }
}

ATTUNE_DECL void Graph::sweep_done() {
    if (!vacated_.empty()) {
        free_.insert(free_.end(), vacated_.begin(), vacated_.end());
        vacated_.clear();
    }
}

ATTUNE_DECL GraphNode* Graph::take_abandoned() noexcept {
    GraphNode* gone = nullptr;
    while (GraphNode* node = home_->take_abandoned()) {
        while (node != nullptr) {
            GraphNode* const next = node->next_abandoned;
            // Letting go of the inputs may abandon these, which the outer loop takes up.
            if (node->height != 0) {
                static_cast<DerivedNode*>(node)->inputs = EdgeList{};
            }
            if (node->slot != GraphNode::no_slot && node->slot < nodes_.size() &&
                nodes_[node->slot] == node) {
                nodes_[node->slot] = nullptr;
                vacated_.push_back(node->slot);
            }
            node->next_abandoned = std::exchange(gone, node);
            node = next;
        }
    }
    return gone;
}

ATTUNE_DECL void Graph::destroy(GraphNode* list) noexcept {
    while (list != nullptr) {
        delete std::exchange(list, list->next_abandoned);
    }
}

ATTUNE_DECL void Graph::dissolve() noexcept {
    for (GraphNode* const node : nodes_) {
        if (node != nullptr && node->height != 0) {
            static_cast<DerivedNode*>(node)->inputs = EdgeList{};
        }
    }
    rules_.clear();
    nodes_.clear();
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

/// Which nodes are bound where: a trie over the tokens of their paths.
class BindingIndex {
public:
    struct Hash : std::hash<std::string_view> {
        using is_transparent = void;
    };
    struct Branch {
        std::unordered_map<std::string, std::unique_ptr<Branch>, Hash, std::equal_to<>> children;
        std::vector<Ref<BoundNode>> nodes;
    };

    /// The node of that kind at `path`, or null.
    ATTUNE_DECL Ref<BoundNode> find(const Path& path, const BoundKind& kind) const;
    ATTUNE_DECL void insert(Ref<BoundNode> node);
    const Branch& root() const noexcept { return root_; }

    /// The nodes whose subtree differs between the two documents. Cost follows the difference: a
    /// subtree that both share is not entered, and a difference that nobody bound is not followed.
    /// When `within` is given, the documents differ at that path, or below or above it, and nowhere
    /// else.
    ATTUNE_DECL std::vector<BoundNode*> affected(const Document& before, const Document& after,
                                                 const Path* within = nullptr) const;

private:
    Branch root_;
};

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL Ref<BoundNode> BindingIndex::find(const Path& path, const BoundKind& kind) const {
    const Branch* branch = &root_;
    for (const std::string& token : path.tokens()) {
        const auto child = branch->children.find(token);
        if (child == branch->children.end()) {
            return {};
        }
        branch = child->second.get();
    }
    const auto found = std::find_if(branch->nodes.begin(), branch->nodes.end(),
                                    [&](const auto& node) { return &node->bound_kind == &kind; });
    return found != branch->nodes.end() ? *found : Ref<BoundNode>{};
}

ATTUNE_DECL void BindingIndex::insert(Ref<BoundNode> node) {
    Branch* branch = &root_;
    for (const std::string& token : node->path.tokens()) {
        auto& child = branch->children[token];
        if (child == nullptr) {
            child = std::make_unique<Branch>();
        }
        branch = child.get();
    }
    branch->nodes.push_back(std::move(node));
}

inline void collect_affected(const BindingIndex::Branch& branch, const Document* before,
                             const Document* after, std::vector<BoundNode*>& affected) {
    if (before == after || (before != nullptr && after != nullptr && before->same(*after))) {
        return;
    }
    for (const auto& node : branch.nodes) {
        affected.push_back(node.get());
    }
    if (branch.children.empty()) {
        return;
    }
    if (before != nullptr && after != nullptr && before->is_object() && after->is_object()) {
        for_each_difference(
            *before, *after,
            [&](std::string_view key, const Document* member_before, const Document* member_after) {
                const auto child = branch.children.find(key);
                if (child != branch.children.end()) {
                    collect_affected(*child->second, member_before, member_after, affected);
                }
            });
        return;
    }
    const auto step = [](const Document* from, const std::string& token) {
        return from != nullptr ? from->find(Path{} / token) : nullptr;
    };
    for (const auto& [token, child] : branch.children) {
        collect_affected(*child, step(before, token), step(after, token), affected);
    }
}

ATTUNE_DECL std::vector<BoundNode*> BindingIndex::affected(const Document& before,
                                                           const Document& after,
                                                           const Path* within) const {
    std::vector<BoundNode*> nodes;
    const Branch* branch = &root_;
    const Document* old = &before;
    const Document* fresh = &after;
    if (within != nullptr) {
        for (const std::string& token : within->tokens()) {
            if (old == nullptr || fresh == nullptr || !old->is_object() || !fresh->is_object() ||
                old->same(*fresh)) {
                break;
            }
            for (const auto& node : branch->nodes) {
                nodes.push_back(node.get());
            }
            const auto child = branch->children.find(token);
            if (child == branch->children.end()) {
                return nodes;
            }
            branch = child->second.get();
            old = old->find(token);
            fresh = fresh->find(token);
        }
    }
    collect_affected(*branch, old, fresh, nodes);
    return nodes;
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

/// Where a layer stands among the others; of one rank, the later one is above.
enum class Rank : std::uint8_t {
    transport,
    restored,  ///< what a journal brought back, until the layers are there again
    rollback,
    overrides,
    scope,
};

/// A place that is kept as it was in an earlier version.
struct Hold {
    Path path;
    std::optional<Document> value;      ///< nothing when there was nothing
    Version version = 0;                ///< where it was so
    std::optional<Document> overrides;  ///< what the program had set there by then
};

/// What one layer contributes to a version. Immutable once it is in a stack.
struct LayerContent {
    std::uint64_t id = 0;
    Rank rank = Rank::transport;
    std::string name;
    UnknownKeys unknown_keys = UnknownKeys::error;
    Content content;                          ///< as the transport brought it
    Document document;                        ///< content.document with the texts in their places
    std::shared_ptr<const Source> source;     ///< of document
    std::vector<std::vector<Target>> places;  ///< where content.texts may belong, one list each
    /// Of what a rollback or a journal brings back, instead of a document: replace whatever lies
    /// below, the later the stronger.
    std::vector<Hold> holds;
};

/// The layers of a version, lowest first. Copies are cheap: only a layer that changes is new.
using LayerStack = std::vector<std::shared_ptr<const LayerContent>>;

/// The document that `after` gives, made from `merged`, which `before` gave: looks only where the
/// layers differ, and shares everything else.
///
/// Objects merge key by key, the later layer wins; arrays and scalars replace whole; null in a
/// higher layer masks what lies below it, and stays. A document that is null as a whole
/// contributes nothing. Below a layer with holds everything is merged anew.
ATTUNE_DECL Document remerge(const Document& merged, const LayerStack& before,
                             const LayerStack& after);

/// What the program has set, as it holds when there is no rollback.
ATTUNE_DECL Document overrides_in(const LayerStack& stack);

/// What a layer says about one place.
struct Say {
    const Document* value = nullptr;  ///< null when it has none there
    bool decides = false;             ///< layers below have nothing to say about it
};
ATTUNE_DECL Say say_of(const LayerContent& layer, const Path& path) noexcept;

/// What the layer holds below `path`, as the value there; nothing when it has no value there.
ATTUNE_DECL std::optional<Document> held_below(const LayerContent& layer, const Path& path);

/// Where what the layer has at `path` comes from.
ATTUNE_DECL Origin origin_in(const LayerContent& layer, const Path& path, Part part);

/// Which layer a value comes from, and how unknown keys there are judged. Refers to the stack.
class StackProvenance final : public Provenance {
public:
    explicit StackProvenance(const LayerStack& stack) noexcept : stack_(stack) {}
    ATTUNE_DECL Origin origin(const Path& path, Part part) const override;
    ATTUNE_DECL UnknownKeys unknown_keys(const Path& path) const override;

private:
    const LayerContent* winner(const Path& path) const noexcept;
    const LayerStack& stack_;
};

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

/// What each layer has at one place, before and after.
using LayerDeltas = std::span<const Delta>;

inline std::vector<std::string_view> differing_keys(LayerDeltas deltas) {
    std::vector<std::string_view> keys;
    for (const Delta& delta : deltas) {
        if (delta.same()) {
            continue;
        }
        if (delta.before != nullptr && delta.after != nullptr) {
            for (Differences difference(*delta.before, *delta.after); difference.next();) {
                keys.push_back(difference.key());
            }
        } else {
            const Document& only = delta.before != nullptr ? *delta.before : *delta.after;
            for (const auto& member : only.members()) {
                keys.push_back(member.key);
            }
        }
    }
    std::sort(keys.begin(), keys.end());
    std::size_t kept = 0;
    for (const std::string_view key : keys) {
        if (kept == 0 || key != keys[kept - 1]) {
            keys[kept++] = key;
        }
    }
    keys.resize(kept);
    return keys;
}

/// The deltas of one member, kept in `room`. Those below a layer that masks them are left out: each
/// would be looked up in a document of its own.
inline LayerDeltas deltas_at(std::string_view key, LayerDeltas deltas, std::vector<Delta>& room) {
    std::size_t first = deltas.size();
    while (first != 0) {
        const auto [before, after] = deltas[--first];
        Delta& here = room[first];
        here.after = after != nullptr ? after->find(key) : nullptr;
        here.before = before == after     ? here.after
                      : before != nullptr ? before->find(key)
                                          : nullptr;
        if (here.after != nullptr && !here.after->is_object()) {
            break;
        }
    }
    return LayerDeltas{room}.subspan(first);
}

/// The only layer that has, or had, anything here; null when there are several.
inline const Delta* only_one(LayerDeltas deltas) noexcept {
    const Delta* found = nullptr;
    for (const Delta& delta : deltas) {
        if (delta.before != nullptr || delta.after != nullptr) {
            if (found != nullptr) {
                return nullptr;
            }
            found = &delta;
        }
    }
    return found;
}

/// `merged` is what stood here before, null for nothing; so is the result.
inline std::optional<Document> remerge_at(const Document* merged, LayerDeltas deltas) {
    bool same = true;
    bool gone = true;
    bool objects = merged != nullptr && merged->is_object();
    for (const Delta& delta : deltas) {
        same = same && delta.same();
        gone = gone && delta.after == nullptr;
        objects = objects && (delta.before == nullptr || delta.before->is_object()) &&
                  (delta.after == nullptr || delta.after->is_object());
    }
    if (same) {
        return merged != nullptr ? std::optional{*merged} : std::nullopt;
    }
    if (gone) {
        return std::nullopt;
    }
    if (const Delta* const only = only_one(deltas);
        only != nullptr &&
        (only->before != nullptr ? merged != nullptr && merged->same(*only->before)
                                 : merged == nullptr)) {
        return *only->after;  // shared with the layer, as it was before
    }
    if (objects) {
        Document result = *merged;
        std::vector<Delta> below(deltas.size());
        for (const std::string_view key : differing_keys(deltas)) {
            const LayerDeltas relevant = deltas_at(key, deltas, below);
            const Document* const old = merged->find(key);
            std::optional<Document> fresh = remerge_at(old, relevant);
            if (!fresh) {
                if (old != nullptr) {
                    result = result.without(Path{} / key);
                }
            } else if (old == nullptr || !old->same(*fresh)) {
                result = result.with(Path{} / key, std::move(*fresh));
            }
        }
        return result;
    }
    std::optional<Document> folded;
    for (const Delta& delta : deltas) {
        if (delta.after != nullptr) {
            folded = folded ? merge(*folded, *delta.after) : *delta.after;
        }
    }
    return merged != nullptr ? reconcile(*merged, *folded) : *folded;
}

/// `below` with the hold's value from the token `depth` of its path on; null and nothing stand for
/// nothing.
inline std::optional<Document> held(const Document* below, const Hold& hold,
                                    std::size_t depth = 0) {
    if (depth == hold.path.size()) {
        return hold.value;
    }
    const bool is_object = below != nullptr && below->is_object();
    if (!hold.value && !is_object) {
        return below != nullptr ? std::optional{*below} : std::nullopt;
    }
    const Document object = is_object ? *below : Document::object();
    const std::string& token = hold.path.tokens()[depth];
    std::optional<Document> value = held(object.find(token), hold, depth + 1);
    return value ? object.with(Path{{token}}, *std::move(value)) : object.without(Path{{token}});
}

/// The stack as plain layers: those with holds and all that lies below become one.
inline LayerStack without_holds(const LayerStack& stack) {
    const auto last = std::find_if(stack.rbegin(), stack.rend(),
                                   [](const auto& layer) { return !layer->holds.empty(); });
    if (last == stack.rend()) {
        return stack;
    }
    std::optional<Document> merged;
    for (auto layer = stack.begin(); layer != last.base(); ++layer) {
        const Document& document = (*layer)->document;
        if (!document.is_null()) {
            merged = merged ? merge(*merged, document) : document;
        }
        for (const Hold& hold : (*layer)->holds) {
            merged = held(merged ? &*merged : nullptr, hold);
        }
    }
    auto plain = std::make_shared<LayerContent>();
    plain->id = (*last)->id;
    plain->document = merged.value_or(Document{});
    LayerStack result{std::move(plain)};
    result.insert(result.end(), last.base(), stack.end());
    return result;
}

inline Document remerge_plain(const Document& merged, const LayerStack& before,
                              const LayerStack& after) {
    const auto contribution = [](const LayerContent& layer) {
        return layer.document.is_null() ? nullptr : &layer.document;
    };
    const auto find = [](const LayerStack& stack, std::uint64_t id) -> const LayerContent* {
        for (const auto& layer : stack) {
            if (layer->id == id) {
                return layer.get();
            }
        }
        return nullptr;
    };
    std::vector<Delta> deltas;
    deltas.reserve(before.size() + after.size());
    for (const auto& layer : after) {
        const LayerContent* const old = find(before, layer->id);
        deltas.push_back({old != nullptr ? contribution(*old) : nullptr, contribution(*layer)});
    }
    for (const auto& layer : before) {
        if (find(after, layer->id) == nullptr) {
            deltas.push_back({contribution(*layer), nullptr});
        }
    }
    // Nothing configured reads as an empty object, so that every path is simply absent.
    const Document* const present = merged.is_object() && merged.size() == 0 ? nullptr : &merged;
    return remerge_at(present, deltas).value_or(Document::object());
}

ATTUNE_DECL Document remerge(const Document& merged, const LayerStack& before,
                             const LayerStack& after) {
    const auto holds = [](const LayerStack& stack) {
        return std::any_of(stack.begin(), stack.end(),
                           [](const auto& layer) { return !layer->holds.empty(); });
    };
    return holds(before) || holds(after)
               ? remerge_plain(merged, without_holds(before), without_holds(after))
               : remerge_plain(merged, before, after);
}

/// How far `path` leads into `document`.
struct Descent {
    const Document* value;  ///< null when the path ends before its last token
    std::size_t depth;      ///< tokens followed
    bool masks;             ///< something that is no object stands in the way
};

inline Descent descend(const Document& document, const Path& path) noexcept {
    const Document* value = &document;
    std::size_t depth = 0;
    for (const std::string& token : path.tokens()) {
        const Document* const next = value->find(Path{{token}});
        if (next == nullptr) {
            return {nullptr, depth, !value->is_object()};
        }
        value = next;
        ++depth;
    }
    return {value, depth, false};
}

/// The hold that decides what is at `path`, or null.
inline const Hold* hold_at(const LayerContent& layer, const Path& path) noexcept {
    for (std::size_t i = layer.holds.size(); i-- != 0;) {
        if (path.starts_with(layer.holds[i].path)) {
            return &layer.holds[i];
        }
    }
    return nullptr;
}

ATTUNE_DECL std::optional<Document> held_below(const LayerContent& layer, const Path& path) {
    std::optional<Document> part;
    for (const Hold& hold : layer.holds) {
        if (hold.path.size() > path.size() && hold.path.starts_with(path)) {
            part = held(part ? &*part : nullptr, hold);
        }
    }
    const Document* const value = part ? part->find(path) : nullptr;
    return value != nullptr ? std::optional{*value} : std::nullopt;
}

ATTUNE_DECL Say say_of(const LayerContent& layer, const Path& path) noexcept {
    if (const Hold* const hold = hold_at(layer, path)) {
        const Document* value = hold->value ? &*hold->value : nullptr;
        for (std::size_t i = hold->path.size(); value != nullptr && i != path.size(); ++i) {
            value = value->find(Path{{path.tokens()[i]}});
        }
        return {value, true};
    }
    if (layer.document.is_null()) {
        return {};
    }
    const Descent found = descend(layer.document, path);
    return {found.value, found.masks || (found.value != nullptr && !found.value->is_object())};
}

ATTUNE_DECL const LayerContent* StackProvenance::winner(const Path& path) const noexcept {
    const LayerContent* nearest = nullptr;
    std::size_t nearest_depth = 0;
    for (std::size_t i = stack_.size(); i-- > 0;) {
        const LayerContent* const layer = stack_[i].get();
        if (hold_at(*layer, path) != nullptr) {
            return layer;
        }
        if (layer->document.is_null()) {
            continue;
        }
        const Descent found = descend(layer->document, path);
        if (found.value != nullptr || found.masks) {
            return layer;
        }
        // Where nobody has the value, the layer that comes nearest is where it belongs.
        if (nearest == nullptr || found.depth > nearest_depth) {
            nearest = layer;
            nearest_depth = found.depth;
        }
    }
    return nearest_depth != 0 || stack_.size() == 1 ? nearest : nullptr;
}

ATTUNE_DECL Document overrides_in(const LayerStack& stack) {
    Document before;
    Document set;
    for (const auto& layer : stack) {
        for (const Hold& hold : layer->holds) {
            const Document object = before.is_null() ? Document::object() : before;
            before = hold.path.empty() ? hold.overrides.value_or(Document{})
                     : hold.overrides  ? object.with(hold.path, *hold.overrides)
                                       : before.without(hold.path);
        }
        if (layer->rank == Rank::overrides) {
            set = layer->document;
        }
    }
    return before.is_null() ? set : set.is_null() ? before : merge(before, set);
}

ATTUNE_DECL Origin origin_in(const LayerContent& layer, const Path& path, Part part) {
    Origin origin = layer.source != nullptr ? layer.source->locate(path, part) : Origin{};
    if (const Hold* const hold = hold_at(layer, path)) {
        origin.source = layer.rank == Rank::restored ? "journal, version " : "rollback to version ";
        origin.source += std::to_string(hold->version);
    }
    origin.layer = layer.name;
    origin.revision = layer.content.revision;
    return origin;
}

ATTUNE_DECL Origin StackProvenance::origin(const Path& path, Part part) const {
    const LayerContent* const layer = winner(path);
    if (layer == nullptr) {
        return {};
    }
    return origin_in(*layer, path, part);
}

ATTUNE_DECL UnknownKeys StackProvenance::unknown_keys(const Path& path) const {
    const LayerContent* const layer = winner(path);
    return layer != nullptr ? layer->unknown_keys : UnknownKeys::error;
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI {

namespace detail {

class PollerCore;

/// A callback, and what it waits for: a descriptor, a moment, or just its turn.
struct PollerJob {
    using TimePoint = std::chrono::steady_clock::time_point;

    static constexpr TimePoint never = TimePoint::max();

    PollerJob() = default;
    PollerJob(const PollerJob&) = delete;
    PollerJob& operator=(const PollerJob&) = delete;
    virtual ~PollerJob() = default;
    virtual void run() = 0;

    std::uint64_t id = 0;     // of the registration; 0: posted
    int fd = -1;              // -1: no descriptor
    TimePoint armed = never;  // timers only
    bool due = false;         // armed for a moment that has passed
};

template <class F>
struct PollerJobOf final : PollerJob {
    template <class G>
    explicit PollerJobOf(G&& g) : f(std::forward<G>(g)) {}
    void run() override { f(); }
    F f;
};

template <class F>
std::unique_ptr<PollerJob> make_poller_job(F&& f) {
    // Not std::make_unique: it would bring a second pointer class for each F.
    return std::unique_ptr<PollerJob>(new PollerJobOf<std::decay_t<F>>(std::forward<F>(f)));
}

/// Its address stands for the type.
template <class S>
inline constexpr char poller_service_key = 0;

}  // namespace detail

/// One background thread for file descriptors and timers, started on first use.
///
/// Callbacks run on that thread, one at a time and never under a lock. What a callback throws is
/// dropped: whoever registers it reports its own errors. All functions may be called from any
/// thread, callbacks included. Meant for tens of registrations: each wake-up looks at all of them.
///
/// Destroying the poller ends the thread after the callback it is in and waits for that, unless it
/// is destroyed on the thread itself, which then ends by itself. Registrations may outlive the
/// poller; they are never called again.
class Poller {
public:
    using Clock = std::chrono::steady_clock;

    /// Ends a registration when it is destroyed or reset. The callback is never called afterwards,
    /// and is destroyed. A call that is running is waited for, except from the poller's own thread:
    /// do not hold a lock the callback takes. Until then the callback may use the registration.
    class Registration {
    public:
        Registration() noexcept = default;
        ATTUNE_DECL Registration(Registration&& other) noexcept;
        ATTUNE_DECL Registration& operator=(Registration&& other) noexcept;
        ATTUNE_DECL ~Registration();

        ATTUNE_DECL void reset() noexcept;

        /// Whether there is something to end.
        explicit operator bool() const noexcept { return core_ != nullptr; }

    protected:
        friend class Poller;
        ATTUNE_DECL Registration(std::shared_ptr<detail::PollerCore> core,
                                 std::uint64_t id) noexcept;

        std::shared_ptr<detail::PollerCore> core_;
        std::uint64_t id_ = 0;
    };

    /// A callback for a moment, armed as often as needed. It is called once per arming.
    class Timer : public Registration {
    public:
        Timer() noexcept = default;

        /// Calls at `when`, or at once when that has passed; replaces an earlier arming. Never
        /// waits. Timers that are due together are called in the order of their moments.
        ATTUNE_DECL void arm(Clock::time_point when) noexcept;
        void arm_after(Clock::duration delay) noexcept { arm(Clock::now() + delay); }

        /// Takes the arming back. Never waits: a call may just be starting.
        ATTUNE_DECL void disarm() noexcept;

    private:
        friend class Poller;
        using Registration::Registration;
    };

    ATTUNE_DECL Poller();
    Poller(const Poller&) = delete;
    Poller& operator=(const Poller&) = delete;
    ATTUNE_DECL ~Poller();

    /// Calls `f()` whenever `fd` is readable, has failed or was hung up, again and again until the
    /// cause is gone. End the registration before closing the descriptor. Throws std::system_error
    /// when the thread cannot be started, like all functions here that need it.
    template <class F>
    [[nodiscard]] Registration watch(int fd, F&& f) {
        return add_watch(fd, detail::make_poller_job(std::forward<F>(f)));
    }

    /// A timer that calls `f()`, not yet armed.
    template <class F>
    [[nodiscard]] Timer timer(F&& f) {
        return add_timer(detail::make_poller_job(std::forward<F>(f)));
    }

    /// A timer that calls `f()` once after `delay`.
    template <class F>
    [[nodiscard]] Timer after(Clock::duration delay, F&& f) {
        Timer armed = timer(std::forward<F>(f));
        armed.arm_after(delay);
        return armed;
    }

    /// Calls `f()` once on the thread, in the order of posting. What has not been called when the
    /// poller is destroyed is dropped.
    template <class F>
    void post(F&& f) {
        add_post(detail::make_poller_job(std::forward<F>(f)));
    }

    /// Whether the caller runs on the poller's thread, that is, inside a callback.
    ATTUNE_DECL bool on_thread() const noexcept;

    /// The S of this poller: shared by everybody who asks for it, made by `S(Poller&)` for the
    /// first, gone with the last who holds it.
    template <class S>
    std::shared_ptr<S> service() {
        return std::static_pointer_cast<S>(
            find_service(&detail::poller_service_key<S>,
                         [](Poller& poller) { return std::shared_ptr<void>(new S(poller)); }));
    }

private:
    ATTUNE_DECL Registration add_watch(int fd, std::unique_ptr<detail::PollerJob> job);
    ATTUNE_DECL Timer add_timer(std::unique_ptr<detail::PollerJob> job);
    ATTUNE_DECL void add_post(std::unique_ptr<detail::PollerJob> job);
    ATTUNE_DECL std::shared_ptr<void> find_service(const void* key,
                                                   std::shared_ptr<void> (*make)(Poller&));

    const std::shared_ptr<detail::PollerCore> core_;
};

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI::detail {

/// What the thread, the poller and its registrations share.
class PollerCore {
public:
    using Clock = Poller::Clock;

    static constexpr Clock::time_point never = PollerJob::never;

    PollerCore() = default;
    PollerCore(const PollerCore&) = delete;
    PollerCore& operator=(const PollerCore&) = delete;
    ~PollerCore() {
        if (wake_fd_ >= 0) {
            ::close(wake_fd_);
        }
    }

    /// The new entry's id; 0 when the poller is gone.
    ATTUNE_DECL static std::uint64_t add(const std::shared_ptr<PollerCore>& core, int fd,
                                         std::unique_ptr<PollerJob> job);
    ATTUNE_DECL static void post(const std::shared_ptr<PollerCore>& core,
                                 std::unique_ptr<PollerJob> job);

    /// Waits. Gives the entry for the caller to destroy: its callback may own anything.
    ATTUNE_DECL std::shared_ptr<PollerJob> remove(std::uint64_t id) noexcept;
    ATTUNE_DECL void arm(std::uint64_t id, Clock::time_point when) noexcept;
    ATTUNE_DECL void stop() noexcept;
    ATTUNE_DECL bool on_thread() noexcept;
    /// The living service of that key; when there is none, `made`, which may be null.
    ATTUNE_DECL std::shared_ptr<void> service(const void* key, std::shared_ptr<void> made);

private:
    using Lock = std::unique_lock<std::mutex>;
    using Entries = std::vector<std::shared_ptr<PollerJob>>;

    struct Service {
        const void* key;
        std::weak_ptr<void> object;
    };

    ATTUNE_DECL static void start(const std::shared_ptr<PollerCore>& core);
    ATTUNE_DECL void run() noexcept;
    ATTUNE_DECL void round(Lock& lock);
    ATTUNE_DECL void run_posted(Lock& lock);
    ATTUNE_DECL void run_due(Lock& lock, Clock::time_point now);
    ATTUNE_DECL void call(Lock& lock, std::shared_ptr<PollerJob> entry) noexcept;
    ATTUNE_DECL std::shared_ptr<PollerJob> find(std::uint64_t id) const noexcept;
    ATTUNE_DECL std::shared_ptr<PollerJob> first_due() const noexcept;
    ATTUNE_DECL timespec time_left() const noexcept;
    ATTUNE_DECL void wake() noexcept;

    std::mutex mutex_;
    std::condition_variable returned_;  // a callback has returned
    // Ordered by age, so that equal moments and ready descriptors are served in that order.
    Entries entries_;
    Entries posted_;
    std::vector<Service> services_;
    std::uint64_t last_id_ = 0;
    std::uint64_t running_ = 0;  // the entry whose callback runs; 0: none, or a posted one
    int wake_fd_ = -1;
    bool polling_ = false;  // the thread may be asleep
    bool stopping_ = false;
    bool ending_ = false;  // the last callbacks are being destroyed
    std::thread thread_;
    std::thread::id thread_id_;
};

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL std::uint64_t PollerCore::add(const std::shared_ptr<PollerCore>& core, int fd,
                                          std::unique_ptr<PollerJob> job) {
    const std::shared_ptr<PollerJob> entry = std::move(job);
    entry->fd = fd;
    const std::scoped_lock lock{core->mutex_};
    if (core->stopping_) {
        return 0;
    }
    start(core);
    entry->id = ++core->last_id_;
    core->entries_.push_back(entry);
    if (fd >= 0) {
        core->wake();
    }
    return entry->id;
}

ATTUNE_DECL void PollerCore::post(const std::shared_ptr<PollerCore>& core,
                                  std::unique_ptr<PollerJob> job) {
    std::shared_ptr<PollerJob> entry = std::move(job);
    const std::scoped_lock lock{core->mutex_};
    if (!core->stopping_) {
        start(core);
        core->posted_.push_back(std::move(entry));
        core->wake();
    }
}

ATTUNE_DECL std::shared_ptr<PollerJob> PollerCore::remove(std::uint64_t id) noexcept {
    std::shared_ptr<PollerJob> gone;
    Lock lock{mutex_};
    for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
        if ((*entry)->id == id) {
            gone = std::move(*entry);
            entries_.erase(entry);
            break;
        }
    }
    if (gone != nullptr && gone->fd >= 0) {
        wake();
    }
    if (thread_id_ != std::this_thread::get_id()) {
        while (running_ == id || ending_) {
            returned_.wait(lock);
        }
    }
    return gone;
}

ATTUNE_DECL std::shared_ptr<PollerJob> PollerCore::find(std::uint64_t id) const noexcept {
    for (const auto& entry : entries_) {
        if (entry->id == id) {
            return entry;
        }
    }
    return nullptr;
}

ATTUNE_DECL void PollerCore::arm(std::uint64_t id, Clock::time_point when) noexcept {
    const std::scoped_lock lock{mutex_};
    if (const auto entry = find(id)) {
        entry->armed = when;
        entry->due = false;
        if (when != never) {
            wake();
        }
    }
}

ATTUNE_DECL void PollerCore::stop() noexcept {
    std::thread thread;
    {
        const std::scoped_lock lock{mutex_};
        stopping_ = true;
        wake();
        thread = std::move(thread_);
    }
    if (!thread.joinable()) {
        return;
    }
    if (thread.get_id() == std::this_thread::get_id()) {
        thread.detach();  // it ends after this callback, and holds the core until then
    } else {
        thread.join();
    }
}

ATTUNE_DECL bool PollerCore::on_thread() noexcept {
    const std::scoped_lock lock{mutex_};
    return thread_id_ == std::this_thread::get_id();
}

ATTUNE_DECL std::shared_ptr<void> PollerCore::service(const void* key, std::shared_ptr<void> made) {
    const std::scoped_lock lock{mutex_};
    for (Service& known : services_) {
        if (known.key == key) {
            if (auto first = known.object.lock()) {
                return first;
            }
            known.object = made;
            return made;
        }
    }
    services_.push_back({key, made});
    return made;
}

ATTUNE_DECL void PollerCore::start(const std::shared_ptr<PollerCore>& core) {
    if (core->thread_.joinable()) {
        return;
    }
    if (core->wake_fd_ < 0) {
        core->wake_fd_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (core->wake_fd_ < 0) {
            throw std::system_error(errno, std::generic_category(), "eventfd");
        }
    }
    // The program's signals are for its own threads.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
        core->thread_ = std::thread([core] { core->run(); });
    } catch (...) {
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
        throw;
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    core->thread_id_ = core->thread_.get_id();
}

ATTUNE_DECL void PollerCore::run() noexcept {
#if defined(__linux__)
    (void)pthread_setname_np(pthread_self(), "attune-io");
#endif
    Entries entries;
    Entries posted;
    Lock lock{mutex_};
    while (!stopping_) {
        try {
            round(lock);
        } catch (...) {  // out of memory: the next round tries again
        }
    }
    // Callbacks may own registrations, and these the core: nobody else would break the circle.
    ending_ = true;
    entries.swap(entries_);
    posted.swap(posted_);
    lock.unlock();
    entries.clear();
    posted.clear();
    lock.lock();
    ending_ = false;
    returned_.notify_all();
}

ATTUNE_DECL void PollerCore::round(Lock& lock) {
    std::vector<pollfd> fds{{wake_fd_, POLLIN, 0}};
    std::vector<std::uint64_t> ids{0};
    for (const auto& entry : entries_) {
        if (entry->fd >= 0) {
            fds.push_back({entry->fd, POLLIN, 0});
            ids.push_back(entry->id);
        }
    }
    const timespec timeout = time_left();
    polling_ = true;
    lock.unlock();
    const int ready =
        ::ppoll(fds.data(), fds.size(), timeout.tv_sec < 0 ? nullptr : &timeout, nullptr);
    lock.lock();
    polling_ = false;
    if (ready > 0 && fds[0].revents != 0) {
        std::uint64_t wakes = 0;
        (void)!::read(wake_fd_, &wakes, sizeof wakes);
    }

    // A timer that is armed in this round waits for the next one, and so for the descriptors that
    // are ready then: what is read from them may put it off.
    const auto now = Clock::now();
    run_posted(lock);
    for (std::size_t i = 1; ready > 0 && i < fds.size() && !stopping_; ++i) {
        auto entry = fds[i].revents != 0 ? find(ids[i]) : nullptr;
        if (entry == nullptr) {
            continue;
        }
        if ((fds[i].revents & POLLNVAL) != 0) {
            entry->fd = -1;  // closed while registered: nothing will ever come from it
        }
        call(lock, std::move(entry));
    }
    run_due(lock, now);
}

ATTUNE_DECL void PollerCore::run_posted(Lock& lock) {
    auto posted = std::exchange(posted_, {});
    for (auto& entry : posted) {
        if (stopping_) {
            posted_ = std::move(posted);  // to be dropped without the lock
            return;
        }
        call(lock, std::move(entry));
    }
}

/// Calls the timers that are due now, but not what their callbacks arm.
ATTUNE_DECL void PollerCore::run_due(Lock& lock, Clock::time_point now) {
    for (const auto& entry : entries_) {
        entry->due = entry->armed <= now;
    }
    while (!stopping_) {
        auto next = first_due();
        if (next == nullptr) {
            return;
        }
        next->armed = never;
        next->due = false;
        call(lock, std::move(next));
    }
}

ATTUNE_DECL std::shared_ptr<PollerJob> PollerCore::first_due() const noexcept {
    std::shared_ptr<PollerJob> first;
    for (const auto& entry : entries_) {
        if (entry->due && (first == nullptr || entry->armed < first->armed)) {
            first = entry;
        }
    }
    return first;
}

ATTUNE_DECL void PollerCore::call(Lock& lock, std::shared_ptr<PollerJob> entry) noexcept {
    running_ = entry->id;
    lock.unlock();
    try {
        entry->run();
    } catch (...) {  // the registrant's own business, as documented
    }
    entry.reset();  // before anybody who waits goes on: what the callback holds is theirs then
    lock.lock();
    running_ = 0;
    returned_.notify_all();
}

/// Until the next timer; negative when there is none.
ATTUNE_DECL timespec PollerCore::time_left() const noexcept {
    if (!posted_.empty()) {
        return {0, 0};
    }
    Clock::time_point first = never;
    for (const auto& entry : entries_) {
        if (entry->armed < first) {
            first = entry->armed;
        }
    }
    if (first == never) {
        return {-1, 0};
    }
    // A bound keeps time_t and the subtraction in range whatever was asked for.
    constexpr Clock::duration longest = std::chrono::hours{1};
    constexpr std::int64_t second = 1'000'000'000;
    const auto now = Clock::now();
    const std::chrono::nanoseconds left = first <= now            ? Clock::duration::zero()
                                          : first > now + longest ? longest
                                                                  : first - now;
    return {static_cast<time_t>(left.count() / second), static_cast<long>(left.count() % second)};
}

ATTUNE_DECL void PollerCore::wake() noexcept {
    if (polling_) {
        const std::uint64_t one = 1;
        (void)!::write(wake_fd_, &one, sizeof one);
    }
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI {

ATTUNE_DECL Poller::Registration::Registration(std::shared_ptr<detail::PollerCore> core,
                                               std::uint64_t id) noexcept
    : core_(id != 0 ? std::move(core) : nullptr), id_(id) {}

ATTUNE_DECL Poller::Registration::Registration(Registration&& other) noexcept
    : core_(std::move(other.core_)), id_(std::exchange(other.id_, 0)) {}

ATTUNE_DECL Poller::Registration& Poller::Registration::operator=(Registration&& other) noexcept {
    if (this != &other) {
        reset();
        core_ = std::move(other.core_);
        id_ = std::exchange(other.id_, 0);
    }
    return *this;
}

ATTUNE_DECL Poller::Registration::~Registration() { reset(); }

ATTUNE_DECL void Poller::Registration::reset() noexcept {
    if (const auto core = core_) {
        // Emptied after the wait: until then the callback may use this, to arm its own timer.
        const auto gone = core->remove(id_);
        core_ = nullptr;
        id_ = 0;
    }
}

ATTUNE_DECL void Poller::Timer::arm(Clock::time_point when) noexcept {
    if (core_) {
        core_->arm(id_, when);
    }
}

ATTUNE_DECL void Poller::Timer::disarm() noexcept {
    if (core_) {
        core_->arm(id_, detail::PollerCore::never);
    }
}

ATTUNE_DECL Poller::Poller() : core_(std::make_shared<detail::PollerCore>()) {}

ATTUNE_DECL Poller::~Poller() { core_->stop(); }

ATTUNE_DECL bool Poller::on_thread() const noexcept { return core_->on_thread(); }

ATTUNE_DECL Poller::Registration Poller::add_watch(int fd, std::unique_ptr<detail::PollerJob> job) {
    return {core_, detail::PollerCore::add(core_, fd, std::move(job))};
}

ATTUNE_DECL Poller::Timer Poller::add_timer(std::unique_ptr<detail::PollerJob> job) {
    return {core_, detail::PollerCore::add(core_, -1, std::move(job))};
}

ATTUNE_DECL void Poller::add_post(std::unique_ptr<detail::PollerJob> job) {
    detail::PollerCore::post(core_, std::move(job));
}

ATTUNE_DECL std::shared_ptr<void> Poller::find_service(const void* key,
                                                       std::shared_ptr<void> (*make)(Poller&)) {
    if (auto known = core_->service(key, nullptr)) {
        return known;
    }
    // Made without the lock, since making it registers with this poller.
    return core_->service(key, make(*this));
}

}  // namespace attune::inline ATTUNE_ABI

/// The insides of Core, shared by its .ipp files only.
namespace attune::inline ATTUNE_ABI::detail {

/// A layer of a running store.
struct Core::LayerEntry {
    std::uint64_t id = 0;
    Rank rank = Rank::transport;
    std::string name;
    UnknownKeys unknown_keys = UnknownKeys::error;
    std::shared_ptr<Transport> transport;  // null for what the store itself writes
    std::unique_ptr<Feed> feed;            // set once the transport has been started
    LayerStatus status;
    std::optional<Content> refused;  // the newest content, while it cannot be accepted
    bool tells = false;              // the transport wants to know what is served, and does not yet
    std::mutex telling;              // held while it is told; before the commit mutex
    bool ended = false;              // under `telling`: it is not to be told any more
};

/// What a candidate wants to be.
struct Core::Candidate {
    LayerStack stack;
    std::string reason;
    const Path* within = nullptr;  ///< where all changes are, when that is known
    std::string layer = {};        ///< which one changes; empty when none does
    /// Called when everything is right, before anybody sees it; may refuse by an exception.
    std::function<void()> save = {};
    bool adds_layer = false;  ///< what a journal has restored goes on standing in for the others
};

/// How a layer's content comes into a candidate.
struct Core::Proposal {
    std::string reason;
    const Path* within = nullptr;  ///< as in Candidate
    bool first = false;            ///< of a new layer
    bool written = false;          ///< by the program: the layer's transport must keep it first
};

/// Of a node that is stale.
inline Staleness describe_staleness(const GraphNode& node) {
    return {.name = node.name(),
            .error = node.notes->error,
            .since = node.notes->since,
            .version = node.notes->version};
}

/// The frames of a store that begins with these versions.
ATTUNE_DECL std::shared_ptr<FrameChain> make_chain(std::size_t history,
                                                   const JournalSink::Restored& restored);

/// A version that the journal could not keep, as whoever listens to refusals is told.
ATTUNE_DECL Problem not_kept(const JournalError& error);

/// A node that comes into the graph by a commit; at most one of these.
struct Core::Addition {
    BoundNode* bound = nullptr;
    DerivedNode* derived = nullptr;
    DerivedNode* rule = nullptr;

    bool any() const noexcept { return bound != nullptr || derived != nullptr || rule != nullptr; }
};

/// The node's list to be changed, under the commit mutex, without those that are over: a copy while
/// a commit uses the list.
inline std::vector<std::shared_ptr<ValueDelivery>>& tidy_observers(GraphNode& node) {
    if (!node.observers) {
        node.observers = Ref<ObserverList>::adopt(new ObserverList);
    } else if (node.observers->shared()) {
        auto copy = Ref<ObserverList>::adopt(new ObserverList);
        copy->all = node.observers->all;
        node.observers = std::move(copy);
    }
    std::erase_if(node.observers->all, [](const auto& observer) { return observer->over(); });
    return node.observers->all;
}

inline std::vector<Bound> bound_roots(const std::vector<BoundNode*>& nodes) {
    std::vector<Bound> roots;
    roots.reserve(nodes.size());
    for (const BoundNode* node : nodes) {
        roots.push_back({node->path, &node->bound_kind.type()});
    }
    return roots;
}

/// What a commit did, and whom to tell once the mutex is free.
struct Core::Published {
    Version version = 0;
    Document before;
    Document after;
    std::vector<Ref<ObserverList>> observers;  // kept as they are
    std::vector<Delivery*> due;                // of these

    bool changed() const noexcept { return !before.same(after); }
};

struct Core::State {
    State(StoreOptions given, Ref<NodeHome> home, DeliveryHub& deliveries)
        : options(std::move(given)),
          hub(deliveries),
          graph(std::move(home)),
          poller(std::make_shared<Poller>()) {}

    const StoreOptions options;
    DeliveryHub& hub;

    std::mutex commit_mutex;
    std::atomic<std::thread::id> committing{};  // the thread inside a commit

    // All below: under commit_mutex.
    bool closed = false;
    std::atomic<bool> tells{};  // some layer does; read without the mutex
    LayerStack stack;
    std::vector<std::shared_ptr<LayerEntry>> layers;  // lowest first, as in the stack
    std::uint64_t next_layer = 1;
    std::uint64_t overrides = 0;  // ids of the overrides and of the rollback, once there are some
    std::uint64_t rollback = 0;
    std::uint64_t restored = 0;            // id of what a journal has restored, while it stands in
    std::unique_ptr<JournalSink> journal;  // may be empty
    Document journaled;                    // the store's own state, as the journal has it
    Version last_journaled = 0;
    Poller::Timer retry;
    Poller::Timer restart;
    BindingIndex index;
    std::vector<BoundNode*> bound;  // in the order of bind; the index keeps them
    Graph graph;
    std::vector<std::shared_ptr<RejectionObserver>> rejection_observers;
    std::uint64_t commits = 0;
    std::uint64_t refusals = 0;
    std::uint64_t observer_errors = 0;
#if defined(ATTUNE_CHAOS)
    std::uint64_t chaos = 0x9E3779B97F4A7C15;
#endif
    std::shared_ptr<Poller> poller;  // empty once closed

    /// Puts a layer on top of its rank.
    void add(std::shared_ptr<LayerEntry> entry);
    /// A layer that the store itself writes.
    std::shared_ptr<LayerEntry> own_layer(Rank rank, std::string name);

    std::chrono::system_clock::time_point now() const {
        return options.clock ? options.clock() : std::chrono::system_clock::now();
    }

    std::shared_ptr<LayerEntry> find(std::uint64_t id) const noexcept;
    /// Throws std::logic_error when the layer has been removed.
    std::shared_ptr<LayerEntry> at(std::uint64_t id) const;
    const LayerContent* content_of(std::uint64_t id) const noexcept;

    /// Makes a whole document, as transports bring it, share what it has in common with the one
    /// before. An edit does so by nature.
    Content reconciled(const LayerEntry& entry, Content content) const;
    /// What `content` makes of a layer, with its texts in the places that the bound structs offer.
    std::shared_ptr<LayerContent> prepare(const LayerEntry& entry, Content content,
                                          std::vector<Problem>& problems) const;
    /// The stack with that layer replaced, or added on top of its rank.
    static LayerStack with_layer(LayerStack stack, std::shared_ptr<const LayerContent> layer);
    LayerStack stack_with(std::shared_ptr<const LayerContent> layer) const {
        return with_layer(stack, std::move(layer));
    }

    /// Writes the frame to the journal, if there is one and it has anything new: to be called last
    /// before it is published. Throws JournalError.
    void record(const Frame& frame, const Document& before, const LayerStack& next,
                const Path* within);
    /// Tries refused contents once more in a second: the journal could not keep them.
    void retry_later();
    /// Lets the layers show again a second from now, for a program that only adds layers.
    void end_restored_later();

    /// Puts a rollback above the transports, and the overrides of that time above it.
    Published hold(FrameChain& chain, Hold hold);
    /// The stack with `document` in the layer of the overrides, of which that is the present one.
    static LayerStack with_overrides(LayerStack stack, const LayerContent& present,
                                     Document document);
    /// Adds the layer when there is none yet.
    std::shared_ptr<LayerEntry> overrides_layer();

    /// Publishes the candidate, with the values of all nodes it concerns, or throws Rejected and
    /// changes nothing.
    Published publish(FrameChain& chain, Candidate candidate, Addition addition = {});
    void take_stack(LayerStack next) noexcept;
#if defined(ATTUNE_CHAOS)
    /// Replaces the current frame by one of the same version, with equal copies of some values: a
    /// reference that was kept beyond its Reading or View then dangles, and AddressSanitizer sees
    /// it.
    void shake(FrameChain& chain);
#endif
    /// As above, for one layer's content; keeps its status.
    Published accept(FrameChain& chain, LayerEntry& entry, Content content, Proposal proposal);

    /// Accepts what layers were refused, if it can be accepted now: all of it at once, or else the
    /// content of one layer.
    std::optional<Published> accept_refused(FrameChain& chain);

    /// The layer's content is served, since that version of the store.
    void note_success(LayerEntry& entry, const Content& content, Version version);
    /// Another reading could not be had, or is refused.
    void note_failure(LayerEntry& entry, Failure failure, std::vector<Problem> problems);
    Explanation explain(const FrameChain& chain, const Path& path,
                        std::span<const Bound> roots) const;
    Explanation explain(const FrameChain& chain, const GraphNode& node,
                        std::span<const Bound> roots) const;
    /// What bound structs begin with at `path`.
    std::optional<Document> fallback_of(const Path& path) const;

    /// Offers the values of changed nodes to their observers.
    void offer(const Frame& frame, std::span<GraphNode* const> observed, Published& result);
    /// Offers the rejection to whoever observes them; what is due then.
    std::vector<std::shared_ptr<Delivery>> announce(Rejection rejection);
};

/// The commit mutex, held. Throws std::logic_error when this thread is inside a commit already: the
/// caller is then a decoder or a check, and would wait for itself.
class CommitLock {
public:
    template <class State>
    explicit CommitLock(State& state)
        : CommitLock(state.commit_mutex, state.committing, state.graph) {}
    CommitLock(const CommitLock&) = delete;
    CommitLock& operator=(const CommitLock&) = delete;
    ~CommitLock() {
        committing_.store({}, std::memory_order_relaxed);
        do {
            GraphNode* const gone =
                graph_.home().has_abandoned() ? graph_.take_abandoned() : nullptr;
            lock_.unlock();
            Graph::destroy(gone);
        } while (graph_.home().has_abandoned() && lock_.try_lock());
    }

    /// For what needs no lock, but would wait for the commit it is called from.
    static void refuse_inside(const std::atomic<std::thread::id>& committing) {
        if (committing.load(std::memory_order_relaxed) == std::this_thread::get_id()) {
            throw std::logic_error{
                "what runs inside a commit (a decoder, a check, a rule, the function of a derived "
                "value or of transact) must not call the store that runs it, only read handles; do "
                "the rest in an observer"};
        }
    }

private:
    CommitLock(std::mutex& mutex, std::atomic<std::thread::id>& committing, Graph& graph)
        : committing_(committing), graph_(graph), lock_(mutex, std::defer_lock) {
        refuse_inside(committing);
        lock_.lock();
        committing_.store(std::this_thread::get_id(), std::memory_order_relaxed);
    }

    std::atomic<std::thread::id>& committing_;
    Graph& graph_;
    std::unique_lock<std::mutex> lock_;
};

/// As CommitLock, for callers who need a living store: throws std::logic_error when it is closed.
class OpenLock : public CommitLock {
public:
    template <class State>
    explicit OpenLock(State& state) : CommitLock(state) {
        if (state.closed) {
            throw std::logic_error{"the store has been closed"};
        }
    }
};

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

/// Adds the places that `root` offers to `layer.places`. False when it offers none.
ATTUNE_DECL bool find_places(LayerContent& layer, const Bound& root);

/// Puts every text where it belongs and sets `layer.document` and `layer.source`: the layer's own
/// document, with each text at its place. One without a place waits for a later binding, and for
/// Store::check; a path is a place by itself.
///
/// - A text that fits two places is a problem that names both, but a key of a map is only meant
///   where no member is.
/// - Texts for places inside each other add up, whatever their order: the deeper one wins. One that
///   is neither a list nor an object is a problem where a deeper one needs to pass.
/// - Of two options for one place the later wins; two variables or paths for one are a problem.
/// - An option without a value is true for a boolean; else the positional text after it is its
///   value. `no-` makes a boolean false, and takes no value.
ATTUNE_DECL void place_texts(LayerContent& layer, std::vector<Problem>& problems);

/// One problem for each text that has no place, with the nearest name that would have one. What
/// may be the value of an option is never repeated.
ATTUNE_DECL void report_unplaced(const LayerContent& layer, std::span<const Bound> roots,
                                 std::vector<Problem>& problems);

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

/// One text that has found its place.
struct PlacedText {
    Path path;
    const Type* type = nullptr;  ///< null when nothing is bound there
    Document value;
    Origin origin;
    bool replaces = false;                 ///< takes the place of an earlier text
    std::optional<std::string> json = {};  ///< what `value` was parsed from
};

/// Texts by their paths. The index is a document, the library's own map from text to a number.
class PlacedTexts {
public:
    bool empty() const noexcept { return texts_.empty(); }

    const PlacedText* find(const Path& path) const {
        const Document* const number = index_.find(path.pointer());
        return number != nullptr ? &texts_[number->as_uint64()] : nullptr;
    }

    /// In place of the one that has its path already.
    void put(PlacedText text) {
        const Path key = Path{} / text.path.pointer();
        if (const Document* const number = index_.find(key)) {
            texts_[number->as_uint64()] = std::move(text);
        } else {
            index_ = index_.with(key, texts_.size());
            texts_.push_back(std::move(text));
        }
    }

private:
    std::vector<PlacedText> texts_;
    Document index_;  // from the JSON Pointer to the place in `texts_`
};

/// Knows the variable or argument of each value that was put into a document.
class PlacedSource final : public Source {
public:
    PlacedSource(std::shared_ptr<const Source> below, PlacedTexts texts)
        : below_(std::move(below)), texts_(std::move(texts)) {}

    Origin locate(const Path& path, Part part) const override {
        for (Path above = path;; above = above.parent()) {
            if (const PlacedText* const found = texts_.find(above)) {
                return locate_in(*found, path, part);
            }
            if (above.empty()) {
                return below_ != nullptr ? below_->locate(path, part) : Origin{};
            }
        }
    }

private:
    static Origin locate_in(const PlacedText& text, const Path& path, Part part) {
        Origin origin = text.origin;
        if (text.json && path.size() > text.path.size()) {
            const auto& tokens = path.tokens();
            const auto rest = tokens.begin() + static_cast<std::ptrdiff_t>(text.path.size());
            const Path inside(std::vector<std::string>(rest, tokens.end()));
            if (const auto position = attune::locate(*text.json, inside, part)) {
                origin.line = position->line;
                origin.column = position->column;
            }
        }
        return origin;
    }

    const std::shared_ptr<const Source> below_;
    const PlacedTexts texts_;
};

ATTUNE_DECL Problem text_problem(const Text& text, std::string message) {
    Problem problem;
    problem.origin = text.origin;
    problem.message = std::move(message);
    return problem;
}

/// The places that remain when members go before keys of maps.
ATTUNE_DECL std::vector<Target> best_places(const std::vector<Target>& places) {
    std::vector<Target> members;
    for (const Target& place : places) {
        if (!place.by_key) {
            members.push_back(place);
        }
    }
    return members.empty() ? places : members;
}

ATTUNE_DECL Problem ambiguous_text(const Text& text, const std::vector<Target>& places) {
    std::string names;
    std::string options;
    for (std::size_t i = 0; i != places.size(); ++i) {
        const char* const separator = i == 0 ? "" : i + 1 == places.size() ? " and " : ", ";
        const std::string name = to_string(places[i].path);
        names += separator + name;
        options += (i == 0 ? "--" : i + 1 == places.size() ? " or --" : ", --") + name;
    }
    const std::string count = places.size() == 2 ? "two" : std::to_string(places.size());
    return text_problem(text, "fits " + count + " options: " + names + "; " +
                                  (text.naming == Naming::variable
                                       ? "use the argument " + options + ", or rename a member"
                                       : "write the exact name of one, or rename a member"));
}

/// Whether an option for that place needs no value.
ATTUNE_DECL bool is_switch(const Target& place) noexcept {
    return place.negated || place.type->shape == Shape::boolean;
}

/// Whether the text after this one may be its value.
ATTUNE_DECL bool awaits_value(const Text& text, const std::vector<Target>& places) {
    if (text.naming != Naming::option || text.has_value) {
        return false;
    }
    for (const Target& place : places) {
        if (!is_switch(place)) {
            return true;
        }
    }
    return places.empty();
}

/// The positional text that may be the value of the option before it, at `index`; else null.
ATTUNE_DECL const Text* following_text(const LayerContent& layer, std::size_t index) {
    const std::vector<Text>& texts = layer.content.texts;
    if (index + 1 >= texts.size() || texts[index + 1].naming != Naming::positional ||
        !texts[index + 1].prefix.empty()) {
        return nullptr;
    }
    return &texts[index + 1];
}

/// What a text with one place stands for.
ATTUNE_DECL void read_text(const LayerContent& layer, std::size_t index, Target place,
                           std::vector<PlacedText>& placed, std::vector<Problem>& problems) {
    const Text& text = layer.content.texts[index];
    PlacedText result;
    result.path = std::move(place.path);
    result.type = place.type;
    result.origin = text.origin;
    result.replaces = text.naming == Naming::option;
    const std::string* value = &text.value;
    const auto refuse = [&](Problem problem) {
        problem.path = result.path;
        problems.push_back(std::move(problem));
    };
    if (text.naming == Naming::option && place.negated && text.has_value) {
        return refuse(text_problem(text, "takes no value"));
    }
    if (text.naming == Naming::option && !text.has_value) {
        if (is_switch(place)) {
            result.value = !place.negated;
            placed.push_back(std::move(result));
            return;
        }
        const Text* const next = following_text(layer, index);
        if (next == nullptr) {
            Problem problem = text_problem(text, "the value is missing");
            problem.expected = expected(*place.type, nullptr);
            return refuse(std::move(problem));
        }
        value = &next->value;
    }
    if (place.type == nullptr) {
        result.value = Document::text(*value);
    } else {
        try {
            result.value = document_from_text(*value, *place.type);
        } catch (const ParseError& error) {
            Problem problem = text_problem(text, error.message());
            problem.origin.line = error.line();
            problem.origin.column = error.column();
            return refuse(std::move(problem));
        }
        if (!result.value.is_text()) {
            result.json = *value;
        }
    }
    placed.push_back(std::move(result));
}

ATTUNE_DECL void resolve_text(const LayerContent& layer, std::size_t index,
                              std::vector<PlacedText>& placed, std::vector<Problem>& problems) {
    const Text& text = layer.content.texts[index];
    std::vector<Target> places;
    if (index < layer.places.size()) {
        places = best_places(layer.places[index]);
    }
    if (text.naming == Naming::path && places.empty()) {
        try {
            places.push_back({.path = Path(text.name)});
        } catch (const std::invalid_argument& error) {
            problems.push_back(text_problem(text, error.what()));
        }
    }
    if (places.size() > 1) {
        problems.push_back(ambiguous_text(text, places));
    } else if (!places.empty()) {
        read_text(layer, index, std::move(places.front()), placed, problems);
    }
}

/// Puts `text` into `document`, unless an earlier text is in its way.
ATTUNE_DECL void put_text(Document& document, PlacedTexts& table, PlacedText text,
                          std::vector<Problem>& problems) {
    Problem problem;
    problem.path = text.path;
    problem.origin = text.origin;
    if (const PlacedText* const same = table.find(text.path); same != nullptr && !text.replaces) {
        problem.message = "set by " + to_string(same->origin) + " already";
        problems.push_back(std::move(problem));
        return;
    }
    for (Path above = text.path; !above.empty();) {
        above = above.parent();
        const PlacedText* const found = table.find(above);
        if (found != nullptr && !found->json) {
            problem.message = "lies inside the value of " + to_string(found->origin) +
                              ", which is neither a list nor an object";
            problems.push_back(std::move(problem));
            return;
        }
    }
    try {
        document = document.with(text.path, text.value);
    } catch (const std::out_of_range& error) {
        problem.message = error.what();
        problems.push_back(std::move(problem));
        return;
    }
    table.put(std::move(text));
}

ATTUNE_DECL bool find_places(LayerContent& layer, const Bound& root) {
    const std::vector<Text>& texts = layer.content.texts;
    layer.places.resize(texts.size());
    bool found = false;
    for (std::size_t i = 0; i != texts.size(); ++i) {
        std::vector<Target> offered;
        if (texts[i].naming == Naming::variable) {
            offered = places_of_variable(texts[i].name, root);
        } else if (texts[i].naming == Naming::option) {
            offered = places_of_option(texts[i].name, root);
        } else if (texts[i].naming == Naming::path) {
            try {
                offered = places_of_path(Path(texts[i].name), root);
            } catch (const std::invalid_argument&) {
                // place_texts reports it.
            }
        }
        for (Target& place : offered) {
            // Two roots may offer one place; the first to be bound says what is expected there.
            std::vector<Target>& places = layer.places[i];
            bool known = false;
            for (const Target& other : places) {
                known = known || other.path == place.path;
            }
            if (!known) {
                places.push_back(std::move(place));
                found = true;
            }
        }
    }
    return found;
}

ATTUNE_DECL void place_texts(LayerContent& layer, std::vector<Problem>& problems) {
    std::vector<PlacedText> placed;
    for (std::size_t i = 0; i != layer.content.texts.size(); ++i) {
        resolve_text(layer, i, placed, problems);
    }
    std::size_t deepest = 0;
    for (const PlacedText& text : placed) {
        deepest = std::max(deepest, text.path.size());
    }
    layer.document = layer.content.document;
    layer.source = layer.content.source;
    PlacedTexts table;
    // What lies around others goes first.
    for (std::size_t depth = 0; depth <= deepest; ++depth) {
        for (const PlacedText& text : placed) {
            if (text.path.size() == depth) {
                put_text(layer.document, table, text, problems);
            }
        }
    }
    if (!table.empty()) {
        layer.source =
            std::shared_ptr<const Source>(new PlacedSource(layer.content.source, std::move(table)));
    }
}

/// The name nearest to `word` among those that would have a place, spelt as `naming` spells it.
ATTUNE_DECL std::string nearest_option(std::string_view word, std::span<const Bound> roots,
                                       Naming naming, bool switches_only) {
    std::vector<std::string> names;
    for (const Bound& root : roots) {
        for (const Option& option : options_of(root)) {
            if (!switches_only || option.type->shape == Shape::boolean) {
                names.push_back(naming == Naming::variable ? variable_name(option.path)
                                                           : to_string(option.path));
            }
        }
    }
    return nearest(word, std::vector<std::string_view>(names.begin(), names.end()));
}

ATTUNE_DECL std::string near_name(const Text& text, std::span<const Bound> roots) {
    constexpr std::string_view no = "no-";
    if (text.naming == Naming::option && text.name.starts_with(no)) {
        const std::string_view positive = std::string_view(text.name).substr(no.size());
        const std::string found = nearest_option(positive, roots, text.naming, true);
        if (!found.empty()) {
            return text.prefix + std::string(no) + found;
        }
    }
    const std::string found = nearest_option(text.name, roots, text.naming, false);
    return found.empty() ? found : text.prefix + found;
}

/// What a person wrote, cut where it is long.
ATTUNE_DECL std::string quoted_argument(std::string_view text) {
    constexpr std::size_t max_length = 40;
    std::size_t length = std::min(text.size(), max_length);
    // Not inside a code point.
    while (length < text.size() && length > 0 &&
           (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80) {
        --length;
    }
    const bool cut = length < text.size();
    return '"' + std::string(text.substr(0, length)) + (cut ? "...\"" : "\"");
}

ATTUNE_DECL void report_unplaced(const LayerContent& layer, std::span<const Bound> roots,
                                 std::vector<Problem>& problems) {
    const std::vector<Text>& texts = layer.content.texts;
    const auto places = [&](std::size_t i) {
        return i < layer.places.size() ? best_places(layer.places[i]) : std::vector<Target>{};
    };
    for (std::size_t i = 0; i != texts.size(); ++i) {
        const Text& text = texts[i];
        if (text.naming == Naming::positional) {
            const Text* const before = i != 0 && following_text(layer, i - 1) == &text &&
                                               texts[i - 1].naming == Naming::option &&
                                               !texts[i - 1].has_value
                                           ? &texts[i - 1]
                                           : nullptr;
            if (before != nullptr && awaits_value(*before, places(i - 1))) {
                continue;
            }
            Problem problem = text_problem(text, "not an option");
            problem.origin.source = "argument " + quoted_argument(text.value);
            if (before != nullptr) {
                problem.message += "; the value of --" + before->name + " needs a \"=\"";
            }
            problems.push_back(std::move(problem));
        } else if (text.naming != Naming::path && places(i).empty()) {
            Problem problem = text_problem(text, "matches nothing that is bound");
            problem.suggestion = near_name(text, roots);
            problems.push_back(std::move(problem));
        }
    }
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL Core::Core(StoreOptions options, std::shared_ptr<FrameChain> chain)
    : chain_(std::move(chain)),
      hub_(std::make_shared<DeliveryHub>()),
      state_(std::make_unique<State>(std::move(options),
                                     Ref<NodeHome>::adopt(new StoreHome{chain_}), *hub_)) {}

ATTUNE_DECL Core::~Core() = default;

ATTUNE_DECL std::shared_ptr<Core> Core::make(StoreOptions options) {
    std::unique_ptr<JournalSink> journal;
    JournalSink::Restored restored;
    if (options.journal) {
        journal = options.journal.open(options.sync);
        restored = journal->restore(options.history);
    }
    std::shared_ptr<FrameChain> chain = make_chain(options.history, restored);
    std::shared_ptr<Core> core{new Core{std::move(options), std::move(chain)}};
    static_cast<StoreHome&>(core->home()).core = core;
    core->hub_->on_throw([weak = std::weak_ptr<Core>{core}](const ObserverName& observer,
                                                            const std::exception_ptr& thrown) {
        if (const auto self = weak.lock()) {
            self->observer_threw(observer, thrown);
        }
    });
    core->watch_calls();
    if (journal != nullptr) {
        core->restore(std::move(journal), restored.own);
    }
    return core;
}

ATTUNE_DECL void Core::close() noexcept {
    std::vector<std::shared_ptr<LayerEntry>> layers;
    std::vector<std::shared_ptr<Delivery>> observers;
    std::shared_ptr<Poller> poller;
    Poller::Timer retry;
    Poller::Timer restart;
    {
        const std::scoped_lock lock{state_->commit_mutex};
        state_->closed = true;
        retry = std::move(state_->retry);
        restart = std::move(state_->restart);
        layers.swap(state_->layers);
        poller.swap(state_->poller);
        observers.assign(state_->rejection_observers.begin(), state_->rejection_observers.end());
        for (GraphNode* const node : state_->graph.nodes()) {
            if (node != nullptr && node->observers) {
                const auto& all = node->observers->all;
                observers.insert(observers.end(), all.begin(), all.end());
                node->observers = {};
            }
        }
        state_->graph.dissolve();
        state_->rejection_observers.clear();
        state_->stack.clear();
        state_->journal.reset();
    }
    home().close();
    Graph::destroy(home().take_abandoned());
    hub_->on_throw(nullptr);
    hub_->bell().close();
    // None of these under a lock: each may wait for a callback that is about to commit.
    hub_->calls().stop();
    retry.reset();
    restart.reset();
    for (const auto& layer : layers) {
        if (layer->feed != nullptr) {
            layer->transport->stop();
        }
    }
    for (const auto& observer : observers) {
        observer->cancel();
    }
    discard(std::move(layers), poller.get());
    poller.reset();
    hub_->notifier().stop();
    chain_->forget();
    (void)epoch_collect();
}

ATTUNE_DECL Ref<GraphNode> Core::bind(const Path& path, const BoundKind& kind) {
    const auto self = shared_from_this();  // an observer may destroy the store
    Published published;
    Ref<BoundNode> node;
    {
        const OpenLock lock{*state_};
        if (auto known = state_->index.find(path, kind)) {
            return known;
        }
        node = Ref<BoundNode>::adopt(new BoundNode{home(), kind, path});
        Candidate candidate{.stack = state_->stack, .reason = "bind " + to_string(path)};
        std::vector<Problem> problems;
        for (auto& layer : candidate.stack) {
            if (layer->content.texts.empty()) {
                continue;
            }
            auto placed = std::make_shared<LayerContent>(*layer);
            if (find_places(*placed, {path, &kind.type()})) {
                place_texts(*placed, problems);
                layer = std::move(placed);
            }
        }
        if (!problems.empty()) {
            throw Rejected{{.problems = std::move(problems),
                            .reason = std::move(candidate.reason),
                            .version = chain_->current()->version}};
        }
        published = state_->publish(*chain_, std::move(candidate), {.bound = node.get()});
        for (const auto& layer : state_->layers) {
            if (layer->transport != nullptr && layer->transport->wants_accepted()) {
                layer->tells = true;
                state_->tells.store(true, std::memory_order_relaxed);
            }
        }
        state_->bound.push_back(node.get());
        state_->index.insert(node);
    }
    finish(published);
    return node;
}

ATTUNE_DECL Version Core::version() const noexcept {
    const FrameGuard guard{*chain_};
    return guard.frame().version;
}

ATTUNE_DECL const Frame* Core::acquire(Version version) const {
    const Frame* const frame = chain_->acquire_version(version);
    if (frame == nullptr) {
        throw std::out_of_range{"version " + std::to_string(version) +
                                " is not retained; versions " + std::to_string(chain_->oldest()) +
                                " to " + std::to_string(this->version()) + " are"};
    }
    return frame;
}

ATTUNE_DECL bool Core::settle(std::chrono::steady_clock::time_point deadline) {
    const bool settled = hub_->settle(version(), deadline);
    if (epoch_collect() != 0) {
        hub_->notifier().collect_soon();
    }
    return settled;
}

ATTUNE_DECL void Core::observe(GraphNode& node, std::shared_ptr<ValueDelivery> observer, bool now) {
    bool closed = false;
    {
        const CommitLock lock{*state_};
        closed = state_->closed;
        const Frame& current = *chain_->current();
        CellOwner value = CellPtr::share(current.cell(node.slot)).own();
        if (!closed) {
            tidy_observers(node).push_back(observer);
        }
        if (now) {
            (void)observer->offer_first(current.version, std::move(value));
        } else {
            observer->begin_with(std::move(value));
        }
    }
    if (now) {
        observer->deliver_first();
    }
    if (closed) {
        observer->cancel();
    }
}

ATTUNE_DECL void Core::observe_rejections(std::shared_ptr<RejectionObserver> observer) {
    const OpenLock lock{*state_};
    std::erase_if(state_->rejection_observers,
                  [](const auto& other) { return other->cancelled(); });
    state_->rejection_observers.push_back(std::move(observer));
}

ATTUNE_DECL std::vector<std::shared_ptr<Delivery>> Core::State::announce(Rejection rejection) {
    std::vector<std::shared_ptr<Delivery>> due;
    std::erase_if(rejection_observers, [](const auto& other) { return other->cancelled(); });
    const auto shared = std::make_shared<const Rejection>(std::move(rejection));
    for (const auto& observer : rejection_observers) {
        if (observer->offer_rejection(shared->version, shared)) {
            due.push_back(observer);
        }
    }
    return due;
}

ATTUNE_DECL void Core::publish_rejection(Rejection rejection) {
    std::vector<std::shared_ptr<Delivery>> due;
    {
        const CommitLock lock{*state_};
        due = state_->announce(std::move(rejection));
    }
    for (const auto& delivery : due) {
        delivery->dispatch();
    }
}

}  // namespace attune::inline ATTUNE_ABI::detail

/// Values of a candidate, and what is wrong with them; for the .ipp files of Core only.
namespace attune::inline ATTUNE_ABI::detail {

inline bool has_error(const std::vector<Problem>& problems) noexcept {
    return std::any_of(problems.begin(), problems.end(),
                       [](const Problem& problem) { return problem.severity == Severity::error; });
}

/// A value decoded for a candidate.
struct NodeUpdate {
    BoundNode* node;
    CellPtr cell;
    std::vector<Problem> warnings;
};

/// Decodes the node's subtree. Errors go to `problems`; whatever the user's code throws is one.
inline NodeUpdate decode_node(BoundNode& node, const Document& document,
                              const Provenance& provenance, std::vector<Problem>& problems) {
    NodeUpdate update{&node, {}, {}};
    std::vector<Problem> found;
    try {
        const BoundKind& kind = node.bound_kind;
        update.cell = kind.make();
        decode(kind.type(), kind.object(*update.cell.get()), document.find(node.path), node.path,
               provenance, found);
    } catch (const std::exception& thrown) {
        found.push_back({.path = node.path,
                         .origin = provenance.origin(node.path, Part::value),
                         .message = std::string{"decoding threw: "} + thrown.what()});
    }
    for (Problem& problem : found) {
        (problem.severity == Severity::warning ? update.warnings : problems)
            .push_back(std::move(problem));
    }
    return update;
}

/// The source that a derived value, or a rule, looks at first: where to look for the mistake.
inline Path nearest_path(const GraphNode& node) {
    const GraphNode* nearest = &node;
    while (nearest->height != 0) {
        const EdgeList& inputs = static_cast<const DerivedNode*>(nearest)->inputs;
        if (inputs.size() == 0) {
            return {};
        }
        nearest = &inputs.input(0);
    }
    return static_cast<const BoundNode*>(nearest)->path;
}

inline std::vector<Problem> problems_of(const std::vector<Propagation::Failure>& failures,
                                        const Provenance& provenance) {
    std::vector<Problem> problems;
    for (const auto& [node, thrown] : failures) {
        if (thrown == nullptr) {
            continue;  // an input of it has failed, and that is reported
        }
        Problem problem{.path = nearest_path(*node)};
        if (!problem.path.empty()) {
            problem.origin = provenance.origin(problem.path, Part::value);
        }
        const auto told = [&](const char* what) {
            return (node->is_rule ? "rule \"" : "derived value \"") + node->name() +
                   "\" threw: " + what;
        };
        try {
            std::rethrow_exception(thrown);
        } catch (const BrokenRule&) {
            problem.message = node->name();
        } catch (const CycleError& cycle) {
            problem.message = cycle.what();
        } catch (const std::exception& exception) {
            problem.message = told(exception.what());
        } catch (...) {
            problem.message = told("an exception that is no std::exception");
        }
        problems.push_back(std::move(problem));
    }
    return problems;
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

#if defined(ATTUNE_CHAOS)
ATTUNE_DECL void Core::State::shake(FrameChain& chain) {
    // Most of them: a value that is spared once is kept by the history for long.
    const auto replaces = [&] {  // xorshift64, G. Marsaglia 2003
        chaos ^= chaos << 13;
        chaos ^= chaos >> 7;
        chaos ^= chaos << 17;
        return (chaos >> 32) % 8 != 0;
    };
    FrameDraft draft{chain.current()};
    for (const GraphNode* const node : graph.nodes()) {
        if (node != nullptr && node->kind.copy != nullptr && replaces()) {
            draft.set(node->slot, node->kind.copy(*chain.current()->cell(node->slot)));
        }
    }
    chain.publish(draft);
}
#endif

ATTUNE_DECL void Core::State::take_stack(LayerStack next) noexcept {
    stack = std::move(next);
    if (restored != 0 && content_of(restored) == nullptr) {
        restored = 0;
    }
}

ATTUNE_DECL Core::Published Core::State::publish(FrameChain& chain, Candidate candidate,
                                                 Addition addition) {
#if defined(ATTUNE_CHAOS)
    shake(chain);
#endif
    if (restored != 0 && !candidate.adds_layer) {
        // The program has put back what it wanted to.
        std::erase_if(candidate.stack,
                      [](const auto& layer) { return layer->rank == Rank::restored; });
    }
    // Only a writer replaces the current frame, and that is us: it stays while we look at it.
    const Frame& current = *chain.current();
    Published result{.version = current.version,
                     .before = current.document,
                     .after = remerge(current.document, stack, candidate.stack),
                     .observers = {},
                     .due = {}};
    if (!result.changed() && !addition.any()) {
        if (candidate.save) {
            candidate.save();
        }
        record(current, current.document, candidate.stack, nullptr);
        take_stack(std::move(candidate.stack));  // positions may have moved
        return result;
    }

    const StackProvenance provenance{candidate.stack};
    std::vector<Problem> problems;
    const auto refuse_problems = [&] {
        if (!problems.empty()) {
            throw Rejected{{.problems = std::move(problems),
                            .reason = std::move(candidate.reason),
                            .version = current.version}};
        }
    };
    std::vector<NodeUpdate> updates;
    for (BoundNode* node : index.affected(result.before, result.after, candidate.within)) {
        updates.push_back(decode_node(*node, result.after, provenance, problems));
    }
    NodeUpdate first{nullptr, {}, {}};
    if (addition.bound != nullptr) {
        first = decode_node(*addition.bound, result.after, provenance, problems);
    }
    refuse_problems();

    FrameDraft draft{&current};
    graph.sweep(draft);
    Propagation propagation{draft, graph.queue};
    for (NodeUpdate& update : updates) {
        const BoundNode& node = *update.node;
        if (!node.kind.equal(*current.cell(node.slot), *update.cell.get())) {
            draft.set(node.slot, std::move(update.cell));
            propagation.changed(*update.node);
        }
    }
    propagation.run();
    if (DerivedNode* const derived =
            addition.derived != nullptr ? addition.derived : addition.rule) {
        first.cell = propagation.first_value(*derived);
    }
    if (!propagation.failures().empty()) {
        problems = problems_of(propagation.failures(), provenance);
        refuse_problems();
    }
    GraphNode* const added =
        addition.bound != nullptr ? static_cast<GraphNode*>(addition.bound) : addition.derived;
    if (added != nullptr) {
        graph.place(*added, draft, std::move(first.cell));
    }
    Frame& frame = draft.frame();
    if (result.changed()) {
        frame.version = result.version = std::max(result.version, last_journaled) + 1;
        frame.time = now();
        frame.reason = std::move(candidate.reason);
        frame.layer = std::move(candidate.layer);
        frame.document = result.after;
        frame.before = result.before;
        frame.overrides = overrides_in(candidate.stack);
    }
    if (candidate.save) {
        candidate.save();
    }
    record(frame, result.before, candidate.stack, candidate.within);
    chain.publish(draft);

    take_stack(std::move(candidate.stack));
    commits += result.changed() ? 1 : 0;
    if (added != nullptr) {
        graph.placed(*added);
    }
    graph.sweep_done();
    if (addition.bound != nullptr) {
        addition.bound->warnings = std::move(first.warnings);
    }
    for (NodeUpdate& update : updates) {
        update.node->warnings = std::move(update.warnings);
    }
    propagation.finish(result.version, frame.time);
    offer(frame, propagation.observed_nodes(), result);
    return result;
}

ATTUNE_DECL void Core::State::offer(const Frame& frame, std::span<GraphNode* const> observed,
                                    Published& result) {
    for (GraphNode* const node : observed) {
        if (node->observers->all.empty()) {
            continue;
        }
        const auto& observers = node->observers->all;
        result.observers.emplace_back(node->observers);
        const CellOwner value = CellPtr::share(frame.cell(node->slot)).own();
        // A share for each, at once; those who need none leave it to be given back.
        std::size_t unused = observers.size() + 1;
        DeliveryHub::Debt& debt = hub.open(result.version, unused);
        bool tidy = false;
        for (const auto& observer : observers) {
            if (observer->offer_value(result.version, value, debt)) {
                result.due.push_back(observer.get());
                --unused;
            } else {
                tidy = tidy || observer->over();
            }
        }
        hub.close(debt, unused);
        if (tidy) {
            (void)tidy_observers(*node);
        }
    }
}

ATTUNE_DECL std::shared_ptr<LayerContent> Core::State::prepare(
    const LayerEntry& entry, Content content, std::vector<Problem>& problems) const {
    auto layer = std::make_shared<LayerContent>();
    layer->id = entry.id;
    layer->rank = entry.rank;
    layer->name = entry.name;
    layer->unknown_keys = entry.unknown_keys;
    layer->content = std::move(content);
    if (layer->content.texts.empty()) {
        layer->document = layer->content.document;
        layer->source = layer->content.source;
        return layer;
    }
    for (const BoundNode* node : bound) {
        find_places(*layer, {node->path, &node->bound_kind.type()});
    }
    place_texts(*layer, problems);
    if (const LayerContent* const before = content_of(entry.id)) {
        layer->document = reconcile(before->document, layer->document);
    }
    return layer;
}

ATTUNE_DECL LayerStack Core::State::with_layer(LayerStack changed,
                                               std::shared_ptr<const LayerContent> layer) {
    const auto same = [&](const auto& other) { return other->id == layer->id; };
    const auto found = std::find_if(changed.begin(), changed.end(), same);
    if (found != changed.end()) {
        *found = std::move(layer);
        return changed;
    }
    const auto above = std::find_if(changed.begin(), changed.end(),
                                    [&](const auto& other) { return other->rank > layer->rank; });
    changed.insert(above, std::move(layer));
    return changed;
}

ATTUNE_DECL Content Core::State::reconciled(const LayerEntry& entry, Content content) const {
    if (const LayerContent* const before = content_of(entry.id)) {
        content.document = reconcile(before->content.document, content.document);
    }
    return content;
}

ATTUNE_DECL Core::Published Core::State::accept(FrameChain& chain, LayerEntry& entry,
                                                Content content, Proposal proposal) {
    std::vector<Problem> problems;
    const auto layer = prepare(entry, std::move(content), problems);
    if (has_error(problems)) {
        throw Rejected{{.problems = std::move(problems),
                        .reason = std::move(proposal.reason),
                        .version = chain.current()->version}};
    }
    Candidate candidate{.stack = stack_with(layer),
                        .reason = std::move(proposal.reason),
                        .within = proposal.within,
                        .layer = entry.name,
                        .adds_layer = proposal.first};
    if (proposal.written && entry.transport != nullptr) {
        candidate.save = [&] {
            Content& saved = layer->content;
            saved.revision = entry.transport->save(saved.document, saved.revision);
        };
    }
    try {
        Published result = publish(chain, std::move(candidate));
        note_success(entry, layer->content, result.version);
        return result;
    } catch (const JournalError&) {
        if (proposal.written && entry.transport != nullptr) {
            // Its transport has kept it, and nothing would bring it again.
            entry.refused = layer->content;
            retry_later();
        }
        throw;
    }
}

ATTUNE_DECL void Core::finish(Published& published) {
    hub_->bell().ring();
    for (Delivery* const delivery : published.due) {
        delivery->dispatch();
    }
    published.due.clear();
    published.observers.clear();
    if (state_->tells.load(std::memory_order_relaxed) &&
        state_->tells.exchange(false, std::memory_order_relaxed)) {
        tell_accepted();
    }
    report_notices();
    tidy();
}

// Reclaiming costs a membarrier, which interrupts the readers' cores: a writer that commits often
// must not do it each time. A single commit reclaims what it replaced before it returns; in a burst
// the notifier does it, a millisecond later.
ATTUNE_DECL void Core::tidy() {
#if !defined(ATTUNE_LOCKED_CELLS)
    constexpr auto pause = std::chrono::milliseconds{1};
    const auto now = std::chrono::steady_clock::now();
    auto last = last_collect_.load(std::memory_order_relaxed);
    const bool due = now.time_since_epoch() - last >= pause &&
                     last_collect_.compare_exchange_strong(last, now.time_since_epoch(),
                                                           std::memory_order_relaxed);
    if (!due || epoch_collect() != 0) {
        hub_->notifier().collect_soon();
    }
#endif
}

ATTUNE_DECL Commit Core::ticket(const Published& published, const Path* within) const {
    Commit commit;
    commit.version = published.version;
    commit.hub_ = hub_;
    if (published.changed()) {
        commit.changed = within != nullptr
                             ? changed_paths(published.before, published.after, *within)
                             : changed_paths(published.before, published.after);
    }
    return commit;
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

/// What stands at the path `tokens` of an object of the described type as long as no document says
/// anything else, secrets masked. `object` holds the defaults, and may be null for a struct. Inside
/// of what the defaults do not have, an empty optional or a key of a map, it is what a struct there
/// would begin with. Nothing when the type has no such place, or nothing is known of it.
///
/// O(length of the path), and the size of what is there.
ATTUNE_DECL std::optional<Document> fallback_at(const Type& type, const void* object,
                                                std::span<const std::string> tokens);

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL std::optional<Document> fallback_at(const Type& type, const void* object,
                                                std::span<const std::string> tokens) {
    if (type.shape == Shape::structure && object == nullptr) {
        object = structure_of(type).defaults.get();
    }
    if (type.shape == Shape::secret && object != nullptr) {
        return "***";
    }
    if (tokens.empty()) {
        return object != nullptr ? std::optional{encode(type, object, true)} : std::nullopt;
    }
    const std::string& token = tokens.front();
    const auto rest = tokens.subspan(1);
    const auto element = [&](const Type& inner, std::size_t count,
                             auto&& at) -> std::optional<Document> {
        const std::optional<std::size_t> index = element_index(token);
        if (!index) {
            return std::nullopt;
        }
        const bool there = object != nullptr && *index < count;
        return fallback_at(inner, there ? at(*index) : nullptr, rest);
    };
    switch (type.shape) {
    case Shape::structure: {
        const FieldInfo* const field = structure_of(type).find(token);
        if (field == nullptr) {
            return std::nullopt;
        }
        if (field->secret) {
            return "***";
        }
        return fallback_at(*field->type, static_cast<const std::byte*>(object) + field->offset,
                           rest);
    }
    case Shape::optional: {
        const auto& optional = static_cast<const OptionalType&>(type);
        return fallback_at(optional.inner, object != nullptr ? optional.get(object) : nullptr,
                           tokens);
    }
    case Shape::map: {
        const auto& map = static_cast<const MapType&>(type);
        return fallback_at(map.element, object != nullptr ? map.find(object, token) : nullptr,
                           rest);
    }
    case Shape::list: {
        const auto& list = static_cast<const ListType&>(type);
        return element(list.element, object != nullptr ? list.size(object) : 0,
                       [&](std::size_t index) { return list.get(object, index); });
    }
    case Shape::array: {
        const auto& array = static_cast<const ArrayType&>(type);
        return element(array.element, array.count, [&](std::size_t index) -> const void* {
            return static_cast<const std::byte*>(object) + index * array.stride;
        });
    }
    case Shape::variant: {
        const auto& variant = static_cast<const VariantType&>(type);
        const std::size_t index = object != nullptr ? variant.index(object) : variant.count;
        return index < variant.count
                   ? fallback_at(*variant.alternatives[index], variant.get(object), tokens)
                   : std::nullopt;
    }
    default: return std::nullopt;
    }
}

}  // namespace attune::inline ATTUNE_ABI::detail

// What in a document is secret, as the bound types tell: where a Secret is, or a field that
// `describe` calls one. A place is secret when any root says so, or any alternative of a variant.
// Whatever a type with secrets cannot be read from counts as secret too: the text of a struct that
// came as JSON, say. Places that nobody bound, Documents, and types with conversions of their own
// have no secrets.

namespace attune::inline ATTUNE_ABI::detail {

/// Can a value of this type hold a secret? O(1) for structs, but for the first time.
ATTUNE_DECL bool has_secrets(const Type& type);

/// Is `path` a secret, or inside one? O(length of the path).
ATTUNE_DECL bool is_secret(const Path& path, std::span<const Bound> roots);

/// `value`, which is at `at` in a document, with "***" in place of every secret but null; "***"
/// when `at` is inside a secret. Shares all else with `value`. Looks only into what can hold a
/// secret.
ATTUNE_DECL Document mask_secrets(Document value, const Path& at, std::span<const Bound> roots);

/// What of `document` lies within the roots; null when nothing does. Elements before one that is
/// bound by its index are null. Shares what it can with `document`.
///
/// Unless they are kept, secrets but null are left out: the member, or the whole array when an
/// element is one, since an array with fewer elements would say something else.
ATTUNE_DECL Document bound_parts(const Document& document, std::span<const Bound> roots,
                                 bool keep_secrets);

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

/// Looks for a secret below a type, through each struct once.
class SecretSearch {
public:
    bool in(const Type& type) {
        const bool found = search(type);
        if (!found) {
            // Nothing below has one either.
            for (const Structure* const structure : seen_) {
                structure->secrecy.store(Secrecy::none, std::memory_order_relaxed);
            }
        }
        return found;
    }

private:
    bool search(const Type& type) {
        switch (type.shape) {
        case Shape::secret: return true;
        case Shape::optional: return search(static_cast<const OptionalType&>(type).inner);
        case Shape::list: return search(static_cast<const ListType&>(type).element);
        case Shape::array: return search(static_cast<const ArrayType&>(type).element);
        case Shape::map: return search(static_cast<const MapType&>(type).element);
        case Shape::variant: {
            const auto& variant = static_cast<const VariantType&>(type);
            return std::any_of(variant.alternatives, variant.alternatives + variant.count,
                               [this](const Type* alternative) { return search(*alternative); });
        }
        case Shape::structure: return search_fields(structure_of(type));
        default: return false;
        }
    }

    bool search_fields(const Structure& structure) {
        const Secrecy known = structure.secrecy.load(std::memory_order_relaxed);
        if (known != Secrecy::unknown) {
            return known == Secrecy::some;
        }
        if (std::find(seen_.begin(), seen_.end(), &structure) != seen_.end()) {
            return false;  // not by this way
        }
        seen_.push_back(&structure);
        for (const FieldInfo& field : structure.fields) {
            if (field.secret || search(*field.type)) {
                structure.secrecy.store(Secrecy::some, std::memory_order_relaxed);
                return true;
            }
        }
        return false;
    }

    std::vector<const Structure*> seen_;
};

ATTUNE_DECL bool has_secrets(const Type& type) { return SecretSearch().in(type); }

/// The types with secrets that may be meant at one place of a document: several where variants
/// leave it open. As a set, since the ways to get to a place of a recursive type can be very many.
class SecretTypes {
public:
    void add(const Type& type) { add(type, type.forms); }

    /// What may be at a member or an element.
    SecretTypes child(std::string_view token) const {
        SecretTypes types;
        types.secret_ = secret_;
        for (const Entry& entry : entries_) {
            types.add_child(*entry.type, token);
        }
        return types;
    }

    bool empty() const noexcept { return !secret_ && entries_.empty(); }

    /// Is everything there secret?
    bool is_secret() const noexcept { return secret_; }

    /// Is all of `value`, which is there, secret, or nothing that one of the types is read from?
    bool hide(const Document& value) const noexcept {
        // An integer may be meant for a real.
        const unsigned forms = form_of(value) | (value.is_integer() ? unsigned{form::real} : 0U);
        return secret_ || std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
                   return value.is_text() || (entry.forms & forms) == 0;
               });
    }

private:
    struct Entry {
        const Type* type;    ///< a struct, list, array or map
        std::uint8_t forms;  ///< of the variant around it; else its own

        friend bool operator==(const Entry&, const Entry&) = default;
    };

    void add(const Type& type, std::uint8_t forms) {
        switch (type.shape) {
        case Shape::secret: secret_ = true; return;
        case Shape::optional: return add(static_cast<const OptionalType&>(type).inner, forms);
        case Shape::variant: {
            const auto& variant = static_cast<const VariantType&>(type);
            for (std::size_t i = 0; i != variant.count; ++i) {
                add(*variant.alternatives[i], forms);
            }
            return;
        }
        default: break;
        }
        const Entry entry{&type, forms};
        if (has_secrets(type) &&
            std::find(entries_.begin(), entries_.end(), entry) == entries_.end()) {
            entries_.push_back(entry);
        }
    }

    void add_child(const Type& type, std::string_view token) {
        if (type.shape == Shape::structure) {
            if (const FieldInfo* const field = structure_of(type).find(token)) {
                secret_ = secret_ || field->secret;
                add(*field->type);
            }
        } else if (type.shape == Shape::map) {
            add(static_cast<const MapType&>(type).element);
        } else if (token == "-" || element_index(token)) {
            add(type.shape == Shape::list ? static_cast<const ListType&>(type).element
                                          : static_cast<const ArrayType&>(type).element);
        }
    }

    std::vector<Entry> entries_;
    bool secret_ = false;
};

/// Takes the secrets out of documents.
class SecretFilter {
public:
    enum class Mode : std::uint8_t { mask, leave_out };

    explicit SecretFilter(Mode mode) noexcept : mode_(mode) {}

    /// False when nothing is left of the value.
    bool apply(const SecretTypes& types, Document& value) {
        if (value.is_null() || types.empty()) {
            return true;
        }
        if (types.hide(value) || depth_ == max_decode_depth) {
            value = "***";
            return mode_ == Mode::mask;
        }
        ++depth_;
        const bool left = value.is_array() ? elements(types, value) : members(types, value);
        --depth_;
        return left;
    }

private:
    bool elements(const SecretTypes& types, Document& array) {
        const SecretTypes inner = types.child("0");
        std::vector<Document> fresh;
        std::size_t index = 0;
        for (const Document& element : array.elements()) {
            Document filtered = element;
            if (!apply(inner, filtered)) {
                return false;
            }
            if (!filtered.same(element)) {
                if (fresh.empty()) {
                    const Elements all = array.elements();
                    fresh.assign(all.begin(), all.end());
                }
                fresh[index] = std::move(filtered);
            }
            ++index;
        }
        if (!fresh.empty()) {
            array = make_array(fresh.data(), fresh.size());
        }
        return true;
    }

    bool members(const SecretTypes& types, Document& object) {
        std::vector<Edit> edits;
        for (const Member member : object.members()) {
            Document filtered = member.value;
            if (!apply(types.child(member.key), filtered)) {
                edits.push_back({.key = member.key, .value = {}, .erase = true});
            } else if (!filtered.same(member.value)) {
                edits.push_back({.key = member.key, .value = std::move(filtered)});
            }
        }
        if (!edits.empty()) {
            object = edited(object, edits.data(), edits.size());
        }
        return true;
    }

    const Mode mode_;
    std::size_t depth_ = 0;
};

/// What may be at a path of at least the root's length.
ATTUNE_DECL SecretTypes secret_types_at(const Path& path, const Bound& root) {
    SecretTypes types;
    types.add(*root.type);
    for (std::size_t i = root.path.size(); i != path.size() && !types.empty(); ++i) {
        types = types.child(path.tokens()[i]);
    }
    return types;
}

ATTUNE_DECL bool is_secret(const Path& path, std::span<const Bound> roots) {
    return std::any_of(roots.begin(), roots.end(), [&path](const Bound& root) {
        return path.starts_with(root.path) && secret_types_at(path, root).is_secret();
    });
}

/// Takes away what is at a path, and the arrays that it is an element of.
ATTUNE_DECL Document without_whole(const Document& document, Path path) {
    while (!path.empty() && document.at(path.parent()).is_array()) {
        path = path.parent();
    }
    return document.without(path);
}

/// Filters what is at `path` and is secret by a root there.
ATTUNE_DECL Document filter_at(const Document& document, const Path& path, const SecretTypes& types,
                               SecretFilter::Mode mode) {
    const Document* const value = document.find(path);
    if (value == nullptr) {
        return document;
    }
    Document filtered = *value;
    if (!SecretFilter(mode).apply(types, filtered)) {
        return without_whole(document, path);
    }
    return filtered.same(*value) ? document : document.with(path, std::move(filtered));
}

ATTUNE_DECL Document mask_secrets(Document value, const Path& at, std::span<const Bound> roots) {
    constexpr SecretFilter::Mode mask = SecretFilter::Mode::mask;
    for (const Bound& root : roots) {
        if (at.starts_with(root.path)) {
            value = filter_at(value, {}, secret_types_at(at, root), mask);
        } else if (root.path.starts_with(at)) {
            const auto from = root.path.tokens().begin() + static_cast<std::ptrdiff_t>(at.size());
            const Path below{std::vector<std::string>(from, root.path.tokens().end())};
            value = filter_at(value, below, secret_types_at(root.path, root), mask);
        }
    }
    return value;
}

/// What a document has at paths that begin alike, up to `depth`; sorted. Nothing when there is
/// nothing at any of them.
ATTUNE_DECL std::optional<Document> parts_at(const Document& document,
                                             std::span<const Path* const> paths,
                                             std::size_t depth) {
    if (paths.front()->size() == depth) {
        return document;
    }
    std::vector<Document> slots;     // of an object: keys and values
    std::vector<Document> elements;  // of an array
    while (!paths.empty()) {
        const std::string& token = paths.front()->tokens()[depth];
        std::size_t alike = 1;
        while (alike != paths.size() && paths[alike]->tokens()[depth] == token) {
            ++alike;
        }
        const std::span<const Path* const> below = paths.first(alike);
        paths = paths.subspan(alike);
        const auto index = document.is_array() ? element_index(token) : std::nullopt;
        const Document* const child = index ? document.find(*index) : document.find(token);
        std::optional<Document> part = child ? parts_at(*child, below, depth + 1) : std::nullopt;
        if (!part) {
            continue;
        }
        if (index) {
            elements.resize(std::max(elements.size(), *index + 1));
            elements[*index] = std::move(*part);
        } else {
            slots.emplace_back(token);
            slots.push_back(std::move(*part));
        }
    }
    if (!slots.empty()) {
        return make_object(slots.data(), slots.size() / 2);
    }
    if (!elements.empty()) {
        return make_array(elements.data(), elements.size());
    }
    return std::nullopt;
}

ATTUNE_DECL Document bound_parts(const Document& document, std::span<const Bound> roots,
                                 bool keep_secrets) {
    if (roots.empty()) {
        return {};
    }
    std::vector<const Path*> paths;
    for (const Bound& root : roots) {
        paths.push_back(&root.path);
    }
    std::sort(paths.begin(), paths.end(), [](const Path* a, const Path* b) { return *a < *b; });
    Document parts = parts_at(document, paths, 0).value_or(Document());
    if (!keep_secrets) {
        for (const Bound& root : roots) {
            parts = filter_at(parts, root.path, secret_types_at(root.path, root),
                              SecretFilter::Mode::leave_out);
        }
    }
    return parts;
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

/// The newest retained version that changed what is at `path`; 0 when that was longer ago.
inline Version changed_since(const FrameChain& chain, const Path& path) {
    Version found = 0;
    chain.visit_history([&](const Frame& frame) {
        const auto& changed = frame.changed();
        const bool here = std::any_of(changed.begin(), changed.end(), [&](const Path& other) {
            return path.starts_with(other) || other.starts_with(path);
        });
        found = here ? frame.version : 0;
        return !here;
    });
    return found;
}

ATTUNE_DECL std::optional<Document> Core::State::fallback_of(const Path& path) const {
    for (const BoundNode* const node : bound) {
        if (!path.starts_with(node->path)) {
            continue;
        }
        const Type& type = node->bound_kind.type();
        const CellPtr cell = type.shape == Shape::structure ? CellPtr{} : node->bound_kind.make();
        const void* const object =
            cell.get() != nullptr ? node->bound_kind.object(*cell.get()) : nullptr;
        if (auto fallback =
                fallback_at(type, object, std::span{path.tokens()}.subspan(node->path.size()))) {
            return fallback;
        }
    }
    return std::nullopt;
}

ATTUNE_DECL Explanation Core::State::explain(const FrameChain& chain, const Path& path,
                                             std::span<const Bound> roots) const {
    const Document& document = chain.current()->document;
    Explanation explanation{.path = path};
    const auto masked = [&](const Document& value) { return mask_secrets(value, path, roots); };
    if (const Document* const value = document.find(path)) {
        explanation.value = masked(*value);
        explanation.secret = !explanation.value->same(*value) || is_secret(path, roots);
        explanation.since = changed_since(chain, path);
    }
    bool decided = false;
    for (std::size_t i = stack.size(); i-- != 0;) {
        const LayerContent& layer = *stack[i];
        const Say say = say_of(layer, path);
        const std::optional<Document> part = held_below(layer, path);
        if (const Document* const value = part ? &*part : say.value) {
            using Fate = attune::Candidate::Fate;
            explanation.candidates.push_back({.fate = decided ? Fate::shadowed
                                                      : explanation.candidates.empty()
                                                          ? Fate::wins
                                                          : Fate::merged,
                                              .origin = origin_in(layer, path, Part::value),
                                              .value = masked(*value)});
        }
        decided = decided || say.decides;
    }
    explanation.fallback = fallback_of(path);
    return explanation;
}

ATTUNE_DECL Explanation Core::explain(const Path& path) const {
    const OpenLock lock{*state_};
    return state_->explain(*chain_, path, bound_roots(state_->bound));
}

ATTUNE_DECL Explanation Core::State::explain(const FrameChain& chain, const GraphNode& node,
                                             std::span<const Bound> roots) const {
    if (node.height == 0) {
        return explain(chain, static_cast<const BoundNode&>(node).path, roots);
    }
    Explanation explanation;
    explanation.derived = node.name();
    const EdgeList& inputs = static_cast<const DerivedNode&>(node).inputs;
    for (std::size_t i = 0; i != inputs.size(); ++i) {
        explanation.inputs.push_back(explain(chain, inputs.input(i), roots));
    }
    return explanation;
}

ATTUNE_DECL Explanation Core::explain(const GraphNode& node) const {
    const OpenLock lock{*state_};
    return state_->explain(*chain_, node, bound_roots(state_->bound));
}

/// The paths of all values that are no objects, and of empty objects.
inline void collect_leaves(const Document& document, const Path& path, std::vector<Path>& leaves) {
    if (!document.is_object() || document.size() == 0) {
        leaves.push_back(path);
        return;
    }
    for (const auto& member : document.members()) {
        collect_leaves(member.value, path / member.key, leaves);
    }
}

ATTUNE_DECL std::vector<Explanation> Core::explain() const {
    const OpenLock lock{*state_};
    const std::vector<Bound> roots = bound_roots(state_->bound);
    std::vector<Path> leaves;
    collect_leaves(chain_->current()->document, {}, leaves);
    std::vector<Explanation> explanations;
    explanations.reserve(leaves.size());
    for (const Path& path : leaves) {
        explanations.push_back(state_->explain(*chain_, path, roots));
    }
    return explanations;
}

ATTUNE_DECL std::vector<Bound> Core::roots() const {
    const OpenLock lock{*state_};
    return bound_roots(state_->bound);
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL NodeHome& Core::home() const noexcept { return state_->graph.home(); }

ATTUNE_DECL Ref<GraphNode> Core::derive(Ref<DerivedNode> node, std::span<GraphNode* const> inputs,
                                        DeriveOptions options) {
    node->keeps_on_error = options.on_error == OnError::keep;
    if (!options.name.empty()) {
        node->notes = std::make_unique<NodeNotes>();
        node->notes->name = std::move(options.name);
    }
    const auto self = shared_from_this();  // an observer may destroy the store
    Published published;
    {
        const OpenLock lock{*state_};
        node->inputs = EdgeList{inputs, node->room()};
        node->settle_height();
        published =
            state_->publish(*chain_, {.stack = state_->stack, .reason = "derive " + node->name()},
                            {.derived = node.get()});
        if (!inputs.empty()) {
            node->inputs.link(*node);
        }
    }
    finish(published);
    return node;
}

ATTUNE_DECL void Core::require(Ref<DerivedNode> rule, std::span<GraphNode* const> inputs) {
    const auto self = shared_from_this();
    Published published;
    {
        const OpenLock lock{*state_};
        rule->inputs = EdgeList{inputs, rule->room()};
        rule->settle_height();
        published = state_->publish(*chain_, {.stack = state_->stack, .reason = "require"},
                                    {.rule = rule.get()});
        rule->inputs.link(*rule);
        state_->graph.add_rule(std::move(rule));
    }
    finish(published);
}

ATTUNE_DECL std::string Core::name_of(const GraphNode& node) const {
    const CommitLock lock{*state_};
    return node.name();
}

ATTUNE_DECL void Core::rename(GraphNode& node, std::string name) {
    const CommitLock lock{*state_};
    if (node.notes == nullptr) {
        node.notes = std::make_unique<NodeNotes>();
    }
    node.notes->name = std::move(name);
}

ATTUNE_DECL std::optional<Staleness> Core::staleness_of(const GraphNode& node) const {
    const CommitLock lock{*state_};
    return node.stale ? std::optional{describe_staleness(node)} : std::nullopt;
}

ATTUNE_DECL void Core::tidy_graph() noexcept {
    if (state_->committing.load(std::memory_order_relaxed) == std::this_thread::get_id()) {
        return;
    }
    std::unique_lock lock{state_->commit_mutex, std::try_to_lock};
    if (!lock) {
        return;  // whoever holds it looks for abandoned nodes before and after letting go
    }
    GraphNode* const gone = state_->graph.take_abandoned();
    lock.unlock();
    Graph::destroy(gone);
}

ATTUNE_DECL void StoreHome::tidy() noexcept {
    if (const auto owner = core.lock()) {
        owner->tidy_graph();
    }
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

/// Two retained versions, held while they are compared.
class RetainedPair {
public:
    RetainedPair(const Core& core, Version from, Version to)
        : chain_(*core.chain()), from_(core.acquire(from)) {
        try {
            to_ = core.acquire(to);
        } catch (...) {
            chain_.release(from_);
            throw;
        }
    }
    RetainedPair(const RetainedPair&) = delete;
    RetainedPair& operator=(const RetainedPair&) = delete;
    ~RetainedPair() {
        chain_.release(from_);
        chain_.release(to_);
    }
    const Document& before() const noexcept { return from_->document; }
    const Document& after() const noexcept { return to_->document; }

private:
    const FrameChain& chain_;
    const Frame* from_;
    const Frame* to_ = nullptr;
};

ATTUNE_DECL std::vector<VersionInfo> Core::history() const {
    std::vector<FrameChain::Retained> retained = chain_->retained();
    std::vector<VersionInfo> history;
    const auto release_all = [&]() noexcept {
        for (const FrameChain::Retained& each : retained) {
            chain_->release(each.frame);
        }
    };
    try {
        history.reserve(retained.size());
        for (FrameChain::Retained& each : retained) {
            VersionInfo info;
            info.version = each.frame->version;
            info.time = each.frame->time;
            info.reason = each.frame->reason;
            info.layer = each.frame->layer;
            info.changed = each.frame->changed();
            info.kept = each.kept;
            info.note = std::move(each.note);
            info.document_ = each.frame->document;
            history.push_back(std::move(info));
        }
    } catch (...) {
        release_all();
        throw;
    }
    release_all();
    return history;
}

ATTUNE_DECL void Core::keep(Version version, std::string note) {
    const OpenLock lock{*state_};
    chain_->release(acquire(version));  // or says which versions there are
    if (state_->journal != nullptr && version != 0) {
        state_->journal->keep(version, note);
    }
    (void)chain_->keep(version, std::move(note));
}

ATTUNE_DECL void Core::forget(Version version) {
    const OpenLock lock{*state_};
    if (chain_->give_up(version) && state_->journal != nullptr && version != 0) {
        state_->journal->forget(version);
    }
}

/// The operations of a JSON Patch with the secrets in their values masked.
inline Document mask_operations(const Document& patch, std::span<const Bound> roots) {
    Document masked = patch;
    for (std::size_t i = 0; i != patch.size(); ++i) {
        const Document& operation = *patch.find(i);
        if (const Document* const value = operation.find("value")) {
            Document safe = mask_secrets(*value, Path{operation.find("path")->as_string()}, roots);
            if (!safe.same(*value)) {
                masked = masked.with(Path{{std::to_string(i), "value"}}, std::move(safe));
            }
        }
    }
    return masked;
}

ATTUNE_DECL Document Core::diff(Version from, Version to, Secrets secrets) const {
    const RetainedPair pair{*this, from, to};
    Document patch = make_patch(pair.before(), pair.after());
    return secrets == Secrets::shown ? patch : mask_operations(patch, roots());
}

ATTUNE_DECL Document Core::merge_diff(Version from, Version to, Secrets secrets) const {
    const RetainedPair pair{*this, from, to};
    Document patch = make_merge_patch(pair.before(), pair.after());
    return secrets == Secrets::shown ? patch : mask_secrets(patch, {}, roots());
}

ATTUNE_DECL std::vector<Path> Core::changed_between(Version from, Version to) const {
    const RetainedPair pair{*this, from, to};
    return changed_paths(pair.before(), pair.after());
}

ATTUNE_DECL std::string Core::render_diff(Version from, Version to, Secrets secrets) const {
    const RetainedPair pair{*this, from, to};
    const std::vector<Bound> known = secrets == Secrets::shown ? std::vector<Bound>{} : roots();
    const auto shown = [&](const Document* value, const Path& path) -> std::string {
        return value == nullptr ? "nothing" : to_text(mask_secrets(*value, path, known));
    };
    std::string text;
    for (const Path& path : changed_paths(pair.before(), pair.after())) {
        text += path.empty() ? "(everything)" : to_string(path);
        text += ": " + shown(pair.before().find(path), path) + " -> " +
                shown(pair.after().find(path), path) + '\n';
    }
    return text;
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

/// What the store itself has set, as a journal keeps it: the overrides, or with a rollback both in
/// an array. The overrides are as they stand, so that setting a value changes both documents in the
/// same way.
inline Document own_state(const LayerStack& stack) {
    Document overrides;
    Document holds;
    for (const auto& layer : stack) {
        if (layer->rank == Rank::overrides) {
            overrides = layer->document;
        }
        for (const Hold& hold : layer->holds) {
            Document record{{"path", hold.path.pointer()}, {"version", hold.version}};
            if (hold.value) {
                record = record.with("value", *hold.value);
            }
            if (hold.overrides) {
                record = record.with("overrides", *hold.overrides);
            }
            const Document list = holds.is_null() ? Document::array() : holds;
            holds = list.with("/-", std::move(record));
        }
    }
    if (holds.is_null()) {
        return overrides;
    }
    return Document::array().with("/-", std::move(overrides)).with("/-", std::move(holds));
}

inline std::vector<Hold> holds_of(const Document& own) {
    std::vector<Hold> holds;
    if (!own.is_array()) {
        return holds;
    }
    const auto optional = [](const Document* value) {
        return value != nullptr ? std::optional{*value} : std::nullopt;
    };
    const Document list = own.at("/1");
    for (const Document& record : list.elements()) {
        holds.push_back({.path = Path{record.at("path").as_string()},
                         .value = optional(record.find("value")),
                         .version = record.at("version").as_uint64(),
                         .overrides = optional(record.find("overrides"))});
    }
    return holds;
}

inline Document overrides_of(const Document& own) { return own.is_array() ? own.at("/0") : own; }

inline void restore_frame(Frame& frame, const VersionRecord& record, const Frame* before) {
    frame.version = record.version;
    frame.time = record.time;
    frame.reason = record.reason;
    frame.layer = record.layer;
    frame.document = record.document;
    // Where there is a gap nobody knows what that version changed.
    const bool known = before != nullptr && before->version + 1 == record.version;
    frame.before = known ? before->document : record.document;
}

ATTUNE_DECL std::shared_ptr<FrameChain> make_chain(std::size_t history,
                                                   const JournalSink::Restored& restored) {
    std::shared_ptr<FrameChain> chain;
    for (const VersionRecord& record : restored.versions) {
        const Frame* const before = chain != nullptr ? chain->current() : nullptr;
        FrameDraft draft{before};
        restore_frame(draft.frame(), record, before);
        if (chain != nullptr) {
            chain->publish(draft);
        } else {
            chain = std::make_shared<FrameChain>(history, draft);
        }
        if (record.kept) {
            (void)chain->keep(record.version, record.note);
        }
    }
    return chain != nullptr ? chain : std::make_shared<FrameChain>(history, Document::object());
}

// The newest version stands in for the layers until the program has put all of them back: when they
// bring what they brought before, nothing changes.
ATTUNE_DECL void Core::restore(std::unique_ptr<JournalSink> sink, const Document& own) {
    const CommitLock lock{*state_};
    State& state = *state_;
    state.journal = std::move(sink);
    state.journaled = own;
    const Frame& current = *chain_->current();
    if (current.version == 0) {
        return;
    }
    auto base = std::make_shared<LayerContent>();
    base->id = state.next_layer++;
    base->rank = Rank::restored;
    base->name = "journal";
    base->unknown_keys = UnknownKeys::ignore;
    base->holds = {{.path = {},
                    .value = current.document,
                    .version = current.version,
                    .overrides = std::nullopt}};
    base->content.revision = std::to_string(current.version);
    state.stack = {base};
    state.restored = base->id;

    LayerStack proposed = state.stack;
    std::vector<std::shared_ptr<LayerEntry>> entries;
    const auto add = [&](std::uint64_t& id, Rank rank, const char* name, auto&& fill) {
        auto entry = state.own_layer(rank, name);
        id = entry->id;
        auto layer = std::make_shared<LayerContent>();
        layer->id = entry->id;
        layer->rank = rank;
        layer->name = entry->name;
        layer->unknown_keys = entry->unknown_keys;
        fill(*layer);
        proposed = State::with_layer(std::move(proposed), layer);
        entries.push_back(entry);
        state.add(entry);
        state.note_success(*entry, layer->content, current.version);
    };
    if (std::vector<Hold> holds = holds_of(own); !holds.empty()) {
        add(state.rollback, Rank::rollback, "rollback", [&](LayerContent& layer) {
            layer.unknown_keys = UnknownKeys::warn;
            layer.content.revision = std::to_string(holds.back().version);
            layer.holds = std::move(holds);
        });
    }
    if (Document overrides = overrides_of(own); !overrides.is_null()) {
        add(state.overrides, Rank::overrides, "overrides", [&](LayerContent& layer) {
            layer.content.document = overrides;
            layer.document = std::move(overrides);
        });
    }
    // A new version where an override_scope had been part of the last one.
    (void)state.publish(*chain_,
                        {.stack = std::move(proposed), .reason = "restart", .adds_layer = true});
    state.end_restored_later();
}

ATTUNE_DECL void Core::State::end_restored_later() {
    constexpr auto pause = std::chrono::seconds{1};
    if (restored == 0 || poller == nullptr) {
        return;
    }
    if (!restart) {
        const auto& core = static_cast<const StoreHome&>(graph.home()).core;
        restart = poller->timer([core] {
            if (const auto self = core.lock()) {
                self->end_restored();
            }
        });
    }
    restart.arm_after(pause);
}

ATTUNE_DECL void Core::end_restored() {
    Published published;
    try {
        const OpenLock lock{*state_};
        if (state_->restored == 0) {
            return;
        }
        published = state_->publish(*chain_, {.stack = state_->stack, .reason = "restart"});
    } catch (const Rejected& rejected) {
        publish_rejection(rejected.rejection());
        return;
    } catch (const JournalError&) {
        const CommitLock lock{*state_};
        state_->end_restored_later();
        return;
    } catch (const std::logic_error&) {
        return;  // closed meanwhile
    }
    finish(published);
}

ATTUNE_DECL void Core::State::record(const Frame& frame, const Document& before,
                                     const LayerStack& next, const Path* within) {
    if (journal == nullptr) {
        return;
    }
    Document own = own_state(next);
    if (before.same(frame.document) && own == journaled) {
        return;
    }
    journal->append({.version = frame.version,
                     .time = frame.time,
                     .reason = frame.reason,
                     .layer = frame.layer,
                     .before = before,
                     .after = frame.document,
                     .own_before = journaled,
                     .own_after = own,
                     .within = within});
    journaled = std::move(own);
    last_journaled = frame.version;
}

ATTUNE_DECL void Core::State::retry_later() {
    constexpr auto pause = std::chrono::seconds{1};
    if (poller == nullptr) {
        return;
    }
    if (!retry) {
        const auto& core = static_cast<const StoreHome&>(graph.home()).core;
        retry = poller->timer([core] {
            if (const auto self = core.lock()) {
                self->retry_refused();
            }
        });
    }
    retry.arm_after(pause);
}

ATTUNE_DECL Problem not_kept(const JournalError& error) {
    return {.origin = {.layer = "journal", .source = error.file()}, .message = error.what()};
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

/// The store's ear for one running transport.
class LayerFeed final : public Feed {
public:
    LayerFeed(std::weak_ptr<Core> core, std::uint64_t layer, std::shared_ptr<Poller> poller)
        : core_(std::move(core)), layer_(layer), poller_(std::move(poller)) {}

    void content(Content content) override {
        if (const auto core = core_.lock()) {
            core->deliver(layer_, std::move(content));
        }
    }
    void failed(std::vector<Problem> problems) override {
        if (const auto core = core_.lock()) {
            core->fail(layer_, std::move(problems));
        }
    }
    void unchanged() override {
        if (const auto core = core_.lock()) {
            core->confirm(layer_);
        }
    }
    Poller& poller() override { return *poller_; }

private:
    const std::weak_ptr<Core> core_;
    const std::uint64_t layer_;
    const std::shared_ptr<Poller> poller_;
};

/// What a reload on another thread came to.
struct ReloadOutcome {
    std::mutex mutex;
    std::condition_variable ready;
    bool kept = false;
    Commit commit;
    std::exception_ptr thrown;
};

/// Kept at the latest when it is destroyed: a poller that ends drops its work.
class ReloadPromise {
public:
    explicit ReloadPromise(std::shared_ptr<ReloadOutcome> outcome) noexcept
        : outcome_(std::move(outcome)) {}
    ReloadPromise(ReloadPromise&&) noexcept = default;
    ReloadPromise& operator=(ReloadPromise&&) = delete;
    ~ReloadPromise() {
        if (outcome_ != nullptr) {
            keep({}, std::make_exception_ptr(std::logic_error{
                         "the store was closed during the reload"}));
        }
    }
    void keep(Commit commit, std::exception_ptr thrown) {
        const auto outcome = std::exchange(outcome_, nullptr);
        const std::scoped_lock lock{outcome->mutex};
        outcome->commit = std::move(commit);
        outcome->thrown = std::move(thrown);
        outcome->kept = true;
        outcome->ready.notify_one();
    }

private:
    std::shared_ptr<ReloadOutcome> outcome_;
};

/// One reading, with what is wrong about it as a Rejected.
inline Content load_from(Transport& transport, const std::string& name, Version version) {
    std::vector<Problem> problems;
    try {
        return transport.load();
    } catch (const ParseError& error) {
        problems.push_back({.path = {},
                            .origin = {.layer = name,
                                       .source = error.name(),
                                       .line = error.line(),
                                       .column = error.column(),
                                       .revision = {}},
                            .message = error.message()});
    } catch (const Rejected& rejected) {
        problems = rejected.problems();
    }
    throw Rejected{{.problems = std::move(problems), .reason = name, .version = version}};
}

/// Of a reading that brought no document. Only a text has lines.
inline Failure failure_of(const std::vector<Problem>& problems) noexcept {
    const bool malformed = std::any_of(problems.begin(), problems.end(),
                                       [](const auto& each) { return each.origin.line != 0; });
    return malformed ? Failure::malformed : Failure::unavailable;
}

ATTUNE_DECL void Core::State::add(std::shared_ptr<LayerEntry> entry) {
    const auto above = std::find_if(layers.begin(), layers.end(),
                                    [&](const auto& other) { return other->rank > entry->rank; });
    layers.insert(above, std::move(entry));
}

ATTUNE_DECL std::shared_ptr<Core::LayerEntry> Core::State::own_layer(Rank rank, std::string name) {
    auto entry = std::make_shared<LayerEntry>();
    entry->id = next_layer++;
    entry->rank = rank;
    entry->name = std::move(name);
    entry->status.name = entry->name;
    entry->unknown_keys = options.unknown_keys.value_or(UnknownKeys::error);
    return entry;
}

ATTUNE_DECL std::shared_ptr<Core::LayerEntry> Core::State::find(std::uint64_t id) const noexcept {
    const auto found = std::find_if(layers.begin(), layers.end(),
                                    [&](const auto& layer) { return layer->id == id; });
    return found != layers.end() ? *found : nullptr;
}

ATTUNE_DECL std::shared_ptr<Core::LayerEntry> Core::State::at(std::uint64_t id) const {
    auto found = find(id);
    if (found == nullptr) {
        throw std::logic_error{"the layer has been removed from its store"};
    }
    return found;
}

ATTUNE_DECL const LayerContent* Core::State::content_of(std::uint64_t id) const noexcept {
    const auto found = std::find_if(stack.begin(), stack.end(),
                                    [&](const auto& layer) { return layer->id == id; });
    return found != stack.end() ? found->get() : nullptr;
}

ATTUNE_DECL void Core::State::note_success(LayerEntry& entry, const Content& content,
                                           Version version) {
    if (entry.transport != nullptr && entry.transport->wants_accepted()) {
        entry.tells = true;
        tells.store(true, std::memory_order_relaxed);
    }
    LayerStatus& status = entry.status;
    status.version = version;
    status.revision = content.revision;
    entry.refused.reset();
    const auto time = now();
    if (!content.stale_because.empty()) {
        // An old reading, in place of one that could not be had.
        note_failure(entry, Failure::unavailable, content.stale_because);
        status.state = attune::State::stale;
        return;
    }
    if (status.state != attune::State::ready) {
        status.state = attune::State::ready;
        status.since = time;
    }
    status.last_success = time;
    ++status.updates;
    status.consecutive_failures = 0;
    status.problems.clear();
}

ATTUNE_DECL void Core::State::note_failure(LayerEntry& entry, Failure failure,
                                           std::vector<Problem> problems) {
    LayerStatus& status = entry.status;
    const auto time = now();
    const auto state = status.updates != 0 || status.state == attune::State::stale
                           ? attune::State::stale
                           : attune::State::failed;
    if (status.state != state) {
        status.state = state;
        status.since = time;
    }
    ++status.refusals;
    ++status.consecutive_failures;
    for (Problem& problem : problems) {
        problem.found.clear();  // a value
    }
    status.last_error = {
        .kind = failure, .path = problems.empty() ? Path{} : problems.front().path, .time = time};
    status.problems = std::move(problems);
    ++refusals;
}

ATTUNE_DECL std::uint64_t Core::add(std::unique_ptr<Transport> transport, LayerOptions options) {
    const auto self = shared_from_this();  // an observer may destroy the store
    auto entry = std::make_shared<LayerEntry>();
    entry->transport = std::move(transport);
    entry->name = options.name.empty() ? entry->transport->name() : std::move(options.name);
    entry->status.name = entry->name;
    const auto by_default = entry->transport->remote() ? UnknownKeys::warn : UnknownKeys::error;
    entry->unknown_keys =
        options.unknown_keys.value_or(state_->options.unknown_keys.value_or(by_default));

    Content content = load_from(*entry->transport, entry->name, version());
    Published published;
    {
        const OpenLock lock{*state_};
        entry->id = state_->next_layer++;
        published = state_->accept(*chain_, *entry, std::move(content),
                                   {.reason = entry->name, .first = true});
        state_->add(entry);
        state_->end_restored_later();
        entry->feed = std::make_unique<LayerFeed>(weak_from_this(), entry->id, state_->poller);
    }
    finish(published);
    try {
        entry->transport->start(*entry->feed);
    } catch (...) {
        remove(entry->id);
        throw;
    }
    if (published.changed()) {
        retry_refused();
    }
    return entry->id;
}

ATTUNE_DECL void Core::discard(std::vector<std::shared_ptr<LayerEntry>> layers,
                               Poller* poller) noexcept {
    // A callback that ends its own layer returns into the transport: that must still be there.
    if (poller != nullptr && poller->on_thread()) {
        poller->post([kept = std::move(layers)] {});
    }
}

ATTUNE_DECL void Core::remove(std::uint64_t layer) {
    const auto self = shared_from_this();  // an observer may destroy the store
    Published published;
    std::shared_ptr<LayerEntry> entry;
    std::shared_ptr<Poller> poller;
    {
        const CommitLock lock{*state_};
        entry = state_->find(layer);  // nothing is found in a closed store
        if (entry == nullptr) {
            return;
        }
        Candidate candidate{
            .stack = state_->stack, .reason = "remove " + entry->name, .layer = entry->name};
        std::erase_if(candidate.stack, [&](const auto& other) { return other->id == layer; });
        published = state_->publish(*chain_, std::move(candidate));
        std::erase(state_->layers, entry);
        poller = state_->poller;
    }
    finish(published);
    if (entry->transport != nullptr) {
        {
            const std::scoped_lock lock{entry->telling};
            entry->ended = true;
        }
        entry->transport->stop();
    }
    discard({std::move(entry)}, poller.get());
}

ATTUNE_DECL Commit Core::reload(std::uint64_t layer) {
    std::shared_ptr<Poller> poller;
    {
        const OpenLock lock{*state_};
        if (state_->at(layer)->transport->writable()) {
            Commit nothing;
            nothing.version = chain_->current()->version;
            return nothing;
        }
        poller = state_->poller;
    }
    if (poller->on_thread()) {
        return reload_now(layer);
    }
    // On the transport's own thread, so that this reading and those it brings by itself are
    // committed in the order in which they were made.
    auto outcome = std::make_shared<ReloadOutcome>();
    poller->post([self = shared_from_this(), layer, promise = ReloadPromise{outcome}]() mutable {
        try {
            promise.keep(self->reload_now(layer), nullptr);
        } catch (...) {
            promise.keep({}, std::current_exception());
        }
    });
    poller.reset();
    std::unique_lock lock{outcome->mutex};
    outcome->ready.wait(lock, [&] { return outcome->kept; });
    if (outcome->thrown) {
        std::rethrow_exception(outcome->thrown);
    }
    return outcome->commit;
}

ATTUNE_DECL Commit Core::reload_now(std::uint64_t layer) {
    const auto self = shared_from_this();  // an observer may destroy the store
    std::shared_ptr<LayerEntry> entry;
    {
        const OpenLock lock{*state_};
        entry = state_->at(layer);
    }
    Published published;
    bool read = false;
    try {
        Content content = load_from(*entry->transport, entry->name, version());
        read = true;
        const OpenLock lock{*state_};
        published = state_->accept(*chain_, *entry, state_->reconciled(*entry, std::move(content)),
                                   {.reason = "reload " + entry->name});
    } catch (const Rejected& rejected) {
        const OpenLock lock{*state_};
        state_->note_failure(*entry, read ? Failure::refused : failure_of(rejected.problems()),
                             rejected.problems());
        throw;
    }
    finish(published);
    if (published.changed()) {
        retry_refused();
    }
    return ticket(published);
}

ATTUNE_DECL void Core::deliver(std::uint64_t layer, Content content) {
    Published published;
    std::vector<std::shared_ptr<Delivery>> due;
    {
        const CommitLock lock{*state_};
        const auto entry = state_->closed ? nullptr : state_->find(layer);
        if (entry == nullptr) {
            return;
        }
        content = state_->reconciled(*entry, std::move(content));
        try {
            published = state_->accept(*chain_, *entry, content, {.reason = entry->name});
        } catch (const Rejected& rejected) {
            entry->refused = std::move(content);
            if (auto together = state_->accept_refused(*chain_)) {
                published = std::move(*together);
            } else {
                state_->note_failure(*entry, Failure::refused, rejected.problems());
                due = state_->announce(rejected.rejection());
            }
        } catch (const JournalError& error) {
            entry->refused = std::move(content);
            state_->note_failure(*entry, Failure::not_kept, {not_kept(error)});
            due = state_->announce({.problems = {not_kept(error)},
                                    .reason = entry->name,
                                    .version = chain_->current()->version});
            state_->retry_later();
        }
    }
    for (const auto& delivery : due) {
        delivery->dispatch();
    }
    finish(published);
    if (published.changed()) {
        retry_refused();
    }
}

ATTUNE_DECL void Core::tell_accepted() {
    std::vector<std::shared_ptr<LayerEntry>> entries;
    {
        const CommitLock lock{*state_};
        for (const auto& entry : state_->layers) {
            if (std::exchange(entry->tells, false)) {
                entries.push_back(entry);
            }
        }
    }
    for (const auto& entry : entries) {
        // Whoever comes second tells what is newer, or the same again.
        const std::scoped_lock telling{entry->telling};
        Accepted accepted;
        {
            const CommitLock lock{*state_};
            const LayerContent* const layer = state_->content_of(entry->id);
            if (layer == nullptr || entry->ended || !layer->content.stale_because.empty()) {
                continue;
            }
            accepted.document = layer->content.document;
            accepted.without_secrets =
                bound_parts(accepted.document, bound_roots(state_->bound), false);
            accepted.revision = layer->content.revision;
        }
        entry->transport->accepted(accepted);
    }
}

ATTUNE_DECL void Core::retry_refused() {
    std::optional<Published> published;
    {
        const CommitLock lock{*state_};
        published = state_->accept_refused(*chain_);
    }
    if (published) {
        finish(*published);
    }
}

// Two files that must change together are saved one after the other: the first is refused, and
// becomes right by the second. So what was refused is tried again whenever something else has
// changed or was refused too.
ATTUNE_DECL std::optional<Core::Published> Core::State::accept_refused(FrameChain& chain) {
    std::vector<std::shared_ptr<LayerEntry>> waiting;
    for (const auto& entry : layers) {
        if (entry->refused) {
            waiting.push_back(entry);
        }
    }
    const auto accept_all =
        [&](std::span<const std::shared_ptr<LayerEntry>> entries) -> std::optional<Published> {
        Candidate candidate{.stack = stack, .reason = {}};
        std::vector<Problem> problems;
        for (const auto& entry : entries) {
            const auto prepared = prepare(*entry, reconciled(*entry, *entry->refused), problems);
            std::replace_if(
                candidate.stack.begin(), candidate.stack.end(),
                [&](const auto& layer) { return layer->id == entry->id; }, prepared);
            candidate.reason += candidate.reason.empty() ? entry->name : ", " + entry->name;
        }
        candidate.layer = candidate.reason;
        if (!problems.empty()) {
            return std::nullopt;
        }
        std::optional<Published> published;
        try {
            published = publish(chain, std::move(candidate));
        } catch (const Rejected&) {
            return std::nullopt;  // reported when it came
        } catch (const JournalError&) {
            retry_later();
            return std::nullopt;
        }
        for (const auto& entry : entries) {
            const Content accepted = *std::exchange(entry->refused, std::nullopt);
            note_success(*entry, accepted, published->version);
        }
        return published;
    };
    if (waiting.empty()) {
        return std::nullopt;
    }
    if (auto published = accept_all(waiting)) {
        return published;
    }
    for (std::size_t i = 0; i != waiting.size() && waiting.size() > 1; ++i) {
        if (auto published = accept_all({&waiting[i], 1})) {
            return published;
        }
    }
    return std::nullopt;
}

ATTUNE_DECL void Core::fail(std::uint64_t layer, std::vector<Problem> problems) {
    std::vector<std::shared_ptr<Delivery>> due;
    {
        const CommitLock lock{*state_};
        const auto entry = state_->closed ? nullptr : state_->find(layer);
        if (entry == nullptr) {
            return;
        }
        for (Problem& problem : problems) {
            if (problem.origin.layer.empty()) {
                problem.origin.layer = entry->name;
            }
        }
        state_->note_failure(*entry, failure_of(problems), problems);
        due = state_->announce({.problems = std::move(problems),
                                .reason = entry->name,
                                .version = chain_->current()->version});
    }
    for (const auto& delivery : due) {
        delivery->dispatch();
    }
}

ATTUNE_DECL void Core::confirm(std::uint64_t layer) {
    const CommitLock lock{*state_};
    const auto entry = state_->closed ? nullptr : state_->find(layer);
    if (entry != nullptr && !entry->refused) {
        Content same;
        same.revision = entry->status.revision;
        state_->note_success(*entry, same, entry->status.version);
    }
}

}  // namespace attune::inline ATTUNE_ABI::detail

/// What a store does about its observers besides telling them: waiting threads, and observers in
/// trouble.
namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL bool Core::wait_until(std::chrono::steady_clock::time_point deadline,
                                  const std::function<bool()>& check) {
    CommitLock::refuse_inside(state_->committing);
    return hub_->bell().wait(deadline, check);
}

// The rejection observers are told, unless it is one of them that is in trouble: that could go on
// for ever.
ATTUNE_DECL void Core::report_observer(const ObserverName& observer, const std::string& text) {
    if (observer.kind == ObserverName::Kind::rejections) {
        return;
    }
    Problem problem;
    problem.message = observer.label() + ' ' + text;
    problem.severity = Severity::warning;
    publish_rejection(
        {.problems = {std::move(problem)}, .reason = "observer", .version = version()});
}

ATTUNE_DECL void Core::observer_threw(const ObserverName& observer,
                                      const std::exception_ptr& thrown) {
    std::string what = "an exception that is no std::exception";
    try {
        std::rethrow_exception(thrown);
    } catch (const std::exception& exception) {
        what = exception.what();
    } catch (...) {
    }
    {
        const CommitLock lock{*state_};
        ++state_->observer_errors;
    }
    report_observer(observer, "threw: " + what);
}

ATTUNE_DECL void Core::report_notices() {
    for (const DeliveryHub::Notice& notice : hub_->take_notices()) {
        report_observer(notice.observer, notice.text);
    }
}

// On the poller's thread: the notifier may be the very thread that a slow observer holds up.
ATTUNE_DECL void Core::watch_calls() {
    const auto limit = std::chrono::duration_cast<std::chrono::steady_clock::duration>(
        state_->options.slow_observer);
    if (limit <= limit.zero()) {
        return;
    }
    const auto look = [weak = weak_from_this()] {
        const auto self = weak.lock();
        if (self == nullptr) {
            return;
        }
        for (const CallWatch::SlowCall& call : self->hub_->calls().look()) {
            self->report_observer(
                call.observer,
                "has been running for " +
                    attune::to_text(std::chrono::ceil<std::chrono::milliseconds>(call.running)) +
                    "; until it returns, it is told of nothing else, and "
                    "others that share its executor wait");
        }
    };
    // The timer is made with the first call: it starts the thread.
    auto timer = std::make_shared<Poller::Timer>();
    hub_->calls().start(limit, [look, timer, owner = std::weak_ptr<Poller>{state_->poller}](
                                   CallWatch::Clock::time_point when) {
        if (!*timer) {
            if (const auto poller = owner.lock()) {
                *timer = poller->timer(look);
            }
        }
        timer->arm(when);
    });
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

/// Of a document that was accepted long ago.
class PastProvenance final : public Provenance {
public:
    explicit PastProvenance(Version version) noexcept : version_(version) {}
    Origin origin(const Path&, Part) const override {
        return {.layer = "version " + std::to_string(version_)};
    }
    UnknownKeys unknown_keys(const Path&) const override { return UnknownKeys::ignore; }

private:
    const Version version_;
};

// The graph of today is brought up to date with the document of that version, on a draft that is
// never published. What it made stays with the frame.
ATTUNE_DECL const CellBase& Core::past_cell(const GraphNode& node, const Frame& frame) {
    const OpenLock lock{*state_};
    if (const CellBase* const known = frame.late_cell(node.slot, node.born)) {
        return *known;
    }
    const Frame& current = *chain_->current();
    const PastProvenance provenance{frame.version};
    std::vector<Problem> problems;
    FrameDraft draft{&current};
    Propagation propagation{draft, state_->graph.queue};
    for (BoundNode* const bound : state_->index.affected(current.document, frame.document)) {
        const std::size_t before = problems.size();
        NodeUpdate update = decode_node(*bound, frame.document, provenance, problems);
        if (problems.size() != before) {
            propagation.lacking(*bound);
        } else if (!bound->kind.equal(*current.cell(bound->slot), *update.cell.get())) {
            draft.set(bound->slot, std::move(update.cell));
            propagation.changed(*bound);
        }
    }
    propagation.run();
    for (const GraphNode* const made : state_->graph.nodes()) {
        if (made != nullptr && made->born > frame.serial() && propagation.has_value(*made) &&
            frame.late_cell(made->slot, made->born) == nullptr) {
            frame.add_late(made->slot, made->born, CellPtr::share(draft.cell(made->slot)));
        }
    }
    if (const CellBase* const made = frame.late_cell(node.slot, node.born)) {
        return *made;
    }
    for (Problem& problem : problems_of(propagation.failures(), provenance)) {
        problems.push_back(std::move(problem));
    }
    throw Rejected{
        {.problems = std::move(problems),
         .reason = "reading \"" + node.name() + "\" in version " + std::to_string(frame.version),
         .version = current.version}};
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

/// The JSON Schema (draft 2020-12) of documents that satisfy every root: objects along the paths,
/// open to what is not bound; below, what `decode` takes, as far as JSON Schema can say it. Members
/// without a rule that makes them required may be null, which stands for their default; so may
/// values of maps.
///
/// What it cannot say, it allows: rules over several fields, bounds of durations and of sizes with
/// a unit, lengths in bytes where there are more bytes than characters, members that are null in a
/// map of at least two, `1.0` for an integer. The description then tells what is expected.
///
/// Structs that occur more than once are in `$defs`, named after the member that leads to them
/// first. Defaults are those of the struct around; none is given that would be refused, or holds a
/// secret. Secrets are marked `writeOnly`.
ATTUNE_DECL Document json_schema(std::span<const Bound> roots);

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

/// A default as somebody would write it into a file. Nothing when it holds a secret, and when it
/// would be refused there: rules and checks do not judge defaults. `object` is of the described
/// type; the rules may be null.
ATTUNE_DECL std::optional<Document> default_value(const Type& type, const Rules* rules,
                                                  const void* object);

/// Must a value of this type be there, since something in it is required? True only for structs
/// that are not optional.
ATTUNE_DECL bool must_be_present(const Type& type);

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL bool keeps_size(const Rules* rules, std::size_t size) noexcept {
    return rules == nullptr || ((!rules->least_size || size >= *rules->least_size) &&
                                (!rules->most_size || size <= *rules->most_size));
}

ATTUNE_DECL bool keeps_text_rules(const Rules* rules, std::string_view text) {
    if (rules == nullptr) {
        return true;
    }
    const std::vector<std::string>& choices = rules->strings;
    const Pattern& pattern = rules->pattern;
    return keeps_size(rules, text.size()) &&
           (choices.empty() || std::find(choices.begin(), choices.end(), text) != choices.end()) &&
           (!pattern ||
            (text.size() <= max_pattern_input && pattern.match(pattern.program.get(), text)));
}

ATTUNE_DECL bool keeps_number_rules(const Type& type, const Rules* rules, const void* object) {
    const Quantity number = load(type, object);
    if (number.is_real() && !std::isfinite(number.real())) {
        return false;
    }
    const bool chosen =
        rules == nullptr || rules->numbers.empty() ||
        std::find(rules->numbers.begin(), rules->numbers.end(), number) != rules->numbers.end();
    return chosen && range_of(type, rules).contains(number);
}

ATTUNE_DECL bool has_name(const EnumType& type, const void* object) {
    const Quantity number = load(type, object);
    const Enumerators& names = type.names();
    return std::any_of(names.begin(), names.end(), [&number](const Enumerator& enumerator) {
        return number == enumerator.value;
    });
}

ATTUNE_DECL bool is_readable(const Type& type, const Rules* rules, const void* object);

ATTUNE_DECL bool is_readable_map(const MapType& type, const void* object) {
    struct Context {
        const Type& element;
        bool readable;
    } context{type.element, true};
    type.visit(object, &context, [](void* opaque, const std::string&, const void* value) {
        Context& c = *static_cast<Context*>(opaque);
        c.readable = c.readable && is_readable(c.element, nullptr, value);
    });
    return context.readable;
}

ATTUNE_DECL bool is_readable_struct(const Structure& structure, const void* object) {
    const auto* const base = static_cast<const std::byte*>(object);
    for (const FieldInfo& field : structure.fields) {
        const void* const member = base + field.offset;
        const bool empty = field.type->shape == Shape::optional &&
                           static_cast<const OptionalType*>(field.type)->get(member) == nullptr;
        if ((field.required && empty) || !is_readable(*field.type, field.rules.get(), member)) {
            return false;
        }
    }
    return std::all_of(structure.checks.begin(), structure.checks.end(),
                       [object](const CheckInfo& check) {
                           try {
                               return check.call(check.function.get(), object);
                           } catch (...) {
                               return false;
                           }
                       });
}

/// Would a decoder take what an encoder makes of the object?
ATTUNE_DECL bool is_readable(const Type& type, const Rules* rules, const void* object) {
    switch (type.shape) {
    case Shape::integer:
    case Shape::real:
    case Shape::duration:
    case Shape::bytes: return keeps_number_rules(type, rules, object);
    case Shape::enumeration:
        return has_name(static_cast<const EnumType&>(type), object) &&
               keeps_number_rules(type, rules, object);
    case Shape::string: return keeps_text_rules(rules, *static_cast<const std::string*>(object));
    case Shape::path:
        return keeps_text_rules(rules, static_cast<const PathType&>(type).text(object));
    case Shape::optional: {
        const auto& optional = static_cast<const OptionalType&>(type);
        const void* const inner = optional.get(object);
        return inner == nullptr || is_readable(optional.inner, rules, inner);
    }
    case Shape::secret: {
        const auto& secret = static_cast<const SecretType&>(type);
        return is_readable(secret.inner, rules, secret.reveal(object));
    }
    case Shape::flags: return keeps_size(rules, static_cast<const FlagsType&>(type).size(object));
    case Shape::list: {
        const auto& list = static_cast<const ListType&>(type);
        bool readable = keeps_size(rules, list.size(object));
        for (std::size_t i = 0; readable && i != list.size(object); ++i) {
            readable = is_readable(list.element, nullptr, list.get(object, i));
        }
        return readable;
    }
    case Shape::array: {
        const auto& array = static_cast<const ArrayType&>(type);
        const auto* element = static_cast<const std::byte*>(object);
        bool readable = true;
        for (std::size_t i = 0; readable && i != array.count; ++i, element += array.stride) {
            readable = is_readable(array.element, nullptr, element);
        }
        return readable;
    }
    case Shape::map: {
        const auto& map = static_cast<const MapType&>(type);
        return keeps_size(rules, map.size(object)) && is_readable_map(map, object);
    }
    case Shape::variant: {
        const auto& variant = static_cast<const VariantType&>(type);
        const std::size_t index = variant.index(object);
        return index < variant.count &&
               is_readable(*variant.alternatives[index], nullptr, variant.get(object));
    }
    case Shape::structure: return is_readable_struct(structure_of(type), object);
    case Shape::boolean:
    case Shape::document:
    case Shape::external: break;
    }
    return true;
}

ATTUNE_DECL std::optional<Document> default_value(const Type& type, const Rules* rules,
                                                  const void* object) {
    if (!is_readable(type, rules, object)) {
        return std::nullopt;
    }
    Document value = encode(type, object, true);
    if (has_secrets(type) && value != encode(type, object, false)) {
        return std::nullopt;
    }
    return value;
}

ATTUNE_DECL bool must_be_present(const Type& type) {
    if (type.shape == Shape::secret) {
        return must_be_present(static_cast<const SecretType&>(type).inner);
    }
    if (type.shape != Shape::structure) {
        return false;
    }
    const std::vector<FieldInfo>& fields = structure_of(type).fields;
    return std::any_of(fields.begin(), fields.end(), [](const FieldInfo& field) {
        return field.required || must_be_present(*field.type);
    });
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

/// The pattern of a `matches` rule as JSON Schema has them: ECMA-262 with the flag `u`, and
/// anchored, since the rule is about the whole text. POSIX classes and needless escapes, which
/// std::regex takes and `u` does not, are spelt otherwise.
///
/// std::regex sees bytes, where JSON Schema sees characters: nothing when a character beyond ASCII
/// is repeated or stands in brackets. The two still differ on texts beyond ASCII where a pattern
/// counts characters by `.` or by what is not in brackets.
ATTUNE_DECL std::optional<std::string> json_pattern(std::string_view pattern);

}  // namespace attune::inline ATTUNE_ABI::detail

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

// The parts of a JSON Schema that know nothing of the place they stand at.

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL void set_member(Document& object, std::string_view key, Document value) {
    object = object.with(Path() / key, std::move(value));
}

ATTUNE_DECL Document json_array(std::vector<Document> elements) {
    return make_array(elements.data(), elements.size());
}

ATTUNE_DECL Document json_number(const Quantity& number) {
    if (number.is_real()) {
        return number.real();
    }
    return number.is_negative() ? Document(static_cast<std::int64_t>(number.bits()))
                                : Document(number.bits());
}

ATTUNE_DECL Document json_numbers(const std::vector<Quantity>& numbers) {
    std::vector<Document> all;
    for (const Quantity& number : numbers) {
        all.push_back(json_number(number));
    }
    return json_array(std::move(all));
}

/// "left; right", without the empty ones.
ATTUNE_DECL std::string joined(std::string left, std::string_view right) {
    if (!left.empty() && !right.empty()) {
        left += "; ";
    }
    return left.append(right);
}

/// Extends a schema for a value by null.
ATTUNE_DECL void allow_null(Document& schema) {
    const Document null_type = Document::object().with("type", "null");
    if (schema == Document::object()) {
        return;  // anything goes
    }
    if (const Document* const choices = schema.find("enum")) {
        set_member(schema, "enum", choices->with("-", nullptr));
    }
    if (const Document* const type = schema.find("type")) {
        set_member(schema, "type", json_array({*type, "null"}));
    } else if (const Document* const alternatives = schema.find("anyOf")) {
        set_member(schema, "anyOf", alternatives->with("-", null_type));
    } else if (schema.find("enum") == nullptr) {
        schema = Document::object().with("anyOf", json_array({schema, null_type}));
    }
}

// Scalars; null is not among their values. What a schema cannot say is added to `note`.

ATTUNE_DECL void put_range(Document& schema, const Range& range) {
    if (range.least && std::isfinite(range.least->real())) {
        set_member(schema, "minimum", json_number(*range.least));
    }
    if (range.most && std::isfinite(range.most->real())) {
        set_member(schema, "maximum", json_number(*range.most));
    }
}

ATTUNE_DECL Document number_schema(const Type& type, const Rules* rules) {
    Document schema =
        Document::object().with("type", type.shape == Shape::real ? "number" : "integer");
    Range range = range_of(type, rules);
    if (type.shape == Shape::bytes && !range.least) {
        range.least = std::uint64_t{0};
    }
    if (type.shape == Shape::bytes && !range.most) {
        range.most = most_of(IntegerFormat{8, false});
    }
    if (type.shape == Shape::real &&
        static_cast<const RealType&>(type).format == RealFormat::single) {
        const Quantity most = most_of(RealFormat::single);
        const Quantity least = -most.real();
        range.most = range.most && *range.most <= most ? range.most : most;
        range.least = range.least && *range.least >= least ? range.least : least;
    }
    put_range(schema, range);
    if (rules != nullptr && !rules->numbers.empty()) {
        set_member(schema, "enum", json_numbers(rules->numbers));
    }
    return schema;
}

ATTUNE_DECL Document string_schema(const Type& type, const Rules* rules, std::string& note) {
    Document schema = Document::object().with("type", "string");
    if (rules == nullptr) {
        return schema;
    }
    // Rules count bytes. A character is one to four of them.
    const std::size_t least = rules->least_size.value_or(0);
    std::optional<std::size_t> most = rules->most_size;
    if (rules->pattern) {
        most = std::min(most.value_or(max_pattern_input), max_pattern_input);
    }
    if (least != 0) {
        set_member(schema, "minLength", (least + 3) / 4);
    }
    if (most) {
        set_member(schema, "maxLength", *most);
    }
    std::optional<std::string> pattern;
    if (rules->pattern) {
        pattern = json_pattern(rules->pattern.text);
        if (pattern) {
            set_member(schema, "pattern", *pattern);
        }
    }
    if (!rules->strings.empty()) {
        set_member(schema, "enum",
                   json_array(std::vector<Document>(rules->strings.begin(), rules->strings.end())));
    } else if (least > 1 || rules->most_size || (rules->pattern && !pattern)) {
        note = expected(type, rules);
    }
    return schema;
}

ATTUNE_DECL Document enumeration_schema(const EnumType& type, const Rules* rules) {
    std::vector<Document> names;
    for (const Enumerator& enumerator : type.names()) {
        const Quantity value = enumerator.value;
        if (rules == nullptr || rules->numbers.empty() ||
            std::find(rules->numbers.begin(), rules->numbers.end(), value) !=
                rules->numbers.end()) {
            names.emplace_back(enumerator.name);
        }
    }
    return Document::object().with("type", "string").with("enum", json_array(std::move(names)));
}

ATTUNE_DECL bool has_number_rules(const Rules* rules) noexcept {
    return rules != nullptr && (rules->least || rules->most || !rules->numbers.empty());
}

/// Durations as text, `1h30m`; below zero where the range is.
ATTUNE_DECL Document duration_text_schema(bool may_be_negative) {
    constexpr std::string_view number = "(?:[0-9]+(?:\\.[0-9]+)?";
    // Zero may have a minus as well.
    std::string pattern = may_be_negative ? "^-?" : "^(?!-.*[1-9])-?";
    pattern += "(?:0|(?=[0-9])";
    for (const std::string_view unit : {"d", "h", "m", "s", "ms", "us", "ns"}) {
        pattern.append(number).append(unit).append(")?");
    }
    pattern += ")$";
    return Document::object().with("type", "string").with("pattern", std::move(pattern));
}

ATTUNE_DECL Document bytes_text_schema() {
    return Document::object()
        .with("type", "string")
        .with("pattern", "^[0-9]+(?:\\.[0-9]+)?(?:B|kB|[MGTPE]B|[KMGTPE]iB)?$");
}

ATTUNE_DECL void put_sizes(Document& schema, const Rules* rules, std::string_view least,
                           std::string_view most) {
    if (rules != nullptr && rules->least_size && *rules->least_size != 0) {
        set_member(schema, least, *rules->least_size);
    }
    if (rules != nullptr && rules->most_size) {
        set_member(schema, most, *rules->most_size);
    }
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

/// Writes one schema.
class JsonSchema {
public:
    explicit JsonSchema(std::span<const Bound> roots) {
        for (const Bound& root : roots) {
            count(*root.type);
            roots_.push_back(&root);
        }
        std::stable_sort(roots_.begin(), roots_.end(),
                         [](const Bound* a, const Bound* b) { return a->path < b->path; });
    }

    Document write() && {
        Document schema = along(roots_, 0).schema;
        set_member(schema, "$schema", "https://json-schema.org/draft/2020-12/schema");
        for (const Definition& definition : definitions_) {
            schema = schema.with(Path("$defs") / definition.name, definition.schema);
        }
        return schema;
    }

private:
    struct Uses {
        const Type* type;
        std::size_t count;
    };

    struct Definition {
        const Type* type;  ///< null for a form of text
        bool secret;
        std::string name;
        Document schema;
    };

    /// What there is to know about the place of a value.
    struct Place {
        std::string_view name;             ///< of the member that leads here
        const FieldInfo* field = nullptr;  ///< null unless it is a field itself
        const void* fallback = nullptr;    ///< its default; null when that is not known
        bool secret = false;               ///< inside a secret
        bool nullable = false;
    };

    void count(const Type& type) {
        switch (type.shape) {
        case Shape::optional: return count(static_cast<const OptionalType&>(type).inner);
        case Shape::secret: return count(static_cast<const SecretType&>(type).inner);
        case Shape::list: return count(static_cast<const ListType&>(type).element);
        case Shape::array: return count(static_cast<const ArrayType&>(type).element);
        case Shape::map: return count(static_cast<const MapType&>(type).element);
        case Shape::variant: {
            const auto& variant = static_cast<const VariantType&>(type);
            for (std::size_t i = 0; i != variant.count; ++i) {
                count(*variant.alternatives[i]);
            }
            return;
        }
        case Shape::structure: break;
        default: return;
        }
        for (Uses& uses : uses_) {
            if (uses.type == &type) {
                ++uses.count;
                return;
            }
        }
        uses_.push_back({&type, 1});
        for (const FieldInfo& field : structure_of(type).fields) {
            count(*field.type);
        }
    }

    bool is_shared(const Type& type) const {
        return std::any_of(uses_.begin(), uses_.end(), [&type](const Uses& uses) {
            return uses.type == &type && uses.count > 1;
        });
    }

    struct Along {
        Document schema;
        bool required;
    };

    /// What the roots want of a place; their paths are alike up to there.
    Along along(std::span<const Bound* const> roots, std::size_t depth) {
        std::vector<Document> schemas;
        bool required = false;
        const Type* last = nullptr;
        while (!roots.empty() && roots.front()->path.size() == depth) {
            const Bound& root = *roots.front();
            roots = roots.subspan(1);
            const bool present = must_be_present(*root.type);
            required = required || present;
            if (root.type != last) {
                last = root.type;
                const std::string_view name =
                    depth == 0 ? std::string_view("root") : root.path.back();
                schemas.push_back(value(*last, {.name = name, .nullable = !present}));
            }
        }
        if (!roots.empty() || schemas.empty()) {
            Along below = members_along(roots, depth);
            required = required || below.required;
            schemas.push_back(std::move(below.schema));
        }
        if (schemas.size() == 1) {
            return {std::move(schemas.front()), required};
        }
        return {Document::object().with("allOf", json_array(std::move(schemas))), required};
    }

    Along members_along(std::span<const Bound* const> roots, std::size_t depth) {
        Document properties = Document::object();
        std::vector<Document> required;
        bool indexed = false;
        while (!roots.empty()) {
            const std::string& token = roots.front()->path.tokens()[depth];
            std::size_t alike = 1;
            while (alike != roots.size() && roots[alike]->path.tokens()[depth] == token) {
                ++alike;
            }
            Along member = along(roots.first(alike), depth + 1);
            roots = roots.subspan(alike);
            set_member(properties, token, std::move(member.schema));
            indexed = indexed || element_index(token);
            if (member.required) {
                required.emplace_back(token);
            }
        }
        const bool any_required = !required.empty();
        Document schema = Document::object().with("type", "object");
        set_member(schema, "properties", std::move(properties));
        if (any_required) {
            set_member(schema, "required", json_array(std::move(required)));
        }
        if (indexed) {
            // The path may lead into a list; of its elements nothing is said.
            schema = Document::object().with(
                "anyOf", json_array({schema, Document::object().with("type", "array")}));
        }
        if (!any_required) {
            allow_null(schema);
        }
        return {std::move(schema), any_required};
    }

    Document value(const Type& at, Place place) {
        const FieldInfo* const field = place.field;
        const Rules* const rules = field != nullptr ? field->rules.get() : nullptr;
        bool hidden = field != nullptr && field->secret;
        const void* object = place.fallback;
        const Type* type = &at;
        for (;;) {
            if (type->shape == Shape::optional) {
                const auto& optional = static_cast<const OptionalType&>(*type);
                object = object != nullptr ? optional.get(object) : nullptr;
                type = &optional.inner;
            } else if (type->shape == Shape::secret) {
                hidden = true;
                type = &static_cast<const SecretType&>(*type).inner;
            } else {
                break;
            }
        }
        const bool secret = place.secret || hidden;
        std::string note;
        const bool nullable = place.nullable;
        place.secret = secret;
        place.fallback = secret ? nullptr : object;
        Document schema = plain(*type, rules, place, note);
        if (nullable) {
            allow_null(schema);
        } else if (schema == Document::object()) {
            schema = Document::object().with("not", Document::object().with("type", "null"));
        }
        if (hidden) {
            set_member(schema, "writeOnly", true);
        }
        if (std::string text = joined(field != nullptr ? field->doc : std::string(), note);
            !text.empty()) {
            set_member(schema, "description", std::move(text));
        }
        return schema;
    }

    Document plain(const Type& type, const Rules* rules, const Place& place, std::string& note) {
        const Document schema = Document::object();
        switch (type.shape) {
        case Shape::boolean: return schema.with("type", "boolean");
        case Shape::integer:
        case Shape::real: return number_schema(type, rules);
        case Shape::string:
        case Shape::path: return string_schema(type, rules, note);
        case Shape::enumeration:
            return enumeration_schema(static_cast<const EnumType&>(type), rules);
        case Shape::duration: return duration(type, rules, note);
        case Shape::bytes: return bytes(type, rules, note);
        case Shape::flags: return list(type_of<bool>(), rules, place);
        case Shape::list: return list(static_cast<const ListType&>(type).element, rules, place);
        case Shape::array: {
            const auto& array = static_cast<const ArrayType&>(type);
            return list(array.element, nullptr, place)
                .with("minItems", array.count)
                .with("maxItems", array.count);
        }
        case Shape::map: return map(static_cast<const MapType&>(type).element, rules, place);
        case Shape::variant: return variant(static_cast<const VariantType&>(type), place);
        case Shape::structure: return structure(type, place);
        default: return schema;
        }
    }

    Document duration(const Type& type, const Rules* rules, std::string& note) {
        const Range range = range_of(type, rules);
        const Quantity zero = 0;
        const bool may_be_negative = !range.least || *range.least < zero;
        const Document text = text_form(may_be_negative ? "duration" : "duration-not-negative",
                                        duration_text_schema(may_be_negative));
        const bool may_be_zero =
            rules == nullptr || rules->numbers.empty() ||
            std::find(rules->numbers.begin(), rules->numbers.end(), zero) != rules->numbers.end();
        if (has_number_rules(rules)) {
            note = expected(type, rules);
        }
        if (!range.contains(zero) || !may_be_zero) {
            return text;
        }
        return Document::object().with("anyOf",
                                       json_array({text, Document::object().with("const", 0)}));
    }

    Document bytes(const Type& type, const Rules* rules, std::string& note) {
        if (has_number_rules(rules)) {
            note = expected(type, rules);
        }
        return Document::object().with("anyOf", json_array({text_form("size", bytes_text_schema()),
                                                            number_schema(type, rules)}));
    }

    /// A reference to the schema of a form of text, which is long and often needed.
    Document text_form(std::string_view name, const Document& schema) {
        for (const Definition& known : definitions_) {
            if (known.type == nullptr && known.schema == schema) {
                return reference(known);
            }
        }
        definitions_.push_back({nullptr, false, fresh_name(name), schema});
        return reference(definitions_.back());
    }

    static Document reference(const Definition& definition) {
        return Document::object().with("$ref", "#/$defs/" + definition.name);
    }

    Document list(const Type& element, const Rules* rules, const Place& place) {
        Document schema = Document::object().with("type", "array");
        set_member(schema, "items",
                   value(element, {.name = place.name,
                                   .secret = place.secret,
                                   .nullable = takes_null(element)}));
        put_sizes(schema, rules, "minItems", "maxItems");
        return schema;
    }

    Document map(const Type& element, const Rules* rules, const Place& place) {
        Document schema = Document::object().with("type", "object");
        set_member(schema, "additionalProperties",
                   value(element, {.name = place.name, .secret = place.secret, .nullable = true}));
        put_sizes(schema, rules, "minProperties", "maxProperties");
        if (takes_null(element)) {
            return schema;
        }
        // Otherwise members that are null do not count.
        const Document object = Document::object().with("type", "object");
        const Document null_type = Document::object().with("type", "null");
        if (schema.find("minProperties") != nullptr) {
            set_member(schema, "not", object.with("additionalProperties", null_type));
        }
        if (const Document* const most = schema.find("maxProperties")) {
            const Document no_null = Document::object().with("not", null_type);
            const Document some_null =
                Document::object().with("not", object.with("additionalProperties", no_null));
            set_member(schema, "anyOf",
                       json_array({object.with("maxProperties", *most), some_null}));
            schema = schema.without("maxProperties");
        }
        return schema;
    }

    Document variant(const VariantType& type, const Place& place) {
        std::vector<Document> alternatives;
        for (std::size_t i = 0; i != type.count; ++i) {
            alternatives.push_back(value(*type.alternatives[i],
                                         {.name = place.name, .secret = place.secret}));
        }
        return Document::object().with("anyOf", json_array(std::move(alternatives)));
    }

    /// A struct whose default is not that of its type stands where it is, since its members have
    /// other defaults than elsewhere.
    Document structure(const Type& type, const Place& place) {
        const void* const own = structure_of(type).defaults.get();
        if (place.fallback != nullptr && !equal(type, place.fallback, own)) {
            return body(type, place.fallback, false);
        }
        if (!is_shared(type)) {
            return body(type, place.secret ? nullptr : own, place.secret);
        }
        return reference(definition(type, place));
    }

    const Definition& definition(const Type& type, const Place& place) {
        for (const Definition& known : definitions_) {
            if (known.type == &type && known.secret == place.secret) {
                return known;
            }
        }
        const std::size_t index = definitions_.size();
        definitions_.push_back({&type, place.secret, fresh_name(place.name), {}});
        const void* const own = structure_of(type).defaults.get();
        Document schema = body(type, place.secret ? nullptr : own, place.secret);
        definitions_[index].schema = std::move(schema);
        return definitions_[index];
    }

    std::string fresh_name(std::string_view hint) const {
        std::string base;
        for (const char c : hint) {
            const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                               (c >= '0' && c <= '9') || c == '-' || c == '.';
            base += plain ? c : '_';
        }
        std::string name = base.empty() ? "struct" : base;
        const auto taken = [&name](const Definition& known) { return known.name == name; };
        for (std::size_t n = 2; std::any_of(definitions_.begin(), definitions_.end(), taken); ++n) {
            name = base + '_' + std::to_string(n);
        }
        return name;
    }

    /// `object` has the defaults of the members; null when they are not told.
    Document body(const Type& type, const void* object, bool secret) {
        const Structure& structure = structure_of(type);
        Document properties = Document::object();
        std::vector<Document> required;
        for (const FieldInfo& field : structure.fields) {
            const bool present = field.required || must_be_present(*field.type);
            if (present) {
                required.emplace_back(field.name);
            }
            const void* const member =
                object == nullptr ? nullptr : static_cast<const std::byte*>(object) + field.offset;
            Document schema = value(*field.type, {.name = field.name,
                                                  .field = &field,
                                                  .fallback = member,
                                                  .secret = secret,
                                                  .nullable = !present});
            // The members of a struct have defaults of their own.
            if (!present && member != nullptr && !field.secret &&
                field.type->shape != Shape::structure && field.type->shape != Shape::secret) {
                if (auto fallback = default_value(*field.type, field.rules.get(), member)) {
                    set_member(schema, "default", std::move(*fallback));
                }
            }
            set_member(properties, field.name, std::move(schema));
        }
        Document schema = Document::object().with("type", "object");
        set_member(schema, "properties", std::move(properties));
        set_member(schema, "additionalProperties", false);
        if (!required.empty()) {
            set_member(schema, "required", json_array(std::move(required)));
        }
        std::string text = structure.doc;
        for (const CheckInfo& check : structure.checks) {
            text = joined(std::move(text), check.text);
        }
        if (!text.empty()) {
            set_member(schema, "description", std::move(text));
        }
        return schema;
    }

    std::vector<const Bound*> roots_;  // by path
    std::vector<Uses> uses_;
    std::vector<Definition> definitions_;
};

ATTUNE_DECL Document json_schema(std::span<const Bound> roots) { return JsonSchema(roots).write(); }

}  // namespace attune::inline ATTUNE_ABI::detail

// What texts for people have in common.

namespace attune::inline ATTUNE_ABI::detail {

/// How else than in documents the places of a store can be set.
struct Spellings {
    std::vector<std::string> variable_prefixes;  ///< one for each layer of variables
    bool options = false;                        ///< some layer reads the command line

    /// `--server.port, SERVICE_SERVER_PORT`. The type is never optional, pointer or secret.
    ATTUNE_DECL std::string of(const Path& path, const Type& type) const;
};

/// Words on lines of at most `width` bytes, if they are not longer themselves. All white space is
/// one, so that no line holds an end of line.
ATTUNE_DECL std::vector<std::string> wrapped(std::string_view words, std::size_t width);

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL std::string Spellings::of(const Path& path, const Type& type) const {
    std::string list;
    const auto also = [&list](const std::string& spelling) {
        list += (list.empty() ? "" : ", ") + spelling;
    };
    const bool map = type.shape == Shape::map;
    if (options) {
        const std::string name = to_string(path);
        also("--" + name);
        if (type.shape == Shape::boolean) {
            also("--no-" + name);
        } else if (map) {
            also("--" + name + ".<key>");
        }
    }
    for (const std::string& prefix : variable_prefixes) {
        const std::string name = prefix + variable_name(path);
        also(name);
        if (map) {
            also(name + "_<KEY>");
        }
    }
    return list;
}

ATTUNE_DECL std::vector<std::string> wrapped(std::string_view words, std::size_t width) {
    std::vector<std::string> lines;
    while (!words.empty()) {
        const std::size_t end = std::min(words.find_first_of(" \t\r\n"), words.size());
        const std::string_view word = words.substr(0, end);
        words.remove_prefix(std::min(end + 1, words.size()));
        if (word.empty()) {
            continue;
        }
        if (lines.empty() || lines.back().size() + 1 + word.size() > width) {
            lines.emplace_back(word);
        } else {
            lines.back().append(1, ' ').append(word);
        }
    }
    return lines;
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

/// The text of Store::reference: JSON that `parse` reads when comments are allowed, with everything
/// that can be set within `roots`, members in the order of their structs and roots in their own.
///
/// Commented out is whatever would be refused, or would say something else than the default:
/// secrets, what is required, optionals that are empty, other alternatives of variants, and an
/// entry for each list and map that is empty. Where roots are inside each other, the outer one
/// speaks for what they share. Ends with a newline.
ATTUNE_DECL std::string reference_text(std::span<const Bound> roots, const Spellings& spellings);

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

/// A value for a sample, where there is no default to show: one that the rules allow, or, of
/// texts, "..." to say that something belongs there. `type` is a scalar; the rules may be null.
ATTUNE_DECL Document example_value(const Type& type, const Rules* rules);

/// What T{} is in a document, of types that are no structs and not made of other values. Nothing
/// when it cannot be written.
ATTUNE_DECL std::optional<Document> initial_value(const Type& type);

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

/// The allowed number that is nearest to zero, or the first choice.
ATTUNE_DECL Quantity example_number(const Type& type, const Rules* rules) {
    if (rules != nullptr && !rules->numbers.empty()) {
        return rules->numbers.front();
    }
    const Range range = range_of(type, rules);
    const Quantity zero = 0;
    if (range.least && *range.least > zero) {
        return *range.least;
    }
    return range.most && *range.most < zero ? *range.most : zero;
}

ATTUNE_DECL Document example_value(const Type& type, const Rules* rules) {
    switch (type.shape) {
    case Shape::boolean: return false;
    case Shape::integer: {
        const Quantity number = example_number(type, rules);
        return number.is_negative() ? Document(static_cast<std::int64_t>(number.bits()))
                                    : Document(number.bits());
    }
    case Shape::real: return example_number(type, rules).real();
    case Shape::enumeration:
        if (rules != nullptr && !rules->numbers.empty()) {
            return number_text(type, rules->numbers.front());
        }
        return static_cast<const EnumType&>(type).names().front().name;
    case Shape::duration:
    case Shape::bytes: return number_text(type, example_number(type, rules));
    case Shape::string:
    case Shape::path:
        return rules != nullptr && !rules->strings.empty() ? rules->strings.front() : "...";
    default: return {};
    }
}

ATTUNE_DECL std::optional<Document> initial_value(const Type& type) {
    switch (type.shape) {
    case Shape::string:
    case Shape::path: return "";
    case Shape::flags:
    case Shape::list: return Document::array();
    case Shape::map: return Document::object();
    case Shape::document: return Document();
    case Shape::enumeration:
        for (const Enumerator& enumerator : static_cast<const EnumType&>(type).names()) {
            if (enumerator.value == 0) {
                return enumerator.name;
            }
        }
        return std::nullopt;
    case Shape::boolean:
    case Shape::integer:
    case Shape::real:
    case Shape::duration:
    case Shape::bytes: return example_value(type, nullptr);
    default: return std::nullopt;
    }
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

/// A value of the sample, with its key where it has one, and what is said about it.
struct SampleEntry {
    enum class Form : std::uint8_t { value, object, array };

    std::string key;
    bool has_key = false;
    bool active = true;  ///< else commented out
    Form form = Form::value;
    Document value;                  ///< of a form `value`
    std::vector<SampleEntry> items;  ///< of the others
    std::vector<std::string> notes;
};

/// Turns descriptions of types into entries.
class SampleBuilder {
public:
    explicit SampleBuilder(const Spellings& spellings) : spellings_(spellings) {}

    /// Adds what is bound at a path: one entry, and one more for each other alternative of a
    /// variant.
    void add_root(const Bound& root, std::vector<SampleEntry>& entries) {
        Place place;
        place.path = root.path;
        place.is_root = true;
        add(*root.type, place, entries);
    }

private:
    using Form = SampleEntry::Form;

    struct Place {
        Path path;
        const FieldInfo* field = nullptr;
        const void* fallback = nullptr;  ///< the default; null when there is none
        bool secret = false;             ///< inside a secret
        bool is_root = false;
    };

    /// A type without what only says whether there is a value and who may see it.
    struct Plain {
        const Type* type;
        const void* object;
        bool secret;
        bool unset = false;  ///< an optional that is empty
    };

    static Plain plain(const Type& at, const void* object, bool secret) {
        Plain plain{&at, object, secret};
        for (;;) {
            if (plain.type->shape == Shape::optional) {
                const auto& optional = static_cast<const OptionalType&>(*plain.type);
                plain.object = plain.object != nullptr ? optional.get(plain.object) : nullptr;
                plain.unset = plain.unset || plain.object == nullptr;
                plain.type = &optional.inner;
            } else if (plain.type->shape == Shape::secret) {
                const auto& hidden = static_cast<const SecretType&>(*plain.type);
                plain.object = plain.object != nullptr ? hidden.reveal(plain.object) : nullptr;
                plain.secret = true;
                plain.type = &hidden.inner;
            } else {
                return plain;
            }
        }
    }

    bool is_around(const Type& type) const {
        return std::find(around_.begin(), around_.end(), &type) != around_.end();
    }

    void add(const Type& at, const Place& place, std::vector<SampleEntry>& entries) {
        const FieldInfo* const field = place.field;
        const Rules* const rules = field != nullptr ? field->rules.get() : nullptr;
        const bool required = field != nullptr && field->required;
        const bool hidden = place.secret || (field != nullptr && field->secret);
        const Plain inner = plain(at, place.fallback, hidden);

        SampleEntry entry;
        entry.has_key = !place.path.empty();
        entry.key = entry.has_key ? place.path.back() : std::string();
        if (field != nullptr) {
            note(entry, field->doc);
        }
        if (inner.type->shape == Shape::structure && !is_around(*inner.type)) {
            const Structure& structure = structure_of(*inner.type);
            if (field == nullptr || field->doc != structure.doc) {
                note(entry, structure.doc);
            }
            note(entry, required ? "required" : inner.unset ? "not set by default" : "");
            entry.form = Form::object;
            entry.active = required ? commented_ : !inner.unset;
            const bool commented = std::exchange(commented_, commented_ || !entry.active);
            add_fields(*inner.type, inner.object, inner.secret, place.path, entry.items);
            commented_ = commented;
            entries.push_back(std::move(entry));
            return;
        }
        std::optional<Document> fallback;
        if (!required && !inner.secret && !inner.unset) {
            fallback = place.fallback != nullptr ? default_value(at, rules, place.fallback)
                       : place.is_root           ? initial_value(*inner.type)
                                                 : std::nullopt;
        }
        note(entry, expected(*inner.type, rules) + remark(place, inner, required, fallback));
        if (!in_example_) {
            note(entry, spellings_.of(place.path, *inner.type));
        }
        entry.active = fallback.has_value() || (required && commented_);
        if (inner.type->shape == Shape::variant) {
            add_alternatives(static_cast<const VariantType&>(*inner.type), inner, std::move(entry),
                             fallback, entries);
            return;
        }
        if (!fallback) {
            fill(entry, *inner.type, rules);
        } else {
            show(entry, *inner.type, *fallback);
        }
        entries.push_back(std::move(entry));
    }

    static const char* remark(const Place& place, const Plain& inner, bool required,
                              const std::optional<Document>& fallback) {
        if (required) {
            return inner.secret ? "; required, secret" : "; required";
        }
        if (inner.secret) {
            return "; secret";
        }
        if (inner.unset) {
            return "; not set by default";
        }
        return fallback || place.is_root ? "" : "; the default cannot be written";
    }

    static void note(SampleEntry& entry, std::string text) {
        if (!text.empty()) {
            entry.notes.push_back(std::move(text));
        }
    }

    void add_fields(const Type& type, const void* object, bool secret, const Path& path,
                    std::vector<SampleEntry>& entries) {
        const Structure& structure = structure_of(type);
        const auto* const base =
            static_cast<const std::byte*>(object != nullptr ? object : structure.defaults.get());
        around_.push_back(&type);
        for (const FieldInfo& field : structure.fields) {
            Place place;
            place.path = path / field.name;
            place.field = &field;
            place.fallback = base + field.offset;
            place.secret = secret;
            add(*field.type, place, entries);
        }
        around_.pop_back();
    }

    /// The default, and the other alternatives below it. The notes stand above the first.
    void add_alternatives(const VariantType& variant, const Plain& inner, SampleEntry entry,
                          const std::optional<Document>& fallback,
                          std::vector<SampleEntry>& entries) {
        std::size_t shown = variant.count;
        if (fallback) {
            shown = variant.index(inner.object);
            entry.value = *fallback;
            entries.push_back(entry);
            entry.notes.clear();
            entry.value = {};
        }
        for (std::size_t i = 0; i != variant.count; ++i) {
            if (i != shown) {
                SampleEntry other = entry;
                other.active = false;
                fill(other, *variant.alternatives[i], nullptr);
                entries.push_back(std::move(other));
                entry.notes.clear();
            }
        }
    }

    /// Shows a default. Below one that is empty, what an item would look like.
    void show(SampleEntry& entry, const Type& type, const Document& value) {
        const bool nested = type.shape == Shape::list || type.shape == Shape::map;
        if (nested && value.size() == 0) {
            fill(entry, type, nullptr);
            for (SampleEntry& item : entry.items) {
                item.active = false;
            }
        } else {
            entry.value = value;
        }
    }

    /// Makes up a value.
    void fill(SampleEntry& entry, const Type& at, const Rules* rules) {
        const bool in_example = std::exchange(in_example_, true);
        const bool commented = std::exchange(commented_, true);
        const Type& type = *plain(at, nullptr, false).type;
        const std::size_t least = rules != nullptr && rules->least_size
                                      ? std::min<std::size_t>(*rules->least_size, 3)
                                      : std::size_t{1};
        switch (type.shape) {
        case Shape::flags:
            fill_items(entry, type_of<bool>(), std::max<std::size_t>(least, 1), Form::array);
            break;
        case Shape::list:
            fill_items(entry, static_cast<const ListType&>(type).element,
                       std::max<std::size_t>(least, 1), Form::array);
            break;
        case Shape::array: {
            const auto& array = static_cast<const ArrayType&>(type);
            fill_items(entry, array.element, array.count, Form::array);
            break;
        }
        case Shape::map:
            fill_items(entry, static_cast<const MapType&>(type).element,
                       std::max<std::size_t>(least, 1), Form::object);
            break;
        case Shape::variant:
            fill(entry, *static_cast<const VariantType&>(type).alternatives[0], nullptr);
            break;
        case Shape::structure:
            entry.form = Form::object;
            if (!is_around(type)) {
                add_fields(type, nullptr, false, {}, entry.items);
            }
            break;
        default: entry.value = example_value(type, rules);
        }
        in_example_ = in_example;
        commented_ = commented;
    }

    void fill_items(SampleEntry& entry, const Type& element, std::size_t count, Form form) {
        entry.form = form;
        for (std::size_t i = 0; i != count; ++i) {
            SampleEntry& item = entry.items.emplace_back();
            item.has_key = form == Form::object;
            item.key = i == 0 ? "<key>" : "<key " + std::to_string(i + 1) + '>';
            fill(item, element, nullptr);
        }
    }

    const Spellings& spellings_;
    std::vector<const Type*> around_;  // structs, from the outermost
    bool in_example_ = false;          // at no place that has a name elsewhere
    bool commented_ = false;           // in something that is commented out as a whole
};

/// The roots by their paths, in the order they were bound.
struct SampleTree {
    std::string token;
    bool is_top = false;
    const Bound* root = nullptr;
    std::vector<std::unique_ptr<SampleTree>> children;

    void insert(const Bound& bound) {
        SampleTree* tree = this;
        for (const std::string& next : bound.path.tokens()) {
            tree = &tree->child(next);
        }
        tree->root = tree->root != nullptr ? tree->root : &bound;
    }

    void add_to(std::vector<SampleEntry>& entries, SampleBuilder& builder) const {
        if (root == nullptr) {
            SampleEntry entry;
            entry.key = token;
            entry.has_key = !is_top;
            entry.form = SampleEntry::Form::object;
            add_children(entry, builder);
            entries.push_back(std::move(entry));
            return;
        }
        const std::size_t first = entries.size();
        builder.add_root(*root, entries);
        const Shape shape = plain_type(*root->type).shape;
        if (!children.empty() &&
            (shape == Shape::document || shape == Shape::external || shape == Shape::map)) {
            // To write what is below would be to set this.
            entries[first].form = SampleEntry::Form::object;
            entries[first].active = is_top;
            add_children(entries[first], builder);
        }
    }

private:
    SampleTree& child(const std::string& next) {
        for (const auto& known : children) {
            if (known->token == next) {
                return *known;
            }
        }
        children.push_back(std::make_unique<SampleTree>());
        children.back()->token = next;
        return *children.back();
    }

    void add_children(SampleEntry& entry, SampleBuilder& builder) const {
        for (const auto& below : children) {
            below->add_to(entry.items, builder);
        }
    }
};

/// The lines of an entry, each item with a comma after it.
class SampleText {
public:
    static std::vector<std::string> lines_of(const SampleEntry& entry, std::size_t width) {
        std::vector<std::string> lines;
        for (const std::string& note : entry.notes) {
            for (const std::string& line : wrapped(note, std::max(narrowest, width) - 3)) {
                lines.push_back("// " + line);
            }
        }
        for (const std::string& line : body(entry, entry.active ? width : width - 3)) {
            lines.push_back(entry.active ? line : line.empty() ? "//" : "// " + line);
        }
        return lines;
    }

private:
    static constexpr std::size_t narrowest = 40;
    static constexpr std::size_t tab = 4;

    static std::vector<std::string> body(const SampleEntry& entry, std::size_t width) {
        const std::string key = entry.has_key ? to_text(Document(entry.key)) + ": " : "";
        if (entry.form == SampleEntry::Form::value) {
            return value(key, entry.value, width);
        }
        const bool object = entry.form == SampleEntry::Form::object;
        if (entry.items.empty()) {
            return {key + (object ? "{}," : "[],")};
        }
        std::vector<std::string> lines{key + (object ? '{' : '[')};
        bool long_before = false;
        for (const SampleEntry& item : entry.items) {
            const std::vector<std::string> below = lines_of(item, width - std::min(width, tab));
            // A free line beside whatever takes more than one.
            if (&item != &entry.items.front() && (long_before || below.size() > 1)) {
                lines.emplace_back();
            }
            long_before = below.size() > 1;
            for (const std::string& line : below) {
                lines.push_back(line.empty() ? line : std::string(tab, ' ') + line);
            }
        }
        lines.push_back(object ? "}," : "],");
        return lines;
    }

    static std::vector<std::string> value(const std::string& key, const Document& value,
                                          std::size_t width) {
        std::string text = key + to_text(value) + ',';
        if (text.size() > width) {
            text = key + to_text(value, {.indent = static_cast<int>(tab)}) + ',';
        }
        std::vector<std::string> lines;
        for (std::string_view rest = text; !rest.empty();) {
            const std::size_t end = std::min(rest.find('\n'), rest.size());
            lines.emplace_back(rest.substr(0, end));
            rest.remove_prefix(std::min(end + 1, rest.size()));
        }
        return lines;
    }
};

ATTUNE_DECL std::string reference_text(std::span<const Bound> roots, const Spellings& spellings) {
    constexpr std::size_t page = 100;
    SampleTree tree;
    tree.is_top = true;
    for (const Bound& root : roots) {
        tree.insert(root);
    }
    SampleBuilder builder(spellings);
    std::vector<SampleEntry> entries;
    tree.add_to(entries, builder);

    std::string text =
        "// Every setting, with its default. What is commented out has none, or is an example.\n";
    bool active = false;
    for (const SampleEntry& entry : entries) {
        active = active || entry.active;
        for (const std::string& line : SampleText::lines_of(entry, page)) {
            text += line + '\n';
        }
        if (entry.active) {
            text.erase(text.size() - 2, 1);  // nothing comes after the whole
        }
    }
    return active ? text : text + "null\n";
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

/// The text of Store::usage: everything that can be set within `roots`, with what is expected,
/// what holds when it is not set, and how it is spelt elsewhere. Ends with a newline.
ATTUNE_DECL std::string usage_text(std::span<const Bound> roots, const Spellings& spellings);

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

/// Lays options out in two columns: the path, and what there is to say about it.
class UsageText {
public:
    explicit UsageText(const Spellings& spellings) : spellings_(spellings) {}

    void add_section(std::span<const Option> options) {
        const Option& first = options.front();
        if (!first.heading.empty()) {
            if (!text_.empty()) {
                text_ += '\n';
            }
            text_ += to_string(first.section);
            text_ += (first.section.empty() ? "" : ": ") + first.heading + '\n';
        }
        std::size_t width = 0;
        for (const Option& option : options) {
            const std::size_t length = to_string(option.path).size();
            width = length <= widest_path ? std::max(width, length) : width;
        }
        column_ = margin + width + gap;
        for (const Option& option : options) {
            add(option);
        }
    }

    std::string take() && { return std::move(text_); }

private:
    static constexpr std::size_t margin = 2;
    static constexpr std::size_t gap = 2;
    static constexpr std::size_t widest_path = 36;
    static constexpr std::size_t page = 100;
    static constexpr std::size_t longest_default = 60;

    void add(const Option& option) {
        const std::string path = to_string(option.path);
        text_.append(margin, ' ');
        text_ += path;
        if (margin + path.size() + gap > column_) {
            text_ += '\n';
            indent();
        } else {
            text_.append(column_ - margin - path.size(), ' ');
        }
        fill(option.expected + default_of(option));
        if (!option.doc.empty()) {
            indent();
            fill(option.doc);
        }
        if (const std::string spelt = spellings_.of(option.path, *option.type); !spelt.empty()) {
            indent();
            fill(spelt);
        }
    }

    void indent() { text_.append(column_, ' '); }

    /// Adds words from the column to the edge of the page, on as many lines as it takes.
    void fill(std::string_view words) {
        bool first = true;
        for (const std::string& line : wrapped(words, page - column_)) {
            if (!first) {
                indent();
            }
            text_ += line + '\n';
            first = false;
        }
    }

    static std::string default_of(const Option& option) {
        if (option.required) {
            return "; required";
        }
        if (option.secret) {
            return "; default ***";
        }
        if (option.unset) {
            return "; not set by default";
        }
        if (option.fallback.is_null()) {
            return {};
        }
        const std::string text = to_text(option.fallback);
        return text.size() <= longest_default ? "; default " + text : "; has a default";
    }

    const Spellings& spellings_;
    std::string text_;
    std::size_t column_ = 0;
};

ATTUNE_DECL std::string usage_text(std::span<const Bound> roots, const Spellings& spellings) {
    // Members of a struct stand together, also where another struct is declared between them. What
    // has no heading comes first, so that it is not taken for a part of what has one.
    std::vector<std::vector<Option>> sections(1);
    Document numbers;  // of sections, by JSON Pointer
    Document listed;   // an object with the JSON Pointers of options
    for (const Bound& root : roots) {
        for (Option& option : options_of(root)) {
            // Of roots inside each other, the first to be bound speaks for what they share.
            const Path name = Path{} / option.path.pointer();
            if (listed.find(name) != nullptr) {
                continue;
            }
            listed = listed.with(name, true);
            std::size_t number = 0;
            if (!option.heading.empty()) {
                const Path section = Path{} / option.section.pointer();
                if (const Document* const known = numbers.find(section)) {
                    number = known->as_uint64();
                } else {
                    number = sections.size();
                    numbers = numbers.with(section, number);
                    sections.emplace_back();
                }
            }
            sections[number].push_back(std::move(option));
        }
    }
    UsageText text(spellings);
    for (const std::vector<Option>& section : sections) {
        if (!section.empty()) {
            text.add_section(section);
        }
    }
    return std::move(text).take();
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

inline LayerStatus aged(LayerStatus status, std::chrono::system_clock::time_point now) {
    if (status.updates != 0) {
        status.age = now - status.last_success;
    }
    return status;
}

ATTUNE_DECL LayerStatus Core::layer_status(std::uint64_t layer) const {
    const CommitLock lock{*state_};
    return aged(state_->at(layer)->status, state_->now());
}

ATTUNE_DECL StoreStatus Core::status() const {
    const CommitLock lock{*state_};
    const Frame& frame = *chain_->current();
    StoreStatus status;
    status.version = frame.version;
    status.published = frame.time;
    status.commits = state_->commits;
    status.refusals = state_->refusals;
    status.observer_errors = state_->observer_errors;
    status.dropped_changes = hub_->dropped();
    status.slow_calls = hub_->calls().found();
    for (CallWatch::SlowCall& call : hub_->calls().slow()) {
        using System = std::chrono::system_clock;
        status.slow_observers.push_back(
            {.name = std::move(call.observer.text),
             .since = state_->now() - std::chrono::duration_cast<System::duration>(call.running),
             .running = call.running});
    }
    const auto time = state_->now();
    for (const auto& layer : state_->layers) {
        status.layers.push_back(aged(layer->status, time));
        if (layer->transport != nullptr && layer->status.state != attune::State::ready) {
            status.state = attune::State::stale;
        }
    }
    for (const BoundNode* node : state_->bound) {
        status.warnings.insert(status.warnings.end(), node->warnings.begin(), node->warnings.end());
    }
    for (const GraphNode* const node : state_->graph.nodes()) {
        if (node != nullptr && node->stale) {
            status.stale.push_back(describe_staleness(*node));
            status.state = attune::State::stale;
        }
    }
    if (state_->restored != 0) {
        status.state = attune::State::starting;
    }
    return status;
}

/// One problem for each part of `value` that no binding covers.
inline void report_unbound(const BindingIndex::Branch& branch, const Document& value,
                           const Path& path, const StackProvenance& provenance,
                           std::vector<Problem>& problems) {
    if (!branch.nodes.empty()) {
        return;  // the binding itself judges what is below
    }
    if (!value.is_object()) {
        problems.push_back({.path = path,
                            .origin = provenance.origin(path, Part::value),
                            .message = "nothing is bound here, only below"});
        return;
    }
    for (const auto& member : value.members()) {
        const Path below = path / member.key;
        const auto child = branch.children.find(member.key);
        if (child != branch.children.end()) {
            report_unbound(*child->second, member.value, below, provenance, problems);
            continue;
        }
        const UnknownKeys rule = provenance.unknown_keys(below);
        if (rule == UnknownKeys::ignore) {
            continue;
        }
        std::vector<std::string_view> names;
        for (const auto& [name, other] : branch.children) {
            names.push_back(name);
        }
        problems.push_back({.path = below,
                            .origin = provenance.origin(below, Part::key),
                            .message = "nothing is bound here",
                            .suggestion = nearest(member.key, names),
                            .severity =
                                rule == UnknownKeys::warn ? Severity::warning : Severity::error});
    }
}

ATTUNE_DECL void Core::check() const {
    Rejection rejection{.problems = {}, .reason = "check", .version = version()};
    {
        const OpenLock lock{*state_};
        const StackProvenance provenance{state_->stack};
        report_unbound(state_->index.root(), chain_->current()->document, {}, provenance,
                       rejection.problems);
        const auto roots = bound_roots(state_->bound);
        for (const auto& layer : state_->stack) {
            if (layer->unknown_keys != UnknownKeys::ignore) {
                report_unplaced(*layer, roots, rejection.problems);
            }
        }
    }
    std::erase_if(rejection.problems,
                  [](const Problem& problem) { return problem.severity != Severity::error; });
    if (!rejection.problems.empty()) {
        throw Rejected{std::move(rejection)};
    }
}

ATTUNE_DECL std::vector<NodeStatus> Core::graph() const {
    const CommitLock lock{*state_};
    std::vector<const GraphNode*> nodes;
    for (const GraphNode* const node : state_->graph.nodes()) {
        if (node != nullptr) {
            nodes.push_back(node);
        }
    }
    for (const auto& rule : state_->graph.rules()) {
        nodes.push_back(rule.get());
    }
    std::vector<std::size_t> index_of(state_->graph.nodes().size());
    for (std::size_t i = 0; i != nodes.size(); ++i) {
        if (!nodes[i]->is_rule) {
            index_of[nodes[i]->slot] = i;
        }
    }
    std::vector<NodeStatus> graph;
    graph.reserve(nodes.size());
    for (const GraphNode* const node : nodes) {
        NodeStatus status;
        status.name = node->name();
        status.height = node->height;
        if (!node->is_rule) {
            status.version = chain_->version_of(*chain_->current()->cell(node->slot));
        }
        status.observers = node->observers ? node->observers->all.size() : 0;
        if (node->height != 0) {
            const auto& derived = static_cast<const DerivedNode&>(*node);
            status.type = node->is_rule ? NodeStatus::Type::rule : NodeStatus::Type::derived;
            status.runs = derived.runs;
            status.cut_offs = derived.cut_offs;
            status.last_duration = std::chrono::nanoseconds{derived.nanoseconds};
            for (std::size_t i = 0; i != derived.inputs.size(); ++i) {
                status.inputs.push_back(index_of[derived.inputs.input(i).slot]);
            }
        }
        if (node->stale) {
            status.error = node->notes->error;
            status.since = node->notes->since;
        }
        graph.push_back(std::move(status));
    }
    return graph;
}

inline Spellings spellings_in(const LayerStack& stack) {
    Spellings spellings;
    for (const auto& layer : stack) {
        if (layer->content.variable_prefix) {
            spellings.variable_prefixes.push_back(*layer->content.variable_prefix);
        }
        spellings.options = spellings.options || layer->content.reads_options;
    }
    return spellings;
}

ATTUNE_DECL std::string Core::usage() const {
    const OpenLock lock{*state_};
    return usage_text(bound_roots(state_->bound), spellings_in(state_->stack));
}

ATTUNE_DECL Document Core::schema() const {
    const OpenLock lock{*state_};
    return json_schema(bound_roots(state_->bound));
}

ATTUNE_DECL std::string Core::reference() const {
    const OpenLock lock{*state_};
    return reference_text(bound_roots(state_->bound), spellings_in(state_->stack));
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

/// Throws std::invalid_argument where a list is on the way: layers replace lists whole, so nothing
/// inside of one can be held.
inline void refuse_list_on_the_way(const Document& document, const Path& path) {
    const Document* value = &document;
    Path here;
    for (const std::string& token : path.tokens()) {
        if (value->is_array()) {
            throw std::invalid_argument{"a rollback cannot hold \"" + to_string(path) +
                                        "\", which is inside a list: roll back \"" +
                                        to_string(here) + "\" as a whole"};
        }
        value = value->find(Path{{token}});
        if (value == nullptr) {
            return;
        }
        here = here / token;
    }
}

/// The overrides without what would hide the hold.
inline Document overrides_beside(const Path& path, Document overrides) {
    for (Path above = path; !above.empty(); above = above.parent()) {
        const Document* const value = overrides.find(above);
        if (value != nullptr && (above == path || !value->is_object())) {
            overrides = overrides.without(above);
        }
    }
    return path.empty() ? Document{} : overrides;
}

inline std::optional<Document> value_at(const Document& document, const Path& path) {
    const Document* const value = document.find(path);
    return value != nullptr ? std::optional{*value} : std::nullopt;
}

ATTUNE_DECL Commit Core::rollback(Version version, const Path& path) {
    const auto self = shared_from_this();  // an observer may destroy the store
    Published published;
    {
        const OpenLock lock{*state_};
        const Frame* const past = acquire(version);
        const Document document = past->document;
        const Document overrides = past->overrides;
        chain_->release(past);
        refuse_list_on_the_way(document, path);
        refuse_list_on_the_way(chain_->current()->document, path);
        try {
            published = state_->hold(*chain_, {.path = path,
                                               .value = value_at(document, path),
                                               .version = version,
                                               .overrides = value_at(overrides, path)});
        } catch (const Rejected&) {
            ++state_->refusals;
            throw;
        }
    }
    Commit commit = ticket(published);
    finish(published);
    if (published.changed()) {
        retry_refused();
    }
    return commit;
}

// What the program sets from now on is above the rollback. What it had set before goes: what of it
// was there in the version that comes back is part of the rollback, and holds again afterwards.
ATTUNE_DECL Core::Published Core::State::hold(FrameChain& chain, Hold hold) {
    const auto known = find(rollback);
    const auto entry = known != nullptr ? known : own_layer(Rank::rollback, "rollback");
    const LayerContent* const present = content_of(entry->id);
    auto layer = present != nullptr ? std::make_shared<LayerContent>(*present)
                                    : std::make_shared<LayerContent>();
    layer->id = entry->id;
    layer->rank = entry->rank;
    layer->name = entry->name;
    // What comes back was accepted once, with what a newer publisher had put into it as well.
    layer->unknown_keys = UnknownKeys::warn;
    layer->content.revision = std::to_string(hold.version);
    std::erase_if(layer->holds,
                  [&](const Hold& other) { return other.path.starts_with(hold.path); });
    layer->holds.push_back(hold);

    LayerStack proposed = with_layer(stack, layer);
    if (const LayerContent* const set = content_of(overrides)) {
        proposed =
            with_overrides(std::move(proposed), *set, overrides_beside(hold.path, set->document));
    }
    std::string reason = "rollback ";
    reason += hold.path.empty() ? "" : to_string(hold.path) + ' ';
    reason += "to version " + std::to_string(hold.version);
    Published published =
        publish(chain,
                {.stack = std::move(proposed), .reason = std::move(reason), .layer = entry->name});
    if (known == nullptr) {
        rollback = entry->id;
        add(entry);
    }
    note_success(*entry, layer->content, published.version);
    return published;
}

ATTUNE_DECL LayerStack Core::State::with_overrides(LayerStack changed, const LayerContent& present,
                                                   Document document) {
    auto layer = std::make_shared<LayerContent>(present);
    layer->content.document = document;
    layer->document = std::move(document);
    return with_layer(std::move(changed), std::move(layer));
}

ATTUNE_DECL Commit Core::release_rollback() {
    const auto self = shared_from_this();  // an observer may destroy the store
    Published published;
    {
        const OpenLock lock{*state_};
        const auto entry = state_->find(state_->rollback);
        if (entry == nullptr) {
            Commit nothing;
            nothing.version = chain_->current()->version;
            return nothing;
        }
        const Document set = overrides_in(state_->stack);
        LayerStack proposed = state_->stack;
        std::erase_if(proposed, [&](const auto& layer) { return layer->id == entry->id; });
        if (!set.is_null()) {
            const auto overrides = state_->overrides_layer();
            const LayerContent* const layer = state_->content_of(overrides->id);
            LayerContent fresh;
            fresh.id = overrides->id;
            fresh.rank = overrides->rank;
            fresh.name = overrides->name;
            fresh.unknown_keys = overrides->unknown_keys;
            proposed =
                State::with_overrides(std::move(proposed), layer != nullptr ? *layer : fresh, set);
        }
        try {
            published = state_->publish(*chain_, {.stack = std::move(proposed),
                                                  .reason = "release rollback",
                                                  .layer = entry->name});
        } catch (const Rejected&) {
            ++state_->refusals;
            throw;
        }
        std::erase(state_->layers, entry);
    }
    Commit commit = ticket(published);
    finish(published);
    if (published.changed()) {
        retry_refused();
    }
    return commit;
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL LayerEdit LayerEdit::set(const Path& path, Document& value) {
    return {.apply = [&](const Document& before) { return before.with(path, std::move(value)); },
            .reason = path.empty() ? "set" : "set " + to_string(path),
            .within = &path};
}

/// Makes an edited document share what it has in common with the one before; an edit does so by
/// nature but for the values it puts in.
inline Document reconciled_edit(const Document& before, Document after, const Path* within) {
    if (within == nullptr) {
        return reconcile(before, after);
    }
    const Document* const old = before.find(*within);
    const Document* const fresh = after.find(*within);
    if (old == nullptr || fresh == nullptr || old->same(*fresh)) {
        return after;
    }
    Document shared = reconcile(*old, *fresh);
    return shared.same(*old)     ? before
           : shared.same(*fresh) ? after
                                 : after.with(*within, std::move(shared));
}

ATTUNE_DECL Commit Core::write_layer(std::uint64_t layer, LayerEdit edit) {
    const auto self = shared_from_this();  // an observer may destroy the store
    Published published;
    {
        const OpenLock lock{*state_};
        const auto entry = state_->at(layer);
        if (entry->transport != nullptr && !entry->transport->writable()) {
            throw Rejected{
                {.problems = {{.path = {},
                               .origin = {.layer = entry->name},
                               .message = "the layer \"" + entry->name +
                                          "\" cannot be written by the program; set "
                                          "the value in the store, or in a memory layer"}},
                 .reason = std::move(edit.reason),
                 .version = chain_->current()->version}};
        }
        const LayerContent* const content = state_->content_of(layer);
        const Document before = content != nullptr ? content->content.document : Document{};
        Document document = reconciled_edit(before, edit.apply(before), edit.within);
        try {
            Content written{.document = std::move(document)};
            if (content != nullptr) {
                written.revision = content->content.revision;
            }
            published = state_->accept(
                *chain_, *entry, std::move(written),
                {.reason = std::move(edit.reason), .within = edit.within, .written = true});
        } catch (const Rejected&) {
            ++state_->refusals;
            throw;
        }
    }
    Commit commit = ticket(published, edit.within);  // an observer may destroy the path
    finish(published);
    if (published.changed()) {
        retry_refused();
    }
    return commit;
}

ATTUNE_DECL Commit Core::write(std::uint64_t layer, const Path& path, Document value) {
    return write_layer(layer, LayerEdit::set(path, value));
}

ATTUNE_DECL std::shared_ptr<Core::LayerEntry> Core::State::overrides_layer() {
    if (overrides == 0) {
        auto entry = own_layer(Rank::overrides, "overrides");
        overrides = entry->id;
        add(std::move(entry));
    }
    return find(overrides);
}

ATTUNE_DECL Commit Core::override_with(LayerEdit edit) {
    std::uint64_t layer = 0;
    {
        const OpenLock lock{*state_};
        layer = state_->overrides_layer()->id;
    }
    return write_layer(layer, std::move(edit));
}

ATTUNE_DECL Commit Core::transact(const std::function<void(attune::Edit&)>& edits,
                                  TransactOptions options) {
    const auto apply = [&](const Document& before) {
        const Frame& current = *chain_->current();
        if (options.expect && *options.expect != current.version) {
            throw VersionConflict{*options.expect, current.version};
        }
        attune::Edit edit{before, [&](const Document& overrides) {
                              auto layer = std::make_shared<LayerContent>();
                              layer->id = state_->overrides;
                              layer->rank = Rank::overrides;
                              layer->document = overrides;
                              return remerge(current.document, state_->stack,
                                             state_->stack_with(std::move(layer)));
                          }};
        edits(edit);
        return std::move(edit.overrides_);
    };
    return override_with({.apply = apply, .reason = options.reason});
}

ATTUNE_DECL std::uint64_t Core::begin_scope(Document document) {
    const auto self = shared_from_this();  // an observer may destroy the store
    Published published;
    std::uint64_t id = 0;
    {
        const OpenLock lock{*state_};
        auto entry = state_->own_layer(Rank::scope, "override_scope");
        id = entry->id;
        published = state_->accept(*chain_, *entry, {.document = std::move(document)},
                                   {.reason = "override_scope"});
        state_->add(std::move(entry));
    }
    finish(published);
    return id;
}

ATTUNE_DECL void Core::end_scope(std::uint64_t layer) noexcept {
    try {
        remove(layer);
    } catch (const Rejected& rejected) {
        try {
            publish_rejection(rejected.rejection());
        } catch (...) {
            // Out of memory: there is nobody left to tell.
        }
    } catch (const JournalError& error) {
        try {
            publish_rejection({.problems = {not_kept(error)}, .reason = "end of override_scope"});
        } catch (...) {
            // As above.
        }
    } catch (...) {
        // As above, or inside a commit, where no scope should end.
    }
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI {

namespace detail {

[[noreturn]] ATTUNE_DECL void throw_foreign(const GraphNode& node);
/// The value of a node in a frame of its store that was published before the node was made.
ATTUNE_DECL const CellBase& past_cell(const GraphNode& node, const Frame& frame);

ATTUNE_DECL std::string node_name(const GraphNode& node);
ATTUNE_DECL void rename_node(GraphNode& node, std::string name);
ATTUNE_DECL std::optional<Staleness> staleness_of(const GraphNode& node);

/// Lets derive() look into handles.
struct HandleAccess;

}  // namespace detail

/// A handle to a value of type T that is always valid and always current.
///
/// | to read             | cost                | lives                                         |
/// |---------------------|---------------------|-----------------------------------------------|
/// | read()              | about 1 ns          | in its scope                                  |
/// | View, view[handle]  | a load              | in the view's scope, one version for all      |
/// | with(f)             | about 1 ns          | during the call                               |
/// | get(), get(&T::x)   | a copy              | for itself                                    |
/// | pin()               | an allocation       | as long as it is held, beyond the store too   |
///
/// Handles are small and cheap to copy. All functions may be called from any thread; one handle
/// object must not be assigned to while others use it. A handle may outlive its store: it then
/// keeps the last value. A default-constructed or moved-from handle is empty, and can only be
/// assigned to, destroyed, and tested.
///
/// The value comes from a place in the documents (Store::bind) or is what a function makes of other
/// values (map, field, derive); in either case all handles of a store change together, in one
/// version. A derived value is computed for as long as a handle of it, a subscription to it, or a
/// value derived from it exists.
template <class T>
class Config {
public:
    using value_type = T;

    Config() noexcept = default;

    explicit operator bool() const noexcept { return static_cast<bool>(node_); }

    /// A scoped look at the current value. Wait-free: no lock, no reference count, no allocation.
    Reading<T> read() const noexcept {
        assert(chain_ != nullptr && "an empty Config was read");
        return Reading<T>{*chain_, slot_};
    }

    /// A copy of the current value.
    T get() const
        requires std::copy_constructible<T>
    {
        const auto now = read();
        return *now;
    }

    /// A copy of one member of the current value.
    template <class M, class C>
        requires std::derived_from<T, C> && std::is_object_v<M>
    M get(M C::*member) const {
        const auto now = read();
        return (*now).*member;
    }

    /// The current value, held for as long as the pointer, whatever becomes of handle and store.
    std::shared_ptr<const T> pin() const {
        const detail::FrameGuard guard{*chain_};
        return detail::CellPtr::share(guard.frame().cell(slot_)).template pin<T>();
    }

    /// Calls `f` with the current value, which stays as it is during the call, and returns a copy
    /// of what it returns: a reference into the value cannot get out.
    template <class F>
        requires std::invocable<F, const T&>
    auto with(F&& f) const -> std::decay_t<std::invoke_result_t<F, const T&>> {
        const auto now = read();
        return std::invoke(std::forward<F>(f), *now);
    }

    /// Calls `f(const Change<T>&)` after each version that changes the value, on the store's
    /// notifier thread, or on `executor`. Never under a lock, never concurrently with itself, in
    /// version order. When versions come faster than `f` returns, the newest one wins, and `before`
    /// is what `f` was told last; `options` may ask for every version instead. What `f` throws is
    /// reported to Store::on_rejected and status, and stops nobody.
    ///
    /// Ends with the returned subscription, or with the store: an observation of a store that is
    /// gone is over from the start.
    template <class F>
        requires std::invocable<std::decay_t<F>&, const Change<T>&>
    Subscription on_change(F&& f, ObserveOptions options = {}) const {
        return observe<false>(Executor{}, std::forward<F>(f), options);
    }
    template <ExecutorLike E, class F>
        requires std::invocable<std::decay_t<F>&, const Change<T>&>
    Subscription on_change(E executor, F&& f, ObserveOptions options = {}) const {
        return observe<false>(Executor{std::move(executor)}, std::forward<F>(f), options);
    }

    /// Calls `f(const T&)` with the current value, on this thread, before it returns, and then as
    /// on_change does after each change: nothing in between is missed, nothing comes twice. What
    /// the first call throws leaves this function, and the observation does not begin.
    template <class F>
        requires std::invocable<std::decay_t<F>&, const T&>
    Subscription apply(F&& f, ObserveOptions options = {}) const {
        return observe<true>(Executor{}, std::forward<F>(f), options);
    }
    template <ExecutorLike E, class F>
        requires std::invocable<std::decay_t<F>&, const T&>
    Subscription apply(E executor, F&& f, ObserveOptions options = {}) const {
        return observe<true>(Executor{std::move(executor)}, std::forward<F>(f), options);
    }

    /// Waits until `predicate(const T&)` is true of the current value, on this thread and without
    /// polling: it is asked now, and after each version, outside every lock. Versions that come
    /// while it runs may be passed over for the newest one. Returns its last verdict: false when
    /// `timeout` is over first, or the store is closed.
    ///
    /// May be called in an observer, which then waits for versions of other threads, and holds up
    /// whatever shares its executor; not in what runs inside a commit (std::logic_error).
    template <class P, class Rep, class Period>
        requires std::predicate<P&, const T&>
    bool wait_until(P&& predicate, std::chrono::duration<Rep, Period> timeout) const {
        const auto check = [&] {
            const auto now = read();
            return static_cast<bool>(std::invoke(predicate, *now));
        };
        const auto core = detail::core_of(*node_).lock();
        return core != nullptr ? core->wait_until(detail::deadline_after(timeout), std::ref(check))
                               : check();
    }

    /// A value made of this one, by `f(const T&)`: computed in the commit that changes this value,
    /// and part of the same version. As derive() does.
    template <class F>
        requires std::invocable<std::decay_t<F>&, const T&>
    auto map(F&& f, DeriveOptions options = {}) const
        -> Config<std::decay_t<std::invoke_result_t<std::decay_t<F>&, const T&>>>;

    /// One member of this value as a value of its own, whose observers hear nothing of the others.
    template <class M, class C>
        requires std::derived_from<T, C> && std::copy_constructible<M>
    Config<M> field(M C::*member, DeriveOptions options = {}) const;

    /// For people: the path, or the name that was given, or a number.
    std::string name() const { return detail::node_name(*node_); }
    /// Names the value in errors, reports and Store::graph_dot. Returns the handle.
    const Config& named(std::string name) const {
        detail::rename_node(*node_, std::move(name));
        return *this;
    }

    /// Why the value is older than what it derives from, while that is so: its function threw, and
    /// it was derived with OnError::keep.
    std::optional<Staleness> stale() const { return detail::staleness_of(*node_); }

private:
    friend class Store;
    friend class View;
    friend class Snapshot;
    friend class Track;
    friend struct detail::HandleAccess;

    explicit Config(detail::Ref<detail::GraphNode> node) noexcept
        : chain_(node->home.chain.get()),
          born_(node->born),
          slot_(node->slot),
          node_(std::move(node)) {}

    /// The value in a frame of `chain`. Throws std::invalid_argument for a handle of another store;
    /// as past_cell for one that was made after the frame.
    const T& value_in(const detail::Frame& frame, const detail::FrameChain* chain) const {
        if (chain_ != chain) [[unlikely]] {
            detail::throw_foreign(*node_);
        }
        if (frame.serial() < born_) [[unlikely]] {
            return detail::value_in_cell<T>(detail::past_cell(*node_, frame));
        }
        return static_cast<const detail::ValueCell<T>*>(frame.cell(slot_))->value;
    }

    /// `Apply` says what `f` takes: a generic lambda seems to take anything.
    template <bool Apply, class F>
    Subscription observe(Executor executor, F&& f, const ObserveOptions& options) const {
        using Observer = detail::ChangeObserver<T, std::decay_t<F>, Apply>;
        const auto core = detail::core_of(*node_).lock();
        if (core == nullptr) {
            if constexpr (Apply) {
                const auto last = read();
                f(*last);
            }
            return {};
        }
        auto observer = std::make_shared<Observer>(
            core->hub(), std::move(executor), detail::observer_name(name(), options),
            detail::Ref<const detail::GraphNode>{node_.get()}, options, std::forward<F>(f));
        core->observe(*node_, observer, Apply);
        return Subscription{std::move(observer)};
    }

    // All that a reading needs; the node keeps the chain alive.
    const detail::FrameChain* chain_ = nullptr;
    std::uint64_t born_ = 0;
    std::uint32_t slot_ = 0;
    detail::Ref<detail::GraphNode> node_;
};

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL std::string node_name(const GraphNode& node) {
    const auto core = core_of(node).lock();
    return core != nullptr ? core->name_of(node) : node.name();
}

ATTUNE_DECL void rename_node(GraphNode& node, std::string name) {
    if (const auto core = core_of(node).lock()) {
        core->rename(node, std::move(name));
    }
}

ATTUNE_DECL std::optional<Staleness> staleness_of(const GraphNode& node) {
    const auto core = core_of(node).lock();
    return core != nullptr ? core->staleness_of(node) : std::nullopt;
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI {

/// A handle to one layer of a store. Copies stand for the same layer. Any thread. Once the store is
/// gone, or the layer removed, all functions but remove throw std::logic_error.
class Layer {
public:
    /// Replaces the layer's document. Only for layers that the program writes, such as memory;
    /// throws Rejected for others, and when the result is refused: then nothing has changed.
    Commit set(Document document) { return set(Path{}, std::move(document)); }
    /// Replaces the value at one path of the layer.
    Commit set(const Path& path, Document value) {
        return core_->write(id_, path, std::move(value));
    }

    /// Reads the transport again, now. Throws Rejected when that is impossible or refused. Does
    /// nothing for layers that the program writes.
    Commit reload() { return core_->reload(id_); }

    /// Takes the layer out of the store and ends its transport. Throws Rejected, and leaves it in,
    /// when what remains is refused. Does nothing when it is out already.
    void remove() { core_->remove(id_); }

    LayerStatus status() const { return core_->layer_status(id_); }

private:
    friend class Store;
    Layer(std::shared_ptr<detail::Core> core, std::uint64_t id) noexcept
        : core_(std::move(core)), id_(id) {}

    std::shared_ptr<detail::Core> core_;
    std::uint64_t id_;
};

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI {

/// Values above everything else while this exists, also above what Store::set puts: for tests, and
/// for a piece of work under other settings. Scopes may nest, and end in any order; the younger one
/// wins. See Store::override_scope.
///
/// When what remains is refused at the end, since something below became wrong meanwhile, the
/// values stay, and Store::on_rejected tells why. Ending after the store is gone does nothing. Any
/// thread.
class [[nodiscard]] OverrideScope {
public:
    OverrideScope(OverrideScope&& other) noexcept
        : core_(std::move(other.core_)), layer_(other.layer_) {}
    OverrideScope& operator=(OverrideScope&& other) noexcept {
        if (this != &other) {
            end();
            core_ = std::move(other.core_);
            layer_ = other.layer_;
        }
        return *this;
    }
    ~OverrideScope() { end(); }

    /// Takes the values away before the scope ends.
    void end() noexcept {
        if (const auto core = std::exchange(core_, {}).lock()) {
            core->end_scope(layer_);
        }
    }

private:
    friend class Store;
    OverrideScope(std::weak_ptr<detail::Core> core, std::uint64_t layer) noexcept
        : core_(std::move(core)), layer_(layer) {}

    std::weak_ptr<detail::Core> core_;
    std::uint64_t layer_;
};

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI {

/// One version of a whole store, in a scope: whatever is read through it belongs together. About a
/// nanosecond to make, then a few loads for each handle. Same lifetime rules as Reading; the store,
/// or a handle of it, must be alive.
class [[nodiscard]] View {
public:
    View(const View&) = delete;
    View& operator=(const View&) = delete;
    static void* operator new(std::size_t) = delete;
    static void* operator new[](std::size_t) = delete;

    /// The value of that handle in this version. Throws std::invalid_argument for a handle of
    /// another store. For a handle that was made later, see Snapshot.
    template <class T>
    const T& operator[](const Config<T>& config) const& {
        return config.value_in(guard_.frame(), &chain_);
    }
    /// A temporary would end before the value is used: name it first, `auto view = store.view();`.
    template <class T>
    const T& operator[](const Config<T>&) const&& = delete;

    Version version() const noexcept { return guard_.frame().version; }
    const Document& document() const& noexcept { return guard_.frame().document; }
    const Document& document() const&& = delete;

private:
    friend class Store;
    explicit View(const detail::FrameChain& chain) noexcept : chain_(chain), guard_(chain) {}

    const detail::FrameChain& chain_;
    detail::FrameGuard guard_;
};

/// An owning reference to one version: can be copied, stored, given to other threads, held across
/// `co_await`, and outlives the store. Copies cost an atomic increment. Immutable; one object must
/// not be assigned to while others use it.
///
/// A snapshot keeps the values and the document of its version in memory, shared with the versions
/// around it.
class Snapshot {
public:
    Snapshot(const Snapshot& other) noexcept : chain_(other.chain_), frame_(other.frame_) {
        if (frame_ != nullptr) {
            chain_->acquire(frame_);
        }
    }
    Snapshot(Snapshot&& other) noexcept
        : chain_(std::move(other.chain_)), frame_(std::exchange(other.frame_, nullptr)) {}
    Snapshot& operator=(Snapshot other) noexcept {
        std::swap(chain_, other.chain_);
        std::swap(frame_, other.frame_);
        return *this;
    }
    ~Snapshot() {
        if (frame_ != nullptr) {
            chain_->release(frame_);
        }
    }

    /// As View. The reference lives as long as any copy of this snapshot.
    ///
    /// The value of a handle that was made after the version, maybe in a later run of the program,
    /// is worked out from the version's document by what is bound and derived now, and remembered:
    /// as long as one commit for the first such handle. Throws Rejected when the document of that
    /// time is refused today, std::logic_error when the store is gone, and inside a commit.
    template <class T>
    const T& operator[](const Config<T>& config) const& {
        return config.value_in(*frame_, chain_.get());
    }
    /// Of a temporary snapshot: a copy.
    template <class T>
    T operator[](const Config<T>& config) const&& {
        return (*this)[config];
    }

    Version version() const noexcept { return frame_->version; }
    /// When the version was published.
    std::chrono::system_clock::time_point time() const noexcept { return frame_->time; }
    /// What made the version: the layer that changed, or the reason that was given.
    const std::string& reason() const& noexcept { return frame_->reason; }
    /// The layer that brought the change: its name, `overrides` for what the program set, empty
    /// when none did.
    const std::string& layer() const& noexcept { return frame_->layer; }
    /// The merged document of the version.
    const Document& document() const& noexcept { return frame_->document; }
    Document document() const&& noexcept { return frame_->document; }

private:
    friend class Store;
    /// Takes over one reference.
    Snapshot(std::shared_ptr<const detail::FrameChain> chain, const detail::Frame* frame) noexcept
        : chain_(std::move(chain)), frame_(frame) {}

    std::shared_ptr<const detail::FrameChain> chain_;
    const detail::Frame* frame_;
};

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL void throw_foreign(const GraphNode& node) {
    throw std::invalid_argument{"the handle of \"" + node_name(node) +
                                "\" belongs to another store"};
}

ATTUNE_DECL const CellBase& past_cell(const GraphNode& node, const Frame& frame) {
    if (const auto core = core_of(node).lock()) {
        return core->past_cell(node, frame);
    }
    throw std::logic_error{"the handle of \"" + node_name(node) + "\" was made after version " +
                           std::to_string(frame.version) +
                           ", and the store that could work out its value is closed"};
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI {

/// The hub a program owns: layers of documents below, handles to typed values above, numbered
/// versions in between. Several per process are fine; nothing is global.
///
/// All functions may be called from any thread, from observers too, but not from decoders, rules
/// and checks, which run inside a commit (std::logic_error). Writers take turns; readers never
/// wait.
///
/// Destruction ends transports, observers and threads, and waits for callbacks that run in other
/// threads. It may happen inside an observer. Handles, snapshots, pins, layers and subscriptions
/// may outlive the store.
class Store {
public:
    explicit Store(StoreOptions options = {}) : core_(detail::Core::make(std::move(options))) {}
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;
    ~Store() { core_->close(); }

    /// Adds a layer above those there are, reads it, and begins to watch it. Throws Rejected when
    /// it cannot be loaded, or what it brings is refused: the store is then as it was.
    Layer add(std::unique_ptr<Transport> transport, LayerOptions options = {}) {
        return Layer{core_, core_->add(std::move(transport), std::move(options))};
    }

    /// A handle to the value at `path`, decoded as T: its defaults where there is nothing. Throws
    /// Rejected with every problem when that is impossible. Binding the same place as the same type
    /// again gives the same value. A binding lasts as long as the store, and every later version
    /// must satisfy it.
    template <class T>
    Config<T> bind(const Path& path = {}) {
        static_assert(std::same_as<T, std::decay_t<T>>,
                      "bind a plain type: no reference, no const, no array");
        return Config<T>{core_->bind(path, detail::bound_kind<T>)};
    }

    /// A rule over several values: a version in which `condition(const A&...)`, of the values of
    /// the handles, does not hold is refused with `text`. Judged in each commit that changes one
    /// of them, for as long as the store lives; must be pure. Throws Rejected when it does not
    /// hold now. Include <attune/store/derive.hpp>.
    template <class F, class... A>
        requires(sizeof...(A) > 0) && std::predicate<std::decay_t<F>&, const A&...>
    void require(F&& condition, std::string text, const Config<A>&... inputs);

    /// The current version of everything, in a scope.
    View view() const noexcept { return View{*core_->chain()}; }
    /// The current version, to keep.
    Snapshot snapshot() const {
        return Snapshot{core_->chain(), core_->chain()->acquire_current()};
    }
    /// A retained version, to keep. Throws std::out_of_range when it is not retained any more, or
    /// never existed; how many are is StoreOptions::history.
    Snapshot snapshot(Version version) const {
        return Snapshot{core_->chain(), core_->acquire(version)};
    }
    Version version() const noexcept { return core_->version(); }

    /// Puts a value above all layers, where it holds until it is erased. Throws Rejected when a
    /// binding refuses the result: then nothing has changed. When it returns, every reader sees it.
    Commit set(const Path& path, Document value) {
        return core_->override_with(detail::LayerEdit::set(path, value));
    }
    /// The same, for a bindable struct, enum or duration.
    template <class T>
        requires(!std::convertible_to<const T&, Document>)
    Commit set(const Path& path, const T& value) {
        return set(path, encode(value));
    }

    /// Takes back what `set` or `merge` has put at `path` or below: the layers' own value shows
    /// again. To hide a layer's value, set null.
    Commit erase(const Path& path) {
        return core_->override_with(
            {.apply = [&](const Document& before) { return before.without(path); },
             .reason = path.empty() ? "erase" : "erase " + to_string(path),
             .within = &path});
    }

    /// Applies a JSON Merge Patch (RFC 7396) to what was set: null takes back, anything else sets.
    Commit merge(const Document& patch) {
        return core_->override_with(
            {.apply =
                 [&](const Document& before) {
                     return merge_patch(before.is_null() ? Document::object() : before, patch);
                 },
             .reason = "merge"});
    }

    /// Applies a JSON Patch (RFC 6902) to the merged document, all of it or nothing: what it adds
    /// or replaces is set, what it removes is erased, and hidden by null where a layer has it.
    /// Throws PatchError when an operation fails, Rejected as above.
    Commit patch(const Document& json_patch) {
        return transact([&](Edit& edit) { edit.patch(json_patch); },
                        {.expect = {}, .reason = "patch"});
    }

    /// Several edits as one version: `edits(Edit&)` runs once, with nobody else writing. Throws
    /// VersionConflict when another version than the expected one is current, Rejected as above,
    /// and what `edits` throws: then nothing has changed. Calling the store from `edits` is an
    /// error (std::logic_error); what it needs to read is in the Edit.
    template <class F>
        requires std::invocable<F&, Edit&>
    Commit transact(F&& edits, TransactOptions options = {}) {
        return core_->transact(std::ref(edits), std::move(options));
    }

    /// Puts values above everything else for as long as the returned scope lives. Throws Rejected.
    OverrideScope override_scope(Document values) {
        const std::uint64_t layer = core_->begin_scope(std::move(values));
        return OverrideScope{core_, layer};
    }

    /// Waits until `version`, or a later one, is current. False when `timeout` is over first, or
    /// the store closes. Readers see that version when it returns; observers may still be running,
    /// see settle. Rules as for Config::wait_until.
    template <class Rep, class Period>
    bool wait_for(Version version, std::chrono::duration<Rep, Period> timeout) const {
        const auto core = core_;
        const auto check = [&] { return core->version() >= version; };
        return core->wait_until(detail::deadline_after(timeout), std::ref(check));
    }

    /// Waits until `predicate(const View&)` is true of the current version: Config::wait_until for
    /// conditions on several handles, or on the document.
    template <class P, class Rep, class Period>
        requires std::predicate<P&, const View&>
    bool wait_until(P&& predicate, std::chrono::duration<Rep, Period> timeout) const {
        const auto core = core_;  // the store may go meanwhile
        const auto check = [&] {
            const View now{*core->chain()};
            return static_cast<bool>(std::invoke(predicate, now));
        };
        return core->wait_until(detail::deadline_after(timeout), std::ref(check));
    }

    /// Calls `f(const Rejection&)` for each change that a transport brought and the store refused,
    /// or that it could not read, and, as a warning, for each observer that threw, runs for too
    /// long or lets its queue run over. In order, none is left out, and what comes later takes
    /// nothing back. Explicit writes throw instead.
    ///
    /// The notifier thread, where `f` runs unless it has an executor, may be the one that a slow
    /// observer holds up: inline_executor hears of it at once.
    template <class F>
        requires std::invocable<std::decay_t<F>&, const Rejection&>
    Subscription on_rejected(F&& f) {
        return observe_rejections(Executor{}, std::forward<F>(f));
    }
    template <ExecutorLike E, class F>
        requires std::invocable<std::decay_t<F>&, const Rejection&>
    Subscription on_rejected(E executor, F&& f) {
        return observe_rejections(Executor{std::move(executor)}, std::forward<F>(f));
    }

    /// The retained versions, oldest first: the newest StoreOptions::history, and whatever is kept.
    std::vector<VersionInfo> history() const { return core_->history(); }

    /// Keeps a retained version for as long as the store lives, or until `forget`, with a note for
    /// people. Throws std::out_of_range when it is not retained.
    void keep(Version version, std::string note = {}) { core_->keep(version, std::move(note)); }
    /// Lets a version go that was kept; it stays while it is among the newest.
    void forget(Version version) { core_->forget(version); }

    /// What leads from one retained version to another, either of which may be the older one, as a
    /// JSON Patch (RFC 6902). Secrets are masked in it, and can then not be applied. Throws
    /// std::out_of_range when a version is not retained. O(change * log n).
    Document diff(Version from, Version to, Secrets secrets = Secrets::masked) const {
        return core_->diff(from, to, secrets);
    }
    /// The same as a JSON Merge Patch (RFC 7396), as far as that can say it: see make_merge_patch.
    Document merge_diff(Version from, Version to, Secrets secrets = Secrets::masked) const {
        return core_->merge_diff(from, to, secrets);
    }
    /// The same for people: a line for each path, `server.port: 8080 -> 9090`.
    std::string render_diff(Version from, Version to, Secrets secrets = Secrets::masked) const {
        return core_->render_diff(from, to, secrets);
    }
    /// The deepest paths at which two retained versions differ.
    std::vector<Path> changed_paths(Version from, Version to) const {
        return core_->changed_between(from, to);
    }

    /// Brings a retained version back as a new one, after the same validation as any other. Throws
    /// std::out_of_range when the version is not retained, Rejected when it does not hold any more:
    /// then nothing has changed.
    ///
    /// The version holds as a layer named `rollback`, above all layers that a transport brings:
    /// these may move, but what they bring does not show until release_rollback. What the program
    /// had set by that version holds again; what it sets from now on is above the rollback, as is
    /// every override_scope.
    Commit rollback(Version version) { return core_->rollback(version, {}); }
    /// The same for what is at `path` and below, which may be nothing; not inside of lists
    /// (std::invalid_argument). Several may hold at once; of two places inside each other the one
    /// rolled back later has the word.
    Commit rollback(Version version, const Path& path) { return core_->rollback(version, path); }
    /// Ends what rollbacks hold: the layers show again as they are now. Throws Rejected, and
    /// leaves them, when that is refused. Does nothing when there was no rollback.
    Commit release_rollback() { return core_->release_rollback(); }

    /// Why the value at `path` is what it is: who says so, who else would, since when, and what the
    /// default is. Of an object, each layer that has a part in it.
    ///
    /// O(layers * length of the path + history), but the first question about a text has it read
    /// once for the places in it.
    Explanation explain(const Path& path) const { return core_->explain(path); }
    /// The same for a handle: a derived one is explained by what it is made of.
    template <class T>
    Explanation explain(const Config<T>& config) const {
        if (config.chain_ != core_->chain().get()) {
            detail::throw_foreign(*config.node_);
        }
        return core_->explain(*config.node_);
    }
    /// Everything that is effective, in the order of the paths.
    std::vector<Explanation> explain() const { return core_->explain(); }

    /// How the store and its layers are doing. Holds no values.
    StoreStatus status() const { return core_->status(); }

    /// Every value and every rule: what it reads, how often its function ran, and what is wrong.
    std::vector<NodeStatus> graph() const { return core_->graph(); }
    /// The same as a picture, for Graphviz.
    std::string graph_dot() const { return to_dot(graph()); }

    /// Waits until every observer has been told of the current version, or a later one, and has
    /// returned. False when `timeout` is over first.
    template <class Rep, class Period>
    bool settle(std::chrono::duration<Rep, Period> timeout) const {
        return core_->settle(detail::deadline_after(timeout));
    }

    /// Declares that everything is bound. Throws one Rejected with whatever is left over: sections
    /// nobody bound, variables inside a prefix and arguments that match nothing, each with the
    /// nearest name that would have matched. Layers whose unknown keys are warnings, or ignored,
    /// are not held to it.
    void check() const { core_->check(); }

    /// For people: every option that is bound, how to write it in the environment and on the
    /// command line where such layers exist, its default and its documentation.
    std::string usage() const { return core_->usage(); }

    /// The JSON Schema (draft 2020-12) of everything that is bound, for editors and validators:
    /// `to_text(store.schema(), {.indent = 2})`. It accepts what the bindings accept, as far as
    /// JSON Schema can say it, and whatever is put where nothing is bound. Documentation, ranges
    /// and defaults are in it; secrets are `writeOnly`, and their defaults are not told. What it
    /// cannot say, such as checks over several fields, is in the descriptions.
    Document schema() const { return core_->schema(); }

    /// A sample configuration of everything that is bound, as JSON with comments (`.jsonc`): each
    /// member with its documentation, what is expected, how else it can be set, and its default.
    /// What has no default to show, secrets among it, is commented out, with a value to replace.
    /// When nothing is required, reading the text gives the defaults.
    std::string reference() const { return core_->reference(); }

private:
    friend struct detail::HandleAccess;

    template <class F>
    Subscription observe_rejections(Executor executor, F&& f) {
        auto observer =
            std::make_shared<detail::RejectionObserver>(core_->hub(), std::move(executor),
                                                        std::forward<F>(f));
        core_->observe_rejections(observer);
        return Subscription{std::move(observer)};
    }

    std::shared_ptr<detail::Core> core_;
};

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI {

namespace detail {

struct TrackAccess;

[[noreturn]] ATTUNE_DECL void throw_empty_handle();
[[noreturn]] ATTUNE_DECL void throw_broken_rule();

/// The store that all these belong to. Throws when there is none.
ATTUNE_DECL std::shared_ptr<Core> common_core(std::span<GraphNode* const> nodes);

/// The name of a member; "field" where it cannot be found out.
template <class T, class M, class C>
std::string member_label(M C::*member) {
    std::string label = "field";
    if constexpr (has_members<T>()) {
        const T object{};
        std::string_view names = field_text<T>;
        const void* const wanted = std::addressof(object.*member);
        const auto compare = [&](const void* address) {
            const std::string_view name = member_name(next_argument(names));
            if (address == wanted) {
                label = name;
            }
        };
        [&]<std::size_t... I, class... P>(
            const MembersOver<std::index_sequence<I...>, P...>& members) {
            (compare(static_cast<const MemberPointer<I, P>&>(members).address), ...);
        }(members_of(object));
    }
    return label;
}

}  // namespace detail

/// What a function given to derive() reads other handles with. Each one that it reads by this is an
/// input until the next run, whether the run ends with a new value, the same one, or an error.
///
/// Belongs to one run: must not be kept, or used on another thread.
class Track {
public:
    Track(const Track&) = delete;
    Track& operator=(const Track&) = delete;

    /// The value of `config` in the version that is being made. The reference holds during the run.
    /// Throws std::logic_error for an empty handle, for one of another store, and when this value
    /// derives from the one being computed: the commit is refused then, naming the circle.
    template <class T>
    const T& operator()(const Config<T>& config) {
        if (!config) {
            detail::throw_empty_handle();
        }
        return detail::value_in_cell<T>(now_.read(*config.node_));
    }

private:
    friend struct detail::TrackAccess;
    explicit Track(detail::Evaluation& now) noexcept : now_(now) {}

    detail::Evaluation& now_;
};

namespace detail {

struct HandleAccess {
    template <class T>
    static GraphNode* node(const Config<T>& config) noexcept {
        return config.node_.get();
    }
    template <class T>
    static Config<T> make(Ref<GraphNode> node) noexcept {
        return Config<T>{std::move(node)};
    }
    static const std::shared_ptr<Core>& core(const Store& store) noexcept { return store.core_; }
};

struct TrackAccess {
    template <class F>
    static decltype(auto) call(F& function, Evaluation& now) {
        Track use{now};
        now.track();
        return function(use);
    }
};

/// The cell for a new value, or none when it equals the one before: then nothing is allocated.
template <class T>
CellPtr cell_unless_equal(T value, const CellBase* before) {
    if (before != nullptr && value_equal(value_in_cell<T>(*before), value)) {
        return {};
    }
    return CellPtr::adopt(new ValueCell<T>{std::move(value)});
}

/// A function of the same handles each time.
template <class T, class F, class... A>
class FunctionNode final : EdgeRoom<sizeof...(A)>, public DerivedNode {
public:
    template <class G>
    FunctionNode(NodeHome& owner, G&& function)
        : DerivedNode(owner, derived_kind<T>), function_(std::forward<G>(function)) {}

private:
    CellPtr compute(Evaluation& now, const CellBase* before) override {
        return [&]<std::size_t... I>(std::index_sequence<I...>) {
            return cell_unless_equal<T>(std::invoke(function_, value_in_cell<A>(now.input(I))...),
                                        before);
        }(std::index_sequence_for<A...>{});
    }
    Edge* room() noexcept override { return this->edges; }

    F function_;
};

/// A function that decides what it reads while it runs.
template <class T, class F>
class TrackingNode final : public DerivedNode {
public:
    template <class G>
    TrackingNode(NodeHome& owner, G&& function)
        : DerivedNode(owner, derived_kind<T>), function_(std::forward<G>(function)) {}

private:
    CellPtr compute(Evaluation& now, const CellBase* before) override {
        return cell_unless_equal<T>(TrackAccess::call(function_, now), before);
    }

    F function_;
};

/// A condition on several values. Has no value itself.
template <class F, class... A>
class RuleNode final : EdgeRoom<sizeof...(A)>, public DerivedNode {
public:
    template <class G>
    RuleNode(NodeHome& owner, G&& condition, std::string text)
        : DerivedNode(owner, derived_kind<bool>),
          condition_(std::forward<G>(condition)),
          text_(std::move(text)) {
        is_rule = true;
    }

private:
    CellPtr compute(Evaluation& now, const CellBase*) override {
        const bool holds = [&]<std::size_t... I>(std::index_sequence<I...>) -> bool {
            return std::invoke(condition_, value_in_cell<A>(now.input(I))...);
        }(std::index_sequence_for<A...>{});
        if (!holds) {
            throw_broken_rule();
        }
        return {};
    }
    Edge* room() noexcept override { return this->edges; }
    std::string default_name() const override { return text_; }

    F condition_;
    std::string text_;
};

template <class T>
inline constexpr bool is_config = false;
template <class T>
inline constexpr bool is_config<Config<T>> = true;

template <class F, class... A>
using DerivedType = std::decay_t<std::invoke_result_t<std::decay_t<F>&, const A&...>>;

template <class F>
using TrackedType = std::decay_t<std::invoke_result_t<std::decay_t<F>&, Track&>>;

}  // namespace detail

/// A value made of others: `fn(const A&...)`, of the values of the handles, in their order.
///
/// It is computed in each commit that changes one of them, before the commit is published, at most
/// once, and moves with them in one version. When the result equals the present value (by `==`;
/// member by member for a plain struct that has none; never, when that is impossible too), whatever
/// derives from this one does not run. The function must be pure, and read the store by its
/// arguments only: it runs inside the commit, on the thread of whoever brought the change, and a
/// call that would change the store throws std::logic_error there. What it throws vetoes the
/// commit, unless the options say otherwise.
///
/// Throws Rejected when the first run throws, std::invalid_argument when the handles are empty or
/// of different stores, std::logic_error when the store is closed, or when it is called inside a
/// commit. Any thread.
template <class F, class... A>
    requires(sizeof...(A) > 0) && std::invocable<std::decay_t<F>&, const A&...>
Config<detail::DerivedType<F, A...>> derive(DeriveOptions options, F&& fn,
                                            const Config<A>&... inputs) {
    using T = detail::DerivedType<F, A...>;
    using Made = detail::FunctionNode<T, std::decay_t<F>, A...>;
    const std::array<detail::GraphNode*, sizeof...(A)> nodes{detail::HandleAccess::node(inputs)...};
    const auto core = detail::common_core(nodes);
    return detail::HandleAccess::make<T>(core->derive(
        detail::Ref<detail::DerivedNode>::adopt(new Made{core->home(), std::forward<F>(fn)}), nodes,
        std::move(options)));
}
template <class F, class... A>
    requires(sizeof...(A) > 0) && std::invocable<std::decay_t<F>&, const A&...>
Config<detail::DerivedType<F, A...>> derive(F&& fn, const Config<A>&... inputs) {
    return derive(DeriveOptions{}, std::forward<F>(fn), inputs...);
}

/// A value made of others, where the function finds out which while it runs: `fn(Track& use)` reads
/// them by `use(handle)`. Otherwise as above.
template <std::same_as<Store> S, class F>  // first: a generic lambda is only asked about Track here
    requires std::invocable<std::decay_t<F>&, Track&>
Config<detail::TrackedType<F>> derive(S& store, F&& fn, DeriveOptions options = {}) {
    using T = detail::TrackedType<F>;
    using Made = detail::TrackingNode<T, std::decay_t<F>>;
    const auto& core = detail::HandleAccess::core(store);
    return detail::HandleAccess::make<T>(core->derive(
        detail::Ref<detail::DerivedNode>::adopt(new Made{core->home(), std::forward<F>(fn)}), {},
        std::move(options)));
}

template <class T>
template <class F>
    requires std::invocable<std::decay_t<F>&, const T&>
auto Config<T>::map(F&& f, DeriveOptions options) const
    -> Config<std::decay_t<std::invoke_result_t<std::decay_t<F>&, const T&>>> {
    return derive(std::move(options), std::forward<F>(f), *this);
}

template <class T>
template <class M, class C>
    requires std::derived_from<T, C> && std::copy_constructible<M>
Config<M> Config<T>::field(M C::*member, DeriveOptions options) const {
    if (options.name.empty()) {
        options.name = name() + '.' + detail::member_label<T>(member);
    }
    return derive(
        std::move(options), [member](const T& value) -> M { return value.*member; }, *this);
}

template <class F, class... A>
    requires(sizeof...(A) > 0) && std::predicate<std::decay_t<F>&, const A&...>
void Store::require(F&& condition, std::string text, const Config<A>&... inputs) {
    using Made = detail::RuleNode<std::decay_t<F>, A...>;
    const std::array<detail::GraphNode*, sizeof...(A)> nodes{detail::HandleAccess::node(inputs)...};
    core_->require(detail::Ref<detail::DerivedNode>::adopt(new Made{
                       core_->home(), std::forward<F>(condition), std::move(text)}),
                   nodes);
}

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL void throw_empty_handle() {
    throw std::logic_error{"an empty Config was read; bind or derive it first"};
}

ATTUNE_DECL void throw_broken_rule() { throw BrokenRule{}; }

ATTUNE_DECL std::shared_ptr<Core> common_core(std::span<GraphNode* const> nodes) {
    for (const GraphNode* const node : nodes) {
        if (node == nullptr) {
            throw std::invalid_argument{"an empty Config cannot be derived from"};
        }
        if (&node->home != &nodes.front()->home) {
            throw std::invalid_argument{"\"" + node_name(*nodes.front()) + "\" and \"" +
                                        node_name(*node) +
                                        "\" belong to two stores; a value derives from handles of "
                                        "one store"};
        }
    }
    auto core = core_of(*nodes.front()).lock();
    if (core == nullptr) {
        throw std::logic_error{"the store has been closed"};
    }
    return core;
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI {

/// The arguments of a program, as main gets them; `argv[0]`, its name, is left out. They are
/// copied.
///
/// `--server.port=9090` and `--server.port 9090` set `server.port`, matched against the bound
/// structs; `--verbose` and `--no-verbose` set a boolean, which takes a value only after `=`. A
/// value that begins with two dashes needs the `=` too. The later of two arguments for one place
/// wins. The values are text, decoded by the types they are bound to; lists, maps and structs are
/// written as JSON.
///
/// Whatever is no option and no option's value, and all that follows `--`, is left over, for
/// Store::check to report.
[[nodiscard]] ATTUNE_DECL std::unique_ptr<Transport> args(int argc, const char* const* argv);

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI {

namespace detail {

class ArgsTransport final : public Transport {
public:
    explicit ArgsTransport(std::vector<std::string> arguments) : arguments_(std::move(arguments)) {}

    std::string name() const override { return "arguments"; }

    Content load() override {
        Content content;
        content.reads_options = true;
        bool options = true;
        std::size_t number = 0;
        for (const std::string& argument : arguments_) {
            ++number;
            if (options && argument == "--") {
                options = false;
            } else if (options && argument.starts_with("--")) {
                content.texts.push_back(option(std::string_view(argument).substr(2)));
            } else {
                // By number: what it says may be the secret value of the option before it.
                Text text;
                text.naming = Naming::positional;
                text.value = argument;
                text.origin.source = "argument " + std::to_string(number);
                text.prefix = options ? "" : "-- ";
                content.texts.push_back(std::move(text));
            }
        }
        return content;
    }

private:
    static Text option(std::string_view argument) {
        const std::size_t end = argument.find('=');
        Text text;
        text.naming = Naming::option;
        text.name = argument.substr(0, end);
        text.has_value = end != std::string_view::npos;
        text.value = text.has_value ? argument.substr(end + 1) : std::string_view{};
        text.origin.source = "argument --" + text.name;
        text.prefix = "--";
        return text;
    }

    const std::vector<std::string> arguments_;
};

}  // namespace detail

ATTUNE_DECL std::unique_ptr<Transport> args(int argc, const char* const* argv) {
    std::vector<std::string> arguments;
    for (int i = 1; i < argc; ++i) {
        arguments.emplace_back(argv[i]);
    }
    return std::unique_ptr<Transport>(new detail::ArgsTransport(std::move(arguments)));
}

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI {

/// What of a document a cache may write to its file.
enum class CacheSecrets : std::uint8_t {
    left_out,  ///< what is bound, without its secrets; nothing before something is bound
    stored,    ///< the whole document
};

struct CachedOptions {
    CacheSecrets secrets = CacheSecrets::left_out;
    /// A document that was first served longer ago than this does not stand in.
    std::optional<std::chrono::seconds> max_age = std::nullopt;
    /// The file is written this long after a change, and when the layer ends, so that what is bound
    /// in the meantime is in it.
    std::chrono::milliseconds delay{500};
    /// When the file could not be written, that is tried again after this long.
    std::chrono::milliseconds retry{60'000};
    /// Told when the file cannot be written: once, until it has been written again. On the store's
    /// thread, or on the one that ends the layer; what it throws is dropped.
    std::function<void(const Problem&)> on_write_failure = {};
};

/// A transport, with a file that stands in for it when it cannot give a first value.
///
/// Every document of `inner` that the store has accepted is kept in `file`. When `inner` cannot be
/// loaded as the layer is added, the document in the file is served instead: the layer is stale
/// from the start, its status says why, from when the document is, and which file it is from. As
/// soon as `inner` brings something, that takes over. In all other respects this is `inner`: its
/// name, its failures, whether it can be written.
///
/// The file is JSON with a format number, the layer's name, revision and time, and the SHA-256 of
/// the document's text. It is replaced as a whole and durably, has mode 0600, and is written only
/// when the document or its revision has changed. A file that is damaged, too old, of a later
/// format or of another layer is not used: then Rejected names it besides what is wrong with
/// `inner`. Where `inner` can be loaded, nothing about the file matters.
///
/// By default secrets are left out, and so is whatever nobody has bound. A struct that requires one
/// of its secrets then refuses the document in the file: give the secret to another layer, or store
/// secrets. Values that come without a type (environment, arguments, directories) are not kept.
///
/// A relative path is taken from the working directory of this call. One store at a time may use a
/// file.
[[nodiscard]] ATTUNE_DECL std::unique_ptr<Transport> cached(std::unique_ptr<Transport> inner,
                                                            std::filesystem::path file,
                                                            CachedOptions options = {});

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI::detail {

/// What a cache keeps of a layer.
struct CacheRecord {
    std::string layer;
    std::string revision;
    std::chrono::system_clock::time_point time{};
    bool whole = false;  ///< with its secrets
    Document document;

    /// Whether everything but the time is the same.
    bool same(const CacheRecord& other) const {
        return layer == other.layer && revision == other.revision && whole == other.whole &&
               document == other.document;
    }
};

/// The file of a cache. One thread at a time.
class CacheFile {
public:
    /// `source` is how people call it.
    CacheFile(std::shared_ptr<Disk> disk, std::string path, std::string source)
        : disk_(std::move(disk)), path_(std::move(path)), source_(std::move(source)) {}

    const std::string& source() const noexcept { return source_; }

    /// Throws Rejected, with one problem that says why there is nothing to be had.
    ATTUNE_DECL CacheRecord read() const;

    /// Afterwards either the old or the new record is in the file; the new one, unless
    /// std::system_error is thrown.
    ATTUNE_DECL void write(const CacheRecord& record);

private:
    ATTUNE_DECL void sweep() const noexcept;

    const std::shared_ptr<Disk> disk_;
    const std::string path_;
    const std::string source_;
    bool swept_ = false;  // what a killed process has left beside the file is gone
};

/// As `cached`, on another disk.
ATTUNE_DECL std::unique_ptr<Transport> cached_on(std::shared_ptr<Disk> disk,
                                                 std::unique_ptr<Transport> inner,
                                                 const std::filesystem::path& file,
                                                 CachedOptions options);

}  // namespace attune::inline ATTUNE_ABI::detail

struct stat;

namespace attune::inline ATTUNE_ABI::detail {

/// What tells two states of a file apart without reading it.
struct Stamp {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::int64_t size = 0;
    std::int64_t modified_s = 0;  ///< since 1970
    std::int64_t modified_ns = 0;

    Stamp() = default;
    ATTUNE_DECL explicit Stamp(const struct stat& status);
    friend bool operator==(const Stamp&, const Stamp&) = default;
};

/// One file of an image.
struct Piece {
    std::string name;  ///< below the directory; empty where there is only one file
    std::shared_ptr<const std::string> bytes;
};

/// One reading of a file or a directory: what was there, or why it could not be read.
struct Image {
    std::vector<Piece> pieces;
    std::vector<Stamp> stamps;      ///< of everything that was looked at
    std::vector<Problem> problems;  ///< not empty: the image is worth nothing

    /// Whether something in it was modified less than `age` ago.
    ATTUNE_DECL bool younger_than(std::chrono::nanoseconds age) const;
};

/// Whether the bytes, or the problems, are the same.
ATTUNE_DECL bool same(const Image& a, const Image& b);

/// Whether moreover nothing was touched in between: two such readings in a row are no accident.
ATTUNE_DECL bool identical(const Image& a, const Image& b);

/// Where a path leads from the present working directory on.
ATTUNE_DECL std::string absolute_text(const std::filesystem::path& path);

/// A problem whose origin is `source`.
ATTUNE_DECL Problem problem_at(const std::string& source, std::string message);

/// Adds the file to the image, or the reason why that failed. `source` is how people call it. False
/// when there is no file, which adds nothing. Never waits: anything but a regular file is refused
/// unread, a pipe too.
ATTUNE_DECL bool read_piece(const std::string& path, std::string name, const std::string& source,
                            std::size_t max_bytes, Image& image);

/// `what`, a file or a directory, should be at `path`: says where it was looked for, and suggests a
/// name nearby.
ATTUNE_DECL Problem not_found(const std::string& what, const std::string& path,
                              const std::string& source);

/// Adds the names in a directory, in any order and so many at most. Gives an errno, or zero.
ATTUNE_DECL int read_names(const std::string& folder, std::size_t most,
                           std::vector<std::string>& names);

/// Why a system call failed.
ATTUNE_DECL std::string error_text(int error);

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL Stamp::Stamp(const struct stat& status)
    : device(status.st_dev),
      inode(status.st_ino),
      size(status.st_size),
      modified_s(status.st_mtim.tv_sec),
      modified_ns(status.st_mtim.tv_nsec) {}

ATTUNE_DECL bool Image::younger_than(std::chrono::nanoseconds age) const {
    const std::chrono::nanoseconds clock = std::chrono::system_clock::now().time_since_epoch();
    const std::int64_t now = clock.count();
    constexpr std::int64_t second = 1'000'000'000;
    // A file may claim any time, also one that nanoseconds cannot count to.
    constexpr std::int64_t far = 48 * 3600;
    for (const Stamp& stamp : stamps) {
        if (stamp.modified_s <= now / second - far || stamp.modified_s >= now / second + far) {
            continue;
        }
        const std::int64_t since = now - stamp.modified_s * second - stamp.modified_ns;
        if (since < age.count() && -since < age.count()) {
            return true;
        }
    }
    return false;
}

ATTUNE_DECL bool same(const Image& a, const Image& b) {
    if (a.pieces.size() != b.pieces.size() || a.problems.size() != b.problems.size()) {
        return false;
    }
    for (std::size_t i = 0; i != a.pieces.size(); ++i) {
        const Piece& x = a.pieces[i];
        const Piece& y = b.pieces[i];
        if (x.name != y.name || (x.bytes != y.bytes && *x.bytes != *y.bytes)) {
            return false;
        }
    }
    for (std::size_t i = 0; i != a.problems.size(); ++i) {
        if (to_string(a.problems[i]) != to_string(b.problems[i])) {
            return false;
        }
    }
    return true;
}

ATTUNE_DECL bool identical(const Image& a, const Image& b) {
    return a.stamps == b.stamps && same(a, b);
}

ATTUNE_DECL std::string absolute_text(const std::filesystem::path& path) {
    std::error_code error;
    const std::filesystem::path whole = std::filesystem::absolute(path, error);
    return error ? path.string() : whole.string();
}

ATTUNE_DECL Problem problem_at(const std::string& source, std::string message) {
    Problem problem;
    problem.origin.source = source;
    problem.message = std::move(message);
    return problem;
}

ATTUNE_DECL std::string error_text(int error) {
    std::string text = std::generic_category().message(error);
    if (!text.empty()) {
        text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
    }
    return text;
}

ATTUNE_DECL int read_names(const std::string& folder, std::size_t most,
                           std::vector<std::string>& names) {
    DIR* const directory = ::opendir(folder.c_str());
    if (directory == nullptr) {
        return errno;
    }
    struct Close {
        DIR* directory;
        ~Close() { ::closedir(directory); }
    } const close_at_end{directory};

    errno = 0;
    while (names.size() < most) {
        const dirent* const entry = ::readdir(directory);
        if (entry == nullptr) {
            return errno;
        }
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") {
            names.emplace_back(name);
        }
    }
    return 0;
}

ATTUNE_DECL Problem not_found(const std::string& what, const std::string& path,
                              const std::string& source) {
    const std::filesystem::path file = path;
    const std::string folder = file.parent_path().string();
    // A directory of many files must not make the report slow.
    constexpr std::size_t max_names = 1000;
    std::vector<std::string> names;
    if (const int error = read_names(folder, max_names, names); error != 0) {
        const std::string reason =
            error == ENOENT ? "there is no such directory" : error_text(error);
        return problem_at(source, what + " not found in \"" + folder + "\": " + reason);
    }
    std::vector<std::string_view> views(names.begin(), names.end());
    std::sort(views.begin(), views.end());
    Problem problem = problem_at(source, what + " not found in \"" + folder + "\"");
    problem.suggestion = nearest(file.filename().string(), views);
    return problem;
}

/// Reads to the end, whatever size the file claims to have. Gives an errno, or zero.
ATTUNE_DECL int read_to_end(int fd, std::size_t expected, std::size_t max_bytes,
                            std::string& bytes) {
    bytes.resize(std::min(expected, max_bytes) + 1);
    for (std::size_t filled = 0;;) {
        const ssize_t size = ::read(fd, bytes.data() + filled, bytes.size() - filled);
        if (size < 0 && errno != EINTR) {
            return errno;
        }
        filled += size > 0 ? static_cast<std::size_t>(size) : 0;
        if (size == 0 || filled > max_bytes) {
            bytes.resize(filled);
            return 0;
        }
        if (filled == bytes.size()) {
            bytes.resize(std::min(filled, max_bytes / 2) * 2 + 1);
        }
    }
}

ATTUNE_DECL bool read_piece(const std::string& path, std::string name, const std::string& source,
                            std::size_t max_bytes, Image& image) {
    const auto refuse = [&](std::string message) {
        image.problems.push_back(problem_at(source, std::move(message)));
        return true;
    };
    const auto refuse_kind = [&](const struct stat& status) {
        Problem problem = problem_at(source, {});
        problem.expected = "a regular file";
        problem.found = S_ISDIR(status.st_mode)    ? "a directory"
                        : S_ISFIFO(status.st_mode) ? "a pipe"
                        : S_ISSOCK(status.st_mode) ? "a socket"
                                                   : "a device";
        image.problems.push_back(std::move(problem));
        return true;
    };

    struct stat status;
    if (::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
        image.stamps.emplace_back(status);
        return refuse_kind(status);  // not opened: that alone can set a device in motion
    }
    const int fd = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        return errno != ENOENT && errno != ENOTDIR && refuse(error_text(errno));
    }
    struct Close {
        int fd;
        ~Close() { ::close(fd); }
    } const close_at_end{fd};

    if (::fstat(fd, &status) != 0) {
        return refuse(error_text(errno));
    }
    image.stamps.emplace_back(status);
    if (!S_ISREG(status.st_mode)) {
        return refuse_kind(status);
    }
    auto bytes = std::make_shared<std::string>();
    const auto size = static_cast<std::size_t>(status.st_size);
    if (size <= max_bytes) {
        if (const int error = read_to_end(fd, size, max_bytes, *bytes); error != 0) {
            return refuse(error_text(error));
        }
    }
    if (size > max_bytes || bytes->size() > max_bytes) {
        return refuse("larger than the limit of " + std::to_string(max_bytes) + " bytes");
    }
    image.pieces.push_back({std::move(name), std::move(bytes)});
    return true;
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

inline constexpr std::int64_t cache_format = 1;

ATTUNE_DECL CacheRecord CacheFile::read() const {
    const auto refuse = [&](std::string message) {
        return Rejected{
            {.problems = {problem_at(source_, "the cache is not used: " + std::move(message))}}};
    };
    std::string text;
    try {
        text = read_file(*disk_, path_);
    } catch (const std::system_error& error) {
        throw refuse(error.code() == std::errc::no_such_file_or_directory
                         ? "there is no such file"
                         : error_text(error.code().value()));
    }
    Document whole;
    try {
        constexpr std::size_t deepest = 1024;  // it was written by us, whatever is in it
        whole = parse(text, {.name = source_,
                             .max_depth = deepest,
                             .max_bytes = std::numeric_limits<std::size_t>::max()});
    } catch (const ParseError& error) {
        throw refuse("line " + std::to_string(error.line()) + ", column " +
                     std::to_string(error.column()) + ": " + error.message());
    }

    const Document* const format = whole.find("attune-cache");
    if (format == nullptr || !format->is_integer()) {
        throw refuse("it is not the file of a cache");
    }
    if (*format != cache_format) {
        throw refuse("its format " + to_text(*format) + " is not " + std::to_string(cache_format) +
                     ", the one that this program reads");
    }
    const auto member = [&](const char* name) {
        const Document* const found = whole.find(name);
        if (found == nullptr || !found->is_string()) {
            throw refuse(std::string(name) + " is missing");
        }
        return std::string(found->as_string());
    };
    const Document* const document = whole.find("document");
    if (document == nullptr) {
        throw refuse("document is missing");
    }
    if (to_hex(Sha256{}.of(to_text(*document))) != member("sha256")) {
        throw refuse("the document does not match its checksum");
    }
    CacheRecord record;
    record.layer = member("layer");
    record.revision = member("revision");
    const auto time = parse_rfc3339(member("time"));
    if (!time) {
        throw refuse("time is not a time");
    }
    record.time = *time;
    record.whole = member("secrets") == "stored";
    record.document = *document;
    return record;
}

/// Removes the temporary files of processes that were killed before they could rename them.
ATTUNE_DECL void CacheFile::sweep() const noexcept {
    try {
        const std::string folder = directory_of(path_);
        const std::string own = '.' + std::to_string(::getpid()) + '-';
        const std::string name = path_.substr(path_.rfind('/') + 1);
        for (const std::string& found : disk_->list(folder)) {
            std::string_view rest = found;
            if (!rest.starts_with(name) || !rest.ends_with(".tmp")) {
                continue;
            }
            rest.remove_prefix(name.size());
            rest.remove_suffix(std::string_view(".tmp").size());
            const bool numbers = rest.find_first_not_of("0123456789-", 1) == rest.npos;
            if (rest.starts_with('.') && numbers && !rest.starts_with(own)) {
                disk_->remove(folder + '/' + found);
            }
        }
    } catch (...) {  // they do no harm
    }
}

ATTUNE_DECL void CacheFile::write(const CacheRecord& record) {
    const Document whole{
        {"attune-cache", cache_format},
        {"layer", record.layer},
        {"revision", record.revision},
        {"time", rfc3339(record.time)},
        {"sha256", to_hex(Sha256{}.of(to_text(record.document)))},
        {"secrets", record.whole ? "stored" : "left out"},
        {"document", record.document},
    };
    constexpr unsigned only_owner = 0600;
    write_file_durably(*disk_, path_, to_text(whole, {.indent = 2}) + '\n', only_owner);
    if (!std::exchange(swept_, true)) {
        sweep();
    }
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI {

namespace detail {

/// Stands between a transport and the store: the feed of the one, the transport of the other.
class CachedTransport final : public Transport, private Feed {
public:
    CachedTransport(std::unique_ptr<Transport> inner, CacheFile file, CachedOptions options)
        : inner_(std::move(inner)), file_(std::move(file)), options_(std::move(options)) {}

    std::string name() const override { return inner_->name(); }
    bool remote() const noexcept override { return inner_->remote(); }
    bool writable() const noexcept override { return inner_->writable(); }
    std::string save(const Document& document, const std::string& revision) override {
        return inner_->save(document, revision);
    }
    bool wants_accepted() const noexcept override { return true; }

    Content load() override;
    void start(Feed& feed) override;
    void stop() noexcept override;
    void accepted(const Accepted& accepted) override;

private:
    using Clock = Poller::Clock;

    // As the feed of `inner`.
    void content(Content content) override {
        {
            const std::scoped_lock lock{mutex_};
            stands_in_ = false;
        }
        feed_->content(std::move(content));
    }
    void failed(std::vector<Problem> problems) override { feed_->failed(std::move(problems)); }
    void unchanged() override;
    Poller& poller() override { return feed_->poller(); }

    Content stand_in(std::vector<Problem> problems);
    void fetch();
    void write() noexcept;
    bool up_to_date(const CacheRecord& record);
    void report(const std::system_error& error) noexcept;

    const std::unique_ptr<Transport> inner_;
    CacheFile file_;  // read by load before the first write, on one thread after the other
    const CachedOptions options_;

    Feed* feed_ = nullptr;  // while `inner` runs
    bool loaded_ = false;   // the store has got something to begin with; by load alone

    std::mutex mutex_;                    // never held while anybody else is called
    bool stands_in_ = false;              // the store has nothing but what was in the file
    std::optional<CacheRecord> pending_;  // to be written
    std::optional<CacheRecord> written_;  // what is in the file, once that is known
    bool running_ = false;                // the timers are there
    bool armed_ = false;                  // a write is under way
    bool reported_ = false;               // the last write failed
    Poller::Timer write_timer_;
    Poller::Timer fetch_timer_;
};

/// What is wrong with a reading. To be called while that is being thrown; passes on what is no
/// judgement about the document.
inline std::vector<Problem> problems_of_reading() {
    try {
        throw;
    } catch (const ParseError& error) {
        Problem problem = problem_at(error.name(), error.message());
        problem.origin.line = error.line();
        problem.origin.column = error.column();
        return {std::move(problem)};
    } catch (const Rejected& rejected) {
        return rejected.problems();
    }
}

ATTUNE_DECL Content CachedTransport::load() {
    try {
        Content content = inner_->load();
        loaded_ = true;
        const std::scoped_lock lock{mutex_};
        stands_in_ = false;
        return content;
    } catch (...) {
        std::vector<Problem> problems = problems_of_reading();
        if (loaded_) {
            throw;
        }
        Content content = stand_in(std::move(problems));
        loaded_ = true;
        const std::scoped_lock lock{mutex_};
        stands_in_ = true;
        return content;
    }
}

ATTUNE_DECL Content CachedTransport::stand_in(std::vector<Problem> problems) {
    const auto refuse = [&](Problem problem) {
        problems.push_back(std::move(problem));
        return Rejected{{.problems = std::move(problems), .reason = name()}};
    };
    CacheRecord record;
    try {
        record = file_.read();
    } catch (const Rejected& unusable) {
        throw refuse(unusable.problems().front());
    }
    const auto not_used = [&](const std::string& why) {
        return refuse(problem_at(file_.source(), "the cache is not used: " + why));
    };
    if (record.layer != name()) {
        throw not_used("it was written for the layer \"" + record.layer + '"');
    }
    using attune::to_text;
    using std::chrono::seconds;
    const auto whole_seconds = [](auto time) { return std::chrono::floor<seconds>(time); };
    const auto now = whole_seconds(std::chrono::system_clock::now());
    const seconds age = std::max(now - whole_seconds(record.time), seconds{0});
    const std::string from = "first served " + to_text(age) + " ago (" + rfc3339(record.time) + ')';
    if (options_.max_age && age > *options_.max_age) {
        throw not_used("its document was " + from + ", which is more than the " +
                       to_text(*options_.max_age) + " allowed");
    }
    Problem problem =
        problem_at(file_.source(),
                   "stands in for " + name() + " with a document " + from +
                       (record.revision.empty() ? "" : " as revision " + record.revision) +
                       (record.whole ? "" : ", without its secrets"));
    problem.severity = Severity::warning;
    for (Problem& other : problems) {
        if (other.origin.layer.empty()) {
            other.origin.layer = name();
        }
    }
    problems.push_back(std::move(problem));
    Content content;
    content.document = record.document;
    content.revision = record.revision;
    content.stale_because = std::move(problems);
    const std::scoped_lock lock{mutex_};
    written_ = std::move(record);
    return content;
}

ATTUNE_DECL void CachedTransport::start(Feed& feed) {
    feed_ = &feed;
    auto write_timer = feed.poller().timer([this] { write(); });
    auto fetch_timer = feed.poller().timer([this] { fetch(); });
    {
        const std::scoped_lock lock{mutex_};
        running_ = true;
        write_timer_ = std::move(write_timer);
        fetch_timer_ = std::move(fetch_timer);
        if (pending_) {
            armed_ = true;
            write_timer_.arm_after(options_.delay);
        }
    }
    inner_->start(*this);
}

ATTUNE_DECL void CachedTransport::stop() noexcept {
    Poller::Timer write_timer;
    Poller::Timer fetch_timer;
    {
        const std::scoped_lock lock{mutex_};
        running_ = false;
        write_timer = std::move(write_timer_);
        fetch_timer = std::move(fetch_timer_);
    }
    fetch_timer.reset();  // wait for what is running, unless this is inside it
    write_timer.reset();
    inner_->stop();
    write();
}

ATTUNE_DECL void CachedTransport::unchanged() {
    {
        const std::scoped_lock lock{mutex_};
        if (stands_in_) {
            // `inner` knows of nothing new, but the store has never seen what it has.
            fetch_timer_.arm(Clock::now());
            return;
        }
    }
    feed_->unchanged();
}

ATTUNE_DECL void CachedTransport::fetch() {
    Content content;
    try {
        content = inner_->load();
    } catch (...) {
        feed_->failed(problems_of_reading());
        return;
    }
    {
        const std::scoped_lock lock{mutex_};
        if (!std::exchange(stands_in_, false)) {
            return;  // overtaken
        }
    }
    feed_->content(std::move(content));
}

ATTUNE_DECL void CachedTransport::accepted(const Accepted& accepted) {
    if (inner_->wants_accepted()) {
        inner_->accepted(accepted);
    }
    const bool whole = options_.secrets == CacheSecrets::stored;
    const Document& document = whole ? accepted.document : accepted.without_secrets;
    if (document.is_null()) {
        return;
    }
    CacheRecord record{.layer = name(),
                       .revision = accepted.revision,
                       .time = std::chrono::system_clock::now(),
                       .whole = whole,
                       .document = document};
    const std::scoped_lock lock{mutex_};
    pending_ = std::move(record);
    if (running_ && !std::exchange(armed_, true)) {
        write_timer_.arm_after(options_.delay);
    }
}

/// Whether the file has it already. Reads the file the first time.
ATTUNE_DECL bool CachedTransport::up_to_date(const CacheRecord& record) {
    std::optional<CacheRecord> there;
    {
        const std::scoped_lock lock{mutex_};
        there = written_;
    }
    if (!there) {
        try {
            there = file_.read();
        } catch (const Rejected&) {
            return false;
        }
    }
    return there->same(record);
}

ATTUNE_DECL void CachedTransport::write() noexcept {
    std::optional<CacheRecord> record;
    {
        const std::scoped_lock lock{mutex_};
        record = std::exchange(pending_, std::nullopt);
        armed_ = false;
    }
    if (!record) {
        return;
    }
    try {
        if (!up_to_date(*record)) {
            file_.write(*record);
        }
        const std::scoped_lock lock{mutex_};
        written_ = std::move(record);
        reported_ = false;
    } catch (const std::system_error& error) {
        {
            const std::scoped_lock lock{mutex_};
            written_.reset();
            if (!pending_) {
                pending_ = std::move(record);
            }
            if (running_ && !std::exchange(armed_, true)) {
                write_timer_.arm_after(options_.retry);
            }
        }
        report(error);
    } catch (...) {  // out of memory: the next change is written
    }
}

ATTUNE_DECL void CachedTransport::report(const std::system_error& error) noexcept {
    {
        const std::scoped_lock lock{mutex_};
        if (std::exchange(reported_, true) || !options_.on_write_failure) {
            return;
        }
    }
    try {
        Problem problem =
            problem_at(file_.source(), std::string("the cache could not be written: ") +
                                           error.what() + "; it still has what it had before");
        problem.severity = Severity::warning;
        options_.on_write_failure(problem);
    } catch (...) {  // it is not for the callback to stop anything
    }
}

ATTUNE_DECL std::unique_ptr<Transport> cached_on(std::shared_ptr<Disk> disk,
                                                 std::unique_ptr<Transport> inner,
                                                 const std::filesystem::path& file,
                                                 CachedOptions options) {
    return std::unique_ptr<Transport>(new CachedTransport(
        std::move(inner), CacheFile{std::move(disk), absolute_text(file), file.string()},
        std::move(options)));
}

}  // namespace detail

ATTUNE_DECL std::unique_ptr<Transport> cached(std::unique_ptr<Transport> inner,
                                              std::filesystem::path file, CachedOptions options) {
    return detail::cached_on(detail::posix_disk(), std::move(inner), file, std::move(options));
}

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI {

struct DirectoryOptions {
    /// A missing directory is an empty one instead of a problem.
    bool optional = false;
    /// Above zero: read everything this often and compare, instead of asking the kernel.
    std::chrono::milliseconds poll{0};
    /// A change is over when nothing has happened for this long.
    std::chrono::milliseconds quiet{50};
    /// Whatever is there this long after the first sign of a change is judged, quiet or not.
    std::chrono::milliseconds longest{1000};
    /// Of one file.
    std::size_t max_bytes = std::size_t{1} << 20;
    std::size_t max_files = 10'000;
    /// False: read once, and again only by Layer::reload.
    bool watch = true;
};

/// A directory with one file per value, as container platforms mount configuration and secrets.
///
/// The name of a file below `path` is the path of its value: folders are levels, and so are the
/// parts of a file's name between dots. `server.port` and `server/port` both are `server.port`.
/// The content, without one newline at its end, is the value: text, decoded by the type it is
/// bound to. Names that begin with a dot are ignored, though symbolic links may lead through them
/// (`port -> ..data/port`). Whatever is neither a file nor a folder is ignored.
///
/// All files are read as of one moment: a reading during which anything changed is repeated.
/// Paths, timing, failures and watching are as for `file`.
[[nodiscard]] ATTUNE_DECL std::unique_ptr<Transport> directory(std::filesystem::path path,
                                                               DirectoryOptions options = {});

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI::detail {

/// The inotify instance of a poller: knows which listener cares for which name in which directory.
/// Used on the poller's thread, except that the last owner may destroy it anywhere.
class FileWatch : public std::enable_shared_from_this<FileWatch> {
public:
    class Listener {
    public:
        virtual ~Listener() = default;

        /// Something happened on the trail. `moved`: names, permissions or directories changed, and
        /// the trail may lead elsewhere now; false when only bytes were written.
        virtual void touched(bool moved) = 0;
    };

    ATTUNE_DECL explicit FileWatch(Poller& poller);
    FileWatch(const FileWatch&) = delete;
    FileWatch& operator=(const FileWatch&) = delete;
    ATTUNE_DECL ~FileWatch();

    /// False when the kernel had no instance to give. There must be no trails then.
    bool usable() const noexcept { return fd_ >= 0; }

    /// The listener is told nothing any more.
    ATTUNE_DECL void forget(const Listener& listener);

private:
    friend class WatchTrail;

    struct Interest {
        std::weak_ptr<Listener> listener;
        const Listener* key;
        std::string name;  // of one entry; empty: of all, and the watched thing itself

        // What has happened and is not told yet.
        bool touched = false;
        bool moved = false;
    };

    struct Watch {
        int id;
        std::vector<Interest> interests;
    };

    /// The watch of that id, or the first one after it.
    ATTUNE_DECL std::vector<Watch>::iterator from(int id) noexcept;
    ATTUNE_DECL Watch* find(int id) noexcept;
    ATTUNE_DECL void erase(int id) noexcept;

    /// An errno, or zero.
    ATTUNE_DECL int add(const std::string& place, std::uint32_t mask,
                        const std::shared_ptr<Listener>& listener, std::string_view name);

    /// Drops the interests of a listener but keeps the watches they belong to until `release`,
    /// because most of them are about to be asked for again.
    ATTUNE_DECL std::vector<int> take(const Listener& listener);
    ATTUNE_DECL void release(const std::vector<int>& watches);

    ATTUNE_DECL void drain();

    /// Marks the interests in that name, or all of them when it is empty.
    ATTUNE_DECL static void mark(std::vector<Interest>& interests, std::string_view name,
                                 bool moved);

    /// Tells one listener what is marked; false when nothing is.
    ATTUNE_DECL bool tell_one();

    int fd_ = -1;
    std::vector<Watch> watches_;  // by id; the kernel gives rising ones
    Poller::Registration registration_;
};

/// One pass over everything a listener depends on. Each directory is watched before it is looked
/// at, so that whatever changes during the pass is told after it. What lay on the previous pass
/// only is no longer watched when this one is destroyed.
class WatchTrail {
public:
    ATTUNE_DECL WatchTrail(FileWatch& watch, std::shared_ptr<FileWatch::Listener> listener);
    WatchTrail(const WatchTrail&) = delete;
    WatchTrail& operator=(const WatchTrail&) = delete;
    ATTUNE_DECL ~WatchTrail();

    /// Watches every directory and symbolic link that `path` leads through, starting from `base`,
    /// an absolute path without links (empty: the root directory), as far as the names exist. Gives
    /// the path without links when they all do.
    ATTUNE_DECL std::optional<std::string> follow(std::string base, std::string_view path);

    /// Watches all entries of a directory, and what is written to them. False when this pass was
    /// here before.
    ATTUNE_DECL bool everything(const std::string& directory);

    /// Watches what is written to a file, under whatever name.
    ATTUNE_DECL void bytes(const std::string& file);

    /// False when some place could not be watched: what changes there is not told.
    bool complete() const noexcept { return complete_; }

private:
    ATTUNE_DECL bool add(const std::string& place, std::uint32_t mask, std::string_view name);

    FileWatch& watch_;
    const std::shared_ptr<FileWatch::Listener> listener_;
    const std::vector<int> before_;
    Document seen_;  // the names, by place
    bool complete_ = true;
};

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

inline constexpr std::uint32_t watch_bytes = IN_MODIFY | IN_CLOSE_WRITE;
inline constexpr std::uint32_t watch_self = IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF;
inline constexpr std::uint32_t watch_names =
    IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | watch_self | IN_ONLYDIR;

ATTUNE_DECL FileWatch::FileWatch([[maybe_unused]] Poller& poller) {
#if !defined(ATTUNE_NO_INOTIFY)
    fd_ = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (usable()) {
        registration_ = poller.watch(fd_, [this] { drain(); });
    }
#endif
}

ATTUNE_DECL FileWatch::~FileWatch() {
    registration_.reset();
    if (usable()) {
        ::close(fd_);
    }
}

ATTUNE_DECL std::vector<FileWatch::Watch>::iterator FileWatch::from(int id) noexcept {
    auto first = watches_.begin();
    auto last = watches_.end();
    while (first != last) {
        const auto middle = first + (last - first) / 2;
        if (middle->id < id) {
            first = middle + 1;
        } else {
            last = middle;
        }
    }
    return first;
}

ATTUNE_DECL FileWatch::Watch* FileWatch::find(int id) noexcept {
    const auto found = from(id);
    return found != watches_.end() && found->id == id ? &*found : nullptr;
}

ATTUNE_DECL void FileWatch::erase(int id) noexcept {
    const auto found = from(id);
    if (found != watches_.end() && found->id == id) {
        watches_.erase(found);
    }
}

ATTUNE_DECL void FileWatch::forget(const Listener& listener) { release(take(listener)); }

ATTUNE_DECL int FileWatch::add(const std::string& place, std::uint32_t mask,
                               const std::shared_ptr<Listener>& listener, std::string_view name) {
    // An inode has one watch, however it is reached: masks add up, and interests decide.
    const int id = ::inotify_add_watch(fd_, place.c_str(), mask | IN_DONT_FOLLOW | IN_MASK_ADD);
    if (id < 0) {
        return errno;
    }
    Watch* watch = find(id);
    if (watch == nullptr) {
        watch = &*watches_.insert(from(id), Watch{id, {}});
    }
    watch->interests.push_back({listener, listener.get(), std::string(name)});
    return 0;
}

ATTUNE_DECL std::vector<int> FileWatch::take(const Listener& listener) {
    std::vector<int> taken;
    for (auto& [id, interests] : watches_) {
        std::size_t kept = 0;
        for (Interest& interest : interests) {
            if (interest.key != &listener) {
                std::swap(interests[kept++], interest);
            }
        }
        if (kept != interests.size()) {
            interests.erase(interests.begin() + static_cast<std::ptrdiff_t>(kept), interests.end());
            taken.push_back(id);
        }
    }
    return taken;
}

ATTUNE_DECL void FileWatch::release(const std::vector<int>& watches) {
    for (const int id : watches) {
        if (const Watch* const watch = find(id); watch != nullptr && watch->interests.empty()) {
            ::inotify_rm_watch(fd_, id);  // fails where the kernel was faster, which is as well
            erase(id);
        }
    }
}

ATTUNE_DECL void FileWatch::mark(std::vector<Interest>& interests, std::string_view name,
                                 bool moved) {
    for (Interest& interest : interests) {
        if (name.empty() || interest.name.empty() || interest.name == name) {
            interest.touched = true;
            interest.moved = interest.moved || moved;
        }
    }
}

ATTUNE_DECL bool FileWatch::tell_one() {
    const Listener* key = nullptr;
    std::shared_ptr<Listener> listener;
    bool moved = false;
    for (auto& [id, interests] : watches_) {
        for (Interest& interest : interests) {
            if (!interest.touched || (key != nullptr && interest.key != key)) {
                continue;
            }
            if (key == nullptr) {
                key = interest.key;
                listener = interest.listener.lock();
            }
            moved = moved || interest.moved;
            interest.touched = false;
            interest.moved = false;
        }
    }
    if (listener != nullptr) {
        listener->touched(moved);
    }
    return key != nullptr;
}

ATTUNE_DECL void FileWatch::drain() {
    const auto self = weak_from_this().lock();  // a listener that is told may be the last owner
    if (self == nullptr) {
        return;
    }
    std::vector<int> gone;
    alignas(inotify_event) std::array<char, 16384> buffer;
    // Bounded, so that a storm of events leaves the poller time for its other work.
    for (int reads = 0; reads < 16; ++reads) {
        const ssize_t size = ::read(fd_, buffer.data(), buffer.size());
        if (size <= 0) {
            break;
        }
        for (std::size_t at = 0; at < static_cast<std::size_t>(size);) {
            inotify_event event;
            std::memcpy(&event, buffer.data() + at, sizeof event);
            const std::string_view name =
                event.len != 0 ? buffer.data() + at + sizeof event : std::string_view();
            at += sizeof event + event.len;
            if ((event.mask & IN_Q_OVERFLOW) != 0) {
                for (auto& [id, interests] : watches_) {
                    mark(interests, {}, true);
                }
                continue;
            }
            Watch* const watch = find(event.wd);
            if (watch == nullptr) {
                continue;  // was on its way when the watch was given up
            }
            mark(watch->interests, name, (event.mask & ~watch_bytes) != 0);
            if ((event.mask & IN_IGNORED) != 0) {
                gone.push_back(event.wd);
            }
        }
    }
    while (tell_one()) {
    }
    for (const int id : gone) {
        erase(id);
    }
}

ATTUNE_DECL WatchTrail::WatchTrail(FileWatch& watch, std::shared_ptr<FileWatch::Listener> listener)
    : watch_(watch), listener_(std::move(listener)), before_(watch.take(*listener_)) {}

ATTUNE_DECL WatchTrail::~WatchTrail() { watch_.release(before_); }

ATTUNE_DECL std::optional<std::string> WatchTrail::follow(std::string base, std::string_view path) {
    std::vector<std::string> names;  // still to go, the next one last
    const auto go = [&](std::string_view way) {
        if (way.starts_with('/')) {
            base.clear();
        }
        while (!way.empty()) {
            const std::size_t slash = way.rfind('/');
            const std::size_t begin = slash == std::string_view::npos ? 0 : slash + 1;
            if (const auto name = way.substr(begin); !name.empty() && name != ".") {
                names.emplace_back(name);
            }
            way = way.substr(0, begin == 0 ? 0 : slash);
        }
    };

    if (base == "/") {
        base.clear();
    }
    go(path);
    constexpr int max_links = 40;  // as in Linux
    for (int links = 0; !names.empty();) {
        const std::string name = std::move(names.back());
        names.pop_back();
        if (name == "..") {
            base.erase(base.empty() ? 0 : base.rfind('/'));
            continue;
        }
        add(base.empty() ? "/" : base, watch_names, name);
        std::string place = base + '/' + name;
        struct stat status;
        if (::lstat(place.c_str(), &status) != 0) {
            return std::nullopt;
        }
        if (!S_ISLNK(status.st_mode)) {
            base = std::move(place);
            continue;
        }
        std::array<char, PATH_MAX> target;
        const ssize_t size = ::readlink(place.c_str(), target.data(), target.size());
        if (size <= 0 || ++links > max_links) {
            return std::nullopt;
        }
        go({target.data(), static_cast<std::size_t>(size)});
    }
    return base.empty() ? "/" : std::move(base);
}

ATTUNE_DECL bool WatchTrail::everything(const std::string& directory) {
    return add(directory, watch_names | watch_bytes, {});
}

ATTUNE_DECL void WatchTrail::bytes(const std::string& file) {
    add(file, watch_bytes | watch_self, {});
}

ATTUNE_DECL bool WatchTrail::add(const std::string& place, std::uint32_t mask,
                                 std::string_view name) {
    const Path key = Path{} / place / name;
    if (seen_.find(key) != nullptr) {
        return false;
    }
    seen_ = seen_.with(key, true);
    const int error = watch_.add(place, mask, listener_, name);
    // Gone or replaced since it was looked up, which the directory above tells.
    const bool raced = error == ENOENT || error == ENOTDIR || error == ELOOP;
    // An unreadable file has nothing to tell until its permissions change, which its directory
    // tells. Behind an unreadable directory anything may happen.
    const bool mute = error == EACCES && (mask & IN_ONLYDIR) == 0;
    complete_ = complete_ && (error == 0 || raced || mute);
    return true;
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

/// What a Follower follows: one file, or one directory. Immutable; used by several threads.
class Subject {
public:
    virtual ~Subject() = default;

    /// One reading, right or wrong.
    virtual Image read() const = 0;

    /// Makes a readable image into content; gives what is wrong with it instead.
    virtual std::vector<Problem> judge(const Image& image, Content& content) const = 0;

    /// Walks over everything the reading depends on.
    virtual void walk(WatchTrail& trail) const = 0;
};

/// Tells a feed about the changes of a subject, one delivery per save.
///
/// A first sign of change, from inotify or from a poll, opens a window. It closes once nothing has
/// happened for `quiet`, or `longest` after it opened. Then the subject is read twice. If both
/// readings agree and are good, they are delivered, unless the feed has just that. If not, a save
/// may be in progress: the window stays open until `longest`, and then the failure is reported,
/// unless it was the last thing reported.
///
/// Everything but `load`, `start` and `stop` happens on the poller's thread. The feed is only ever
/// called by the timer, which `stop` waits for; nothing is locked meanwhile.
class Follower final : public FileWatch::Listener, public std::enable_shared_from_this<Follower> {
public:
    struct Pace {
        Poller::Clock::duration poll;
        Poller::Clock::duration quiet;
        Poller::Clock::duration longest;
        bool watch;
    };

    /// `kind` and `source` are how people call it: a `file`, `service.json`.
    ATTUNE_DECL Follower(std::unique_ptr<const Subject> subject, std::string kind,
                         std::string source, Pace pace);

    std::string name() const { return kind_ + ' ' + source_; }

    ATTUNE_DECL Content load();
    ATTUNE_DECL void start(Feed& feed);
    ATTUNE_DECL void stop() noexcept;

    ATTUNE_DECL void touched(bool moved) override;

private:
    using Clock = Poller::Clock;
    using Lock = std::unique_lock<std::mutex>;
    using ImagePtr = std::shared_ptr<const Image>;

    /// The time between the first sign of a change and its judgement.
    struct Window {
        Clock::time_point closes;    // if nothing more happens
        Clock::time_point deadline;  // whatever happens
    };

    /// What a reading is worth, after a second one.
    struct Verdict {
        bool steady = false;  // the second one agrees
        Content content;
        std::vector<Problem> problems;
    };

    ATTUNE_DECL static Pace bounded(const Pace& pace) noexcept;
    ATTUNE_DECL Verdict judge(const Image& image) const;
    ATTUNE_DECL void walk();
    ATTUNE_DECL void wake();
    ATTUNE_DECL void look();
    ATTUNE_DECL void notice(Clock::time_point now);
    ATTUNE_DECL void set_timer(Clock::time_point now);
    ATTUNE_DECL void deliver(Lock& lock, ImagePtr image, Content content);
    ATTUNE_DECL void report(Lock& lock, std::vector<Problem> problems);

    const std::unique_ptr<const Subject> subject_;
    const std::string kind_;
    const std::string source_;
    const Pace pace_;

    std::shared_ptr<FileWatch> watch_;  // set by the first start; null: polling was asked for

    // Used on the poller's thread.
    bool walked_ = false;   // the trail is watched
    bool polling_ = false;  // changes are not, or not all, told by the trail

    // Guards what follows. Never held while reading, judging or calling the feed.
    std::mutex mutex_;
    Feed* feed_ = nullptr;  // null: not started
    Poller::Timer timer_;
    ImagePtr seen_;        // the last reading; null: none, or a doubtful one
    ImagePtr delivered_;   // what the feed has; null: not known
    std::string failure_;  // the one last told; empty: what was told last was good
    std::optional<Window> window_;
    std::uint64_t loads_ = 0;  // how often `load` has brought something
};

/// A transport around a follower of its own.
ATTUNE_DECL std::unique_ptr<Transport> follow(std::unique_ptr<const Subject> subject,
                                              std::string kind, std::string source,
                                              const Follower::Pace& pace);

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI::detail {

/// How often to poll where nothing else was asked for and the kernel does not tell.
inline constexpr Poller::Clock::duration default_poll = std::chrono::seconds{1};

/// Between two readings of something that changes.
inline constexpr Poller::Clock::duration shortest_pause = std::chrono::milliseconds{1};

/// Within a day, so that no sum of them overflows.
ATTUNE_DECL Follower::Pace Follower::bounded(const Pace& pace) noexcept {
    constexpr Clock::duration day = std::chrono::hours{24};
    constexpr Clock::duration none{0};
    const Clock::duration quiet = std::clamp(pace.quiet, none, day);
    return {std::clamp(pace.poll, none, day), quiet, std::clamp(pace.longest, quiet, day),
            pace.watch};
}

ATTUNE_DECL Follower::Follower(std::unique_ptr<const Subject> subject, std::string kind,
                               std::string source, Pace pace)
    : subject_(std::move(subject)),
      kind_(std::move(kind)),
      source_(std::move(source)),
      pace_(bounded(pace)) {}

ATTUNE_DECL Follower::Verdict Follower::judge(const Image& image) const {
    Verdict verdict;
    verdict.steady = identical(image, subject_->read());
    verdict.problems = image.problems;
    if (verdict.steady && verdict.problems.empty()) {
        verdict.problems = subject_->judge(image, verdict.content);
    } else if (verdict.problems.empty()) {
        verdict.problems.push_back(problem_at(source_, "changes while it is read"));
    }
    return verdict;
}

ATTUNE_DECL Content Follower::load() {
    const auto begin = Clock::now();
    for (;;) {
        auto image = std::make_shared<const Image>(subject_->read());
        Verdict verdict = judge(*image);
        const auto now = Clock::now();
        if (verdict.problems.empty()) {
            const Lock lock{mutex_};
            seen_ = image;
            delivered_ = std::move(image);
            failure_.clear();
            ++loads_;
            timer_.arm(now);  // what was followed meanwhile may be older, or newer
            return std::move(verdict.content);
        }
        const bool in_progress = !verdict.steady || image->younger_than(pace_.quiet);
        const auto left = begin + pace_.longest - now;
        if (!in_progress || left <= left.zero()) {
            throw Rejected({std::move(verdict.problems), name()});
        }
        const auto pause = std::max(pace_.quiet, shortest_pause);
        std::this_thread::sleep_for(std::min(left, pause));
    }
}

ATTUNE_DECL void Follower::start(Feed& feed) {
    if (!pace_.watch) {
        return;
    }
    Poller& poller = feed.poller();
    if (pace_.poll.count() == 0 && !watch_) {
        watch_ = poller.service<FileWatch>();
    }
    auto timer = poller.timer([weak = weak_from_this()] {
        if (const auto self = weak.lock()) {
            self->wake();
        }
    });
    const Lock lock{mutex_};
    feed_ = &feed;
    timer_ = std::move(timer);
    timer_.arm(Clock::now());
}

ATTUNE_DECL void Follower::stop() noexcept {
    Feed* feed = nullptr;
    Poller::Timer timer;
    {
        const Lock lock{mutex_};
        feed = std::exchange(feed_, nullptr);
        timer = std::move(timer_);
        window_.reset();
    }
    timer.reset();  // waits for a feed call, unless this is one
    if (feed == nullptr) {
        return;
    }
    try {
        feed->poller().post([self = shared_from_this()] {
            self->walked_ = false;
            if (self->watch_) {
                self->watch_->forget(*self);
            }
        });
    } catch (...) {  // out of memory: the watch goes on, and touches nothing
    }
}

ATTUNE_DECL void Follower::touched(bool moved) {
    Lock lock{mutex_};
    if (feed_ == nullptr) {
        return;
    }
    const auto now = Clock::now();
    notice(now);
    set_timer(now);
    lock.unlock();
    if (moved) {
        try {
            walk();
        } catch (...) {  // out of memory: poll, and try again then
            walked_ = false;
            polling_ = true;
        }
    }
}

ATTUNE_DECL void Follower::walk() {
    if (watch_ && watch_->usable()) {
        WatchTrail trail{*watch_, shared_from_this()};
        subject_->walk(trail);
        polling_ = !trail.complete();
    } else {
        polling_ = true;
    }
    walked_ = true;
}

ATTUNE_DECL void Follower::wake() {
    try {
        if (!walked_) {
            walk();
        }
        look();
    } catch (...) {  // out of memory, or thrown by the feed
        const Lock lock{mutex_};
        timer_.arm_after(default_poll);
    }
}

ATTUNE_DECL void Follower::look() {
    Lock lock{mutex_};
    if (feed_ == nullptr) {
        return;
    }
    const std::uint64_t loads = loads_;
    const auto overtaken = [&] {
        if (loads != loads_) {
            timer_.arm(Clock::now());
        }
        return feed_ == nullptr || loads != loads_;
    };

    lock.unlock();
    auto image = std::make_shared<const Image>(subject_->read());
    lock.lock();
    if (overtaken()) {
        return;
    }
    const auto now = Clock::now();
    if (!seen_ || !same(*image, *seen_)) {
        seen_ = image;
        if (polling_ || !window_) {
            notice(now);
        }
    }
    if (!window_ || now < window_->closes) {
        set_timer(now);
        return;
    }
    if (delivered_ && same(*image, *delivered_)) {
        window_.reset();
        seen_ = delivered_;
        set_timer(now);
        if (!std::exchange(failure_, {}).empty()) {
            Feed& feed = *feed_;
            lock.unlock();
            feed.unchanged();
        }
        return;
    }

    lock.unlock();
    Verdict verdict = judge(*image);
    lock.lock();
    if (overtaken()) {
        return;
    }
    if (verdict.problems.empty()) {
        deliver(lock, std::move(image), std::move(verdict.content));
    } else if (now < window_->deadline) {
        const auto again = now + std::max(pace_.quiet, shortest_pause);
        window_->closes = verdict.steady ? window_->deadline : std::min(again, window_->deadline);
        set_timer(now);
    } else {
        report(lock, std::move(verdict.problems));
    }
}

ATTUNE_DECL void Follower::notice(Clock::time_point now) {
    if (!window_) {
        window_ = Window{now, now + pace_.longest};
    }
    window_->closes = std::min(now + pace_.quiet, window_->deadline);
}

ATTUNE_DECL void Follower::set_timer(Clock::time_point now) {
    auto next = Clock::time_point::max();
    if (window_) {
        next = window_->closes;
    }
    if (polling_) {
        next = std::min(next, now + (pace_.poll.count() != 0 ? pace_.poll : default_poll));
    }
    if (next != Clock::time_point::max()) {
        timer_.arm(next);
    }
}

ATTUNE_DECL void Follower::deliver(Lock& lock, ImagePtr image, Content content) {
    window_.reset();
    seen_ = image;
    delivered_ = std::move(image);
    failure_.clear();
    const std::uint64_t loads = loads_;
    Feed& feed = *feed_;
    set_timer(Clock::now());
    lock.unlock();
    feed.content(std::move(content));
    lock.lock();
    if (loads != loads_) {
        // Nobody knows which of the two the feed took last: what is there now settles it.
        seen_ = nullptr;
        delivered_ = nullptr;
        timer_.arm(Clock::now());
    }
}

ATTUNE_DECL void Follower::report(Lock& lock, std::vector<Problem> problems) {
    window_.reset();
    set_timer(Clock::now());
    std::string failure = to_string(Rejection{problems, {}});
    if (failure == failure_) {
        return;
    }
    failure_ = std::move(failure);
    Feed& feed = *feed_;
    lock.unlock();
    feed.failed(std::move(problems));
}

class FollowerTransport final : public Transport {
public:
    explicit FollowerTransport(std::shared_ptr<Follower> follower)
        : follower_(std::move(follower)) {}
    FollowerTransport(const FollowerTransport&) = delete;
    FollowerTransport& operator=(const FollowerTransport&) = delete;
    ~FollowerTransport() override { follower_->stop(); }

    std::string name() const override { return follower_->name(); }
    Content load() override { return follower_->load(); }
    void start(Feed& feed) override { follower_->start(feed); }
    void stop() noexcept override { follower_->stop(); }

private:
    const std::shared_ptr<Follower> follower_;
};

ATTUNE_DECL std::unique_ptr<Transport> follow(std::unique_ptr<const Subject> subject,
                                              std::string kind, std::string source,
                                              const Follower::Pace& pace) {
    return std::unique_ptr<Transport>(new FollowerTransport(
        std::make_shared<Follower>(std::move(subject), std::move(kind), std::move(source), pace)));
}

}  // namespace attune::inline ATTUNE_ABI::detail

namespace attune::inline ATTUNE_ABI {

namespace detail {

/// Whether the bytes are UTF-8 without the character zero.
ATTUNE_DECL bool is_plain_text(std::string_view bytes) noexcept {
    const char* const end = bytes.data() + bytes.size();
    for (const char* at = bytes.data(); at != end;) {
        const std::size_t size = utf8_sequence(at, end);
        if (size == 0 || *at == '\0') {
            return false;
        }
        at += size;
    }
    return true;
}

/// The names in a folder that do not begin with a dot, sorted. `error` is an errno, or zero.
ATTUNE_DECL std::vector<std::string> visible_names(const std::string& folder, int& error) {
    std::vector<std::string> all;
    error = read_names(folder, all.max_size(), all);
    std::vector<std::string> names;
    for (std::string& name : all) {
        if (!name.starts_with('.')) {
            names.push_back(std::move(name));
        }
    }
    std::sort(names.begin(), names.end());
    return names;
}

/// A directory of values as something to follow.
class DirectorySubject final : public Subject {
public:
    DirectorySubject(const std::filesystem::path& path, const DirectoryOptions& options)
        : source_(path),
          path_(absolute_text(path)),
          optional_(options.optional),
          max_bytes_(options.max_bytes),
          max_files_(options.max_files) {}

    Image read() const override {
        Image image;
        struct stat status;
        if (::stat(path_.c_str(), &status) != 0) {
            const bool missing = errno == ENOENT || errno == ENOTDIR;
            if (!missing) {
                image.problems.push_back(problem_at(source_.string(), error_text(errno)));
            } else if (!optional_) {
                image.problems.push_back(not_found("directory", path_, source_.string()));
            }
        } else if (!S_ISDIR(status.st_mode)) {
            Problem problem = problem_at(source_.string(), {});
            problem.expected = "a directory";
            problem.found = "a file";
            image.problems.push_back(std::move(problem));
        } else {
            std::vector<Stamp> above;
            read_folder({}, Stamp(status), above, image);
        }
        return image;
    }

    std::vector<Problem> judge(const Image& image, Content& content) const override {
        struct Value {
            Path path;
            const Piece* piece;
        };
        std::vector<Value> values;
        std::vector<Problem> problems;
        for (const Piece& piece : image.pieces) {
            std::vector<std::string> tokens = split(piece.name);
            bool empty_part = false;
            for (const std::string& token : tokens) {
                empty_part = empty_part || token.empty();
            }
            if (empty_part || !is_plain_text(piece.name)) {
                const char* const fault =
                    empty_part ? "the name has nothing between two dots" : "the name is not UTF-8";
                problems.push_back(problem_at(shown(piece.name), fault));
            } else if (!is_plain_text(*piece.bytes)) {
                Problem problem = problem_at(shown(piece.name), {});
                problem.path = Path(std::move(tokens));
                problem.expected = "UTF-8 text";
                problem.found = "binary data";
                problems.push_back(std::move(problem));
            } else {
                values.push_back({Path(std::move(tokens)), &piece});
            }
        }

        std::sort(values.begin(), values.end(),
                  [](const Value& a, const Value& b) { return a.path < b.path; });
        // In this order whatever lies below a path comes right after it.
        for (std::size_t i = 1; i < values.size(); ++i) {
            const Value& value = values[i - 1];
            const Value& next = values[i];
            if (next.path.starts_with(value.path)) {
                const std::string relation =
                    next.path == value.path ? "also given by" : "is below the value given by";
                Problem problem = problem_at(shown(next.piece->name),
                                             relation + " \"" + shown(value.piece->name) + '"');
                problem.path = next.path;
                problems.push_back(std::move(problem));
            }
        }
        if (!problems.empty()) {
            return problems;
        }

        content.texts.reserve(values.size());
        for (const Value& value : values) {
            std::string_view bytes = *value.piece->bytes;
            if (bytes.ends_with('\n')) {
                bytes.remove_suffix(bytes.ends_with("\r\n") ? 2 : 1);
            }
            Text text;
            text.naming = Naming::path;
            text.name = to_string(value.path);
            text.value = bytes;
            text.origin.source = shown(value.piece->name);
            content.texts.push_back(std::move(text));
        }
        return {};
    }

    void walk(WatchTrail& trail) const override {
        if (const auto place = trail.follow({}, path_)) {
            walk_folder(*place, trail);
        }
    }

private:
    /// Levels are folders, and the parts of the last name.
    static std::vector<std::string> split(std::string_view name) {
        std::vector<std::string> tokens;
        for (;;) {
            const std::size_t slash = name.find('/');
            const std::size_t end = slash != std::string_view::npos ? slash : name.find('.');
            tokens.emplace_back(name.substr(0, end));
            if (end == std::string_view::npos) {
                return tokens;
            }
            name.remove_prefix(end + 1);
        }
    }

    /// How people call a file below.
    std::string shown(const std::string& name) const { return (source_ / name).string(); }

    /// `name` is empty for the directory itself; `above` are the folders it lies in. False when
    /// there are too many files.
    bool read_folder(const std::string& name, const Stamp& stamp, std::vector<Stamp>& above,
                     Image& image) const {
        const std::string folder = name.empty() ? path_ : path_ + '/' + name;
        const auto refuse = [&](const std::string& what, std::string message) {
            image.problems.push_back(problem_at(what, std::move(message)));
        };
        image.stamps.push_back(stamp);
        int error = 0;
        const auto entries = visible_names(folder, error);
        if (error != 0) {
            refuse(name.empty() ? source_.string() : shown(name), error_text(error));
            return true;
        }
        above.push_back(stamp);
        for (const std::string& entry : entries) {
            const std::string below = name.empty() ? entry : name + '/' + entry;
            const std::string place = folder + '/' + entry;
            struct stat status;
            if (::stat(place.c_str(), &status) != 0) {
                refuse(shown(below),
                       errno == ENOENT ? "a symbolic link that leads nowhere" : error_text(errno));
            } else if (S_ISDIR(status.st_mode)) {
                const Stamp inner(status);
                bool circle = false;
                for (const Stamp& outer : above) {
                    circle = circle || (outer.device == inner.device && outer.inode == inner.inode);
                }
                if (circle) {
                    refuse(shown(below), "a symbolic link to a folder it lies in");
                } else if (!read_folder(below, inner, above, image)) {
                    return false;
                }
            } else if (S_ISREG(status.st_mode)) {
                if (image.pieces.size() == max_files_) {
                    refuse(source_.string(),
                           "more files than the limit of " + std::to_string(max_files_));
                    return false;
                }
                if (!read_piece(place, below, shown(below), max_bytes_, image)) {
                    refuse(shown(below), "gone while the directory is read");
                }
            }
        }
        above.pop_back();
        return true;
    }

    static void walk_folder(const std::string& folder, WatchTrail& trail) {
        if (!trail.everything(folder)) {
            return;
        }
        int error = 0;
        for (const std::string& entry : visible_names(folder, error)) {
            const std::string place = folder + '/' + entry;
            struct stat status;
            if (::lstat(place.c_str(), &status) != 0) {
                continue;
            }
            if (S_ISDIR(status.st_mode)) {
                walk_folder(place, trail);
            } else if (S_ISLNK(status.st_mode)) {
                const auto target = trail.follow(folder, entry);
                if (target && ::stat(target->c_str(), &status) == 0) {
                    if (S_ISDIR(status.st_mode)) {
                        walk_folder(*target, trail);
                    } else {
                        trail.bytes(*target);
                    }
                }
            }
        }
    }

    const std::filesystem::path source_;
    const std::string path_;
    const bool optional_;
    const std::size_t max_bytes_;
    const std::size_t max_files_;
};

}  // namespace detail

ATTUNE_DECL std::unique_ptr<Transport> directory(std::filesystem::path path,
                                                 DirectoryOptions options) {
    std::unique_ptr<const detail::Subject> subject(new detail::DirectorySubject(path, options));
    return detail::follow(std::move(subject), "directory", path.string(),
                          {options.poll, options.quiet, options.longest, options.watch});
}

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI {

struct EnvOptions {
    /// A variable without a value counts as absent.
    bool empty_is_unset = true;
    /// `NAME=value` strings up to a null pointer, as main and environ have them, to be read in
    /// place of the environment. They must stay valid as long as the transport does.
    const char* const* variables = nullptr;
};

/// The environment variables whose names begin with `prefix`.
///
/// What follows the prefix is matched against the bound structs: with the prefix `SERVICE_`, the
/// variable `SERVICE_SERVER_POOL_SIZE` sets `server.pool.size`, or `server.pool_size`, whichever
/// is there. The values are text, decoded by the types they are bound to; lists, maps and structs
/// are written as JSON.
///
/// Read when the layer is added, and again by Layer::reload. As getenv, reading must not overlap
/// with a change of the environment by another thread.
[[nodiscard]] ATTUNE_DECL std::unique_ptr<Transport> env(std::string prefix,
                                                         EnvOptions options = {});

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI {

namespace detail {

class EnvTransport final : public Transport {
public:
    EnvTransport(std::string prefix, EnvOptions options)
        : prefix_(std::move(prefix)), options_(options) {}

    std::string name() const override { return "environment " + prefix_ + "*"; }

    Content load() override {
        Content content;
        content.variable_prefix = prefix_;
        const char* const* variable = options_.variables != nullptr ? options_.variables : environ;
        Document seen;  // an object with the names
        for (; variable != nullptr && *variable != nullptr; ++variable) {
            const std::string_view entry = *variable;
            const std::string_view name = entry.substr(0, entry.find('='));
            // An entry without `=` is no variable. Of two with one name, getenv sees the first.
            if (name.size() == entry.size() || name.size() == prefix_.size() ||
                !name.starts_with(prefix_) || seen.find(name) != nullptr) {
                continue;
            }
            seen = seen.with(Path{} / name, true);
            const std::string_view value = entry.substr(name.size() + 1);
            if (value.empty() && options_.empty_is_unset) {
                continue;
            }
            Text text;
            text.naming = Naming::variable;
            text.name = name.substr(prefix_.size());
            text.value = value;
            text.origin.source = "environment variable " + std::string(name);
            text.prefix = prefix_;
            content.texts.push_back(std::move(text));
        }
        return content;
    }

private:
    const std::string prefix_;
    const EnvOptions options_;
};

}  // namespace detail

ATTUNE_DECL std::unique_ptr<Transport> env(std::string prefix, EnvOptions options) {
    return std::unique_ptr<Transport>(new detail::EnvTransport(std::move(prefix), options));
}

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI {

struct FileOptions {
    /// A missing file is an empty document instead of a problem.
    bool optional = false;
    /// Above zero: read the file this often and compare, instead of asking the kernel. For network
    /// mounts, where changes made elsewhere are not told.
    std::chrono::milliseconds poll{0};
    /// A save is over when nothing has happened for this long.
    std::chrono::milliseconds quiet{50};
    /// Whatever is there this long after the first sign of a change is judged, quiet or not. What
    /// could be a save in progress (no file, an empty one, half a text) is given this long too.
    std::chrono::milliseconds longest{1000};
    /// Allow comments and trailing commas. By default only where the name ends in `.jsonc`.
    std::optional<bool> comments = std::nullopt;
    Duplicates duplicates = Duplicates::refuse;
    std::size_t max_depth = 128;
    std::size_t max_bytes = std::size_t{64} << 20;
    /// False: read once, and again only by Layer::reload.
    bool watch = true;
};

/// A JSON file and its changes.
///
/// A relative path is taken from the working directory of this call. Each save is delivered once,
/// after `quiet`, whichever way it is made: in place, by renaming, by turning a symbolic link
/// anywhere on the path. A save that leaves the same bytes is not delivered. When the file cannot
/// be read or parsed, the last good document stays and the problem is reported once; when an
/// optional file disappears, its layer empties.
///
/// Changes are told by inotify on every directory the path leads through, one instance per store.
/// Where that is impossible (no kernel support, limits, an unreadable directory on the way, or
/// ATTUNE_NO_INOTIFY defined) the file is polled once a second.
///
/// Memory: the text of the last good document is kept, to compare and to find positions.
[[nodiscard]] ATTUNE_DECL std::unique_ptr<Transport> file(std::filesystem::path path,
                                                          FileOptions options = {});

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI {

namespace detail {

/// A JSON file as something to follow.
class FileSubject final : public Subject {
public:
    FileSubject(const std::filesystem::path& path, const FileOptions& options)
        : source_(path.string()),
          path_(absolute_text(path)),
          optional_(options.optional),
          parsing_{.name = source_,
                   .comments = options.comments.value_or(path.extension() == ".jsonc"),
                   .duplicates = options.duplicates,
                   .max_depth = options.max_depth,
                   .max_bytes = options.max_bytes} {}

    Image read() const override {
        Image image;
        if (!read_piece(path_, {}, source_, parsing_.max_bytes, image) && !optional_) {
            image.problems.push_back(not_found("file", path_, source_));
        }
        return image;
    }

    std::vector<Problem> judge(const Image& image, Content& content) const override {
        if (image.pieces.empty()) {
            return {};
        }
        const std::shared_ptr<const std::string>& text = image.pieces.front().bytes;
        try {
            content.document = parse(*text, parsing_);
            content.source = std::shared_ptr<const Source>(new TextSource(text, parsing_));
            return {};
        } catch (const ParseError& error) {
            Problem problem = problem_at(source_, error.message());
            problem.origin.line = error.line();
            problem.origin.column = error.column();
            return {std::move(problem)};
        }
    }

    void walk(WatchTrail& trail) const override {
        if (const auto place = trail.follow({}, path_)) {
            trail.bytes(*place);
        }
    }

private:
    const std::string source_;
    const std::string path_;
    const bool optional_;
    const ParseOptions parsing_;
};

}  // namespace detail

ATTUNE_DECL std::unique_ptr<Transport> file(std::filesystem::path path, FileOptions options) {
    std::unique_ptr<const detail::Subject> subject(new detail::FileSubject(path, options));
    return detail::follow(std::move(subject), "file", path.string(),
                          {options.poll, options.quiet, options.longest, options.watch});
}

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI {

struct MemoryOptions {
    std::string name = "memory";  ///< for people, in errors and status
};

/// A document of the program itself: defaults, or what a test needs. Layer::set replaces it, whole
/// or in part; Layer::reload returns to the document given here.
[[nodiscard]] ATTUNE_DECL std::unique_ptr<Transport> memory(Document document = {},
                                                            MemoryOptions options = {});

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI {

namespace detail {

class MemoryTransport final : public Transport {
public:
    MemoryTransport(Document document, MemoryOptions options)
        : document_(std::move(document)), name_(std::move(options.name)) {}

    std::string name() const override { return name_; }
    bool writable() const noexcept override { return true; }

    Content load() override {
        Content content;
        content.document = document_;
        return content;
    }

private:
    const Document document_;
    const std::string name_;
};

}  // namespace detail

ATTUNE_DECL std::unique_ptr<Transport> memory(Document document, MemoryOptions options) {
    return std::unique_ptr<Transport>(new detail::MemoryTransport(std::move(document),
                                                                  std::move(options)));
}

}  // namespace attune::inline ATTUNE_ABI
