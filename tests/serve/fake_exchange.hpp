#pragma once

#include <attune/document/document.hpp>
#include <attune/document/parse.hpp>
#include <attune/net/http_server.hpp>
#include <attune/serve/detail/config_service.hpp>
#include <attune/store/derive.hpp>
#include <attune/store/store.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace serve_tests {

/// A request without a connection: keeps what it is answered.
class FakeExchange final : public attune::net::HttpExchange {
public:
    explicit FakeExchange(attune::net::HttpRequest request) : request_(std::move(request)) {}

    const attune::net::HttpRequest& request() const noexcept override { return request_; }
    void release_request() noexcept override { request_ = {}; }
    const attune::net::HttpPeer& peer() const noexcept override { return peer_; }

    void respond(attune::net::HttpResponse whole) override { take(std::move(whole)); }
    void respond(attune::net::HttpResponse head, std::shared_ptr<const std::string> body) override {
        head.body = *body;
        take(std::move(head));
    }
    void respond(std::shared_ptr<const std::string> wire) override {
        shared_wire = wire;
        take(read_wire(*wire));
    }
    void begin_stream(attune::net::HttpResponse head) override {
        response = std::move(head);
        streaming = true;
    }
    bool write(std::shared_ptr<const std::string> chunk) override {
        if (!streaming || slow) {
            streaming = false;
            return false;
        }
        stream += *chunk;
        return true;
    }
    void end_stream() override { streaming = false; }
    void on_gone(std::function<void()> gone) override { gone_ = std::move(gone); }

    /// The client goes away.
    void leave() {
        streaming = false;
        if (const auto gone = std::exchange(gone_, nullptr)) {
            gone();
        }
    }

    std::optional<attune::net::HttpResponse> response;
    std::size_t responses = 0;
    std::shared_ptr<const std::string> shared_wire;
    bool streaming = false;
    bool slow = false;
    bool fails = false;
    std::string stream;
    /// Called with the answer, as a client whose next request is there already.
    std::function<void()> answered;

private:
    void take(attune::net::HttpResponse taken) {
        if (fails) {
            throw std::bad_alloc{};
        }
        ++responses;
        gone_ = nullptr;
        response = std::move(taken);
        if (const auto next = std::exchange(answered, nullptr)) {
            next();
        }
    }
    static attune::net::HttpResponse read_wire(std::string_view wire) {
        attune::net::HttpResponse read;
        const std::size_t end = wire.find("\r\n\r\n");
        std::string_view head = wire.substr(0, end + 2);
        read.body = wire.substr(end + 4);
        const auto line = [&head] {
            const std::size_t size = head.find("\r\n");
            const std::string_view text = head.substr(0, size);
            head.remove_prefix(size + 2);
            return text;
        };
        read.status = static_cast<unsigned>(std::stoul(std::string(line().substr(9, 3))));
        while (!head.empty()) {
            const std::string_view field = line();
            const std::size_t colon = field.find(": ");
            read.fields.add(std::string(field.substr(0, colon)),
                            std::string(field.substr(colon + 2)));
        }
        return read;
    }

    attune::net::HttpRequest request_;
    attune::net::HttpPeer peer_{.address = "192.0.2.7", .port = 4711};
    std::function<void()> gone_;
};

/// An answer, or what there is of it.
struct Answer {
    std::shared_ptr<FakeExchange> exchange;

    bool held() const { return !exchange->response.has_value(); }
    unsigned status() const { return held() ? 0 : exchange->response->status; }
    std::string field(std::string_view name) const {
        return held() ? "" : exchange->response->fields.joined(name);
    }
    const std::string& body() const { return exchange->response.value().body; }
    attune::Document json() const { return attune::parse(body()); }
    std::string etag() const { return field("ETag"); }
};

/// A store's endpoints without a network, and with a clock that stands still.
class Service {
public:
    using Fields = attune::net::HttpFields;

    explicit Service(const attune::Store& store,
                     attune::detail::ServiceOptions options = {.instance = "abcdefghij"})
        : service_(std::make_unique<attune::detail::ConfigService>(
              attune::detail::HandleAccess::core(store), std::move(options),
              attune::detail::ServiceEnvironment{
                  .now = [this] { return now; },
                  .wall = [this] { return wall; },
                  .arm = [this](std::chrono::steady_clock::time_point when) { armed = when; },
                  .counters = [] { return attune::net::HttpServerCounters{}; }})) {}

    Answer ask(std::string method, std::string target, Fields fields = {}, std::string body = {}) {
        auto exchange =
            std::make_shared<FakeExchange>(attune::net::HttpRequest{.method = std::move(method),
                                                                    .target = std::move(target),
                                                                    .fields = std::move(fields),
                                                                    .body = std::move(body)});
        service_->handle(exchange);
        return {exchange};
    }
    Answer get(std::string target, Fields fields = {}) {
        return ask("GET", std::move(target), std::move(fields));
    }
    Answer put(std::string target, std::string body, Fields fields = {}) {
        fields.set("Content-Type", "application/json");
        return ask("PUT", std::move(target), std::move(fields), std::move(body));
    }
    Answer patch(std::string target, std::string body, Fields fields = {}) {
        fields.set("Content-Type", "application/json-patch+json");
        return ask("PATCH", std::move(target), std::move(fields), std::move(body));
    }
    Answer merge(std::string target, std::string body, Fields fields = {}) {
        fields.set("Content-Type", "application/merge-patch+json");
        return ask("PATCH", std::move(target), std::move(fields), std::move(body));
    }
    /// A request that waits for another state than `etag`.
    Answer watch(std::string target, std::string etag, Fields fields = {}, unsigned seconds = 30) {
        fields.set("If-None-Match", std::move(etag));
        fields.add("Prefer", "wait=" + std::to_string(seconds));
        return get(std::move(target), std::move(fields));
    }
    /// As when the store has told of a publication.
    void published() { service_->published(); }
    /// Time goes by, and whatever is due is done.
    void pass(std::chrono::milliseconds time) {
        now += time;
        wall += time;
        if (armed && *armed <= now) {
            armed.reset();
            service_->tick();
        }
    }
    attune::detail::ConfigService& inside() { return *service_; }
    void close() { service_.reset(); }

    std::chrono::steady_clock::time_point now{std::chrono::hours{1}};
    std::chrono::system_clock::time_point wall{std::chrono::seconds{1'700'000'000}};
    std::optional<std::chrono::steady_clock::time_point> armed;

private:
    std::unique_ptr<attune::detail::ConfigService> service_;
};

}  // namespace serve_tests
