#include "services.hpp"

#include <attune/document/parse.hpp>

#include <cstdio>
#include <random>

namespace bench {

namespace {

std::string numbered(const char* format, int number) {
    char text[32];
    return {text, static_cast<std::size_t>(std::snprintf(text, sizeof text, format, number))};
}

}  // namespace

std::string service_name(int number) { return numbered("service-%05d", number); }

attune::Path port_path(int number) {
    return attune::Path{std::vector<std::string>{"services", service_name(number), "port"}};
}

std::string key_name(int number) { return numbered("key-%05d", number); }

std::string services_text(int port) {
    std::string text = "{\n  \"services\": {\n";
    for (int i = 0; i < service_count; ++i) {
        const auto field = [&](const char* name, const std::string& value,
                               const char* end = ",\n") {
            text.append("      \"").append(name).append("\": ").append(value).append(end);
        };
        text.append("    \"").append(service_name(i)).append("\": {\n");
        field("host", numbered("\"host-%d.internal\"", i));
        field("zone", numbered("\"zone-%d\"", i % 7));
        field("owner", numbered("\"team-%d\"", i % 97));
        field("port", std::to_string(i == 4242 ? port : 1024 + i));
        field("weight", std::to_string(i % 100));
        field("retries", std::to_string(i % 5));
        field("timeout", numbered("%d.25", i % 40));
        field("ratio", numbered("0.%d", 1 + i % 8));
        field("enabled", i % 3 != 0 ? "true" : "false");
        field("secure", i % 2 != 0 ? "true" : "false", "\n");
        text += i + 1 < service_count ? "    },\n" : "    }\n";
    }
    return text += "  }\n}\n";
}

attune::Document flat_object() {
    std::string text = "{";
    for (int i = 0; i < value_count; ++i) {
        text.append(i == 0 ? "\"" : ",\"").append(key_name(i)).append("\":");
        text += std::to_string(i);
    }
    return attune::parse(text += '}');
}

attune::Document flat_array() {
    std::string text = "[";
    for (int i = 0; i < value_count; ++i) {
        text.append(i == 0 ? "" : ",").append(std::to_string(i));
    }
    return attune::parse(text += ']');
}

std::vector<int> scattered(std::size_t count, int limit) {
    std::mt19937 random{42};
    std::uniform_int_distribution<int> number{0, limit - 1};
    std::vector<int> numbers(count);
    for (int& each : numbers) {
        each = number(random);
    }
    return numbers;
}

}  // namespace bench
