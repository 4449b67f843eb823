#pragma once

#include "services.hpp"
#include "support.hpp"

#include <attune/document/path.hpp>
#include <attune/store/store.hpp>
#include <attune/transport/memory.hpp>

#include <string>
#include <vector>

/// A store in which each of 100,000 values is bound by itself, and commits to it.
namespace bench {

inline attune::Path key_path(int number) {
    return attune::Path{std::vector<std::string>{key_name(number)}};
}

/// A flat object of 100,000 integers, each of them bound.
struct Handles {
    Handles();

    attune::Store store;
    attune::Layer layer = store.add(attune::memory(flat_object()));
    std::vector<attune::Config<int>> handles;
    double build_ns = 0;  ///< for each handle
    double bytes = 0;     ///< of each handle
};

/// The same ones for all who do not measure how they are made.
Handles& handles();

/// A number that no benchmark has set before.
int next_number();

/// Sets one place after the other, and reports the time from the beginning of the commit until a
/// thread that reads all the time sees the version: what a commit costs before it is published, and
/// the way from one core to the other.
void until_read(benchmark::State& state, attune::Store& store,
                const std::vector<attune::Path>& paths);

}  // namespace bench
