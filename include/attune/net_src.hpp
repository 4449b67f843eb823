#pragma once

/// As <attune/src.hpp>, for what <attune/net.hpp> declares. In a translation unit of its own, as in
/// attune::net_compiled, or in the same.

#include <attune/version.hpp>

#if ATTUNE_HEADER_ONLY
#error "<attune/net_src.hpp> needs ATTUNE_SEPARATE_COMPILATION, in every translation unit"
#endif

#include <attune/transport/impl/http.ipp>
#include <attune/transport/impl/http_reading.ipp>
#include <attune/transport/impl/http_reporter.ipp>
#include <attune/transport/impl/http_settings.ipp>
#include <attune/transport/impl/http_watch.ipp>
#include <attune/transport/impl/http_write.ipp>

#include <attune/net/impl/back_off.ipp>
#include <attune/net/impl/conditional.ipp>
#include <attune/net/impl/event_stream.ipp>
#include <attune/net/impl/http_channel.ipp>
#include <attune/net/impl/http_client.ipp>
#include <attune/net/impl/http_connection.ipp>
#include <attune/net/impl/http_connection_output.ipp>
#include <attune/net/impl/http_deadlines.ipp>
#include <attune/net/impl/http_dialogue.ipp>
#include <attune/net/impl/http_exchange.ipp>
#include <attune/net/impl/http_head.ipp>
#include <attune/net/impl/http_host.ipp>
#include <attune/net/impl/http_link.ipp>
#include <attune/net/impl/http_message.ipp>
#include <attune/net/impl/http_request_parser.ipp>
#include <attune/net/impl/http_response_parser.ipp>
#include <attune/net/impl/http_server.ipp>
#include <attune/net/impl/io_thread.ipp>
#include <attune/net/impl/tls_client.ipp>
#include <attune/net/impl/tls_context.ipp>
#include <attune/net/impl/url.ipp>

#include <attune/serve/impl/accept.ipp>
#include <attune/serve/impl/access_list.ipp>
#include <attune/serve/impl/client_registry.ipp>
#include <attune/serve/impl/client_report.ipp>
#include <attune/serve/impl/config_server.ipp>
#include <attune/serve/impl/config_service.ipp>
#include <attune/serve/impl/event_feed.ipp>
#include <attune/serve/impl/metrics.ipp>
#include <attune/serve/impl/prefer.ipp>
#include <attune/serve/impl/problem_details.ipp>
#include <attune/serve/impl/representation.ipp>
#include <attune/serve/impl/request_target.ipp>
#include <attune/serve/impl/resource_table.ipp>
#include <attune/serve/impl/secret_places.ipp>
#include <attune/serve/impl/service_history.ipp>
#include <attune/serve/impl/service_metrics.ipp>
#include <attune/serve/impl/service_read.ipp>
#include <attune/serve/impl/service_report.ipp>
#include <attune/serve/impl/service_write.ipp>
#include <attune/serve/impl/service_write_rules.ipp>
#include <attune/serve/impl/watchers.ipp>

#include <attune/testing/impl/faulty_proxy.ipp>
#include <attune/testing/impl/faulty_proxy_schedule.ipp>
