#include <attune/transport/detail/cache_file.hpp>

#include <attune/document/text.hpp>

#include "recorder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include <sys/stat.h>

namespace cache_file_test {
namespace {

using namespace attune_test;
using attune::detail::CacheFile;
using attune::detail::CacheRecord;
using testing::HasSubstr;

class CacheFileTest : public testing::Test {
protected:
    CacheRecord record() const {
        return {.layer = "http config",
                .revision = "\"7\"",
                .time = std::chrono::system_clock::time_point{1'700'000'000s},
                .whole = true,
                .document = {{"port", 8080}, {"names", {"a", "b", 1.5}}}};
    }
    std::string text() const {
        std::ifstream in{path, std::ios::binary};
        return {std::istreambuf_iterator<char>{in}, {}};
    }
    std::string why_not() const {
        try {
            return "read " + to_text(file.read().document);
        } catch (const attune::Rejected& rejected) {
            EXPECT_EQ(rejected.problems().size(), 1U);
            return rejected.what();
        }
    }
    std::string why_not(const std::string& found, const std::string& instead) const {
        file.write(record());
        std::string changed = text();
        EXPECT_NE(changed.find(found), std::string::npos) << found;
        changed.replace(changed.find(found), found.size(), instead);
        folder.write("cache.json", changed);
        return why_not();
    }

    Folder folder;
    const std::string path = (folder / "cache.json").string();
    mutable CacheFile file{attune::detail::posix_disk(), path, "cache.json"};
};

TEST_F(CacheFileTest, gives_back_what_was_written) {
    file.write(record());
    const CacheRecord read = file.read();
    EXPECT_TRUE(read.same(record()));
    EXPECT_EQ(read.time, record().time);
}

TEST_F(CacheFileTest, can_be_read_by_people) {
    file.write(record());
    EXPECT_EQ(text(), R"({
  "attune-cache": 1,
  "document": {
    "names": [
      "a",
      "b",
      1.5
    ],
    "port": 8080
  },
  "layer": "http config",
  "revision": "\"7\"",
  "secrets": "stored",
  "sha256": "01701ebc22ba7c0bc8674beaef784bcf36a306f3a21dc69ef2833a274f0e7227",
  "time": "2023-11-14T22:13:20Z"
}
)");
}

TEST_F(CacheFileTest, is_for_its_owner_only_whatever_the_umask) {
    for (const ::mode_t umask : {0U, 077U}) {
        const ::mode_t before = ::umask(umask);
        file.write(record());
        ::umask(before);
        struct stat status {};
        ASSERT_EQ(::stat(path.c_str(), &status), 0);
        EXPECT_EQ(status.st_mode & 07777U, 0600U);
    }
}

TEST_F(CacheFileTest, says_why_it_is_of_no_use) {
    EXPECT_EQ(why_not(), "cache.json: the cache is not used: there is no such file");
    folder.write("cache.json", "");
    EXPECT_THAT(why_not(), HasSubstr("the cache is not used: line 1, column 1: "));
    folder.write("cache.json", R"({"port": 1})");
    EXPECT_EQ(why_not(), "cache.json: the cache is not used: it is not the file of a cache");
    EXPECT_THAT(why_not("\"attune-cache\": 1", "\"attune-cache\": 2"),
                HasSubstr("its format 2 is not 1, the one that this program reads"));
    EXPECT_THAT(why_not("8080", "8081"), HasSubstr("does not match its checksum"));
    EXPECT_THAT(why_not("\"document\"", "\"docunemt\""), HasSubstr("document is missing"));
    EXPECT_THAT(why_not("\"revision\"", "\"reversion\""), HasSubstr("revision is missing"));
    EXPECT_THAT(why_not("2023-11-14T", "2023-11-34T"), HasSubstr("time is not a time"));
    folder.remove("cache.json");
    folder.make("cache.json");
    EXPECT_THAT(why_not(), HasSubstr("the cache is not used: is a directory"));
}

TEST_F(CacheFileTest, notices_every_damaged_or_missing_byte_of_the_document) {
    file.write(record());
    const std::string good = text();
    for (std::size_t at = 0; at != good.size(); ++at) {
        for (int bit = 0; bit != 8; ++bit) {
            std::string damaged = good;
            damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
            folder.write("cache.json", damaged);
            try {
                EXPECT_EQ(file.read().document, record().document)
                    << "at " << at << ", bit " << bit;
            } catch (const attune::Rejected&) {
            }
        }
    }
    for (std::size_t size = 0; size != good.size() - 1; ++size) {  // the last byte ends a line
        folder.write("cache.json", good.substr(0, size));
        EXPECT_THROW((void)file.read(), attune::Rejected) << "cut at " << size;
    }
}

TEST_F(CacheFileTest, removes_what_a_killed_process_has_left) {
    const std::vector<std::string> others{"cache.json.tmp", "cache.json.1-0.tmp.bak",
                                          "cache.json.old-1.tmp", "other.json.1-0.tmp"};
    for (const std::string& other : others) {
        folder.write(other, "mine");
    }
    folder.write("cache.json.1-0.tmp", "{");
    folder.write("cache.json.1-17.tmp", "{");
    file.write(record());
    EXPECT_FALSE(std::filesystem::exists(folder / "cache.json.1-0.tmp"));
    EXPECT_FALSE(std::filesystem::exists(folder / "cache.json.1-17.tmp"));
    for (const std::string& other : others) {
        EXPECT_TRUE(std::filesystem::exists(folder / other)) << other;
    }
}

TEST_F(CacheFileTest, keeps_documents_deeper_than_usual) {
    CacheRecord deep = record();
    for (int i = 0; i != 128; ++i) {
        deep.document = attune::Document{deep.document, 1};
    }
    file.write(deep);
    EXPECT_TRUE(file.read().same(deep));
}

}  // namespace
}  // namespace cache_file_test
