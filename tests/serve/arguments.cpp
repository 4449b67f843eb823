#include <attune/serve/detail/accept.hpp>
#include <attune/serve/detail/prefer.hpp>
#include <attune/serve/detail/request_target.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <rapidcheck/gtest.h>

namespace {

using attune::Path;
using attune::detail::best_media_type;
using attune::detail::is_media_type;
using attune::detail::path_of_segments;
using attune::detail::Preferences;
using attune::detail::RequestTarget;

TEST(Preferences, to_wait_are_read_among_others) {
    EXPECT_EQ(Preferences::parse("wait=30").wait, 30U);
    EXPECT_EQ(Preferences::parse("respond-async, Wait = \"7\"; foo=\"a,wait=9\"").wait, 7U);
    EXPECT_EQ(Preferences::parse("wait=1, wait=2").wait, 1U);
    EXPECT_EQ(Preferences::parse("x=\"\\\",wait=3\", wait=4").wait, 4U);
    EXPECT_EQ(Preferences::parse("wait=99999999999999999999").wait, UINT32_MAX);
}

TEST(Preferences, that_are_malformed_are_ignored) {
    for (const char* const field :
         {"", "wait", "wait=", "wait=-1", "wait=1.5", "wait=soon", "await=3", "x=\"wait=3"}) {
        EXPECT_FALSE(Preferences::parse(field).wait) << field;
    }
    EXPECT_FALSE(Preferences::parse("wait=soon, wait=3").wait);
}

TEST(Preferences, about_secrets_know_one_value) {
    EXPECT_TRUE(Preferences::parse("wait=3, secrets=omit").omit_secrets);
    EXPECT_FALSE(Preferences::parse("secrets=show").omit_secrets);
    EXPECT_FALSE(Preferences::parse("secrets").omit_secrets);
}

TEST(RequestTarget, is_taken_apart_before_it_is_decoded) {
    const auto target = RequestTarget::parse("/v1/a%2Fb//c%20d/?path=%2Fx%26y&path=/z&flag&q=a=b");
    ASSERT_TRUE(target);
    EXPECT_EQ(target->segments, (std::vector<std::string>{"v1", "a/b", "", "c d", ""}));
    EXPECT_EQ(target->query, (std::vector<std::pair<std::string, std::string>>{
                                 {"path", "/x&y"}, {"path", "/z"}, {"flag", ""}, {"q", "a=b"}}));
    EXPECT_EQ(target->parameter("path"), "/x&y");
    EXPECT_FALSE(target->parameter("none"));
}

TEST(RequestTarget, of_a_proxy_is_a_whole_url) {
    const auto target = RequestTarget::parse("http://example.org:80/v1/config?x=1");
    ASSERT_TRUE(target);
    EXPECT_EQ(target->segments, (std::vector<std::string>{"v1", "config"}));
    EXPECT_EQ(RequestTarget::parse("http://example.org")->segments, std::vector<std::string>{""});
}

TEST(RequestTarget, must_be_a_path_with_sound_escapes) {
    for (const char* const text : {"", "v1/config", "*", "/%", "/%4", "/%zz", "/a?b=%f"}) {
        EXPECT_FALSE(RequestTarget::parse(text)) << text;
    }
}

TEST(RequestTarget, leads_to_the_place_that_a_json_pointer_names) {
    const auto place = [](const std::string& target) {
        return path_of_segments(RequestTarget::parse(target)->segments);
    };
    EXPECT_EQ(place("/a/b"), Path("/a/b"));
    EXPECT_EQ(place("/a~1b/%7E0"), Path("/a~1b/~0"));
    EXPECT_EQ(place("/"), Path("/"));
    EXPECT_FALSE(place("/a~"));
    EXPECT_FALSE(place("/~2"));
}

std::string encoded(const std::string& text) {
    static constexpr char digits[] = "0123456789ABCDEF";
    std::string safe;
    for (const char c : text) {
        safe += '%';
        safe += digits[static_cast<unsigned char>(c) / 16];
        safe += digits[static_cast<unsigned char>(c) % 16];
    }
    return safe;
}

RC_GTEST_PROP(RequestTarget, carries_every_path, (const std::vector<std::string>& tokens)) {
    RC_PRE(!tokens.empty());
    const Path path{tokens};
    std::string target;
    for (const std::string& token : tokens) {
        target += '/' + encoded(Path{std::vector<std::string>{token}}.pointer().substr(1));
    }
    const auto parsed = RequestTarget::parse(target);
    RC_ASSERT(parsed.has_value());
    RC_ASSERT(path_of_segments(parsed->segments) == path);
}

TEST(MediaTypes, are_chosen_by_what_the_client_likes_best) {
    const auto best = [](const char* accept) {
        return best_media_type(accept, {"application/json", "text/plain"});
    };
    EXPECT_EQ(best(""), 0U);
    EXPECT_EQ(best("*/*"), 0U);
    EXPECT_EQ(best("text/plain"), 1U);
    EXPECT_EQ(best("TEXT/*"), 1U);
    EXPECT_EQ(best("text/plain;q=0.5, application/json;q=0.4"), 1U);
    EXPECT_EQ(best("text/plain;q=0.5, */*;q=0.1"), 1U);
    EXPECT_EQ(best("text/*, text/plain;q=0, application/json;q=0.001"), 0U);
    EXPECT_EQ(best("image/png"), 0U);
    EXPECT_EQ(best("text/plain;q=oops"), 1U);
}

TEST(MediaTypes, compare_without_their_parameters) {
    EXPECT_TRUE(is_media_type("application/json", "application/json"));
    EXPECT_TRUE(is_media_type("Application/JSON ; charset=utf-8", "application/json"));
    EXPECT_FALSE(is_media_type("application/json-patch+json", "application/json"));
    EXPECT_FALSE(is_media_type("", "application/json"));
}

}  // namespace
