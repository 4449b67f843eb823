#pragma once

#include <attune/serve/detail/config_service.hpp>

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

ATTUNE_DECL void ConfigService::put_config(Call& call) {
    const Path path = place_of(call);
    require_path(call, path);
    const Document value = body_of(call, {json_type});
    if (path.empty() && !value.is_object()) {
        throw not_an_object();
    }
    call.sent = value;
    write(call, path, [&](attune::Edit& edit, const Document& before) {
        call.creates = before.find(path) == nullptr;
        if (inside_array(before, path)) {
            patch_one(edit, call.creates ? "add" : "replace", path, value);
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
            edit.patch(patch, {.max_copied = options_.copies});
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
    } catch (const PatchTooLarge& error) {
        throw ServeError{413, error.what()};
    } catch (const PatchError& error) {
        throw conflict(call, error);
    } catch (const std::out_of_range& error) {
        throw ServeError{409, sees_all(call, path) ? error.what() : "there is no such place"};
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
    secrets_.refresh(*call.store);
    net::HttpFields fields{{"Content-Type", std::string(json_type)},
                           {"Attune-Version", std::to_string(commit.version)},
                           {"Cache-Control", "no-store"}};
    JsonMembers body;
    body.add("version", commit.version);
    if (call.rights->read) {
        std::vector<Path> changed = commit.changed;
        std::erase_if(changed, [&](const Path& path) { return !call.rights->covers(path); });
        body.add("changed", json_paths(changed));
    }
    const Path& path = resource.paths.front();
    if (may_read(call, path)) {
        const Showing showing =
            showing_for(call, Preferences::parse(call.request().fields.joined("Prefer")));
        if (!call.sent || shows(frame->document, path, showing, *call.sent)) {
            fields.add("ETag", table_.etag_of(resource, showing, frame->document));
        }
    }
    const bool created = call.creates && frame->document.find(path) != nullptr;
    respond(*call.exchange, {.status = created ? 201U : 200U,
                             .fields = std::move(fields),
                             .body = to_text(body.object())});
}

ATTUNE_DECL bool ConfigService::shows(const Document& document, const Path& path, Showing showing,
                                      const Document& value) const {
    const Document* const stored = document.find(path);
    const auto shown = stored != nullptr ? secrets_.show(*stored, path, showing) : std::nullopt;
    return shown && *shown == value;
}

}  // namespace attune::inline ATTUNE_ABI::detail
