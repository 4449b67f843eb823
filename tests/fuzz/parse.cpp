#include <attune/document/parse.hpp>

#include <attune/document/difference.hpp>
#include <attune/document/reconcile.hpp>
#include <attune/document/text.hpp>

#include <nlohmann/json.hpp>

#include <cstdint>
#include <cstdlib>
#include <string_view>

// The first byte chooses the options, the rest is the text. What is accepted must survive the way
// to text and back, stand where `locate` says, and, without extensions, be JSON to others as well.

namespace {

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

void check(const attune::Document& document, std::string_view text,
           const attune::ParseOptions& options) {
    const attune::Document again = attune::parse(attune::to_text(document));
    require(again == document);
    require(attune::reconcile(document, again).same(document));
    require(attune::changed_paths(document, again).empty());

    require(attune::locate(text, {}, attune::Part::value, options).has_value());
    for (const attune::Path& path : attune::changed_paths(attune::Document::object(), document)) {
        const auto position = attune::locate(text, path, attune::Part::value, options);
        require(position.has_value() && position->offset < text.size());
    }
    require(options.comments || nlohmann::json::accept(text));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    attune::ParseOptions options;
    options.comments = (data[0] & 1) != 0;
    options.duplicates = (data[0] & 2) != 0 ? attune::Duplicates::last : attune::Duplicates::refuse;
    const std::string_view text{reinterpret_cast<const char*>(data + 1), size - 1};

    attune::Document document;
    try {
        document = attune::parse(text, options);
    } catch (const attune::ParseError& error) {
        require(error.line() >= 1 && error.column() >= 1 && error.offset() <= text.size());
        return 0;
    }
    check(document, text, options);
    return 0;
}
