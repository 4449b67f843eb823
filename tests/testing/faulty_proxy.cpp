#include <attune/testing/faulty_proxy.hpp>

#include "net/loopback.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <rapidcheck/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

namespace attune_test::faulty_proxy {

using attune::testing::Ending;
using attune::testing::fault_schedule;
using attune::testing::FaultPeriod;
using attune::testing::FaultyProxy;
using net_test::loopback;
using namespace std::chrono_literals;

/// A blocking socket that gives up after a minute.
class Socket {
public:
    explicit Socket(int descriptor) : descriptor_(descriptor) {
        const ::timeval patience{60, 0};
        ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    }
    Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    Socket& operator=(Socket&&) = delete;
    ~Socket() { close(); }

    void close() {
        if (descriptor_ >= 0) {
            ::close(std::exchange(descriptor_, -1));
        }
    }
    int descriptor() const { return descriptor_; }

    bool send(std::string_view text) const {
        return ::send(descriptor_, text.data(), text.size(), MSG_NOSIGNAL) ==
               static_cast<::ssize_t>(text.size());
    }
    void half_close() const { ::shutdown(descriptor_, SHUT_WR); }

    /// What comes until there is so much, or the connection ends.
    std::string receive(std::size_t size) const {
        std::string text(size, '\0');
        std::size_t got = 0;
        while (got < size) {
            const ::ssize_t more = ::recv(descriptor_, text.data() + got, size - got, 0);
            if (more <= 0) {
                break;
            }
            got += static_cast<std::size_t>(more);
        }
        text.resize(got);
        return text;
    }

    /// How it ends, once everything is read: "closed", or the error.
    std::string ending() const {
        char byte;
        ::ssize_t got;
        while ((got = ::recv(descriptor_, &byte, 1, 0)) > 0) {
        }
        return got == 0 ? "closed" : errno == ECONNRESET ? "reset" : std::to_string(errno);
    }

private:
    int descriptor_;
};

Socket connect(std::uint16_t port, int& error) {
    const auto address = loopback(port);
    Socket socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    const auto* generic = reinterpret_cast<const ::sockaddr*>(&address);
    error = ::connect(socket.descriptor(), generic, sizeof address) == 0 ? 0 : errno;
    return socket;
}

Socket connect(std::uint16_t port) {
    int error = 0;
    Socket socket = connect(port, error);
    EXPECT_EQ(error, 0);
    return socket;
}

class Server {
public:
    Server() {
        const auto address = loopback(0);
        const auto* generic = reinterpret_cast<const ::sockaddr*>(&address);
        EXPECT_EQ(::bind(listening_.descriptor(), generic, sizeof address), 0);
        EXPECT_EQ(::listen(listening_.descriptor(), 64), 0);
    }

    std::uint16_t port() const {
        ::sockaddr_in address{};
        ::socklen_t size = sizeof address;
        ::getsockname(listening_.descriptor(), reinterpret_cast<::sockaddr*>(&address), &size);
        return ntohs(address.sin_port);
    }
    Socket accept() const { return Socket{::accept(listening_.descriptor(), nullptr, nullptr)}; }
    void close() { listening_.close(); }
    void stop() const { ::shutdown(listening_.descriptor(), SHUT_RD); }

private:
    Socket listening_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
};

template <class Condition>
void wait_until(const Condition& condition) {
    while (!condition()) {
        std::this_thread::yield();
    }
}

class Proxy : public testing::Test {
protected:
    Server server;
    FaultyProxy proxy{server.port()};
};

/// With a connection through it, on which nothing has been sent.
class ProxiedConnection : public Proxy {
protected:
    Socket client = connect(proxy.port());
    Socket accepted = server.accept();
};

TEST_F(ProxiedConnection, passes_on_what_both_sides_say) {
    const std::string much(300'000, 'm');
    EXPECT_TRUE(client.send("ask"));
    EXPECT_EQ(accepted.receive(3), "ask");
    std::thread sender{[&] { EXPECT_TRUE(accepted.send(much)); }};
    EXPECT_EQ(client.receive(much.size()), much);
    sender.join();
    wait_until([&] { return proxy.counters().to_client == much.size(); });
    EXPECT_EQ(proxy.counters().to_server, 3u);
    EXPECT_EQ(proxy.counters().connections, 1u);
    EXPECT_EQ(proxy.counters().open, 1u);
}

TEST_F(ProxiedConnection, passes_on_that_one_side_has_closed_while_the_other_still_answers) {
    EXPECT_TRUE(client.send("ask"));
    client.half_close();
    EXPECT_EQ(accepted.receive(4), "ask");
    EXPECT_TRUE(accepted.send("answer"));
    accepted.close();
    EXPECT_EQ(client.receive(6), "answer");
    EXPECT_EQ(client.ending(), "closed");
    wait_until([&] { return proxy.counters().open == 0; });
}

TEST_F(ProxiedConnection, is_closed_after_so_many_bytes) {
    proxy.set({.to_client = {.cut_after = 4}});
    EXPECT_TRUE(accepted.send("answer"));
    EXPECT_EQ(client.receive(6), "answ");
    EXPECT_EQ(client.ending(), "closed");
    EXPECT_EQ(accepted.receive(1), "");
    EXPECT_EQ(proxy.counters().cut, 1u);
    EXPECT_EQ(proxy.counters().to_client, 4u);
}

TEST_F(ProxiedConnection, is_reset_after_so_many_bytes_that_come_one_by_one) {
    proxy.set({.to_server = {.cut_after = 2, .ending = Ending::reset}});
    EXPECT_TRUE(client.send("a"));
    EXPECT_EQ(accepted.receive(1), "a");
    EXPECT_TRUE(client.send("s"));
    EXPECT_EQ(client.ending(), "reset");
}

TEST_F(ProxiedConnection, counts_bytes_from_when_the_faults_were_set) {
    EXPECT_TRUE(accepted.send("before"));
    EXPECT_EQ(client.receive(6), "before");
    proxy.set({.to_client = {.cut_after = 3}});
    EXPECT_TRUE(accepted.send("answer"));
    EXPECT_EQ(client.receive(6), "ans");
}

TEST_F(ProxiedConnection, replaces_what_comes_after_so_many_bytes_with_no_text) {
    proxy.set({.to_client = {.garbage_after = 2}});
    EXPECT_TRUE(accepted.send("answer"));
    const std::string got = client.receive(6);
    ASSERT_EQ(got.size(), 6u);
    EXPECT_EQ(got.substr(0, 2), "an");
    EXPECT_TRUE(std::all_of(got.begin() + 2, got.end(),
                            [](char c) { return static_cast<unsigned char>(c) >= 0xF8; }));
    EXPECT_EQ(proxy.counters().garbage, 4u);
    proxy.heal();
    EXPECT_EQ(client.ending(), "reset");
}

TEST_F(ProxiedConnection, that_is_held_one_way_goes_on_where_it_was) {
    proxy.set({.to_client = {.hold = true}});
    EXPECT_TRUE(accepted.send("answer"));
    EXPECT_TRUE(client.send("ask"));
    EXPECT_EQ(accepted.receive(3), "ask");
    EXPECT_EQ(proxy.counters().to_client, 0u);
    accepted.close();
    proxy.heal();
    EXPECT_EQ(client.receive(6), "answer");
    EXPECT_EQ(client.ending(), "closed");
}

TEST_F(ProxiedConnection, that_lost_bytes_loses_all_others_and_is_reset_in_the_end) {
    proxy.set({.to_server = {.swallow = true}});
    EXPECT_TRUE(client.send("ask"));
    wait_until([&] { return proxy.counters().swallowed == 3; });
    EXPECT_TRUE(accepted.send("answer"));
    EXPECT_EQ(client.receive(6), "answer");
    proxy.heal();
    EXPECT_EQ(client.ending(), "reset");
    EXPECT_EQ(accepted.receive(1), "");
    EXPECT_EQ(proxy.counters().to_server, 0u);
}

TEST_F(ProxiedConnection, that_lost_nothing_survives_the_end_of_the_fault) {
    proxy.set({.to_server = {.swallow = true}, .to_client = {.swallow = true}});
    proxy.heal();
    EXPECT_TRUE(client.send("ask"));
    EXPECT_EQ(accepted.receive(3), "ask");
}

TEST_F(ProxiedConnection, delays_each_piece) {
    const auto begin = std::chrono::steady_clock::now();
    proxy.set({.to_server = {.delay = 5ms, .jitter = 1ms}, .to_client = {.delay = 5ms}});
    EXPECT_TRUE(client.send("ask"));
    EXPECT_EQ(accepted.receive(3), "ask");
    EXPECT_TRUE(accepted.send("answer"));
    EXPECT_EQ(client.receive(6), "answer");
    EXPECT_GE(std::chrono::steady_clock::now() - begin, 10ms);
}

TEST_F(ProxiedConnection, lets_go_of_what_a_delay_keeps_when_it_heals) {
    proxy.set({.to_client = {.delay = 24h}});
    EXPECT_TRUE(accepted.send("answer"));
    EXPECT_TRUE(client.send("ask"));
    EXPECT_EQ(accepted.receive(3), "ask");
    proxy.heal();
    EXPECT_EQ(client.receive(6), "answer");
}

TEST_F(ProxiedConnection, passes_no_more_than_so_many_bytes_in_a_second) {
    const auto begin = std::chrono::steady_clock::now();
    proxy.set({.to_client = {.bandwidth = 100'000}});
    EXPECT_TRUE(accepted.send(std::string(2'000, 'a')));
    EXPECT_EQ(client.receive(2'000).size(), 2'000u);
    EXPECT_GE(std::chrono::steady_clock::now() - begin, 20ms);
}

TEST_F(ProxiedConnection, is_reset_with_all_others_by_a_cut) {
    const Socket second = connect(proxy.port());
    const Socket second_accepted = server.accept();
    proxy.cut();
    EXPECT_EQ(client.ending(), "reset");
    EXPECT_EQ(second.ending(), "reset");
    EXPECT_EQ(accepted.ending(), "reset");
    EXPECT_EQ(proxy.counters().open, 0u);
    EXPECT_EQ(proxy.counters().cut, 2u);
    const Socket third = connect(proxy.port());
    EXPECT_TRUE(third.send("ask"));
    EXPECT_EQ(server.accept().receive(3), "ask");
}

TEST_F(ProxiedConnection, stays_with_its_server_when_later_ones_go_to_another) {
    const Server other;
    proxy.retarget(other.port());
    const Socket later = connect(proxy.port());
    EXPECT_TRUE(later.send("later"));
    EXPECT_EQ(other.accept().receive(5), "later");
    EXPECT_TRUE(client.send("ask"));
    EXPECT_EQ(accepted.receive(3), "ask");
}

TEST_F(Proxy, refuses_new_connections_until_it_heals_and_keeps_its_port) {
    proxy.set({.refuse = true});
    int error = 0;
    connect(proxy.port(), error);
    EXPECT_EQ(error, ECONNREFUSED);
    proxy.set({.to_client = {.delay = 1ms}, .refuse = true});
    connect(proxy.port(), error);
    EXPECT_EQ(error, ECONNREFUSED);
    proxy.heal();
    const Socket client = connect(proxy.port());
    EXPECT_TRUE(client.send("ask"));
    EXPECT_EQ(server.accept().receive(3), "ask");
}

TEST_F(Proxy, resets_a_client_whose_server_is_away) {
    server.close();
    EXPECT_EQ(connect(proxy.port()).ending(), "reset");
    EXPECT_EQ(proxy.counters().unreachable, 1u);
    EXPECT_EQ(proxy.counters().open, 0u);
}

TEST_F(Proxy, resets_what_is_open_when_it_goes) {
    auto other = std::make_unique<FaultyProxy>(server.port());
    const Socket client = connect(other->port());
    const Socket accepted = server.accept();
    other.reset();
    EXPECT_EQ(client.ending(), "reset");
    EXPECT_EQ(accepted.ending(), "reset");
}

/// What a period does, in letters, for comparisons.
std::set<std::string> kinds(const FaultPeriod& period) {
    std::set<std::string> found;
    const auto note = [&](bool is, const char* name) {
        if (is) {
            found.insert(name);
        }
    };
    for (const auto* way : {&period.faults.to_server, &period.faults.to_client}) {
        note(way->delay.count() > 0, "delay");
        note(way->jitter.count() > 0, "jitter");
        note(way->bandwidth > 0, "bandwidth");
        note(way->hold, "hold");
        note(way->swallow, "swallow");
        note(way->cut_after && way->ending == Ending::close, "closed after");
        note(way->cut_after && way->ending == Ending::reset, "reset after");
        note(way->garbage_after.has_value(), "garbage");
    }
    note(period.faults.refuse, "refuse");
    note(period.cut, "cut");
    note(found.empty(), "none");
    return found;
}

RC_GTEST_PROP(FaultSchedule, lasts_as_long_as_asked_and_is_the_same_for_a_seed,
              (std::uint64_t seed)) {
    const auto schedule = fault_schedule(seed, {.total = 5s, .shortest = 10ms, .longest = 90ms});
    const auto again = fault_schedule(seed, {.total = 5s, .shortest = 10ms, .longest = 90ms});
    RC_ASSERT(schedule.size() == again.size());
    auto total = 0ms;
    for (std::size_t i = 0; i < schedule.size(); ++i) {
        RC_ASSERT(kinds(schedule[i]) == kinds(again[i]));
        RC_ASSERT(schedule[i].lasts == again[i].lasts);
        RC_ASSERT(schedule[i].lasts <= 90ms);
        RC_ASSERT(schedule[i].lasts >= 10ms || i + 1 == schedule.size());
        total += schedule[i].lasts;
    }
    RC_ASSERT(total == 5s);
}

TEST(FaultSchedule, has_every_kind_of_fault_and_is_fixed_for_a_seed) {
    std::set<std::string> found;
    for (const FaultPeriod& period : fault_schedule(1, {.total = 60s})) {
        found.merge(kinds(period));
    }
    EXPECT_EQ(found,
              (std::set<std::string>{"bandwidth", "closed after", "cut", "delay", "garbage", "hold",
                                     "jitter", "none", "refuse", "reset after", "swallow"}));
    const auto first = fault_schedule(1).front();
    EXPECT_EQ(kinds(first), std::set<std::string>{"garbage"});
    EXPECT_EQ(first.lasts, 136ms);
}

TEST_F(Proxy, goes_through_a_schedule_under_clients_on_threads_and_works_afterwards) {
    std::vector<std::thread> echoing;
    std::thread accepting{[&] {
        for (;;) {
            Socket next = server.accept();
            if (next.descriptor() < 0) {
                return;
            }
            echoing.emplace_back([next = std::move(next)] {
                for (std::string byte = next.receive(1); !byte.empty(); byte = next.receive(1)) {
                    next.send(byte);
                }
            });
        }
    }};
    std::vector<std::thread> asking;
    std::atomic<bool> over{false};
    for (int i = 0; i < 4; ++i) {
        asking.emplace_back([&] {
            while (!over.load()) {
                int error = 0;
                const Socket client = connect(proxy.port(), error);
                while (error == 0 && !over.load() && client.send("x") &&
                       client.receive(1).size() == 1) {
                }
            }
        });
    }
    proxy.play(fault_schedule(7, {.total = 600ms, .shortest = 5ms, .longest = 30ms}));
    over.store(true);
    proxy.cut();
    for (std::thread& each : asking) {
        each.join();
    }
    {
        const Socket client = connect(proxy.port());
        EXPECT_TRUE(client.send("ask"));
        EXPECT_EQ(client.receive(3), "ask");
    }
    wait_until([&] { return proxy.counters().open == 0; });
    EXPECT_GT(proxy.counters().cut, 0u);
    server.stop();
    accepting.join();
    for (std::thread& each : echoing) {
        each.join();
    }
}

}  // namespace attune_test::faulty_proxy
