#pragma once

#include <attune/net/impl/http_dialogue.hpp>
#include <attune/net/impl/http_response_parser.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string_view>
#include <utility>

#include <boost/asio/error.hpp>

#include <openssl/evp.h>

namespace attune::inline ATTUNE_ABI::net::detail {

ATTUNE_DECL std::string basic_authorization(const std::string& credentials) {
    std::string encoded(4 * ((credentials.size() + 2) / 3) + 1, '\0');
    const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(encoded.data()),
                                     reinterpret_cast<const unsigned char*>(credentials.data()),
                                     static_cast<int>(credentials.size()));
    encoded.resize(static_cast<std::size_t>(size));
    return "Basic " + encoded;
}

ATTUNE_DECL std::string size_text(std::size_t bytes) {
    constexpr std::size_t kibi = 1024;
    if (bytes != 0 && bytes % (kibi * kibi) == 0) {
        return std::to_string(bytes / (kibi * kibi)) + " MiB";
    }
    return bytes != 0 && bytes % kibi == 0 ? std::to_string(bytes / kibi) + " KiB"
                                           : std::to_string(bytes) + " bytes";
}

/// What RFC 9110 calls a token: a method, the name of a field.
inline bool is_http_token(std::string_view text) noexcept {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
               std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
    });
}

inline bool is_http_value(std::string_view text) noexcept {
    return std::all_of(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) >= ' ' && c != '\x7f') || c == '\t';
    });
}

ATTUNE_DECL bool sends_body(const ClientRequest& request) noexcept {
    return request.method == "PUT" || request.method == "POST" || request.method == "PATCH" ||
           !request.body.empty();
}

ATTUNE_DECL std::optional<HttpError> request_head(const ClientRequest& request, bool whole,
                                                  const std::string& proxy_credentials,
                                                  std::string& head) {
    const auto add = [&](std::string_view name, std::string_view value) {
        head.append(name).append(": ").append(value).append("\r\n");
    };
    const auto refuse = [&](const std::string& what) {
        return HttpError{HttpFault::request, request.url.text() + " cannot be asked: " + what};
    };
    if (!is_http_token(request.method)) {
        return refuse("the method is no word");
    }
    head = request.method + ' ' + (whole ? request.url.origin() : std::string{}) +
           request.url.target() + " HTTP/1.1\r\n";
    add("Host", request.url.authority());
    for (const HttpFields* const fields : {&request.private_fields, &request.fields}) {
        for (const auto& [name, value] : *fields) {
            if (!is_http_token(name)) {
                return refuse("the name of a field holds a blank or another character it must not");
            }
            if (!is_http_value(value)) {
                return refuse("the field " + name + " holds a line break or a control character");
            }
            add(name, value);
        }
    }
    const auto given = [&](std::string_view name) {
        return request.private_fields.find(name) || request.fields.find(name);
    };
    if (!given("User-Agent")) {
        add("User-Agent", "attune/" ATTUNE_VERSION_STRING);
    }
    if (!request.url.credentials.empty() && !given("Authorization")) {
        add("Authorization", basic_authorization(request.url.credentials));
    }
    if (whole && !proxy_credentials.empty()) {
        add("Proxy-Authorization", basic_authorization(proxy_credentials));
    }
    if (sends_body(request)) {
        add("Content-Length", std::to_string(request.body.size()));
    }
    head += "\r\n";
    return std::nullopt;
}

/// Reads one response, interim ones included.
class HttpReader {
public:
    HttpReader(HttpLink& link, HttpDialogue& dialogue) : link_(link), dialogue_(dialogue) {}

    HttpLink::Awaitable<std::optional<HttpError>> read(bool sent) {
        // A server may say that it goes on, but not forever.
        constexpr int most_interim = 16;
        for (int interim = 0; interim <= most_interim; ++interim) {
            begin();
            auto error = co_await read_one(sent);
            if (error) {
                co_return error;
            }
            const unsigned status = parser_->response().status;
            if (status >= 200) {
                take(sent);
                co_return std::nullopt;
            }
            if (status == 101) {
                break;
            }
        }
        co_return fail(HttpFault::malformed, " never came to an answer that is one");
    }

private:
    using Clock = std::chrono::steady_clock;
    using TimePoint = Clock::time_point;

    HttpError fail(HttpFault fault, const std::string& what) const {
        return {fault, dialogue_.place + what};
    }

    void begin() {
        parser_.emplace(HttpResponseLimits{dialogue_.max_header, dialogue_.max_body},
                        dialogue_.bodiless);
    }

    HttpLink::Awaitable<std::optional<HttpError>> read_one(bool sent) {
        bool any = false;
        TimePoint header_by{};
        TimePoint whole_by{};
        for (;;) {
            if (link_.received.size() != 0) {
                if (!std::exchange(any, true)) {
                    header_by = Clock::now() + dialogue_.timeouts.between;
                    whole_by = Clock::now() + dialogue_.timeouts.whole;
                }
                if (auto error = feed()) {
                    co_return error;
                }
                if (parser_->done()) {
                    co_return std::nullopt;
                }
            }
            const auto now = Clock::now();
            HttpLink::Duration limit = dialogue_.timeouts.first_byte;
            if (!sent) {
                limit = std::min<HttpLink::Duration>(limit, std::chrono::seconds{1});
            }
            if (any) {
                limit = std::min<HttpLink::Duration>(dialogue_.timeouts.between, whole_by - now);
                if (!parser_->head_done()) {
                    limit = std::min<HttpLink::Duration>(limit, header_by - now);
                }
            }
            const auto failed = co_await link_.read_some(limit);
            if (failed) {
                if (!any || !ends(failed)) {
                    co_return lost(failed, any);
                }
                co_return std::nullopt;
            }
        }
    }

    /// Gives the parser what has come.
    std::optional<HttpError> feed() {
        const auto bytes = link_.received.cdata();
        link_.received.consume(parser_->feed({static_cast<const char*>(bytes.data()),
                                              bytes.size()}));
        if (!parser_->error()) {
            return std::nullopt;
        }
        HttpError error = *parser_->error();
        error.message.insert(0, dialogue_.place);
        if (error.fault == HttpFault::too_large && parser_->head_done()) {
            parser_->response().body.clear();
            error.head = std::make_shared<const HttpResponse>(std::move(parser_->response()));
        }
        return error;
    }

    /// Whether the end of the connection is that of the response.
    bool ends(const HttpLink::Error& failed) {
        return failed == boost::asio::error::eof && parser_->end();
    }

    HttpError lost(const HttpLink::Error& failed, bool any) const {
        if (link_.expired() && !any) {
            return fail(HttpFault::timeout,
                        " did not answer within " + seconds_text(dialogue_.timeouts.first_byte));
        }
        if (link_.expired()) {
            return fail(HttpFault::timeout, " stopped in the middle of its answer");
        }
        const bool closed = failed == boost::asio::error::eof;
        const std::string why = closed ? "" : ": " + error_sentence(failed);
        if (!any) {
            return fail(HttpFault::lost, " closed the connection before it answered" + why);
        }
        if (!parser_->head_done()) {
            return fail(HttpFault::truncated,
                        ": the answer ended in the middle of its header" + why);
        }
        std::string after = ", after " + std::to_string(parser_->response().body.size());
        if (const auto length = parser_->length()) {
            after += " of " + std::to_string(*length);
        }
        return fail(HttpFault::truncated,
                    ": the answer ended in the middle of the body" + after + " bytes" + why);
    }

    void take(bool sent) {
        dialogue_.keep = sent && parser_->keep_alive() && link_.received.size() == 0;
        dialogue_.response = std::move(parser_->response());
    }

    HttpLink& link_;
    HttpDialogue& dialogue_;
    std::optional<HttpResponseParser> parser_;
};

ATTUNE_DECL boost::asio::awaitable<std::optional<HttpError>> converse(HttpLink& link,
                                                                      HttpDialogue& dialogue) {
    const auto failed =
        co_await link.write(dialogue.head, dialogue.body, dialogue.timeouts.between);
    if (link.closed() || link.expired()) {
        co_return HttpError{HttpFault::timeout, dialogue.place +
                                                    " did not take the request within " +
                                                    seconds_text(dialogue.timeouts.between)};
    }
    // Who refuses a request early closes before all of it has come, and may have answered.
    HttpReader reader{link, dialogue};
    auto error = co_await reader.read(!failed);
    if (error && failed && error->fault == HttpFault::timeout) {
        co_return HttpError{HttpFault::lost, dialogue.place + " did not take the request: " +
                                                 error_sentence(failed)};
    }
    co_return error;
}

}  // namespace attune::inline ATTUNE_ABI::net::detail
