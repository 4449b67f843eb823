#pragma once

/// The core of attune: documents, bound structs, handles, stores and the local transports. Brings
/// in no network.

#include <attune/fwd.hpp>

#include <attune/bind/bytes.hpp>
#include <attune/bind/decode.hpp>
#include <attune/bind/duration.hpp>
#include <attune/bind/encode.hpp>
#include <attune/bind/problem.hpp>
#include <attune/bind/schema.hpp>
#include <attune/bind/secret.hpp>
#include <attune/document/difference.hpp>
#include <attune/document/document.hpp>
#include <attune/document/merge.hpp>
#include <attune/document/parse.hpp>
#include <attune/document/patch.hpp>
#include <attune/document/path.hpp>
#include <attune/document/reconcile.hpp>
#include <attune/document/text.hpp>
#include <attune/graph/executor.hpp>
#include <attune/graph/manual_executor.hpp>
#include <attune/graph/subscription.hpp>
#include <attune/store/config.hpp>
#include <attune/store/derive.hpp>
#include <attune/store/journal.hpp>
#include <attune/store/journal_options.hpp>
#include <attune/store/journal_report.hpp>
#include <attune/store/layer.hpp>
#include <attune/store/observer.hpp>
#include <attune/store/snapshot.hpp>
#include <attune/store/status.hpp>
#include <attune/store/store.hpp>
#include <attune/store/transport.hpp>
#include <attune/store/version_record.hpp>
#include <attune/transport/args.hpp>
#include <attune/transport/cached.hpp>
#include <attune/transport/directory.hpp>
#include <attune/transport/env.hpp>
#include <attune/transport/file.hpp>
#include <attune/transport/memory.hpp>
