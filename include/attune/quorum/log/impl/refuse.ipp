#pragma once

#include <attune/quorum/log/detail/refuse.hpp>

namespace attune::inline ATTUNE_ABI::quorum::detail {

[[noreturn]] ATTUNE_DECL void refuse_damage(const std::string& path, std::uint64_t offset,
                                            const std::string& found, const std::string& expected) {
    throw LogRefused(
        LogRefused::Why::damaged,
        path + ", byte " + std::to_string(offset) + ": damaged: found " + found + ", expected " +
            expected +
            ". Nothing has been changed. What was acknowledged may be lost here, so this member "
            "must not take part with what is left: leave it out, the others go on as long as they "
            "are a majority; or bring back an exact copy of the directory made after the member "
            "stopped. An older copy, or an empty directory, would break promises");
}

}  // namespace attune::inline ATTUNE_ABI::quorum::detail
