#pragma once

#include <attune/document/document.hpp>
#include <attune/document/path.hpp>
#include <attune/fwd.hpp>
#include <attune/store/commit.hpp>
#include <attune/store/core.hpp>
#include <attune/store/status.hpp>
#include <attune/version.hpp>

#include <cstdint>
#include <memory>
#include <utility>

namespace attune::inline ATTUNE_ABI {

/// A handle to one layer of a store. Copies stand for the same layer. Any thread. Once the store is
/// gone, or the layer removed, all functions but remove throw std::logic_error.
class Layer {
public:
    /// Replaces the layer's document. Only for layers that the program writes, such as memory or
    /// sqlite, and for publishers that take changes, such as http, where it returns once what they
    /// then publish is applied here. Throws Rejected for others, and when the result is refused:
    /// then nothing has changed, unless the publisher had accepted it before.
    Commit set(Document document) { return set(Path{}, std::move(document)); }
    /// Replaces the value at one path of the layer.
    Commit set(const Path& path, Document value) {
        return core_->write(id_, path, std::move(value));
    }

    /// Reads the transport again, now. Throws Rejected when that is impossible or refused. Does
    /// nothing for layers that the program writes.
    Commit reload() { return core_->reload(id_); }

    /// Takes the layer out of the store and ends its transport. Throws Rejected, and leaves it in,
    /// when what remains is refused. Does nothing when it is out already.
    void remove() { core_->remove(id_); }

    LayerStatus status() const { return core_->layer_status(id_); }

private:
    friend class Store;
    Layer(std::shared_ptr<detail::Core> core, std::uint64_t id) noexcept
        : core_(std::move(core)), id_(id) {}

    std::shared_ptr<detail::Core> core_;
    std::uint64_t id_;
};

}  // namespace attune::inline ATTUNE_ABI
