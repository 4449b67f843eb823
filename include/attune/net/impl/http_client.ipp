#pragma once

#include <attune/net/http_client.hpp>
#include <attune/net/impl/http_dialogue.hpp>
#include <attune/net/impl/http_link.hpp>
#include <attune/net/impl/tls_client.hpp>

#include <algorithm>
#include <exception>
#include <stdexcept>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace attune::inline ATTUNE_ABI::net {

struct HttpOperation::State {
    HttpClient::Done done;
    std::shared_ptr<detail::HttpLink> link;  // the one that it waits for
    bool cancelled = false;

    void cancel() noexcept {
        cancelled = true;
        const auto dropped = std::exchange(done, nullptr);
        if (const auto waiting = std::exchange(link, nullptr)) {
            waiting->close();
        }
    }
};

struct HttpClient::State : std::enable_shared_from_this<HttpClient::State> {
    using Link = detail::HttpLink;
    using LinkPtr = std::shared_ptr<Link>;
    using Failure = std::optional<HttpError>;
    template <class T>
    using Awaitable = boost::asio::awaitable<T>;

    State(boost::asio::any_io_executor runs, HttpClientOptions given)
        : executor(std::move(runs)), options(std::move(given)) {
        const TlsClientOptions& tls = options.tls;
        if (!tls.authorities.empty() || !tls.certificate.empty() || !tls.private_key.empty()) {
            context.emplace(detail::tls_client_context(tls));
        }
    }

    /// Made for the first server that needs it: the system's authorities take a while to read.
    boost::asio::ssl::context& tls_context() {
        return context ? *context : context.emplace(detail::tls_client_context(options.tls));
    }

    /// Connections to one place serve each other's requests.
    std::string place_of(const Url& url) const {
        return options.proxy && !url.tls ? std::string{} : url.origin();
    }

    LinkPtr take(const std::string& place) {
        const auto oldest = std::chrono::steady_clock::now() - options.keep;
        std::erase_if(kept, [&](const LinkPtr& link) {
            return link->idle_since < oldest || !link->quiet();
        });
        const auto found = std::find_if(kept.rbegin(), kept.rend(), [&](const LinkPtr& link) {
            return link->leads_to == place;
        });
        if (found == kept.rend()) {
            return nullptr;
        }
        LinkPtr link = std::move(*found);
        kept.erase(std::next(found).base());
        return link;
    }

    void keep(LinkPtr link, std::string place) {
        if (closed || options.kept == 0) {
            return;
        }
        if (kept.size() >= options.kept) {
            kept.erase(kept.begin());
        }
        link->idle_since = std::chrono::steady_clock::now();
        link->leads_to = std::move(place);
        kept.push_back(std::move(link));
    }

    detail::HttpDialogue dialogue(const ClientRequest& request) const {
        detail::HttpDialogue made{.place = request.url.text(), .head = {}, .body = request.body};
        made.bodiless = request.method == "HEAD" || request.method == "CONNECT";
        made.max_header = options.header;
        made.max_body = options.body;
        made.timeouts = options.timeouts;
        made.timeouts.first_byte = request.first_byte.value_or(options.timeouts.first_byte);
        return made;
    }

    Awaitable<Failure> tunnel(Link& link, const Url& url) {
        const std::string refused =
            "the proxy " + options.proxy->origin() + " does not connect to " + url.origin();
        const std::string host =
            url.host.find(':') == std::string::npos ? url.host : '[' + url.host + ']';
        const std::string place = host + ':' + std::to_string(url.port);
        std::string head = "CONNECT " + place + " HTTP/1.1\r\nHost: " + place + "\r\n";
        if (const std::string& credentials = options.proxy->credentials; !credentials.empty()) {
            head += "Proxy-Authorization: " + detail::basic_authorization(credentials) + "\r\n";
        }
        ClientRequest request;
        request.method = "CONNECT";
        request.url = *options.proxy;
        detail::HttpDialogue asked = dialogue(request);
        asked.head = head + "\r\n";
        auto error = co_await detail::converse(link, asked);
        if (error) {
            co_return HttpError{HttpFault::proxy, refused + ": " + error->message};
        }
        if (const unsigned status = asked.response.status; status / 100 != 2) {
            const bool denied = status == 407;
            co_return HttpError{denied ? HttpFault::proxy_denied : HttpFault::proxy,
                                refused + ": it answered " + std::to_string(status) +
                                    (denied ? "; give it credentials that it accepts" : "")};
        }
        // It would pass for what the server says by TLS, though anybody can have said it.
        if (link.received.size() != 0) {
            co_return HttpError{HttpFault::proxy, refused + ": it sent more than its answer"};
        }
        co_return std::nullopt;
    }

    Awaitable<Failure> open(Link& link, const Url& url) {
        const auto limit = options.timeouts.connect;
        const bool proxied = options.proxy.has_value();
        auto error = co_await link.connect(proxied ? *options.proxy : url, limit);
        if (error && proxied) {
            co_return HttpError{HttpFault::proxy,
                                error->message + ", the proxy for " + url.origin()};
        }
        if (error || !url.tls) {
            co_return error;
        }
        if (proxied) {
            error = co_await tunnel(link, url);
            if (error) {
                co_return error;
            }
        }
        Failure no_context;
        try {
            tls_context();
        } catch (const std::runtime_error& unusable) {
            no_context = HttpError{HttpFault::tls, unusable.what()};
        }
        if (no_context) {
            co_return no_context;
        }
        co_return co_await link.secure(tls_context(), url, options.tls.verify, limit);
    }

    /// One request and its response, whatever that says.
    Awaitable<Failure> exchange(HttpOperation::State& operation, const ClientRequest& request,
                                HttpResponse& response) {
        const bool whole = options.proxy.has_value() && !request.url.tls;
        detail::HttpDialogue asked = dialogue(request);
        auto error =
            detail::request_head(request, whole, whole ? options.proxy->credentials : std::string{},
                                 asked.head);
        if (error) {
            co_return error;
        }
        const std::string place = place_of(request.url);
        const std::string& method = request.method;
        bool reuse = !request.fresh && (method == "GET" || method == "HEAD" || method == "PUT" ||
                                        method == "DELETE" || method == "OPTIONS");
        for (;;) {
            LinkPtr link = reuse ? take(place) : nullptr;
            reuse = link != nullptr;
            if (!reuse) {
                link = std::make_shared<Link>(executor);
            }
            if (operation.cancelled) {
                co_return HttpError{};
            }
            operation.link = link;
            if (!reuse) {
                error = co_await open(*link, request.url);
            }
            if (!error) {
                error = co_await detail::converse(*link, asked);
            }
            if (operation.cancelled) {
                link->close();
                co_return HttpError{};
            }
            operation.link = nullptr;
            if (!error) {
                if (asked.keep) {
                    keep(std::move(link), place);
                }
                response = std::move(asked.response);
                co_return std::nullopt;
            }
            link->close();
            if (!reuse || error->fault != HttpFault::lost) {
                co_return error;
            }
            reuse = false;
            error.reset();
        }
    }

    /// Does the redirect turn the request into a GET?
    static bool goes_on_as_get(const ClientRequest& request, unsigned status) noexcept {
        return (status == 303 && request.method != "HEAD") ||
               (status < 303 && request.method == "POST");
    }

    /// Where a response sends on to; nothing when it does not, an error when nobody should go.
    std::variant<std::monostate, Url, HttpError> onward(const ClientRequest& request,
                                                        const HttpResponse& response) const {
        const unsigned status = response.status;
        const auto location = response.fields.find("Location");
        const bool redirects =
            status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
        if (!redirects || !location) {
            return {};
        }
        const Url& from = request.url;
        const auto refuse = [&](const std::string& why) {
            return HttpError{HttpFault::redirect, from.text() + why};
        };
        try {
            Url to = resolve(from, *location);
            if (from.tls && !to.tls) {
                return refuse(" redirects to " + to.text() +
                              ", from https to http, where others could read and change it; that "
                              "is not followed");
            }
            if (!same_origin(from, to) && detail::sends_body(request) &&
                !goes_on_as_get(request, status)) {
                return refuse(" redirects to " + to.text() +
                              ", which is another server, and what was sent was not meant for "
                              "it; that is not followed: give the URL of that server if it is");
            }
            return to;
        } catch (const UrlError& error) {
            return refuse(" redirects to where no client can go: " + std::string(error.what()));
        }
    }

    Awaitable<ClientResult> perform(std::shared_ptr<HttpOperation::State> operation,
                                    ClientRequest request) {
        co_await boost::asio::post(boost::asio::use_awaitable);
        const Url first = request.url;
        for (unsigned hop = 0;; ++hop) {
            HttpResponse response;
            auto error = co_await exchange(*operation, request, response);
            if (error) {
                co_return std::move(*error);
            }
            auto next = onward(request, response);
            if (auto* refused = std::get_if<HttpError>(&next)) {
                co_return std::move(*refused);
            }
            auto* const to = std::get_if<Url>(&next);
            if (to == nullptr) {
                co_return ClientResponse{std::move(response), std::move(request.url)};
            }
            if (hop == options.redirects) {
                co_return HttpError{HttpFault::redirect, first.text() + " redirects more than " +
                                                             std::to_string(options.redirects) +
                                                             " times, last to " + to->text()};
            }
            go_on(request, std::move(*to), response.status);
        }
    }

    /// Makes the request the one for the place it was redirected to.
    static void go_on(ClientRequest& request, Url to, unsigned status) {
        const bool same = same_origin(request.url, to);
        if (same) {
            to.credentials = request.url.credentials;
        }
        request.url = std::move(to);
        const bool as_get = goes_on_as_get(request, status);
        if (!same) {
            request.private_fields.clear();
        }
        HttpFields fields;
        for (const auto& [name, value] : request.fields) {
            const auto is = [&, &name = name](std::string_view other) {
                return same_token(name, other);
            };
            const bool secret = is("Authorization") || is("Cookie") || is("Proxy-Authorization");
            const bool of_body = is("Content-Type") || is("If-Match");
            if ((same || !secret) && !(as_get && of_body)) {
                fields.add(name, value);
            }
        }
        request.fields = std::move(fields);
        if (as_get) {
            request.method = "GET";
            request.body.clear();
        }
    }

    void close() noexcept {
        closed = true;
        kept.clear();
        for (const auto& weak : std::exchange(operations, {})) {
            if (const auto operation = weak.lock()) {
                operation->cancel();
            }
        }
    }

    const boost::asio::any_io_executor executor;
    const HttpClientOptions options;
    std::optional<boost::asio::ssl::context> context;
    std::vector<LinkPtr> kept;  // the one used last at the end
    std::vector<std::weak_ptr<HttpOperation::State>> operations;
    bool closed = false;
};

ATTUNE_DECL HttpOperation::HttpOperation(std::shared_ptr<State> state) noexcept
    : state_(std::move(state)) {}

ATTUNE_DECL HttpOperation::HttpOperation(HttpOperation&& other) noexcept = default;

ATTUNE_DECL HttpOperation& HttpOperation::operator=(HttpOperation&& other) noexcept {
    if (this != &other) {
        cancel();
        state_ = std::move(other.state_);
    }
    return *this;
}

ATTUNE_DECL HttpOperation::~HttpOperation() { cancel(); }

ATTUNE_DECL void HttpOperation::cancel() noexcept {
    if (const auto state = std::exchange(state_, nullptr)) {
        state->cancel();
    }
}

ATTUNE_DECL HttpClient::HttpClient(boost::asio::any_io_executor executor, HttpClientOptions options)
    : state_(std::make_shared<State>(std::move(executor), std::move(options))) {}

ATTUNE_DECL HttpClient::~HttpClient() { state_->close(); }

ATTUNE_DECL HttpOperation HttpClient::start(ClientRequest request, Done done) {
    const auto operation = std::make_shared<HttpOperation::State>();
    operation->done = std::move(done);
    std::erase_if(state_->operations, [](const auto& weak) { return weak.expired(); });
    state_->operations.push_back(operation);
    boost::asio::co_spawn(state_->executor, state_->perform(operation, std::move(request)),
                          [operation, state = state_](const std::exception_ptr& thrown,
                                                      ClientResult result) {
                              if (thrown) {
                                  result = HttpError{HttpFault::lost, "out of memory"};
                              }
                              if (const auto tell = std::exchange(operation->done, nullptr)) {
                                  tell(std::move(result));
                              }
                          });
    return HttpOperation{operation};
}

}  // namespace attune::inline ATTUNE_ABI::net
