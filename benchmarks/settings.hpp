#pragma once

#include <attune/store/store.hpp>
#include <attune/transport/memory.hpp>

#include <array>
#include <cstdint>
#include <string>

/// The value that the reading benchmarks read.
namespace bench {

/// 256 bytes, with a string among them: what no lock-free atomic holds.
struct Settings {
    std::int64_t id = 0;
    std::string name = "a name that does not fit into the string itself";
    std::array<std::int64_t, 27> limits{};
};
static_assert(sizeof(Settings) == 256);

/// A store with two bound values, and what a reader holds of it.
struct SettingsStore {
    attune::Store store;
    attune::Layer layer =
        store.add(attune::memory({{"first", {{"id", 1}}}, {"second", {{"id", 2}}}}));
    attune::Config<Settings> first = store.bind<Settings>("first");
    attune::Config<Settings> second = store.bind<Settings>("second");
    attune::Path first_id{"first.id"};

    void commit(std::int64_t id) { store.set(first_id, id); }
};

inline SettingsStore& settings_store() {
    static SettingsStore store;
    return store;
}

}  // namespace bench
