#pragma once

#include <attune/bind/problem.hpp>
#include <attune/document/document.hpp>
#include <attune/document/parse.hpp>
#include <attune/net/http_message.hpp>
#include <attune/version.hpp>

#include <cstdint>
#include <exception>
#include <string>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

class SecretPlaces;

/// Why a request is not done, as the client is told by Problem Details (RFC 9457).
struct ServeError : std::exception {
    ServeError(unsigned status_, std::string detail_) noexcept
        : status(status_), detail(std::move(detail_)) {}

    ServeError& with(std::string name, std::string value) {
        fields.emplace_back(std::move(name), std::move(value));
        return *this;
    }
    const char* what() const noexcept override { return detail.c_str(); }

    unsigned status;
    std::string detail;
    std::vector<Problem> problems = {};
    std::uint32_t line = 0;  ///< in the request's body, from 1; 0: it is not about that
    std::uint32_t column = 0;
    std::vector<std::pair<std::string, std::string>> fields = {};
};

/// The access token does not allow to do something.
inline ServeError insufficient_scope(const std::string& what) {
    return ServeError{403, "the access token does not allow " + what}.with(
        "WWW-Authenticate", "Bearer error=\"insufficient_scope\"");
}

/// What is wrong with a request's body, and where.
inline ServeError error_in_body(const std::string& detail, const Position& position) {
    ServeError error{400, detail};
    error.line = position.line;
    error.column = position.column;
    return error;
}

inline ServeError not_an_object() {
    ServeError error{422, "the configuration as a whole must be an object"};
    error.problems = {{.message = "the whole is replaced", .expected = "an object"}};
    return error;
}

/// The response. What could tell a secret is left out of the problems.
ATTUNE_DECL net::HttpResponse problem_response(const ServeError& error,
                                               const SecretPlaces& secrets);

/// The problems as Problem Details have them, without what they have found at secret places; `base`
/// is where their paths begin. Empty members are left out.
ATTUNE_DECL Document json_problems(const std::vector<Problem>& problems,
                                   const SecretPlaces& secrets, const Path& base = {});

/// The same without what is at secret places.
ATTUNE_DECL std::vector<Problem> safe_problems(std::vector<Problem> problems,
                                               const SecretPlaces& secrets, const Path& base = {});

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/serve/impl/problem_details.ipp>
#endif
