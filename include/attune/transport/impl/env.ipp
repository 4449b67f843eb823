#pragma once

#include <attune/document/document.hpp>
#include <attune/document/path.hpp>
#include <attune/transport/env.hpp>

#include <string_view>
#include <utility>

#include <unistd.h>

namespace attune::inline ATTUNE_ABI {

namespace detail {

class EnvTransport final : public Transport {
public:
    EnvTransport(std::string prefix, EnvOptions options)
        : prefix_(std::move(prefix)), options_(options) {}

    std::string name() const override { return "environment " + prefix_ + "*"; }

    Content load() override {
        Content content;
        content.variable_prefix = prefix_;
        const char* const* variable = options_.variables != nullptr ? options_.variables : environ;
        Document seen;  // an object with the names
        for (; variable != nullptr && *variable != nullptr; ++variable) {
            const std::string_view entry = *variable;
            const std::string_view name = entry.substr(0, entry.find('='));
            // An entry without `=` is no variable. Of two with one name, getenv sees the first.
            if (name.size() == entry.size() || name.size() == prefix_.size() ||
                !name.starts_with(prefix_) || seen.find(name) != nullptr) {
                continue;
            }
            seen = seen.with(Path{} / name, true);
            const std::string_view value = entry.substr(name.size() + 1);
            if (value.empty() && options_.empty_is_unset) {
                continue;
            }
            Text text;
            text.naming = Naming::variable;
            text.name = name.substr(prefix_.size());
            text.value = value;
            text.origin.source = "environment variable " + std::string(name);
            text.prefix = prefix_;
            content.texts.push_back(std::move(text));
        }
        return content;
    }

private:
    const std::string prefix_;
    const EnvOptions options_;
};

}  // namespace detail

ATTUNE_DECL std::unique_ptr<Transport> env(std::string prefix, EnvOptions options) {
    return std::unique_ptr<Transport>(new detail::EnvTransport(std::move(prefix), options));
}

}  // namespace attune::inline ATTUNE_ABI
