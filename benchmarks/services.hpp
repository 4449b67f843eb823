#pragma once

#include <attune/document/document.hpp>
#include <attune/document/path.hpp>

#include <cstddef>
#include <string>
#include <vector>

/// The document of the benchmarks: 10,000 services of 10 fields, 100,000 values in all.
namespace bench {

struct Service {
    std::string host;
    std::string zone;
    std::string owner;
    int port = 0;
    int weight = 0;
    int retries = 0;
    double timeout = 0;
    double ratio = 0;
    bool enabled = false;
    bool secure = false;
};

inline constexpr int service_count = 10'000;
inline constexpr int value_count = 100'000;

/// `service-00042`.
std::string service_name(int number);

/// `services.service-00042.port`.
attune::Path port_path(int number);

/// `key-00042`, and its path.
std::string key_name(int number);

/// Pretty text of the whole, under `services`. Fields stand in the order of the struct, not in that
/// of their names. `port` replaces that of service 4242.
std::string services_text(int port = 4242);

/// The same values in other shapes, 100,000 integers each.
attune::Document flat_object();
attune::Document flat_array();

/// `count` numbers below `limit` in an order that has no pattern, the same in each run.
std::vector<int> scattered(std::size_t count, int limit);

}  // namespace bench
