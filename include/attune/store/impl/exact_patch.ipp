#pragma once

#include <attune/document/difference.hpp>
#include <attune/document/impl/node.hpp>
#include <attune/document/impl/text.hpp>
#include <attune/document/patch.hpp>
#include <attune/document/text.hpp>
#include <attune/store/detail/exact_patch.hpp>

#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL void append_token(std::string_view token, std::string& pointer) {
    pointer += '/';
    if (token.find('~') == token.npos && token.find('/') == token.npos) {
        pointer += token;
        return;
    }
    for (const char c : token) {
        if (c == '~') {
            pointer += "~0";
        } else if (c == '/') {
            pointer += "~1";
        } else {
            pointer += c;
        }
    }
}

// What the JSON text of a scalar would not say; empty when it says all.
ATTUNE_DECL std::string_view beyond_json(const Document& scalar) noexcept {
    if (scalar.is_text()) {
        return "text";
    }
    if (scalar.is_real() && !std::isfinite(scalar.as_double())) {
        return std::isnan(scalar.as_double()) ? "nan" : scalar.as_double() > 0 ? "inf" : "-inf";
    }
    return {};
}

// The member "as" of an operation with that value, and the comma after it.
ATTUNE_DECL void write_beyond_json(const Document& value, std::string& out) {
    struct Open {
        Cursor next;
        bool object;
        std::size_t index;
    };
    std::vector<Open> open;
    bool any = false;
    const auto look_at = [&](const Document& found) {
        if (is_container(found)) {
            open.push_back({Cursor(found), found.is_object(), 0});
            return;
        }
        const std::string_view what = beyond_json(found);
        if (what.empty()) {
            return;
        }
        std::string pointer;
        for (const Open& level : open) {
            append_token(level.object ? std::string(level.next[0].as_string())
                                      : std::to_string(level.index),
                         pointer);
        }
        out += any ? "," : "\"as\":{";
        any = true;
        write_string(pointer, out);
        out += ":\"";
        out += what;
        out += '"';
    };
    const auto advance = [&] {
        open.back().next.advance();
        ++open.back().index;
    };
    look_at(value);
    while (!open.empty()) {
        if (open.back().next.done()) {
            open.pop_back();
            if (!open.empty()) {
                advance();
            }
            continue;
        }
        const std::size_t depth = open.size();
        look_at(open.back().next[open.back().object ? 1 : 0]);
        if (open.size() == depth) {
            advance();
        }
    }
    if (any) {
        out += "},";
    }
}

ATTUNE_DECL void ExactPatch::enter(std::string_view token) { append_token(token, pointer_); }

ATTUNE_DECL void ExactPatch::operation(std::string_view name, std::string_view pointer,
                                       const Document* value, std::string& out) {
    // The members come in key order, which is how the parser likes them best.
    out += '{';
    if (value != nullptr && (is_container(*value) || !beyond_json(*value).empty())) {
        write_beyond_json(*value, out);
    }
    out += "\"op\":\"";
    out += name;
    out += "\",\"path\":";
    write_string(pointer, out);
    if (value != nullptr) {
        out += ",\"value\":";
        if (is_container(*value)) {
            out += to_text(*value);
        } else {
            write_scalar(*value, out);
        }
    }
    out += '}';
}

ATTUNE_DECL void ExactPatch::several(const Document& before, const Document& after,
                                     std::string& out) {
    const Document operations = make_patch(before, after);
    const char* comma = "";
    for (const Document& made : operations.elements()) {
        out += comma;
        comma = ",";
        const std::string pointer = pointer_ + std::string(made.find("path")->as_string());
        operation(made.find("op")->as_string(), pointer, made.find("value"), out);
    }
}

ATTUNE_DECL void ExactPatch::write(const Document& before, const Document& after,
                                   const Path* within, std::string& out) {
    pointer_.clear();
    out += '[';
    const Document* old = &before;
    const Document* fresh = &after;
    if (within != nullptr) {
        for (const std::string& token : within->tokens()) {
            if (old == nullptr || fresh == nullptr || !old->is_object() || !fresh->is_object()) {
                break;
            }
            enter(token);
            old = old->find(token);
            fresh = fresh->find(token);
        }
    }
    // Down as long as there is one difference: mostly that leads to a value.
    while (old != nullptr && fresh != nullptr && !old->same(*fresh) && old->is_object() &&
           fresh->is_object()) {
        Differences differences(*old, *fresh);
        if (!differences.next()) {
            old = fresh;
            break;
        }
        const std::string_view key = differences.key();
        const Document* const old_below = differences.before();
        const Document* const fresh_below = differences.after();
        if (differences.next()) {
            break;
        }
        enter(key);
        old = old_below;
        fresh = fresh_below;
    }
    if (old == nullptr || fresh == nullptr) {
        if (old != fresh) {
            operation(fresh != nullptr ? "add" : "remove", pointer_, fresh, out);
        }
    } else if (is_container(*old) && old->kind() == fresh->kind()) {
        several(*old, *fresh, out);
    } else if (!(*old == *fresh)) {
        operation("replace", pointer_, fresh, out);
    }
    out += ']';
}

// The value of an operation, with what "as" says about it.
ATTUNE_DECL Document exact_value(const Document& value, const Document& as) {
    Document exact = value;
    for (const auto& [pointer, what] : as.members()) {
        const Path place(pointer);
        const Document* const found = exact.find(place);
        constexpr double infinity = std::numeric_limits<double>::infinity();
        if (found == nullptr || !what.is_string()) {
            continue;
        }
        if (what.as_string() == "text" && found->is_string()) {
            exact = exact.with(place, Document::text(std::string(found->as_string())));
        } else if (what.as_string() == "nan") {
            exact = exact.with(place, std::numeric_limits<double>::quiet_NaN());
        } else if (what.as_string() == "inf" || what.as_string() == "-inf") {
            exact = exact.with(place, what.as_string() == "inf" ? infinity : -infinity);
        }
    }
    return exact;
}

// The result of a patch of one operation that sets or removes one value, as most in a journal
// are, where nothing can be wrong with it; otherwise nothing, and the general way finds out.
ATTUNE_DECL std::optional<Document> apply_one_exact(const Document& target,
                                                    const Document& operation) {
    const Document* const name = operation.find("op");
    const Document* const pointer = operation.find("path");
    if (name == nullptr || pointer == nullptr || !name->is_string() || !pointer->is_string() ||
        !pointer->as_string().starts_with('/')) {
        return std::nullopt;
    }
    const Path path(pointer->as_string());
    const Document* parent = &target;
    for (std::size_t depth = 0; depth + 1 < path.size() && parent != nullptr; ++depth) {
        parent = parent->find(path.tokens()[depth]);
    }
    if (parent == nullptr || !parent->is_object()) {
        return std::nullopt;
    }
    const bool there = parent->find(path.back()) != nullptr;
    if (name->as_string() == "remove") {
        return there ? std::optional(target.without(path)) : std::nullopt;
    }
    const Document* const value = operation.find("value");
    if (value == nullptr ||
        !(name->as_string() == "add" || (there && name->as_string() == "replace"))) {
        return std::nullopt;
    }
    const Document* const as = operation.find("as");
    return target.with(path, as == nullptr ? *value : exact_value(*value, *as));
}

ATTUNE_DECL Document apply_exact(const Document& target, const Document& patch) {
    if (patch.is_array() && patch.size() == 1) {
        if (auto applied = apply_one_exact(target, *patch.find(std::size_t{0}))) {
            return std::move(*applied);
        }
    }
    Document exact = patch;
    std::size_t index = 0;
    for (const Document& operation : patch.elements()) {
        const Document* const as = operation.find("as");
        const Document* const value = operation.find("value");
        if (as != nullptr && value != nullptr) {
            exact = exact.with(Path() / std::to_string(index) / "value", exact_value(*value, *as));
        }
        ++index;
    }
    return apply_patch(target, exact);
}

}  // namespace attune::inline ATTUNE_ABI::detail
