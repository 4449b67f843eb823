#pragma once

#include <attune/serve/detail/config_service.hpp>

#include <attune/document/merge.hpp>
#include <attune/document/text.hpp>
#include <attune/serve/detail/json_members.hpp>
#include <attune/serve/detail/service_arguments.hpp>
#include <attune/serve/detail/store_reader.hpp>
#include <attune/store/detail/shown_diff.hpp>

#include <stdexcept>
#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

template <class Info>
JsonMembers json_version(const Info& info) {
    JsonMembers members;
    members.add("version", info.version)
        .add_time("time", info.time)
        .add("reason", info.reason)
        .add("layer", info.layer);
    return members;
}

ATTUNE_DECL void ConfigService::get_history(Call& call) {
    std::vector<Document> versions;
    for (const VersionInfo& info : call.store->history()) {
        JsonMembers version = json_version(info);
        version.add("changed", json_paths(info.changed));
        if (info.kept) {
            version.add("kept", true).add_text("note", info.note);
        }
        versions.push_back(version.object());
    }
    respond_json(call, JsonMembers().add("versions", json_list(std::move(versions))).object());
}

/// A retained version, or 404.
inline HeldFrame retained_version(const Core& store, Version version) {
    try {
        return hold_version(store, version);
    } catch (const std::out_of_range& error) {
        throw ServeError{404, error.what()};
    }
}

ATTUNE_DECL void ConfigService::get_version(Call& call) {
    const auto number = call.below.size() == 1 ? version_number(call.below.front()) : std::nullopt;
    if (!number) {
        throw ServeError{404, "the number of a version is expected: /v1/versions/7"};
    }
    const HeldFrame frame = retained_version(*call.store, *number);
    secrets_.refresh(*call.store);
    respond_json(call, json_version(*frame)
                           .add("changed", json_paths(frame->changed()))
                           .add("document", shown(call, frame->document, {}))
                           .object());
}

ATTUNE_DECL void ConfigService::get_diff(Call& call) {
    const auto number = [&](std::string_view name) -> std::optional<Version> {
        const auto text = call.target.parameter(name);
        if (text && !version_number(*text)) {
            throw ServeError{400, '"' + std::string(name) + "\" must be the number of a version"};
        }
        return text ? version_number(*text) : std::nullopt;
    };
    const auto from = number("from");
    const auto to = number("to");
    if (!from) {
        throw ServeError{400,
                         "from which version? /v1/diff?from=3&to=7; without \"to\" up to the "
                         "current one"};
    }
    const HeldFrame before = retained_version(*call.store, *from);
    const HeldFrame after = to ? retained_version(*call.store, *to) : hold_current(*call.store);
    secrets_.refresh(*call.store);
    const ShowValue show = [&](const Document& value, const Path& path) {
        return shown(call, value, path);
    };
    const std::string_view format = call.target.parameter("format").value_or("patch");
    if (format == "patch") {
        respond_text(call, "application/json-patch+json",
                     to_text(shown_patch(before->document, after->document, show)));
    } else if (format == "merge") {
        respond_text(call, "application/merge-patch+json",
                     to_text(shown(call, make_merge_patch(before->document, after->document), {})));
    } else if (format == "text") {
        respond_text(call, "text/plain; charset=utf-8",
                     shown_changes(before->document, after->document, show));
    } else {
        throw ServeError{400, "\"format\" must be patch, merge or text"};
    }
}

ATTUNE_DECL void ConfigService::post_rollback(Call& call) {
    const Document body = body_of(call, {"application/json"});
    const Document* const version = body.find("version");
    const Document* const place = body.find("path");
    if (version == nullptr || !version->is_integer() || version->is_unsigned() ||
        version->as_int64() < 0 || (place != nullptr && !place->is_string())) {
        throw ServeError{400, "expected {\"version\": 7}, and maybe \"path\": \"/server\" besides"};
    }
    const Path path = place != nullptr ? path_of_parameter(place->as_string()) : Path{};
    const auto number = static_cast<Version>(version->as_int64());
    (void)retained_version(*call.store, number);
    Commit commit;
    try {
        commit = call.store->rollback(number, path);
    } catch (const std::out_of_range& error) {
        throw ServeError{404, error.what()};
    } catch (const std::invalid_argument& error) {
        throw ServeError{422, error.what()};
    }
    counters_.writes.fetch_add(1, std::memory_order_relaxed);
    respond_commit(call, ConfigResource::at(path), commit);
}

ATTUNE_DECL void ConfigService::delete_rollback(Call& call) {
    const Commit commit = call.store->release_rollback();
    counters_.writes.fetch_add(1, std::memory_order_relaxed);
    respond_commit(call, ConfigResource::at({}), commit);
}

}  // namespace attune::inline ATTUNE_ABI::detail
