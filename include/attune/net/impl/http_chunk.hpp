#pragma once

#include <attune/version.hpp>

#include <cstddef>

#include <boost/beast/http/basic_parser.hpp>

namespace attune::inline ATTUNE_ABI::net::detail {

/// Are these too few bytes for what is left of a chunked message, so that the parser should wait?
/// No such message ends with fewer than `0 CR LF CR LF`, and Beast before Boost 1.86 asserts that
/// it is not given fewer: https://github.com/boostorg/beast/pull/2861.
template <bool is_request>
bool waits_for_chunk(const boost::beast::http::basic_parser<is_request>& parser,
                     std::size_t bytes) {
    return bytes < 5 && parser.is_header_done() && parser.chunked();
}

/// What a parser did with the bytes that it was given last.
struct HttpParserStep {
    bool in_head = false;      ///< the head was not done before
    std::size_t used = 0;      ///< bytes it took
    std::size_t body = 0;      ///< of these, those of the body
    std::size_t awaiting = 0;  ///< bytes it left, which need more behind them to mean something
};

/// How long what is not body has become, as parsers see it that take the line before a chunk, and
/// the trailers after the last one, in one step each. Beast's own limits are for the head, and for
/// what it has not used yet; this is the same however the bytes are cut.
class HttpFramingLength {
public:
    /// Is the head, or the line or the trailers at hand, longer than `limit`?
    bool exceeds(std::size_t limit, const HttpParserStep& step) noexcept {
        used_ = step.in_head ? used_ + step.used : step.used - step.body;
        return used_ + step.awaiting > limit;
    }

private:
    std::size_t used_ = 0;
};

}  // namespace attune::inline ATTUNE_ABI::net::detail
