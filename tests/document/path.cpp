#include <attune/document/path.hpp>

#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace {

using attune::Path;
using Tokens = std::vector<std::string>;

TEST(Path, reads_dotted_text) {
    EXPECT_EQ(Path("server.port").tokens(), (Tokens{"server", "port"}));
    EXPECT_EQ(Path("port").tokens(), (Tokens{"port"}));
    EXPECT_EQ(Path("tags.0").tokens(), (Tokens{"tags", "0"}));
    EXPECT_EQ(Path("a..b").tokens(), (Tokens{"a", "", "b"}));
}

TEST(Path, reads_the_pointers_of_rfc_6901_section_5) {
    EXPECT_EQ(Path("").tokens(), Tokens{});
    EXPECT_EQ(Path("/foo").tokens(), (Tokens{"foo"}));
    EXPECT_EQ(Path("/foo/0").tokens(), (Tokens{"foo", "0"}));
    EXPECT_EQ(Path("/").tokens(), (Tokens{""}));
    EXPECT_EQ(Path("/a~1b").tokens(), (Tokens{"a/b"}));
    EXPECT_EQ(Path("/m~0n").tokens(), (Tokens{"m~n"}));
    EXPECT_EQ(Path("/~01").tokens(), (Tokens{"~1"}));
    EXPECT_EQ(Path("/ ").tokens(), (Tokens{" "}));
}

TEST(Path, refuses_a_bad_escape) {
    EXPECT_THROW(Path("/a~2"), std::invalid_argument);
    EXPECT_THROW(Path("/a~"), std::invalid_argument);
    EXPECT_NO_THROW(Path("a~2"));
}

TEST(Path, is_dotted_text_while_every_token_is_plain) {
    EXPECT_EQ(to_string(Path()), "");
    EXPECT_EQ(to_string(Path("/server/port")), "server.port");
    EXPECT_EQ(to_string(Path("/tags/0")), "tags.0");
    EXPECT_EQ(to_string(Path("/a.b/c")), "/a.b/c");
    EXPECT_EQ(to_string(Path("/")), "/");
    EXPECT_EQ(to_string(Path("/a/~1b")), "/a/~1b");
}

TEST(Path, is_built_from_its_parts) {
    const Path server("server");
    EXPECT_EQ(server / "port", Path("server.port"));
    EXPECT_EQ((server / "a.b").tokens(), (Tokens{"server", "a.b"}));
    EXPECT_EQ(server / std::string("port"), Path("server.port"));
    EXPECT_EQ(server / Path("pool.size"), Path("server.pool.size"));
    EXPECT_EQ(Path("server.port").parent(), server);
    EXPECT_EQ(Path().parent(), Path());
    EXPECT_EQ(Path("server.port").back(), "port");
}

TEST(Path, begins_with_itself_and_its_ancestors) {
    const Path path("server.pool.size");
    EXPECT_TRUE(path.starts_with(path));
    EXPECT_TRUE(path.starts_with("server"));
    EXPECT_TRUE(path.starts_with(Path()));
    EXPECT_FALSE(path.starts_with("server.po"));
    EXPECT_FALSE(Path("server").starts_with(path));
}

TEST(Path, sorts_parents_before_children) {
    EXPECT_LT(Path("a"), Path("a.b"));
    EXPECT_LT(Path("a.b"), Path("b"));
}

RC_GTEST_PROP(PathLaw, both_texts_read_back_as_the_path, (const Tokens& tokens)) {
    const Path path(tokens);
    RC_ASSERT(Path(path.pointer()) == path);
    RC_ASSERT(Path(to_string(path)) == path);
}

TEST(ElementIndex, is_a_number_without_leading_zeros) {
    using attune::detail::element_index;
    EXPECT_EQ(element_index("0"), 0u);
    EXPECT_EQ(element_index("17"), 17u);
    for (const char* token : {"", "-", "-1", "+1", "01", "1x", " 1", "99999999999999999999999"}) {
        EXPECT_EQ(element_index(token), std::nullopt) << token;
    }
}

}  // namespace
