#pragma once

#include <attune/document/text.hpp>
#include <attune/transport/impl/http_reporter.hpp>

#include <algorithm>
#include <utility>
#include <variant>

namespace attune::inline ATTUNE_ABI::detail {

/// The problem as Problem Details have it. What was found is a value, and stays here.
inline Document reported_problem(const HttpPlace& place, Problem problem) {
    problem.found.clear();
    Document made = Document::object();
    const auto add = [&](const char* name, const std::string& text) {
        if (!text.empty()) {
            made = made.with(Path{} / name, text);
        }
    };
    add("path", (place.below / problem.path).pointer());
    add("message", problem.message);
    add("expected", problem.expected);
    add("suggestion", problem.suggestion);
    add("severity", problem.severity == Severity::warning ? "warning" : "error");
    add("origin", to_string(problem.origin));
    add("text", to_string(problem));
    return made;
}

/// Is there no point in making the report again? It was taken, or there is nobody to take it.
inline bool report_is_settled(const net::ClientResult& result) noexcept {
    const auto* const answer = std::get_if<net::ClientResponse>(&result);
    if (answer == nullptr) {
        return false;
    }
    const unsigned status = answer->response.status;
    return status / 100 == 2 || status == 404 || status == 405;
}

ATTUNE_DECL void HttpReporter::tell(const HttpPlace& place, const HttpMark& mark,
                                    const std::vector<Problem>& problems) {
    if (ended_ || !settings_->options().report || !place.base || !mark.version) {
        return;
    }
    const bool refused = !problems.empty();
    std::string key = mark.etag + (refused ? " refused" : " applied");
    if (key == std::exchange(told_, key)) {
        return;
    }
    Document body{{"name", settings_->client_name()},
                  {"path", place.below.pointer()},
                  {"etag", mark.etag},
                  {"version", *mark.version},
                  {"state", refused ? "refused" : "applied"}};
    if (refused) {
        constexpr std::size_t most = 100;
        Document list = Document::array();
        for (std::size_t i = 0; i != std::min(problems.size(), most); ++i) {
            list = list.with(Path{} / "-", reported_problem(place, problems[i]));
        }
        body = body.with("problems", std::move(list));
    }
    next_ = Report{*place.base, to_text(body)};
    next_->url.path += "/v1/clients/" + settings_->client_id();
    if (!under_way_) {
        send();
    }
}

ATTUNE_DECL void HttpReporter::send() {
    net::ClientRequest request = settings_->request("PUT", next_->url);
    request.fields.add("Content-Type", "application/json");
    request.body = std::move(next_->body);
    next_.reset();
    under_way_ = true;
    operation_ = client_.start(std::move(request),
                               [weak = weak_from_this()](const net::ClientResult& result) {
                                   const auto self = weak.lock();
                                   if (self != nullptr && !self->ended_) {
                                       self->under_way_ = false;
                                       if (self->next_) {
                                           self->send();
                                       } else if (!report_is_settled(result)) {
                                           self->told_.clear();
                                       }
                                   }
                               });
}

}  // namespace attune::inline ATTUNE_ABI::detail
