#pragma once

#include <attune/net/http_client.hpp>
#include <attune/net/http_message.hpp>
#include <attune/net/impl/http_chunk.hpp>
#include <attune/version.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include <boost/beast/http/basic_parser.hpp>

namespace attune::inline ATTUNE_ABI::net::detail {

/// How much a server may say.
struct HttpResponseLimits {
    std::size_t header = 0;  ///< of the head, of a line before a chunk, of the trailers
    std::size_t body = 0;
};

/// Reads one response, which may be an interim one, from bytes as they come. Beast does the
/// grammar; where it would let a proxy and this client see different ends of a response, so that
/// one server could answer for another, it is refused here. Trailers are passed over.
class HttpResponseParser final : private boost::beast::http::basic_parser<false> {
public:
    /// `bodiless`: it answers HEAD or CONNECT, and ends with its head.
    ATTUNE_DECL HttpResponseParser(HttpResponseLimits limits, bool bodiless);
    HttpResponseParser(const HttpResponseParser&) = delete;
    HttpResponseParser& operator=(const HttpResponseParser&) = delete;
    ~HttpResponseParser() override = default;

    /// How many of the bytes were used. The rest, if neither `done` nor failed, comes again with
    /// more behind it.
    ATTUNE_DECL std::size_t feed(std::string_view bytes);
    /// No more will come: is that the end of the response? Not before the first byte.
    ATTUNE_DECL bool end();

    /// What is wrong; the message goes on from the name of a place.
    const std::optional<HttpError>& error() const noexcept { return error_; }
    bool head_done() const noexcept { return is_header_done(); }
    bool done() const noexcept { return is_done(); }
    HttpResponse& response() noexcept { return response_; }
    const HttpResponse& response() const noexcept { return response_; }

    // Once the head is done:

    bool keep_alive() const { return basic_parser::keep_alive(); }
    /// Of the body, if the head says so.
    ATTUNE_DECL std::optional<std::uint64_t> length() const;

private:
    using Field = boost::beast::http::field;
    using Text = boost::beast::string_view;
    using Error = boost::beast::error_code;

    ATTUNE_DECL void on_request_impl(boost::beast::http::verb verb, Text method, Text target,
                                     int version, Error& error) override;
    ATTUNE_DECL void on_response_impl(int code, Text reason, int version, Error& error) override;
    ATTUNE_DECL void on_field_impl(Field field, Text name, Text value, Error& error) override;
    ATTUNE_DECL void on_header_impl(Error& error) override;
    ATTUNE_DECL void on_body_init_impl(const boost::optional<std::uint64_t>& length,
                                       Error& error) override;
    ATTUNE_DECL std::size_t on_body_impl(Text body, Error& error) override;
    ATTUNE_DECL void on_chunk_header_impl(std::uint64_t size, Text extensions,
                                          Error& error) override;
    ATTUNE_DECL std::size_t on_chunk_body_impl(std::uint64_t remain, Text body,
                                               Error& error) override;
    ATTUNE_DECL void on_finish_impl(Error& error) override;

    ATTUNE_DECL void fail_for(const Error& error);

    const HttpResponseLimits limits_;
    HttpResponse response_;
    std::optional<HttpError> error_;
    HttpFramingLength framing_;
    std::uint64_t chunk_ = 0;  ///< bytes to come of the chunk at hand
    int version_ = 11;
    bool in_head_ = true;
};

}  // namespace attune::inline ATTUNE_ABI::net::detail

#if ATTUNE_HEADER_ONLY
#include <attune/net/impl/http_response_parser.ipp>
#endif
