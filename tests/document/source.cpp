#include <attune/document/source.hpp>

#include "support.hpp"

#include <attune/document/difference.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace {

using attune::Document;
using attune::locate;
using attune::Part;
using attune::Path;
using attune::Position;
using attune::TextSource;

// Line:column of the key and of the value.
std::string places(std::string_view text, const Path& path,
                   const attune::ParseOptions& options = {}) {
    const auto show = [](const std::optional<Position>& position) {
        return position ? std::to_string(position->line) + ":" + std::to_string(position->column)
                        : std::string("nowhere");
    };
    return show(locate(text, path, Part::key, options)) + " " +
           show(locate(text, path, Part::value, options));
}

constexpr std::string_view service = R"({
  "server": {
    "host": "a, \"b\": {[",
    "port": 80800,
    "tags": ["x", {"y": [1, 2]}, -1.5e3]
  },
  "gr\u00fcn": { "日本": true, "b": false }
})";

TEST(Locate, finds_keys_and_values) {
    EXPECT_EQ(places(service, ""), "1:1 1:1");
    EXPECT_EQ(places(service, "server"), "2:3 2:13");
    EXPECT_EQ(places(service, "server.host"), "3:5 3:13");
    EXPECT_EQ(places(service, "server.port"), "4:5 4:13");
    EXPECT_EQ(places(service, "server.tags.0"), "5:14 5:14");
    EXPECT_EQ(places(service, "server.tags.1.y.1"), "5:29 5:29");
    EXPECT_EQ(places(service, "server.tags.2"), "5:34 5:34");
    EXPECT_EQ(places(service, "grün.日本"), "7:18 7:24");
    EXPECT_EQ(places(service, "grün.b"), "7:30 7:35");
}

TEST(TextSource, says_the_same_the_first_time_as_ever_after) {
    const auto bom = std::string("\xEF\xBB\xBF") + std::string(service);
    for (const std::string& text :
         {std::string(service), bom, std::string("[1,\r\n[2,\r 3]]"), std::string("7"),
          std::string("{\"a\": [], \"b\": {}, \"c\": {\"a\": \"x\"}}")}) {
        const auto shared = std::make_shared<const std::string>(text);
        const TextSource indexed(shared, {.name = "x"});
        for (int round = 0; round != 3; ++round) {
            for (const char* path :
                 {"", "server", "server.host", "server.tags.1.y.1", "server.tags.9", "grün.日本",
                  "grün.b.x", "0", "1", "1.1", "1.2", "a", "a.0", "c.a", "b.a", "x.y"}) {
                for (const Part part : {Part::key, Part::value}) {
                    const TextSource fresh(shared, {.name = "x"});
                    EXPECT_EQ(indexed.locate(path, part), fresh.locate(path, part))
                        << path << " in round " << round;
                }
            }
        }
    }
}

TEST(Locate, finds_nothing_where_nothing_is) {
    for (const char* path : {"x", "server.x", "server.port.x", "server.tags.3", "server.tags.-"}) {
        EXPECT_EQ(places(service, path), "nowhere nowhere") << path;
    }
    EXPECT_EQ(locate("", "a", Part::value), std::nullopt);
    EXPECT_EQ(locate("{\"b\": \"", "a", Part::value), std::nullopt);
}

TEST(Locate, passes_comments_and_takes_the_last_duplicate) {
    EXPECT_EQ(places("// c\n{/*\"b\":0,*/\"a\":1,\"b\"/**/:/**/2,}", "b", {.comments = true}),
              "2:18 2:30");
    EXPECT_EQ(places("{\"a\":{\"x\":1},\"a\":{\"x\":2}}", "a.x",
                     {.duplicates = attune::Duplicates::last}),
              "1:19 1:23");
}

TEST(Locate, gives_the_offset_in_bytes) {
    const std::string_view text = "\xEF\xBB\xBF{\"\xC3\xBC\":\r\n1}";
    EXPECT_EQ(locate(text, "\xC3\xBC", Part::key), (Position{1, 2, 4}));
    EXPECT_EQ(locate(text, "\xC3\xBC", Part::value), (Position{2, 1, 11}));
}

TEST(TextSource, names_the_text_and_falls_back_to_the_nearest_ancestor) {
    const TextSource source(std::make_shared<const std::string>(service), {.name = "service.json"});
    const auto at = [&](const char* path, Part part) {
        return to_string(source.locate(path, part));
    };
    EXPECT_EQ(at("server.port", Part::value), "service.json:4:13");
    EXPECT_EQ(at("server.port", Part::key), "service.json:4:5");
    EXPECT_EQ(at("server.pool.size", Part::value), "service.json:2:13");
    EXPECT_EQ(at("server.port.x", Part::key), "service.json:4:13");
    EXPECT_EQ(at("nothing.here", Part::key), "service.json:1:1");
}

TEST(TextSource, knows_only_the_name_of_a_text_that_is_not_json) {
    const TextSource source(std::make_shared<const std::string>("{\"a"), {.name = "x"});
    EXPECT_EQ(to_string(source.locate("a", Part::value)), "x");
}

RC_GTEST_PROP(LocateLaw, the_value_stands_where_it_says, ()) {
    const auto json = *attune_test::any_object(3);
    const std::string text = json.dump(*rc::gen::inRange(-1, 3));
    const Document document = json;
    for (const Path& path : attune::changed_paths(Document::object(), document)) {
        const auto value = locate(text, path, Part::value);
        const auto key = locate(text, path, Part::key);
        RC_ASSERT(value.has_value());
        RC_ASSERT(key.has_value());
        const std::string name = nlohmann::json(path.back()).dump();
        RC_ASSERT(text.compare(key->offset, name.size(), name) == 0);
        const std::string shown = Document(document.at(path)).is_string()
                                      ? nlohmann::json(document.at(path)).dump()
                                      : text.substr(value->offset, 1);
        RC_ASSERT(text.compare(value->offset, shown.size(), shown) == 0);
    }
}

}  // namespace
