#pragma once

#include <attune/quorum/raft/entry.hpp>
#include <attune/quorum/raft/write.hpp>
#include <attune/storage/disk.hpp>
#include <attune/version.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>

namespace attune::inline ATTUNE_ABI::quorum {

struct LogOptions {
    std::uint64_t cluster = 0;  ///< which one: a log of another cluster is refused
    raft::NodeId node = 0;      ///< whose log it is: that of another member is refused
    /// Make a new one. Once per member and cluster: a member that has lost its disk has lost its
    /// promises with it, and must not come back as the same.
    bool create = false;
    std::size_t segment_size = std::size_t{16} << 20;
};

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

/// Is there room for more entries?
enum class LogRoom : std::uint8_t {
    plenty,
    scarce,  ///< what was kept back for votes, expiries and the like is being used
    none,    ///< for votes alone
};

/// The durable log of a member: term and vote, entries, snapshots. docs/quorum.md has the bytes.
///
/// Writes come in order and are durable after the next `flush`. After a failure of either nothing
/// more is written, ever: what a failed flush has left on the disk cannot be known
/// (Rebello et al., Can Applications Recover from fsync Failures?, 2020). One thread at a time.
class Log {
public:
    /// What the log has goes to `recovered`. Cuts off a last batch whose write did not end; any
    /// other damage is LogRefused. Errors of the disk are std::system_error.
    ATTUNE_DECL static std::unique_ptr<Log> open(std::shared_ptr<attune::detail::Disk> disk,
                                                 std::string directory, const LogOptions& options,
                                                 raft::Recovered& recovered);
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;
    virtual ~Log() = default;

    virtual std::error_code put(const raft::Write& write) = 0;
    virtual std::error_code flush() = 0;
    /// Asked before entries are proposed, so that a full disk is noticed before anything is written.
    virtual LogRoom room() const = 0;

protected:
    Log() = default;
};

}  // namespace attune::inline ATTUNE_ABI::quorum
