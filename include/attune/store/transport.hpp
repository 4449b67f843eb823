#pragma once

#include <attune/bind/problem.hpp>
#include <attune/document/document.hpp>
#include <attune/document/origin.hpp>
#include <attune/document/path.hpp>
#include <attune/document/source.hpp>
#include <attune/fwd.hpp>
#include <attune/version.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace attune::inline ATTUNE_ABI {

class Poller;

/// How the name of a Text is to be read.
enum class Naming : std::uint8_t {
    path,        ///< a path as written: `server.port`, or a JSON Pointer
    variable,    ///< an environment variable without its prefix: `SERVER_POOL_SIZE`
    option,      ///< a command-line option without its dashes: `server.port`, `no-x`
    positional,  ///< an argument without a name; the value of the option before it, or left over
};

/// One value that came without a type. The store finds its place among the bound structs and
/// decodes it by the type it finds there.
struct Text {
    Naming naming = Naming::path;
    std::string name;
    std::string value;
    Origin origin;
    std::string prefix =
        {};  ///< what stands before the name where a person writes it: `SERVICE_`, `--`
    bool has_value = true;  ///< options only: false for `--name`, without `=value`
};

/// What one reading of a transport brought.
struct Content {
    Document document;                          ///< null when there is nothing
    std::shared_ptr<const Source> source = {};  ///< where its values stand; may be null
    std::vector<Text> texts = {};               ///< values that still need a place
    std::string revision = {};                  ///< the transport's own version mark, if it has one
    std::optional<std::string> variable_prefix = {};  ///< set when it reads environment variables
    bool reads_options = false;                       ///< true when it reads command-line options
    /// Not empty when this is an older reading that stands in for one that could not be had, and
    /// then says why: the layer is stale from the start.
    std::vector<Problem> stale_because = {};
};

/// What a store serves of a layer.
struct Accepted {
    Document document;  ///< as the transport brought it
    /// The same without secrets, and without what nobody has bound, of which nobody knows whether
    /// it is secret. Null while nothing is bound.
    Document without_secrets;
    std::string revision;
};

/// What became of a content that a transport delivered.
struct Verdict {
    Version version = 0;                 ///< of the store, afterwards
    std::vector<Problem> problems = {};  ///< why it is not served; empty when it is
    bool accepted() const noexcept { return problems.empty(); }
};

/// The store's side of a running transport. The store keeps it valid until Transport::stop has
/// returned. Calls for one transport must not overlap.
class Feed {
public:
    virtual ~Feed() = default;

    /// A new reading. Commits on the calling thread; a refusal is reported by the store, which
    /// keeps the last good version, and tries this content again when something else changes: see
    /// Transport::accepted.
    virtual Verdict content(Content content) = 0;

    /// The transport could not bring a document: the last good one stays, the layer turns stale
    /// and the problems go to Store::on_rejected and Layer::status.
    virtual void failed(std::vector<Problem> problems) = 0;

    /// The transport works, and nothing has changed: ends a stale state.
    virtual void unchanged() = 0;

    /// The store's thread for file descriptors and timers.
    virtual Poller& poller() = 0;
};

/// Where documents come from: a file, a server, memory.
///
/// A transport brings one document and, once started, its later states. It judges nothing: merging,
/// binding and validation are the store's. `load` is called before `start`, and again by
/// Layer::reload; `load`, `start` and `stop` never overlap.
class Transport {
public:
    virtual ~Transport() = default;

    /// For people: `file service.json`. Constant.
    virtual std::string name() const = 0;

    /// Reads the present state. Throws Rejected or ParseError when that is impossible.
    virtual Content load() = 0;

    /// Begins to watch. Whatever changed since `load` must be delivered; nothing equal may be.
    virtual void start(Feed&) {}

    /// Ends the watch. After it has returned the feed is not called again; when called from inside
    /// a feed call, that call is the last.
    virtual void stop() noexcept {}

    /// True when the publisher is another program that may be newer than this one: unknown keys
    /// are then warnings by default.
    virtual bool remote() const noexcept { return false; }

    /// True when Layer::set may replace the document.
    virtual bool writable() const noexcept { return false; }

    /// Keeps what Layer::set makes of the document, for a transport whose document lives elsewhere.
    /// Called inside the commit, before anybody sees the document; throws Rejected when it cannot,
    /// or when somebody else has written since `revision`: then nothing has changed. Returns the
    /// new revision.
    virtual std::string save(const Document&, const std::string& revision) { return revision; }

    /// True when Layer::set goes to the publisher by `write`, and not through `save`.
    virtual bool writes_to_publisher() const noexcept { return false; }

    /// Has the publisher put `value` at `path` of its document, and delivers what it then publishes
    /// before it returns the verdict on it. Called outside of commits, by any thread and by several
    /// at once; may wait. Throws Rejected when the publisher refuses, or cannot be reached.
    virtual Verdict write(const Path&, const Document&) { return {}; }

    /// True when `accepted` is to be called.
    virtual bool wants_accepted() const noexcept { return false; }

    /// What the store now serves of this layer: after each content that was accepted, and again
    /// when a binding is added. Outside of commits, on the thread that did it; calls do not overlap
    /// and the last one is the newest.
    virtual void accepted(const Accepted&) {}
};

}  // namespace attune::inline ATTUNE_ABI
