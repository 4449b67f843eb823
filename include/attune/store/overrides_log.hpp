#pragma once

#include <attune/document/document.hpp>
#include <attune/document/path.hpp>
#include <attune/fwd.hpp>
#include <attune/version.hpp>

#include <cstddef>
#include <deque>
#include <map>
#include <optional>

namespace attune::inline ATTUNE_ABI::detail {

/// What the program had set by earlier versions: how to undo each change since. One change of one
/// value costs a path and that value, where keeping the whole document per version would cost the
/// nodes on the way to it.
class OverridesLog {
public:
    /// `version` is the first one that shows the change from `before` to `after`, or the current
    /// one when none does. `within`, when given, is the only place where they differ.
    ATTUNE_DECL void note(const Document& before, const Document& after, const Path* within,
                          Version version);

    /// Versions before that one will not be asked for, unless they are kept.
    ATTUNE_DECL void forget_before(Version oldest);
    /// Changes that can be undone.
    std::size_t size() const noexcept { return undos_.size(); }

    /// What was set by that version, when `now` is set at present. Nothing when the log does not go
    /// back so far.
    ATTUNE_DECL std::optional<Document> at(Version version, const Document& now) const;

    /// The log begins with the present version.
    void begin(Version version) noexcept { first_ = version; }
    /// Remembers that version until it is given up.
    ATTUNE_DECL void keep(Version version, const Document& now);
    void give_up(Version version) { kept_.erase(version); }

private:
    struct Undo {
        Version version;
        Path path;
        std::optional<Document> value;  // what was there before; nothing when there was nothing
    };

    Version first_ = 0;
    std::deque<Undo> undos_;
    std::map<Version, Document> kept_;
};

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/store/impl/overrides_log.ipp>
#endif
