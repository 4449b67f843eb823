#pragma once

#include <attune/document/document.hpp>
#include <attune/document/path.hpp>
#include <attune/fwd.hpp>
#include <attune/net/conditional.hpp>
#include <attune/net/http_server.hpp>
#include <attune/serve/access.hpp>
#include <attune/serve/client_registry.hpp>
#include <attune/serve/detail/access_list.hpp>
#include <attune/serve/detail/event_feed.hpp>
#include <attune/serve/detail/prefer.hpp>
#include <attune/serve/detail/problem_details.hpp>
#include <attune/serve/detail/request_target.hpp>
#include <attune/serve/detail/resource_table.hpp>
#include <attune/serve/detail/secret_places.hpp>
#include <attune/serve/detail/watchers.hpp>
#include <attune/serve/metrics.hpp>
#include <attune/version.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

/// What of a server's options decides about its answers.
struct ServiceOptions {
    std::string prefix = {};               ///< before every path: empty, or `/a/b`
    std::vector<AccessToken> tokens = {};  ///< none: everybody may do all but see secrets
    bool check_host = false;               ///< answer only to names of this machine
    std::vector<std::string> allowed_hosts = {};
    std::size_t copies = std::size_t{64} << 20;  ///< bytes that the copies of a JSON Patch may add
    std::size_t watchers = 16'384;
    std::chrono::seconds max_wait{55};
    std::string instance = random_instance();
    std::vector<Path> secrets = {};
    ResourceTable::Limits resources = {};
};

/// What a service needs from around it.
struct ServiceEnvironment {
    std::function<std::chrono::steady_clock::time_point()> now;
    std::function<std::chrono::system_clock::time_point()> wall;
    /// ConfigService::tick is to be called at that time; replaces what was said before.
    std::function<void(std::chrono::steady_clock::time_point)> arm;
    std::function<net::HttpServerCounters()> counters;
};

/// A store's endpoints: from a request to its response, whatever brings the requests. Everything is
/// called on one executor, one thing at a time; what tells about it by any thread.
///
/// The store may go at any time: then 503.
class ConfigService {
public:
    ATTUNE_DECL ConfigService(std::weak_ptr<Core> store, ServiceOptions options,
                              ServiceEnvironment environment);
    ConfigService(const ConfigService&) = delete;
    ConfigService& operator=(const ConfigService&) = delete;

    ATTUNE_DECL void handle(const std::shared_ptr<net::HttpExchange>& exchange);
    // What follows throws nothing: what fails half-way, for want of memory, is done again later.

    /// The store has published since the last call.
    ATTUNE_DECL void published();
    /// The time has come that was asked for.
    ATTUNE_DECL void tick();
    /// Answers whatever is held, and holds nothing any more.
    ATTUNE_DECL void drain();

    /// What is known about clients, problems masked.
    ATTUNE_DECL std::vector<ClientReport> clients();
    std::size_t client_count() const { return clients_.size(); }
    std::size_t watchers() const noexcept { return watchers_.size(); }
    std::size_t streams() const noexcept { return events_.size(); }
    /// Of the texts that are kept ready, and of what has them.
    std::size_t kept_bytes() const noexcept { return table_.kept_bytes(); }
    const ServeCounters& counters() const noexcept { return counters_; }
    const std::string& instance() const noexcept { return table_.instance(); }

private:
    /// A request on its way to an answer.
    struct Call {
        std::shared_ptr<net::HttpExchange> exchange;
        RequestTarget target;
        std::span<const std::string> below;  ///< the segments after the endpoint's name
        const AccessRights* rights = nullptr;
        std::shared_ptr<Core> store;
        std::shared_ptr<KnownClient> client;
        std::optional<Document> sent = {};  ///< by PUT, to be stored as it is
        bool creates = false;               ///< PUT where nothing was

        const net::HttpRequest& request() const noexcept { return exchange->request(); }
        std::string_view field(std::string_view name) const noexcept {
            return request().fields.find(name).value_or("");
        }
        bool head() const noexcept { return request().method == "HEAD"; }
    };
    /// What an endpoint asks of whoever uses it.
    enum class Scope : std::uint8_t { none, read, whole, write, admin };
    struct Endpoint {
        std::string_view name;  ///< `config` stands for /v1/config; `/metrics` for itself
        bool below;             ///< may more follow the name?
        std::string_view method;
        Scope scope;
        void (ConfigService::*answer)(Call&);
    };
    using EditFunction = std::function<void(attune::Edit&, const Document& before)>;

    // Routing and access.
    static std::span<const Endpoint> endpoints() noexcept;
    void answer(const std::shared_ptr<net::HttpExchange>& exchange);
    void route(Call& call);
    void admit(Call& call, Scope scope);
    void check_host(const Call& call) const;
    void require_path(const Call& call, const Path& path) const;
    /// Whoever may not gets nothing that is derived from what is there.
    static bool may_read(const Call& call, const Path& path) noexcept {
        return call.rights->read && call.rights->covers(path);
    }
    /// May everything be told about `path`, and about what is above it?
    bool sees_all(const Call& call, const Path& path) const;
    void hear_client(Call& call);
    void fail(net::HttpExchange& exchange, const ServeError& error);

    // Answers.
    void respond(net::HttpExchange& exchange, net::HttpResponse response);
    void respond_json(Call& call, const Document& document);
    void respond_text(Call& call, std::string_view type, std::string text);
    void respond_commit(Call& call, const ConfigResource& resource, const Commit& commit);

    // Reading.
    ConfigResource resource_of(const Call& call) const;
    Path place_of(const Call& call) const;
    Showing showing_for(const Call& call, const Preferences& preferences) const noexcept;
    Document shown(const Call& call, const Document& value, const Path& path) const;
    void get_config(Call& call);
    void get_events(Call& call);

    // Writing.
    void put_config(Call& call);
    void patch_config(Call& call);
    void delete_config(Call& call);
    Document body_of(const Call& call, std::initializer_list<std::string_view> types) const;
    void write(Call& call, const Path& path, const EditFunction& edit);
    void check_conditions(const Call& call, const ConfigResource& resource, const Document& before);
    void check_edit(const Call& call, const Document& before, const Document& after) const;
    Document patch_below(const Call& call, const Path& base, const Document& patch) const;
    void check_sources(const Call& call, const Document& patch, const Document& before) const;
    void check_merge(const Call& call, const Path& path, const Document& patch) const;
    ServeError conflict(const Call& call, const PatchError& error) const;
    /// Does a reader get exactly that value?
    bool shows(const Document& document, const Path& path, Showing showing,
               const Document& value) const;
    void post_rollback(Call& call);
    void delete_rollback(Call& call);

    // Looking back, and inside.
    void get_history(Call& call);
    void get_version(Call& call);
    void get_diff(Call& call);
    void get_explain(Call& call);
    void get_schema(Call& call);
    void get_status(Call& call);
    void get_graph(Call& call);
    void get_clients(Call& call);
    void put_client(Call& call);
    void get_health(Call& call);
    void get_ready(Call& call);
    void get_metrics(Call& call);

    std::shared_ptr<Core> store() const;
    bool store_closed() const;
    /// Brings a group up to date; tells whether those who watch it must be answered.
    bool refresh(ResourceGroup& group, const Core& store);
    void attempt(const std::function<void()>& work) noexcept;
    /// Tells whoever waits what there is.
    void tell();
    void settle_accounts();

    const std::weak_ptr<Core> store_;
    ServiceOptions options_;  // without the tokens, of which only hashes are kept
    const ServiceEnvironment environment_;
    std::vector<std::string> prefix_;  // its segments
    AccessList access_;
    const AccessRights anybody_;
    SecretPlaces secrets_;
    ServeCounters counters_;
    ClientRegistry clients_;
    ResourceTable table_;
    Watchers watchers_;
    EventFeed events_;
    std::optional<std::chrono::steady_clock::time_point> armed_;
    std::optional<std::chrono::steady_clock::time_point> retry_;  // when to tell again
    bool draining_ = false;
};

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/serve/impl/config_service.ipp>
#include <attune/serve/impl/service_history.ipp>
#include <attune/serve/impl/service_metrics.ipp>
#include <attune/serve/impl/service_read.ipp>
#include <attune/serve/impl/service_report.ipp>
#include <attune/serve/impl/service_write.ipp>
#include <attune/serve/impl/service_write_rules.ipp>
#endif
