#pragma once

#include <attune/version.hpp>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace attune::inline ATTUNE_ABI::net {

/// An absolute http or https URL (RFC 3986), taken apart. The fragment is left out.
struct Url {
    bool tls = false;
    std::string host;  ///< lower case; an IPv6 address without its brackets
    std::uint16_t port = 80;
    std::string path = "/";        ///< percent-encoded, never empty
    std::string query = {};        ///< percent-encoded, with its `?`, or empty
    std::string credentials = {};  ///< `user:password`, decoded, or empty; secret

    /// `/v1/config?path=/a`, as a request line has it.
    std::string target() const { return path + query; }
    /// `example.org:8080`, without the port where it is the usual one; as `Host` has it.
    ATTUNE_DECL std::string authority() const;
    /// `http://example.org:8080`
    std::string origin() const { return (tls ? "https://" : "http://") + authority(); }
    /// For people: without the credentials, and with `?...` for the query, which may hold a token.
    std::string text() const { return origin() + path + (query.empty() ? "" : "?..."); }

    friend bool operator==(const Url&, const Url&) = default;
};

/// The text is no URL that a client could use. The message holds no credentials.
class UrlError : public std::invalid_argument {
public:
    using std::invalid_argument::invalid_argument;
};

/// Throws UrlError.
ATTUNE_DECL Url parse_url(std::string_view text);

/// What `reference`, absolute or relative, means at `base` (RFC 3986, section 5): the field
/// `Location`, say. It inherits no credentials. Throws UrlError.
ATTUNE_DECL Url resolve(const Url& base, std::string_view reference);

/// Scheme, host and port agree.
inline bool same_origin(const Url& a, const Url& b) noexcept {
    return a.tls == b.tls && a.port == b.port && a.host == b.host;
}

}  // namespace attune::inline ATTUNE_ABI::net

#if ATTUNE_HEADER_ONLY
#include <attune/net/impl/url.ipp>
#endif
