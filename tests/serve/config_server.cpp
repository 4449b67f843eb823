#include <attune/serve/config_server.hpp>

#include <attune/document/parse.hpp>
#include <attune/store/store.hpp>
#include <attune/transport/memory.hpp>
#include <net/loopback.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

namespace {

using namespace std::chrono_literals;
using attune::ConfigServer;
using attune::Document;
using attune::Store;

/// A client that speaks just enough HTTP.
class Client {
public:
    explicit Client(const ConfigServer& server) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
        const sockaddr_in to = net_test::loopback(server.port());
        const timeval patience{.tv_sec = 30, .tv_usec = 0};
        ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        if (::connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
            ::close(socket_);
            throw std::system_error{errno, std::generic_category(), "connect"};
        }
    }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    ~Client() { ::close(socket_); }

    void send(const std::string& method, const std::string& target, const std::string& fields = {},
              const std::string& body = {}) {
        const std::string text = method + ' ' + target + " HTTP/1.1\r\nHost: " + host + "\r\n" +
                                 fields + "Content-Length: " + std::to_string(body.size()) +
                                 "\r\n\r\n" + body;
        ASSERT_EQ(::send(socket_, text.data(), text.size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(text.size()));
    }
    struct Response {
        int status = 0;
        std::string head;
        std::string body;
        std::string field(const std::string& name) const {
            const std::size_t at = head.find("\r\n" + name + ": ");
            const std::size_t from = at + name.size() + 4;
            return at == std::string::npos ? "" : head.substr(from, head.find("\r\n", from) - from);
        }
    };
    /// The next response; status 0 when the server has closed.
    Response receive() {
        Response response;
        std::size_t end = 0;
        while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
            if (!read()) {
                return response;
            }
        }
        response.head = buffer_.substr(0, end + 2);
        buffer_.erase(0, end + 4);
        response.status = std::stoi(response.head.substr(9, 3));
        const std::string length = response.field("Content-Length");
        const std::size_t size = length.empty() ? 0 : std::stoul(length);
        while (buffer_.size() < size) {
            if (!read()) {
                return response;
            }
        }
        response.body = buffer_.substr(0, size);
        buffer_.erase(0, size);
        return response;
    }
    Response ask(const std::string& method, const std::string& target,
                 const std::string& fields = {}, const std::string& body = {}) {
        send(method, target, fields, body);
        return receive();
    }
    Response put(const std::string& target, const std::string& body) {
        return ask("PUT", target, "Content-Type: application/json\r\n", body);
    }
    void watch(const std::string& target, const std::string& etag) {
        send("GET", target, "Prefer: wait=50\r\nIf-None-Match: " + etag + "\r\n");
    }
    /// Reads until `text` has come.
    bool receive_until(std::string_view text) {
        while (buffer_.find(text) == std::string::npos) {
            if (!read()) {
                return false;
            }
        }
        return true;
    }

    std::string host = "localhost";

private:
    bool read() {
        char bytes[4096];
        const ssize_t count = ::recv(socket_, bytes, sizeof bytes, 0);
        if (count <= 0) {
            return false;
        }
        buffer_.append(bytes, static_cast<std::size_t>(count));
        return true;
    }

    int socket_;
    std::string buffer_;
};

/// Waits until so many requests are held.
void wait_for_watchers(const ConfigServer& server, std::size_t count) {
    while (server.status().watchers + server.status().streams != count) {
        std::this_thread::yield();
    }
}

Store& with_a(Store& store) {
    store.add(attune::memory({{"a", 1}, {"b", 1}}));
    return store;
}

TEST(ConfigServer, serves_a_store_until_it_is_stopped) {
    Store store;
    ConfigServer served{with_a(store)};
    EXPECT_EQ(served.url(), "http://127.0.0.1:" + std::to_string(served.port()));
    Client client{served};
    EXPECT_EQ(client.ask("GET", "/v1/config").body, R"({"a":1,"b":1})");
    EXPECT_EQ(client.put("/v1/config/a", "2").status, 200);
    EXPECT_EQ(store.snapshot().document().at("/a"), Document(2));
    EXPECT_EQ(client.ask("GET", "/v1/config/none").status, 404);
    served.stop();
    served.stop();
    EXPECT_EQ(client.receive().status, 0);
    EXPECT_THROW(Client{served}, std::system_error);
}

TEST(ConfigServer, tells_those_who_wait) {
    Store store;
    ConfigServer served{with_a(store)};
    std::vector<std::unique_ptr<Client>> clients;
    const std::string etag = Client{served}.ask("GET", "/v1/config/a").field("ETag");
    for (int i = 0; i < 50; ++i) {
        clients.push_back(std::make_unique<Client>(served));
        clients.back()->watch("/v1/config/a", etag);
    }
    wait_for_watchers(served, 50);
    store.set("/b", 2);
    store.set("/a", 2);
    for (const auto& client : clients) {
        const Client::Response response = client->receive();
        EXPECT_EQ(response.status, 200);
        EXPECT_EQ(response.body, "2");
        EXPECT_EQ(response.field("Preference-Applied"), "wait=50");
    }
    wait_for_watchers(served, 0);
}

TEST(ConfigServer, notices_who_has_gone) {
    Store store;
    ConfigServer served{with_a(store)};
    {
        Client client{served};
        const std::string etag = client.ask("GET", "/v1/config/a").field("ETag");
        client.watch("/v1/config/a", etag);
        wait_for_watchers(served, 1);
    }
    wait_for_watchers(served, 0);
    store.set("/a", 2);
    EXPECT_EQ(Client{served}.ask("GET", "/v1/config/a").body, "2");
}

TEST(ConfigServer, misses_no_change_however_threads_interleave) {
    Store store;
    ConfigServer served{with_a(store)};
    constexpr int last = 300;
    std::thread writer{[&] {
        for (int i = 2; i <= last; ++i) {
            store.set("/a", i);
        }
    }};
    std::vector<std::thread> readers;
    for (int i = 0; i < 3; ++i) {
        readers.emplace_back([&] {
            Client client{served};
            Client::Response response = client.ask("GET", "/v1/config/a");
            unsigned long version = std::stoul(response.field("Attune-Version"));
            while (response.body != std::to_string(last)) {
                client.watch("/v1/config/a", response.field("ETag"));
                response = client.receive();
                ASSERT_EQ(response.status, 200);
                const unsigned long next = std::stoul(response.field("Attune-Version"));
                EXPECT_GT(next, version);
                version = next;
            }
        });
    }
    writer.join();
    for (std::thread& reader : readers) {
        reader.join();
    }
}

TEST(ConfigServer, writes_on_condition_one_after_the_other_from_several_threads) {
    Store store;
    ConfigServer served{with_a(store)};
    constexpr int each = 30;
    std::vector<std::thread> writers;
    for (int i = 0; i < 3; ++i) {
        writers.emplace_back([&] {
            Client client{served};
            for (int done = 0; done < each;) {
                const Client::Response now = client.ask("GET", "/v1/config/a");
                const Client::Response put =
                    client.ask("PUT", "/v1/config/a",
                               "Content-Type: application/json\r\nIf-Match: " + now.field("ETag") +
                                   "\r\n",
                               std::to_string(std::stoi(now.body) + 1));
                done += put.status == 200 ? 1 : 0;
            }
        });
    }
    for (int i = 0; i < 100; ++i) {
        store.set("/b", i);  // must not disturb them
    }
    for (std::thread& writer : writers) {
        writer.join();
    }
    EXPECT_EQ(store.snapshot().document().at("/a"), Document(1 + 3 * each));
}

TEST(ConfigServer, streams_events) {
    Store store;
    ConfigServer served{with_a(store)};
    Client client{served};
    client.send("GET", "/v1/events");
    ASSERT_TRUE(client.receive_until("id: 1\n\n"));
    store.set("/a", 2);
    EXPECT_TRUE(client.receive_until("event: version\nid: 2\ndata: "));
    served.stop();
    EXPECT_FALSE(client.receive_until("never"));
}

TEST(ConfigServer, answers_what_it_holds_when_it_stops) {
    Store store;
    ConfigServer served{with_a(store)};
    Client client{served};
    client.watch("/v1/config/a", client.ask("GET", "/v1/config/a").field("ETag"));
    wait_for_watchers(served, 1);
    served.stop(30s);
    EXPECT_EQ(client.receive().status, 304);
    EXPECT_EQ(client.receive().status, 0);
}

TEST(ConfigServer, may_outlive_its_store) {
    std::optional<Store> store{std::in_place};
    ConfigServer served{with_a(*store)};
    Client client{served};
    EXPECT_EQ(client.ask("GET", "/readyz").status, 200);
    store.reset();
    EXPECT_EQ(client.ask("GET", "/v1/config").status, 503);
    EXPECT_EQ(client.ask("GET", "/readyz").status, 503);
}

TEST(ConfigServer, may_go_while_others_write_and_watch) {
    Store store;
    with_a(store);
    for (int i = 0; i < 20; ++i) {
        auto served = std::make_unique<ConfigServer>(store);
        Client client{*served};
        client.watch("/v1/config/a", client.ask("GET", "/v1/config/a").field("ETag"));
        std::thread writer{[&] {
            for (int k = 0; k < 20; ++k) {
                store.set("/a", i * 100 + k);
            }
        }};
        served.reset();
        writer.join();
        EXPECT_GE(store.version(), 1U);
    }
}

TEST(ConfigServer, runs_on_an_executor_of_the_programs) {
    boost::asio::io_context context;
    std::thread thread;
    {
        Store store;
        const auto work = boost::asio::make_work_guard(context);
        thread = std::thread{[&] { context.run(); }};
        ConfigServer served{with_a(store), {.executor = context.get_executor()}};
        Client client{served};
        client.watch("/v1/config/a", client.ask("GET", "/v1/config/a").field("ETag"));
        wait_for_watchers(served, 1);
        store.set("/a", 2);
        EXPECT_EQ(client.receive().body, "2");
    }
    context.stop();
    thread.join();
}

TEST(ConfigServer, may_be_stopped_from_inside_a_request) {
    Store store;
    ConfigServer served{with_a(store)};
    const auto a = store.bind<int>("/a");
    const auto watch =
        a.on_change(attune::InlineExecutor{}, [&](const attune::Change<int>&) { served.stop(1s); });
    Client client{served};
    EXPECT_EQ(client.put("/v1/config/a", "2").status, 200);
    EXPECT_EQ(client.receive().status, 0);
}

TEST(ConfigServer, may_be_destroyed_from_inside_a_request) {
    boost::asio::io_context context;
    Store store;
    with_a(store);
    auto served = std::make_unique<ConfigServer>(store, attune::ConfigServerOptions{
                                                            .executor = context.get_executor()});
    const auto a = store.bind<int>("/a");
    const auto watch =
        a.on_change(attune::InlineExecutor{}, [&](const attune::Change<int>&) { served.reset(); });
    Client client{*served};
    client.send("PUT", "/v1/config/a", "Content-Type: application/json\r\n", "2");
    std::thread thread{[&] { context.run(); }};
    thread.join();  // there is nothing left to do
    EXPECT_EQ(served, nullptr);
    EXPECT_EQ(a.get(), 2);
    (void)client.receive();  // the answer, or none: in any case it does not wait
}

TEST(ConfigServer, tells_the_program_who_its_clients_are) {
    Store store;
    ConfigServer served{with_a(store)};
    Client client{served};
    EXPECT_EQ(client.put("/v1/clients/c-1", R"({"state":"applied","version":1,"name":"x"})").status,
              204);
    const auto clients = served.clients();
    ASSERT_EQ(clients.size(), 1U);
    EXPECT_EQ(clients[0].id, "c-1");
    EXPECT_EQ(clients[0].state, attune::ClientState::applied);
    EXPECT_EQ(clients[0].address, "127.0.0.1");
    EXPECT_EQ(served.status().clients, 1U);
    EXPECT_EQ(served.status().http.requests, 1U);
}

TEST(ConfigServer, lets_no_stranger_in_by_mistake) {
    Store store;
    with_a(store);
    const auto refused = [&](attune::ConfigServerOptions options) -> std::string {
        try {
            const ConfigServer served{store, std::move(options)};
        } catch (const std::invalid_argument& error) {
            return error.what();
        }
        return {};
    };
    EXPECT_NE(refused({.address = "0.0.0.0"}).find("TLS and an access token"), std::string::npos);
    EXPECT_NE(refused({.address = "0.0.0.0", .token = "t"}).find("needs TLS"), std::string::npos);
    EXPECT_NE(refused({.address = "::", .tls = attune::TlsServerOptions{}}).find("access token"),
              std::string::npos);
    EXPECT_NE(refused({.address = "localhost"}).find("numeric"), std::string::npos);
    EXPECT_NE(refused({.prefix = "x"}), "");
    EXPECT_EQ(refused({.address = "0.0.0.0", .insecure = true}), "");
    const ConfigServer served{store, {.address = "0.0.0.0", .prefix = "/x", .insecure = true}};
    EXPECT_EQ(served.url(), "http://127.0.0.1:" + std::to_string(served.port()) + "/x");
}

TEST(ConfigServer, is_another_instance_each_time_whatever_it_is_called) {
    Store store;
    with_a(store);
    const auto instance = [&] {
        return ConfigServer{store, {.instance = "prod"}}.status().instance;
    };
    const std::string first = instance();
    EXPECT_EQ(first.substr(0, 5), "prod-");
    EXPECT_EQ(first.size(), 15U);
    EXPECT_NE(first, instance());
    ConfigServer served{store, {.instance = "prod"}};
    EXPECT_NE(Client{served}
                  .ask("GET", "/v1/config")
                  .head.find("ETag: \"" + served.status().instance + '.'),
              std::string::npos);
    for (const char* const unusable : {"a.b", "a\"", "a b", "\t", "a\n", "\x7f", "\xc3\xa4"}) {
        EXPECT_THROW((ConfigServer{store, {.instance = unusable}}), std::invalid_argument)
            << unusable;
    }
}

TEST(ConfigServer, asks_for_its_token) {
    Store store;
    ConfigServer served{with_a(store), {.token = "sesame"}};
    Client client{served};
    EXPECT_EQ(client.ask("GET", "/v1/config").status, 401);
    EXPECT_EQ(client.ask("GET", "/v1/config", "Authorization: Bearer sesame\r\n").status, 200);
}

TEST(ConfigServer, without_a_token_answers_to_names_of_this_machine_only) {
    Store store;
    ConfigServer served{with_a(store)};
    Client client{served};
    EXPECT_EQ(client.ask("GET", "/v1/config").status, 200);
    Client tricked{served};
    tricked.host = "evil.example";
    EXPECT_EQ(tricked.ask("GET", "/v1/config").status, 421);
}

}  // namespace
