#pragma once

#include <attune/transport/args.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI {

namespace detail {

class ArgsTransport final : public Transport {
public:
    explicit ArgsTransport(std::vector<std::string> arguments) : arguments_(std::move(arguments)) {}

    std::string name() const override { return "arguments"; }

    Content load() override {
        Content content;
        content.reads_options = true;
        bool options = true;
        std::size_t number = 0;
        for (const std::string& argument : arguments_) {
            ++number;
            if (options && argument == "--") {
                options = false;
            } else if (options && argument.starts_with("--")) {
                content.texts.push_back(option(std::string_view(argument).substr(2)));
            } else {
                // By number: what it says may be the secret value of the option before it.
                Text text;
                text.naming = Naming::positional;
                text.value = argument;
                text.origin.source = "argument " + std::to_string(number);
                text.prefix = options ? "" : "-- ";
                content.texts.push_back(std::move(text));
            }
        }
        return content;
    }

private:
    static Text option(std::string_view argument) {
        const std::size_t end = argument.find('=');
        Text text;
        text.naming = Naming::option;
        text.name = argument.substr(0, end);
        text.has_value = end != std::string_view::npos;
        text.value = text.has_value ? argument.substr(end + 1) : std::string_view{};
        text.origin.source = "argument --" + text.name;
        text.prefix = "--";
        return text;
    }

    const std::vector<std::string> arguments_;
};

}  // namespace detail

ATTUNE_DECL std::unique_ptr<Transport> args(int argc, const char* const* argv) {
    std::vector<std::string> arguments;
    for (int i = 1; i < argc; ++i) {
        arguments.emplace_back(argv[i]);
    }
    return std::unique_ptr<Transport>(new detail::ArgsTransport(std::move(arguments)));
}

}  // namespace attune::inline ATTUNE_ABI
