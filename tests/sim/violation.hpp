#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace attune_sim {

/// Something happened that must never happen.
class Violation : public std::runtime_error {
public:
    Violation(std::string invariant, const std::string& what)
        : std::runtime_error(invariant + ": " + what), invariant_(std::move(invariant)) {}

    const std::string& invariant() const noexcept { return invariant_; }

private:
    std::string invariant_;
};

}  // namespace attune_sim
