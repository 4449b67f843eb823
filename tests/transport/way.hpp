#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <ostream>
#include <string>

namespace attune_test {

/// Every way of noticing a change has to show the same behaviour.
struct Way {
    const char* name;
    std::chrono::milliseconds poll;

    friend void PrintTo(const Way& way, std::ostream* out) { *out << way.name; }
};

inline auto every_way() {
    return testing::Values(Way{"notification", std::chrono::milliseconds{0}},
                           Way{"polling", std::chrono::milliseconds{5}});
}
inline std::string way_name(const testing::TestParamInfo<Way>& way) { return way.param.name; }

}  // namespace attune_test
