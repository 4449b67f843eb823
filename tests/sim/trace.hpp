#pragma once

#include "sim/random.hpp"

#include <attune/quorum/lock_machine/command.hpp>
#include <attune/quorum/lock_machine/reply.hpp>
#include <attune/quorum/raft/message.hpp>
#include <attune/quorum/raft/write.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

namespace attune_sim {

namespace quorum = attune::quorum;
namespace raft = attune::quorum::raft;

inline std::uint64_t hash_of(std::string_view bytes, std::uint64_t hash = 0x243f6a8885a308d3) {
    while (bytes.size() >= 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data(), 8);
        hash = Random::mix(hash ^ word);
        bytes.remove_prefix(8);
    }
    std::uint64_t word = bytes.size() << 56;
    std::memcpy(&word, bytes.data(), bytes.size());
    return Random::mix(hash ^ word);
}

/// What happens, as a number that differs where anything does, and as text for whoever asks for it.
class Trace {
public:
    explicit Trace(bool aloud) : aloud_(aloud) {}

    bool is_aloud() const noexcept { return aloud_; }
    std::uint64_t hash() const noexcept { return hash_; }

    void mix(std::uint64_t what) noexcept { hash_ = Random::mix(hash_ ^ what); }

    template <class... Parts>
    void line(Time now, const Parts&... parts) {
        if (aloud_) {
            const auto us = static_cast<unsigned long long>(now.count() / 1000);
            std::cout << us / 1'000'000 << '.'
                      << std::to_string(1'000'000 + us % 1'000'000).substr(1) << ' ';
            (std::cout << ... << parts) << '\n';
        }
    }

private:
    const bool aloud_;
    std::uint64_t hash_ = 0;
};

/// For traces: every member that prints, by name.
class Words {
public:
    template <class T>
    Words& operator()(std::string_view name, const T& value) {
        text_ += ' ';
        text_ += name;
        text_ += '=';
        if constexpr (std::same_as<T, bool>) {
            text_ += value ? "yes" : "no";
        } else if constexpr (std::is_convertible_v<T, std::string_view>) {
            text_ += value;
        } else if constexpr (requires { value.count(); }) {
            text_ += std::to_string(value.count());
        } else if constexpr (std::is_enum_v<T>) {
            text_ += std::to_string(static_cast<int>(value));
        } else {
            text_ += std::to_string(value);
        }
        return *this;
    }
    Words& operator()(std::string_view name, const quorum::Token& token) {
        return (*this)(name, token.index);
    }
    std::string text(std::string_view kind) const { return std::string(kind) + text_; }

private:
    std::string text_;
};

inline std::string to_text(const raft::Message& message) {
    return std::visit(
        []<class M>(const M& m) -> std::string {
            Words words;
            words("term", m.term);
            if constexpr (std::same_as<M, raft::AppendEntries>) {
                words("previous", m.previous_index)("of", m.previous_term)("commit", m.commit)(
                    "round", m.round)("entries", m.entries.size());
                return words.text("AppendEntries");
            } else if constexpr (std::same_as<M, raft::AppendReply>) {
                words("round", m.round)("matches", m.matches)("index", m.index)(
                    "hint_term", m.hint_term)("refused", m.refused);
                return words.text("AppendReply");
            } else if constexpr (std::same_as<M, raft::PreVote>) {
                return words("last", m.last_index)("of", m.last_term).text("PreVote");
            } else if constexpr (std::same_as<M, raft::PreVoteReply>) {
                return words("granted", m.granted).text("PreVoteReply");
            } else if constexpr (std::same_as<M, raft::RequestVote>) {
                words("last", m.last_index)("of", m.last_term)("transfer", m.transfer);
                return words.text("RequestVote");
            } else if constexpr (std::same_as<M, raft::VoteReply>) {
                return words("granted", m.granted).text("VoteReply");
            } else if constexpr (std::same_as<M, raft::InstallSnapshot>) {
                words("round", m.round)("index", m.index)("of", m.index_term)("size", m.size)(
                    "offset", m.offset)("piece", m.piece.size());
                return words.text("InstallSnapshot");
            } else if constexpr (std::same_as<M, raft::SnapshotReply>) {
                words("round", m.round)("index", m.index)("received", m.received);
                return words.text("SnapshotReply");
            } else {
                return words.text("TimeoutNow");
            }
        },
        message);
}

inline std::string to_text(const raft::Write& write) {
    return std::visit(
        []<class W>(const W& w) -> std::string {
            Words words;
            if constexpr (std::same_as<W, raft::WriteVote>) {
                return words("term", w.vote.term)("for", w.vote.candidate).text("WriteVote");
            } else if constexpr (std::same_as<W, raft::WriteEntries>) {
                words("from", w.entries.front().index)("to", w.entries.back().index)(
                    "term", w.entries.back().term);
                return words.text("WriteEntries");
            } else if constexpr (std::same_as<W, raft::TruncateLog>) {
                return words("from", w.from).text("TruncateLog");
            } else {
                words("index", w.snapshot.index)("term", w.snapshot.term)("replaces_log",
                                                                          w.replaces_log);
                return words.text("WriteSnapshot");
            }
        },
        write);
}

inline std::string to_text(const quorum::Command& command) {
    static constexpr std::string_view names[] = {"OpenSession",  "RenewSessions", "ExpireSession",
                                                 "CloseSession", "Acquire",       "CancelAcquire",
                                                 "Release",      "AskRelease",    "ForceRelease",
                                                 "Publish",      "FencedWrite"};
    return std::visit(
        [&]<class C>(const C& c) {
            Words words;
            if constexpr (requires { c.session; }) {
                words("session", c.session);
            }
            if constexpr (requires { c.sequence; }) {
                words("sequence", c.sequence);
            }
            if constexpr (requires { c.lock; }) {
                words("lock", c.lock);
            }
            if constexpr (requires { c.token; }) {
                words("token", c.token);
            }
            if constexpr (requires { c.acquire; }) {
                words("acquire", c.acquire);
            }
            if constexpr (requires { c.renewed; }) {
                words("renewed", c.renewed);
            }
            if constexpr (requires { c.sessions; }) {
                for (const quorum::SessionId session : c.sessions) {
                    words("session", session);
                }
            }
            if constexpr (requires { c.wants; }) {
                for (const quorum::Want& want : c.wants) {
                    words("lock", want.lock)("mode", want.mode);
                }
            }
            return words.text(names[command.index()]);
        },
        command);
}

inline std::string to_text(quorum::Outcome outcome) {
    static constexpr std::string_view names[] = {
        "none",       "ok",       "queued",   "busy",    "would_deadlock", "cancelled",
        "no_session", "not_held", "mismatch", "refused", "forgotten"};
    return std::string(names[static_cast<std::size_t>(outcome)]);
}

inline std::string to_text(const quorum::Reply& reply) {
    Words words;
    words("session", reply.session)("sequence", reply.sequence)("token", reply.token);
    return words.text(to_text(reply.outcome));
}

inline std::string to_text(const quorum::Event& event) {
    static constexpr std::string_view names[] = {"none", "granted", "asked", "forced", "expired"};
    Words words;
    words("session", event.session)("sequence", event.sequence)("token", event.token)("lock",
                                                                                      event.lock);
    return words.text(names[static_cast<std::size_t>(event.kind)]);
}

}  // namespace attune_sim
