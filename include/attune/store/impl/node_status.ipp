#pragma once

#include <attune/store/node_status.hpp>

#include <string_view>

namespace attune::inline ATTUNE_ABI {

namespace detail {

/// Within double quotes; a label ends its lines with \n.
inline std::string quoted_for_dot(std::string_view text) {
    std::string quoted = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            quoted += '\\';
        }
        if (c == '\n') {
            quoted += "\\n";
        } else {
            quoted += c;
        }
    }
    return quoted + '"';
}

inline std::string label_for_dot(const NodeStatus& node) {
    std::string label = node.name + "\nheight " + std::to_string(node.height);
    if (node.type != NodeStatus::Type::rule) {
        label += ", version " + std::to_string(node.version);
    }
    if (node.type != NodeStatus::Type::bound) {
        label += '\n' + std::to_string(node.runs) + " runs, " + std::to_string(node.cut_offs) +
                 " cut off, last " + std::to_string(node.last_duration.count()) + " ns";
    }
    if (node.observers != 0) {
        label += '\n' + std::to_string(node.observers) + " observers";
    }
    if (!node.error.empty()) {
        label += "\nstale: " + node.error;
    }
    return label;
}

}  // namespace detail

ATTUNE_DECL std::string to_dot(const std::vector<NodeStatus>& graph) {
    std::string dot = "digraph attune {\n  node [fontname=\"sans-serif\"];\n";
    for (std::size_t i = 0; i != graph.size(); ++i) {
        const NodeStatus& node = graph[i];
        const char* const shape = node.type == NodeStatus::Type::bound  ? "box"
                                  : node.type == NodeStatus::Type::rule ? "diamond"
                                                                        : "ellipse";
        dot += "  n" + std::to_string(i) + " [shape=" + shape +
               ", label=" + detail::quoted_for_dot(detail::label_for_dot(node)) +
               (node.error.empty() ? "" : ", color=red") + "];\n";
    }
    for (std::size_t i = 0; i != graph.size(); ++i) {
        for (const std::size_t input : graph[i].inputs) {
            dot += "  n" + std::to_string(input) + " -> n" + std::to_string(i) + ";\n";
        }
    }
    return dot + "}\n";
}

}  // namespace attune::inline ATTUNE_ABI
