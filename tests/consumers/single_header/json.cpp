#include <attune/attune.hpp>
#include <attune/document/json.hpp>
#include <attune/testing.hpp>

#include <cstddef>

// The opt-in headers fit on top of the single one.
nlohmann::json parsed(const char* text) { return attune::to_json(attune::parse(text)); }
std::size_t run(const attune::testing::ManualExecutor& executor) { return executor.run_all(); }
