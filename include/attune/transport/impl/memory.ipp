#pragma once

#include <attune/transport/memory.hpp>

#include <utility>

namespace attune::inline ATTUNE_ABI {

namespace detail {

class MemoryTransport final : public Transport {
public:
    MemoryTransport(Document document, MemoryOptions options)
        : document_(std::move(document)), name_(std::move(options.name)) {}

    std::string name() const override { return name_; }
    bool writable() const noexcept override { return true; }

    Content load() override {
        Content content;
        content.document = document_;
        return content;
    }

private:
    const Document document_;
    const std::string name_;
};

}  // namespace detail

ATTUNE_DECL std::unique_ptr<Transport> memory(Document document, MemoryOptions options) {
    return std::unique_ptr<Transport>(new detail::MemoryTransport(std::move(document),
                                                                  std::move(options)));
}

}  // namespace attune::inline ATTUNE_ABI
