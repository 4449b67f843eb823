#pragma once

#include <attune/net/http_message.hpp>
#include <attune/net/http_server.hpp>
#include <attune/net/impl/http_chunk.hpp>
#include <attune/version.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <boost/beast/http/basic_parser.hpp>

namespace attune::inline ATTUNE_ABI::net::detail {

/// Why a request is not given to the handler. `detail` goes to the client.
struct HttpRefusal {
    unsigned status = 400;
    std::string detail;
};

/// Reads one request from bytes as they come. Beast does the grammar; what it leaves open, or
/// tolerates, and what two servers in a row could read in two ways, is refused here.
class HttpRequestParser final : private boost::beast::http::basic_parser<true> {
public:
    /// `spare` gives its memory to the request.
    ATTUNE_DECL HttpRequestParser(const HttpLimits& limits, HttpRequest spare);
    HttpRequestParser(const HttpRequestParser&) = delete;
    HttpRequestParser& operator=(const HttpRequestParser&) = delete;
    ~HttpRequestParser() override = default;

    /// How many of the bytes were used. The rest, if neither `done` nor refused, comes again with
    /// more behind it.
    ATTUNE_DECL std::size_t feed(std::string_view bytes);

    const std::optional<HttpRefusal>& refusal() const noexcept { return refusal_; }
    bool head_done() const noexcept { return is_header_done(); }
    bool done() const noexcept { return is_done(); }

    // Once the head is done:

    bool keep_alive() const { return basic_parser::keep_alive(); }
    bool http_1_0() const noexcept { return version_ == 10; }
    bool expects_continue() const noexcept { return expects_continue_; }

    HttpRequest& request() noexcept { return request_; }

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

    /// Leaves a reason, and makes Beast stop.
    ATTUNE_DECL void refuse(unsigned status, std::string_view detail, Error& error);
    ATTUNE_DECL void refuse_for(const Error& error, std::string_view rest);

    const HttpLimits& limits_;
    HttpRequest request_;
    std::optional<HttpRefusal> refusal_;
    HttpFramingLength framing_;
    int version_ = 11;
    unsigned hosts_ = 0;
    unsigned lengths_ = 0;
    bool in_head_ = true;
    bool expects_continue_ = false;
};

}  // namespace attune::inline ATTUNE_ABI::net::detail

#if ATTUNE_HEADER_ONLY
#include <attune/net/impl/http_request_parser.ipp>
#endif
