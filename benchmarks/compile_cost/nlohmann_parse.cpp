#include <nlohmann/json.hpp>

#include <string>

int port(const std::string& text) { return nlohmann::json::parse(text).at("port").get<int>(); }
