#pragma once

#include <attune/serve/detail/config_service.hpp>

#include <attune/document/text.hpp>
#include <attune/serve/detail/store_reader.hpp>
#include <attune/store/journal.hpp>

#include <algorithm>
#include <new>
#include <stdexcept>
#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL ConfigService::ConfigService(std::weak_ptr<Core> store, ServiceOptions options,
                                         ServiceEnvironment environment)
    : store_(std::move(store)),
      options_(std::move(options)),
      environment_(std::move(environment)),
      access_(std::exchange(options_.tokens, {})),
      anybody_{
          .name = {}, .read = true, .write = true, .admin = true, .secrets = false, .paths = {}},
      secrets_(options_.secrets),
      clients_(ClientRegistry::Limits{}),
      table_(options_.instance, secrets_, options_.resources, environment_.wall),
      watchers_(table_, [this](unsigned status) { counters_.count(status); }),
      events_(clients_) {
    if (!options_.prefix.empty()) {
        const auto prefix = RequestTarget::parse(options_.prefix);
        if (!prefix || options_.prefix.back() == '/' || !prefix->query.empty()) {
            throw std::invalid_argument{"the prefix \"" + options_.prefix +
                                        "\" must begin with a slash and end without, like "
                                        "\"/settings\""};
        }
        prefix_ = prefix->segments;
    }
}

ATTUNE_DECL std::span<const ConfigService::Endpoint> ConfigService::endpoints() noexcept {
    using S = ConfigService;
    static constexpr Endpoint all[] = {
        {"config", true, "GET", Scope::read, &S::get_config},
        {"config", true, "PUT", Scope::write, &S::put_config},
        {"config", true, "PATCH", Scope::write, &S::patch_config},
        {"config", true, "DELETE", Scope::write, &S::delete_config},
        {"history", false, "GET", Scope::whole, &S::get_history},
        {"versions", true, "GET", Scope::whole, &S::get_version},
        {"diff", false, "GET", Scope::whole, &S::get_diff},
        {"rollback", false, "POST", Scope::admin, &S::post_rollback},
        {"rollback", false, "DELETE", Scope::admin, &S::delete_rollback},
        {"explain", true, "GET", Scope::read, &S::get_explain},
        {"schema", false, "GET", Scope::whole, &S::get_schema},
        {"status", false, "GET", Scope::whole, &S::get_status},
        {"graph", false, "GET", Scope::whole, &S::get_graph},
        {"events", false, "GET", Scope::read, &S::get_events},
        {"clients", false, "GET", Scope::admin, &S::get_clients},
        {"clients", true, "PUT", Scope::read, &S::put_client},
        {"/healthz", false, "GET", Scope::none, &S::get_health},
        {"/readyz", false, "GET", Scope::none, &S::get_ready},
        {"/metrics", false, "GET", Scope::whole, &S::get_metrics},
    };
    return all;
}

/// Problems without what somebody may not read. A rule is about places besides those that are
/// written, and its words may quote any of them.
inline std::vector<Problem> readable_problems(const std::vector<Problem>& problems,
                                              const AccessRights& rights) {
    std::vector<Problem> readable;
    bool more = false;
    for (const Problem& problem : problems) {
        if (!rights.covers(problem.path)) {
            more = true;
        } else if (rights.read) {
            readable.push_back(problem);
        } else {
            readable.push_back({.path = problem.path,
                                .message = "is refused",
                                .expected = problem.expected,
                                .severity = problem.severity});
        }
    }
    if (more) {
        readable.push_back({.message = "there are problems at places that the access token does "
                                       "not cover"});
    }
    return readable;
}

ATTUNE_DECL void ConfigService::handle(const std::shared_ptr<net::HttpExchange>& exchange) {
    {
        const ResourceTable::Use use{table_};
        answer(exchange);
    }
    settle_accounts();
}

ATTUNE_DECL void ConfigService::answer(const std::shared_ptr<net::HttpExchange>& exchange) {
    Call call{.exchange = exchange,
              .target = {},
              .below = {},
              .rights = nullptr,
              .store = nullptr,
              .client = nullptr};
    try {
        route(call);
    } catch (const ServeError& error) {
        fail(*exchange, error);
    } catch (const Rejected& rejected) {
        counters_.refused_writes.fetch_add(1, std::memory_order_relaxed);
        ServeError error{422, "the store refuses the change, and stays at version " +
                                  std::to_string(rejected.rejection().version)};
        error.problems = readable_problems(rejected.problems(), *call.rights);
        fail(*exchange, error);
    } catch (const std::logic_error&) {
        // Handles and servers may outlive a store; what it is asked then throws.
        if (store_closed()) {
            fail(*exchange, ServeError{503, "the program has closed the store"});
        } else {
            throw;
        }
    } catch (const JournalError&) {
        fail(*exchange, ServeError{503,
                                   "the store's journal cannot keep the change: nothing has "
                                   "changed; try again later"}
                            .with("Retry-After", "5"));
    }
}

/// What stands where the segments lead: the name of an endpoint, and how many segments it takes.
inline std::pair<std::string, std::size_t> endpoint_name(std::span<const std::string> segments) {
    if (segments.size() > 1 && segments[0] == "v1") {
        return {segments[1], 2};
    }
    return {segments.empty() ? "" : '/' + segments[0], 1};
}

ATTUNE_DECL void ConfigService::route(Call& call) {
    const net::HttpRequest& request = call.request();
    if (request.method == "OPTIONS" && request.target == "*") {
        return respond(*call.exchange, {.status = 204, .fields = {}, .body = {}});
    }
    auto target = RequestTarget::parse(request.target);
    if (!target) {
        throw ServeError{400,
                         "the target of the request is no path, or has a bad "
                         "percent-encoding"};
    }
    call.target = std::move(*target);
    std::span<const std::string> segments = call.target.segments;
    const bool here = segments.size() > prefix_.size() &&
                      std::equal(prefix_.begin(), prefix_.end(), segments.begin());
    segments = segments.subspan(here ? prefix_.size() : 0);
    const auto [name, taken] = endpoint_name(segments);
    const Endpoint* found = nullptr;
    std::string allow;
    for (const Endpoint& endpoint : endpoints()) {
        if (!here || endpoint.name != name || (segments.size() > taken && !endpoint.below)) {
            continue;
        }
        allow += endpoint.method == "GET" ? "GET, HEAD, " : std::string(endpoint.method) + ", ";
        if (endpoint.method == request.method ||
            (endpoint.method == "GET" && request.method == "HEAD")) {
            found = &endpoint;
        }
    }
    if (allow.empty()) {
        throw ServeError{404, "there is no such endpoint: the configuration is at " +
                                  options_.prefix + "/v1/config, its changes at " +
                                  options_.prefix + "/v1/history"};
    }
    allow += "OPTIONS";
    if (request.method == "OPTIONS") {
        return respond(*call.exchange, {.status = 204, .fields = {{"Allow", allow}}, .body = {}});
    }
    if (found == nullptr) {
        throw ServeError{405, "this endpoint knows only the methods " + allow}.with("Allow", allow);
    }
    call.below = segments.subspan(taken);
    admit(call, found->scope);
    if (found->scope != Scope::none) {
        call.store = store();
    }
    (this->*found->answer)(call);
}

ATTUNE_DECL void ConfigService::admit(Call& call, Scope scope) {
    if (scope == Scope::none) {
        return;
    }
    if (access_.empty()) {
        if (options_.check_host) {
            check_host(call);
        }
        call.rights = &anybody_;
        return;
    }
    const auto token = bearer_token(call.field("Authorization"));
    if (!token) {
        throw ServeError{401, "send an access token: Authorization: Bearer <token>"}.with(
            "WWW-Authenticate", "Bearer");
    }
    call.rights = access_.find(*token);
    if (call.rights == nullptr) {
        throw ServeError{401, "nobody has this access token"}.with(
            "WWW-Authenticate", "Bearer error=\"invalid_token\"");
    }
    const auto require = [](bool granted, const std::string& what) {
        if (!granted) {
            throw insufficient_scope(what);
        }
    };
    switch (scope) {
    case Scope::none: break;
    case Scope::read: return require(call.rights->read, "to read");
    case Scope::write: return require(call.rights->write, "to write");
    case Scope::whole:
        require(call.rights->read, "to read");
        return require(call.rights->whole(), "to see more than some places");
    case Scope::admin:
        require(call.rights->admin, "to administer");
        return require(call.rights->whole(), "to do this beyond some places");
    }
}

ATTUNE_DECL void ConfigService::check_host(const Call& call) const {
    const std::string_view host = call.field("Host");
    if (!local_host(host, options_.allowed_hosts)) {
        throw ServeError{421,
                         "this server answers without a token, so only to names of this "
                         "machine, such as localhost; \"" +
                             std::string(host) +
                             "\" is none, or give the server that name as an allowed host"};
    }
}

ATTUNE_DECL void ConfigService::require_path(const Call& call, const Path& path) const {
    if (!call.rights->covers(path)) {
        throw ServeError{403, "the access token does not cover \"" +
                                  (path.empty() ? std::string("/") : path.pointer()) + '"'}
            .with("WWW-Authenticate", "Bearer error=\"insufficient_scope\"");
    }
}

ATTUNE_DECL void ConfigService::hear_client(Call& call) {
    const std::string_view id = call.field("Attune-Client");
    if (ClientRegistry::valid_id(id)) {
        call.client = clients_.heard(id, call.exchange->peer().address, environment_.wall());
    }
}

ATTUNE_DECL void ConfigService::fail(net::HttpExchange& exchange, const ServeError& error) {
    respond(exchange, problem_response(error, secrets_));
}

ATTUNE_DECL void ConfigService::respond(net::HttpExchange& exchange, net::HttpResponse response) {
    counters_.count(response.status);
    exchange.respond(std::move(response));
}

ATTUNE_DECL void ConfigService::respond_text(Call& call, std::string_view type, std::string text) {
    respond(*call.exchange, {.status = 200,
                             .fields = {{"Content-Type", std::string(type)},
                                        {"Cache-Control", "no-cache"},
                                        {"Vary", "Authorization, Accept"}},
                             .body = std::move(text)});
}

ATTUNE_DECL void ConfigService::respond_json(Call& call, const Document& document) {
    respond_text(call, "application/json", to_text(document));
}

ATTUNE_DECL std::shared_ptr<Core> ConfigService::store() const {
    auto store = store_.lock();
    if (store == nullptr) {
        throw ServeError{503, "the program has closed the store"};
    }
    return store;
}

ATTUNE_DECL bool ConfigService::store_closed() const {
    const auto store = store_.lock();
    return store == nullptr || store->closed();
}

ATTUNE_DECL bool ConfigService::refresh(ResourceGroup& group, const Core& store) {
    const CurrentVersion current = read_current(store);
    secrets_.refresh(store);
    return table_.refresh(group, current.document, current.version);
}

ATTUNE_DECL void ConfigService::attempt(const std::function<void()>& work) noexcept {
    try {
        const ResourceTable::Use use{table_};
        work();
    } catch (...) {
        // Out of memory, most likely. Whoever was not told is told then.
        retry_ = environment_.now() + std::chrono::seconds{1};
    }
    try {
        settle_accounts();
    } catch (...) {
        armed_.reset();  // the next request or publication sets the timer
    }
}

ATTUNE_DECL void ConfigService::published() {
    attempt([this] { tell(); });
}

ATTUNE_DECL void ConfigService::tell() {
    const auto store = store_.lock();
    if (store == nullptr) {
        return;
    }
    for (const ResourceTable::GroupPtr& group : table_.watched()) {
        if (refresh(*group, *store)) {
            watchers_.changed(group);
        }
        table_.trim();
    }
    events_.published(*store);
}

ATTUNE_DECL void ConfigService::tick() {
    armed_.reset();
    attempt([this] {
        const auto now = environment_.now();
        if (retry_ && *retry_ <= now) {
            retry_.reset();
            tell();
        }
        const auto store = store_.lock();
        watchers_.expire(now, [&](ResourceGroup& group) {
            return store != nullptr && refresh(group, *store);
        });
        events_.heartbeat(now, environment_.wall());
    });
}

ATTUNE_DECL void ConfigService::drain() {
    draining_ = true;
    attempt([this] {
        watchers_.drain();
        events_.close();
    });
}

ATTUNE_DECL void ConfigService::settle_accounts() {
    table_.trim();
    auto next = watchers_.next_deadline();
    const auto heartbeat = events_.next_heartbeat();
    if (!next || (heartbeat && *heartbeat < *next)) {
        next = heartbeat;
    }
    if (retry_) {
        next = retry_;  // not at once, though others are due: what failed would fail again
    }
    // A call that comes too soon does no harm, and is cheaper than setting a timer each time.
    if (next && (!armed_ || *next < *armed_)) {
        environment_.arm(*next);
        armed_ = next;
    }
}

}  // namespace attune::inline ATTUNE_ABI::detail
