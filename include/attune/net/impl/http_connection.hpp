#pragma once

#include <attune/net/http_server.hpp>
#include <attune/net/impl/http_channel.hpp>
#include <attune/net/impl/http_deadlines.hpp>
#include <attune/net/impl/http_head.hpp>
#include <attune/net/impl/http_host.hpp>
#include <attune/net/impl/http_request_parser.hpp>
#include <attune/version.hpp>

#include <chrono>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <openssl/types.h>

namespace attune::inline ATTUNE_ABI::net::detail {

class HttpConnectionExchange;

/// One connection: reads a request, hands it to the handler, sends the answer, reads the next. A
/// request that comes before the answer to the last one waits in the socket.
///
/// While a request is held there is only this object, and a wait for the socket to become readable,
/// by which the end of the client is noticed. Everything happens in a turn of the host.
class HttpConnection final : public std::enable_shared_from_this<HttpConnection>,
                             public HttpTimed,
                             public HttpOpen {
public:
    ATTUNE_DECL HttpConnection(std::shared_ptr<HttpHost> host, HttpChannel::Socket socket,
                               HttpPeer peer, SSL_CTX* tls);

    ATTUNE_DECL void start();
    /// Instead: it is one too many.
    ATTUNE_DECL void turn_away();
    /// Answers by an error, and closes.
    ATTUNE_DECL void refuse(HttpRefusal refusal);
    ATTUNE_DECL void expire() override;
    ATTUNE_DECL void drain() override;
    ATTUNE_DECL void close() noexcept override;

    HttpHost& host() const noexcept { return *host_; }

    // For the exchange. Nothing happens when the connection is closed.

    ATTUNE_DECL void answer(const HttpResponse& head, std::shared_ptr<const std::string> body);
    ATTUNE_DECL void answer(const std::shared_ptr<const std::string>& wire);
    /// False when there is to be no stream.
    ATTUNE_DECL bool begin_stream(const HttpResponse& head);
    ATTUNE_DECL bool write_stream(const std::shared_ptr<const std::string>& chunk);
    ATTUNE_DECL void end_stream();
    /// The exchange was let go of without an answer, or an end of the stream.
    ATTUNE_DECL void dropped();

private:
    enum class Phase : unsigned char {
        handshake,
        idle,  ///< before the first byte of a request
        head,
        body,
        held,       ///< the handler has the request
        stream,     ///< the answer has begun
        flushing,   ///< the answer is complete, but not sent
        lingering,  ///< all is said; the client may need time to read it
        closed,
    };
    struct Piece {
        std::shared_ptr<const std::string> bytes;
        std::size_t from = 0;
    };

    bool is_receiving() const noexcept {
        return phase_ == Phase::idle || phase_ == Phase::head || phase_ == Phase::body;
    }
    void set_deadline(std::chrono::milliseconds after) { host_->set_deadline(*this, after); }
    /// What the loop calls: `f`, in a turn, while the connection is open. Where memory ends, the
    /// connection goes, and not the program.
    template <class F>
    void enter(F&& f) {
        if (const HttpTurn turn{*host_}; turn && phase_ != Phase::closed) {
            try {
                std::forward<F>(f)();
            } catch (const std::bad_alloc&) {
                ended_by_peer(true);
            }
        }
    }

    // Reading.
    ATTUNE_DECL void await_read();
    ATTUNE_DECL void await_error();
    ATTUNE_DECL void on_readable();
    ATTUNE_DECL void handshake();
    ATTUNE_DECL void receive();
    ATTUNE_DECL void resume();
    ATTUNE_DECL void consume(std::string_view bytes);
    ATTUNE_DECL void begin_request();
    ATTUNE_DECL void head_done(bool body_has_come);
    ATTUNE_DECL void dispatch();
    ATTUNE_DECL void drop_parser() noexcept;
    ATTUNE_DECL bool within_rate();
    ATTUNE_DECL void read_ahead();
    ATTUNE_DECL void discard();
    ATTUNE_DECL void ended_by_peer(bool failed);

    // Writing.
    ATTUNE_DECL void await_write();
    ATTUNE_DECL void on_writable();
    ATTUNE_DECL bool send(std::string_view first, const std::shared_ptr<const std::string>& second,
                          std::string_view third);
    ATTUNE_DECL void flush();
    ATTUNE_DECL void complete(bool sent);
    ATTUNE_DECL void finish();
    ATTUNE_DECL void lost();

    const std::shared_ptr<HttpHost> host_;
    std::shared_ptr<HttpConnection> self_;  ///< while open
    const std::shared_ptr<HttpPeer> peer_;
    HttpChannel channel_;
    std::unique_ptr<HttpRequestParser> parser_;  ///< of a request that has come in part
    std::size_t body_ = 0;                       ///< bytes of its body
    std::weak_ptr<HttpConnectionExchange> exchange_;
    std::string pending_;  ///< read, but not used yet
    std::vector<Piece> output_;
    std::size_t backlog_ = 0;  ///< bytes in `output_`
    std::chrono::steady_clock::time_point refilled_{};
    double tokens_ = 0;  ///< requests that may come at once
    Phase phase_ = Phase::idle;
    HttpFraming framing_ = HttpFraming::length;  ///< of a stream
    bool keep_alive_ = true;
    bool head_only_ = false;
    bool http_1_0_ = false;
    bool lingers_ = false;
    bool turned_away_ = false;
    bool consuming_ = false;  ///< `consume` is at work further up
    bool end_read_ = false;   ///< the client sends no more
    bool awaits_read_ = false;
    bool awaits_write_ = false;
    bool awaits_error_ = false;
    bool read_wants_write_ = false;  ///< TLS
    bool write_wants_read_ = false;  ///< TLS
};

}  // namespace attune::inline ATTUNE_ABI::net::detail

#if ATTUNE_HEADER_ONLY
#include <attune/net/impl/http_connection.ipp>
#include <attune/net/impl/http_connection_output.ipp>
#endif
