#include <attune/attune.hpp>

#include "child.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <random>
#include <string>

#include <stdlib.h>

namespace cached_process_test {
namespace {

using namespace attune_test;

class Unreachable final : public attune::Transport {
public:
    std::string name() const override { return "remote"; }
    attune::Content load() override {
        throw attune::Rejected{{.problems = {attune::Problem{.message = "no route to host"}}}};
    }
};

TEST(CacheOfProcess, killed_writers_leave_a_whole_document_and_the_one_that_was_acknowledged) {
    auto name = (std::filesystem::temp_directory_path() / "attune-cache-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    const std::filesystem::path folder = name;
    const std::filesystem::path file = folder / "cache.json";

    constexpr int rounds = 200;
    std::minstd_rand random{42};
    std::int64_t acknowledged = 0;
    for (int round = 0; round != rounds; ++round) {
        Child writer{"cached_counter", {file, std::to_string(acknowledged + 1)}};
        for (auto lines = random() % 4; lines != 0; --lines) {
            const auto line = writer.hear();
            ASSERT_TRUE(line);
            acknowledged = std::stoll(*line);
        }
        const auto until =
            std::chrono::steady_clock::now() + std::chrono::microseconds{random() % 3000};
        while (std::chrono::steady_clock::now() < until) {
        }
        writer.kill();
        while (const auto line = writer.hear()) {
            acknowledged = std::stoll(*line);
        }
        if (acknowledged == 0) {
            continue;
        }
        const attune::Content content =
            attune::cached(std::make_unique<Unreachable>(), file)->load();
        const std::int64_t n = content.document.at("n").as_int64();
        ASSERT_EQ(content.revision, std::to_string(n));
        ASSERT_EQ(content.document.at("end").as_int64(), n);
        ASSERT_EQ(content.document.at("filler").as_string().size(),
                  static_cast<std::size_t>(n * 7919 % 30'000));
        // One more may have been written, of which the writer could not tell any more.
        ASSERT_GE(n, acknowledged);
        ASSERT_LE(n, acknowledged + 1);
        acknowledged = n;
    }
    EXPECT_GT(acknowledged, rounds);
    std::size_t files = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) {
        ++files;
    }
    EXPECT_LE(files, 2U);  // at most what the last one has left
    std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace cached_process_test
