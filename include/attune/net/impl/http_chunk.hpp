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

}  // namespace attune::inline ATTUNE_ABI::net::detail
