#pragma once

/// What attune offers to programs that use Boost.Asio. On top of <attune/attune.hpp>, and the only
/// part that needs Boost; in CMake, link attune::net.

#include <attune/net/async_next.hpp>
#include <attune/net/back_off.hpp>
#include <attune/net/http_client.hpp>
#include <attune/transport/http.hpp>
