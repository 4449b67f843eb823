#pragma once

#include <attune/document/document.hpp>
#include <attune/store/transport.hpp>
#include <attune/version.hpp>

#include <memory>
#include <string>

namespace attune::inline ATTUNE_ABI {

struct MemoryOptions {
    std::string name = "memory";  ///< for people, in errors and status
};

/// A document of the program itself: defaults, or what a test needs. Layer::set replaces it, whole
/// or in part; Layer::reload returns to the document given here.
[[nodiscard]] ATTUNE_DECL std::unique_ptr<Transport> memory(Document document = {},
                                                            MemoryOptions options = {});

}  // namespace attune::inline ATTUNE_ABI

#if ATTUNE_HEADER_ONLY
#include <attune/transport/impl/memory.ipp>
#endif
