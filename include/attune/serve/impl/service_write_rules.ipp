#pragma once

#include <attune/serve/detail/config_service.hpp>

#include <attune/document/difference.hpp>
#include <attune/document/impl/text.hpp>
#include <attune/document/parse.hpp>
#include <attune/document/patch.hpp>
#include <attune/serve/detail/json_members.hpp>
#include <attune/serve/detail/service_arguments.hpp>

#include <algorithm>
#include <stdexcept>
#include <utility>

// Which writes are refused, and what is told about that.

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL void ConfigService::check_merge(const Call& call, const Path& path,
                                            const Document& patch) const {
    if (call.rights->covers(path)) {
        return;
    }
    if (!patch.is_object() || patch.size() == 0) {
        require_path(call, path);
    }
    for (const auto& member : patch.members()) {
        check_merge(call, path / member.key, member.value);
    }
}

/// A JSON Pointer in an operation of a patch.
inline Path pointer_in_patch(const Document& operation, std::string_view member) {
    const Document* const text = operation.find(member);
    if (text == nullptr || !text->is_string() ||
        (!text->as_string().empty() && !text->as_string().starts_with('/'))) {
        throw std::invalid_argument{"\"" + std::string(member) + "\" must be a JSON Pointer"};
    }
    return Path{text->as_string()};
}

/// What is wrong with an operation itself, whatever the document; with `base` before its paths.
inline Document operation_below(const Document& operation, const Path& base,
                                std::vector<Path>& places) {
    const Document* const name = operation.find("op");
    const std::string_view op = name != nullptr && name->is_string() ? name->as_string() : "";
    constexpr std::string_view known[] = {"add", "remove", "replace", "move", "copy", "test"};
    if (std::find(std::begin(known), std::end(known), op) == std::end(known)) {
        throw std::invalid_argument{"\"op\" must be add, remove, replace, move, copy or test"};
    }
    places.push_back(base / pointer_in_patch(operation, "path"));
    Document moved = operation.with("path", places.back().pointer());
    if (op == "move" || op == "copy") {
        places.push_back(base / pointer_in_patch(operation, "from"));
        moved = moved.with("from", places.back().pointer());
    } else if (op != "remove" && operation.find("value") == nullptr) {
        throw std::invalid_argument{"\"value\" is missing"};
    }
    return moved;
}

ATTUNE_DECL Document ConfigService::patch_below(const Call& call, const Path& base,
                                                const Document& patch) const {
    if (!patch.is_array()) {
        throw error_in_body("a JSON Patch is an array of operations", Position{});
    }
    std::vector<Document> operations;
    std::vector<Path> places;
    for (const Document& operation : patch.elements()) {
        try {
            operations.push_back(operation_below(operation, base, places));
        } catch (const std::invalid_argument& error) {
            const std::string number = std::to_string(operations.size());
            const auto position = locate(call.request().body, Path{} / number, Part::value);
            throw error_in_body("operation " + number + " of the patch: " + error.what(),
                                position.value_or(Position{}));
        }
    }
    if (places.empty()) {
        require_path(call, base);
    }
    for (const Path& path : places) {
        require_path(call, path);
    }
    if (!call.rights->read && std::any_of(operations.begin(), operations.end(), [](const auto& op) {
            return op.at("op").as_string() == "test";
        })) {
        throw insufficient_scope("to test what it may not read");
    }
    return json_list(std::move(operations));
}

ATTUNE_DECL void ConfigService::check_sources(const Call& call, const Document& patch,
                                              const Document& before) const {
    if (call.rights->secrets) {
        return;
    }
    // Operations move elements, and secrets with them: each is judged by what it will find.
    Document state = before;
    std::size_t copies = options_.copies;
    for (const Document& operation : patch.elements()) {
        const std::string_view op = operation.at("op").as_string();
        std::size_t copied = 0;
        if (op == "test" || op == "move" || op == "copy") {
            const Path source{operation.at(op == "test" ? "path" : "from").as_string()};
            const Document* const value = state.find(source);
            if (secrets_.secret(source) ||
                (value != nullptr && !secrets_.mask(*value, source).same(*value))) {
                throw ServeError{403, "\"" + to_string(source) +
                                          "\" holds a secret, which takes an access token for "
                                          "secrets to " +
                                          std::string(op)};
            }
            copied = value != nullptr && op == "copy" ? text_size(*value, copies) : 0;
        }
        try {
            state = apply_patch(state, json_list({operation}), {.max_copied = copies});
        } catch (const PatchError&) {
            return;  // the whole patch gets no further than this either
        }
        copies -= copied;
    }
}

ATTUNE_DECL void ConfigService::check_conditions(const Call& call, const ConfigResource& resource,
                                                 const Document& before) {
    const auto match = entity_tags(call.request(), "If-Match");
    const auto none_match = entity_tags(call.request(), "If-None-Match");
    if (!match && !none_match) {
        return;
    }
    if (!may_read(call, resource.paths.front())) {
        throw insufficient_scope("to make conditions about what it may not read");
    }
    // Whoever writes may have read with secrets masked, or left out.
    const bool there = before.find(resource.paths.front()) != nullptr;
    const auto any_of = [&](auto&& matches) {
        return matches(table_.etag_of(resource, showing_for(call, {}), before)) ||
               matches(table_.etag_of(resource, Showing::omitted, before));
    };
    const auto moved = [&](const std::string& detail) {
        counters_.conflicts.fetch_add(1, std::memory_order_relaxed);
        return ServeError{412, detail}.with("ETag", table_.etag_of(resource, showing_for(call, {}),
                                                                   before));
    };
    if (match && (match->any() ? !there : !any_of([&](const std::string& etag) {
            return match->match_strongly(etag);
        }))) {
        throw moved(there ? "somebody else has changed it since that ETag: read it again, and "
                            "decide again"
                          : "there is nothing any more");
    }
    if (none_match && (none_match->any() ? there : any_of([&](const std::string& etag) {
            return none_match->match_weakly(etag);
        }))) {
        throw moved("there is something already");
    }
}

/// The places of strings that look like masked secrets.
inline void find_masks(const Document& value, const Path& path, std::vector<Path>& places) {
    if (value.is_string() && value.as_string() == "***") {
        places.push_back(path);
    } else if (value.is_object()) {
        for (const auto& member : value.members()) {
            find_masks(member.value, path / member.key, places);
        }
    } else if (value.is_array()) {
        std::size_t index = 0;
        for (const Document& element : value.elements()) {
            find_masks(element, path / std::to_string(index++), places);
        }
    }
}

/// Are there more than so many levels of objects and arrays? Looks no deeper.
inline bool deeper_than(std::size_t levels, const Document& value) {
    if (!value.is_object() && !value.is_array()) {
        return false;
    }
    if (levels == 0) {
        return true;
    }
    for (const Document& element : value.elements()) {
        if (deeper_than(levels - 1, element)) {
            return true;
        }
    }
    for (const auto& member : value.members()) {
        if (deeper_than(levels - 1, member.value)) {
            return true;
        }
    }
    return false;
}

/// Is what a document has at `path` more than readers of JSON take by default?
inline bool too_deep(const Document& document, const Path& path) {
    const std::size_t most = ParseOptions{}.max_depth;
    const Document* const value = document.find(path);
    return value != nullptr && (path.size() > most || deeper_than(most - path.size(), *value));
}

ATTUNE_DECL void ConfigService::check_edit(const Call& call, const Document& before,
                                           const Document& after) const {
    if (!after.is_object() && !after.is_null()) {
        throw not_an_object();
    }
    ServeError error{422, "nothing has changed: a mask is no secret"};
    for (const Path& path : changed_paths(before, after)) {
        require_path(call, path);
        if (too_deep(after, path) && !too_deep(before, path)) {
            throw ServeError{422,
                             "nothing has changed: with this the configuration would have "
                             "more than " +
                                 std::to_string(ParseOptions{}.max_depth) +
                                 " levels of objects and arrays, which nobody could read"};
        }
        std::vector<Path> places;
        if (const Document* const value = call.rights->secrets ? nullptr : after.find(path)) {
            find_masks(*value, path, places);
        }
        for (const Path& place : places) {
            if (secrets_.secret(place)) {
                error.problems.push_back(
                    {.path = place,
                     .message = "\"***\" stands for a secret that this reader cannot see; leave "
                                "it out, by a PATCH of the rest, or give a new one"});
            }
        }
    }
    if (!error.problems.empty()) {
        throw error;
    }
}

ATTUNE_DECL bool ConfigService::sees_all(const Call& call, const Path& path) const {
    return call.rights->read && call.rights->whole() &&
           (call.rights->secrets || !secrets_.secret(path));
}

ATTUNE_DECL ServeError ConfigService::conflict(const Call& call, const PatchError& error) const {
    // The messages tell kinds, lengths and names, also of what is above a place.
    const bool all = sees_all(call, error.path());
    const std::string generic = "does not apply to what is there";
    ServeError failed{409, all ? error.what() : "the patch " + generic};
    if (all || may_read(call, error.path())) {
        failed.problems = {
            {.path = error.path(),
             .message = all ? error.message()
                            : "operation " + std::to_string(error.operation()) + ' ' + generic}};
    }
    return failed;
}

}  // namespace attune::inline ATTUNE_ABI::detail
