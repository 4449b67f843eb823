#pragma once

#include <attune/serve/detail/problem_details.hpp>

#include <attune/document/text.hpp>
#include <attune/net/http_server.hpp>
#include <attune/serve/detail/json_members.hpp>
#include <attune/serve/detail/secret_places.hpp>

#include <algorithm>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL std::vector<Problem> safe_problems(std::vector<Problem> problems,
                                               const SecretPlaces& secrets, const Path& base) {
    for (Problem& problem : problems) {
        if (secrets.secret(problem.path) ||
            (!base.empty() && secrets.secret(base / problem.path))) {
            problem.found.clear();
        }
    }
    return problems;
}

ATTUNE_DECL Document json_problems(const std::vector<Problem>& problems,
                                   const SecretPlaces& secrets, const Path& base) {
    std::vector<Document> all;
    for (const Problem& problem : safe_problems(problems, secrets, base)) {
        all.push_back(JsonMembers()
                          .add_text("path", problem.path.pointer())
                          .add_text("message", problem.message)
                          .add_text("expected", problem.expected)
                          .add_text("found", problem.found)
                          .add_text("suggestion", problem.suggestion)
                          .add("severity",
                               problem.severity == Severity::error ? "error" : "warning")
                          .add_text("origin", to_string(problem.origin))
                          .add_text("text", to_string(problem))
                          .object());
    }
    return json_list(std::move(all));
}

ATTUNE_DECL net::HttpResponse problem_response(const ServeError& error,
                                               const SecretPlaces& secrets) {
    JsonMembers body;
    body.add("type", "about:blank")
        .add("title", net::reason_phrase(error.status))
        .add("status", error.status)
        .add_text("detail", error.detail);
    if (error.line != 0) {
        body.add("line", error.line).add("column", error.column);
    }
    if (!error.problems.empty()) {
        body.add("problems", json_problems(error.problems, secrets));
    }
    net::HttpResponse response{
        .status = error.status,
        .fields = {{"Content-Type", "application/problem+json"}, {"Cache-Control", "no-store"}},
        .body = to_text(body.object())};
    for (const auto& [name, value] : error.fields) {
        response.fields.set(name, value);
    }
    return response;
}

}  // namespace attune::inline ATTUNE_ABI::detail
