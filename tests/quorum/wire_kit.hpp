#pragma once

#include <attune/quorum/wire.hpp>
#include <attune/storage/crc32c.hpp>

#include <rapidcheck.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace wire_kit {

namespace quorum = attune::quorum;
namespace raft = attune::quorum::raft;

/// Makes the size and the checksums of some bytes those of a frame: what is wrong with it then is
/// its content.
inline void seal(std::string& bytes) {
    const auto number = [&](std::size_t at, std::uint32_t value) {
        for (std::size_t i = 0; i != 4; ++i) {
            bytes[at + i] = static_cast<char>(static_cast<unsigned char>(value >> (8 * i)));
        }
    };
    if (bytes.size() < 44) {
        return;
    }
    number(8, static_cast<std::uint32_t>(bytes.size()));
    number(36, attune::detail::crc32c(std::string_view(bytes).substr(0, 36)));
    number(bytes.size() - 4,
           attune::detail::crc32c(std::string_view(bytes).substr(0, bytes.size() - 4)));
}

inline raft::AppendEntries some_entries() {
    const auto data = [](const char* text) { return std::make_shared<const std::string>(text); };
    return {3,
            4,
            2,
            4,
            9,
            {{5, 3, raft::ClusterTime(100), raft::EntryKind::barrier, nullptr},
             {6, 3, raft::ClusterTime(120), raft::EntryKind::command, data("acquire")}}};
}

/// One of each kind.
inline std::vector<quorum::Frame> sample_frames() {
    std::vector<quorum::Frame> frames;
    const auto add = [&](raft::Message message) {
        frames.push_back({0x0102030405060708, 1, 2, std::move(message)});
    };
    add(some_entries());
    add(raft::AppendReply{3, 9, true, 6, 0, 0});
    add(raft::PreVote{4, 6, 3});
    add(raft::PreVoteReply{4, true});
    add(raft::RequestVote{4, 6, 3, true});
    add(raft::VoteReply{4, false});
    add(raft::InstallSnapshot{4, 1, 6, 3, raft::ClusterTime(120), 10, 4, "state"});
    add(raft::SnapshotReply{4, 1, 6, 9});
    add(raft::TimeoutNow{4});
    return frames;
}

inline std::uint64_t random_number() {
    return *rc::gen::oneOf(rc::gen::inRange<std::uint64_t>(0, 100),
                           rc::gen::arbitrary<std::uint64_t>());
}

inline raft::AppendEntries random_entries() {
    raft::AppendEntries message{random_number(), *rc::gen::inRange<std::uint64_t>(0, 1000000),
                                random_number(), random_number(),
                                random_number(), {}};
    const auto count = *rc::gen::inRange<std::size_t>(0, 6);
    for (std::size_t i = 0; i != count; ++i) {
        const auto data = *rc::gen::arbitrary<std::string>();
        message.entries.push_back(
            {message.previous_index + 1 + i, random_number(),
             raft::ClusterTime(*rc::gen::arbitrary<std::int64_t>()),
             *rc::gen::element(raft::EntryKind::barrier, raft::EntryKind::command),
             data.empty() ? nullptr : std::make_shared<const std::string>(data)});
    }
    return message;
}

inline raft::InstallSnapshot random_snapshot() {
    raft::InstallSnapshot message;
    message.term = random_number();
    message.round = random_number();
    message.index = random_number();
    message.index_term = random_number();
    message.time = raft::ClusterTime(*rc::gen::arbitrary<std::int64_t>());
    message.piece = *rc::gen::arbitrary<std::string>();
    message.offset = *rc::gen::inRange<std::uint64_t>(0, 1000);
    message.size = message.offset + message.piece.size() + *rc::gen::inRange<std::uint64_t>(0, 9);
    return message;
}

inline raft::Message random_message() {
    const bool yes = *rc::gen::arbitrary<bool>();
    switch (*rc::gen::inRange(0, 9)) {
    case 0: return random_entries();
    case 1:
        return raft::AppendReply{random_number(), random_number(), yes,
                                 random_number(), random_number(), random_number()};
    case 2: return raft::PreVote{random_number(), random_number(), random_number()};
    case 3: return raft::PreVoteReply{random_number(), yes};
    case 4: return raft::RequestVote{random_number(), random_number(), random_number(), yes};
    case 5: return raft::VoteReply{random_number(), yes};
    case 6: return random_snapshot();
    case 7:
        return raft::SnapshotReply{random_number(), random_number(), random_number(),
                                   random_number()};
    default: return raft::TimeoutNow{random_number()};
    }
}

inline quorum::Frame random_frame() {
    return {random_number(), 1 + *rc::gen::inRange<std::uint64_t>(0, 9), random_number(),
            random_message()};
}

inline bool same(const raft::Entry& a, const raft::Entry& b) {
    return a.index == b.index && a.term == b.term && a.time == b.time && a.kind == b.kind &&
           (a.data == nullptr) == (b.data == nullptr) && (a.data == nullptr || *a.data == *b.data);
}
inline bool same(const raft::AppendEntries& a, const raft::AppendEntries& b) {
    return a.term == b.term && a.previous_index == b.previous_index &&
           a.previous_term == b.previous_term && a.commit == b.commit && a.round == b.round &&
           std::equal(a.entries.begin(), a.entries.end(), b.entries.begin(), b.entries.end(),
                      [](const raft::Entry& x, const raft::Entry& y) { return same(x, y); });
}
inline bool same(const raft::AppendReply& a, const raft::AppendReply& b) {
    return a.term == b.term && a.round == b.round && a.matches == b.matches && a.index == b.index &&
           a.hint_term == b.hint_term && a.refused == b.refused;
}
inline bool same(const raft::PreVote& a, const raft::PreVote& b) {
    return a.term == b.term && a.last_index == b.last_index && a.last_term == b.last_term;
}
inline bool same(const raft::PreVoteReply& a, const raft::PreVoteReply& b) {
    return a.term == b.term && a.granted == b.granted;
}
inline bool same(const raft::RequestVote& a, const raft::RequestVote& b) {
    return a.term == b.term && a.last_index == b.last_index && a.last_term == b.last_term &&
           a.transfer == b.transfer;
}
inline bool same(const raft::VoteReply& a, const raft::VoteReply& b) {
    return a.term == b.term && a.granted == b.granted;
}
inline bool same(const raft::InstallSnapshot& a, const raft::InstallSnapshot& b) {
    return a.term == b.term && a.round == b.round && a.index == b.index &&
           a.index_term == b.index_term && a.time == b.time && a.size == b.size &&
           a.offset == b.offset && a.piece == b.piece;
}
inline bool same(const raft::SnapshotReply& a, const raft::SnapshotReply& b) {
    return a.term == b.term && a.round == b.round && a.index == b.index && a.received == b.received;
}
inline bool same(const raft::TimeoutNow& a, const raft::TimeoutNow& b) { return a.term == b.term; }

inline bool same(const quorum::Frame& a, const quorum::Frame& b) {
    return a.cluster == b.cluster && a.from == b.from && a.to == b.to &&
           a.message.index() == b.message.index() &&
           std::visit(
               [&](const auto& message) {
                   return same(message, std::get<std::decay_t<decltype(message)>>(b.message));
               },
               a.message);
}

}  // namespace wire_kit
