#include <attune/document/json.hpp>

#include "support.hpp"

#include <cstdint>
#include <stdexcept>
#include <string>

namespace {

using attune::Document;
using nlohmann::json;

TEST(Json, converts_both_ways_without_a_word) {
    const json source = {{"a", {1, 2.5, nullptr}}, {"b", "text"}, {"c", UINT64_MAX}};
    const Document document = source;
    EXPECT_EQ(document.at("a.1"), Document(2.5));
    const json back = document;
    EXPECT_EQ(back, source);
    EXPECT_EQ(attune::to_json(document), source);
    EXPECT_EQ(attune::from_json(source), document);
    EXPECT_EQ(document.with("d", json{1, 2}).at("d"), (Document{1, 2}));
    json into;
    into["nested"] = document;
    EXPECT_EQ(into["nested"], source);
}

TEST(Json, takes_ordered_json_as_well) {
    const nlohmann::ordered_json source =
        nlohmann::ordered_json::parse(R"({"b":1,"a":{"z":2,"y":3}})");
    const Document document = source;
    EXPECT_EQ(document, (Document{{"a", {{"y", 3}, {"z", 2}}}, {"b", 1}}));
    EXPECT_EQ(nlohmann::ordered_json(document).dump(), R"({"a":{"y":3,"z":2},"b":1})");
}

TEST(Json, loses_the_mark_of_text_only) {
    EXPECT_EQ(attune::to_json(Document::text("4")), json("4"));
    EXPECT_TRUE(attune::to_json(UINT64_MAX).is_number_unsigned());
    EXPECT_TRUE(attune::to_json(1.0).is_number_float());
}

TEST(Json, refuses_what_json_has_no_text_for) {
    EXPECT_THROW(attune::from_json(json::binary({1, 2})), std::domain_error);
    EXPECT_THROW(attune::from_json({{"a", json::binary({1, 2})}}), std::domain_error);
    EXPECT_THROW(attune::from_json(json::parse("[", nullptr, false)), std::domain_error);
}

TEST(Json, takes_any_depth) {
    constexpr std::size_t levels = 20'000;
    const Document deep = attune_test::nested_objects(levels, {{"x", {1, 2}}});
    EXPECT_EQ(attune::from_json(attune::to_json(deep)), deep);
}

RC_GTEST_PROP(JsonLaw, gives_back_what_it_took, ()) {
    const auto source = *attune_test::any_json(4);
    const Document document = source;
    RC_ASSERT(attune::to_json(document).dump() == source.dump());
    RC_ASSERT(Document(attune::to_json(document)) == document);
}

}  // namespace
