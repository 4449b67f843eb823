#pragma once

#include <attune/net/http_message.hpp>
#include <attune/version.hpp>

#include <cstddef>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>

namespace attune::inline ATTUNE_ABI::net::detail {

/// How a response's body is told from what follows.
enum class HttpFraming : unsigned char { length, chunked, close, none };

/// What the server adds to a response.
struct HttpHeadExtras {
    std::string_view server = {};  ///< empty: no field
    std::string_view date = {};    ///< empty: no field
    std::string_view connection = {};
    HttpFraming framing = HttpFraming::length;
    std::size_t length = 0;
};

/// Appends the status line and the fields of a response, up to the empty line.
ATTUNE_DECL void append_head(std::string& out, const HttpResponse& response,
                             const HttpHeadExtras& extras);

/// May a response of that status have a body?
inline bool status_has_body(unsigned status) noexcept {
    return status >= 200 && status != 204 && status != 304;
}

/// A time as a field `Date` says it (RFC 9110, 5.6.7).
ATTUNE_DECL std::string http_date(std::time_t second);

/// The time of day as a field `Date` says it, made once a second.
class HttpDate {
public:
    ATTUNE_DECL std::string_view now();

private:
    std::time_t second_ = 0;
    std::string text_;
};

/// A response of the server's own, as Problem Details (RFC 9457). `detail` is plain ASCII without
/// quotation marks.
ATTUNE_DECL HttpResponse problem_response(unsigned status, std::string_view detail);

}  // namespace attune::inline ATTUNE_ABI::net::detail

#if ATTUNE_HEADER_ONLY
#include <attune/net/impl/http_head.ipp>
#endif
