#pragma once

#include <attune/net/impl/http_dialogue.hpp>
#include <attune/net/impl/http_link.hpp>
#include <attune/net/impl/http_response_parser.hpp>

#include <limits>
#include <string>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>

namespace attune::inline ATTUNE_ABI::net::detail {

ATTUNE_DECL HttpResponseParser::HttpResponseParser(HttpResponseLimits limits, bool bodiless)
    : limits_(limits) {
    header_limit(std::numeric_limits<std::uint32_t>::max());
    body_limit(limits.body);
    skip(bodiless);
}

ATTUNE_DECL std::size_t HttpResponseParser::feed(std::string_view bytes) {
    std::size_t used = 0;
    while (!error_ && !is_done()) {
        const std::string_view rest = bytes.substr(used);
        if (rest.empty() || (chunk_ == 0 && waits_for_chunk(*this, rest.size()))) {
            break;
        }
        const bool was_head = !is_header_done();
        const std::size_t body = response_.body.size();
        Error error;
        const std::size_t step = put(boost::asio::buffer(rest), error);
        used += step;
        const bool needs_more = error == boost::beast::http::error::need_more;
        const bool too_long =
            framing_.exceeds(limits_.header, {.in_head = was_head,
                                              .used = step,
                                              .body = response_.body.size() - body,
                                              .awaiting = needs_more ? rest.size() - step : 0});
        if (error && !needs_more) {
            fail_for(error);
        } else if (too_long) {
            error_ = HttpError{HttpFault::too_large,
                               std::string(was_head ? " answered with a header of more than "
                                                    : " answered with a line before a chunk, or "
                                                      "trailers, of more than ") +
                                   size_text(limits_.header)};
        }
        if (needs_more) {
            break;
        }
    }
    return used;
}

ATTUNE_DECL bool HttpResponseParser::end() {
    if (error_ || !got_some()) {
        return false;
    }
    Error error;
    put_eof(error);
    return !error && is_done();
}

ATTUNE_DECL std::optional<std::uint64_t> HttpResponseParser::length() const {
    const auto length = content_length();
    return length ? std::optional{*length} : std::nullopt;
}

ATTUNE_DECL void HttpResponseParser::fail_for(const Error& error) {
    namespace http = boost::beast::http;
    if (error == http::error::body_limit) {
        error_ =
            HttpError{HttpFault::too_large, " answered with more than " + size_text(limits_.body)};
    } else {
        error_ =
            HttpError{HttpFault::malformed, " answered with what is not HTTP (" +
                                                error_sentence(error) + "); is it a web server?"};
    }
}

ATTUNE_DECL void HttpResponseParser::on_request_impl(boost::beast::http::verb /*verb*/,
                                                     Text /*method*/, Text /*target*/,
                                                     int /*version*/, Error& /*error*/) {}

ATTUNE_DECL void HttpResponseParser::on_response_impl(int code, Text /*reason*/, int version,
                                                      Error& /*error*/) {
    response_.status = static_cast<unsigned>(code);
    version_ = version;
}

ATTUNE_DECL void HttpResponseParser::on_field_impl(Field field, Text name, Text value,
                                                   Error& error) {
    if (!in_head_) {
        return;
    }
    const std::string_view text{value.data(), value.size()};
    if (field == Field::transfer_encoding && (version_ == 10 || !same_token(text, "chunked"))) {
        error = boost::beast::http::error::bad_transfer_encoding;
        return;
    }
    response_.fields.add(std::string{name.data(), name.size()}, std::string{text});
}

ATTUNE_DECL void HttpResponseParser::on_header_impl(Error& /*error*/) { in_head_ = false; }

ATTUNE_DECL void HttpResponseParser::on_body_init_impl(
    const boost::optional<std::uint64_t>& /*length*/, Error& /*error*/) {}

// Memory follows the bytes that have come, not those that were promised.
ATTUNE_DECL std::size_t HttpResponseParser::on_body_impl(Text body, Error& /*error*/) {
    response_.body.append(body.data(), body.size());
    return body.size();
}

ATTUNE_DECL void HttpResponseParser::on_chunk_header_impl(std::uint64_t size, Text /*extensions*/,
                                                          Error& /*error*/) {
    chunk_ = size;
}

ATTUNE_DECL std::size_t HttpResponseParser::on_chunk_body_impl(std::uint64_t remain, Text body,
                                                               Error& /*error*/) {
    response_.body.append(body.data(), body.size());
    chunk_ = remain - body.size();
    return body.size();
}

ATTUNE_DECL void HttpResponseParser::on_finish_impl(Error& /*error*/) {}

}  // namespace attune::inline ATTUNE_ABI::net::detail
