#pragma once

#include <attune/document/parse.hpp>
#include <attune/document/patch.hpp>
#include <attune/document/text.hpp>
#include <attune/transport/http.hpp>

#include "net/scripted_server.hpp"
#include "quick.hpp"
#include "recorder.hpp"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace attune_test {

/// A server of one document at `/v1/config`, that holds requests and takes patches, as the wire
/// contract has it, and does what a test says besides.
class Publisher {
public:
    /// Answers a request itself, and says true; or leaves it.
    using Answer = std::function<bool(Conversation&, const Heard&)>;

    explicit Publisher(std::string text, Answer instead = {}, SSL_CTX* tls = nullptr,
                       std::uint16_t port = 0)
        : text_(std::move(text)),
          instead_(std::move(instead)),
          server_([this](Conversation& conversation) { serve(conversation); }, tls, port) {}
    ~Publisher() { stop(); }

    std::string url(const std::string& below = {}) const {
        return server_.origin() + "/v1/config" + below;
    }
    std::uint16_t port() const { return server_.port(); }
    std::size_t connections() const { return server_.connections(); }

    void stop() {
        {
            const std::scoped_lock lock{mutex_};
            stopping_ = true;
            changed_.notify_all();
        }
        server_.stop();
    }

    /// Publishes a text; an empty one is no document at all.
    void publish(std::string text) {
        const std::scoped_lock lock{mutex_};
        text_ = std::move(text);
        ++version_;
        held_ = 0;
        ++generation_;
        changed_.notify_all();
    }
    /// As after a restart with the same document.
    void restart(const std::string& instance) {
        const std::scoped_lock lock{mutex_};
        instance_ = instance;
        version_ = 1;
        held_ = 0;
        ++generation_;
        changed_.notify_all();
    }
    void hold(bool holds) {
        const std::scoped_lock lock{mutex_};
        holds_ = holds;
    }

    std::string text() {
        const std::scoped_lock lock{mutex_};
        return text_;
    }
    std::string etag() {
        const std::scoped_lock lock{mutex_};
        return etag_now();
    }

    /// The requests so far, reports left out.
    std::size_t requests() {
        const std::scoped_lock lock{mutex_};
        return heard_.size();
    }
    std::vector<Heard> heard() {
        const std::scoped_lock lock{mutex_};
        return heard_;
    }
    /// Waits until so many requests are held.
    bool wait_held(std::size_t count = 1) {
        std::unique_lock lock{mutex_};
        return changed_.wait_for(lock, patience, [&] { return held_ >= count; });
    }
    /// Waits for so many requests, reports left out.
    bool wait_requests(std::size_t count) {
        std::unique_lock lock{mutex_};
        return changed_.wait_for(lock, patience, [&] { return heard_.size() >= count; });
    }
    /// Waits for the report with that number, counted from 0.
    std::string report(std::size_t number) {
        std::unique_lock lock{mutex_};
        const bool came =
            changed_.wait_for(lock, patience, [&] { return reports_.size() > number; });
        return came ? reports_[number] : "none";
    }
    std::size_t reports() {
        const std::scoped_lock lock{mutex_};
        return reports_.size();
    }

private:
    std::string etag_now() const {
        return '"' + instance_ + '.' +
               (text_.empty() ? "absent" : std::to_string(std::hash<std::string>{}(text_))) + '"';
    }
    std::string fields() const {
        return "ETag: " + etag_now() + "\r\nAttune-Version: " + std::to_string(version_) + "\r\n";
    }

    void serve(Conversation& conversation) {
        for (;;) {
            const Heard heard = conversation.hear();
            const bool report = heard.line.starts_with("PUT /v1/clients/");
            {
                const std::scoped_lock lock{mutex_};
                if (report) {
                    reports_.push_back(heard.body);
                } else {
                    heard_.push_back(heard);
                }
                changed_.notify_all();
            }
            if (instead_ && instead_(conversation, heard)) {
                continue;
            }
            if (report) {
                conversation.say("HTTP/1.1 204 No Content\r\n\r\n");
            } else if (heard.line.starts_with("GET ")) {
                get(conversation, heard);
            } else {
                write(conversation, heard);
            }
        }
    }

    void get(Conversation& conversation, const Heard& heard) {
        const std::string seen = heard.field("If-None-Match");
        const std::string prefer = heard.field("Prefer");
        std::string fields;
        std::string text;
        bool same = false;
        {
            std::unique_lock lock{mutex_};
            const auto waits = prefer.find("wait=");
            if (!seen.empty() && holds_ && waits != std::string::npos) {
                const auto span = std::chrono::seconds{std::stoi(prefer.substr(waits + 5))};
                const auto generation = generation_;
                ++held_;
                changed_.notify_all();
                changed_.wait_for(lock, span, [&] { return stopping_ || etag_now() != seen; });
                held_ -= generation == generation_ ? 1 : 0;
                fields = "Preference-Applied: wait=" + std::to_string(span.count()) + "\r\n";
            }
            if (stopping_) {
                throw Gone{};
            }
            fields += this->fields();
            text = text_;
            same = etag_now() == seen;
        }
        if (same) {
            conversation.say("HTTP/1.1 304 Not Modified\r\n" + fields + "\r\n");
        } else if (text.empty()) {
            conversation.answer("404 Not Found", fields, "");
        } else {
            conversation.answer("200 OK", fields + "Content-Type: application/json\r\n", text);
        }
    }

    void write(Conversation& conversation, const Heard& heard) {
        const std::string expected = heard.field("If-Match");
        std::string status = "412 Precondition Failed";
        std::string fields;
        {
            const std::scoped_lock lock{mutex_};
            if (heard.line.starts_with("PATCH ") && expected == etag_now()) {
                text_ = to_text(apply_patch(attune::parse(text_), attune::parse(heard.body)));
                status = "200 OK";
            } else if (heard.line.starts_with("PUT ") && heard.field("If-None-Match") == "*" &&
                       text_.empty()) {
                text_ = heard.body;
                status = "200 OK";
            }
            if (status == "200 OK") {
                ++version_;
                held_ = 0;
                ++generation_;
            }
            fields = this->fields();
            changed_.notify_all();
        }
        conversation.answer(status, fields, "{}");
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::string text_;
    std::string instance_ = "AAAAAAAAAA";
    std::uint64_t version_ = 1;
    bool holds_ = true;
    bool stopping_ = false;
    std::size_t held_ = 0;  // those that wait for what has not happened yet
    std::uint64_t generation_ = 0;
    std::vector<Heard> heard_;
    std::vector<std::string> reports_;
    const Answer instead_;
    ScriptedServer server_;  // the last: its threads use the others
};

}  // namespace attune_test
