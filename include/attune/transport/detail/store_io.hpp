#pragma once

#include <attune/net/io_thread.hpp>
#include <attune/store/poller.hpp>
#include <attune/version.hpp>

namespace attune::inline ATTUNE_ABI::detail {

/// The thread for whatever of a store uses the network, as a service of its poller: made for the
/// first that needs it, gone with the last.
class StoreIo : public net::IoThread {
public:
    explicit StoreIo(Poller&) {}
};

}  // namespace attune::inline ATTUNE_ABI::detail
