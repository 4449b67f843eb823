#pragma once

#include <attune/bind/encode.hpp>
#include <attune/document/document.hpp>
#include <attune/document/patch.hpp>
#include <attune/document/path.hpp>
#include <attune/fwd.hpp>
#include <attune/version.hpp>

#include <concepts>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace attune::inline ATTUNE_ABI {

/// Another version than the expected one is current: somebody else has written in between. Nothing
/// has changed.
class VersionConflict : public std::runtime_error {
public:
    ATTUNE_DECL VersionConflict(Version expected, Version current);

    Version expected() const noexcept { return expected_; }
    Version current() const noexcept { return current_; }

private:
    Version expected_;
    Version current_;
};

struct TransactOptions {
    /// The version the edits were decided on. When another one is current: VersionConflict.
    std::optional<Version> expect = std::nullopt;
    /// Snapshot::reason of the version.
    std::string reason = "transact";
};

/// Several edits of what stands above all layers, published as one version or not at all. Each sees
/// what those before it have done.
///
/// Given to the function of Store::transact, and lives as long as its call.
class Edit {
public:
    Edit(const Edit&) = delete;
    Edit& operator=(const Edit&) = delete;

    /// As Store::set.
    void set(const Path& path, Document value) {
        overrides_ = overrides_.with(path, std::move(value));
    }
    /// As above, for a bindable struct, enum or duration.
    template <class T>
        requires(!std::convertible_to<const T&, Document>)
    void set(const Path& path, const T& value) {
        set(path, encode(value));
    }
    /// As Store::erase.
    void erase(const Path& path) { overrides_ = overrides_.without(path); }
    /// As Store::merge.
    ATTUNE_DECL void merge(const Document& patch);
    /// As Store::patch. Throws PatchError.
    ATTUNE_DECL void patch(const Document& json_patch, const PatchOptions& options = {});

    /// The merged document with the edits so far. Cost follows these.
    Document document() const { return merged_(overrides_); }

private:
    friend class detail::Core;
    using Merged = std::function<Document(const Document& overrides)>;

    Edit(Document overrides, Merged merged) noexcept
        : overrides_(std::move(overrides)), merged_(std::move(merged)) {}

    Document overrides_;
    Merged merged_;
};

}  // namespace attune::inline ATTUNE_ABI

#if ATTUNE_HEADER_ONLY
#include <attune/store/impl/edit.ipp>
#endif
