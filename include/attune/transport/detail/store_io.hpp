#pragma once

#include <attune/net/io_thread.hpp>
#include <attune/store/poller.hpp>
#include <attune/version.hpp>

namespace attune::inline ATTUNE_ABI::detail {

/// The thread for the network of a store: one for all that ask its poller for this service.
struct StoreIo {
    explicit StoreIo(Poller&) {}

    net::IoThread thread;
};

}  // namespace attune::inline ATTUNE_ABI::detail
