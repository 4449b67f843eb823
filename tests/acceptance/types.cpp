// Whatever a bound struct may hold, from a file and back.

#include "support.hpp"

#include <attune/document/json.hpp>

#include <array>
#include <limits>
#include <map>
#include <memory>
#include <unordered_map>
#include <variant>

namespace foreign {

/// Knows nothing of attune, but how nlohmann/json writes and reads it.
class Colour {
public:
    Colour() = default;
    explicit Colour(unsigned rgb) : rgb_(rgb) {}
    unsigned rgb() const { return rgb_; }

    friend void to_json(nlohmann::json& json, const Colour& colour) {
        json =
            nlohmann::json::array({colour.rgb_ >> 16, colour.rgb_ >> 8 & 0xFF, colour.rgb_ & 0xFF});
    }
    friend void from_json(const nlohmann::json& json, Colour& colour) {
        colour.rgb_ = json.at(0).get<unsigned>() << 16 | json.at(1).get<unsigned>() << 8 |
                      json.at(2).get<unsigned>();
    }

private:
    unsigned rgb_ = 0;
};

}  // namespace foreign

namespace {

using acceptance::rejection_of;

enum class Mode { primary, replica };

struct Leaf {
    int depth = 0;
    std::unique_ptr<Leaf> below;
};
struct Tree {
    std::string name;
    std::vector<Tree> below;
};
struct ToFile {
    std::filesystem::path path;
};
struct ToServer {
    std::string url;
    int retries = 0;
};

struct Everything {
    bool flag = false;
    std::int8_t small = 0;
    std::uint64_t large = 0;
    float third = 0;
    double half = 0;
    long double quarter = 0;
    std::string text;
    Mode mode = Mode::primary;
    std::filesystem::path path;
    std::chrono::nanoseconds short_time{0};
    std::chrono::hours long_time{0};
    attune::Bytes size;
    attune::Secret<std::string> secret;
    std::optional<int> some;
    std::optional<int> none = 1;
    std::vector<bool> flags;
    std::array<int, 3> three{};
    std::map<std::string, std::vector<int>> lists;
    std::unordered_map<std::string, Mode> modes;
    std::variant<bool, int, std::string, std::vector<int>> any;
    std::variant<ToFile, ToServer> sink;
    Leaf leaf;
    Tree tree;
    foreign::Colour colour;
    attune::Document rest;
};

constexpr std::string_view everything_json = R"({
    "flag": true, "small": -128, "large": 18446744073709551615,
    "third": 0.25, "half": 0.5, "quarter": 1,
    "text": "grüße", "mode": "replica", "path": "a/b",
    "short_time": "1us500ns", "long_time": "2d", "size": "64MiB", "secret": "hunter2",
    "some": 7, "none": null,
    "flags": [true, false], "three": [1, 2, 3], "lists": {"a": [1], "b": []},
    "modes": {"x": "replica"}, "any": "word", "sink": {"url": "http://a", "retries": 3},
    "leaf": {"depth": 1, "below": {"depth": 2}},
    "tree": {"name": "a", "below": [{"name": "b", "below": [{"name": "c"}]}]},
    "colour": [255, 128, 0],
    "rest": {"anything": [1, {"goes": null}]}
})";

TEST(Types, are_read_from_a_file_and_written_back) {
    const acceptance::Folder folder;
    attune::Store store;
    store.add(attune::file(folder.write("all.json", everything_json)));
    const auto all = store.bind<Everything>();
    const auto now = all.read();
    EXPECT_TRUE(now->flag);
    EXPECT_EQ(now->small, -128);
    EXPECT_EQ(now->large, std::numeric_limits<std::uint64_t>::max());
    EXPECT_EQ(now->third, 0.25F);
    EXPECT_EQ(now->quarter, 1.0L);
    EXPECT_EQ(now->text, "grüße");
    EXPECT_EQ(now->mode, Mode::replica);
    EXPECT_EQ(now->short_time, std::chrono::nanoseconds{1500});
    EXPECT_EQ(now->long_time, std::chrono::hours{48});
    EXPECT_EQ(now->size.count, 64U << 20);
    EXPECT_EQ(now->secret.reveal(), "hunter2");
    EXPECT_EQ(now->some, 7);
    EXPECT_EQ(now->none, std::nullopt);
    EXPECT_EQ(now->flags, (std::vector<bool>{true, false}));
    EXPECT_EQ(now->three, (std::array<int, 3>{1, 2, 3}));
    EXPECT_EQ(now->lists.at("a"), std::vector<int>{1});
    EXPECT_EQ(now->modes.at("x"), Mode::replica);
    EXPECT_EQ(std::get<std::string>(now->any), "word");
    EXPECT_EQ(std::get<ToServer>(now->sink).retries, 3);
    EXPECT_EQ(now->leaf.below->depth, 2);
    EXPECT_EQ(now->leaf.below->below, nullptr);
    EXPECT_EQ(now->tree.below.at(0).below.at(0).name, "c");
    EXPECT_EQ(now->colour.rgb(), 0xFF8000U);
    EXPECT_EQ(now->rest.at("anything.0"), attune::Document(1));

    const attune::Document written = attune::encode(*now);
    EXPECT_EQ(attune::encode(attune::decode<Everything>(written)), written);
    EXPECT_EQ(attune::masked(*now).at("secret"), attune::Document("***"));
}

TEST(Types, out_of_range_or_of_another_kind_are_refused) {
    attune::Store store;
    attune::Layer layer = store.add(attune::memory());
    const auto all = store.bind<Everything>();
    const std::pair<const char*, attune::Document> bad[] = {
        {"flag", 1},           {"small", 128},      {"large", -1},        {"half", "0.5"},
        {"text", 7},           {"mode", "Replica"}, {"short_time", 5},    {"long_time", "90m"},
        {"size", "64XB"},      {"secret", 7},       {"flags", {1}},       {"three", {1, 2}},
        {"lists", {{"a", 1}}}, {"any", 0.5},        {"sink", {{"x", 1}}}, {"colour", "red"},
    };
    for (const auto& [key, value] : bad) {
        EXPECT_THAT(rejection_of([&] { layer.set(key, value); }), testing::HasSubstr(key));
    }
    EXPECT_EQ(all.get(&Everything::text), "");
    EXPECT_EQ(store.status().refusals, std::size(bad));
}

TEST(Types, of_single_values_bind_too) {
    attune::Store store;
    store.add(attune::memory({{"port", 443}, {"tags", {"a", "b"}}, {"pause", "5s"}}));
    EXPECT_EQ(store.bind<std::uint16_t>("port").get(), 443);
    EXPECT_EQ(store.bind<std::vector<std::string>>("tags").get().size(), 2U);
    EXPECT_EQ(store.bind<std::chrono::milliseconds>("pause").get(), std::chrono::seconds{5});
    EXPECT_EQ(store.bind<std::string>("tags.1").get(), "b");
    EXPECT_EQ(store.bind<attune::Document>().get().size(), 3U);
    EXPECT_EQ(store.bind<int>("absent").get(), 0);
}

TEST(Types, of_the_program_are_set_as_they_are) {
    attune::Store store;
    const auto sink = store.bind<ToServer>("sink");
    store.set("sink", ToServer{"http://a", 2});
    EXPECT_EQ(sink.get(&ToServer::url), "http://a");
    const auto pause = store.bind<std::chrono::milliseconds>("pause");
    store.set("pause", std::chrono::seconds{3});
    EXPECT_EQ(pause.get(), std::chrono::seconds{3});
}

}  // namespace
