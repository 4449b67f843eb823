#pragma once

#include <attune/document/parse.hpp>
#include <attune/document/patch.hpp>
#include <attune/document/text.hpp>
#include <attune/transport/impl/http_watch.hpp>

#include <exception>
#include <stdexcept>
#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

// Writes are made one at a time, so that those of one program do not get in each other's way. The
// one at the front of the queue is under way; what ends it takes it out.

/// So often a write is tried when others write too.
inline constexpr unsigned http_write_attempts = 5;

ATTUNE_DECL void HttpWatch::write(WritePtr write) {
    if (ended_) {
        return;
    }
    writes_.push_back(std::move(write));
    if (writes_.size() == 1) {
        next_write();
    }
}

ATTUNE_DECL void HttpWatch::next_write() {
    if (ended_ || writes_.empty()) {
        return;
    }
    const WritePtr write = writes_.front();
    try {
        if (parse(to_text(write->value)) != write->value) {
            return refuse(
                "the value holds what JSON cannot say (a NaN, an infinity, a string that "
                "is not UTF-8, a text without a type); nothing was written");
        }
    } catch (const ParseError& error) {
        return refuse("the value could not be read back (" + error.message() +
                      "); nothing was written");
    }
    if (position_.document || position_.absent) {
        send(write);
    } else {
        read_for(write, ReadFor::base);
    }
}

ATTUNE_DECL void HttpWatch::refuse(std::vector<Problem> problems) {
    const WritePtr write = std::move(writes_.front());
    writes_.pop_front();
    HttpWriteOutcome::Result result;
    result.rejection.emplace();
    result.rejection->problems = std::move(problems);
    result.rejection->reason = write->path.empty() ? "set" : "set " + to_string(write->path);
    write->outcome->set(std::move(result));
    next_write();
}

ATTUNE_DECL void HttpWatch::refuse(std::string message) {
    Problem problem = settings_->problem(place(position_.place), std::move(message));
    problem.path = writes_.front()->path;
    refuse(std::vector<Problem>{std::move(problem)});
}

/// What to do with an answer for the write that is under way.
template <class F>
auto HttpWatch::for_write(F&& f) {
    return [weak = weak_from_this(), f = std::forward<F>(f)](net::ClientResult result) {
        const auto self = weak.lock();
        if (self == nullptr || self->ended_) {
            return;
        }
        try {
            f(*self, std::move(result));
        } catch (const std::exception& error) {  // out of memory, or thrown by the feed
            if (!self->ended_ && !self->writes_.empty()) {
                self->refuse(error.what());
            }
        }
    };
}

ATTUNE_DECL void HttpWatch::send(const WritePtr& write) {
    const HttpPlace& to = place(position_.place);
    if (to.several) {
        return refuse(
            "a URL with a query names no document that could be written; nothing was "
            "written");
    }
    const Document before = position_.absent ? Document{} : *position_.document;
    Document after;
    try {
        after = before.with(write->path, write->value);
    } catch (const std::out_of_range& error) {
        return refuse(std::string(error.what()) + "; nothing was written");
    }
    const Document* const value = before.find(write->path);
    const auto now = value != nullptr ? std::optional{*value} : std::nullopt;
    if (!std::exchange(write->sent, true)) {
        write->before = now;
    } else if (now != write->before) {
        return refuse(
            "somebody else has changed this in between; nothing was written: look at "
            "what it is now, then write again");
    }
    if (write->attempts == http_write_attempts) {
        return refuse("others write to the document all the time: " +
                      std::to_string(http_write_attempts) +
                      " attempts came too late; nothing was written: try again");
    }
    const std::string& etag = position_.mark.etag;
    net::ClientRequest request = settings_->request(position_.absent ? "PUT" : "PATCH", to.url);
    request.fresh = true;
    if (position_.absent) {
        request.fields.add("If-None-Match", "*");
        request.fields.add("Content-Type", "application/json");
        request.body = to_text(after);
    } else if (etag.starts_with('"')) {
        request.fields.add("If-Match", etag);
        request.fields.add("Content-Type", "application/json-patch+json");
        request.body = to_text(make_patch(before, after));
    } else {
        return refuse(
            "the server gives no strong ETag, so that what somebody else writes could be "
            "lost; nothing was written");
    }
    request.fields.add("Accept", "application/json");
    request.fields.add("Prefer", "secrets=omit");
    if (settings_->options().report) {
        request.fields.add("Attune-Client", settings_->client_id());
        request.fields.add("Attune-Reason", settings_->cleaned("set " + to_string(write->path) +
                                                               " by " + settings_->client_name()));
    }
    ++write->attempts;
    writing_ = client_.start(std::move(request),
                             for_write([write](HttpWatch& self, net::ClientResult result) {
                                 self.sent(write, std::move(result));
                             }));
}

ATTUNE_DECL void HttpWatch::sent(const WritePtr& write, net::ClientResult result) {
    using net::HttpFault;
    const HttpPlace& to = place(position_.place);
    if (const auto* error = std::get_if<net::HttpError>(&result)) {
        const bool unsent =
            error->fault == HttpFault::connect || error->fault == HttpFault::tls ||
            error->fault == HttpFault::resolve || error->fault == HttpFault::proxy ||
            error->fault == HttpFault::proxy_denied || error->fault == HttpFault::request;
        return refuse(http_error_text(to, *error) +
                      (unsent ? "; nothing was written"
                              : "; whether the change was made is not known: look before you "
                                "write again"));
    }
    const net::HttpResponse& response = std::get<net::ClientResponse>(result).response;
    switch (response.status) {
    case 200:
    case 201:
    case 202:
    case 204: return read_for(write, ReadFor::result);
    case 404:
    case 409:
    case 412: return read_for(write, ReadFor::conflict);
    case 401:
    case 403:
        return refuse(http_status_text(*settings_, response) +
                      "; HttpOptions::token does not allow to write there; nothing was written");
    case 405:
    case 501:
        return refuse(http_status_text(*settings_, response) +
                      "; the server takes no changes of this document; nothing was written");
    default: break;
    }
    auto problems = read_problem_details(*settings_, to, response);
    if (!problems.empty()) {
        return refuse(std::move(problems));
    }
    refuse(http_status_text(*settings_, response) + "; nothing was written");
}

ATTUNE_DECL void HttpWatch::read_for(const WritePtr& write, ReadFor reason) {
    const std::size_t from = position_.place;
    net::ClientRequest request = settings_->get(place(from), nullptr, false);
    request.fields.add("Cache-Control", "no-cache");
    writing_ = client_.start(
        std::move(request),
        for_write([write, reason, from](HttpWatch& self, net::ClientResult result) {
            self.read(write, reason, from,
                      read_http(*self.settings_, self.place(from), std::move(result), false));
        }));
}

ATTUNE_DECL void HttpWatch::read(const WritePtr& write, ReadFor reason, std::size_t from,
                                 HttpReading reading) {
    using Kind = HttpReading::Kind;
    const bool gone = reading.kind == Kind::absent;
    if ((reading.kind != Kind::document && !gone) || (gone && reason == ReadFor::result)) {
        std::string text = reading.problems.empty() ? "there is no document any more"
                                                    : reading.problems.front().message;
        if (reason == ReadFor::result) {
            text = "the server has made the change, but what it has now could not be read: " + text;
        }
        return refuse(std::move(text));
    }
    if (older(reading.mark, position_.mark)) {
        // Overtaken by the watch, or from a cache after all.
        if (++write->readings <= http_write_attempts) {
            return read_for(write, reason);
        }
        return refuse("what the server has now could not be read: only an older version came");
    }
    ++serial_;
    if (reason != ReadFor::result) {
        return rebase(write, from, reading);
    }
    Verdict verdict = give(from, reading);
    if (ended_) {
        return;
    }
    const WritePtr done = std::move(writes_.front());
    writes_.pop_front();
    done->outcome->set({.verdict = std::move(verdict), .rejection = {}});
    next_write();
}

/// Somebody else has written, or nothing was known: takes that over, and writes on top of it.
ATTUNE_DECL void HttpWatch::rebase(const WritePtr& write, std::size_t from, HttpReading& reading) {
    if (reading.problems.empty()) {
        give(from, reading);
    } else {  // absent, and should not be: writing may mend that
        advance(from, reading, true);
    }
    if (!ended_) {
        send(write);
    }
}

}  // namespace attune::inline ATTUNE_ABI::detail
