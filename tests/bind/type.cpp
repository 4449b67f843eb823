#include <attune/bind/type.hpp>

#include "support.hpp"

#include <attune/bind/decode.hpp>
#include <attune/bind/encode.hpp>
#include <attune/bind/equal.hpp>
#include <attune/bind/structure.hpp>
#include <attune/document/json.hpp>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace mine {

// Converts itself, and has no equality.
class Colour {
public:
    int red() const { return red_; }

    friend void to_json(nlohmann::json& json, const Colour& colour) {
        json = "#" + std::to_string(colour.red_);
    }
    friend void from_json(const nlohmann::json& json, Colour& colour) {
        const auto text = json.get<std::string>();
        if (!text.starts_with('#')) {
            throw std::invalid_argument("a colour starts with #");
        }
        colour.red_ = std::stoi(text.substr(1));
    }

private:
    int red_ = 0;
};

// An aggregate whose own functions go before its members.
struct Point {
    int x = 0;
    int y = 0;
    friend bool operator==(const Point&, const Point&) = default;
};

void to_json(nlohmann::json& json, const Point& point) {
    json = {point.x, point.y};
}

void from_json(const nlohmann::json& json, Point& point) {
    json.at(0).get_to(point.x);
    json.at(1).get_to(point.y);
}

enum class Weekday { monday, sunday };

NLOHMANN_JSON_SERIALIZE_ENUM(Weekday, {{Weekday::monday, "mon"}, {Weekday::sunday, "sun"}})

// nlohmann would write it as a number; attune does not ask it.
enum class Plain { one, two };

}  // namespace mine

namespace {

using attune::decode;
using attune::Document;
using attune::encode;
using attune::parse;
using attune::detail::Shape;
using attune::detail::type_of;
using test::problems_of;
using test::refusals;
using Lines = std::vector<std::string>;

struct Drawing {
    mine::Colour colour;
    mine::Point point;
    std::vector<mine::Point> points;
    std::optional<mine::Colour> maybe;
    mine::Weekday day = mine::Weekday::sunday;
    mine::Plain plain = mine::Plain::two;
    attune::Secret<mine::Colour> hidden;
};

TEST(Type, may_convert_itself) {
    const char* const json =
        R"({"colour":"#7","day":"mon","hidden":"#0","maybe":null,"plain":"one","point":[1,2],)"
        R"("points":[[3,4]]})";
    const auto drawing = decode<Drawing>(parse(json));
    EXPECT_EQ(drawing.colour.red(), 7);
    EXPECT_EQ(drawing.point, (mine::Point{1, 2}));
    EXPECT_EQ(drawing.points.at(0).y, 4);
    EXPECT_EQ(drawing.day, mine::Weekday::monday);
    EXPECT_EQ(drawing.plain, mine::Plain::one);
    EXPECT_EQ(encode(drawing), parse(json));
}

TEST(Type, may_refuse_by_an_exception) {
    EXPECT_EQ(problems_of<Drawing>(R"({"colour": "7", "hidden": "7"})"),
              (Lines{"colour: not accepted: a colour starts with #, found \"7\"",
                     "hidden: not accepted, found a string (not shown)"}));
}

TEST(Type, that_converts_itself_takes_text_as_json_or_string) {
    EXPECT_EQ(decode<mine::Point>(Document::text("[5, 6]")), (mine::Point{5, 6}));
    EXPECT_EQ(decode<mine::Colour>(Document::text("#9")).red(), 9);
    EXPECT_EQ(refusals<mine::Colour>(Document::text("9")),
              Lines{"not accepted: a colour starts with #, found \"9\""});
}

TEST(Type, that_converts_itself_is_compared_by_its_own_equality_or_its_json) {
    Drawing a;
    Drawing b;
    const auto equal = [&] { return attune::detail::equal(type_of<Drawing>(), &a, &b); };
    EXPECT_TRUE(equal());
    b.point.x = 1;
    EXPECT_FALSE(equal());
    b = decode<Drawing>(parse(R"({"colour": "#1"})"));
    EXPECT_FALSE(equal());
}

TEST(Type, has_one_description) {
    EXPECT_EQ(&type_of<Drawing>(), &type_of<Drawing>());
    EXPECT_NE(&type_of<long>(), &type_of<long long>());
    EXPECT_EQ(type_of<mine::Point>().shape, Shape::external);
    EXPECT_EQ(type_of<mine::Plain>().shape, Shape::enumeration);
}

struct Recursive {
    std::vector<Recursive> children;
    std::unique_ptr<Recursive> link;
};

TEST(Type, of_a_recursive_struct_leads_back_to_itself) {
    using namespace attune::detail;
    const Type& type = type_of<Recursive>();
    const Structure& structure = structure_of(type);
    ASSERT_EQ(structure.fields.size(), 2u);
    EXPECT_EQ(&static_cast<const ListType&>(*structure.fields[0].type).element, &type);
    EXPECT_EQ(&static_cast<const OptionalType&>(*structure.fields[1].type).inner, &type);
}

struct Concurrent {
    int first = 1;
    std::string second;
    mine::Plain third{};
};

TEST(Type, is_completed_once_by_concurrent_threads) {
    std::vector<std::thread> threads;
    threads.reserve(4);
    std::vector<const attune::detail::Structure*> seen(4);
    for (auto& slot : seen) {
        threads.emplace_back([&slot] {
            slot = &attune::detail::structure_of(type_of<Concurrent>());
            decode<Concurrent>(parse(R"({"third": "two"})"));
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    for (const auto* structure : seen) {
        EXPECT_EQ(structure, seen[0]);
    }
}

}  // namespace
