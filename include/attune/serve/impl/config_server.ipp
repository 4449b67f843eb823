#pragma once

#include <attune/serve/config_server.hpp>

#include <attune/serve/detail/config_service.hpp>
#include <attune/store/derive.hpp>
#include <attune/store/store.hpp>
#include <attune/transport/detail/store_io.hpp>

#include <algorithm>
#include <atomic>
#include <latch>
#include <mutex>
#include <stdexcept>
#include <utility>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

namespace attune::inline ATTUNE_ABI {

namespace detail {

/// The address to listen on. Throws std::invalid_argument when strangers could come in.
inline boost::asio::ip::address listening_address(const ConfigServerOptions& options) {
    boost::system::error_code error;
    const auto address = boost::asio::ip::make_address(options.address, error);
    if (error) {
        throw std::invalid_argument{
            "a server listens on a numeric address such as 127.0.0.1, ::1 "
            "or 0.0.0.0, and not on \"" +
            options.address + '"'};
    }
    const bool token = !options.token.empty() || !options.tokens.empty();
    if (address.is_loopback() || options.insecure || (options.tls && token)) {
        return address;
    }
    throw std::invalid_argument{
        "on " + options.address + " other machines can reach this server, which needs " +
        (!options.tls && !token ? "TLS and an access token (options tls and token)"
         : token                ? "TLS to keep its token secret (option tls)"
                                : "an access token (option token)") +
        "; listen on 127.0.0.1 behind a proxy, or set insecure if everybody may read and write"};
}

inline std::string url_of(const ConfigServerOptions& options, boost::asio::ip::address address,
                          std::uint16_t port) {
    if (address.is_unspecified()) {
        address = address.is_v6()
                      ? boost::asio::ip::address{boost::asio::ip::address_v6::loopback()}
                      : boost::asio::ip::address_v4::loopback();
    }
    const std::string text = address.to_string();
    return (options.tls ? "https://" : "http://") + (address.is_v6() ? '[' + text + ']' : text) +
           ':' + std::to_string(port) + options.prefix;
}

/// A name of this run that no other has: a client that still knows an earlier run's versions would
/// take smaller ones for old answers from a cache.
inline std::string instance_of(const ConfigServerOptions& options) {
    const std::string& name = options.instance;
    const bool usable = std::all_of(name.begin(), name.end(), [](char c) {
        return c > ' ' && c <= '~' && c != '"' && c != '.';
    });
    if (!usable) {
        throw std::invalid_argument{
            "the instance begins every ETag, and ends at the first dot: no dots, quotation marks, "
            "blanks and control characters in it, and nothing but ASCII; letters, digits and "
            "hyphens will do"};
    }
    return name.empty() ? random_instance() : name + '-' + random_instance();
}

inline ServiceOptions service_options(const ConfigServerOptions& options, bool loopback) {
    ServiceOptions service{.prefix = options.prefix,
                           .tokens = options.tokens,
                           .check_host = loopback || !options.allowed_hosts.empty(),
                           .allowed_hosts = options.allowed_hosts,
                           .copies = options.limits.body,
                           .watchers = options.watchers,
                           .max_wait = options.max_wait,
                           .instance = instance_of(options),
                           .secrets = options.secrets};
    if (!options.token.empty()) {
        service.tokens.push_back({.token = options.token,
                                  .name = {},
                                  .read = true,
                                  .write = true,
                                  .admin = true,
                                  .secrets = true});
    }
    return service;
}

}  // namespace detail

/// The service on an executor: requests, publications and time come in one after the other.
struct ConfigServer::State : std::enable_shared_from_this<State> {
    std::shared_ptr<detail::StoreIo> thread;  // kept as long as anything may run on it
    std::string url;
    std::unique_ptr<detail::ConfigService> service;
    std::unique_ptr<boost::asio::steady_timer> timer;
    std::unique_ptr<net::HttpServer> http;  // gone first: it calls the others
    std::shared_ptr<std::atomic<bool>> told = std::make_shared<std::atomic<bool>>(false);
    std::shared_ptr<void> listener;
    /// For what comes by the executor, but not by the server, which waits for its own. Whoever ends
    /// it closes the gate, and is then the last to hold the state: a thread that still took it
    /// apart could be overtaken by the end of the program.
    struct Gate {
        std::mutex mutex;
        std::weak_ptr<State> state;
        std::mutex posting;  ///< of whoever publishes, which must not wait for what is inside
        boost::asio::any_io_executor executor;  ///< may be gone once the server is

        template <class F>
        void enter(F&& f) {
            const std::scoped_lock lock{mutex};
            if (const auto inside = state.lock()) {
                f(*inside);
            }
        }
        template <class F>
        void post(F&& f) {
            const std::scoped_lock lock{posting};
            if (executor) {
                boost::asio::post(executor, std::forward<F>(f));
            }
        }
        void close() {
            {
                const std::scoped_lock lock{posting};
                executor = {};
            }
            const std::scoped_lock lock{mutex};
            state.reset();
        }
    };
    std::shared_ptr<Gate> gate = std::make_shared<Gate>();
    std::latch started{1};
    std::atomic<bool> stopped = false;

    void start(const std::shared_ptr<detail::Core>& core, ConfigServerOptions options);
    void listen(detail::Core& core);
    void arm(std::chrono::steady_clock::time_point when);
};

ATTUNE_DECL void ConfigServer::State::start(const std::shared_ptr<detail::Core>& core,
                                            ConfigServerOptions options) {
    const auto address = detail::listening_address(options);
    gate->state = weak_from_this();
    if (!options.executor) {
        thread = core->poller()->service<detail::StoreIo>();
        options.executor = thread->executor();
    }
    service = std::make_unique<detail::ConfigService>(
        core, detail::service_options(options, address.is_loopback()),
        detail::ServiceEnvironment{
            .now = [] { return std::chrono::steady_clock::now(); },
            .wall = [] { return std::chrono::system_clock::now(); },
            .arm = [this](std::chrono::steady_clock::time_point when) { arm(when); },
            .counters = [this] { return http->counters(); }});
    http = std::make_unique<net::HttpServer>(
        options.executor,
        net::HttpServerOptions{.address = options.address,
                               .port = options.port,
                               .tls = options.tls,
                               .limits = options.limits},
        [this](std::shared_ptr<net::HttpExchange> exchange) {
            started.wait();  // for the rest of this function, on another thread
            // An observer of what a request writes may end the server.
            if (const auto self = weak_from_this().lock()) {
                service->handle(std::move(exchange));
            }
        });
    try {
        timer = std::make_unique<boost::asio::steady_timer>(http->executor());
        url = detail::url_of(options, address, http->port());
        listen(*core);
    } catch (...) {
        started.count_down();
        throw;
    }
    started.count_down();
}

ATTUNE_DECL void ConfigServer::State::listen(detail::Core& core) {
    // On the thread that publishes: one post, however many versions come until it is looked at.
    gate->executor = http->executor();
    listener = core.listen([gate = gate, pending = told] {
        if (pending->exchange(true)) {
            return;
        }
        try {
            gate->post([gate, pending] {
                pending->store(false);
                gate->enter([](State& state) { state.service->published(); });
            });
        } catch (...) {
            pending->store(false);  // out of memory: the next publication tries again
        }
    });
}

ATTUNE_DECL void ConfigServer::State::arm(std::chrono::steady_clock::time_point when) {
    timer->expires_at(when);
    timer->async_wait([gate = gate](boost::system::error_code error) {
        if (!error) {
            gate->enter([](State& state) { state.service->tick(); });
        }
    });
}

ATTUNE_DECL ConfigServer::ConfigServer(const Store& store, ConfigServerOptions options)
    : state_(std::make_shared<State>()) {
    state_->start(detail::HandleAccess::core(store), std::move(options));
}

ATTUNE_DECL ConfigServer::~ConfigServer() {
    stop(std::chrono::milliseconds{0});
    state_->gate->close();
}

ATTUNE_DECL std::uint16_t ConfigServer::port() const noexcept { return state_->http->port(); }

ATTUNE_DECL const std::string& ConfigServer::url() const noexcept { return state_->url; }

ATTUNE_DECL void ConfigServer::stop(std::chrono::milliseconds grace) {
    if (!state_->stopped.exchange(true)) {
        state_->listener.reset();
    }
    // Not called any more once the server is gone, which the state outlives.
    state_->http->stop(grace, [state = state_.get()] {
        state->service->drain();
        state->timer->cancel();
    });
}

ATTUNE_DECL std::vector<ClientReport> ConfigServer::clients() const {
    return state_->service->clients();
}

ATTUNE_DECL ConfigServerStatus ConfigServer::status() const {
    const detail::ServeCounters& counters = state_->service->counters();
    ConfigServerStatus status{
        .instance = state_->service->instance(),
        .watchers = state_->service->watchers(),
        .streams = state_->service->streams(),
        .clients = state_->service->client_count(),
        .held = counters.held.load(std::memory_order_relaxed),
        .writes = counters.writes.load(std::memory_order_relaxed),
        .refused_writes = counters.refused_writes.load(std::memory_order_relaxed),
        .conflicts = counters.conflicts.load(std::memory_order_relaxed),
        .http = state_->http->counters()};
    return status;
}

}  // namespace attune::inline ATTUNE_ABI
