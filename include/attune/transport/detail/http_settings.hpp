#pragma once

#include <attune/bind/problem.hpp>
#include <attune/document/parse.hpp>
#include <attune/document/path.hpp>
#include <attune/net/http_client.hpp>
#include <attune/net/url.hpp>
#include <attune/transport/http_options.hpp>
#include <attune/version.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

/// One URL of a layer, and what it says when it is that of a ConfigServer.
struct HttpPlace {
    net::Url url;
    std::string text;                   ///< for people
    std::optional<net::Url> base = {};  ///< the server's, where the path has `/v1/config`
    Path below = {};                    ///< what comes after that
    bool several = false;               ///< `?path=/a&path=/b`: no document to write to
};

/// What the server said of a document when it was read last.
struct HttpMark {
    std::string etag = {};  ///< as sent, quotes included
    std::string last_modified = {};
    std::string instance = {};  ///< of a ConfigServer: its store's versions grow within one
    std::optional<std::uint64_t> version = {};

    /// What to call the version: its number, or else whatever there is.
    ATTUNE_DECL std::string revision() const;
};

/// What a layer was told, made ready. Immutable.
class HttpSettings {
public:
    /// Throws Rejected.
    ATTUNE_DECL HttpSettings(const std::vector<std::string>& urls, HttpOptions options);

    const HttpOptions& options() const noexcept { return options_; }
    const std::vector<HttpPlace>& places() const noexcept { return places_; }
    const std::string& name() const noexcept { return name_; }
    /// Random; what the client calls itself in reports.
    const std::string& client_id() const noexcept { return client_id_; }
    const std::string& client_name() const noexcept { return options_.client_name; }

    ATTUNE_DECL net::HttpClientOptions client() const;

    /// How a text from there is read, `name` included.
    ATTUNE_DECL ParseOptions parsing(const HttpPlace& place) const;

    /// A request with what goes into all of them.
    ATTUNE_DECL net::ClientRequest request(std::string method, const net::Url& url) const;
    /// For the document; for what has come after `seen`, if there is one, and to be held until
    /// there is if it `waits`.
    ATTUNE_DECL net::ClientRequest get(const HttpPlace& place, const HttpMark* seen,
                                       bool waits) const;

    /// A problem with `place`, without what is secret.
    ATTUNE_DECL Problem problem(const HttpPlace& place, std::string message) const;
    /// `text` from a server: on one line, not too long, and without what is secret.
    ATTUNE_DECL std::string cleaned(std::string_view text) const;

private:
    HttpOptions options_;
    std::vector<HttpPlace> places_;
    std::optional<net::Url> proxy_;
    std::string name_;
    std::string client_id_;
    std::vector<std::string> secrets_;
};

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/transport/impl/http_settings.ipp>
#endif
