#pragma once

#include <attune/testing/faulty_proxy.hpp>

#include <algorithm>
#include <array>
#include <future>
#include <random>
#include <type_traits>
#include <utility>

#include <fcntl.h>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

namespace attune::inline ATTUNE_ABI::testing {

namespace detail {

using ProxyError = boost::system::error_code;
using ProxyTcp = boost::asio::ip::tcp;

inline ProxyTcp::endpoint loopback(std::uint16_t port) {
    return {boost::asio::ip::address_v4::loopback(), port};
}

/// A program that the test starts would keep connections open that are closed here.
template <class Socket>
void keep_from_children(Socket& socket) {
    ::fcntl(socket.native_handle(), F_SETFD, FD_CLOEXEC);
}

inline void close_socket(ProxyTcp::socket& socket, Ending ending) {
    ProxyError ignored;
    if (ending == Ending::reset) {
        socket.set_option(boost::asio::socket_base::linger{true, 0}, ignored);
    }
    socket.close(ignored);
}

}  // namespace detail

/// On the proxy's thread only, but for what is constant.
struct FaultyProxy::State : std::enable_shared_from_this<State> {
    State(const boost::asio::any_io_executor& on, std::uint16_t to);

    /// Runs `f` on the thread, and waits for what it returns or throws.
    template <class F>
    auto run(F f) {
        std::packaged_task<std::invoke_result_t<F&>()> task{std::move(f)};
        auto result = task.get_future();
        boost::asio::post(executor, std::move(task));
        return result.get();
    }

    void listen();
    void accept();
    void apply(const Faults& given);
    void cut();
    void forget(const Link& link);

    const boost::asio::any_io_executor executor;
    detail::ProxyTcp::acceptor reserved;  // bound and not listening: keeps the port
    detail::ProxyTcp::acceptor acceptor;
    std::uint16_t port = 0;
    std::uint16_t server;
    Faults faults;
    std::uint64_t faults_set = 0;
    std::vector<std::shared_ptr<Link>> links;
    FaultyProxyCounters counters;
    std::mt19937_64 random;
};

/// A connection of a client, and the one to the server that goes with it.
class FaultyProxy::Link : public std::enable_shared_from_this<Link> {
public:
    Link(std::shared_ptr<State> state, detail::ProxyTcp::socket client)
        : state_(std::move(state)),
          client_(std::move(client)),
          server_(state_->executor),
          to_server_{client_, server_, &Faults::to_server, &FaultyProxyCounters::to_server,
                     boost::asio::steady_timer{state_->executor}},
          to_client_{server_, client_, &Faults::to_client, &FaultyProxyCounters::to_client,
                     boost::asio::steady_timer{state_->executor}} {}

    void connect() {
        detail::ProxyError ignored;  // the connect tries again, and has the error
        server_.open(detail::ProxyTcp::v4(), ignored);
        detail::keep_from_children(client_);
        detail::keep_from_children(server_);
        server_.async_connect(detail::loopback(state_->server), [self = shared_from_this()](
                                                                    detail::ProxyError error) {
            if (self->over_) {
                return;
            }
            if (error) {
                ++self->state_->counters.unreachable;
                self->end(Ending::reset);
                return;
            }
            detail::ProxyError unimportant;
            self->client_.set_option(detail::ProxyTcp::no_delay{true}, unimportant);
            self->server_.set_option(detail::ProxyTcp::no_delay{true}, unimportant);
            self->read(self->to_server_);
            self->read(self->to_client_);
        });
    }

    void faults_changed() {
        for (Pipe* pipe : {&to_server_, &to_client_}) {
            const OneWayFaults& faults = state_->faults.*pipe->faults;
            if ((pipe->lost && !faults.swallow) || (pipe->garbled && !faults.garbage_after)) {
                ++state_->counters.cut;
                end(Ending::reset);
                return;
            }
            pipe->wait.cancel();
            if (pipe->held && !faults.hold) {
                pipe->held = false;
                arrived(*pipe, pipe->error, pipe->size);
            }
        }
    }

    void end(Ending ending) {
        if (!std::exchange(over_, true)) {
            to_server_.wait.cancel();
            to_client_.wait.cancel();
            detail::close_socket(client_, ending);
            detail::close_socket(server_, ending);
            state_->forget(*this);
        }
    }

private:
    /// One direction. Either a read, a wait or a write is under way, or it is held, or over.
    struct Pipe {
        detail::ProxyTcp::socket& from;
        detail::ProxyTcp::socket& to;
        OneWayFaults Faults::*faults;
        std::uint64_t FaultyProxyCounters::*passed_in_all;
        boost::asio::steady_timer wait;
        std::uint64_t faults_seen = 0;
        std::size_t passed = 0;  // under these faults
        bool held = false;
        bool lost = false;
        bool garbled = false;
        bool over = false;
        detail::ProxyError error = {};  // of the read that is held, and its size
        std::size_t size = 0;
        std::array<char, 16 * 1024> bytes = {};
    };

    void read(Pipe& pipe) {
        pipe.from.async_read_some(boost::asio::buffer(pipe.bytes),
                                  [self = shared_from_this(), &pipe](detail::ProxyError error,
                                                                     std::size_t size) {
                                      if (!self->over_) {
                                          self->arrived(pipe, error, size);
                                      }
                                  });
    }

    void arrived(Pipe& pipe, detail::ProxyError error, std::size_t size) {
        const OneWayFaults& faults = state_->faults.*pipe.faults;
        if (faults.hold) {
            pipe.held = true;
            pipe.error = error;
            pipe.size = size;
        } else if (error == boost::asio::error::eof) {
            finish(pipe);
        } else if (error) {
            end(Ending::reset);
        } else if (faults.swallow) {
            pipe.lost = true;
            state_->counters.swallowed += size;
            read(pipe);
        } else {
            delay(pipe, size);
        }
    }

    /// The sender has closed its side; the answer may still be on its way.
    void finish(Pipe& pipe) {
        pipe.over = true;
        if (!pipe.lost) {
            detail::ProxyError ignored;
            pipe.to.shutdown(detail::ProxyTcp::socket::shutdown_send, ignored);
        }
        if (to_server_.over && to_client_.over) {
            end(Ending::close);
        }
    }

    void delay(Pipe& pipe, std::size_t size) {
        const OneWayFaults& faults = state_->faults.*pipe.faults;
        if (std::exchange(pipe.faults_seen, state_->faults_set) != state_->faults_set) {
            pipe.passed = 0;
        }
        if (faults.garbage_after) {
            const std::size_t good =
                *faults.garbage_after - std::min(*faults.garbage_after, pipe.passed);
            for (std::size_t i = good; i < size; ++i) {
                pipe.bytes[i] = static_cast<char>(0xF8 + state_->random() % 8);
                ++state_->counters.garbage;
                pipe.garbled = true;
            }
        }
        std::optional<Ending> ending;
        if (faults.cut_after) {
            const std::size_t room = *faults.cut_after - std::min(*faults.cut_after, pipe.passed);
            if (size >= room) {
                size = room;
                ending = faults.ending;
            }
        }
        std::chrono::microseconds wait = faults.delay;
        if (faults.jitter.count() > 0) {
            wait += std::chrono::microseconds{
                state_->random() % (static_cast<std::uint64_t>(faults.jitter.count()) + 1)};
        }
        if (faults.bandwidth != 0) {
            wait += std::chrono::microseconds{size * 1'000'000 / faults.bandwidth};
        }
        if (wait.count() <= 0) {
            write(pipe, size, ending);
            return;
        }
        pipe.wait.expires_after(wait);
        pipe.wait.async_wait([self = shared_from_this(), &pipe, size, ending](detail::ProxyError) {
            if (!self->over_) {
                self->write(pipe, size, ending);
            }
        });
    }

    void write(Pipe& pipe, std::size_t size, std::optional<Ending> ending) {
        boost::asio::async_write(pipe.to, boost::asio::buffer(pipe.bytes, size),
                                 [self = shared_from_this(), &pipe,
                                  ending](detail::ProxyError error, std::size_t written) {
                                     if (self->over_) {
                                         return;
                                     }
                                     pipe.passed += written;
                                     self->state_->counters.*pipe.passed_in_all += written;
                                     if (ending) {
                                         ++self->state_->counters.cut;
                                         self->end(*ending);
                                     } else if (error) {
                                         self->end(Ending::reset);
                                     } else {
                                         self->read(pipe);
                                     }
                                 });
    }

    const std::shared_ptr<State> state_;
    detail::ProxyTcp::socket client_;
    detail::ProxyTcp::socket server_;
    Pipe to_server_;
    Pipe to_client_;
    bool over_ = false;
};

inline FaultyProxy::State::State(const boost::asio::any_io_executor& on, std::uint16_t to)
    : executor(on), reserved(on), acceptor(on), server(to) {
    reserved.open(detail::ProxyTcp::v4());
    detail::keep_from_children(reserved);
    reserved.set_option(boost::asio::socket_base::reuse_address{true});
    reserved.bind(detail::loopback(0));
    port = reserved.local_endpoint().port();
}

inline void FaultyProxy::State::listen() {
    acceptor.open(detail::ProxyTcp::v4());
    detail::keep_from_children(acceptor);
    acceptor.set_option(boost::asio::socket_base::reuse_address{true});
    acceptor.bind(detail::loopback(port));
    acceptor.listen();
    accept();
}

inline void FaultyProxy::State::accept() {
    acceptor.async_accept([self = shared_from_this()](detail::ProxyError error,
                                                      detail::ProxyTcp::socket client) {
        if (!error) {
            ++self->counters.connections;
            self->links.push_back(std::make_shared<Link>(self, std::move(client)));
            self->links.back()->connect();
        }
        // Without an acceptor there is nothing to wait for; else the error was a client's.
        if (error != boost::asio::error::operation_aborted && self->acceptor.is_open()) {
            self->accept();
        }
    });
}

inline void FaultyProxy::State::apply(const Faults& given) {
    faults = given;
    ++faults_set;
    if (faults.refuse && acceptor.is_open()) {
        acceptor.close();
    } else if (!faults.refuse && !acceptor.is_open()) {
        listen();
    }
    const auto present = links;  // some end, and are forgotten
    for (const auto& link : present) {
        link->faults_changed();
    }
}

inline void FaultyProxy::State::cut() {
    const auto present = links;
    counters.cut += present.size();
    for (const auto& link : present) {
        link->end(Ending::reset);
    }
}

inline void FaultyProxy::State::forget(const Link& link) {
    std::erase_if(links, [&](const auto& each) { return each.get() == &link; });
}

ATTUNE_DECL FaultyProxy::FaultyProxy(std::uint16_t server)
    : state_(std::make_shared<State>(thread_.executor(), server)) {
    state_->run([&] { state_->listen(); });
}

ATTUNE_DECL FaultyProxy::~FaultyProxy() {
    state_->run([&] {
        state_->acceptor.close();
        state_->cut();
    });
}

ATTUNE_DECL std::uint16_t FaultyProxy::port() const noexcept { return state_->port; }

ATTUNE_DECL void FaultyProxy::set(const Faults& faults) {
    state_->run([&] { state_->apply(faults); });
}

ATTUNE_DECL void FaultyProxy::heal() { set({}); }

ATTUNE_DECL void FaultyProxy::cut() {
    state_->run([&] { state_->cut(); });
}

ATTUNE_DECL void FaultyProxy::retarget(std::uint16_t server) {
    state_->run([&] { state_->server = server; });
}

ATTUNE_DECL void FaultyProxy::play(const std::vector<FaultPeriod>& schedule) {
    for (const FaultPeriod& period : schedule) {
        boost::asio::steady_timer over{state_->executor};
        std::promise<void> told;
        state_->run([&] {
            if (period.cut) {
                state_->cut();
            }
            state_->apply(period.faults);
            over.expires_after(period.lasts);
            over.async_wait([&](detail::ProxyError) { told.set_value(); });
        });
        told.get_future().wait();
    }
    heal();
}

ATTUNE_DECL FaultyProxyCounters FaultyProxy::counters() const {
    return state_->run([&] {
        FaultyProxyCounters now = state_->counters;
        now.open = state_->links.size();
        return now;
    });
}

}  // namespace attune::inline ATTUNE_ABI::testing
