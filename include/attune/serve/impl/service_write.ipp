#pragma once

#include <attune/serve/detail/config_service.hpp>

#include <attune/document/difference.hpp>
#include <attune/document/merge.hpp>
#include <attune/document/parse.hpp>
#include <attune/document/patch.hpp>
#include <attune/document/text.hpp>
#include <attune/serve/detail/accept.hpp>
#include <attune/serve/detail/json_members.hpp>
#include <attune/serve/detail/service_arguments.hpp>
#include <attune/serve/detail/store_reader.hpp>
#include <attune/store/edit.hpp>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

inline constexpr std::string_view json_type = "application/json";
inline constexpr std::string_view json_patch_type = "application/json-patch+json";
inline constexpr std::string_view merge_patch_type = "application/merge-patch+json";

inline ServeError error_in_body(const std::string& detail, const Position& position) {
    ServeError error{400, detail};
    error.line = position.line;
    error.column = position.column;
    return error;
}

ATTUNE_DECL Document ConfigService::body_of(const Call& call,
                                            std::initializer_list<std::string_view> types) const {
    const std::string_view given = call.field("Content-Type");
    // Forms of web pages cannot send these types: nobody writes by luring somebody else's browser.
    if (std::none_of(types.begin(), types.end(),
                     [&](std::string_view type) { return is_media_type(given, type); })) {
        std::string accepted;
        for (const std::string_view type : types) {
            accepted += accepted.empty() ? "" : ", ";
            accepted += type;
        }
        throw ServeError{415, "the body must be one of " + accepted + ", and Content-Type say so"}
            .with(call.request().method == "PATCH" ? "Accept-Patch" : "Accept", accepted);
    }
    try {
        return parse(call.request().body);
    } catch (const ParseError& error) {
        throw error_in_body("the body is not the JSON it should be: " + error.message(),
                            error.position());
    }
}

/// Does an array stand above that place?
inline bool inside_array(const Document& document, const Path& path) {
    const Document* value = &document;
    for (const std::string& token : path.tokens()) {
        if (value->is_array()) {
            return true;
        }
        value = value->find(token);
        if (value == nullptr) {
            return false;
        }
    }
    return false;
}

/// As a JSON Patch: layers replace arrays whole, so an element is written with its array.
inline void patch_one(attune::Edit& edit, std::string_view operation, const Path& path,
                      const Document& value) {
    edit.patch(json_list({JsonMembers()
                              .add("op", operation)
                              .add("path", path.pointer())
                              .add("value", value)
                              .object()}));
}

inline ServeError not_an_object() {
    ServeError error{422, "the configuration as a whole must be an object"};
    error.problems = {{.message = "the whole is replaced", .expected = "an object"}};
    return error;
}

ATTUNE_DECL void ConfigService::put_config(Call& call) {
    const Path path = place_of(call);
    require_path(call, path);
    const Document value = body_of(call, {json_type});
    if (path.empty() && !value.is_object()) {
        throw not_an_object();
    }
    write(call, path, [&](attune::Edit& edit, const Document& before) {
        if (inside_array(before, path)) {
            patch_one(edit, before.find(path) != nullptr ? "replace" : "add", path, value);
        } else {
            edit.set(path, value);
        }
    });
}

ATTUNE_DECL void ConfigService::delete_config(Call& call) {
    const Path path = place_of(call);
    require_path(call, path);
    write(call, path, [&](attune::Edit& edit, const Document& before) {
        if (before.find(path) == nullptr) {
            throw ServeError{404, "there is nothing at \"" + to_string(path) + '"'};
        }
        if (inside_array(before, path)) {
            patch_one(edit, "remove", path, {});
        } else {
            edit.erase(path);
        }
    });
}

ATTUNE_DECL void ConfigService::patch_config(Call& call) {
    const Path path = place_of(call);
    const Document body = body_of(call, {json_patch_type, merge_patch_type});
    if (is_media_type(call.field("Content-Type"), json_patch_type)) {
        const Document patch = patch_below(call, path, body);
        return write(call, path, [&](attune::Edit& edit, const Document& before) {
            check_sources(call, patch, before);
            edit.patch(patch);
        });
    }
    check_merge(call, path, body);
    if (path.empty() && !body.is_object()) {
        throw not_an_object();
    }
    write(call, path, [&](attune::Edit& edit, const Document& before) {
        if (inside_array(before, path)) {
            const Document* const value = before.find(path);
            return patch_one(edit, value != nullptr ? "replace" : "add", path,
                             merge_patch(value != nullptr ? *value : Document{}, body));
        }
        Document patch = body;
        for (std::size_t i = path.size(); i-- != 0;) {
            patch = JsonMembers().add(path.tokens()[i], std::move(patch)).object();
        }
        edit.merge(patch);
    });
}

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
    for (const Path& path : places) {
        require_path(call, path);
    }
    return json_list(std::move(operations));
}

ATTUNE_DECL void ConfigService::check_sources(const Call& call, const Document& patch,
                                              const Document& before) const {
    if (call.rights->secrets) {
        return;
    }
    for (const Document& operation : patch.elements()) {
        const std::string_view op = operation.at("op").as_string();
        if (op != "test" && op != "move" && op != "copy") {
            continue;
        }
        const Path source{operation.at(op == "test" ? "path" : "from").as_string()};
        const Document* const value = before.find(source);
        if (secrets_.secret(source) ||
            (value != nullptr && !secrets_.mask(*value, source).same(*value))) {
            throw ServeError{403, "\"" + to_string(source) +
                                      "\" holds a secret, which takes an access token for secrets "
                                      "to " +
                                      std::string(op)};
        }
    }
}

ATTUNE_DECL void ConfigService::check_conditions(const Call& call, const ConfigResource& resource,
                                                 const Document& before) {
    const auto match = entity_tags(call.request(), "If-Match");
    const auto none_match = entity_tags(call.request(), "If-None-Match");
    if (!match && !none_match) {
        return;
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

ATTUNE_DECL void ConfigService::check_edit(const Call& call, const Document& before,
                                           const Document& after) const {
    if (!after.is_object() && !after.is_null()) {
        throw not_an_object();
    }
    const bool masks =
        !call.rights->secrets && call.request().body.find("\"***\"") != std::string::npos;
    if (call.rights->whole() && !masks) {
        return;
    }
    ServeError error{422, "nothing has changed: a mask is no secret"};
    for (const Path& path : changed_paths(before, after)) {
        require_path(call, path);
        std::vector<Path> places;
        if (const Document* const value = masks ? after.find(path) : nullptr) {
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

/// What a version says about where it came from.
inline std::string reason_for(std::string_view given, const net::HttpRequest& request,
                              const Path& path, const AccessRights& rights) {
    constexpr std::size_t longest = 512;
    if (!given.empty()) {
        // A field may hold any bytes; as JSON text it is UTF-8.
        return std::string(parse(to_text(Document(given.substr(0, longest)))).as_string());
    }
    return request.method + " /v1/config" + path.pointer() +
           (rights.name.empty() ? "" : " by " + rights.name);
}

ATTUNE_DECL void ConfigService::write(Call& call, const Path& path, const EditFunction& edit) {
    const ConfigResource resource = ConfigResource::at(path);
    secrets_.refresh(*call.store);
    const auto apply = [&](attune::Edit& draft) {
        // Nobody else writes meanwhile: what is compared here is what is changed.
        const Document before = draft.document();
        check_conditions(call, resource, before);
        edit(draft, before);
        check_edit(call, before, draft.document());
    };
    Commit commit;
    try {
        commit =
            call.store->transact(apply, {.expect = {},
                                         .reason = reason_for(call.field("Attune-Reason"),
                                                              call.request(), path, *call.rights)});
    } catch (const PatchError& error) {
        ServeError failed{409, error.what()};
        failed.problems = {{.path = error.path(), .message = error.message()}};
        throw failed;
    } catch (const std::out_of_range& error) {
        throw ServeError{409, error.what()};
    }
    counters_.writes.fetch_add(1, std::memory_order_relaxed);
    respond_commit(call, resource, commit);
}

ATTUNE_DECL void ConfigService::respond_commit(Call& call, const ConfigResource& resource,
                                               const Commit& commit) {
    const auto frame = [&] {
        try {
            return hold_version(*call.store, commit.version);
        } catch (const std::out_of_range&) {
            return hold_current(*call.store);  // a short history, and others have written since
        }
    }();
    const Showing showing =
        showing_for(call, Preferences::parse(call.request().fields.joined("Prefer")));
    std::vector<Path> changed = commit.changed;
    std::erase_if(changed, [&](const Path& path) { return !call.rights->covers(path); });
    secrets_.refresh(*call.store);
    respond(*call.exchange,
            {.status = 200,
             .fields = {{"Content-Type", std::string(json_type)},
                        {"ETag", table_.etag_of(resource, showing, frame->document)},
                        {"Attune-Version", std::to_string(commit.version)},
                        {"Cache-Control", "no-store"}},
             .body = to_text(JsonMembers()
                                 .add("version", commit.version)
                                 .add("changed", json_paths(changed))
                                 .object())});
}

}  // namespace attune::inline ATTUNE_ABI::detail
