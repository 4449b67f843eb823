#pragma once

#include <attune/bind/decode.hpp>
#include <attune/bind/spelling.hpp>
#include <attune/document/document.hpp>
#include <attune/document/path.hpp>
#include <attune/document/source.hpp>
#include <attune/fwd.hpp>
#include <attune/store/transport.hpp>
#include <attune/version.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

/// Where a layer stands among the others; of one rank, the later one is above.
enum class Rank : std::uint8_t {
    transport,
    restored,  ///< what a journal brought back, until the layers are there again
    rollback,
    overrides,
    scope,
};

/// A place that is kept as it was in an earlier version.
struct Hold {
    Path path;
    std::optional<Document> value;      ///< nothing when there was nothing
    Version version = 0;                ///< where it was so
    std::optional<Document> overrides;  ///< what the program had set there by then
};

/// What one layer contributes to a version. Immutable once it is in a stack.
struct LayerContent {
    std::uint64_t id = 0;
    Rank rank = Rank::transport;
    std::string name;
    UnknownKeys unknown_keys = UnknownKeys::error;
    Content content;                          ///< as the transport brought it
    Document document;                        ///< content.document with the texts in their places
    std::shared_ptr<const Source> source;     ///< of document
    std::vector<std::vector<Target>> places;  ///< where content.texts may belong, one list each
    /// Of what a rollback or a journal brings back, instead of a document: replace whatever lies
    /// below, the later the stronger.
    std::vector<Hold> holds;
};

/// The layers of a version, lowest first. Copies are cheap: only a layer that changes is new.
using LayerStack = std::vector<std::shared_ptr<const LayerContent>>;

/// The document that `after` gives, made from `merged`, which `before` gave: looks only where the
/// layers differ, and shares everything else.
///
/// Objects merge key by key, the later layer wins; arrays and scalars replace whole; null in a
/// higher layer masks what lies below it, and stays. A document that is null as a whole
/// contributes nothing. Below a layer with holds everything is merged anew.
ATTUNE_DECL Document remerge(const Document& merged, const LayerStack& before,
                             const LayerStack& after);

/// What the program has set, as it holds when there is no rollback.
ATTUNE_DECL Document overrides_in(const LayerStack& stack);

/// What a layer says about one place.
struct Say {
    const Document* value = nullptr;  ///< null when it has none there
    bool decides = false;             ///< layers below have nothing to say about it
};
ATTUNE_DECL Say say_of(const LayerContent& layer, const Path& path) noexcept;

/// What the layer holds below `path`, as the value there; nothing when it has no value there.
ATTUNE_DECL std::optional<Document> held_below(const LayerContent& layer, const Path& path);

/// Where what the layer has at `path` comes from.
ATTUNE_DECL Origin origin_in(const LayerContent& layer, const Path& path, Part part);

/// Which layer a value comes from, and how unknown keys there are judged. Refers to the stack.
class StackProvenance final : public Provenance {
public:
    explicit StackProvenance(const LayerStack& stack) noexcept : stack_(stack) {}
    ATTUNE_DECL Origin origin(const Path& path, Part part) const override;
    ATTUNE_DECL UnknownKeys unknown_keys(const Path& path) const override;

private:
    const LayerContent* winner(const Path& path) const noexcept;
    const LayerStack& stack_;
};

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/store/impl/layer_stack.ipp>
#endif
