#include <attune/store/help_text.hpp>

#include <attune/bind/type.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace {

using attune::detail::Spellings;
using attune::detail::type_of;
using attune::detail::wrapped;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(HelpText, spells_a_place_for_each_layer_that_could_set_it) {
    const Spellings both{{"A_", "B_"}, true};
    EXPECT_EQ(both.of("x.y", type_of<int>()), "--x.y, A_X_Y, B_X_Y");
    EXPECT_EQ(both.of("x", type_of<bool>()), "--x, --no-x, A_X, B_X");
    const Spellings variables{{"A_"}, false};
    EXPECT_EQ(variables.of("x", type_of<std::map<std::string, int>>()), "A_X, A_X_<KEY>");
    EXPECT_EQ(Spellings{}.of("x", type_of<int>()), "");
}

TEST(HelpText, is_broken_between_words) {
    EXPECT_THAT(wrapped("aa bb\ncc\r\n\td eeeeeee f", 5),
                ElementsAre("aa bb", "cc d", "eeeeeee", "f"));
    EXPECT_THAT(wrapped(" \n", 5), IsEmpty());
}

RC_GTEST_PROP(HelpTextLaw, keeps_every_word_on_lines_that_fit, (const std::vector<bool>& shape)) {
    std::string text;
    std::string letters;
    for (const bool letter : shape) {
        text += letter ? 'x' : ' ';
        letters += letter ? "x" : "";
    }
    const auto width = *rc::gen::inRange<std::size_t>(1, 20);
    std::string kept;
    for (const std::string& line : wrapped(text, width)) {
        RC_ASSERT(line.size() <= width || line.find(' ') == std::string::npos);
        for (const char c : line) {
            kept += c == ' ' ? "" : "x";
        }
    }
    RC_ASSERT(kept == letters);
}

}  // namespace
