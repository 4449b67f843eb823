#pragma once

#include <attune/document/document.hpp>
#include <attune/document/path.hpp>
#include <attune/fwd.hpp>
#include <attune/store/journal_options.hpp>

#include <cstddef>
#include <string>

namespace attune_test {

/// The history that the program under test writes: each version sets one key, so that its document
/// tells whether all before it were applied.
inline attune::Path path_of(attune::Version version) {
    return attune::Path() / "keys" / ("k" + std::to_string(version % 16));
}
inline attune::Document value_of(attune::Version version) {
    // Some longer than a sector, some longer than a page.
    return std::string(version % 32 == 0  ? 5000
                       : version % 8 == 0 ? 700
                                          : 10,
                       'x') +
           std::to_string(version);
}
inline attune::Document document_of(attune::Version version) {
    attune::Document document = attune::Document::object();
    for (attune::Version v = version > 16 ? version - 15 : 1; v <= version; ++v) {
        document = document.with(path_of(v), value_of(v));
    }
    return document;
}

/// Rolls about every fifty versions.
inline attune::JournalOptions history_options(bool sync) {
    return {.sync = sync, .keep = 10, .segment_bytes = 16'384};
}

}  // namespace attune_test
