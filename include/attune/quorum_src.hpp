#pragma once

/// As <attune/src.hpp>, for what <attune/quorum.hpp> declares: attune::quorum_compiled.

#include <attune/version.hpp>

#if ATTUNE_HEADER_ONLY
#error "<attune/quorum_src.hpp> needs ATTUNE_SEPARATE_COMPILATION, in every translation unit"
#endif

#include <attune/quorum/impl/replica.ipp>
#include <attune/quorum/impl/wire.ipp>
#include <attune/quorum/lock_machine/impl/command.ipp>
#include <attune/quorum/lock_machine/impl/deadlock.ipp>
#include <attune/quorum/lock_machine/impl/grants.ipp>
#include <attune/quorum/lock_machine/impl/load.ipp>
#include <attune/quorum/lock_machine/impl/lock_machine.ipp>
#include <attune/quorum/lock_machine/impl/lock_views.ipp>
#include <attune/quorum/lock_machine/impl/queues.ipp>
#include <attune/quorum/lock_machine/impl/requests.ipp>
#include <attune/quorum/lock_machine/impl/save.ipp>
#include <attune/quorum/lock_machine/impl/sessions.ipp>
#include <attune/quorum/log/impl/batch.ipp>
#include <attune/quorum/log/impl/log.ipp>
#include <attune/quorum/log/impl/log_directory.ipp>
#include <attune/quorum/log/impl/log_reader.ipp>
#include <attune/quorum/log/impl/log_writer.ipp>
#include <attune/quorum/log/impl/memory_log.ipp>
#include <attune/quorum/log/impl/refuse.ipp>
#include <attune/quorum/log/impl/segment.ipp>
#include <attune/quorum/log/impl/snapshot_file.ipp>
#include <attune/quorum/log/impl/spare.ipp>
#include <attune/quorum/log/impl/vote_file.ipp>
#include <attune/quorum/raft/impl/append_entries.ipp>
#include <attune/quorum/raft/impl/core.ipp>
#include <attune/quorum/raft/impl/install_snapshot.ipp>
#include <attune/quorum/raft/impl/pre_vote.ipp>
#include <attune/quorum/raft/impl/replication.ipp>
#include <attune/quorum/raft/impl/request_vote.ipp>
#include <attune/quorum/raft/impl/roles.ipp>
#include <attune/quorum/raft/impl/timeout_now.ipp>
