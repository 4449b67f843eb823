#include <attune/document/document.hpp>

#include "support.hpp"

#include <cmath>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using attune::Document;
using attune::Kind;
using attune::Path;

template <class Error, class F>
std::string message_of(F&& f) {
    try {
        f();
    } catch (const Error& error) {
        return error.what();
    }
    return "nothing was thrown";
}

std::vector<std::string> keys_of(const Document& document) {
    std::vector<std::string> keys;
    for (const auto& [key, value] : document.members()) {
        keys.emplace_back(key);
    }
    return keys;
}

template <class T>
concept GivesMembers = requires { std::declval<T>().members(); };
static_assert(GivesMembers<const Document&> && !GivesMembers<Document>,
              "a range over a temporary would dangle");
static_assert(!std::is_constructible_v<Document, char>, "neither a number nor a string");
static_assert(!std::is_constructible_v<Document, int*>, "a pointer is not a boolean");
static_assert(std::is_nothrow_move_constructible_v<Document>);
static_assert(std::forward_iterator<attune::Members::iterator>);
static_assert(std::ranges::forward_range<attune::Elements>);

TEST(Document, has_the_kind_of_what_it_was_made_from) {
    EXPECT_EQ(Document().kind(), Kind::null);
    EXPECT_EQ(Document(nullptr).kind(), Kind::null);
    EXPECT_EQ(Document(true).kind(), Kind::boolean);
    EXPECT_EQ(Document(1).kind(), Kind::integer);
    EXPECT_EQ(Document(std::int8_t{1}).kind(), Kind::integer);
    EXPECT_EQ(Document(UINT64_MAX).kind(), Kind::integer);
    EXPECT_EQ(Document(1.0F).kind(), Kind::real);
    EXPECT_EQ(Document("x").kind(), Kind::string);
    EXPECT_EQ(Document(std::string("x")).kind(), Kind::string);
    EXPECT_EQ(Document(std::string_view("x")).kind(), Kind::string);
    EXPECT_EQ(Document::text("x").kind(), Kind::string);
    EXPECT_EQ(Document::array().kind(), Kind::array);
    EXPECT_EQ(Document::object().kind(), Kind::object);
}

TEST(Document, gives_back_scalars) {
    EXPECT_TRUE(Document(true).as_bool());
    EXPECT_EQ(Document(-5).as_int64(), -5);
    EXPECT_EQ(Document(INT64_MIN).as_int64(), INT64_MIN);
    EXPECT_EQ(Document(5u).as_uint64(), 5u);
    EXPECT_EQ(Document(UINT64_MAX).as_uint64(), UINT64_MAX);
    EXPECT_EQ(Document(1.5).as_double(), 1.5);
    EXPECT_EQ(Document(3).as_double(), 3.0);
    EXPECT_EQ(Document(UINT64_MAX).as_double(), 18446744073709551616.0);
}

TEST(Document, keeps_strings_of_every_length) {
    for (std::size_t length = 0; length < 40; ++length) {
        const std::string text(length, 'x');
        EXPECT_EQ(Document(text).as_string(), text);
        EXPECT_EQ(Document(text), Document(text));
        EXPECT_NE(Document(text), Document(text + "x"));
    }
    EXPECT_EQ(Document(std::string("a\0b", 3)).as_string().size(), 3u);
}

TEST(Document, says_what_it_expected_and_what_it_found) {
    const auto error = [](auto f) { return message_of<std::domain_error>(f); };
    EXPECT_EQ(error([] { Document("1").as_int64(); }), "expected an integer, found a string");
    EXPECT_EQ(error([] { Document(1).as_bool(); }), "expected a boolean, found an integer");
    EXPECT_EQ(error([] { Document().as_string(); }), "expected a string, found null");
    EXPECT_EQ(error([] { Document::array().as_double(); }), "expected a number, found an array");
    EXPECT_EQ(error([] { Document(1.0).as_int64(); }), "expected an integer, found a real number");
    EXPECT_EQ(error([] { Document(-1).as_uint64(); }),
              "expected an integer of at least 0, found a negative one");
    EXPECT_EQ(error([] { Document(UINT64_MAX).as_int64(); }),
              "expected an integer of at most 9223372036854775807, found a larger one");
}

TEST(Document, makes_objects_and_arrays_of_braces) {
    const Document object{{"server", {{"port", 1}, {"tags", {"a", "b"}}}}, {"on", true}};
    ASSERT_TRUE(object.is_object());
    EXPECT_EQ(object.at("server.port"), Document(1));
    EXPECT_EQ(object.at("server.tags.1"), Document("b"));

    const Document array{1, "two", {3, 4}};
    ASSERT_TRUE(array.is_array());
    EXPECT_EQ(array.size(), 3u);

    EXPECT_TRUE((Document{{"a", 1}, {"b", 2, 3}}.is_array()));
    EXPECT_TRUE((Document{{1, 2}}.is_array()));
    EXPECT_EQ((Document{{"a", 1}, {"a", 2}}), (Document{{"a", 2}}));
}

TEST(Document, keeps_members_sorted_by_the_bytes_of_the_key) {
    const Document object{{"b", 1}, {"a\xC3\xA9", 2},          {"a", 3},
                          {"", 4},  {"longer than a cell", 5}, {"az", 6}};
    EXPECT_EQ(keys_of(object),
              (std::vector<std::string>{"", "a", "az", "a\xC3\xA9", "b", "longer than a cell"}));
    const Document zeros{{std::string("a\0", 2), 1}, {"a", 2}, {std::string("a\0b", 3), 3}};
    EXPECT_EQ((*zeros.members().begin()).value.as_int64(), 2);
    EXPECT_EQ(zeros.find(std::string("a\0b", 3))->as_int64(), 3);
}

TEST(Document, finds_by_key_by_index_and_by_path) {
    const Document document{{"a.b", 1}, {"list", {10, 20}}, {"0", 2}};
    EXPECT_EQ(*document.find("a.b"), Document(1));
    EXPECT_EQ(document.find("a"), nullptr);
    EXPECT_EQ(document.find(Path("a.b")), nullptr);
    EXPECT_EQ(*document.find(Path("/a.b")), Document(1));
    EXPECT_EQ(*document.find(Path("list.1")), Document(20));
    EXPECT_EQ(document.find(Path("list.2")), nullptr);
    EXPECT_EQ(document.find(Path("list.01")), nullptr);
    EXPECT_EQ(document.find(Path("list.-")), nullptr);
    EXPECT_EQ(document.find(0), nullptr) << "an object has no elements";
    EXPECT_EQ(*document.find("list")->find(1), Document(20));
    EXPECT_EQ(document.find("list")->find("1"), nullptr) << "an array has no members";
    EXPECT_EQ(document.find(Path())->size(), 3u);
    EXPECT_EQ(Document(1).find("a"), nullptr);
}

TEST(Document, names_the_place_where_a_path_ends) {
    const Document document{{"server", {{"port", 1}, {"tags", {"a"}}}}};
    const auto error = [&](const char* path) {
        return message_of<std::out_of_range>([&] { document.at(path); });
    };
    EXPECT_EQ(error("server.prot"), "server.prot: no such member; did you mean \"port\"?");
    EXPECT_EQ(error("server.certificate.file"), "server.certificate: no such member");
    EXPECT_EQ(error("server.tags.1"), "server.tags.1: no such element; the array has 1");
    EXPECT_EQ(error("server.port.x"), "server.port.x: nothing there; server.port is an integer");
    EXPECT_EQ(message_of<std::out_of_range>([] { Document(1).at("x"); }),
              "x: nothing there; the document is an integer");
}

TEST(Document, with_creates_objects_on_the_way) {
    EXPECT_EQ(Document().with("a.b.c", 1), (Document{{"a", {{"b", {{"c", 1}}}}}}));
    EXPECT_EQ((Document{{"a", 5}}).with("a.b", 1), (Document{{"a", {{"b", 1}}}}));
    EXPECT_EQ((Document{{"a", 5}}).with("", 1), Document(1));
    EXPECT_EQ(Document().with("0", 1), (Document{{"0", 1}}));
}

TEST(Document, with_replaces_and_appends_elements) {
    const Document array{1, 2};
    EXPECT_EQ(array.with("0", 9), (Document{9, 2}));
    EXPECT_EQ(array.with("-", 3), (Document{1, 2, 3}));
    EXPECT_EQ(array.with("2", 3), (Document{1, 2, 3}));
    EXPECT_EQ(array.with("-.x", 3), (Document{1, 2, Document::object().with("x", 3)}));
    EXPECT_THROW(array.with("3", 0), std::out_of_range);
    EXPECT_THROW(array.with("01", 0), std::out_of_range);
    EXPECT_THROW(array.with("x", 0), std::out_of_range);
    EXPECT_THROW((Document{{"list", array}}).with("list.x.y", 0), std::out_of_range);
}

TEST(Document, with_the_same_value_is_the_same_document) {
    const Document document{{"a", {{"b", 1}, {"c", "short"}}}};
    EXPECT_TRUE(document.with("a.b", 1).same(document));
    EXPECT_TRUE(document.with("a.c", "short").same(document));
    EXPECT_TRUE(document.with("a", document.at("a")).same(document));
}

TEST(Document, without_removes_members_and_elements) {
    const Document document{{"a", {{"b", 1}, {"c", 2}}}, {"list", {1, 2, 3}}};
    EXPECT_EQ(document.without("a.b").at("a"), (Document{{"c", 2}}));
    EXPECT_EQ(document.without("a.b").without("a.c").at("a"), Document::object());
    EXPECT_EQ(document.without("list.1").at("list"), (Document{1, 3}));
    EXPECT_TRUE(document.without("a.x").same(document));
    EXPECT_TRUE(document.without("list.3").same(document));
    EXPECT_TRUE(document.without("list.-").same(document));
    EXPECT_TRUE(document.without("a.b.c").same(document));
    EXPECT_EQ(document.without(""), Document());
}

TEST(Document, compares_by_value_and_kind) {
    EXPECT_EQ(Document(1), Document(1u));
    EXPECT_NE(Document(1), Document(1.0));
    EXPECT_NE(Document(0.0), Document(-0.0));
    EXPECT_EQ(Document(std::nan("1")), Document(-std::nan("2")));
    EXPECT_NE(Document("4"), Document::text("4"));
    EXPECT_NE(Document("a string longer than a cell"),
              Document::text("a string longer than a cell"));
    EXPECT_NE(Document::array(), Document::object());
    EXPECT_NE((Document{{"a", 1}}), (Document{{"b", 1}}));
    EXPECT_NE((Document{{"a", {1, 2}}}), (Document{{"a", {1, 3}}}));
}

TEST(Document, is_same_only_when_shared_or_scalar) {
    const Document a{{"x", 1}};
    const Document b{{"x", 1}};
    const Document copy = a;  // NOLINT(performance-unnecessary-copy-initialization): the subject
    EXPECT_EQ(a, b);
    EXPECT_FALSE(a.same(b));
    EXPECT_TRUE(a.same(copy));
    EXPECT_TRUE(Document("short").same(Document("short")));
}

TEST(Document, survives_assignment_from_its_own_inside) {
    Document document{{"a", {{"b", "a string longer than a cell"}}}};
    document = document.at("a");
    document = *document.find("b");
    EXPECT_EQ(document.as_string(), "a string longer than a cell");
    const Document& self = document;
    document = self;
    EXPECT_EQ(document.as_string(), "a string longer than a cell");
}

TEST(Document, moves_leave_null) {
    Document document{{"a", 1}};
    const Document taken = std::move(document);
    EXPECT_TRUE(document.is_null());  // NOLINT: what a moved-from document is like
    EXPECT_EQ(taken.size(), 1u);
}

TEST(Document, takes_any_depth) {
    constexpr std::size_t levels = 100'000;
    const Document arrays = attune_test::nested_arrays(levels, 1);
    const Document objects = attune_test::nested_objects(levels, {{"x", 1}, {"y", {1, 2}}});
    EXPECT_EQ(arrays, attune_test::nested_arrays(levels, 1));
    EXPECT_NE(arrays, attune_test::nested_arrays(levels, 2));
    EXPECT_NE(arrays, attune_test::nested_arrays(levels - 1, 1));

    const Path deep{std::vector<std::string>(levels, "a")};
    EXPECT_EQ(objects.at(deep).size(), 2u);
    const Document changed = objects.with(deep / "x", 2);
    EXPECT_EQ(changed.at(deep / "x"), Document(2));
    EXPECT_NE(changed, objects);
    EXPECT_EQ(changed.with(deep / "x", 1), objects);
    EXPECT_EQ(objects.without(deep / "y").at(deep), (Document{{"x", 1}}));
}

TEST(Document, is_shared_between_threads) {
    const Document base = attune_test::services(200);
    std::vector<std::thread> threads;
    std::vector<Document> results(4);
    threads.reserve(results.size());
    for (Document& result : results) {
        threads.emplace_back([&base, &result] {
            Document mine = base;
            for (int i = 0; i < 200; ++i) {
                mine = mine.with("service-" + std::to_string(i) + ".port", i + 1000);
                mine = mine.without("service-" + std::to_string(i) + ".tls");
            }
            result = mine;
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    for (const Document& result : results) {
        EXPECT_EQ(result, results.front());
    }
    EXPECT_EQ(base, attune_test::services(200));
}

TEST(Document, edit_of_a_large_document_shares_the_rest) {
    constexpr std::size_t limit = 4096;
    const Document nested = attune_test::services(10'000);
    EXPECT_LE(attune_test::new_bytes(nested, nested.with("service-4711.port", 0)), limit);

    nlohmann::json flat;
    nlohmann::json list;
    for (int i = 0; i < 100'000; ++i) {
        flat["key-" + std::to_string(i)] = i;
        list.push_back(i);
    }
    const Document object = attune::from_json(flat);
    EXPECT_LE(attune_test::new_bytes(object, object.with("key-4711", 0)), limit);
    EXPECT_LE(attune_test::new_bytes(object, object.with("key-4711x", 0)), limit);
    EXPECT_LE(attune_test::new_bytes(object, object.without("key-4711")), limit);
    const Document array = attune::from_json(list);
    EXPECT_LE(attune_test::new_bytes(array, array.with("4711", 0)), limit);
    EXPECT_LE(attune_test::new_bytes(array, array.without("4711")), limit);
}

}  // namespace
