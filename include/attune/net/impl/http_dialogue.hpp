#pragma once

#include <attune/net/http_client.hpp>
#include <attune/net/impl/http_link.hpp>
#include <attune/version.hpp>

#include <cstddef>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>

namespace attune::inline ATTUNE_ABI::net::detail {

/// One request as it goes out, and how its response is to be read.
struct HttpDialogue {
    std::string place;  ///< for errors: the URL as people may see it
    std::string head;   ///< line and fields, with the empty line
    const std::string& body;
    bool bodiless = false;  ///< to HEAD and CONNECT: the response has a header only
    std::size_t max_header = 0;
    std::size_t max_body = 0;
    HttpTimeouts timeouts = {};

    HttpResponse response = {};
    bool keep = false;  ///< the connection may serve another request
};

/// Sends the request and reads the response. An error is HttpFault::lost as long as no byte of a
/// response has come.
ATTUNE_DECL boost::asio::awaitable<std::optional<HttpError>> converse(HttpLink& link,
                                                                      HttpDialogue& dialogue);

/// The line and the fields of a request, with what `request` leaves to the client. What is wrong
/// with it instead when it cannot be sent. To a proxy, `whole` names the URL as a whole.
ATTUNE_DECL std::optional<HttpError> request_head(const ClientRequest& request, bool whole,
                                                  const std::string& proxy_credentials,
                                                  std::string& head);

/// Does a request say how long its body is, be it empty?
ATTUNE_DECL bool sends_body(const ClientRequest& request) noexcept;

/// `Basic` and the credentials in Base64 (RFC 7617).
ATTUNE_DECL std::string basic_authorization(const std::string& credentials);

/// `64 MiB`, `1000 bytes`
ATTUNE_DECL std::string size_text(std::size_t bytes);

}  // namespace attune::inline ATTUNE_ABI::net::detail

#if ATTUNE_HEADER_ONLY
#include <attune/net/impl/http_dialogue.ipp>
#endif
