#pragma once

#include <attune/bind/problem.hpp>
#include <attune/store/transport.hpp>
#include <attune/version.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>

namespace attune::inline ATTUNE_ABI {

/// What of a document a cache may write to its file.
enum class CacheSecrets : std::uint8_t {
    left_out,  ///< what is bound, without its secrets; nothing before something is bound
    stored,    ///< the whole document
};

struct CachedOptions {
    CacheSecrets secrets = CacheSecrets::left_out;
    /// A document that was first served longer ago than this does not stand in.
    std::optional<std::chrono::seconds> max_age = std::nullopt;
    /// The file is written this long after a change, and when the layer ends, so that what is bound
    /// in the meantime is in it.
    std::chrono::milliseconds delay{500};
    /// When the file could not be written, that is tried again after this long.
    std::chrono::milliseconds retry{60'000};
    /// Told when the file cannot be written: once, until it has been written again. On the store's
    /// thread, or on the one that ends the layer; what it throws is dropped.
    std::function<void(const Problem&)> on_write_failure = {};
};

/// A transport, with a file that stands in for it when it cannot give a first value.
///
/// Every document of `inner` that the store has accepted is kept in `file`. When `inner` cannot be
/// loaded as the layer is added, the document in the file is served instead: the layer is stale
/// from the start, its status says why, from when the document is, and which file it is from. As
/// soon as `inner` brings something, that takes over. In all other respects this is `inner`: its
/// name, its failures, whether it can be written.
///
/// The file is JSON with a format number, the layer's name, revision and time, and the SHA-256 of
/// the document's text. It is replaced as a whole and durably, has mode 0600, and is written only
/// when the document or its revision has changed. A file that is damaged, too old, of a later
/// format or of another layer is not used: then Rejected names it besides what is wrong with
/// `inner`. Where `inner` can be loaded, nothing about the file matters.
///
/// By default secrets are left out, and so is whatever nobody has bound. A struct that requires one
/// of its secrets then refuses the document in the file: give the secret to another layer, or store
/// secrets. Values that come without a type (environment, arguments, directories) are not kept.
///
/// A relative path is taken from the working directory of this call. One store at a time may use a
/// file.
[[nodiscard]] ATTUNE_DECL std::unique_ptr<Transport> cached(std::unique_ptr<Transport> inner,
                                                            std::filesystem::path file,
                                                            CachedOptions options = {});

}  // namespace attune::inline ATTUNE_ABI

#if ATTUNE_HEADER_ONLY
#include <attune/transport/impl/cached.ipp>
#endif
