#include <attune/bind/example_value.hpp>

#include <attune/bind/bytes.hpp>
#include <attune/bind/schema.hpp>
#include <attune/bind/type.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace example_value_test {

using attune::Document;
using attune::detail::example_value;
using attune::detail::initial_value;
using attune::detail::type_of;

enum class Mode : std::uint8_t { primary, replica };
enum class Level : std::uint8_t { low = 1, high = 2 };

struct Ruled {
    int above = 7;
    int below = -7;
    int around = 0;
    double ratio = 1;
    std::chrono::seconds wait{10};
    attune::Bytes size{4096};
    int chosen = 30;
    std::string word = "right";
    Mode mode = Mode::replica;
};

void describe(attune::Schema<Ruled>& s) {
    s.field(&Ruled::above).at_least(5);
    s.field(&Ruled::below).at_most(-5);
    s.field(&Ruled::around).between(-5, 5);
    s.field(&Ruled::ratio).at_least(0.5);
    s.field(&Ruled::wait).at_least(std::chrono::minutes{1});
    s.field(&Ruled::size).at_least(attune::Bytes{1024});
    s.field(&Ruled::chosen).one_of({20, 30});
    s.field(&Ruled::word).one_of({"left", "right"});
    s.field(&Ruled::mode).one_of({Mode::replica});
}

Document example_of(const char* name) {
    const auto* const field = structure_of(type_of<Ruled>()).find(name);
    return example_value(*field->type, field->rules.get());
}

TEST(ExampleValue, keeps_the_rules) {
    EXPECT_EQ(example_of("above"), Document(5));
    EXPECT_EQ(example_of("below"), Document(-5));
    EXPECT_EQ(example_of("around"), Document(0));
    EXPECT_EQ(example_of("ratio"), Document(0.5));
    EXPECT_EQ(example_of("wait"), Document("1m"));
    EXPECT_EQ(example_of("size"), Document("1KiB"));
    EXPECT_EQ(example_of("chosen"), Document(20));
    EXPECT_EQ(example_of("word"), Document("left"));
    EXPECT_EQ(example_of("mode"), Document("replica"));
}

TEST(ExampleValue, of_a_text_says_that_something_belongs_there) {
    EXPECT_EQ(example_value(type_of<std::string>(), nullptr), Document("..."));
    EXPECT_EQ(example_value(type_of<std::filesystem::path>(), nullptr), Document("..."));
}

TEST(InitialValue, is_that_of_an_object_without_initialiser) {
    EXPECT_EQ(initial_value(type_of<bool>()), Document(false));
    EXPECT_EQ(initial_value(type_of<std::uint8_t>()), Document(0));
    EXPECT_EQ(initial_value(type_of<double>()), Document(0.0));
    EXPECT_EQ(initial_value(type_of<std::string>()), Document(""));
    EXPECT_EQ(initial_value(type_of<std::chrono::seconds>()), Document("0s"));
    EXPECT_EQ(initial_value(type_of<attune::Bytes>()), Document("0B"));
    EXPECT_EQ(initial_value(type_of<Mode>()), Document("primary"));
    EXPECT_EQ(initial_value(type_of<Level>()), std::nullopt);
    EXPECT_EQ(initial_value(type_of<std::vector<int>>()), Document::array());
    EXPECT_EQ((initial_value(type_of<std::map<std::string, int>>())), Document::object());
    EXPECT_EQ(initial_value(type_of<Document>()), Document());
}

}  // namespace example_value_test
