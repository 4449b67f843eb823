#pragma once

#include <attune/document/document.hpp>
#include <attune/document/origin.hpp>
#include <attune/document/path.hpp>
#include <attune/fwd.hpp>
#include <attune/version.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace attune::inline ATTUNE_ABI {

/// What one layer has to say about a value.
struct Candidate {
    /// What became of it.
    enum class Fate : std::uint8_t {
        wins,      ///< it is the effective value
        merged,    ///< an object: some of its members are in the effective value
        shadowed,  ///< a layer above has the word
    };

    Fate fate = Fate::shadowed;
    Origin origin{};   ///< the layer's name; file and line, variable, argument or URL
    Document value{};  ///< secrets masked
};

/// Why a value is what it is. Secrets are masked in it.
struct Explanation {
    /// Of the value; empty for the whole document, and for a derived value.
    Path path{};
    /// Of a derived value: its name, and what it is made of, in the order in which it reads them.
    std::string derived{};
    std::vector<Explanation> inputs{};
    /// The effective value; nothing where no layer has one, and for derived values.
    std::optional<Document> value{};
    /// The version that made the value what it is; 0 when that is older than the history, or when
    /// no layer has a value.
    Version since = 0;
    /// The winning one first, then the others from the highest layer down.
    std::vector<Candidate> candidates{};
    /// What the bound struct has where no layer says anything; nothing when nobody bound it.
    std::optional<Document> fallback{};
    /// Whether the value, or a part of it, is a secret.
    bool secret = false;
};

/// For people, on several lines without the end of the last one:
///
/// ```text
/// server.port = 9090 (set in version 7)
///   * overrides: 9090
///     environment variable SERVICE_SERVER_PORT: 8081, shadowed
///     service.json:3:13: 8080, shadowed
///     default: 80
/// ```
ATTUNE_DECL std::string to_string(const Explanation& explanation);
/// One after the other.
ATTUNE_DECL std::string to_string(const std::vector<Explanation>& explanations);

}  // namespace attune::inline ATTUNE_ABI

#if ATTUNE_HEADER_ONLY
#include <attune/store/impl/explain.ipp>
#endif
