#pragma once

#include <attune/document/document.hpp>
#include <attune/fwd.hpp>
#include <attune/version.hpp>

#include <chrono>
#include <string>

namespace attune::inline ATTUNE_ABI {

/// One published version as it is kept outside of a running store: in a journal, in an export.
struct VersionRecord {
    Version version = 0;
    std::chrono::system_clock::time_point time{};
    std::string reason;  ///< as Snapshot::reason
    std::string layer;   ///< which layer brought the change; empty when none did
    bool kept = false;   ///< by Store::keep
    std::string note;    ///< what Store::keep was told
    Document document;   ///< the merged document of that version

    friend bool operator==(const VersionRecord&, const VersionRecord&) = default;
};

}  // namespace attune::inline ATTUNE_ABI
