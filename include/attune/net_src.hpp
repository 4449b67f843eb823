#pragma once

/// As <attune/src.hpp>, for what <attune/net.hpp> declares. In a translation unit of its own, as in
/// attune::net_compiled, or in the same.

#include <attune/version.hpp>

#if ATTUNE_HEADER_ONLY
#error "<attune/net_src.hpp> needs ATTUNE_SEPARATE_COMPILATION, in every translation unit"
#endif

#include <attune/net/impl/http_message.ipp>
#include <attune/net/impl/io_thread.ipp>

#include <attune/testing/impl/faulty_proxy.ipp>
#include <attune/testing/impl/faulty_proxy_schedule.ipp>
