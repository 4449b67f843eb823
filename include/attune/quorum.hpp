#pragma once

/// The quorum lock: processes that take turns, by a lock that a majority of members keeps and that
/// comes with a fencing token. Its parts without network: consensus, the state of the locks and the
/// durable log, each usable, and tested, by itself.

#include <attune/quorum/lock_machine/command.hpp>
#include <attune/quorum/lock_machine/limits.hpp>
#include <attune/quorum/lock_machine/lock_machine.hpp>
#include <attune/quorum/lock_machine/lock_view.hpp>
#include <attune/quorum/lock_machine/reply.hpp>
#include <attune/quorum/log/log.hpp>
#include <attune/quorum/log/log_options.hpp>
#include <attune/quorum/log/log_refused.hpp>
#include <attune/quorum/log/memory_log.hpp>
#include <attune/quorum/raft/core.hpp>
#include <attune/quorum/replica.hpp>
#include <attune/quorum/token.hpp>
#include <attune/quorum/wire.hpp>
