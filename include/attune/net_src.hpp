#pragma once

/// As <attune/src.hpp>, for what <attune/net.hpp> declares. In a translation unit of its own, as in
/// attune::net_compiled, or in the same.

#include <attune/version.hpp>

#if ATTUNE_HEADER_ONLY
#error "<attune/net_src.hpp> needs ATTUNE_SEPARATE_COMPILATION, in every translation unit"
#endif

#include <attune/net/impl/event_stream.ipp>
#include <attune/net/impl/http_channel.ipp>
#include <attune/net/impl/http_connection.ipp>
#include <attune/net/impl/http_connection_output.ipp>
#include <attune/net/impl/http_deadlines.ipp>
#include <attune/net/impl/http_exchange.ipp>
#include <attune/net/impl/http_head.ipp>
#include <attune/net/impl/http_host.ipp>
#include <attune/net/impl/http_message.ipp>
#include <attune/net/impl/http_request_parser.ipp>
#include <attune/net/impl/http_server.ipp>
#include <attune/net/impl/io_thread.ipp>
#include <attune/net/impl/tls_context.ipp>

#include <attune/testing/impl/faulty_proxy.ipp>
#include <attune/testing/impl/faulty_proxy_schedule.ipp>
