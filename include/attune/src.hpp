#pragma once

/// The bodies of everything that is not a template. Included by exactly one translation unit of a
/// program that defines ATTUNE_SEPARATE_COMPILATION everywhere; attune::compiled is that unit.

#include <attune/version.hpp>

#if ATTUNE_HEADER_ONLY
#error "<attune/src.hpp> needs ATTUNE_SEPARATE_COMPILATION, in every translation unit"
#endif

#include <attune/document/impl/build.ipp>
#include <attune/document/impl/describe.ipp>
#include <attune/document/impl/difference.ipp>
#include <attune/document/impl/document.ipp>
#include <attune/document/impl/lexer.ipp>
#include <attune/document/impl/locate.ipp>
#include <attune/document/impl/make_merge_patch.ipp>
#include <attune/document/impl/make_patch.ipp>
#include <attune/document/impl/merge.ipp>
#include <attune/document/impl/nearest.ipp>
#include <attune/document/impl/node.ipp>
#include <attune/document/impl/origin.ipp>
#include <attune/document/impl/parse.ipp>
#include <attune/document/impl/patch.ipp>
#include <attune/document/impl/path.ipp>
#include <attune/document/impl/position_index.ipp>
#include <attune/document/impl/reconcile.ipp>
#include <attune/document/impl/search.ipp>
#include <attune/document/impl/source.ipp>
#include <attune/document/impl/text.ipp>
#include <attune/document/impl/tree.ipp>
#include <attune/document/impl/walk.ipp>

#include <attune/bind/impl/bytes.ipp>
#include <attune/bind/impl/decode.ipp>
#include <attune/bind/impl/decode_problem.ipp>
#include <attune/bind/impl/decode_scalar.ipp>
#include <attune/bind/impl/decode_struct.ipp>
#include <attune/bind/impl/decode_variant.ipp>
#include <attune/bind/impl/default_value.ipp>
#include <attune/bind/impl/duration.ipp>
#include <attune/bind/impl/encode.ipp>
#include <attune/bind/impl/enum_names.ipp>
#include <attune/bind/impl/equal.ipp>
#include <attune/bind/impl/example_value.ipp>
#include <attune/bind/impl/expected.ipp>
#include <attune/bind/impl/fallback.ipp>
#include <attune/bind/impl/json_pattern.ipp>
#include <attune/bind/impl/json_schema.ipp>
#include <attune/bind/impl/json_schema_scalar.ipp>
#include <attune/bind/impl/number.ipp>
#include <attune/bind/impl/pattern.ipp>
#include <attune/bind/impl/problem.ipp>
#include <attune/bind/impl/quantity.ipp>
#include <attune/bind/impl/schema.ipp>
#include <attune/bind/impl/secrecy.ipp>
#include <attune/bind/impl/spelling.ipp>
#include <attune/bind/impl/structure.ipp>

#include <attune/graph/impl/call_watch.ipp>
#include <attune/graph/impl/delivery.ipp>
#include <attune/graph/impl/derived_node.ipp>
#include <attune/graph/impl/epoch.ipp>
#include <attune/graph/impl/frame.ipp>
#include <attune/graph/impl/frame_chain.ipp>
#include <attune/graph/impl/graph.ipp>
#include <attune/graph/impl/manual_executor.ipp>
#include <attune/graph/impl/node.ipp>
#include <attune/graph/impl/notifier.ipp>
#include <attune/graph/impl/propagation.ipp>
#include <attune/graph/impl/publication_bell.ipp>
#include <attune/graph/impl/turn.ipp>

#include <attune/storage/impl/crc32c.ipp>
#include <attune/storage/impl/disk.ipp>

#include <attune/store/impl/binding_index.ipp>
#include <attune/store/impl/config.ipp>
#include <attune/store/impl/core.ipp>
#include <attune/store/impl/core_commit.ipp>
#include <attune/store/impl/core_deliver.ipp>
#include <attune/store/impl/core_explain.ipp>
#include <attune/store/impl/core_graph.ipp>
#include <attune/store/impl/core_history.ipp>
#include <attune/store/impl/core_journal.ipp>
#include <attune/store/impl/core_layers.ipp>
#include <attune/store/impl/core_observers.ipp>
#include <attune/store/impl/core_past.ipp>
#include <attune/store/impl/core_report.ipp>
#include <attune/store/impl/core_rollback.ipp>
#include <attune/store/impl/core_write.ipp>
#include <attune/store/impl/derive.ipp>
#include <attune/store/impl/digest.ipp>
#include <attune/store/impl/edit.ipp>
#include <attune/store/impl/exact_patch.ipp>
#include <attune/store/impl/explain.ipp>
#include <attune/store/impl/help_text.ipp>
#include <attune/store/impl/history.ipp>
#include <attune/store/impl/journal.ipp>
#include <attune/store/impl/journal_export.ipp>
#include <attune/store/impl/journal_format.ipp>
#include <attune/store/impl/journal_reader.ipp>
#include <attune/store/impl/journal_report.ipp>
#include <attune/store/impl/journal_segments.ipp>
#include <attune/store/impl/journal_tools.ipp>
#include <attune/store/impl/journal_writer.ipp>
#include <attune/store/impl/layer_stack.ipp>
#include <attune/store/impl/node_status.ipp>
#include <attune/store/impl/observer.ipp>
#include <attune/store/impl/overrides_log.ipp>
#include <attune/store/impl/placement.ipp>
#include <attune/store/impl/poller.ipp>
#include <attune/store/impl/poller_core.ipp>
#include <attune/store/impl/reference.ipp>
#include <attune/store/impl/replayed_document.ipp>
#include <attune/store/impl/rfc3339.ipp>
#include <attune/store/impl/sample_text.ipp>
#include <attune/store/impl/shown_diff.ipp>
#include <attune/store/impl/snapshot.ipp>
#include <attune/store/impl/status.ipp>
#include <attune/store/impl/usage.ipp>

#include <attune/transport/impl/args.ipp>
#include <attune/transport/impl/cache_file.ipp>
#include <attune/transport/impl/cached.ipp>
#include <attune/transport/impl/directory.ipp>
#include <attune/transport/impl/env.ipp>
#include <attune/transport/impl/file.ipp>
#include <attune/transport/impl/file_watch.ipp>
#include <attune/transport/impl/follower.ipp>
#include <attune/transport/impl/image.ipp>
#include <attune/transport/impl/memory.ipp>

#include <attune/testing/impl/event_trace.ipp>
#include <attune/testing/impl/flaky_transport.ipp>
#include <attune/testing/impl/manual_clock.ipp>
#include <attune/testing/impl/token_order.ipp>
