#pragma once

#include <attune/transport/http_options.hpp>

#include <chrono>

namespace attune_test {

/// Options with pauses that a test can wait for.
inline attune::HttpOptions quick() {
    attune::HttpOptions options;
    options.interval = std::chrono::milliseconds{10};
    options.back_off = {.first = std::chrono::milliseconds{2},
                        .longest = std::chrono::milliseconds{20}};
    return options;
}

}  // namespace attune_test
