#pragma once

#include <attune/serve/detail/client_report.hpp>

#include <attune/serve/detail/json_members.hpp>
#include <attune/serve/detail/problem_details.hpp>

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

/// A member that is a text, cut to a length where a code point ends; empty when it is missing.
inline std::string text_in_report(const Document& object, std::string_view member,
                                  std::size_t longest) {
    const Document* const value = object.find(member);
    if (value == nullptr || value->is_null()) {
        return {};
    }
    if (!value->is_string()) {
        throw ServeError{400,
                         "in a client's report, \"" + std::string(member) + "\" must be a string"};
    }
    std::string_view text = value->as_string();
    if (text.size() > longest) {
        while ((static_cast<unsigned char>(text[longest]) & 0xC0U) == 0x80U) {
            --longest;
        }
        text = text.substr(0, longest);
    }
    return std::string(text);
}

inline Path path_in_report(const Document& object, std::size_t longest) {
    const std::string text = text_in_report(object, "path", longest);
    try {
        return Path{text};
    } catch (const std::invalid_argument&) {
        throw ServeError{400, "in a client's report, \"path\" must be a JSON Pointer"};
    }
}

inline Problem problem_in_report(const Document& object) {
    constexpr std::size_t longest = 512;
    Problem problem{.path = path_in_report(object, longest),
                    .message = text_in_report(object, "message", longest),
                    .expected = text_in_report(object, "expected", longest),
                    .found = text_in_report(object, "found", longest),
                    .suggestion = text_in_report(object, "suggestion", longest)};
    problem.origin.source = text_in_report(object, "origin", longest);
    if (text_in_report(object, "severity", longest) == "warning") {
        problem.severity = Severity::warning;
    }
    if (problem.message.empty() && problem.expected.empty()) {
        problem.message = text_in_report(object, "text", longest);
    }
    return problem;
}

ATTUNE_DECL ClientReport client_report(const Document& body) {
    if (!body.is_object()) {
        throw ServeError{400, "a client's report is an object"};
    }
    ClientReport report;
    report.name = text_in_report(body, "name", 256);
    report.path = path_in_report(body, 1024).pointer();
    report.etag = text_in_report(body, "etag", 256);
    if (const Document* const version = body.find("version");
        version != nullptr && version->is_integer() &&
        (version->is_unsigned() || version->as_int64() >= 0)) {
        report.version = version->as_uint64();
    }
    const std::string state = text_in_report(body, "state", 16);
    if (state != "applied" && state != "refused") {
        throw ServeError{400, "in a client's report, \"state\" must be applied or refused"};
    }
    report.state = state == "applied" ? ClientState::applied : ClientState::refused;
    if (const Document* const problems = body.find("problems"); problems != nullptr) {
        constexpr std::size_t most = 16;
        for (const Document& problem : problems->elements()) {
            if (report.problems.size() == most) {
                break;
            }
            report.problems.push_back(problem_in_report(problem));
        }
    }
    return report;
}

ATTUNE_DECL Document json_client(const ClientReport& report, const SecretPlaces& secrets) {
    JsonMembers members;
    members.add("id", report.id)
        .add_text("name", report.name)
        .add("address", report.address)
        .add("state", to_string(report.state));
    if (report.state != ClientState::unknown) {
        members.add("path", report.path)
            .add("version", report.version)
            .add_text("etag", report.etag)
            .add("problems", json_problems(report.problems, secrets, Path{report.path}))
            .add_time("reported", report.reported);
    }
    return members.add_time("heard", report.heard).add("watching", report.watching).object();
}

}  // namespace attune::inline ATTUNE_ABI::detail
