#include <attune/net/tls_client.hpp>

#include "asker.hpp"
#include "certificates.hpp"
#include "scripted_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include <openssl/ssl.h>

namespace {

using namespace attune_test;
using attune::net::HttpClientOptions;
using testing::HasSubstr;
using testing::StartsWith;

void answer_all(Conversation& conversation) {
    for (;;) {
        conversation.answer(conversation.hear().line);
    }
}

HttpClientOptions trusting(const Certificate& certificate) {
    HttpClientOptions options;
    options.tls.authorities = certificate.file();
    return options;
}

TEST(TlsClient, talks_to_a_server_that_it_trusts) {
    const Certificate certificate;
    ScriptedServer server{answer_all, certificate.server()};
    Asker asker{trusting(certificate)};
    EXPECT_EQ(asker.get(server.origin() + "/x"), "200 GET /x HTTP/1.1");
    EXPECT_EQ(asker.get(server.origin() + "/y"), "200 GET /y HTTP/1.1");
    EXPECT_EQ(server.connections(), 1U);
    EXPECT_EQ(asker.get("https://localhost:" + std::to_string(server.port()) + "/z"),
              "200 GET /z HTTP/1.1");
}

TEST(TlsClient, keeps_no_connection_to_a_server_that_says_more_than_asked) {
    const Certificate certificate;
    ScriptedServer server{
        [](Conversation& conversation) {
            conversation.hear();
            conversation.say_together({"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
                                       "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"});
            conversation.wait_gone();
        },
        certificate.server()};
    Asker asker{trusting(certificate)};
    EXPECT_EQ(asker.get(server.origin()), "200 x");
    EXPECT_EQ(asker.get(server.origin()), "200 x");
    EXPECT_EQ(server.connections(), 2U);
}

TEST(TlsClient, refuses_a_server_that_nobody_vouches_for) {
    const Certificate certificate;
    ScriptedServer server{answer_all, certificate.server()};
    Asker asker;
    EXPECT_EQ(asker.get(server.origin()),
              "the certificate of " + server.origin() +
                  " is not trusted: self-signed certificate; give TlsClientOptions::authorities");
    const Certificate other;
    Asker trusts_other{trusting(other)};
    EXPECT_THAT(trusts_other.get(server.origin()), HasSubstr("is not trusted: "));
}

TEST(TlsClient, talks_to_anybody_when_it_is_told_not_to_verify) {
    const Certificate certificate{{.names = "DNS:elsewhere.example", .valid_until = -60}};
    ScriptedServer server{answer_all, certificate.server()};
    HttpClientOptions options;
    options.tls.verify = false;
    Asker asker{options};
    EXPECT_EQ(asker.get(server.origin() + "/x"), "200 GET /x HTTP/1.1");
}

TEST(TlsClient, refuses_a_certificate_for_another_name) {
    const Certificate certificate{{.names = "DNS:elsewhere.example,IP:127.0.0.2"}};
    ScriptedServer server{answer_all, certificate.server()};
    Asker asker{trusting(certificate)};
    EXPECT_THAT(asker.get(server.origin()),
                StartsWith("the certificate of " + server.origin() + " is not for this name: "));
    EXPECT_THAT(asker.get("https://localhost:" + std::to_string(server.port())),
                HasSubstr(" is not for this name: hostname mismatch; use a name that the "
                          "certificate bears"));
}

TEST(TlsClient, refuses_a_certificate_that_is_not_valid_now) {
    const Certificate expired{{.valid_until = -60}};
    const Certificate early{{.valid_from = 60}};
    for (const Certificate* certificate : {&expired, &early}) {
        ScriptedServer server{answer_all, certificate->server()};
        Asker asker{trusting(*certificate)};
        EXPECT_THAT(asker.get(server.origin()), HasSubstr(" is not valid now: certificate "));
    }
}

TEST(TlsClient, names_the_host_it_wants) {
    const Certificate certificate;
    std::string wanted;
    SSL_CTX_set_tlsext_servername_callback(
        certificate.server(), +[](SSL* tls, int*, void* to) {
            const char* const name = SSL_get_servername(tls, TLSEXT_NAMETYPE_host_name);
            *static_cast<std::string*>(to) = name != nullptr ? name : "none";
            return SSL_TLSEXT_ERR_OK;
        });
    SSL_CTX_set_tlsext_servername_arg(certificate.server(), &wanted);
    ScriptedServer server{answer_all, certificate.server()};
    Asker asker{trusting(certificate)};
    asker.get("https://localhost:" + std::to_string(server.port()));
    EXPECT_EQ(wanted, "localhost");
    asker.get(server.origin());
    EXPECT_EQ(wanted, "none");  // an address is no name
}

TEST(TlsClient, proves_who_it_is_where_that_is_asked_for) {
    const Certificate certificate{{.client_needed = true}};
    ScriptedServer server{answer_all, certificate.server()};
    HttpClientOptions options = trusting(certificate);
    Asker without{options};
    EXPECT_THAT(without.get(server.origin()), testing::Not(StartsWith("200")));
    options.tls.certificate = certificate.file();
    options.tls.private_key = certificate.key_file();
    Asker with{options};
    EXPECT_EQ(with.get(server.origin() + "/x"), "200 GET /x HTTP/1.1");
}

TEST(TlsClient, refuses_versions_before_1_2) {
    const Certificate certificate;
    SSL_CTX_set_min_proto_version(certificate.server(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(certificate.server(), TLS1_1_VERSION);
    SSL_CTX_set_security_level(certificate.server(), 0);
    ScriptedServer server{answer_all, certificate.server()};
    Asker asker{trusting(certificate)};
    EXPECT_THAT(asker.get(server.origin()), StartsWith("no TLS with " + server.origin() + ": "));
}

TEST(TlsClient, says_that_a_server_speaks_no_tls) {
    ScriptedServer server{[](Conversation& conversation) {
        conversation.say("HTTP/1.1 400 Bad Request\r\n\r\n");
        conversation.wait_gone();
    }};
    ScriptedServer closing{[](Conversation&) {}};
    Asker asker;
    const std::string origin = "https://127.0.0.1:" + std::to_string(server.port());
    EXPECT_THAT(asker.get(origin), StartsWith("no TLS with " + origin + ": "));
    EXPECT_THAT(asker.get(origin), HasSubstr("; does the server speak TLS on this port?"));
    EXPECT_THAT(asker.get("https://127.0.0.1:" + std::to_string(closing.port())),
                HasSubstr(": the connection was closed in the handshake"));
}

TEST(TlsClient, names_the_file_that_it_cannot_use) {
    for (auto member :
         {&attune::TlsClientOptions::authorities, &attune::TlsClientOptions::certificate,
          &attune::TlsClientOptions::private_key}) {
        HttpClientOptions options;
        options.tls.*member = "missing.pem";
        try {
            const Asker asker{options};
            ADD_FAILURE() << "used a missing file";
        } catch (const std::runtime_error& error) {
            EXPECT_THAT(error.what(), StartsWith("\"missing.pem\" cannot be used as the "));
        }
    }
}

}  // namespace
