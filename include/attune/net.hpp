#pragma once

/// What attune offers to programs that use Boost.Asio. On top of <attune/attune.hpp>, and the only
/// part that needs Boost; in CMake, link attune::net.

#include <attune/net/async_next.hpp>
#include <attune/net/back_off.hpp>
#include <attune/net/conditional.hpp>
#include <attune/net/event_stream.hpp>
#include <attune/net/http_client.hpp>
#include <attune/net/http_message.hpp>
#include <attune/net/http_server.hpp>
#include <attune/net/io_thread.hpp>
#include <attune/net/tls_server.hpp>
#include <attune/serve/access.hpp>
#include <attune/serve/client_registry.hpp>
#include <attune/serve/config_server.hpp>
#include <attune/serve/metrics.hpp>
#include <attune/transport/http.hpp>
#include <attune/transport/http_options.hpp>
