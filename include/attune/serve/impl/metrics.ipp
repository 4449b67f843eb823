#pragma once

#include <attune/serve/metrics.hpp>

#include <charconv>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL void MetricsPage::metric(std::string_view name, std::string_view type,
                                     std::string_view help) {
    name_ = name;
    text_.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ");
    text_.append(name).append(" ").append(type).append("\n");
}

ATTUNE_DECL void MetricsPage::sample(Labels labels, double value) {
    text_ += name_;
    char separator = '{';
    for (const auto& [name, text] : labels) {
        text_ += separator;
        text_.append(name).append("=\"");
        for (const char c : text) {
            if (c == '\n') {
                text_ += "\\n";
                continue;
            }
            if (c == '"' || c == '\\') {
                text_ += '\\';
            }
            text_ += c;
        }
        text_ += '"';
        separator = ',';
    }
    text_ += separator == ',' ? "} " : " ";
    std::array<char, 32> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    text_.append(digits.data(), end);
    text_ += '\n';
}

}  // namespace attune::inline ATTUNE_ABI::detail
