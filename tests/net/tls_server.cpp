#include <attune/net/tls_server.hpp>

#include <attune/net/http_server.hpp>

#include "net/certificates.hpp"
#include "net/raw_client.hpp"
#include "net/serving.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

namespace {

namespace net = attune::net;
using namespace std::chrono_literals;
using attune_test::Identity;
using net_test::get;
using net_test::RawClient;
using net_test::Serving;
using net_test::Tally;
using net_test::text;
using testing::HasSubstr;

/// Does `f` without the signal for a closed connection, which OpenSSL brings upon its callers. For
/// this thread alone: a server that needed it would be seen.
template <class F>
auto without_sigpipe(F f) {
    sigset_t pipe;
    sigset_t before;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipe, &before);
    const auto result = f();
    const timespec now{};
    while (::sigtimedwait(&pipe, nullptr, &now) > 0) {
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return result;
}

/// A blocking TLS client that believes in one authority.
class TlsClient {
public:
    struct Options {
        const Identity* identity = nullptr;
        int newest = 0;  ///< protocol; 0: whatever there is
        int receive_buffer = 0;
    };

    TlsClient(std::uint16_t port, const Identity& authority, Options options)
        : tcp_(port, "127.0.0.1", options.receive_buffer),
          context_(SSL_CTX_new(TLS_client_method())) {
        SSL_CTX_set_security_level(context_.get(), 0);  // so that it offers what is old, too
        SSL_CTX_set_max_proto_version(context_.get(), options.newest);
        X509_STORE_add_cert(SSL_CTX_get_cert_store(context_.get()), authority.certificate());
        SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
        if (options.identity != nullptr) {
            SSL_CTX_use_certificate(context_.get(), options.identity->certificate());
            SSL_CTX_use_PrivateKey(context_.get(), options.identity->key());
        }
        session_.reset(SSL_new(context_.get()));
        const timeval patience{20, 0};
        ::setsockopt(tcp_.native(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        SSL_set_fd(session_.get(), tcp_.native());
        connected_ = without_sigpipe([&] { return SSL_connect(session_.get()); }) == 1;
        ERR_clear_error();
    }

    bool is_connected() const { return connected_; }
    std::string protocol() const { return SSL_get_version(session_.get()); }

    bool send(std::string_view bytes) const {
        std::size_t sent = 0;
        return without_sigpipe([&] {
                   return SSL_write_ex(session_.get(), bytes.data(), bytes.size(), &sent);
               }) == 1;
    }
    /// At most so many bytes; fewer when the server closes.
    std::string read(std::size_t most) {
        std::string all;
        char bytes[4096];
        std::size_t got = 0;
        while (all.size() < most &&
               SSL_read_ex(session_.get(), bytes, std::min(most - all.size(), sizeof bytes),
                           &got) == 1) {
            all.append(bytes, got);
        }
        ended_well_ = SSL_get_shutdown(session_.get()) == SSL_RECEIVED_SHUTDOWN;
        ERR_clear_error();
        return all;
    }
    std::string read_until(std::string_view end) {
        std::string all;
        while (!all.ends_with(end)) {
            const std::string more = read(1);
            if (more.empty()) {
                break;
            }
            all += more;
        }
        return all;
    }
    /// Did the server say that it closes?
    bool ended_well() const { return ended_well_; }
    void reset() { tcp_.reset(); }

private:
    struct Free {
        void operator()(SSL* each) const { SSL_free(each); }
        void operator()(SSL_CTX* each) const { SSL_CTX_free(each); }
    };

    RawClient tcp_;
    std::unique_ptr<SSL_CTX, Free> context_;
    std::unique_ptr<SSL, Free> session_;
    bool connected_ = false;
    bool ended_well_ = false;
};

class TlsServer : public testing::Test {
protected:
    void SetUp() override {
        std::string name = (std::filesystem::temp_directory_path() / "attune_tls_XXXXXX").string();
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        folder = name;
        server.write(folder / "server.pem", folder / "server.key");
        authority.write(folder / "authority.pem", folder / "authority.key");
    }
    void TearDown() override { std::filesystem::remove_all(folder); }

    net::HttpServerOptions options(bool mutual = false) const {
        net::HttpServerOptions made;
        made.tls = {.certificate = folder / "server.pem", .private_key = folder / "server.key"};
        if (mutual) {
            made.tls->client_authorities = folder / "authority.pem";
        }
        return made;
    }

    std::filesystem::path folder;
    const Identity authority = Identity::authority("the authority");
    const Identity server = authority.signs("the server");
};

TEST_F(TlsServer, answers_as_without_TLS) {
    Serving serving{options()};
    TlsClient client{serving.port(), authority, {}};
    ASSERT_TRUE(client.is_connected());
    ASSERT_TRUE(client.send(get("/1") + get("/2")));
    EXPECT_THAT(client.read_until("GET /1:"), HasSubstr("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(client.read_until("GET /2:"), HasSubstr("HTTP/1.1 200 OK\r\n"));
    ASSERT_TRUE(client.send("GET /3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    EXPECT_THAT(client.read(100'000), testing::EndsWith("GET /3:"));
    EXPECT_TRUE(client.ended_well());
}

TEST_F(TlsServer, speaks_TLS_1_2_and_nothing_older) {
    Serving serving{options()};
    const TlsClient newest{serving.port(), authority, {}};
    EXPECT_EQ(newest.protocol(), "TLSv1.3");
    TlsClient older{serving.port(), authority, {.newest = TLS1_2_VERSION}};
    EXPECT_EQ(older.protocol(), "TLSv1.2");
    ASSERT_TRUE(older.send(get("/x")));
    EXPECT_THAT(older.read_until("GET /x:"), HasSubstr("200 OK"));
    const TlsClient too_old{serving.port(), authority, {.newest = TLS1_1_VERSION}};
    EXPECT_FALSE(too_old.is_connected());
}

TEST_F(TlsServer, lets_in_who_has_a_certificate_of_the_authority_and_says_who_it_is) {
    Serving serving{options(true), [](const std::shared_ptr<net::HttpExchange>& exchange) {
                        EXPECT_TRUE(exchange->peer().tls);
                        exchange->respond(text(exchange->peer().certificate + "!"));
                    }};
    const Identity known = authority.signs("reader, the first");
    TlsClient client{serving.port(), authority, {.identity = &known}};
    ASSERT_TRUE(client.is_connected());
    ASSERT_TRUE(client.send(get("/")));
    EXPECT_THAT(client.read_until("!"), HasSubstr("\r\n\r\nCN=reader\\, the first!"));
}

TEST_F(TlsServer, keeps_others_out) {
    Serving serving{options(true)};
    const Identity elsewhere = Identity::authority("the authority");
    const Identity stranger = elsewhere.signs("reader");
    for (const Identity* who : {static_cast<const Identity*>(nullptr), &stranger}) {
        for (const int newest : {TLS1_2_VERSION, TLS1_3_VERSION}) {
            TlsClient client{serving.port(), authority, {.identity = who, .newest = newest}};
            // In TLS 1.3 the client hears of it only when it reads.
            if (client.is_connected() && client.send(get("/"))) {
                EXPECT_EQ(client.read(1), "");
            }
        }
    }
    EXPECT_TRUE(serving.has_open(0));
    EXPECT_EQ(serving.server.counters().requests, 0U);
    EXPECT_EQ(serving.server.counters().malformed, 4U);
}

TEST_F(TlsServer, holds_requests_and_notices_who_goes) {
    Serving serving{options()};
    TlsClient client{serving.port(), authority, {}};
    ASSERT_TRUE(client.send(get("/hold") + get("/behind")));
    ASSERT_TRUE(serving.arrived.reaches(1));
    serving.answer_held("at last");
    EXPECT_THAT(client.read_until("at last"), HasSubstr("200 OK"));
    EXPECT_THAT(client.read_until("GET /behind:"), HasSubstr("200 OK"));
    ASSERT_TRUE(client.send(get("/hold")));
    ASSERT_TRUE(serving.arrived.reaches(2));
    client.reset();
    EXPECT_TRUE(serving.gone.reaches(1));
}

TEST_F(TlsServer, moves_large_bodies_both_ways) {
    Serving serving{
        options(), [](const std::shared_ptr<net::HttpExchange>& exchange) {
            exchange->respond(text(""),
                              std::make_shared<std::string>(exchange->request().body + "!"));
        }};
    for (const int newest : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        TlsClient client{serving.port(), authority, {.newest = newest, .receive_buffer = 4096}};
        std::string body;
        for (int i = 0; i < 1'500'000; ++i) {
            body += static_cast<char>('a' + i % 23);
        }
        ASSERT_TRUE(client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1500000\r\n\r\n" +
                                body));
        client.read_until("\r\n\r\n");
        EXPECT_TRUE(client.read(1'500'001) == body + "!");
    }
}

TEST_F(TlsServer, streams) {
    std::shared_ptr<net::HttpExchange> stream;
    Tally begun;
    Serving serving{options(), [&](std::shared_ptr<net::HttpExchange> exchange) {
                        exchange->begin_stream(text(""));
                        stream = std::move(exchange);
                        begun.add();
                    }};
    TlsClient client{serving.port(), authority, {}};
    ASSERT_TRUE(client.send(get("/")));
    ASSERT_TRUE(begun.reaches(1));
    const std::string large(100'000, 'x');
    serving.on_server([&] {
        EXPECT_TRUE(stream->write(std::make_shared<std::string>("small")));
        EXPECT_TRUE(stream->write(std::make_shared<std::string>(large)));
        stream->end_stream();
    });
    client.read_until("\r\n\r\n");
    EXPECT_EQ(client.read_until("\r\n\r\n"), "5\r\nsmall\r\n186a0\r\n" + large + "\r\n0\r\n\r\n");
}

TEST_F(TlsServer, is_not_kept_by_a_handshake_that_stops_or_is_none) {
    net::HttpServerOptions quick = options();
    quick.limits.request = 40ms;
    Serving serving{quick};
    RawClient silent{serving.port()};
    EXPECT_TRUE(silent.is_closed());
    RawClient plain{serving.port()};
    ASSERT_TRUE(plain.send(get("/")));
    plain.read_to_end();  // an alert, and the end
    EXPECT_TRUE(serving.has_open(0));
    EXPECT_EQ(serving.server.counters().requests, 0U);
}

TEST_F(TlsServer, names_the_file_that_it_cannot_use) {
    const auto expect_error = [&](const net::HttpServerOptions& given, const std::string& part) {
        try {
            const Serving serving{given};
            ADD_FAILURE() << "starts without " << part;
        } catch (const std::runtime_error& error) {
            EXPECT_THAT(error.what(), HasSubstr(part));
        }
    };
    auto no_certificate = options();
    no_certificate.tls->certificate = folder / "none.pem";
    expect_error(no_certificate, "certificate " + (folder / "none.pem").string());
    auto no_key = options();
    no_key.tls->private_key = folder / "none.key";
    expect_error(no_key, "private key " + (folder / "none.key").string());
    auto other_key = options();
    other_key.tls->private_key = folder / "authority.key";
    expect_error(other_key, "private key " + (folder / "authority.key").string());
    auto no_authorities = options();
    no_authorities.tls->client_authorities = folder / "none.pem";
    expect_error(no_authorities, "authorities of clients " + (folder / "none.pem").string());
}

}  // namespace
