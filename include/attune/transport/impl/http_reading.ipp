#pragma once

#include <attune/document/parse.hpp>
#include <attune/transport/detail/http_reading.hpp>

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL bool older(const HttpMark& now, const HttpMark& before) noexcept {
    return now.version && before.version && now.instance == before.instance &&
           *now.version < *before.version;
}

/// A field's number, when it is nothing else.
template <class Number>
std::optional<Number> http_number(std::optional<std::string_view> text) {
    Number number{};
    if (!text) {
        return std::nullopt;
    }
    const char* const end = text->data() + text->size();
    const auto [stop, error] = std::from_chars(text->data(), end, number);
    return error == std::errc{} && stop == end ? std::optional{number} : std::nullopt;
}

/// `text/html; charset=utf-8` without what comes after the type, in lower case.
inline std::string http_media_type(const net::HttpResponse& response) {
    std::string type{response.fields.find("Content-Type").value_or("")};
    type.resize(std::min(type.size(), type.find_first_of("; \t")));
    std::transform(type.begin(), type.end(), type.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return type;
}

inline HttpMark http_mark(const net::HttpResponse& response) {
    HttpMark mark;
    mark.etag = response.fields.find("ETag").value_or("");
    mark.last_modified = response.fields.find("Last-Modified").value_or("");
    mark.version = http_number<std::uint64_t>(response.fields.find("Attune-Version"));
    if (mark.version) {
        std::string_view tag = mark.etag;
        tag.remove_prefix(std::min(tag.find('"') + 1, tag.size()));
        mark.instance = tag.substr(0, tag.find('.'));
    }
    return mark;
}

/// For how long the server says that it holds requests.
inline std::chrono::seconds http_holds(const net::HttpResponse& response) {
    const std::string applied = response.fields.joined("Preference-Applied");
    for (std::size_t at = 0; at < applied.size();) {
        const auto end = std::min(applied.find(',', at), applied.size());
        std::string_view one = std::string_view(applied).substr(at, end - at);
        one.remove_prefix(std::min(one.find_first_not_of(" \t"), one.size()));
        one = one.substr(0, one.find_last_not_of(" \t") + 1);
        if (one.size() > 5 && net::same_token(one.substr(0, 5), "wait=")) {
            constexpr std::uint32_t longest = 24 * 3600;
            const auto seconds = http_number<std::uint32_t>(one.substr(5)).value_or(0);
            return std::chrono::seconds{std::min(seconds, longest)};
        }
        at = end + 1;
    }
    return std::chrono::seconds{0};
}

/// The Problem Details of a response; null when there are none.
inline Document problem_details(const net::HttpResponse& response) {
    constexpr std::size_t most = std::size_t{1} << 20;
    if (http_media_type(response) != "application/problem+json" || response.body.size() > most) {
        return {};
    }
    try {
        return parse(response.body);
    } catch (const ParseError&) {
        return {};
    }
}

inline std::string problem_member(const HttpSettings& settings, const Document& of,
                                  const char* name) {
    const Document* const member = of.find(name);
    return member != nullptr && member->is_string() ? settings.cleaned(member->as_string())
                                                    : std::string{};
}

ATTUNE_DECL std::string http_status_text(const HttpSettings& settings,
                                         const net::HttpResponse& response) {
    std::string text = "answered " + std::to_string(response.status);
    if (const auto phrase = net::reason_phrase(response.status); !phrase.empty()) {
        text.append(" ").append(phrase);
    }
    const std::string detail = problem_member(settings, problem_details(response), "detail");
    return detail.empty() ? text : text + ": " + detail;
}

ATTUNE_DECL std::string http_error_text(const HttpPlace& place, const net::HttpError& error) {
    // The place is the problem's origin already.
    std::string_view text = error.message;
    if (const std::string named = place.url.text(); text.starts_with(named)) {
        text.remove_prefix(named.size());
        text.remove_prefix(std::min(text.find_first_not_of(": "), text.size()));
    }
    return std::string(text);
}

/// A path of the server's document as one of what `place` has of it; the root when it is elsewhere.
inline Path path_at_place(const HttpPlace& place, const std::string& pointer) {
    try {
        Path path{pointer};
        if (place.several || !path.starts_with(place.below)) {
            return {};
        }
        const auto& tokens = path.tokens();
        return Path{std::vector<std::string>(
            tokens.begin() + static_cast<std::ptrdiff_t>(place.below.size()), tokens.end())};
    } catch (const std::invalid_argument&) {
        return {};
    }
}

ATTUNE_DECL std::vector<Problem> read_problem_details(const HttpSettings& settings,
                                                      const HttpPlace& place,
                                                      const net::HttpResponse& response) {
    constexpr std::size_t most = 100;
    std::vector<Problem> problems;
    const Document details = problem_details(response);
    const Document* const list = details.find("problems");
    for (std::size_t i = 0; list != nullptr && i != std::min(list->size(), most); ++i) {
        const Document* const each = list->find(i);
        if (each == nullptr) {
            break;  // no array
        }
        Problem problem = settings.problem(place, problem_member(settings, *each, "message"));
        problem.path = path_at_place(place, problem_member(settings, *each, "path"));
        problem.expected = problem_member(settings, *each, "expected");
        problem.found = problem_member(settings, *each, "found");
        problem.suggestion = problem_member(settings, *each, "suggestion");
        if (problem_member(settings, *each, "severity") == "warning") {
            problem.severity = Severity::warning;
        }
        if (problem.message.empty() && problem.expected.empty()) {
            problem.message = problem_member(settings, *each, "text");
        }
        problems.push_back(std::move(problem));
    }
    return problems;
}

/// Reads the body of a 200.
inline void read_http_document(const HttpSettings& settings, const HttpPlace& place,
                               net::ClientResponse& answer, HttpReading& reading) {
    const auto refuse = [&](const std::string& message) {
        reading.problems.push_back(settings.problem(place, message));
    };
    net::HttpResponse& response = answer.response;
    const std::string from =
        answer.url == place.url ? "" : " (at " + answer.url.text() + ", after a redirect)";
    const std::string type = http_media_type(response);
    const auto one_of = [&](std::initializer_list<std::string_view> types) {
        return std::find(types.begin(), types.end(), type) != types.end();
    };
    if (one_of({"text/html", "application/xhtml+xml"})) {
        return refuse("answered with an HTML page (" + type + ") where JSON was expected" + from +
                      "; a captive portal or a wrong address?");
    }
    // What servers say of files whose names tell them nothing is not held against a document.
    if (!one_of({"", "application/json", "text/json", "text/plain", "application/octet-stream",
                 "binary/octet-stream"}) &&
        !type.ends_with("+json")) {
        return refuse("answered with " + type + " where JSON was expected" + from +
                      "; a wrong address?");
    }
    const auto encoding = response.fields.find("Content-Encoding");
    if (encoding && !encoding->empty() && !net::same_token(*encoding, "identity")) {
        return refuse("answered with a body in the encoding " + std::string(*encoding) +
                      ", which was not asked for" + from);
    }
    const ParseOptions parsing = settings.parsing(place);
    auto text = std::make_shared<const std::string>(std::move(response.body));
    try {
        reading.content.document = parse(*text, parsing);
    } catch (const ParseError& error) {
        refuse(error.message() + from);
        reading.problems.back().origin.line = error.line();
        reading.problems.back().origin.column = error.column();
        return;
    }
    reading.content.source =
        std::shared_ptr<const Source>(new TextSource(std::move(text), parsing));
    reading.kind = HttpReading::Kind::document;
}

ATTUNE_DECL HttpReading read_http(const HttpSettings& settings, const HttpPlace& place,
                                  net::ClientResult result, bool conditional) {
    using Kind = HttpReading::Kind;
    HttpReading reading;
    const auto refuse = [&](std::string message) {
        reading.problems.push_back(settings.problem(place, std::move(message)));
    };
    if (const auto* error = std::get_if<net::HttpError>(&result)) {
        refuse(http_error_text(place, *error));
        if (error->fault == net::HttpFault::proxy_denied) {
            reading.kind = Kind::denied;
        } else if (error->head != nullptr && error->head->status == 200) {
            reading.kind = Kind::unreadable;
            reading.mark = http_mark(*error->head);
        }
        return reading;
    }
    auto& answer = std::get<net::ClientResponse>(result);
    net::HttpResponse& response = answer.response;
    reading.mark = http_mark(response);
    reading.holds = conditional ? http_holds(response) : std::chrono::seconds{0};
    reading.content.revision = reading.mark.revision();
    reading.asks_report = response.fields.find("Attune-Reported") == "0";
    if (const auto after = http_number<std::uint32_t>(response.fields.find("Retry-After"))) {
        reading.retry_after = std::chrono::seconds{*after};
    }
    switch (response.status) {
    case 200:
        reading.kind = Kind::unreadable;
        read_http_document(settings, place, answer, reading);
        break;
    case 304:
        if (conditional) {
            reading.kind = Kind::unchanged;
        } else {
            refuse("answered 304 Not Modified to a request that asked for the document");
        }
        break;
    case 404:
    case 410:
        reading.kind = Kind::absent;
        if (!settings.options().optional) {
            refuse(http_status_text(settings, response) +
                   "; give the right URL, or say `.optional = true` where there may be none");
        }
        break;
    case 401:
        reading.kind = Kind::denied;
        refuse(http_status_text(settings, response) +
               (settings.options().token.reveal().empty()
                    ? "; give HttpOptions::token"
                    : "; HttpOptions::token is not one that the server accepts"));
        break;
    case 403:
        reading.kind = Kind::denied;
        refuse(http_status_text(settings, response) +
               "; whoever HttpOptions::token stands for may not read this");
        break;
    case 407:
        reading.kind = Kind::denied;
        refuse(http_status_text(settings, response) +
               "; give HttpOptions::proxy a user and a password that it accepts");
        break;
    default: refuse(http_status_text(settings, response) + " where a document was expected");
    }
    return reading;
}

}  // namespace attune::inline ATTUNE_ABI::detail
