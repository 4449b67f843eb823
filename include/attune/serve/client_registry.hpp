#pragma once

#include <attune/bind/problem.hpp>
#include <attune/fwd.hpp>
#include <attune/version.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI {

/// What became of the newest configuration at a client.
enum class ClientState : std::uint8_t {
    unknown,  ///< it has not said
    applied,
    refused,  ///< it goes on with an older one
};

/// `unknown`, `applied` or `refused`.
ATTUNE_DECL std::string_view to_string(ClientState state) noexcept;

/// What a server knows about one client.
struct ClientReport {
    std::string id{};       ///< the client's own, made by chance
    std::string name{};     ///< as it calls itself: `host/program[pid]`
    std::string address{};  ///< where its last request came from
    ClientState state = ClientState::unknown;
    std::string path{};   ///< what it reads, as a JSON Pointer
    Version version = 0;  ///< that it applied or refused, as the server numbers them
    std::string etag{};
    std::vector<Problem> problems{};                   ///< why it was refused
    std::chrono::system_clock::time_point reported{};  ///< when it said all that
    std::chrono::system_clock::time_point heard{};     ///< its last request
    bool watching = false;                             ///< it waits for changes right now
};

namespace detail {

/// A client that the registry knows, or knew.
struct KnownClient {
    ClientReport report;
    std::size_t bytes = 0;
    std::size_t watches = 0;
    std::list<std::shared_ptr<KnownClient>>::iterator place;
};

/// The clients of a server that have told their ids. Bounded; forgets those it has not heard of for
/// long. Any thread.
class ClientRegistry {
public:
    using Time = std::chrono::system_clock::time_point;

    struct Limits {
        std::size_t clients = 16'384;
        std::size_t bytes = 32 * 1024 * 1024;
        std::chrono::seconds silence = std::chrono::minutes{10};
    };

    /// A client's watch, which ends with the object.
    class Watch {
    public:
        Watch() = default;
        Watch(ClientRegistry& registry, std::shared_ptr<KnownClient> client) noexcept
            : registry_(&registry), client_(std::move(client)) {}
        Watch(Watch&&) = default;
        Watch& operator=(Watch other) noexcept {
            std::swap(registry_, other.registry_);
            std::swap(client_, other.client_);
            return *this;
        }
        ATTUNE_DECL ~Watch();

        const std::shared_ptr<KnownClient>& client() const noexcept { return client_; }
        /// See ClientRegistry::owes_report.
        bool owes_report() const { return registry_ != nullptr && registry_->owes_report(client_); }

    private:
        ClientRegistry* registry_ = nullptr;
        std::shared_ptr<KnownClient> client_;
    };

    explicit ClientRegistry(Limits limits) : limits_(limits) {}

    /// 1 to 64 of `A-Z a-z 0-9 . _ -`.
    ATTUNE_DECL static bool valid_id(std::string_view id) noexcept;

    /// It has asked for something. Null when there is no room for another client.
    ATTUNE_DECL std::shared_ptr<KnownClient> heard(std::string_view id, std::string_view address,
                                                   Time now);
    /// A client that watches is still there.
    ATTUNE_DECL void still_watches(const std::shared_ptr<KnownClient>& client, Time now);
    /// The client begins to watch; it may be null.
    ATTUNE_DECL Watch watch(std::shared_ptr<KnownClient> client);
    /// It has reported; `id` and `address` in it count too. False when there is no room.
    ATTUNE_DECL bool reported(ClientReport report, Time now);

    /// It has not said what it runs, or that was forgotten. Not when it is null.
    ATTUNE_DECL bool owes_report(const std::shared_ptr<KnownClient>& client) const;

    /// Those there are, by id.
    ATTUNE_DECL std::vector<ClientReport> list(Time now);
    ATTUNE_DECL std::size_t size() const;

private:
    using Order = std::list<std::shared_ptr<KnownClient>>;

    std::shared_ptr<KnownClient> heard_locked(std::string_view id, std::string_view address,
                                              Time now);
    void forget_silent(Time now);
    bool make_room();
    void forget(Order::iterator client);

    const Limits limits_;
    mutable std::mutex mutex_;
    Order order_;  // by `heard`, oldest first
    std::unordered_map<std::string_view, Order::iterator> by_id_;
    std::size_t bytes_ = 0;
};

}  // namespace detail

}  // namespace attune::inline ATTUNE_ABI

#if ATTUNE_HEADER_ONLY
#include <attune/serve/impl/client_registry.ipp>
#endif
