#pragma once

#include <attune/serve/detail/representation.hpp>

#include <attune/document/difference.hpp>
#include <attune/document/text.hpp>
#include <attune/serve/detail/json_members.hpp>

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL ConfigResource ConfigResource::at(Path path) {
    return {.paths = {std::move(path)}, .several = false};
}

ATTUNE_DECL ConfigResource ConfigResource::of(std::vector<Path> paths) {
    std::sort(paths.begin(), paths.end());
    paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
    return {.paths = std::move(paths), .several = true};
}

ATTUNE_DECL std::string ConfigResource::key() const {
    std::string key(1, several ? '*' : '1');
    for (const Path& path : paths) {
        const std::string pointer = path.pointer();
        key += std::to_string(pointer.size());
        key += ':';
        key += pointer;
    }
    return key;
}

ATTUNE_DECL std::vector<std::optional<Document>> ConfigResource::parts_of(
    const Document& document) const {
    std::vector<std::optional<Document>> parts;
    parts.reserve(paths.size());
    for (const Path& path : paths) {
        const Document* const value = document.find(path);
        parts.push_back(value != nullptr ? std::optional{*value} : std::nullopt);
    }
    return parts;
}

/// The first 16 bytes of a hash in base64url (RFC 4648), without padding.
inline std::string short_hash(const Hash& hash) {
    constexpr std::string_view digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::string text;
    std::uint32_t bits = 0;
    unsigned held = 0;
    for (const unsigned char byte : std::span(hash).first<16>()) {
        bits = bits << 8 | byte;
        for (held += 8; held >= 6; held -= 6) {
            text += digits[bits >> (held - 6) & 63];
        }
    }
    text += digits[bits << (6 - held) & 63];
    return text;
}

ATTUNE_DECL Representation Representer::make(const ConfigResource& resource,
                                             const std::vector<std::optional<Document>>& parts,
                                             Showing showing, const SecretPlaces& secrets) {
    Representation made;
    JsonMembers members;
    Document shown;
    for (std::size_t i = 0; i != parts.size(); ++i) {
        if (!parts[i]) {
            continue;
        }
        const Path& path = resource.paths[i];
        std::optional<Document> part = secrets.show(*parts[i], path, showing);
        if (!part) {
            continue;
        }
        if (showing == Showing::masked && !part->same(*parts[i])) {
            made.masked += changed_paths(*parts[i], *part).size();
        }
        made.present = true;
        if (resource.several) {
            members.add(path.pointer(), std::move(*part));
        } else {
            shown = std::move(*part);
        }
    }
    if (resource.several) {
        made.present = true;
        shown = members.object();
    }
    if (!made.present) {
        made.etag = '"' + instance_ + ".absent\"";
        return made;
    }
    auto body = std::make_shared<const std::string>(to_text(shown));
    made.etag = '"' + instance_ + '.' + short_hash(sha256_.of(*body)) + '"';
    made.size = body->size();
    made.body = std::move(body);
    return made;
}

ATTUNE_DECL std::string random_instance() {
    std::string letters;
    const auto id = random_id();
    for (const unsigned char byte : std::span(id).first<10>()) {
        letters += "abcdefghijklmnopqrstuvwxyz234567"[byte % 32];
    }
    return letters;
}

}  // namespace attune::inline ATTUNE_ABI::detail
