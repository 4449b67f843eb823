#include <attune/bind/secrecy.hpp>

#include <attune/bind/decode.hpp>
#include <attune/bind/encode.hpp>
#include <attune/bind/schema.hpp>
#include <attune/bind/secret.hpp>
#include <attune/bind/type.hpp>
#include <attune/document/difference.hpp>
#include <attune/document/parse.hpp>
#include <attune/document/text.hpp>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <variant>
#include <vector>

namespace secrecy_test {

using attune::Document;
using attune::parse;
using attune::Path;
using attune::Secret;
using attune::detail::Bound;
using attune::detail::bound_parts;
using attune::detail::has_secrets;
using attune::detail::is_secret;
using attune::detail::mask_secrets;
using attune::detail::omit_secrets;

struct Plain {
    int size = 8;
    std::vector<std::string> tags;
};

struct Login {
    std::string user;
    Secret<std::string> password;
    std::string pin;  // secret by its description
};

void describe(attune::Schema<Login>& s) { s.field(&Login::pin).secret(); }

struct Key {
    std::string file;
    Secret<std::string> key;
};

struct Tree {
    int value = 0;
    std::map<std::string, Tree> children;
    std::unique_ptr<Login> login;
};

struct PlainTree {
    std::vector<PlainTree> children;
    std::optional<Plain> plain;
};

struct Server {
    std::string host;
    Plain plain;
    Login login;
    std::optional<Login> spare;
    std::vector<Login> logins;
    std::array<Secret<int>, 2> codes;
    std::map<std::string, Login> users;
    std::vector<Secret<std::string>> tokens;
    std::variant<std::string, Login, Key> either;
    std::variant<bool, Secret<std::string>> token;
    std::variant<double, std::vector<Secret<std::string>>, Plain> listed;
    Tree tree;
    Secret<Plain> hidden;
    Document raw;
};

template <class T>
Bound bound(const char* path) {
    return {Path(path), &attune::detail::type_of<T>()};
}

Document masked(std::string_view json, const std::vector<Bound>& roots, const char* at = "") {
    return mask_secrets(parse(json), Path(at), roots);
}

Document bare(std::string_view json, const std::vector<Bound>& roots) {
    return bound_parts(parse(json), roots, false);
}

template <class T>
void expect_masked(std::string_view json, std::string_view expected) {
    EXPECT_EQ(masked(json, {bound<T>("")}), parse(expected)) << json;
}

template <class T>
void expect_bare(std::string_view json, std::string_view expected) {
    EXPECT_EQ(bare(json, {bound<T>("")}), parse(expected)) << json;
}

TEST(Secrecy, of_a_type_is_that_of_all_it_can_hold) {
    EXPECT_FALSE(has_secrets(attune::detail::type_of<Plain>()));
    EXPECT_FALSE(has_secrets(attune::detail::type_of<PlainTree>()));
    EXPECT_FALSE(has_secrets(attune::detail::type_of<Document>()));
    EXPECT_TRUE(has_secrets(attune::detail::type_of<Tree>()));
    EXPECT_TRUE(has_secrets(attune::detail::type_of<Secret<int>>()));
    using Lists = std::optional<std::vector<std::map<std::string, std::array<Login, 2>>>>;
    EXPECT_TRUE(has_secrets(attune::detail::type_of<Lists>()));
    using Either = std::variant<int, std::vector<Secret<int>>>;
    EXPECT_TRUE(has_secrets(attune::detail::type_of<Either>()));
}

namespace knot {

// Which of them is asked first must not matter.
struct B;
struct A {
    std::vector<B> to_b;
};
struct C {
    std::vector<A> to_a;
    Secret<int> secret;
};
struct B {
    std::vector<A> to_a;
    std::vector<C> to_c;
};

}  // namespace knot

TEST(Secrecy, of_types_that_hold_each_other_does_not_depend_on_where_one_begins) {
    EXPECT_TRUE(has_secrets(attune::detail::type_of<knot::A>()));
    EXPECT_TRUE(has_secrets(attune::detail::type_of<knot::B>()));
    EXPECT_TRUE(has_secrets(attune::detail::type_of<knot::C>()));
}

namespace asked_at_once {

struct Inner {
    std::optional<Secret<int>> secret;
};
struct Outer {
    std::vector<Outer> more;
    std::map<std::string, Inner> inner;
};

}  // namespace asked_at_once

TEST(Secrecy, may_be_asked_for_by_several_threads_at_once) {
    std::array<bool, 4> found{};
    std::vector<std::thread> threads;
    for (bool& answer : found) {
        threads.emplace_back([&] {
            answer = has_secrets(attune::detail::type_of<asked_at_once::Outer>());
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    EXPECT_EQ(found, (std::array<bool, 4>{true, true, true, true}));
}

TEST(SecrecyOfPaths, is_that_of_the_nearest_secret_around) {
    const std::vector<Bound> roots{bound<Server>("server")};
    for (const char* const path :
         {"server.login.password", "server.login.pin", "server.spare.pin", "server.logins.7.pin",
          "server.logins.-.pin", "server.codes.0", "server.users.anybody.password",
          "server.tokens.3", "server.either.password", "server.either.key", "server.token",
          "server.listed.0", "server.tree.children.a.children.b.login.password", "server.hidden",
          "server.hidden.size", "server.login.password.deeper"}) {
        EXPECT_TRUE(is_secret(path, roots)) << path;
    }
    for (const char* const path :
         {"", "server", "server.login", "server.login.user", "server.logins.x.pin", "server.users",
          "server.either", "server.either.file", "server.listed.size", "server.tree.children.a",
          "server.raw.password", "server.unknown", "other.login.password"}) {
        EXPECT_FALSE(is_secret(path, roots)) << path;
    }
}

TEST(SecrecyOfPaths, needs_one_root_that_says_so) {
    EXPECT_TRUE(is_secret("a.x", std::vector{bound<Document>("a"), bound<Secret<int>>("a.x")}));
    EXPECT_TRUE(is_secret("a.x.y", std::vector{bound<Secret<Document>>("a.x"), bound<int>("a")}));
    EXPECT_FALSE(is_secret("a.x", {}));
}

TEST(MaskedSecrets, are_three_stars) {
    expect_masked<Login>(R"({"user": "u", "password": "p", "pin": "1"})",
                         R"({"user": "u", "password": "***", "pin": "***"})");
    expect_masked<Server>(
        R"({"host": "h", "logins": [{"user": "u"}, {"password": "p"}], "codes": [1, 2],
            "users": {"a": {"user": "u", "pin": 1}}, "tokens": ["a"], "hidden": {"size": 1},
            "tree": {"children": {"a": {"login": {"password": "p"}}}}, "raw": {"password": "p"}})",
        R"({"host": "h", "logins": [{"user": "u"}, {"password": "***"}], "codes": ["***", "***"],
            "users": {"a": {"user": "u", "pin": "***"}}, "tokens": ["***"], "hidden": "***",
            "tree": {"children": {"a": {"login": {"password": "***"}}}},
            "raw": {"password": "p"}})");
}

TEST(MaskedSecrets, stay_null_where_they_are) {
    expect_masked<Login>(R"({"password": null})", R"({"password": null})");
    EXPECT_TRUE(masked("null", {bound<Secret<int>>("")}).is_null());
}

TEST(MaskedSecrets, are_what_any_alternative_of_a_variant_says) {
    expect_masked<Server>(R"({"either": {"user": "u", "password": "p", "file": "f", "key": "k"}})",
                          R"({"either": {"user": "u", "password": "***", "file": "f",
                              "key": "***"}})");
    expect_masked<Server>(R"({"either": "plain"})", R"({"either": "plain"})");
    expect_masked<Server>(R"({"token": true})", R"({"token": "***"})");
    expect_masked<Server>(R"({"listed": {"size": 1}})", R"({"listed": {"size": 1}})");
    expect_masked<Server>(R"({"listed": 1})", R"({"listed": 1})");
}

TEST(MaskedSecrets, are_also_what_cannot_be_told) {
    expect_masked<Server>(R"({"login": ["p"]})", R"({"login": "***"})");
    expect_masked<Server>(R"({"users": "p"})", R"({"users": "***"})");
    expect_masked<Server>(R"({"either": ["p"]})", R"({"either": "***"})");
    const std::vector<Bound> roots{bound<Server>("")};
    const Document json = Document::object().with("either", Document::text(R"({"key": "k"})"));
    EXPECT_EQ(mask_secrets(json, {}, roots), Document::object().with("either", "***"));
    Document deep = Document::object().with("login.password", "p");
    for (int i = 0; i != 300; ++i) {
        deep = Document::object().with("children.a", deep);
    }
    const Document shown = mask_secrets(deep, "tree", roots);
    EXPECT_EQ(attune::to_text(shown).find("\"p\""), std::string::npos);
}

TEST(MaskedSecrets, do_not_take_forever_in_variants_of_variants) {
    struct Ends {
        static Document nested(int depth) {
            Document value = Document::object().with("secret", 1);
            for (int i = 0; i != depth; ++i) {
                value = Document::object().with("next", value);
            }
            return value;
        }
    };
    struct Right;
    struct Left {
        std::vector<std::variant<Left, Right>> unused;
        std::map<std::string, std::variant<Left, Right>> next;
        Secret<int> secret;
    };
    struct Right {
        std::map<std::string, std::variant<Left, Right>> next;
        Secret<int> secret;
    };
    const std::vector<Bound> roots{bound<std::variant<Left, Right>>("")};
    const Document value = Ends::nested(200);
    Path place;
    for (int i = 0; i != 200; ++i) {
        place = place / "next";
    }
    EXPECT_EQ(mask_secrets(value, {}, roots), value.with(place / "secret", "***"));
    EXPECT_TRUE(is_secret(place / "secret", roots));
}

TEST(MaskedSecrets, are_found_from_any_place) {
    const std::vector<Bound> roots{bound<Login>("a.login")};
    EXPECT_EQ(masked(R"({"a": {"login": {"pin": 1}}})", roots),
              parse(R"({"a": {"login": {"pin": "***"}}})"));
    EXPECT_EQ(masked(R"({"login": {"pin": 1}})", roots, "a"),
              parse(R"({"login": {"pin": "***"}})"));
    EXPECT_EQ(masked(R"({"pin": 1})", roots, "a.login"), parse(R"({"pin": "***"})"));
    EXPECT_EQ(masked("1", roots, "a.login.pin"), "***");
    EXPECT_EQ(masked(R"({"deeper": 1})", roots, "a.login.pin"), "***");
    EXPECT_EQ(masked("1", roots, "a.login.user"), 1);
    EXPECT_EQ(masked("1", roots, "b"), 1);
}

TEST(MaskedSecrets, are_those_of_all_roots) {
    EXPECT_EQ(masked(R"({"a": {"user": "u", "password": "p", "extra": "e"}})",
                     {bound<Secret<int>>("a.extra"), bound<Login>("a"), bound<Document>("")}),
              parse(R"({"a": {"user": "u", "password": "***", "extra": "***"}})"));
}

TEST(MaskedSecrets, leave_all_else_shared) {
    const Document before = parse(R"({"login": {"pin": "1"}, "plain": {"size": 1}, "tree": {}})");
    const Document after = mask_secrets(before, {}, std::vector{bound<Server>("")});
    EXPECT_TRUE(after.at("plain").same(before.at("plain")));
    EXPECT_TRUE(mask_secrets(before.at("plain"), "plain", std::vector{bound<Server>("")})
                    .same(before.at("plain")));
}

TEST(BoundParts, are_what_lies_within_the_roots) {
    const Document document =
        parse(R"({"a": {"x": 1, "y": 2}, "b": [{"z": 3}, {"z": 4}], "c": 5})");
    const auto parts = [&](const std::vector<Bound>& roots) {
        return bound_parts(document, roots, true);
    };
    EXPECT_EQ(parts({}), Document());
    EXPECT_EQ(parts({bound<int>("d"), bound<int>("c.d")}), Document());
    EXPECT_EQ(parts({bound<int>("a.x"), bound<int>("c")}), parse(R"({"a": {"x": 1}, "c": 5})"));
    EXPECT_EQ(parts({bound<int>("a.x"), bound<Document>("a")}),
              parse(R"({"a": {"x": 1, "y": 2}})"));
    EXPECT_EQ(parts({bound<int>("b.1.z")}), parse(R"({"b": [null, {"z": 4}]})"));
    EXPECT_TRUE(parts({bound<Document>("")}).same(document));
    EXPECT_TRUE(parts({bound<Document>("a")}).at("a").same(document.at("a")));
}

TEST(BoundParts, keep_null_which_hides_what_lower_layers_have) {
    EXPECT_EQ(bare(R"({"a": null, "b": 1})", {bound<Login>("a")}), parse(R"({"a": null})"));
    expect_bare<Login>(R"({"password": null})", R"({"password": null})");
}

TEST(Secrets, may_be_left_out_of_a_part_of_the_document) {
    const Document document = parse(
        R"({"login": {"user": "u", "password": "p"}, "tokens": ["a"], "list": [{"a": 1}, 2]})");
    const auto left = [&](const char* at, const std::vector<Bound>& roots) {
        return omit_secrets(document.at(at), at, roots);
    };
    EXPECT_EQ(left("/login", {bound<Server>("")}), parse(R"({"user": "u"})"));
    EXPECT_EQ(left("/login/user", {bound<Server>("")}), Document("u"));
    EXPECT_EQ(left("/login/password", {bound<Server>("")}), std::nullopt);
    EXPECT_EQ(left("/tokens", {bound<Server>("")}), std::nullopt);
    EXPECT_EQ(left("", {bound<Server>("")}),
              parse(R"({"login": {"user": "u"}, "list": [{"a": 1}, 2]})"));
    EXPECT_EQ(left("/list", {bound<Secret<int>>("/list/1")}), std::nullopt);
    EXPECT_EQ(left("/list/0", {bound<Secret<int>>("/list/1")}), parse(R"({"a": 1})"));
    EXPECT_EQ(left("/list", {bound<Secret<int>>("/list/0/a")}), parse("[{}, 2]"));
    EXPECT_TRUE(left("", {bound<int>("/list")})->same(document));
}

TEST(BoundParts, may_be_without_secrets) {
    expect_bare<Server>(R"({"host": "h", "login": {"user": "u", "password": "p"}, "codes": [1, 2],
                            "hidden": {"size": 1}, "tokens": ["a"], "token": "t",
                            "logins": [{"user": "u", "pin": "1"}], "raw": {"password": "p"}})",
                        R"({"host": "h", "login": {"user": "u"}, "logins": [{"user": "u"}],
                            "raw": {"password": "p"}})");
    EXPECT_EQ(bare(R"({"a": 1, "b": 2})", {bound<Secret<int>>("a")}), parse("{}"));
    EXPECT_EQ(bare("1", {bound<Secret<int>>("")}), Document());
    EXPECT_EQ(bare(R"({"a": [{"x": 1}, 2]})", {bound<Secret<int>>("a.0"), bound<Document>("a")}),
              parse("{}"));
}

// A place that is not secret shows what it has; a secret shows nothing, whichever way it is asked.
RC_GTEST_PROP(SecrecyLaw, masks_leaves_out_and_tells_the_same_places, ()) {
    const std::vector<Bound> roots{bound<Server>("server")};
    Document document = Document::object();
    const auto names =
        rc::gen::element<std::string>("server", "login", "password", "pin", "user", "logins", "0",
                                      "users", "a", "either", "key", "token", "listed", "tree",
                                      "children", "hidden", "size", "raw", "tokens", "codes");
    const auto paths = *rc::gen::container<std::vector<std::vector<std::string>>>(
        rc::gen::container<std::vector<std::string>>(names));
    for (const std::vector<std::string>& tokens : paths) {
        document = document.with(Path("server") / Path(tokens), "value");
    }
    const Document all_masked = mask_secrets(document, {}, roots);
    const Document without = bound_parts(document, roots, false);
    for (const std::vector<std::string>& tokens : paths) {
        const Path path = Path("server") / Path(tokens);
        const Document* const before = document.find(path);
        if (before == nullptr) {
            continue;  // put aside by a later path
        }
        const Document alone = mask_secrets(*before, path, roots);
        const Document* const shown = all_masked.find(path);
        if (shown != nullptr) {
            RC_ASSERT(*shown == alone);
        }
        if (is_secret(path, roots)) {
            RC_ASSERT(alone == Document("***"));
            RC_ASSERT(without.find(path) == nullptr);
        }
        if (shown != nullptr && shown->same(*before)) {
            RC_ASSERT(without.find(path) != nullptr);
        }
    }
}

}  // namespace secrecy_test
