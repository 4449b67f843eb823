#include <attune/bind/problem.hpp>
#include <attune/transport/cached.hpp>
#include <attune/transport/detail/cache_file.hpp>

#include "recorder.hpp"
#include "storage/faulty_disk.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <string>

// What a cache has in its file when the power, or the disk, fails.

namespace cache_crash_test {
namespace {

using namespace attune_test;
using attune::detail::CacheFile;
using attune::detail::CacheRecord;
using testing::HasSubstr;

const std::string path = "/cache/service.json";

CacheRecord record(int number, std::size_t size) {
    return {.layer = "http config",
            .revision = std::to_string(number),
            .time = {},
            .whole = true,
            .document = {{"number", number}, {"filler", std::string(size, 'x')}}};
}

struct Scene {
    std::shared_ptr<FaultyDisk> disk = std::make_shared<FaultyDisk>();
    mutable CacheFile file{disk, path, path};

    Scene() { disk->make_directory("/cache", 0700); }

    /// Nothing when there is no file. Anything but a whole record fails the test.
    std::optional<CacheRecord> read() const {
        try {
            return file.read();
        } catch (const attune::Rejected& rejected) {
            RC_ASSERT(std::string(rejected.what()).ends_with("there is no such file"));
            return std::nullopt;
        }
    }
    bool write(const CacheRecord& record) const {
        try {
            file.write(record);
            return true;
        } catch (const std::system_error&) {
            return false;
        }
    }
};

RC_GTEST_PROP(CacheCrash, leaves_the_old_or_the_new_document_and_the_new_one_once_written, ()) {
    const Scene scene;
    const CacheRecord older = record(1, *rc::gen::inRange<std::size_t>(0, 3000));
    const CacheRecord newer = record(2, *rc::gen::inRange<std::size_t>(0, 3000));
    const bool replaces = *rc::gen::arbitrary<bool>();
    if (replaces) {
        scene.file.write(older);
    }
    const std::size_t begin = scene.disk->operations();
    // A write takes six operations at most: beyond that, all is done before the power fails.
    scene.disk->stop_at(begin + *rc::gen::inRange<std::size_t>(0, 8));
    const bool written = scene.write(newer);
    scene.disk->crash([](std::size_t below) { return *rc::gen::inRange<std::size_t>(0, below); });

    const auto found = scene.read();
    if (written) {
        RC_ASSERT(found.has_value());
        RC_ASSERT(found->same(newer));
    } else if (found) {
        RC_ASSERT((replaces && found->same(older)) || found->same(newer));
    } else {
        RC_ASSERT(!replaces);
    }
    RC_ASSERT(scene.write(newer));
    RC_ASSERT(scene.read()->same(newer));
}

RC_GTEST_PROP(CacheCrash, survives_a_disk_that_fails_for_a_while, ()) {
    const Scene scene;
    const CacheRecord older = record(1, 700);
    const CacheRecord newer = record(2, 1500);
    scene.file.write(older);
    const std::size_t begin = scene.disk->operations() + *rc::gen::inRange<std::size_t>(0, 8);
    scene.disk->fail(begin, begin + *rc::gen::inRange<std::size_t>(1, 4),
                     *rc::gen::element(EIO, ENOSPC));
    const bool written = scene.write(newer);
    scene.disk->fail(0, 0, 0);
    const auto found = scene.read();
    RC_ASSERT(found.has_value());
    RC_ASSERT(found->same(newer) || (!written && found->same(older)));
    RC_ASSERT(scene.write(newer));
    RC_ASSERT(scene.read()->same(newer));
}

/// A transport with something to cache.
class Source final : public attune::Transport {
public:
    std::string name() const override { return "http config"; }
    attune::Content load() override { return {.document = record(1, 0).document, .revision = "1"}; }
};

TEST(CacheCrash, full_disk_is_reported_once_and_the_old_document_stays) {
    const Scene scene;
    int reports = 0;
    attune::CachedOptions options;
    options.secrets = attune::CacheSecrets::stored;
    options.delay = 1h;  // that is, when the layer ends
    options.on_write_failure = [&](const attune::Problem& problem) {
        EXPECT_THAT(to_string(problem), HasSubstr("No space left on device"));
        ++reports;
    };
    const auto transport =
        attune::detail::cached_on(scene.disk, std::make_unique<Source>(), path, options);
    const auto run_with = [&](const CacheRecord& record) {
        Recorder feed;
        EXPECT_EQ(transport->load().revision, "1");
        transport->start(feed);
        transport->accepted(
            {.document = record.document, .without_secrets = {}, .revision = record.revision});
        transport->stop();
        EXPECT_EQ(feed.waiting(), 0U);
    };
    run_with(record(1, 100));
    EXPECT_TRUE(scene.file.read().same(record(1, 100)));
    scene.disk->set_room(2000);
    run_with(record(2, 5000));
    run_with(record(3, 5000));
    EXPECT_EQ(reports, 1);
    EXPECT_TRUE(scene.file.read().same(record(1, 100)));
    EXPECT_EQ(scene.disk->contents().size(), 1U);  // nothing is left of the attempts
    scene.disk->set_room(100'000);
    run_with(record(3, 5000));
    EXPECT_TRUE(scene.file.read().same(record(3, 5000)));
    scene.disk->set_room(2000);
    run_with(record(4, 5000));
    EXPECT_EQ(reports, 2);
}

}  // namespace
}  // namespace cache_crash_test
