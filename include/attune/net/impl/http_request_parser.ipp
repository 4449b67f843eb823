#pragma once

#include <attune/net/impl/http_request_parser.hpp>

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>

namespace attune::inline ATTUNE_ABI::net::detail {

/// Beast would join the two lines. A server in front of this one may not.
inline bool has_folded_line(std::string_view head) noexcept {
    for (std::size_t at = 0; (at = head.find('\n', at)) != head.npos;) {
        ++at;
        if (at < head.size() && (head[at] == ' ' || head[at] == '\t')) {
            return true;
        }
    }
    return false;
}

/// Is the request line in order, but for a version that is not ours?
inline bool asks_for_other_version(std::string_view bytes) noexcept {
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    const std::string_view line = bytes.substr(0, bytes.find("\r\n"));
    const std::size_t at = line.rfind(' ');
    const std::string_view version = at == line.npos ? line : line.substr(at + 1);
    return line.size() < bytes.size() && std::count(line.begin(), line.end(), ' ') == 2 &&
           version.size() == 8 && version.starts_with("HTTP/") && is_digit(version[5]) &&
           version[6] == '.' && is_digit(version[7]);
}

ATTUNE_DECL HttpRequestParser::HttpRequestParser(const HttpLimits& limits, HttpRequest spare)
    : limits_(limits), request_(std::move(spare)) {
    request_.method.clear();
    request_.target.clear();
    request_.fields.clear();
    request_.body.clear();
    // Beast's own limit is for what has not been used yet; ours, below, is for the whole.
    header_limit(std::numeric_limits<std::uint32_t>::max());
    body_limit(limits.body);
}

ATTUNE_DECL std::size_t HttpRequestParser::feed(std::string_view bytes) {
    std::size_t used = 0;
    while (!refusal_ && !is_done()) {
        const std::string_view rest = bytes.substr(used);
        if ((rest.empty() && got_some()) || waits_for_chunk(*this, rest.size())) {
            break;
        }
        const bool was_head = !is_header_done();
        const std::size_t body = request_.body.size();
        Error error;
        const std::size_t step = put(boost::asio::buffer(rest), error);
        used += step;
        const bool needs_more = error == boost::beast::http::error::need_more;
        const bool too_long =
            framing_.exceeds(limits_.header, {.in_head = was_head,
                                              .used = step,
                                              .body = request_.body.size() - body,
                                              .awaiting = needs_more ? rest.size() - step : 0});
        if (was_head && has_folded_line(rest.substr(0, step))) {
            Error ignored;
            refuse(400, "a field goes on in the next line, which RFC 9112 has done away with",
                   ignored);
            break;
        }
        if (error && !needs_more) {
            refuse_for(error, rest);
        } else if (too_long) {
            Error ignored;
            refuse(431,
                   (was_head ? "the request line and the fields are longer than "
                             : "the line before a chunk, or the trailers, are longer than ") +
                       std::to_string(limits_.header) + " bytes",
                   ignored);
        }
        if (needs_more) {
            break;
        }
    }
    return used;
}

ATTUNE_DECL void HttpRequestParser::refuse(unsigned status, std::string_view detail, Error& error) {
    refusal_ = HttpRefusal{status, std::string{detail}};
    error = boost::beast::http::error::bad_value;
}

ATTUNE_DECL void HttpRequestParser::refuse_for(const Error& error, std::string_view rest) {
    namespace http = boost::beast::http;
    if (refusal_) {
        return;
    }
    if (error == http::error::body_limit) {
        refusal_ =
            HttpRefusal{413, "the body is longer than " + std::to_string(limits_.body) + " bytes"};
    } else if (error == http::error::bad_version && asks_for_other_version(rest)) {
        refusal_ = HttpRefusal{505, "this server speaks HTTP/1.1 and HTTP/1.0"};
    } else {
        refusal_ = HttpRefusal{400, "this is not a request in HTTP/1.1: " + error.message()};
    }
}

ATTUNE_DECL void HttpRequestParser::on_request_impl(boost::beast::http::verb /*verb*/, Text method,
                                                    Text target, int version, Error& /*error*/) {
    request_.method.assign(method.data(), method.size());
    request_.target.assign(target.data(), target.size());
    version_ = version;
}

ATTUNE_DECL void HttpRequestParser::on_response_impl(int /*code*/, Text /*reason*/, int /*version*/,
                                                     Error& /*error*/) {}

ATTUNE_DECL void HttpRequestParser::on_field_impl(Field field, Text name, Text value,
                                                  Error& error) {
    if (!in_head_) {
        return;  // trailers are nobody's business here
    }
    const std::string_view text{value.data(), value.size()};
    if (field == Field::host) {
        ++hosts_;
    } else if (field == Field::content_length) {
        if (++lengths_ > 1 || text.find(',') != text.npos) {
            return refuse(400, "there is more than one Content-Length", error);
        }
    } else if (field == Field::transfer_encoding) {
        if (version_ == 10) {
            return refuse(400, "there is no Transfer-Encoding in HTTP/1.0", error);
        }
        if (!same_token(text, "chunked")) {
            return refuse(501, "the only Transfer-Encoding known here is chunked", error);
        }
    } else if (field == Field::expect && version_ != 10) {
        if (!same_token(text, "100-continue")) {
            return refuse(417, "the only expectation known here is 100-continue", error);
        }
        expects_continue_ = true;
    }
    request_.fields.add(std::string{name.data(), name.size()}, std::string{text});
}

ATTUNE_DECL void HttpRequestParser::on_header_impl(Error& error) {
    in_head_ = false;
    if (hosts_ > 1 || (hosts_ == 0 && version_ != 10)) {
        refuse(400, "HTTP/1.1 wants one field Host", error);
    }
}

ATTUNE_DECL void HttpRequestParser::on_body_init_impl(
    const boost::optional<std::uint64_t>& /*length*/, Error& /*error*/) {}

// Memory follows the bytes that have come, not those that were promised.
ATTUNE_DECL std::size_t HttpRequestParser::on_body_impl(Text body, Error& /*error*/) {
    request_.body.append(body.data(), body.size());
    return body.size();
}

ATTUNE_DECL void HttpRequestParser::on_chunk_header_impl(std::uint64_t /*size*/,
                                                         Text /*extensions*/, Error& /*error*/) {}

ATTUNE_DECL std::size_t HttpRequestParser::on_chunk_body_impl(std::uint64_t /*remain*/, Text body,
                                                              Error& /*error*/) {
    request_.body.append(body.data(), body.size());
    return body.size();
}

ATTUNE_DECL void HttpRequestParser::on_finish_impl(Error& /*error*/) {}

}  // namespace attune::inline ATTUNE_ABI::net::detail
