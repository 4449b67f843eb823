#include <attune/net/url.hpp>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <string_view>

namespace {

using attune::net::parse_url;
using attune::net::resolve;
using attune::net::same_origin;
using attune::net::Url;
using attune::net::UrlError;

std::string error_of(std::string_view text) {
    try {
        return "parsed as " + parse_url(text).text();
    } catch (const UrlError& error) {
        return error.what();
    }
}

TEST(Url, is_taken_apart) {
    const Url url = parse_url("HTTP://Example.ORG:8080/v1/config/a%20b?path=/a&path=/b#part");
    EXPECT_FALSE(url.tls);
    EXPECT_EQ(url.host, "example.org");
    EXPECT_EQ(url.port, 8080);
    EXPECT_EQ(url.path, "/v1/config/a%20b");
    EXPECT_EQ(url.target(), "/v1/config/a%20b?path=/a&path=/b");
    EXPECT_EQ(url.authority(), "example.org:8080");
    EXPECT_EQ(url.credentials, "");
}

TEST(Url, has_the_usual_port_and_a_path_where_none_is_given) {
    EXPECT_EQ(parse_url("http://h").port, 80);
    EXPECT_EQ(parse_url("https://h").port, 443);
    EXPECT_EQ(parse_url("https://h:").port, 443);
    EXPECT_EQ(parse_url("http://h").target(), "/");
    EXPECT_EQ(parse_url("http://h?a=b").target(), "/?a=b");
    EXPECT_EQ(parse_url("https://h:443/").authority(), "h");
    EXPECT_EQ(parse_url("https://h:80/").authority(), "h:80");
}

TEST(Url, may_name_an_ipv6_address) {
    const Url url = parse_url("http://[::1]:8080/x");
    EXPECT_EQ(url.host, "::1");
    EXPECT_EQ(url.authority(), "[::1]:8080");
    EXPECT_EQ(url.text(), "http://[::1]:8080/x");
}

TEST(Url, shows_neither_credentials_nor_query) {
    const Url url = parse_url("https://me:pass%40word@h/x?token=abc");
    EXPECT_EQ(url.credentials, "me:pass@word");
    EXPECT_EQ(url.text(), "https://h/x?...");
}

TEST(Url, is_refused_with_a_reason_that_shows_no_credentials) {
    EXPECT_EQ(error_of("127.0.0.1:8080/v1"),
              "\"127.0.0.1:8080/v1\" is no URL; write it like http://127.0.0.1:8080/v1/config");
    EXPECT_EQ(error_of("ftp://me:secret@h/x"),
              "\"ftp://h/x\" does not begin with http:// or https://");
    EXPECT_EQ(error_of("http://me:secret@h:port/x?token=1"),
              "\"http://h:port/x?...\" names a port that is no number");
    EXPECT_EQ(error_of("http:///x"), "\"http:///x\" names no host");
    EXPECT_EQ(error_of("http://h:0/"), "\"http://h:0/\" names a port that is not in [1, 65535]");
    EXPECT_EQ(error_of("http://h:65536/"),
              "\"http://h:65536/\" names a port that is not in [1, 65535]");
    EXPECT_EQ(error_of("http://h:65617/"),
              "\"http://h:65617/\" names a port that is not in [1, 65535]");
    EXPECT_EQ(error_of("http://h/a b"),
              "\"http://h/a b\" is no URL; write it like http://127.0.0.1:8080/v1/config");
    EXPECT_EQ(error_of("http://a%0d%0ab/"),
              "\"http://a%0d%0ab/\" names a host with a blank or a control character");
}

TEST(Url, resolves_what_a_redirect_names) {
    const Url base = parse_url("http://me:secret@h:81/a/b?c=d");
    EXPECT_EQ(resolve(base, "/x?y").origin(), "http://h:81");
    EXPECT_EQ(resolve(base, "/x?y").target(), "/x?y");
    EXPECT_EQ(resolve(base, "x").target(), "/a/x");
    EXPECT_EQ(resolve(base, "../x").target(), "/x");
    EXPECT_EQ(resolve(base, "?z").target(), "/a/b?z");
    EXPECT_EQ(resolve(base, "//other/x").origin(), "http://other");
    EXPECT_EQ(resolve(base, "https://other:8443/x").text(), "https://other:8443/x");
    EXPECT_EQ(resolve(base, "/x").credentials, "");
    EXPECT_EQ(resolve(base, "http://you:too@h:81/x").credentials, "");
    EXPECT_THROW(resolve(base, "mailto:me"), UrlError);
    EXPECT_THROW(resolve(base, "http://h/a b"), UrlError);
}

TEST(Url, of_the_same_origin_has_the_same_scheme_host_and_port) {
    const Url url = parse_url("http://h/a");
    EXPECT_TRUE(same_origin(url, parse_url("http://H:80/b?c")));
    EXPECT_FALSE(same_origin(url, parse_url("https://h/a")));
    EXPECT_FALSE(same_origin(url, parse_url("http://h:81/a")));
    EXPECT_FALSE(same_origin(url, parse_url("http://g/a")));
}

RC_GTEST_PROP(UrlLaws, any_text_is_parsed_or_refused, (const std::string& text)) {
    try {
        const Url url = parse_url("http://" + text);
        RC_ASSERT(url.path.front() == '/');
        RC_ASSERT(url.target().find_first_of("\r\n ") == std::string::npos);
        RC_ASSERT(url.authority().find_first_of("\r\n ") == std::string::npos);
        RC_ASSERT(parse_url(url.origin() + url.target()).target() == url.target());
    } catch (const UrlError& error) {
        RC_ASSERT(std::string_view(error.what()).find_first_of("\r\n") == std::string_view::npos);
    }
}

}  // namespace
