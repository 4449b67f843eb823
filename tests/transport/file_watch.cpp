#include <attune/transport/detail/file_watch.hpp>

#include "file_fixture.hpp"

#include <gtest/gtest.h>

#include <future>
#include <vector>

#include <fcntl.h>
#include <sys/inotify.h>

#if !defined(ATTUNE_NO_INOTIFY)

namespace {

using namespace attune_test;

TEST(FileWatch, needs_one_instance_for_all_files_of_a_store) {
    Folder folder;
    Recorder feed;
    const std::size_t before = open_descriptors("anon_inode:inotify");
    std::vector<std::unique_ptr<Followed>> files;
    for (int i = 0; i < 5; ++i) {
        const std::string name = std::to_string(i) + ".json";
        folder.write(name, "0");
        files.push_back(std::make_unique<Followed>(feed,
                                                   attune::file(folder / name, {.quiet = 20ms})));
    }
    for (int i = 0; i < 5; ++i) {
        folder.write(std::to_string(i) + ".json", std::to_string(10 + i));
        EXPECT_EQ(feed.next(), std::to_string(10 + i));
        if (i == 2) {
            files.erase(files.begin());  // the others keep the watch they share
        }
    }
    EXPECT_EQ(open_descriptors("anon_inode:inotify"), before + 1);
}

TEST(FileWatch, gives_way_to_polling_when_no_instance_is_to_be_had) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "would take the instances of other programs of this user";
    }
    Folder folder;
    const std::string result = without_privileges(folder, [&]() -> std::string {
        while (::inotify_init1(IN_CLOEXEC) >= 0) {
        }
        if (open_descriptors("anon_inode:inotify") == 0 || ::dup(0) < 0) {
            return "skip";  // not the limit of instances was met, but that of descriptors
        }
        folder.write("a.json", "1");
        Recorder child;
        Followed file{child, attune::file(folder / "a.json", {.quiet = 20ms})};
        folder.write("a.json", "2");
        if (const std::string told = child.next(); told != "2") {
            return told;
        }
        folder.write("a.json", "3");
        const std::string told = child.next();
        return told == "3" ? "ok" : told;
    });
    if (result == "skip") {
        GTEST_SKIP() << "no unprivileged process to be had, or too many instances to use up";
    }
    EXPECT_EQ(result, "ok");
}

TEST(FileWatch, reads_again_when_events_were_lost) {
    Folder folder;
    folder.write("a.json", "1");
    Recorder feed;
    Followed file{feed, attune::file(folder / "a.json", {.quiet = 20ms})};
    folder.write("a.json", "2");
    EXPECT_EQ(feed.next(), "2");
    std::size_t limit = 0;
    std::ifstream{"/proc/sys/fs/inotify/max_queued_events"} >> limit;
    if (limit == 0 || limit > 100'000) {
        GTEST_SKIP() << "the queue of events is too long to fill";
    }
    std::promise<void> filled;
    feed.poller().post([&] { filled.get_future().wait(); });
    for (std::size_t i = 0; i < limit; ++i) {
        // Different names, since equal events in a row are one.
        const std::string other = (folder / std::to_string(i % 2)).string();
        ::close(::open(other.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
        ::unlink(other.c_str());
    }
    folder.replace("a.json", "3");
    filled.set_value();
    EXPECT_EQ(feed.next(), "3");
    folder.write("a.json", "4");
    EXPECT_EQ(feed.next(), "4");
}

}  // namespace

#endif
