#pragma once

#include <attune/document/document.hpp>
#include <attune/document/impl/node.hpp>
#include <attune/document/json.hpp>
#include <attune/document/text.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace attune {

/// How GoogleTest shows a document.
inline void PrintTo(const Document& document, std::ostream* out) {  // NOLINT: its name for it
    *out << to_text(document);
}

/// How RapidCheck does.
inline void showValue(const Document& document, std::ostream& out) {  // NOLINT: its name for it
    out << to_text(document);
}

}  // namespace attune

namespace nlohmann {

inline void showValue(const json& value, std::ostream& out) {  // NOLINT: RapidCheck's name for it
    out << value.dump();
}

}  // namespace nlohmann

namespace attune_test {

using attune::Document;

/// The nodes of all containers in a document, each with its size in bytes.
inline std::map<const void*, std::size_t> nodes_of(const Document& document) {
    using namespace attune::detail;
    std::map<const void*, std::size_t> nodes;
    std::vector<const Node*> open;
    const auto visit = [&](const Node* node) {
        if (!node) {
            return;
        }
        const std::size_t bytes = node_bytes(node->level, node->stride, node->used);
        if (nodes.emplace(node, bytes).second) {
            open.push_back(node);
        }
    };
    if (is_container(document)) {
        visit(root_of(document));
    }
    while (!open.empty()) {
        const Node& node = *open.back();
        open.pop_back();
        if (node.level > 0) {
            for (std::size_t i = 0; i < node.used; ++i) {
                visit(node.children()[i]);
            }
            continue;
        }
        for (std::size_t i = 0; i < std::size_t{node.used} * node.stride; ++i) {
            if (is_container(node.slots()[i])) {
                visit(root_of(node.slots()[i]));
            }
        }
    }
    return nodes;
}

/// Bytes of the nodes that only `after` has.
inline std::size_t new_bytes(const Document& before, const Document& after) {
    const auto old = nodes_of(before);
    std::size_t bytes = 0;
    for (const auto& [node, size] : nodes_of(after)) {
        if (!old.contains(node)) {
            bytes += size;
        }
    }
    return bytes;
}

/// Checks what every tree promises, in one container: all leaves on one level, no node but the root
/// less than half full, counts and keys as the leaves have them.
inline void check_tree(const Document& container) {
    using namespace attune::detail;
    const Node* const root = root_of(container);
    if (!root) {
        return;
    }
    std::vector<const Node*> open{root};
    while (!open.empty()) {
        const Node& node = *open.back();
        open.pop_back();
        ASSERT_LE(node.used, node_capacity);
        ASSERT_GE(node.used, &node == root ? (node.level > 0 ? 2u : 1u) : node_minimum);
        ASSERT_EQ(node.stride, container.is_object() ? 2 : 1);
        for (std::size_t i = 0; node.level > 0 && i < node.used; ++i) {
            const Node& child = *node.children()[i];
            ASSERT_EQ(child.level + 1, node.level);
            ASSERT_EQ(node.ends()[i] - node.start(i), child.size());
            ASSERT_TRUE(node.stride == 1 || node.keys()[i].same(child.first_key()));
            open.push_back(&child);
        }
    }
    std::string last;
    std::size_t count = 0;
    for (Cursor entry(container); !entry.done(); entry.advance(), ++count) {
        if (!container.is_object()) {
            continue;
        }
        const std::string key(entry[0].as_string());
        ASSERT_TRUE(count == 0 || last < key);
        last = key;
    }
    ASSERT_EQ(count, container.size());
}

/// Names from a small domain, so that documents overlap; some too long for a cell.
inline rc::Gen<std::string> any_key() {
    return rc::gen::map(rc::gen::inRange(0, 24), [](int i) {
        return (i % 3 == 0 ? "a-name-too-long-for-one-cell-" : "k") + std::to_string(i);
    });
}

inline rc::Gen<std::string> any_string() {
    return rc::gen::oneOf(rc::gen::elementOf(std::vector<std::string>{
                              "", "x", "fourteen-bytes", "fifteen--bytes!", "a\"b\\c\n\t\x01",
                              "gr\xC3\xBC\xC3\x9F", "\xF0\x9F\x98\x80 beyond the basic plane",
                              std::string("zero\0inside", 11)}),
                          rc::gen::container<std::string>(rc::gen::inRange<char>(0x20, 0x7F)));
}

/// Up to eight values.
template <class T>
rc::Gen<std::vector<T>> few(const rc::Gen<T>& value) {
    return rc::gen::mapcat(rc::gen::inRange<std::size_t>(0, 9), [value](std::size_t count) {
        return rc::gen::container<std::vector<T>>(count, value);
    });
}

inline nlohmann::json object_of(
    const std::vector<std::pair<std::string, nlohmann::json>>& members) {
    nlohmann::json object = nlohmann::json::object();
    for (const auto& [key, value] : members) {
        object[key] = value;
    }
    return object;
}

/// Any JSON value that text can express, at most `depth` levels of containers.
inline rc::Gen<nlohmann::json> any_json(int depth) {
    using nlohmann::json;
    const auto to_json = [](const auto& value) { return json(value); };
    auto scalar =
        rc::gen::oneOf(rc::gen::just(json(nullptr)),
                       rc::gen::map(rc::gen::arbitrary<bool>(), to_json),
                       rc::gen::map(rc::gen::inRange<std::int64_t>(-3, 3), to_json),
                       rc::gen::map(rc::gen::arbitrary<std::int64_t>(), to_json),
                       rc::gen::map(rc::gen::arbitrary<double>(), to_json),
                       rc::gen::map(any_string(), to_json), rc::gen::just(json(UINT64_MAX)));
    if (depth == 0) {
        return scalar;
    }
    auto below = rc::gen::lazy([depth] { return any_json(depth - 1); });
    return rc::gen::oneOf(scalar, rc::gen::map(few(below), to_json),
                          rc::gen::map(few(rc::gen::pair(any_key(), below)), object_of));
}

/// As `any_json`, and an object.
inline rc::Gen<nlohmann::json> any_object(int depth) {
    return rc::gen::map(few(rc::gen::pair(any_key(), any_json(depth - 1))), object_of);
}

/// An object of `services` objects of ten members each.
inline Document services(int count) {
    nlohmann::json all = nlohmann::json::object();
    for (int i = 0; i < count; ++i) {
        all["service-" + std::to_string(i)] = {
            {"host", "10.0.0.1"}, {"port", i},     {"weight", i * 0.5}, {"enabled", i % 2 == 0},
            {"zone", "eu-west"},  {"retries", 3},  {"path", "/api/v1"}, {"timeout", "250ms"},
            {"tls", nullptr},     {"limit", 1000},
        };
    }
    return attune::from_json(all);
}

/// `levels` arrays inside each other, around `core`.
inline Document nested_arrays(std::size_t levels, Document core) {
    for (std::size_t i = 0; i < levels; ++i) {
        core = Document::array().with("-", core);
    }
    return core;
}

/// `levels` objects inside each other, around `core`.
inline Document nested_objects(std::size_t levels, Document core) {
    for (std::size_t i = 0; i < levels; ++i) {
        core = Document::object().with("a", core);
    }
    return core;
}

/// The files below a folder of the test data, in order; empty when there is no test data.
inline std::vector<std::filesystem::path> data_files([[maybe_unused]] const char* folder) {
    std::vector<std::filesystem::path> files;
#if defined(ATTUNE_TEST_DATA)
    const std::filesystem::path root = std::filesystem::path(ATTUNE_TEST_DATA) / folder;
    if (!std::filesystem::is_directory(root)) {
        return files;
    }
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
        if (entry.path().extension() == ".json") {
            files.push_back(entry.path());
        }
    }
    std::sort(files.begin(), files.end());
#endif
    return files;
}

inline std::string contents(const std::filesystem::path& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

}  // namespace attune_test
