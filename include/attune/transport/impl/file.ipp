#pragma once

#include <attune/document/source.hpp>
#include <attune/transport/detail/follower.hpp>
#include <attune/transport/file.hpp>

#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI {

namespace detail {

/// A JSON file as something to follow.
class FileSubject final : public Subject {
public:
    FileSubject(const std::filesystem::path& path, const FileOptions& options)
        : source_(path.string()),
          path_(absolute_text(path)),
          optional_(options.optional),
          parsing_{.name = source_,
                   .comments = options.comments.value_or(path.extension() == ".jsonc"),
                   .duplicates = options.duplicates,
                   .max_depth = options.max_depth,
                   .max_bytes = options.max_bytes} {}

    Image read() const override {
        Image image;
        if (!read_piece(path_, {}, source_, parsing_.max_bytes, image) && !optional_) {
            image.problems.push_back(not_found("file", path_, source_));
        }
        return image;
    }

    std::vector<Problem> judge(const Image& image, Content& content) const override {
        if (image.pieces.empty()) {
            return {};
        }
        const std::shared_ptr<const std::string>& text = image.pieces.front().bytes;
        try {
            content.document = parse(*text, parsing_);
            content.source = std::shared_ptr<const Source>(new TextSource(text, parsing_));
            return {};
        } catch (const ParseError& error) {
            Problem problem = problem_at(source_, error.message());
            problem.origin.line = error.line();
            problem.origin.column = error.column();
            return {std::move(problem)};
        }
    }

    void walk(WatchTrail& trail) const override {
        if (const auto place = trail.follow({}, path_)) {
            trail.bytes(*place);
        }
    }

private:
    const std::string source_;
    const std::string path_;
    const bool optional_;
    const ParseOptions parsing_;
};

}  // namespace detail

ATTUNE_DECL std::unique_ptr<Transport> file(std::filesystem::path path, FileOptions options) {
    std::unique_ptr<const detail::Subject> subject(new detail::FileSubject(path, options));
    return detail::follow(std::move(subject), "file", path.string(),
                          {options.poll, options.quiet, options.longest, options.watch});
}

}  // namespace attune::inline ATTUNE_ABI
