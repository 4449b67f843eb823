// Prints schemas, with documents that they must take and documents that they must refuse, for
// validate.mjs. Each document was judged by `decode` first.
//
//   schema_cases <folder with real configuration files>

#include <attune/attune.hpp>
#include <attune/bind/json_schema.hpp>
#include <attune/bind/type.hpp>

#include "../../examples/prometheus/rules.hpp"
#include "../../examples/traefik/traefik.hpp"
#include "../acceptance/programs.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace {

using namespace std::chrono_literals;
using attune::Document;
using attune::parse;
using attune::Path;

template <class T>
bool takes(const Document& document, const Path& at) {
    try {
        attune::decode<T>(document, at);
        return true;
    } catch (const attune::Rejected&) {
        return false;
    }
}

template <class T>
Document schema_of(const Path& at = {}) {
    const std::vector<attune::detail::Bound> roots{{at, &attune::detail::type_of<T>()}};
    return attune::detail::json_schema(roots);
}

/// One schema and what it is tried on.
class Case {
public:
    Case(std::string name, Document schema)
        : case_(Document::object()
                    .with("name", name)
                    .with("schema", std::move(schema))
                    .with("accept", Document::array())
                    .with("refuse", Document::array())),
          name_(std::move(name)) {}

    /// A document to take, or to refuse, as decode has decided.
    void add(const Document& document, bool taken) {
        case_ = case_.with(Path(taken ? "accept" : "refuse") / "-", document);
    }

    template <class T>
    void accept(const Document& document, const Path& at = {}) {
        expect(takes<T>(document, at), "refuses ", document);
        add(document, true);
    }

    template <class T>
    void refuse(const Document& document, const Path& at = {}) {
        expect(!takes<T>(document, at), "takes ", document);
        add(document, false);
    }

    const Document& document() const noexcept { return case_; }

private:
    void expect(bool right, const char* verdict, const Document& document) const {
        if (!right) {
            throw std::logic_error(name_ + ": decode " + verdict + to_text(document));
        }
    }

    Document case_;
    std::string name_;
};

enum class Mode : std::uint8_t { primary, replica, observer };

struct Leaf {
    int number = 8;
    std::string text = "default";
};

struct Named {
    std::string name;
    std::optional<Leaf> leaf;
};

void describe(attune::Schema<Named>& s) { s.field(&Named::name).required(); }

struct Tree {
    int value = 0;
    std::vector<Tree> below;
    std::unique_ptr<Tree> next;
};

/// Nothing that a schema cannot say.
struct Everything {
    bool flag = true;
    std::int8_t i8 = 1;
    std::uint16_t u16 = 2;
    std::int64_t i64 = 3;
    std::uint64_t u64 = 4;
    int bounded = 5;
    int chosen = 10;
    float single = 0.5f;
    double twofold = 0.25;
    double ratio = 0.5;
    std::string text = "default";
    std::string word = "word";
    std::string choice = "left";
    Mode mode = Mode::replica;
    Mode few = Mode::primary;
    std::chrono::nanoseconds time{1ms};
    std::chrono::duration<std::uint64_t, std::nano> span{1000};
    attune::Bytes bytes{1024};
    std::filesystem::path path = "var/file";
    std::optional<int> maybe;
    std::optional<Leaf> maybe_leaf;
    std::vector<bool> flags{true};
    std::vector<Leaf> leaves{{}};
    std::vector<std::optional<int>> holes{1, {}};
    std::array<std::int16_t, 2> pair{1, 2};
    std::map<std::string, int> limits{{"a", 1}};
    std::map<std::string, Named> named;
    std::map<std::string, std::optional<int>> optionals;
    std::vector<std::string> tags{"a"};
    std::variant<bool, std::string, std::vector<int>, Leaf, Named> either = 3 > 2;
    std::optional<std::variant<int, std::string>> one_or_other;
    attune::Secret<std::string> password = "secret";
    attune::Secret<Leaf> hidden;
    Leaf other{16, "other"};
    Tree tree;
    Document raw;
    Named needed;
};

void describe(attune::Schema<Everything>& s) {
    s.doc("All there is");
    s.field(&Everything::flag).doc("On or off");
    s.field(&Everything::bounded).between(-5, 5);
    s.field(&Everything::chosen).one_of({10, 20, 30});
    s.field(&Everything::ratio).between(0.0, 1.0);
    s.field(&Everything::word).matches("[[:alpha:]][\\w\\-]*|").max_size(12);
    s.field(&Everything::choice).one_of({"left", "right"});
    s.field(&Everything::few).one_of({Mode::primary, Mode::observer});
    s.field(&Everything::bytes).at_least(attune::Bytes{0});
    s.field(&Everything::limits).min_size(1).max_size(2);
    s.field(&Everything::optionals).max_size(2);
    s.field(&Everything::tags).min_size(1).max_size(2).required();
    s.field(&Everything::i8).name("i-8");
}

Everything valid() {
    Everything e;
    e.maybe_leaf = Leaf{};
    e.named["x"].name = "x";
    e.optionals["none"];
    e.tree.below.resize(2);
    e.tree.next = std::make_unique<Tree>();
    e.needed.name = "needed";
    e.needed.leaf = Leaf{};
    return e;
}

/// The places of a document, the document itself included.
void list_places(const Document& document, const Path& at, std::vector<Path>& places) {
    places.push_back(at);
    for (const auto& member : document.members()) {
        list_places(member.value, at / member.key, places);
    }
    std::size_t index = 0;
    for (const Document& element : document.elements()) {
        list_places(element, at / std::to_string(index++), places);
    }
}

class Mutator {
public:
    Document changed(Document document) {
        for (std::size_t changes = 1 + below(2); changes != 0; --changes) {
            std::vector<Path> places;
            list_places(document, {}, places);
            const Path& place = places[below(places.size())];
            const Document& old = document.at(place);
            if (old.is_object() && below(4) == 0) {
                document = document.with(place / (below(2) == 0 ? "a" : "unknown"), value());
            } else if (old.is_array() && below(2) == 0) {
                document = document.with(place / "-", value());
            } else if (below(4) == 0) {
                document = document.without(place);
            } else {
                document = document.with(place, value());
            }
        }
        return document;
    }

private:
    std::size_t below(std::size_t limit) { return random_() % limit; }

    // No whole real, which JSON Schema takes for an integer, and no duration or size that would
    // be inexact.
    Document value() {
        static const Document values = parse(R"([null, null, true, false, 0, 1, -1, 5, 6, 10, 20,
            127, 128, -128, -129, 65535, 65536, 3000000000, 0.5, -0.5, 1.5, 1e39, -1e300, "", "a",
            "left", "right", "word-1", "-word", "much-too-long", "primary", "replica", "observer",
            "5s", "-5s", "0", "-0s", "1h30m", "30m1h", "5q", "64MiB", "1.5KiB", "64 MiB", "7",
            [], [1], [1, 2], [1, 2, 3], [null], ["a", "b", "c"], [{}], [true], {}, {"a": 1},
            {"a": null}, {"a": 1, "b": 2}, {"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 2, "c": null},
            {"name": "x"}, {"name": null}, {"name": "x", "leaf": {"number": 1}}, {"number": 1},
            {"number": "1"}, {"value": 1, "below": [{}]}, {"next": {"next": {"value": 0.5}}}])");
        return *values.find(below(values.size()));
    }

    std::mt19937_64 random_{20201212};
};

Case everything() {
    Case result{"everything, mutated", schema_of<Everything>()};
    const Document good = attune::encode(valid());
    result.accept<Everything>(good);
    result.accept<Everything>(parse(R"({"tags": ["a"], "needed": {"name": "n"}})"));
    Mutator mutator;
    for (int i = 0; i != 4000; ++i) {
        const Document document = mutator.changed(good);
        result.add(document, takes<Everything>(document, {}));
    }
    return result;
}

Case everything_below() {
    Case result{"everything, at a path", schema_of<Everything>("a.b.c")};
    const Document good = attune::encode(valid());
    result.accept<Everything>(Document::object().with("a.b.c", good).with("a.x", 1), "a.b.c");
    result.refuse<Everything>(Document::object().with("a.b.c", 1), "a.b.c");
    result.refuse<Everything>(Document::object().with("a.b", Document::object()), "a.b.c");
    result.refuse<Everything>(Document::object().with("a.b", nullptr), "a.b.c");
    result.refuse<Everything>(Document::object(), "a.b.c");
    return result;
}

struct Patterns {
    std::string dashes;
    std::string posix;
    std::string escapes;
    std::string braces;
    std::string lookahead;
    std::string accents;
    std::string whole;
};

void describe(attune::Schema<Patterns>& s) {
    s.field(&Patterns::dashes).matches(R"([-a\-z][\w.-][a-c-]?)");
    s.field(&Patterns::posix).matches(R"([[:upper:]_[:digit:]-]+[^[:space:]])");
    s.field(&Patterns::escapes).matches(R"(\d{2}\:\d{2}(?:\"|\_)\x41\u0042[\_\]])");
    s.field(&Patterns::braces).matches(R"(\{a\}|a{2,3}|]|b})");
    s.field(&Patterns::lookahead).matches(R"((?!x)(a|b)\1c*?)");
    s.field(&Patterns::accents).matches("é+|[é]x|caf.*");
    s.field(&Patterns::whole).matches("a|b");
}

/// The same texts by std::regex and by another engine.
Case patterns() {
    Case result{"patterns", schema_of<Patterns>()};
    const std::vector<std::string> texts{
        "",    "-a",         "a.",        "z-c",      "-ab", "a",  "b",   "ab",   "A9-x", "_-- ",
        "AB ", "12:34\"AB_", "12:34_AB]", "12:3_AB_", "{a}", "aa", "aaa", "aaaa", "]",    "b}",
        "aac", "bb",         "xaa",       "abc",      "b]",  "c",  "xa",  "a\n",  "\na"};
    for (const char* const field : {"dashes", "posix", "escapes", "braces", "lookahead", "whole"}) {
        for (const std::string& text : texts) {
            const Document document = Document::object().with(field, text);
            result.add(document, takes<Patterns>(document, {}));
        }
    }
    // It has no pattern in the schema.
    result.accept<Patterns>(Document::object().with("accents", "café"));
    return result;
}

struct Unsayable {
    std::chrono::seconds seconds{5};
    std::chrono::milliseconds from_second{2s};
    std::string bytes = "abc";
    attune::Bytes at_most{1};
};

void describe(attune::Schema<Unsayable>& s) {
    s.field(&Unsayable::from_second).at_least(1s);
    s.field(&Unsayable::bytes).min_size(3).max_size(4);
    s.field(&Unsayable::at_most).at_most(attune::Bytes{1000});
    s.check([](const Unsayable& u) { return u.seconds < u.from_second; }, "seconds first");
}

/// What only a part of can be said must not be refused.
Case unsayable() {
    Case result{"what cannot be said", schema_of<Unsayable>()};
    for (const char* const good :
         {R"({"seconds": "1s", "from_second": "1m"})", R"({"seconds": "-1m"})",
          R"({"seconds": "500ms500000us"})", R"({"seconds": 0, "bytes": "éé"})",
          R"({"seconds": "-0h0.0s", "bytes": "𝄞"})", R"({"seconds": "1s", "at_most": "1kB"})",
          R"({"seconds": "1s", "at_most": 1000})"}) {
        result.accept<Unsayable>(parse(good));
    }
    for (const char* const bad :
         {R"({"from_second": "-2s"})", R"({"from_second": 0})", R"({"seconds": 1})",
          R"({"bytes": "abcde"})", R"({"bytes": ""})", R"({"at_most": 1001})", R"({"at_most": -1})",
          R"({"at_most": "1 kB"})", R"({"seconds": "s"})", R"({"seconds": ""})",
          R"({"seconds": "1.s"})", R"({"seconds": "1ms1s"})"}) {
        result.refuse<Unsayable>(parse(bad));
    }
    return result;
}

/// Several bindings, some inside others, as a store has them.
Case overlapping() {
    attune::Store store;
    const auto leaf = store.bind<Leaf>("leaf");
    const auto number = store.bind<std::uint8_t>("leaf.number");
    const auto any = store.bind<Document>("other");
    const auto below = store.bind<Leaf>("/other/a.b/c");
    const auto indexed = store.bind<int>("list.1");
    Case result{"overlapping bindings", store.schema()};
    const auto judge = [&](const char* json) {
        const Document document = parse(json);
        attune::Store tried;
        tried.add(attune::memory(document));
        try {
            static_cast<void>(tried.bind<Leaf>("leaf"));
            static_cast<void>(tried.bind<std::uint8_t>("leaf.number"));
            static_cast<void>(tried.bind<Document>("other"));
            static_cast<void>(tried.bind<Leaf>("/other/a.b/c"));
            result.add(document, true);
        } catch (const attune::Rejected&) {
            result.add(document, false);
        }
    };
    for (const char* const json :
         {"{}", "null", R"({"leaf": {"number": 255, "text": "x"}})", R"({"leaf": {"number": 256}})",
          R"({"leaf": {"x": 1}})", R"({"leaf": null})", R"({"other": {"a.b": {"c": {}}}})",
          R"({"other": {"a.b": {"c": {"number": "x"}}}})", R"({"other": {"a.b": {"d": 1}}})",
          R"({"unbound": {"leaf": 1}})", R"({"list": [0, 1]})", R"({"list": null})"}) {
        judge(json);
    }
    return result;
}

Document load(const std::filesystem::path& path) {
    std::ifstream file{path, std::ios::binary};
    const std::string text{std::istreambuf_iterator<char>{file}, {}};
    return parse(text, {.name = path.string()});
}

template <class T>
Case file(const std::filesystem::path& path, const Path& misspelt) {
    Case result{path.filename().string() + " of " + path.parent_path().filename().string(),
                schema_of<T>()};
    const Document document = load(path);
    result.accept<T>(document);
    result.accept<T>(attune::encode(attune::decode<T>(document)));
    result.refuse<T>(document.with(misspelt.parent() / (misspelt.back() + "x"), 1));
    // Checks refuse more than a schema can say, but nothing may be refused that decode takes.
    Mutator mutator;
    for (int i = 0; i != 300; ++i) {
        const Document changed = mutator.changed(document);
        if (takes<T>(changed, {})) {
            result.add(changed, true);
        }
    }
    return result;
}

int run(const std::filesystem::path& data) {
    std::vector<Case> cases{everything(), everything_below(), patterns(), unsayable(),
                            overlapping()};
    const std::filesystem::path samples{ATTUNE_SOURCE_DIR "/examples/data"};
    cases.push_back(file<traefik::Installation>(samples / "traefik/traefik.json", "entryPoints"));
    cases.push_back(file<traefik::Routing>(samples / "traefik/routing.json", "http.routers"));
    cases.push_back(file<prometheus::RulesFile>(samples / "prometheus/rules.json", "groups"));

    const auto real = [&]<class T>(std::type_identity<T>, const char* path, const char* key) {
        if (std::filesystem::exists(data / path)) {
            cases.push_back(file<T>(data / path, key));
        }
    };
    real(std::type_identity<traefik::Installation>{}, "traefik-v3/example.json",
         "entryPoints.EntryPoint0.address");
    real(std::type_identity<traefik::Routing>{}, "traefik-v3-file-provider/example.json",
         "http.services.Service02.loadBalancer.healthCheck.interval");
    real(std::type_identity<prometheus::RulesFile>{}, "prometheus.rules/rules.json",
         "groups.0.query_offset");
    real(std::type_identity<programs::compile_commands::File>{},
         "compile-commands/compile_commands.json", "0.directory");
    real(std::type_identity<programs::google_cloud_build::File>{}, "cloudbuild/test-1.json",
         "steps.0.name");
    real(std::type_identity<programs::dependabot::File>{},
         "dependabot-2.0/pull-request-branch-name.json",
         "updates.1.pull-request-branch-name.separator");
    real(std::type_identity<programs::dotnet_tools::File>{}, "dotnet-tools/dotnet-tools.json",
         "tools.dotnet-ef.commands");
    real(std::type_identity<programs::launch_settings::File>{}, "launchsettings/iisSettings.json",
         "iisSettings.iisExpress.sslPort");
    real(std::type_identity<programs::ocelot::File>{}, "ocelot/ocelot.json",
         "GlobalConfiguration.RequestIdKey");
    real(std::type_identity<programs::nest::File>{}, "nest-cli/nest-cli-generateOptions.json",
         "projects.my-app.entryFile");
    real(std::type_identity<programs::flatpak::File>{}, "flatpak-manifest/org.example.Sdk.json",
         "runtime-version");
    real(std::type_identity<programs::sil_kit::File>{},
         "sil-kit-participant-configuration/full.silkit.json", "HealthCheck.HardResponseTimeout");

    Document all = Document::array();
    for (const Case& one : cases) {
        all = all.with("-", one.document());
    }
    std::cout << to_text(Document::object().with("cases", all)) << '\n';
    return std::cout.good() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) try {
    return run(argc > 1 ? argv[1] : "");
} catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
}
