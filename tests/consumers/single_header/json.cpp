#include <attune/attune.hpp>
#include <attune/document/json.hpp>

// The opt-in header fits on top of the single one.
nlohmann::json parsed(const char* text) { return attune::to_json(attune::parse(text)); }
