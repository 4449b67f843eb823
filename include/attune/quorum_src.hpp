#pragma once

/// As <attune/src.hpp>, for what <attune/quorum.hpp> declares: attune::quorum_compiled.

#include <attune/version.hpp>

#if ATTUNE_HEADER_ONLY
#error "<attune/quorum_src.hpp> needs ATTUNE_SEPARATE_COMPILATION, in every translation unit"
#endif

#include <attune/quorum/impl/wire.ipp>
#include <attune/quorum/log/impl/batch.ipp>
#include <attune/quorum/log/impl/file_log.ipp>
#include <attune/quorum/log/impl/log.ipp>
#include <attune/quorum/log/impl/log_directory.ipp>
#include <attune/quorum/log/impl/log_reader.ipp>
#include <attune/quorum/log/impl/memory_log.ipp>
#include <attune/quorum/log/impl/refuse.ipp>
#include <attune/quorum/log/impl/segment.ipp>
#include <attune/quorum/log/impl/snapshot_file.ipp>
#include <attune/quorum/log/impl/spare.ipp>
#include <attune/quorum/log/impl/vote_file.ipp>
