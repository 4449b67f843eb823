#pragma once

#include <attune/fwd.hpp>
#include <attune/store/core.hpp>
#include <attune/version.hpp>

#include <cstdint>
#include <memory>
#include <utility>

namespace attune::inline ATTUNE_ABI {

/// Values above everything else while this exists, also above what Store::set puts: for tests, and
/// for a piece of work under other settings. Scopes may nest, and end in any order; the younger one
/// wins. See Store::override_scope.
///
/// When what remains is refused at the end, since something below became wrong meanwhile, the
/// values stay, and Store::on_rejected tells why. Ending after the store is gone does nothing. Any
/// thread.
class [[nodiscard]] OverrideScope {
public:
    OverrideScope(OverrideScope&& other) noexcept
        : core_(std::move(other.core_)), layer_(other.layer_) {}
    OverrideScope& operator=(OverrideScope&& other) noexcept {
        if (this != &other) {
            end();
            core_ = std::move(other.core_);
            layer_ = other.layer_;
        }
        return *this;
    }
    ~OverrideScope() { end(); }

    /// Takes the values away before the scope ends.
    void end() noexcept {
        if (const auto core = std::exchange(core_, {}).lock()) {
            core->end_scope(layer_);
        }
    }

private:
    friend class Store;
    OverrideScope(std::weak_ptr<detail::Core> core, std::uint64_t layer) noexcept
        : core_(std::move(core)), layer_(layer) {}

    std::weak_ptr<detail::Core> core_;
    std::uint64_t layer_;
};

}  // namespace attune::inline ATTUNE_ABI
