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
#include <attune/net/impl/http_client.ipp>
#include <attune/net/impl/http_dialogue.ipp>
#include <attune/net/impl/http_link.ipp>
#include <attune/net/impl/http_message.ipp>
#include <attune/net/impl/io_thread.ipp>
#include <attune/net/impl/tls_client.ipp>
#include <attune/net/impl/url.ipp>
