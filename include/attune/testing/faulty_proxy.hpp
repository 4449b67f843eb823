#pragma once

#include <attune/net/io_thread.hpp>
#include <attune/version.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace attune::inline ATTUNE_ABI::testing {

/// How a FaultyProxy ends a connection.
enum class Ending : std::uint8_t {
    close,  ///< in order, as a peer that has nothing more to say (FIN)
    reset,  ///< as a peer that has crashed (RST)
};

/// What is wrong with one direction of a connection. Bytes are counted from the moment the faults
/// were set, or the connection was opened if that was later.
struct OneWayFaults {
    std::chrono::microseconds delay{0};   ///< before each piece, of up to 16 KiB, goes on
    std::chrono::microseconds jitter{0};  ///< up to this much more, at random; the order stays
    std::size_t bandwidth = 0;            ///< bytes per second of a connection; 0 is no limit
    /// Nothing goes on while this lasts, nor does a close; later everything does. A network that is
    /// parted, and TCP that sends again once it is not.
    bool hold = false;
    /// What comes is lost, and the connection is never of use again: reset when this ends. A
    /// middle box that has forgotten it.
    bool swallow = false;
    /// Both sides' connections end when this many bytes have gone on.
    std::optional<std::size_t> cut_after = {};
    Ending ending = Ending::close;
    /// What comes after this many bytes is replaced, byte by byte, with what is in no UTF-8 text,
    /// and so in no JSON. The connection is reset when this ends.
    std::optional<std::size_t> garbage_after = {};
};

struct Faults {
    OneWayFaults to_server = {};
    OneWayFaults to_client = {};
    bool refuse = false;  ///< new connections, as when nobody listens
};

/// Part of a schedule of faults.
struct FaultPeriod {
    Faults faults;
    std::chrono::milliseconds lasts{0};
    bool cut = false;  ///< it begins with the reset of all connections
};

struct FaultScheduleOptions {
    std::chrono::milliseconds total{2'000};
    std::chrono::milliseconds shortest{20};  ///< of a period
    std::chrono::milliseconds longest{200};
};

/// Periods of every kind of fault, and some without, in an order that depends on nothing but the
/// arguments, on every machine: a test that fails names its seed, and can be repeated.
[[nodiscard]] ATTUNE_DECL std::vector<FaultPeriod> fault_schedule(
    std::uint64_t seed, const FaultScheduleOptions& options = {});

/// What a FaultyProxy has done so far.
struct FaultyProxyCounters {
    std::uint64_t connections = 0;  ///< accepted
    std::uint64_t open = 0;         ///< right now
    std::uint64_t unreachable = 0;  ///< reset, because the server could not be connected to
    std::uint64_t cut = 0;          ///< ended by a fault
    std::uint64_t to_server = 0;    ///< bytes that went on, garbage too
    std::uint64_t to_client = 0;
    std::uint64_t swallowed = 0;  ///< bytes, both ways
    std::uint64_t garbage = 0;    ///< bytes, both ways
};

/// A TCP proxy on 127.0.0.1 that stands between a client and a server there, and behaves as badly
/// as the test asks:
///
///     FaultyProxy proxy{server.port()};
///     client.connect(proxy.port());
///     proxy.set({.to_client = {.cut_after = 100, .ending = Ending::reset}});
///     ...
///     proxy.heal();
///
/// It begins without faults. It runs on a thread of its own; all functions may be called from any
/// thread, and what they say holds when they return. A connection costs 32 KiB.
class FaultyProxy {
public:
    /// Listens when it returns; throws std::system_error when that is impossible.
    ATTUNE_DECL explicit FaultyProxy(std::uint16_t server);
    FaultyProxy(const FaultyProxy&) = delete;
    FaultyProxy& operator=(const FaultyProxy&) = delete;
    /// Resets all connections.
    ATTUNE_DECL ~FaultyProxy();

    ATTUNE_DECL std::uint16_t port() const noexcept;

    /// Replaces all faults, for connections that exist too. What a delay keeps goes on at once.
    ATTUNE_DECL void set(const Faults& faults);
    /// set({}).
    ATTUNE_DECL void heal();
    /// Resets all connections.
    ATTUNE_DECL void cut();
    /// The server of connections from now on.
    ATTUNE_DECL void retarget(std::uint16_t server);

    /// Goes through the periods, one after another, and heals. Returns when that is done.
    ATTUNE_DECL void play(const std::vector<FaultPeriod>& schedule);

    ATTUNE_DECL FaultyProxyCounters counters() const;

private:
    struct State;
    class Link;

    net::IoThread thread_;
    const std::shared_ptr<State> state_;
};

}  // namespace attune::inline ATTUNE_ABI::testing

#if ATTUNE_HEADER_ONLY
#include <attune/testing/impl/faulty_proxy.ipp>
#include <attune/testing/impl/faulty_proxy_schedule.ipp>
#endif
