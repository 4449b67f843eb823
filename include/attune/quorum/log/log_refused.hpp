#pragma once

#include <attune/version.hpp>

#include <cstdint>
#include <stdexcept>
#include <string>

namespace attune::inline ATTUNE_ABI::quorum {

/// The log cannot be used: it is damaged, in use, somebody else's, missing, or there already.
class LogRefused : public std::runtime_error {
public:
    enum class Why : std::uint8_t { damaged, in_use, foreign, missing, exists };

    /// `what` says where (file and offset), what was found, what was expected, and what to do.
    LogRefused(Why why, const std::string& what) : std::runtime_error(what), why_(why) {}

    Why why() const noexcept { return why_; }

private:
    Why why_;
};

}  // namespace attune::inline ATTUNE_ABI::quorum
