// Documents of 100,000 values: a new version with one change, what keeping it costs, parsing,
// reconciling, comparing and merging.

#include "services.hpp"
#include "support.hpp"

#include <attune/document/difference.hpp>
#include <attune/document/merge.hpp>
#include <attune/document/parse.hpp>
#include <attune/document/reconcile.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace {

using namespace bench;
using attune::Document;
using attune::Path;

constexpr std::size_t place_count = 1024;

/// A document, and places in it where a number can be changed.
struct Subject {
    Document document;
    std::vector<Path> places;

    template <class F>
    Subject(Document whole, int limit, F&& path) : document(std::move(whole)) {
        for (const int number : scattered(place_count, limit)) {
            places.push_back(path(number));
        }
    }

    Document changed(const Document& from, std::int64_t step) const {
        return from.with(places[static_cast<std::size_t>(step) % place_count], -step);
    }
};

const std::string& text() {
    static const std::string made = services_text();
    return made;
}

const Document& services() {
    static const Document parsed = attune::parse(text());
    return parsed;
}

const nlohmann::json& services_json() {
    static const nlohmann::json parsed = nlohmann::json::parse(text());
    return parsed;
}

const Subject& nested() {
    static const Subject subject{services(), service_count, port_path};
    return subject;
}

const Subject& flat() {
    static const Subject subject{flat_object(), value_count, [](int number) {
                                     return Path{std::vector<std::string>{key_name(number)}};
                                 }};
    return subject;
}

const Subject& array() {
    static const Subject subject{flat_array(), value_count, [](int number) {
                                     return Path{std::vector<std::string>{std::to_string(number)}};
                                 }};
    return subject;
}

void edit(benchmark::State& state, const Subject& subject) {
    Document document = subject.document;
    std::int64_t step = 0;
    for (auto _ : state) {
        document = subject.changed(document, ++step);
    }
}

void keep(benchmark::State& state, const Subject& subject) {
    constexpr std::size_t count = 20'000;
    for (auto _ : state) {
        std::vector<Document> versions;
        versions.reserve(count + 1);
        versions.push_back(subject.document);
        const std::size_t before = heap_bytes();
        for (std::size_t i = 0; i < count; ++i) {
            versions.push_back(subject.changed(versions.back(), static_cast<std::int64_t>(i) + 1));
        }
        state.counters["bytes"] =
            static_cast<double>(heap_bytes() - before) / static_cast<double>(count);
    }
}

void change(nlohmann::json& document, std::size_t step) {
    static const std::vector<int> numbers = scattered(place_count, service_count);
    document["services"][service_name(numbers[step % place_count])]["port"] = step;
}

void edit_nlohmann(benchmark::State& state) {
    nlohmann::json document = services_json();
    std::size_t step = 0;
    for (auto _ : state) {
        nlohmann::json next = document;
        change(next, ++step);
        document = std::move(next);
    }
}

void keep_nlohmann(benchmark::State& state) {
    constexpr std::size_t count = 20;
    for (auto _ : state) {
        std::vector<nlohmann::json> versions;
        versions.reserve(count + 1);
        versions.push_back(services_json());
        const std::size_t before = heap_bytes();
        for (std::size_t i = 0; i < count; ++i) {
            versions.push_back(versions.back());
            change(versions.back(), i + 1);
        }
        state.counters["bytes"] =
            static_cast<double>(heap_bytes() - before) / static_cast<double>(count);
    }
}

// Both include giving the result back.

void parse(benchmark::State& state) {
    for (auto _ : state) {
        benchmark::DoNotOptimize(attune::parse(text()));
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text().size()));
}

void parse_nlohmann(benchmark::State& state) {
    for (auto _ : state) {
        benchmark::DoNotOptimize(nlohmann::json::parse(text()));
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text().size()));
}

void reconcile_equal(benchmark::State& state) {
    const Document fresh = attune::parse(text());
    for (auto _ : state) {
        if (!attune::reconcile(services(), fresh).same(services())) {
            state.SkipWithError("an equal document was not recognised");
            break;
        }
    }
}

std::size_t services_not_shared(const Document& before, const Document& after) {
    std::size_t count = 0;
    for (const auto& member : after.at("services").members()) {
        const Document* const old = before.at("services").find(member.key);
        count += old == nullptr || !old->same(member.value) ? 1 : 0;
    }
    return count;
}

void reconcile_one_changed(benchmark::State& state) {
    const Document fresh = attune::parse(services_text(1));
    Document result;
    for (auto _ : state) {
        result = attune::reconcile(services(), fresh);
    }
    if (services_not_shared(services(), result) != 1) {
        state.SkipWithError("more than the changed service is new");
    }
}

void equal_nlohmann(benchmark::State& state) {
    const nlohmann::json fresh = nlohmann::json::parse(text());
    for (auto _ : state) {
        benchmark::DoNotOptimize(services_json() == fresh);
    }
}

void difference(benchmark::State& state) {
    const Document after = nested().changed(services(), 1);
    for (auto _ : state) {
        const std::vector<Path> paths = attune::changed_paths(services(), after);
        if (paths.size() != 1) {
            state.SkipWithError("not one difference");
            break;
        }
    }
}

void difference_nlohmann(benchmark::State& state) {
    nlohmann::json after = services_json();
    change(after, 1);
    for (auto _ : state) {
        benchmark::DoNotOptimize(nlohmann::json::diff(services_json(), after));
    }
}

void merge(benchmark::State& state) {
    std::vector<Document> layers;
    for (const Path& place : nested().places) {
        layers.push_back(Document{}.with(place, 1));
    }
    std::size_t step = 0;
    for (auto _ : state) {
        benchmark::DoNotOptimize(attune::merge(services(), layers[++step % place_count]));
    }
}

void merge_nlohmann(benchmark::State& state) {
    nlohmann::json layer;
    change(layer, 1);
    for (auto _ : state) {
        nlohmann::json merged = services_json();
        merged.merge_patch(layer);
        benchmark::DoNotOptimize(merged);
    }
}

BENCHMARK_CAPTURE(edit, nested, nested())->Name("document/edit nested");
BENCHMARK_CAPTURE(edit, flat, flat())->Name("document/edit flat");
BENCHMARK_CAPTURE(edit, array, array())->Name("document/edit array");
BENCHMARK(edit_nlohmann)->Name("document/edit nlohmann");

BENCHMARK_CAPTURE(keep, nested, nested())->Name("document/keep nested")->Iterations(1);
BENCHMARK_CAPTURE(keep, flat, flat())->Name("document/keep flat")->Iterations(1);
BENCHMARK_CAPTURE(keep, array, array())->Name("document/keep array")->Iterations(1);
BENCHMARK(keep_nlohmann)->Name("document/keep nlohmann")->Iterations(1);

BENCHMARK(parse)->Name("document/parse");
BENCHMARK(parse_nlohmann)->Name("document/parse nlohmann");

BENCHMARK(reconcile_equal)->Name("document/reconcile equal");
BENCHMARK(reconcile_one_changed)->Name("document/reconcile one changed");
BENCHMARK(equal_nlohmann)->Name("document/equal nlohmann");

BENCHMARK(difference)->Name("document/difference");
BENCHMARK(difference_nlohmann)->Name("document/difference nlohmann");

BENCHMARK(merge)->Name("document/merge");
BENCHMARK(merge_nlohmann)->Name("document/merge nlohmann");

}  // namespace
