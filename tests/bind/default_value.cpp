#include <attune/bind/default_value.hpp>

#include <attune/bind/schema.hpp>
#include <attune/bind/secret.hpp>
#include <attune/bind/type.hpp>
#include <attune/document/parse.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

namespace default_value_test {

using attune::Document;
using attune::detail::default_value;
using attune::detail::must_be_present;
using attune::detail::type_of;

template <class T>
std::optional<Document> fallback(const T& value = {}) {
    return default_value(type_of<T>(), nullptr, &value);
}

enum class Mode : std::uint8_t { primary, replica };

struct Login {
    std::string user = "u";
    attune::Secret<std::string> password;
};

struct Ruled {
    std::string text = "ab";
    int number = 5;
    std::vector<int> list{1};
    std::optional<int> maybe = 1;
    Mode mode = Mode::primary;
};

void describe(attune::Schema<Ruled>& s) {
    s.field(&Ruled::text).matches("[a-z]+").max_size(3);
    s.field(&Ruled::number).at_most(9);
    s.field(&Ruled::list).min_size(1);
    s.field(&Ruled::maybe).required().one_of({1, 2});
    s.field(&Ruled::mode).one_of({Mode::primary});
    s.check(
        [](const Ruled& r) {
            if (r.number == 7) {
                throw std::runtime_error("seven");
            }
            return r.number != 6;
        },
        "neither six nor seven");
}

TEST(DefaultValue, is_what_would_be_written) {
    EXPECT_EQ(fallback(8), Document(8));
    EXPECT_EQ(fallback(std::optional<int>()), Document());
    EXPECT_EQ(fallback(std::map<std::string, Login>()), Document::object());
    EXPECT_EQ(fallback(Ruled{}), attune::parse(R"({"text": "ab", "number": 5, "list": [1],
                                                  "maybe": 1, "mode": "primary"})"));
}

TEST(DefaultValue, is_none_where_it_would_be_refused) {
    const auto refused = [](auto change) {
        Ruled ruled;
        change(ruled);
        return !fallback(ruled) && !fallback(std::vector<Ruled>(1, ruled)) &&
               !fallback(std::map<std::string, std::array<Ruled, 1>>{{"a", {ruled}}}) &&
               !fallback(std::variant<int, Ruled>(ruled)) && !fallback(attune::Secret(ruled));
    };
    EXPECT_TRUE(refused([](Ruled& r) { r.text = "AB"; }));
    EXPECT_TRUE(refused([](Ruled& r) { r.text = "abcd"; }));
    EXPECT_TRUE(refused([](Ruled& r) { r.number = 10; }));
    EXPECT_TRUE(refused([](Ruled& r) { r.number = 6; }));
    EXPECT_TRUE(refused([](Ruled& r) { r.number = 7; }));
    EXPECT_TRUE(refused([](Ruled& r) { r.list.clear(); }));
    EXPECT_TRUE(refused([](Ruled& r) { r.maybe = 3; }));
    EXPECT_TRUE(refused([](Ruled& r) { r.maybe.reset(); }));
    EXPECT_TRUE(refused([](Ruled& r) { r.mode = Mode::replica; }));
    EXPECT_EQ(fallback(static_cast<Mode>(7)), std::nullopt);
    EXPECT_EQ(fallback(std::numeric_limits<double>::quiet_NaN()), std::nullopt);
    EXPECT_EQ(fallback(-std::numeric_limits<float>::infinity()), std::nullopt);
}

TEST(DefaultValue, is_none_where_it_holds_a_secret) {
    EXPECT_EQ(fallback(attune::Secret<int>(1)), std::nullopt);
    EXPECT_EQ(fallback(Login{}), std::nullopt);
    EXPECT_EQ(fallback(std::vector<Login>(1)), std::nullopt);
    EXPECT_EQ(fallback(std::vector<Login>()), Document::array());
}

struct Outer {
    Ruled ruled;
};

TEST(DefaultValue, does_not_do_where_something_is_required) {
    EXPECT_TRUE(must_be_present(type_of<Ruled>()));
    EXPECT_TRUE(must_be_present(type_of<Outer>()));
    EXPECT_TRUE(must_be_present(type_of<attune::Secret<Outer>>()));
    EXPECT_FALSE(must_be_present(type_of<std::optional<Outer>>()));
    EXPECT_FALSE(must_be_present(type_of<std::vector<Outer>>()));
    EXPECT_FALSE(must_be_present(type_of<Login>()));
}

}  // namespace default_value_test
