#pragma once

#include <attune/document/origin.hpp>
#include <attune/document/path.hpp>
#include <attune/version.hpp>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace attune::inline ATTUNE_ABI {

/// Whether a problem keeps a document from being accepted.
enum class Severity : std::uint8_t { error, warning };

/// One thing wrong with a configuration, or one thing worth a look.
///
/// No member ever holds the value of a secret.
struct Problem {
    Path path{};      ///< the value, or the key, that is meant
    Origin origin{};  ///< where it was written, as far as known
    /// What is wrong, such as `unknown key`; empty when `expected` and `found` say it all.
    std::string message{};
    std::string expected{};    ///< such as `an integer in [1, 65535]`
    std::string found{};       ///< such as `80800` or `"x"` or `a list`
    std::string suggestion{};  ///< the nearest name that would have been right, without quotes
    Severity severity = Severity::error;
};

/// One line without its end: `service.json:7:17: server.port: expected an integer in [1, 65535],
/// found 80800`. Parts that are not known are left out.
ATTUNE_DECL std::string to_string(const Problem& problem);

/// Why a candidate was not published. The version before it stays.
struct Rejection {
    std::vector<Problem> problems{};
    std::string reason{};       ///< what was tried, such as `file service.json`; may be empty
    std::uint64_t version = 0;  ///< the version that stays; 0 when there is none yet
};

/// The problems in their order, one per line, the last line without its end. The reason alone when
/// no problem is known.
ATTUNE_DECL std::string to_string(const Rejection& rejection);

/// Thrown where bad configuration meets a caller who waits: at start-up and by explicit writes.
/// `what` is the text of the rejection.
class Rejected : public std::runtime_error {
public:
    ATTUNE_DECL explicit Rejected(Rejection rejection);

    const Rejection& rejection() const noexcept { return *rejection_; }
    const std::vector<Problem>& problems() const noexcept { return rejection_->problems; }

private:
    // Shared, since copying an exception must not throw.
    std::shared_ptr<const Rejection> rejection_;
};

}  // namespace attune::inline ATTUNE_ABI

#if ATTUNE_HEADER_ONLY
#include <attune/bind/impl/problem.ipp>
#endif
