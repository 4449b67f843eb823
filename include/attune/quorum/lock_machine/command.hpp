#pragma once

#include <attune/quorum/token.hpp>
#include <attune/version.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace attune::inline ATTUNE_ABI::quorum {

/// The index of the entry that opened it. Zero is none.
using SessionId = std::uint64_t;
/// Counted by the client, from 1 on, per session: a command that is sent again is answered again
/// and not done again.
using Sequence = std::uint64_t;
/// The index of the entry that asked: a place in the queues.
using Ticket = std::uint64_t;

enum class LockMode : std::uint8_t {
    exclusive = 1,
    shared = 2,   ///< with any number of others that are shared
    permits = 3,  ///< with others as long as all together stay within the number of permits
};

/// One lock of those that an Acquire asks for.
struct Want {
    std::string lock;  ///< 1 to 256 bytes
    LockMode mode = LockMode::exclusive;
    std::uint32_t permits = 0;  ///< of LockMode::permits: so many, at least 1
    std::uint32_t of = 0;       ///< of LockMode::permits: of so many; all who ask must say the same

    friend bool operator==(const Want&, const Want&) = default;
};

struct OpenSession {
    std::array<unsigned char, 16> client{};  ///< random; opening again gives the same session
    std::chrono::milliseconds ttl{10'000};
    /// How long a lock stays free after this session has lost it other than by releasing it.
    std::chrono::milliseconds lock_delay{250};
    std::string label{};  ///< for people
};

/// Sessions that have been heard of. A leader collects them.
struct RenewSessions {
    std::vector<SessionId> sessions{};
};

/// Ends a session if its last renewal is still the one at `renewed`, and its time is over.
struct ExpireSession {
    SessionId session = 0;
    std::uint64_t renewed = 0;
};

struct CloseSession {
    SessionId session = 0;
};

/// All of the locks or none, in one step.
struct Acquire {
    SessionId session = 0;
    Sequence sequence = 0;
    std::vector<Want> wants{};  ///< each lock once
    bool wait = true;           ///< in the queues of all of them, first come first served
};

/// Takes a request out of the queues, or releases what it has been granted meanwhile.
struct CancelAcquire {
    SessionId session = 0;
    Sequence sequence = 0;
    Sequence acquire =
        0;  ///< the sequence of the Acquire; it need not have arrived, and then never counts
};

struct Release {
    SessionId session = 0;
    Sequence sequence = 0;
    std::string lock{};
    Token token{};  ///< of the grant; after another one nothing happens
};

/// Tells the holders that somebody would like them to release.
struct AskRelease {
    std::string lock{};
};

/// Takes a lock away from whoever holds it by that token.
struct ForceRelease {
    std::string lock{};
    Token token{};
};

/// What the exclusive holder of a lock has to say to all: where the leader is, say.
struct Publish {
    SessionId session = 0;
    Sequence sequence = 0;
    std::string lock{};
    Token token{};
    std::string value{};  ///< gone when the grant ends
};

/// Writes a key if the exclusive grant with that token still stands; otherwise nothing happens.
struct FencedWrite {
    SessionId session = 0;
    Sequence sequence = 0;
    std::string lock{};
    Token token{};
    std::string key{};
    std::optional<std::string> value{};  ///< nothing: erase it
};

using Command =
    std::variant<OpenSession, RenewSessions, ExpireSession, CloseSession, Acquire, CancelAcquire,
                 Release, AskRelease, ForceRelease, Publish, FencedWrite>;

/// The bytes of an entry. One byte says which command, counted from 1 in the order of Command; its
/// members follow in the order above, but in an Acquire `wait` comes before `wants`. Numbers and
/// milliseconds are little-endian, of 8 bytes (`permits` and `of`: 4; LockMode, bool and whether
/// there is a `value`: 1); a Token is its epoch and its index; texts, and lists, begin with their
/// length, or number, in 4 bytes; `client` is its 16 bytes.
ATTUNE_DECL std::string encode(const Command& command);
/// Nothing when the bytes are not what `encode` gives. Whatever they are, it takes no more memory
/// than in proportion to their length.
ATTUNE_DECL std::optional<Command> decode_command(std::string_view bytes);

}  // namespace attune::inline ATTUNE_ABI::quorum

#if ATTUNE_HEADER_ONLY
#include <attune/quorum/lock_machine/impl/command.ipp>
#endif
