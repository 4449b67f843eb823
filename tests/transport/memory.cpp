#include <attune/transport/memory.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

using attune::Document;

TEST(Memory, brings_the_document_it_was_given) {
    const auto transport = attune::memory({{"server", {{"port", 1}}}});
    const Document document = transport->load().document;
    EXPECT_TRUE(document.is_object());
    EXPECT_EQ(document.at("server.port"), Document(1));
    EXPECT_TRUE(transport->load().document.same(document));
}

TEST(Memory, brings_nothing_by_default) {
    const attune::Content content = attune::memory()->load();
    EXPECT_TRUE(content.document.is_null());
    EXPECT_THAT(content.texts, testing::IsEmpty());
}

TEST(Memory, is_local_and_writable) {
    const auto transport = attune::memory();
    EXPECT_TRUE(transport->writable());
    EXPECT_FALSE(transport->remote());
}

TEST(Memory, can_be_given_a_name) {
    EXPECT_EQ(attune::memory()->name(), "memory");
    EXPECT_EQ(attune::memory({}, {.name = "defaults"})->name(), "defaults");
}

}  // namespace
