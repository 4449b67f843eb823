#pragma once

#include <attune/transport/detail/http_settings.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <random>
#include <utility>

#include <unistd.h>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL std::string HttpMark::revision() const {
    if (version) {
        return std::to_string(*version);
    }
    std::string_view tag = etag;
    if (tag.starts_with("W/")) {
        tag.remove_prefix(2);
    }
    if (tag.size() >= 2 && tag.front() == '"' && tag.back() == '"') {
        tag = tag.substr(1, tag.size() - 2);
    }
    return tag.empty() ? last_modified : std::string(tag);
}

/// Undoes percent-encoding; what is none stays.
inline std::string http_percent_decoded(std::string_view text) {
    const auto digit = [](char c) {
        return c >= '0' && c <= '9'   ? c - '0'
               : c >= 'A' && c <= 'F' ? c - 'A' + 10
               : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                      : -1;
    };
    std::string decoded;
    for (std::size_t i = 0; i != text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 &&
            digit(text[i + 2]) >= 0) {
            decoded += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
            i += 2;
        } else {
            decoded += text[i];
        }
    }
    return decoded;
}

inline Rejected http_refusal(const std::string& message) {
    Problem problem;
    problem.message = message;
    return Rejected{{.problems = {std::move(problem)}, .reason = "http"}};
}

inline HttpPlace http_place(const std::string& text) {
    HttpPlace place;
    try {
        place.url = net::parse_url(text);
    } catch (const net::UrlError& error) {
        throw http_refusal(error.what());
    }
    const std::string& query = place.url.query;
    place.several = !query.empty();
    // The paths of a ConfigServer tell layers apart, and are no secret.
    bool harmless = true;
    for (std::size_t at = 0; at != std::string::npos && !query.empty();
         at = query.find('&', at + 1)) {
        harmless = harmless && query.compare(at + 1, 5, "path=") == 0;
    }
    place.text = harmless ? place.url.origin() + place.url.target() : place.url.text();
    constexpr std::string_view root = "/v1/config";
    const std::string& path = place.url.path;
    const auto at = path.find(root);
    const auto end = at + root.size();
    if (at == std::string::npos || (end != path.size() && path[end] != '/')) {
        return place;
    }
    place.base = place.url;
    place.base->path = path.substr(0, at);
    place.base->query.clear();
    try {
        const std::string pointer = http_percent_decoded(std::string_view(path).substr(end));
        place.below = pointer == "/" ? Path{} : Path{pointer};
    } catch (const std::invalid_argument&) {
        place.base.reset();  // no pointer: not what a ConfigServer serves
    }
    return place;
}

inline std::string random_client_id() {
    constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz234567";
    std::random_device random;
    std::string id(16, ' ');
    std::generate(id.begin(), id.end(), [&] { return letters[random() % letters.size()]; });
    return id;
}

/// `host/program[pid]`
inline std::string own_client_name() {
    std::array<char, 256> host{};
    if (::gethostname(host.data(), host.size() - 1) != 0) {
        host = {"?"};
    }
    return std::string(host.data()) + '/' + ::program_invocation_short_name + '[' +
           std::to_string(::getpid()) + ']';
}

ATTUNE_DECL HttpSettings::HttpSettings(const std::vector<std::string>& urls, HttpOptions options)
    : options_(std::move(options)), client_id_(random_client_id()) {
    if (urls.empty()) {
        throw http_refusal("no URL was given");
    }
    for (const std::string& url : urls) {
        places_.push_back(http_place(url));
        name_ += (name_.empty() ? "http " : " or ") + places_.back().text;
        const std::string& credentials = places_.back().url.credentials;
        secrets_.push_back(credentials);
        secrets_.push_back(credentials.substr(credentials.find(':') + 1));
    }
    const auto sendable = [](std::string_view value) {
        return std::all_of(value.begin(), value.end(), [](char c) {
            return (static_cast<unsigned char>(c) >= ' ' && c != '\x7f') || c == '\t';
        });
    };
    if (!sendable(options_.token.reveal())) {
        throw http_refusal("HttpOptions::token holds a line break or a control character");
    }
    secrets_.push_back(options_.token.reveal());
    for (const auto& [name, value] : options_.fields) {
        if (!sendable(name) || name.empty() || !sendable(value)) {
            throw http_refusal("one of HttpOptions::fields holds a line break or has no name");
        }
        secrets_.push_back(value);
    }
    if (options_.proxy) {
        try {
            proxy_ = net::parse_url(options_.proxy->url);
        } catch (const net::UrlError& error) {
            throw http_refusal("HttpOptions::proxy: " + std::string(error.what()));
        }
        if (proxy_->tls) {
            throw http_refusal("HttpOptions::proxy: a proxy is reached by http://");
        }
        if (!options_.proxy->user.empty()) {
            proxy_->credentials = options_.proxy->user + ':' + options_.proxy->password.reveal();
        }
        secrets_.push_back(proxy_->credentials);
        secrets_.push_back(options_.proxy->password.reveal());
    }
    // Short ones would tear up texts that have nothing to do with them.
    constexpr std::size_t telling = 4;
    std::erase_if(secrets_, [](const std::string& secret) { return secret.size() < telling; });
    if (options_.client_name.empty()) {
        options_.client_name = own_client_name();
    }
    constexpr std::chrono::seconds longest_wait = std::chrono::hours{1};
    options_.wait = std::clamp(options_.wait, std::chrono::seconds{0}, longest_wait);
    constexpr std::chrono::milliseconds day = std::chrono::hours{24};
    options_.interval = std::clamp(options_.interval, std::chrono::milliseconds{1}, day);
    options_.jitter = std::clamp(options_.jitter, 0.0, 1.0);
}

ATTUNE_DECL net::HttpClientOptions HttpSettings::client() const {
    net::HttpClientOptions client;
    client.tls = options_.tls;
    client.proxy = proxy_;
    client.timeouts = options_.timeouts;
    client.header = options_.max_header;
    client.body = options_.max_body;
    return client;
}

ATTUNE_DECL ParseOptions HttpSettings::parsing(const HttpPlace& place) const {
    return {.name = place.text,
            .comments = options_.comments.value_or(place.url.path.ends_with(".jsonc")),
            .duplicates = options_.duplicates,
            .max_depth = options_.max_depth,
            .max_bytes = options_.max_body};
}

ATTUNE_DECL net::ClientRequest HttpSettings::request(std::string method,
                                                     const net::Url& url) const {
    net::ClientRequest request;
    request.method = std::move(method);
    request.url = url;
    for (const auto& [name, value] : options_.fields) {
        request.private_fields.add(name, value);
    }
    if (const std::string& token = options_.token.reveal(); !token.empty()) {
        request.private_fields.set("Authorization", "Bearer " + token);
    }
    return request;
}

ATTUNE_DECL net::ClientRequest HttpSettings::get(const HttpPlace& place, const HttpMark* seen,
                                                 bool waits) const {
    using namespace std::chrono;
    net::ClientRequest request = this->request("GET", place.url);
    request.fields.add("Accept", "application/json, */*;q=0.1");
    if (options_.report) {
        request.fields.add("Attune-Client", client_id_);
    }
    std::string prefer = "secrets=omit";
    if (seen != nullptr && !seen->etag.empty()) {
        request.fields.add("If-None-Match", seen->etag);
        if (waits) {
            prefer = "wait=" + std::to_string(options_.wait.count()) + ", " + prefer;
            request.first_byte = duration_cast<milliseconds>(options_.wait) * 17 / 16 + seconds{5};
        }
    } else if (seen != nullptr && !seen->last_modified.empty()) {
        request.fields.add("If-Modified-Since", seen->last_modified);
    }
    request.fields.add("Prefer", std::move(prefer));
    return request;
}

ATTUNE_DECL std::string HttpSettings::cleaned(std::string_view text) const {
    constexpr std::size_t longest = 300;
    std::string clean{text};
    for (const std::string& secret : secrets_) {
        for (auto at = clean.find(secret); at != std::string::npos;
             at = clean.find(secret, at + 3)) {
            clean.replace(at, secret.size(), "***");
        }
    }
    for (char& c : clean) {
        c = static_cast<unsigned char>(c) < ' ' || c == '\x7f' ? ' ' : c;
    }
    if (clean.size() > longest) {
        std::size_t end = longest;
        while (end > 0 && (static_cast<unsigned char>(clean[end]) & 0xC0U) == 0x80U) {
            --end;  // not in the middle of a character
        }
        clean.resize(end);
        clean += "...";
    }
    return clean;
}

ATTUNE_DECL Problem HttpSettings::problem(const HttpPlace& place, std::string message) const {
    Problem made;
    made.origin.source = place.text;
    made.message = cleaned(message);
    return made;
}

}  // namespace attune::inline ATTUNE_ABI::detail
