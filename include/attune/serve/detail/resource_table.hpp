#pragma once

#include <attune/net/conditional.hpp>
#include <attune/net/http_server.hpp>
#include <attune/serve/client_registry.hpp>
#include <attune/serve/detail/representation.hpp>
#include <attune/serve/detail/secret_places.hpp>
#include <attune/version.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <boost/intrusive/list.hpp>
#include <boost/intrusive/set.hpp>

namespace attune::inline ATTUNE_ABI::detail {

struct ResourceGroup;

/// A request that is held until its resource changes. In its group's list and in the order of the
/// deadlines, and out of both when it is destroyed.
struct Watcher
    : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>,
      boost::intrusive::set_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>,
                                      boost::intrusive::optimize_size<true>> {
    std::shared_ptr<net::HttpExchange> exchange;
    ResourceGroup* group = nullptr;
    std::chrono::steady_clock::time_point deadline{};
    std::uint32_t wait = 0;                       ///< what Preference-Applied says
    std::unique_ptr<const net::EntityTags> tags;  ///< when there are several
    ClientRegistry::Watch watch;
};

using WatcherList = boost::intrusive::list<Watcher, boost::intrusive::constant_time_size<false>>;

/// One resource as one kind of readers gets it, and who of them waits for it to change. What it
/// answers is made once for all, and again when it was let go of in between.
struct ResourceGroup
    : std::enable_shared_from_this<ResourceGroup>,
      boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
    /// Whole responses, in the form they are sent.
    struct Wire {
        unsigned status;
        std::optional<std::uint32_t> wait;
        bool asks_report;
        std::shared_ptr<const std::string> bytes;
    };

    ConfigResource resource;
    Showing showing = Showing::masked;
    std::string key;
    std::vector<std::optional<Document>> parts;  ///< what the present representation is made of
    std::uint64_t secret_epoch = 0;
    Representation now;
    Version version = 0;  ///< of the store, when it was looked at last
    std::vector<Wire> wires;
    std::time_t wires_made = 0;  ///< they say when
    WatcherList watchers;
    bool untold = false;  ///< it has changed, and not all who watch it have been answered
    // What it counts for.
    std::size_t kept_bytes = 0;
    std::size_t watched_bytes = 0;
    bool idle = false;
};

/// The resources that are watched, and those that were asked for lately. One thread at a time.
///
/// Of what is watched, the ETag and the subtrees are kept for good, which the store has as well;
/// the texts only as far as the limits allow.
class ResourceTable {
public:
    using GroupPtr = std::shared_ptr<ResourceGroup>;
    using Clock = std::function<std::chrono::system_clock::time_point()>;

    struct Limits {
        std::size_t groups = 256;              ///< that nobody watches
        std::size_t bytes = 32 * 1024 * 1024;  ///< of texts, and of groups that nobody watches
        /// Of the texts of what is watched, kept or not: what a publication may have to make anew.
        std::size_t watched = 64 * 1024 * 1024;
    };

    /// What goes over the wire.
    struct Reply {
        unsigned status = 0;
        std::optional<net::HttpResponse> head;     ///< when it goes out apart from the body
        std::shared_ptr<const std::string> bytes;  ///< the body, or all

        ATTUNE_DECL void send(net::HttpExchange& exchange) &&;
    };

    /// While there is one, no group goes: whoever answers may be called again before it returns.
    class Use {
    public:
        explicit Use(ResourceTable& table) noexcept : table_(table) { ++table_.uses_; }
        Use(const Use&) = delete;
        Use& operator=(const Use&) = delete;
        ~Use() { --table_.uses_; }

    private:
        ResourceTable& table_;
    };

    ResourceTable(std::string instance, const SecretPlaces& secrets, Limits limits, Clock clock)
        : representer_(std::move(instance)),
          secrets_(secrets),
          limits_(limits),
          clock_(std::move(clock)) {}

    /// The group of that resource, up to date with a version.
    ///
    /// `changed` tells that those who watch it must be answered.
    ATTUNE_DECL GroupPtr get(const ConfigResource& resource, Showing showing,
                             const Document& document, Version version, bool& changed);

    /// Brings a group up to date. True when not all who watch it have been told of its present
    /// representation. O(length of the paths) when the subtrees are the same objects.
    ATTUNE_DECL bool refresh(ResourceGroup& group, const Document& document, Version version);

    /// The ETag that a resource has in `document`.
    ATTUNE_DECL std::string etag_of(const ConfigResource& resource, Showing showing,
                                    const Document& document);

    /// The present representation: 200, or 404 where nothing is; or 304. `wait` is what the client
    /// is told about its wish to wait; `asks_report`, whether that the server does not know what it
    /// runs.
    ATTUNE_DECL Reply reply(ResourceGroup& group, bool unchanged, std::optional<std::uint32_t> wait,
                            bool asks_report);

    /// May one more resource be watched, if it is that one?
    ATTUNE_DECL bool may_watch(const ResourceGroup& group) const noexcept;
    /// To be called when a group has got its first watcher, or lost its last.
    ATTUNE_DECL void sort_in(ResourceGroup& group) noexcept;
    /// Forgets what nobody watches and was not asked for lately, and texts beyond the limit.
    ATTUNE_DECL void trim() noexcept;

    ATTUNE_DECL std::vector<GroupPtr> watched();
    /// Of all texts that are kept, and of groups that nobody watches.
    std::size_t kept_bytes() const noexcept { return kept_bytes_; }
    const std::string& instance() const noexcept { return representer_.instance(); }

private:
    using GroupList =
        boost::intrusive::list<ResourceGroup, boost::intrusive::constant_time_size<false>>;

    net::HttpResponse head_of(const ResourceGroup& group, unsigned status,
                              std::optional<std::uint32_t> wait, bool asks_report) const;
    std::shared_ptr<const std::string> body_of(ResourceGroup& group);

    Representer representer_;
    const SecretPlaces& secrets_;
    const Limits limits_;
    const Clock clock_;
    std::unordered_map<std::string, GroupPtr> groups_;
    // In each, the one that was asked for last comes last.
    GroupList watched_;  // whose texts are kept
    GroupList bare_;     // watched, without their texts
    GroupList idle_;
    std::size_t idle_groups_ = 0;
    std::size_t kept_bytes_ = 0;
    std::size_t watched_bytes_ = 0;
    std::size_t uses_ = 0;
};

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/serve/impl/resource_table.ipp>
#endif
