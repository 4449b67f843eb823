#pragma once

#include <attune/quorum/log/log.hpp>
#include <attune/storage/disk.hpp>
#include <attune/version.hpp>

#include <memory>
#include <string>

namespace attune::inline ATTUNE_ABI::quorum {

/// A log that keeps nothing: for locks that may be lost with the machines they are for, at the
/// speed of the network. A member on it has forgotten its votes when it ends, in whatever way, and
/// must never come back as the same one: it could vote twice in a term. So a mark is made in the
/// directory, durable before this returns, and a directory that has one is refused for good. A new
/// start of all members is a new cluster, with a new cluster id and new directories.
///
/// `create` is taken for granted. Errors: LogRefused, std::system_error.
ATTUNE_DECL std::unique_ptr<Log> memory_log(std::shared_ptr<attune::detail::Disk> disk,
                                            std::string directory, const LogOptions& options);

}  // namespace attune::inline ATTUNE_ABI::quorum

#if ATTUNE_HEADER_ONLY
#include <attune/quorum/log/impl/memory_log.ipp>
#endif
