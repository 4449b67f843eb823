#pragma once

#include <attune/bind/problem.hpp>
#include <attune/document/document.hpp>
#include <attune/document/path.hpp>
#include <attune/net/back_off.hpp>
#include <attune/net/http_client.hpp>
#include <attune/store/transport.hpp>
#include <attune/transport/detail/http_reading.hpp>
#include <attune/transport/detail/http_settings.hpp>
#include <attune/transport/impl/http_reporter.hpp>
#include <attune/transport/impl/http_share.hpp>
#include <attune/version.hpp>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

namespace attune::inline ATTUNE_ABI::detail {

/// What becomes of a write, for the thread that waits for it.
class HttpWriteOutcome {
public:
    struct Result {
        Verdict verdict = {};
        std::optional<Rejection> rejection = {};
    };

    void set(Result result) {
        const std::scoped_lock lock{mutex_};
        result_ = std::move(result);
        ended_ = true;
        set_.notify_all();
    }
    /// There will be none.
    void drop() {
        const std::scoped_lock lock{mutex_};
        ended_ = true;
        set_.notify_all();
    }
    /// Waits. Nothing when the layer was stopped first.
    std::optional<Result> get() {
        std::unique_lock lock{mutex_};
        set_.wait(lock, [&] { return ended_; });
        return std::move(result_);
    }

private:
    std::mutex mutex_;
    std::condition_variable set_;
    bool ended_ = false;
    std::optional<Result> result_;
};

/// One Layer::set under way.
struct HttpWrite {
    HttpWrite(Path to, Document what) : path(std::move(to)), value(std::move(what)) {}
    HttpWrite(const HttpWrite&) = delete;
    HttpWrite& operator=(const HttpWrite&) = delete;
    ~HttpWrite() { outcome->drop(); }

    const Path path;
    const Document value;
    const std::shared_ptr<HttpWriteOutcome> outcome = std::make_shared<HttpWriteOutcome>();
    unsigned attempts = 0;
    unsigned readings = 0;  ///< that were too old
    bool sent = false;
    /// What was at the path when it was sent first: if that has changed since, whoever writes would
    /// not have meant to.
    std::optional<Document> before = {};
};

/// Follows the document of a layer, and writes to it. Everything happens on the network's thread,
/// the last release included.
class HttpWatch : public std::enable_shared_from_this<HttpWatch> {
public:
    using WritePtr = std::shared_ptr<HttpWrite>;

    /// Throws std::runtime_error, as HttpClient does.
    ATTUNE_DECL HttpWatch(std::shared_ptr<const HttpSettings> settings,
                          std::shared_ptr<HttpShare> share,
                          const boost::asio::any_io_executor& executor);

    ATTUNE_DECL void begin();
    ATTUNE_DECL void end() noexcept;

    /// A reload has taken place: whether the store took that last, or something that was read
    /// before, nobody knows. What is there now settles it.
    ATTUNE_DECL void settle();

    ATTUNE_DECL void write(WritePtr write);

    /// The store now serves this revision, perhaps one that it had refused.
    ATTUNE_DECL void accepted(const std::string& revision);

private:
    using Clock = std::chrono::steady_clock;
    using Milliseconds = std::chrono::milliseconds;

    /// What is remembered of a request.
    struct Asked {
        std::size_t place;
        bool conditional;
        bool waits;
        bool reported;  ///< the server had the last report already
        std::uint64_t serial;
        Clock::time_point at;
    };

    /// Why a writer reads the document.
    enum class ReadFor : std::uint8_t { base, conflict, result };

    const HttpPlace& place(std::size_t index) const { return settings_->places()[index]; }

    void ask();
    void ask_after(Milliseconds pause);
    void answered(const Asked& asked, net::ClientResult result);
    void arrived(const Asked& asked, HttpReading reading);
    bool take(const Asked& asked, HttpReading& reading);
    Verdict give(std::size_t from, HttpReading& reading);
    void advance(std::size_t from, HttpReading& reading, bool absent);
    void go_on(const Asked& asked, const HttpReading& reading, bool news);
    void fail(std::size_t from, HttpReading reading);
    void tell_failure(std::vector<Problem> problems);
    void tell_recovery();
    void tell_publisher();

    void next_write();
    void send(const WritePtr& write);
    void sent(const WritePtr& write, net::ClientResult result);
    void read_for(const WritePtr& write, ReadFor reason);
    void read(const WritePtr& write, ReadFor reason, std::size_t from, HttpReading reading);
    void rebase(const WritePtr& write, std::size_t from, HttpReading& reading);
    void refuse(std::vector<Problem> problems);
    void refuse(std::string message);
    template <class F>
    auto for_write(F&& f);

    const std::shared_ptr<const HttpSettings> settings_;
    const std::shared_ptr<HttpShare> share_;
    net::HttpClient client_;
    boost::asio::steady_timer timer_;
    const std::shared_ptr<HttpReporter> reporter_;
    const net::BackOff::Random random_;

    bool ended_ = false;
    std::uint64_t turn_ = 0;  // tells a timer's handler that it was overtaken
    net::HttpOperation operation_;

    HttpPosition position_;
    std::vector<Problem> refused_because_;  // what is at the position; empty: it is served
    std::uint64_t serial_ = 0;              // changes when the position does by a write
    std::size_t place_ = 0;                 // the one to ask next
    bool must_deliver_ = false;             // also what seems to be known
    bool failing_ = false;                  // since the last answer worth the name
    bool revalidate_ = false;               // a cache on the way gave something old
    bool saw_older_ = false;                // since the last answer that was as it should be

    net::BackOff back_off_;           // after failures
    net::BackOff idle_;               // after answers that come too early and bring nothing
    std::vector<HttpReading> round_;  // the places that have failed since one answered
    std::string failure_;             // the one last told; empty: what was told last was good

    std::deque<WritePtr> writes_;  // the first one is under way
    net::HttpOperation writing_;
};

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/transport/impl/http_watch.ipp>
#include <attune/transport/impl/http_write.ipp>
#endif
