#pragma once

#include <attune/version.hpp>

#include <memory>

#include <boost/asio/any_io_executor.hpp>

namespace attune::inline ATTUNE_ABI::net {

/// One thread that runs an io_context of Boost.Asio for as long as the object lives.
///
/// Destruction stops it after the handler it is in and waits for that, unless it happens on the
/// thread itself, which then ends by itself. Handlers that have not run by then are destroyed.
class IoThread {
public:
    /// Throws std::system_error when the thread cannot be started.
    ATTUNE_DECL IoThread();
    IoThread(const IoThread&) = delete;
    IoThread& operator=(const IoThread&) = delete;
    ATTUNE_DECL ~IoThread();

    ATTUNE_DECL boost::asio::any_io_executor executor() const noexcept;

    /// Is this call made on the thread?
    ATTUNE_DECL bool on_thread() const noexcept;

private:
    struct Loop;
    const std::shared_ptr<Loop> loop_;
};

}  // namespace attune::inline ATTUNE_ABI::net

#if ATTUNE_HEADER_ONLY
#include <attune/net/impl/io_thread.ipp>
#endif
