#pragma once

#include <attune/document/path.hpp>
#include <attune/fwd.hpp>
#include <attune/graph/deadline.hpp>
#include <attune/graph/delivery.hpp>
#include <attune/version.hpp>

#include <chrono>
#include <memory>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI {

/// The ticket of an explicit write.
class Commit {
public:
    /// The version that shows the write. A write that changes nothing makes no version; this is
    /// then the version that was current.
    Version version = 0;
    /// The deepest paths that differ from the version before; empty when nothing changed.
    std::vector<Path> changed;

    /// Waits until every observer that this version concerns has been told of it, or of a later
    /// one, and has returned. False when `timeout` is over first. Do not call it from an observer
    /// of the same store: it would wait for itself.
    template <class Rep, class Period>
    bool settle(std::chrono::duration<Rep, Period> timeout) const {
        return hub_ == nullptr || hub_->settle(version, detail::deadline_after(timeout));
    }

    Commit() = default;

private:
    friend class detail::Core;
    std::shared_ptr<detail::DeliveryHub> hub_;
};

}  // namespace attune::inline ATTUNE_ABI
