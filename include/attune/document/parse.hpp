#pragma once

#include <attune/document/document.hpp>
#include <attune/document/path.hpp>
#include <attune/version.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

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

#if ATTUNE_HEADER_ONLY
#include <attune/document/impl/parse.ipp>
#endif
