#pragma once

#include <attune/quorum/lock_machine/command.hpp>
#include <attune/quorum/lock_machine/detail/packed_bytes.hpp>
#include <attune/quorum/lock_machine/lock_view.hpp>
#include <attune/quorum/lock_machine/reply.hpp>
#include <attune/quorum/token.hpp>
#include <attune/version.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI::quorum::detail {

using std::chrono::milliseconds;

struct LockRecord;

/// One lock of a request that waits for it or has it.
struct LockPart {
    LockRecord* lock = nullptr;
    LockMode mode = LockMode::exclusive;
    std::uint32_t permits = 0;
    std::uint32_t of = 0;
};

/// An Acquire that waits, or was granted and has locks yet.
struct LockRequest {
    Ticket ticket = 0;
    SessionId session = 0;
    Sequence sequence = 0;
    Token token{};         ///< none: it waits
    milliseconds since{};  ///< it waits, or was granted
    bool whole = true;     ///< it has all that it asked for
    std::vector<LockPart> parts{};
};

/// A request among the holders or the waiters of a lock.
struct LockPlace {
    LockRequest* request = nullptr;
    LockMode mode = LockMode::exclusive;
    std::uint32_t permits = 0;
};

/// A lock that somebody has, or waits for, or that nobody gets yet. Others have no record.
struct LockRecord {
    std::string_view name{};           ///< the key of the record
    std::vector<LockPlace> holders{};  ///< by token, then ticket
    std::vector<LockPlace> waiters{};  ///< by ticket
    std::uint64_t taken = 0;           ///< permits
    std::uint32_t of = 0;              ///< permits there are, while somebody has some or waits
    std::size_t permit_users = 0;
    milliseconds free_from{};     ///< zero: there is no delay
    milliseconds awaited_from{};  ///< so listed; zero: nobody waits for the end of a delay
    Token highest{};
    std::string value{};

    bool listed = false;     ///< among those that this entry has touched
    std::uint64_t walk = 0;  ///< the last one that has come here, and whom it has been to
    bool walked_holders = false;
    Ticket walked_before = 0;
    std::uint64_t counted = 0;  ///< the last walk for which the following was counted
    std::size_t first_walking = 0;
    std::size_t walking_holders = 0;
    std::uint64_t walking_permits = 0;
};

/// What was answered to a command that is done.
struct StoredReply {
    Outcome outcome = Outcome::refused;
    Ticket ticket = 0;
    Token token{};
};

struct SessionRecord {
    SessionId id = 0;
    std::array<unsigned char, 16> client{};
    milliseconds ttl{};
    milliseconds lock_delay{};
    milliseconds renewed_at{};
    std::uint64_t renewed = 0;
    std::string label{};
    std::map<Sequence, Ticket> requests{};  ///< that wait or are granted
    std::map<Sequence, StoredReply> replies{};
    Sequence forgotten = 0;  ///< replies up to here are not kept
    std::uint64_t walk = 0;
};

// Far beyond any time that is meant, and far enough from the end for delays to be added.
inline constexpr milliseconds latest_time{std::int64_t{1} << 60};

/// Begins a saved state: what it is, and the version of its format.
inline constexpr std::string_view lock_state_mark{"AtLk\1\0\0\0", 8};

ATTUNE_DECL bool is_lock_name(std::string_view name);
ATTUNE_DECL bool is_valid_mode(LockMode mode, std::uint32_t permits, std::uint32_t of);
ATTUNE_DECL bool is_valid_session(milliseconds ttl, milliseconds lock_delay,
                                  std::string_view label);
ATTUNE_DECL bool goes_with_holders(const LockPart& part);
ATTUNE_DECL std::uint64_t hash_of_bytes(std::string_view bytes);

/// The state of a LockMachine, and what each command does to it.
///
/// A request stands in the queues of all of its locks at once and is granted when it is the first
/// in every one and goes with the holders of each. Whether a request can be granted depends on no
/// other one that can: two of them are first in different queues. So the order in which locks are
/// looked at does not matter. Grants are made once per entry, after all else, so that no lock is
/// granted twice with one token.
class LockState {
public:
    explicit LockState(std::uint64_t epoch) : epoch_(epoch) {}
    LockState(const LockState&) = delete;
    LockState& operator=(const LockState&) = delete;

    /// Of what happens to sessions, `events` tells.
    Reply apply(std::uint64_t index, milliseconds time, std::string_view bytes,
                std::vector<Event>& events);
    bool begin_epoch(std::uint64_t epoch);

    std::string save() const;
    bool load(std::string_view bytes);

    std::optional<LockView> view(std::string_view name) const;
    std::vector<std::string> lock_names() const;
    std::optional<SessionView> view(SessionId id) const;
    std::vector<ExpireSession> overdue(milliseconds now, milliseconds drift) const;
    std::optional<milliseconds> next_due(milliseconds drift) const;

    std::uint64_t epoch() const noexcept { return epoch_; }
    std::uint64_t applied() const noexcept { return applied_; }
    milliseconds time() const noexcept { return now_; }
    std::size_t session_count() const noexcept { return sessions_.size(); }
    const std::string* value(std::string_view key) const;

private:
    Reply run(const OpenSession& command);
    Reply run(const RenewSessions& command);
    Reply run(const ExpireSession& command);
    Reply run(const CloseSession& command);
    Reply run(const Acquire& command);
    Reply run(const CancelAcquire& command);
    Reply run(const Release& command);
    Reply run(const AskRelease& command);
    Reply run(const ForceRelease& command);
    Reply run(const Publish& command);
    Reply run(const FencedWrite& command);

    // Sessions.
    SessionRecord* find_session(SessionId id);
    void renew(SessionRecord& session);
    void end_session(SessionRecord& session, bool clean);

    // Replies that are kept.
    static Reply turn_away(const SessionRecord* session, SessionId id, Sequence sequence);
    std::optional<Reply> known_reply(const SessionRecord& session, Sequence sequence);
    void remember(SessionRecord& session, Sequence sequence, const StoredReply& reply);
    Reply finish(SessionRecord& session, Sequence sequence, Outcome outcome);

    // Requests.
    static bool is_valid(const Acquire& command);
    /// Why it cannot even wait; Outcome::ok when it can.
    Outcome obstacle(const SessionRecord& session, const Acquire& command);
    LockRequest& enqueue(SessionRecord& session, const Acquire& command);
    Reply state_of(const LockRequest& request) const;
    /// Takes a request out, whether it waits or is granted; afterwards it is `outcome`.
    void end_request(LockRequest& request, Outcome outcome);

    // Queues.
    LockRecord& record_of(std::string_view name);
    void touch(LockRecord& lock);
    void settle();
    bool can_grant(const LockRequest& request) const;
    void grant(LockRequest& request);
    void stop_waiting(LockRequest& request, LockRecord& lock);
    void stop_holding(LockRequest& request, LockRecord& lock);
    /// One lock of a grant ends, and with the last one the grant.
    void lose(LockRequest& request, LockRecord& lock);
    void delay(LockRecord& lock, milliseconds delay);
    void list_awaited(LockRecord& lock);
    void forget_empty();
    LockRequest* find_grant(LockRecord& lock, SessionId session, const Token& token) const;
    LockRecord* find_lock(std::string_view name);
    LockRecord* held_alone(const SessionRecord& session, std::string_view name, const Token& token);

    Outcome write(const std::string& key, const std::optional<std::string>& value);

    // Deadlock.
    bool would_deadlock(const LockRequest& newcomer);
    bool walk_from(const LockRequest& newcomer, std::vector<SessionRecord*>& reached);
    void leave_walk(SessionRecord& session, std::vector<SessionRecord*>& again);
    void count_walking(LockRecord& lock) const;
    bool is_stuck(const SessionRecord& session) const;
    bool is_stuck(const LockRequest& request, const LockPart& part) const;
    bool is_on_walk(const LockPlace& place) const;

    // Loading.
    bool load_locks(PackedReader& in);
    bool load_sessions(PackedReader& in);
    bool load_replies(PackedReader& in, SessionRecord& session);
    bool load_requests(PackedReader& in);
    bool load_table(PackedReader& in);
    bool link(LockRequest& request, const LockPart& part);

    std::uint64_t epoch_ = 0;
    std::uint64_t applied_ = 0;
    milliseconds now_{};
    /// No exclusive grant of a lock without a record had a higher one.
    Token highest_forgotten_{};
    std::map<SessionId, SessionRecord> sessions_;
    std::map<Ticket, LockRequest> requests_;
    std::map<std::string, LockRecord, std::less<>> locks_;
    std::map<std::string, std::string, std::less<>> table_;
    std::size_t places_ = 0;  ///< see LockLimits::places
    std::size_t table_bytes_ = 0;

    // Follow from the above.
    std::map<std::array<unsigned char, 16>, SessionId> clients_;
    std::set<std::pair<milliseconds, SessionId>> ends_;  ///< when the time of each is over
    std::set<std::pair<milliseconds, std::string_view>> delays_;
    std::set<std::pair<milliseconds, std::string_view>> awaited_;  ///< those that somebody awaits

    // Of the entry that is being applied.
    std::vector<LockRecord*> touched_;  ///< each once
    std::vector<LockRecord*> unsettled_;
    std::vector<Event> events_;
    std::vector<std::pair<Ticket, Event>> granted_;
    std::uint64_t walk_ = 0;
};

}  // namespace attune::inline ATTUNE_ABI::quorum::detail
