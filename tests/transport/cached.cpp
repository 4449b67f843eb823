#include <attune/transport/cached.hpp>

#include <attune/attune.hpp>
#include <attune/testing.hpp>

#include "recorder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

#include <sys/stat.h>

namespace cached_test {

struct Server {
    int port = 80;
    attune::Secret<std::string> password;
};
void describe(attune::Schema<Server>& s) { s.field(&Server::port).between(1, 65535); }

struct Locked {
    int port = 80;
    attune::Secret<std::string> password;
};
void describe(attune::Schema<Locked>& s) { s.field(&Locked::password).required(); }

namespace {

using namespace attune_test;
using attune::testing::FlakyTransport;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class Cached : public testing::Test {
protected:
    attune::CachedOptions options() const {
        attune::CachedOptions options;
        options.delay = 1ms;
        options.retry = 5ms;
        return options;
    }
    std::unique_ptr<attune::Transport> open(const FlakyTransport& source,
                                            attune::CachedOptions with) const {
        return attune::cached(source.transport(), file, std::move(with));
    }
    std::unique_ptr<attune::Transport> open(const FlakyTransport& source) const {
        return open(source, options());
    }
    /// What a program leaves behind that has run with that document.
    void run_with(attune::Document document, attune::CachedOptions with) const {
        const FlakyTransport source{std::move(document)};
        attune::Store store;
        store.add(open(source, std::move(with)));
        (void)store.bind<Server>("server");
    }
    void run_with(attune::Document document) const { run_with(std::move(document), options()); }

    std::string text() const {
        std::ifstream in{file, std::ios::binary};
        return {std::istreambuf_iterator<char>{in}, {}};
    }
    ::ino_t inode() const {
        struct stat status {};
        EXPECT_EQ(::stat(file.c_str(), &status), 0);
        return status.st_ino;
    }
    static attune::Document server(int port, const std::string& password = "hunter2") {
        return {{"server", {{"port", port}, {"password", password}}}};
    }
    static FlakyTransport unreachable(attune::Document document = server(9)) {
        FlakyTransport source{std::move(document)};
        source.fail("no route to host");
        return source;
    }

    Folder folder;
    const std::filesystem::path file = folder / "cache.json";
};

TEST_F(Cached, stands_in_when_the_first_reading_fails) {
    run_with(server(1));
    const FlakyTransport source = unreachable();
    attune::Store store;
    const attune::Layer layer = store.add(open(source));
    const auto bound = store.bind<Server>("server");
    EXPECT_EQ(bound.get().port, 1);

    const attune::LayerStatus status = layer.status();
    EXPECT_EQ(status.name, "flaky");
    EXPECT_EQ(status.state, attune::State::stale);
    EXPECT_EQ(status.revision, "0");
    ASSERT_EQ(status.problems.size(), 2U);
    EXPECT_EQ(status.problems[0].message, "no route to host");
    EXPECT_THAT(
        to_string(status.problems[1]),
        AllOf(HasSubstr(file.string() + ": stands in for flaky with a document first served"),
              HasSubstr("as revision 0, without its secrets")));
    EXPECT_TRUE(source.running());

    source.push(server(2));
    EXPECT_EQ(bound.get().port, 2);
    EXPECT_EQ(layer.status().state, attune::State::ready);
}

TEST_F(Cached, fetches_what_the_transport_takes_for_known) {
    run_with(server(1));
    const FlakyTransport source = unreachable(server(2));
    attune::Store store;
    const attune::Layer layer = store.add(open(source));
    const auto bound = store.bind<Server>("server");
    source.fail("still no route", 2);
    source.poll();
    EXPECT_EQ(layer.status().problems.front().message, "still no route");
    EXPECT_EQ(bound.get().port, 1);
    source.heal();  // "nothing new", says the transport
    EXPECT_TRUE(bound.wait_until([](const Server& s) { return s.port == 2; }, patience));
    EXPECT_EQ(layer.status().state, attune::State::ready);
}

TEST_F(Cached, does_not_stand_in_later) {
    const FlakyTransport source{server(1)};
    attune::Store store;
    attune::Layer layer = store.add(open(source));
    const auto bound = store.bind<Server>("server");
    source.fail("unplugged", 2);
    EXPECT_THROW(layer.reload(), attune::Rejected);
    source.poll();
    EXPECT_EQ(layer.status().problems.size(), 1U);
    EXPECT_EQ(layer.status().problems.front().message, "unplugged");
    source.heal();
    EXPECT_EQ(layer.status().state, attune::State::ready);
}

TEST_F(Cached, names_itself_when_it_is_of_no_use) {
    const auto refusal = [&](attune::CachedOptions with) -> std::string {
        attune::Store store;
        try {
            store.add(open(unreachable(), std::move(with)));
        } catch (const attune::Rejected& rejected) {
            EXPECT_EQ(rejected.problems().size(), 2U);
            EXPECT_EQ(rejected.problems().front().message, "no route to host");
            return rejected.what();
        }
        return "none";
    };
    const std::string unused = file.string() + ": the cache is not used: ";
    EXPECT_THAT(refusal(options()), HasSubstr(unused + "there is no such file"));
    folder.write("cache.json", "{");
    EXPECT_THAT(refusal(options()), HasSubstr(unused + "line 1"));

    run_with(server(1));
    attune::CachedOptions with = options();
    with.max_age = 1h;
    EXPECT_EQ(refusal(with), "none");
    with.max_age = -1s;
    EXPECT_THAT(refusal(with), HasSubstr(unused + "its document was first served"));

    const FlakyTransport other{{}, {.name = "other"}};
    other.fail("gone");
    const auto transport = open(other);
    EXPECT_THAT(load_error(*transport),
                HasSubstr(unused + "it was written for the layer \"flaky\""));
}

TEST_F(Cached, does_not_matter_when_the_transport_works) {
    folder.write("cache.json", "{");
    run_with(server(1));
    EXPECT_THAT(text(), HasSubstr("\"port\": 1"));
    folder.remove("cache.json");
    folder.make("cache.json/in/the/way");
    run_with(server(2));
}

TEST_F(Cached, never_keeps_what_the_store_refuses) {
    {
        const FlakyTransport source{server(1)};
        attune::Store store;
        store.add(open(source));
        const auto bound = store.bind<Server>("server");
        source.push(server(80'000));
        EXPECT_EQ(bound.get().port, 1);
    }
    EXPECT_THAT(text(), AllOf(HasSubstr("\"port\": 1"), Not(HasSubstr("80000"))));
}

TEST_F(Cached, leaves_secrets_out_unless_told_otherwise) {
    run_with(server(1));
    EXPECT_THAT(text(), AllOf(HasSubstr("\"secrets\": \"left out\""), Not(HasSubstr("hunter2")),
                              Not(HasSubstr("password"))));
    attune::CachedOptions with = options();
    with.secrets = attune::CacheSecrets::stored;
    run_with(server(1), with);
    EXPECT_THAT(text(), AllOf(HasSubstr("\"secrets\": \"stored\""), HasSubstr("hunter2")));
    {
        attune::Store store;
        store.add(open(unreachable(), with));
        EXPECT_EQ(store.bind<Locked>("server").get().password.reveal(), "hunter2");
    }
    // Written with the other option again, and this time without the secret.
    run_with(server(1));
    EXPECT_THAT(text(), Not(HasSubstr("hunter2")));
    attune::Store store;
    store.add(open(unreachable()));
    EXPECT_THROW((void)store.bind<Locked>("server"), attune::Rejected);
}

TEST_F(Cached, keeps_nothing_that_is_not_bound) {
    {
        const FlakyTransport source{{{"token", "hunter2"}}};
        attune::Store store;
        store.add(open(source));
    }
    EXPECT_FALSE(std::filesystem::exists(file));
}

TEST_F(Cached, is_written_only_when_something_has_changed) {
    run_with(server(1));
    const ::ino_t before = inode();
    run_with(server(1));
    EXPECT_EQ(inode(), before);
    run_with(server(2));
    EXPECT_NE(inode(), before);
}

TEST_F(Cached, is_written_while_the_store_runs) {
    const FlakyTransport source{server(1)};
    attune::Store store;
    store.add(open(source));
    const auto bound = store.bind<Server>("server");
    for (int port = 1; port != 4; ++port) {
        source.push(server(port));
        while (text().find("\"port\": " + std::to_string(port)) == std::string::npos) {
            std::this_thread::yield();
        }
    }
}

TEST_F(Cached, goes_on_when_it_cannot_be_written_and_tries_again) {
    folder.make("cache.json/in/the/way");
    std::atomic<int> failures{};
    std::string said;
    attune::CachedOptions with = options();
    with.on_write_failure = [&](const attune::Problem& problem) {
        said = to_string(problem);
        EXPECT_EQ(problem.severity, attune::Severity::warning);
        ++failures;
        throw std::runtime_error{"is of no consequence"};
    };
    const FlakyTransport source{server(1)};
    attune::Store store;
    const attune::Layer layer = store.add(open(source, with));
    const auto bound = store.bind<Server>("server");
    while (failures == 0) {
        std::this_thread::yield();
    }
    EXPECT_THAT(said, testing::StartsWith(file.string() + ": the cache could not be written: "));
    source.push(server(2));
    EXPECT_EQ(bound.get().port, 2);
    EXPECT_EQ(layer.status().state, attune::State::ready);

    folder.remove("cache.json");
    while (!std::filesystem::exists(file)) {
        std::this_thread::yield();
    }
    EXPECT_EQ(failures, 1);
    EXPECT_THAT(text(), HasSubstr("\"port\": 2"));
}

TEST_F(Cached, otherwise_is_the_transport_it_was_given) {
    class Inner final : public attune::Transport {
    public:
        explicit Inner(std::string& log) : log_(log) {}
        std::string name() const override { return "inner"; }
        attune::Content load() override { return {.document = 1, .revision = "r1"}; }
        void start(attune::Feed& feed) override {
            feed.content({.document = 2});
            feed.failed({attune::Problem{.message = "broken"}});
            feed.unchanged();
        }
        bool remote() const noexcept override { return true; }
        bool writable() const noexcept override { return true; }
        std::string save(const attune::Document& document, const std::string& revision) override {
            log_ += "save " + to_text(document) + " after " + revision + '\n';
            return "r2";
        }
        bool wants_accepted() const noexcept override { return true; }
        void accepted(const attune::Accepted& accepted) override {
            log_ += "accepted " + accepted.revision + '\n';
        }

    private:
        std::string& log_;
    };
    std::string log;
    Recorder feed;
    Followed followed{feed, attune::cached(std::make_unique<Inner>(log), file, options())};
    EXPECT_EQ(followed->name(), "inner");
    EXPECT_TRUE(followed->remote());
    EXPECT_TRUE(followed->writable());
    EXPECT_EQ(followed.loaded, "1");
    EXPECT_EQ(feed.next(), "2");
    EXPECT_EQ(feed.next(), "failed: broken");
    EXPECT_EQ(feed.next(), "unchanged");
    EXPECT_EQ(followed->save(3, "r1"), "r2");
    followed->accepted({.document = 3, .without_secrets = 3, .revision = "r2"});
    EXPECT_EQ(log, "save 3 after r1\naccepted r2\n");
}

TEST_F(Cached, concurrent_bindings_and_deliveries_end_with_the_newest_document) {
    constexpr int pushes = 200;
    {
        const FlakyTransport source{server(1)};
        attune::Store store;
        store.add(open(source));
        std::thread publisher{[&] {
            for (int port = 2; port <= pushes; ++port) {
                source.push(server(port));
            }
        }};
        for (const char* const path : {"server", "server.port", "server.password", "other"}) {
            (void)store.bind<attune::Document>(path);
        }
        const auto bound = store.bind<Server>("server");
        publisher.join();
        EXPECT_EQ(bound.get().port, pushes);
    }
    EXPECT_THAT(text(), HasSubstr("\"port\": " + std::to_string(pushes)));
    attune::Store store;
    store.add(open(unreachable()));
    EXPECT_EQ(store.bind<Server>("server").get().port, pushes);
}

}  // namespace
}  // namespace cached_test
