#pragma once

#include <attune/net/http_client.hpp>
#include <attune/store/transport.hpp>
#include <attune/transport/detail/http_settings.hpp>
#include <attune/version.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

/// What an answer to HttpSettings::get says.
struct HttpReading {
    enum class Kind : std::uint8_t {
        document,
        absent,      ///< there is none: 404
        unchanged,   ///< 304
        denied,      ///< 401, 403, 407
        unreadable,  ///< a 200 with something else, or too much
        failed,
    };

    Kind kind = Kind::failed;
    Content content = {};
    HttpMark mark = {};
    std::vector<Problem> problems = {};  ///< for `denied`, `unreadable`, `failed`, `absent`
    /// Not zero: the server holds requests, and may have held this one, for so long.
    std::chrono::seconds holds{0};
    std::optional<std::chrono::seconds> retry_after = {};
    /// A ConfigServer does not know what this client runs.
    bool asks_report = false;
};

/// `conditional`: the request said what has been seen.
ATTUNE_DECL HttpReading read_http(const HttpSettings& settings, const HttpPlace& place,
                                  net::ClientResult result, bool conditional);

/// Is `now` older than `before`? Versions of different instances do not compare.
ATTUNE_DECL bool older(const HttpMark& now, const HttpMark& before) noexcept;

/// The problems in a Problem Details document (RFC 9457), with paths as they are in the document of
/// `place`; empty when the body is something else.
ATTUNE_DECL std::vector<Problem> read_problem_details(const HttpSettings& settings,
                                                      const HttpPlace& place,
                                                      const net::HttpResponse& response);

/// `answered 503 Service Unavailable`, and what the server says of it in Problem Details.
ATTUNE_DECL std::string http_status_text(const HttpSettings& settings,
                                         const net::HttpResponse& response);

/// The error, for a problem whose origin is `place`.
ATTUNE_DECL std::string http_error_text(const HttpPlace& place, const net::HttpError& error);

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/transport/impl/http_reading.ipp>
#endif
