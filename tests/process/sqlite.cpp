#include <attune/attune.hpp>
#include <attune/transport/sqlite.hpp>

#include "child.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <future>
#include <memory>
#include <random>
#include <string>

#include <sqlite3.h>
#include <stdlib.h>

namespace sqlite_process_test {
namespace {

using namespace attune_test;
using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Optional;

class SharedDatabase : public testing::Test {
protected:
    SharedDatabase() {
        auto name = (std::filesystem::temp_directory_path() / "attune-shared-XXXXXX").string();
        EXPECT_NE(::mkdtemp(name.data()), nullptr);
        folder = name;
        file = folder / "config.db";
    }
    ~SharedDatabase() override {
        std::error_code ignored;
        std::filesystem::remove_all(folder, ignored);
    }

    std::string integrity() const {
        sqlite3* connection = nullptr;
        sqlite3_open(file.c_str(), &connection);
        std::string result;
        const auto take = [](void* to, int, char** columns, char**) {
            *static_cast<std::string*>(to) += columns[0];
            return 0;
        };
        sqlite3_exec(connection, "PRAGMA integrity_check", take, &result, nullptr);
        sqlite3_close(connection);
        return result;
    }

    std::filesystem::path folder;
    std::filesystem::path file;
};

TEST_F(SharedDatabase, a_change_reaches_the_stores_of_all_processes) {
    attune::Store store;
    attune::Layer shared = store.add(attune::sqlite(file));
    const auto n = store.bind<int>("n");
    Child one{"sqlite_store", {file}};
    Child two{"sqlite_store", {file}};
    EXPECT_THAT(one.hear(), Optional(std::string("n=0")));
    EXPECT_THAT(two.hear(), Optional(std::string("n=0")));

    shared.set("n", 5);
    EXPECT_THAT(one.hear(), Optional(std::string("n=5")));
    EXPECT_THAT(two.hear(), Optional(std::string("n=5")));
    one.say("set 6");
    EXPECT_TRUE(one.hear_until("done"));
    EXPECT_THAT(two.hear(), Optional(std::string("n=6")));
    EXPECT_TRUE(n.wait_until([](const int& now) { return now == 6; }, 60s));
    EXPECT_EQ(attune::sqlite_history(file).size(), 2U);
}

TEST_F(SharedDatabase, stores_in_one_process_share_it_as_well) {
    attune::Store one;
    attune::Store two;
    attune::Layer of_one = one.add(attune::sqlite(file));
    attune::Layer of_two = two.add(attune::sqlite(file));
    const auto n = two.bind<int>("n");
    for (int i = 1; i != 20; ++i) {
        of_one.set("n", i);
        ASSERT_TRUE(n.wait_until([&](const int& now) { return now == i; }, 60s));
        EXPECT_EQ(of_two.status().revision, std::to_string(i));
    }
    of_two.set("m", 1);
    EXPECT_EQ(attune::sqlite_history(file).back().document,
              (attune::Document{{"m", 1}, {"n", 19}}));
}

TEST_F(SharedDatabase, what_one_store_refuses_serves_the_others_and_is_not_overwritten) {
    attune::Store strict;
    attune::Store lenient;
    attune::Layer of_strict = strict.add(attune::sqlite(file));
    attune::Layer of_lenient = lenient.add(attune::sqlite(file));
    const auto n = strict.bind<int>("n");
    of_strict.set("n", 1);
    const auto anything = lenient.bind<attune::Document>("n");
    ASSERT_TRUE(anything.wait_until([](const attune::Document& d) { return d == 1; }, 60s));

    std::promise<std::string> refusal;
    const auto bad = strict.on_rejected(attune::inline_executor, [&](const auto& rejection) {
        refusal.set_value(to_string(rejection));
    });
    of_lenient.set("n", "many");
    EXPECT_THAT(refusal.get_future().get(), HasSubstr("expected an integer"));
    EXPECT_THROW(of_strict.set("n", 2), attune::Rejected);
    EXPECT_EQ(n.get(), 1);
    of_lenient.set("n", 3);
    EXPECT_TRUE(n.wait_until([](const int& now) { return now == 3; }, 60s));
}

TEST_F(SharedDatabase, counts_on_without_a_gap_when_several_processes_write) {
    Child one{"sqlite_counter", {file}};
    Child two{"sqlite_counter", {file}};
    for (int i = 0; i != 50; ++i) {
        ASSERT_TRUE(one.hear());
        ASSERT_TRUE(two.hear());
    }
    one.kill();
    two.kill();
    const auto history = attune::sqlite_history(file);
    ASSERT_EQ(history.size(), 4U);
    for (const attune::VersionRecord& record : history) {
        // Each write was made of the version before it, and none was lost.
        EXPECT_EQ(record.document.at("n").as_int64(), static_cast<std::int64_t>(record.version));
    }
    EXPECT_GE(history.back().version, 100U);
}

TEST_F(SharedDatabase, killed_writers_leave_whole_versions_and_all_that_were_acknowledged) {
    constexpr int rounds = 300;
    std::minstd_rand random{42};
    std::int64_t acknowledged = 0;
    std::shared_ptr<attune::Transport> reader;
    for (int round = 0; round != rounds; ++round) {
        // Sometimes nobody else has the database open, and the next one has to clean up.
        if (round % 3 == 0) {
            reader = attune::sqlite(file);
            reader->load();
        } else if (round % 3 == 1) {
            reader.reset();
        }
        Child writer{"sqlite_counter", {file}};
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

        const auto transport = attune::sqlite(file);
        const attune::Content content = transport->load();
        if (content.document.is_null()) {
            ASSERT_EQ(acknowledged, 0);
            continue;
        }
        const std::int64_t n = content.document.at("n").as_int64();
        ASSERT_EQ(content.revision, std::to_string(n));
        ASSERT_EQ(content.document.at("end").as_int64(), n);
        ASSERT_EQ(content.document.at("filler").as_string().size(),
                  static_cast<std::size_t>(n * 7919 % 30'000));
        // One more may have been written, of which the writer could not tell any more.
        ASSERT_GE(n, acknowledged);
        ASSERT_LE(n, acknowledged + 1);
        acknowledged = n;
        if (round % 20 == 0) {
            ASSERT_EQ(integrity(), "ok");
        }
    }
    EXPECT_EQ(integrity(), "ok");
    EXPECT_GT(acknowledged, rounds);
}

}  // namespace
}  // namespace sqlite_process_test
