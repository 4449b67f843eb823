#pragma once

#include <attune/document/origin.hpp>
#include <attune/document/parse.hpp>
#include <attune/document/path.hpp>
#include <attune/version.hpp>

#include <atomic>
#include <memory>
#include <string>

namespace attune::inline ATTUNE_ABI {

namespace detail {
class PositionIndex;
}  // namespace detail

/// Where the values of one loaded document came from. Implementations are immutable and may be
/// asked from any thread.
class Source {
public:
    Source() = default;
    Source(const Source&) = delete;
    Source& operator=(const Source&) = delete;
    virtual ~Source() = default;

    /// The origin of the value at `path`, or of its name. When there is nothing at `path`, the
    /// origin of the nearest ancestor that exists.
    virtual Origin locate(const Path& path, Part part) const = 0;
};

/// The source of a document that was parsed from one text.
///
/// Keeps the text and scans it for the first question: positions cost nothing until somebody asks,
/// which is when there is a problem to report. Whoever asks twice will ask again: the second
/// question makes an index, 16 bytes for each value in the text.
class TextSource final : public Source {
public:
    /// `options` as they were given to `parse`; `options.name` becomes Origin::source.
    ATTUNE_DECL TextSource(std::shared_ptr<const std::string> text, ParseOptions options);
    ATTUNE_DECL ~TextSource() override;

    /// O(n) in the length of the text for the first two questions, then O(log n) for each token.
    ATTUNE_DECL Origin locate(const Path& path, Part part) const override;

private:
    const detail::PositionIndex* index() const;

    std::shared_ptr<const std::string> text_;
    ParseOptions options_;
    mutable std::atomic<bool> asked_{false};
    mutable std::atomic<const detail::PositionIndex*> index_{nullptr};
};

}  // namespace attune::inline ATTUNE_ABI

#if ATTUNE_HEADER_ONLY
#include <attune/document/impl/source.ipp>
#endif
