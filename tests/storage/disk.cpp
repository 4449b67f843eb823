#include <attune/storage/disk.hpp>

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <system_error>

#include <stdlib.h>
#include <sys/stat.h>

namespace disk_test {
namespace {

using namespace attune::detail;

class Disk : public testing::Test {
protected:
    Disk() {
        auto name = (std::filesystem::temp_directory_path() / "attune-disk-XXXXXX").string();
        EXPECT_NE(mkdtemp(name.data()), nullptr);
        folder = name;
    }
    ~Disk() override {
        std::error_code ignored;
        std::filesystem::remove_all(folder, ignored);
    }

    std::string folder;
    std::shared_ptr<attune::detail::Disk> disk = posix_disk();
};

TEST_F(Disk, writes_a_file_that_only_its_owner_reads) {
    write_file_durably(*disk, folder + "/a.json", "one");
    struct stat status;
    ASSERT_EQ(stat((folder + "/a.json").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
    EXPECT_EQ(read_file(*disk, folder + "/a.json"), "one");
}

TEST_F(Disk, replaces_a_file_and_leaves_nothing_beside_it) {
    write_file_durably(*disk, folder + "/a.json", "one");
    write_file_durably(*disk, folder + "/a.json", "another");
    EXPECT_EQ(read_file(*disk, folder + "/a.json"), "another");
    EXPECT_EQ(disk->list(folder), std::vector<std::string>{"a.json"});
}

TEST_F(Disk, names_the_file_that_cannot_be_written) {
    try {
        write_file_durably(*disk, folder + "/none/a.json", "one");
        FAIL();
    } catch (const std::system_error& error) {
        EXPECT_NE(std::string(error.what()).find(folder + "/none/a.json"), std::string::npos);
        EXPECT_EQ(error.code(), std::errc::no_such_file_or_directory);
    }
}

TEST_F(Disk, leaves_nothing_behind_when_a_file_cannot_take_its_place) {
    disk->make_directory(folder + "/taken", 0700);
    write_file_durably(*disk, folder + "/taken/inside", "x");
    EXPECT_THROW(write_file_durably(*disk, folder + "/taken", "one"), std::system_error);
    EXPECT_EQ(disk->list(folder), std::vector<std::string>{"taken"});
}

TEST_F(Disk, makes_directories_on_the_way) {
    disk->make_directory(folder + "/a/b/c", 0700);
    disk->make_directory(folder + "/a/b/c", 0700);
    EXPECT_TRUE(disk->exists(folder + "/a/b/c"));
    EXPECT_FALSE(disk->exists(folder + "/a/b/d"));
    write_file_durably(*disk, folder + "/file", "");
    EXPECT_THROW(disk->make_directory(folder + "/file", 0700), std::system_error);
}

TEST_F(Disk, gives_a_lock_to_one_at_a_time) {
    auto first = disk->lock(folder + "/lock");
    EXPECT_NE(first, nullptr);
    EXPECT_EQ(posix_disk()->lock(folder + "/lock"), nullptr);
    first.reset();
    EXPECT_NE(posix_disk()->lock(folder + "/lock"), nullptr);
}

TEST_F(Disk, reserves_zeros_and_cuts) {
    const auto file = disk->open(folder + "/a", DiskOpen::create);
    file->reserve(0, 100'000);
    EXPECT_EQ(file->size(), 100'000u);
    file->write("end", 99'997);
    file->sync();
    file->resize(3);
    file->resize(5);
    EXPECT_EQ(read_file(*disk, folder + "/a"), std::string(5, '\0'));
    EXPECT_THROW(disk->open(folder + "/a", DiskOpen::create), std::system_error);
}

TEST(DiskPath, has_a_directory) {
    EXPECT_EQ(directory_of("a"), ".");
    EXPECT_EQ(directory_of("/a"), "/");
    EXPECT_EQ(directory_of("/"), "/");
    EXPECT_EQ(directory_of("a/b"), "a");
    EXPECT_EQ(directory_of("/a//b/"), "/a");
}

}  // namespace
}  // namespace disk_test
