#pragma once

#include <attune/net/http_server.hpp>
#include <attune/net/impl/http_channel.hpp>
#include <attune/net/impl/http_deadlines.hpp>
#include <attune/net/impl/http_head.hpp>
#include <attune/net/impl/http_request_parser.hpp>
#include <attune/net/impl/tls_context.hpp>
#include <attune/version.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/wait_traits.hpp>
#include <boost/intrusive/list.hpp>

namespace attune::inline ATTUNE_ABI::net::detail {

struct HttpOpenTag;

/// A connection as its host sees it.
class HttpOpen : public boost::intrusive::list_base_hook<
                     boost::intrusive::tag<HttpOpenTag>,
                     boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
public:
    HttpOpen() = default;
    HttpOpen(const HttpOpen&) = delete;
    HttpOpen& operator=(const HttpOpen&) = delete;
    virtual ~HttpOpen() = default;

    /// Closes as soon as nothing is under way.
    virtual void drain() = 0;
    /// Closes now, and says nothing to anybody.
    virtual void close() noexcept = 0;
};

/// A counter with one writer at a time, and readers anywhere.
class HttpCounter {
public:
    void add(std::uint64_t more) noexcept {
        value_.store(value_.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
    }
    std::uint64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> value_{0};
};

/// What the connections of a server share: the strand, the listener, the clock, and buffers, of
/// which one of each is enough because only one connection is being served at a time.
class HttpHost : public std::enable_shared_from_this<HttpHost> {
public:
    /// Listens when it returns, and accepts after `start`.
    ATTUNE_DECL HttpHost(boost::asio::any_io_executor executor, HttpServerOptions options,
                         HttpHandler handler);
    HttpHost(const HttpHost&) = delete;
    HttpHost& operator=(const HttpHost&) = delete;
    ATTUNE_DECL ~HttpHost();

    // For the server, on any thread.

    ATTUNE_DECL void start();
    ATTUNE_DECL void stop(std::chrono::milliseconds grace, std::function<void()> draining);
    /// Nothing is called any more when it returns, unless it is called from there.
    ATTUNE_DECL void end() noexcept;
    ATTUNE_DECL HttpServerCounters counters() const noexcept;
    std::uint16_t port() const noexcept { return port_; }
    const HttpStrand& strand() const noexcept { return strand_; }
    bool on_strand() const noexcept { return strand_.running_in_this_thread(); }

    // For connections, in a turn.

    const HttpLimits& limits() const noexcept { return options_.limits; }
    const std::string& name() const noexcept { return options_.name; }
    bool draining() const noexcept { return draining_; }

    /// For what is read, until the next read of whatever connection.
    std::span<char> input() noexcept { return *input_; }
    /// For putting an answer together, until the next one. Empty.
    std::string& output() noexcept {
        output_.clear();
        return output_;
    }
    HttpDate& date() noexcept { return date_; }

    ATTUNE_DECL std::unique_ptr<HttpRequestParser> make_parser();
    /// Memory for the next request.
    ATTUNE_DECL void recycle(HttpRequest request) noexcept;

    ATTUNE_DECL void handle(const std::shared_ptr<HttpExchange>& exchange);

    ATTUNE_DECL void opened(HttpOpen& connection) noexcept;
    ATTUNE_DECL void closed(HttpOpen& connection, bool turned_away) noexcept;
    void set_deadline(HttpTimed& timed, std::chrono::milliseconds after) {
        deadlines_.set(timed, after);
        if (!ticking_) {
            tick();
        }
    }

    HttpCounter requests;
    HttpCounter over_limit;
    HttpCounter malformed;
    std::size_t bodies = 0;  ///< bytes of those that have come in part

private:
    friend class HttpTurn;
    using Timer = boost::asio::basic_waitable_timer<
        std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>, HttpStrand>;
    using Acceptor = boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, HttpStrand>;

    ATTUNE_DECL void listen();
    ATTUNE_DECL void await_connections();
    ATTUNE_DECL void accept();
    ATTUNE_DECL bool accept_one();
    ATTUNE_DECL void tick();
    ATTUNE_DECL void drain(const std::function<void()>& draining);
    ATTUNE_DECL bool on_executor() const noexcept;
    ATTUNE_DECL void cut_all() noexcept;

    const HttpServerOptions options_;
    const boost::asio::any_io_executor executor_;
    const HttpStrand strand_;
    const TlsContext tls_;
    HttpHandler handler_;
    Acceptor acceptor_;
    std::uint16_t port_ = 0;
    Timer ticker_;
    Timer pause_;  ///< of accepting, when there are no descriptors; and the end of grace
    HttpDeadlines deadlines_;
    bool ticking_ = false;
    bool draining_ = false;

    HttpCounter accepted_;
    HttpCounter open_;
    std::size_t turned_away_ = 0;  ///< connections beyond the limit that are being told so
    boost::intrusive::list<HttpOpen,
                           boost::intrusive::base_hook<boost::intrusive::list_base_hook<
                               boost::intrusive::tag<HttpOpenTag>,
                               boost::intrusive::link_mode<boost::intrusive::auto_unlink>>>,
                           boost::intrusive::constant_time_size<false>>
        connections_;

    static constexpr std::size_t input_size = 16 * 1024;
    const std::unique_ptr<std::array<char, input_size>> input_;
    std::string output_;
    HttpDate date_;
    HttpRequest spare_;

    std::mutex gate_;  ///< held during a turn, whichever thread the strand is on
    std::condition_variable all_closed_;
    unsigned depth_ = 0;  ///< of turns
    bool ended_ = false;
};

/// One stretch of work on the strand: false when the server has ended, and nothing may be touched.
/// The strand alone would do, if it were certain to run still when the server ends; so whoever ends
/// it waits for the turn instead.
class HttpTurn {
public:
    explicit HttpTurn(HttpHost& host) : host_(host) {
        if (host_.depth_++ == 0) {
            host_.gate_.lock();
        }
    }
    HttpTurn(const HttpTurn&) = delete;
    HttpTurn& operator=(const HttpTurn&) = delete;
    ~HttpTurn() {
        if (--host_.depth_ == 0) {
            host_.gate_.unlock();
        }
    }
    explicit operator bool() const noexcept { return !host_.ended_; }

private:
    HttpHost& host_;
};

}  // namespace attune::inline ATTUNE_ABI::net::detail

#if ATTUNE_HEADER_ONLY
#include <attune/net/impl/http_host.ipp>
#endif
