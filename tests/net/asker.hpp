#pragma once

#include <attune/net/http_client.hpp>
#include <attune/net/io_thread.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <boost/asio/post.hpp>

namespace attune_test {

/// A client on a thread of its own, that a test may ask and wait for.
class Asker {
public:
    using Request = attune::net::ClientRequest;
    using Result = attune::net::ClientResult;

    explicit Asker(attune::net::HttpClientOptions options = {}) {
        on_thread([&] { client_.emplace(thread_.executor(), std::move(options)); });
    }
    Asker(const Asker&) = delete;
    Asker& operator=(const Asker&) = delete;
    ~Asker() {
        on_thread([&] { client_.reset(); });
    }

    /// Runs `f` on the client's executor, and waits for it.
    template <class F>
    void on_thread(F&& f) {
        std::promise<void> done;
        boost::asio::post(thread_.executor(), [&] {
            try {
                f();
                done.set_value();
            } catch (...) {
                done.set_exception(std::current_exception());
            }
        });
        done.get_future().get();
    }

    /// Starts a request. What it is told does not keep it going: the pair does.
    std::pair<std::shared_ptr<attune::net::HttpOperation>, std::future<Result>> start(
        Request request) {
        auto promise = std::make_shared<std::promise<Result>>();
        auto future = promise->get_future();
        auto operation = std::make_shared<attune::net::HttpOperation>();
        on_thread([&] {
            *operation = client_->start(std::move(request), [promise](Result result) {
                promise->set_value(std::move(result));
            });
        });
        return {std::move(operation), std::move(future)};
    }

    Result result(Request request) {
        auto [operation, future] = start(std::move(request));
        const bool came = future.wait_for(std::chrono::seconds{60}) == std::future_status::ready;
        Result result =
            came ? future.get() : Result{attune::net::HttpError{{}, "nothing came for a minute"}};
        on_thread([&, operation = std::move(operation)]() mutable { operation.reset(); });
        return result;
    }

    /// `200 body`, or the error.
    std::string ask(Request request) {
        const Result result = this->result(std::move(request));
        if (const auto* error = std::get_if<attune::net::HttpError>(&result)) {
            return error->message;
        }
        const auto& response = std::get<attune::net::ClientResponse>(result).response;
        return std::to_string(response.status) + ' ' + response.body;
    }
    std::string get(const std::string& url) { return ask({.url = attune::net::parse_url(url)}); }

    attune::net::HttpClient& client() { return *client_; }

private:
    attune::net::IoThread thread_;
    std::optional<attune::net::HttpClient> client_;
};

}  // namespace attune_test
