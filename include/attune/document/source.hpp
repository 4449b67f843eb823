#pragma once

#include <attune/document/origin.hpp>
#include <attune/document/parse.hpp>
#include <attune/document/path.hpp>
#include <attune/version.hpp>

#include <memory>
#include <string>

namespace attune::inline ATTUNE_ABI {

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
/// Keeps the text and scans it again for each question: positions cost nothing until somebody asks,
/// which is when there is a problem to report.
class TextSource final : public Source {
public:
    /// `options` as they were given to `parse`; `options.name` becomes Origin::source.
    ATTUNE_DECL TextSource(std::shared_ptr<const std::string> text, ParseOptions options);

    /// O(n) in the length of the text.
    ATTUNE_DECL Origin locate(const Path& path, Part part) const override;

private:
    std::shared_ptr<const std::string> text_;
    ParseOptions options_;
};

}  // namespace attune::inline ATTUNE_ABI

#if ATTUNE_HEADER_ONLY
#include <attune/document/impl/source.ipp>
#endif
