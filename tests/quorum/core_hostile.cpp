#include <attune/quorum/raft/core.hpp>

#include "cores.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace {

using namespace raft_test;

template <class T>
T any(T from, T to) {
    return *rc::gen::resize(100, rc::gen::inRange<T>(from, to));
}

/// Close to what the core has, or beyond all bounds.
std::uint64_t number(const Core& core) {
    constexpr auto most = std::numeric_limits<std::uint64_t>::max();
    switch (any(0, 12)) {
    case 0: return 0;
    case 1: return core.term();
    case 2: return core.term() + 1;
    case 3: return core.last_index();
    case 4: return core.last_index() + any<std::uint64_t>(0, 3);
    case 5: return core.commit() + any<std::uint64_t>(0, 3);
    case 6: return core.snapshot().index + any<std::uint64_t>(0, 2);
    case 7: return any<std::uint64_t>(0, 8);
    case 8: return most - any<std::uint64_t>(0, 3);
    case 9: return (std::uint64_t{1} << 62) + any<std::uint64_t>(0, 2);
    case 10: return std::uint64_t{1} << any(0, 64);
    default: return 1;
    }
}
ClusterTime time(const Core& core) { return ClusterTime{static_cast<std::int64_t>(number(core))}; }

std::vector<Entry> entries(const Core& core, Index previous) {
    std::vector<Entry> all;
    for (int count = any(0, 5); count != 0; --count) {
        // Now and then as a leader would.
        ++previous;
        const bool sound = any(0, 8) != 0;
        all.push_back({sound ? previous : number(core), sound ? core.term() : number(core),
                       sound ? ClusterTime{5} : time(core), static_cast<EntryKind>(any(0, 4)),
                       any(0, 2) == 0 ? nullptr : bytes("x")});
    }
    return all;
}

Message message(const Core& core) {
    const auto some = [&] { return number(core); };
    const auto maybe = [] { return any(0, 2) == 0; };
    switch (any(0, 9)) {
    case 0:
    case 1: {
        AppendEntries append{some(), some(), some(), some(), some(), {}};
        if (maybe()) {
            append.term = core.term();
            append.previous_index = any<Index>(0, core.last_index() + 2);
            const Entry* const entry = core.entry(append.previous_index);
            append.previous_term = entry != nullptr ? entry->term : append.previous_term;
        }
        append.entries = entries(core, append.previous_index);
        return append;
    }
    case 2: return AppendReply{some(), some(), maybe(), some(), some(), some()};
    case 3: return PreVote{some(), some(), some()};
    case 4: return PreVoteReply{some(), maybe()};
    case 5: return RequestVote{some(), some(), some(), maybe()};
    case 6: return VoteReply{some(), maybe()};
    case 7: {
        InstallSnapshot install{
            some(),     some(), some(), some(),
            time(core), some(), some(), std::string(any<std::size_t>(0, 10), 'p')};
        if (maybe()) {
            install.term = core.term();
            install.index_term = 1;
            install.time = 3ms;
            install.size = 12;
            install.offset = any<std::uint64_t>(0, 12);
        }
        return install;
    }
    case 8: return SnapshotReply{some(), some(), some(), some()};
    default: return TimeoutNow{some()};
    }
}

/// One member against the world.
class Besieged {
public:
    Besieged() {
        options_.id = 1;
        options_.voters = {1, 2, 3};
        options_.snapshot_bytes = 1000;
        Recovered recovered;
        recovered.vote = {2, 0};
        recovered.snapshot = {4, 1, 2ms, bytes("state")};
        recovered.entries = {{5, 1, 3ms, EntryKind::command, bytes("a")},
                             {6, 2, 4ms, EntryKind::barrier, nullptr}};
        core_ = std::make_unique<Core>(options_, recovered, now_, 1, effects_);
        applied_ = 4;
        take();
    }

    void step() {
        term_ = core_->term();
        commit_ = core_->commit();
        switch (any(0, 10)) {
        case 0:
            now_ += std::chrono::milliseconds{any(0, 700)};
            core_->tick(now_, effects_);
            break;
        case 1: core_->stored(now_, written_ - any<std::uint64_t>(0, 2), effects_); break;
        case 2: core_->propose(now_, bytes("mine"), effects_); break;
        case 3: core_->read(now_, ++reads_, effects_); break;
        case 4: core_->transfer(now_, any<NodeId>(0, 5), effects_); break;
        case 5: core_->compact(now_, number(*core_), bytes("state"), effects_); break;
        case 6: core_->set_room(any(0, 3) != 0); break;
        default: {
            // A majority may be honest after all: what it says has to be a vote now and then.
            Message received =
                any(0, 6) == 0 ? Message{VoteReply{core_->term(), true}} : message(*core_);
            if (any(0, 6) == 0) {
                received = PreVoteReply{core_->term() + 1, true};
            }
            core_->receive(now_, any<NodeId>(0, 5), std::move(received), effects_);
        }
        }
        take();
    }

private:
    void take() {
        RC_ASSERT(core_->term() >= term_);
        RC_ASSERT(core_->commit() >= commit_);
        RC_ASSERT(core_->last_index() >= core_->commit());
        RC_ASSERT(core_->cluster_time(now_) >= ClusterTime::zero());
        RC_ASSERT(core_->deadline() > now_ - 24h);
        if (effects_.restore) {
            applied_ = effects_.restore->index;
            log_.clear();
        }
        for (const Entry& entry : effects_.committed) {
            RC_ASSERT(entry.index == ++applied_);
            log_.push_back(entry);
        }
        RC_ASSERT(applied_ == core_->commit());
        for (const Entry& entry : log_) {
            if (entry.index > core_->snapshot().index) {
                RC_ASSERT(core_->entry(entry.index) != nullptr);
                RC_ASSERT(core_->entry(entry.index)->term == entry.term);
                RC_ASSERT(core_->entry(entry.index)->data == entry.data);
            }
        }
        for (const NumberedWrite& write : effects_.writes) {
            RC_ASSERT(write.number == ++written_);
            if (const auto* const truncate = std::get_if<TruncateLog>(&write.write)) {
                RC_ASSERT(truncate->from > commit_);
            }
        }
        if (core_->has_failed()) {
            RC_ASSERT(effects_.messages.empty());
            RC_ASSERT(core_->deadline() == Instant::max());
        }
        effects_.clear();
    }

    CoreOptions options_;
    Instant now_ = 1s;
    Effects effects_;
    std::unique_ptr<Core> core_;
    std::vector<Entry> log_;
    Term term_ = 0;
    Index commit_ = 0;
    Index applied_ = 0;
    std::uint64_t written_ = 0;
    std::uint64_t reads_ = 0;
};

RC_GTEST_PROP(CoreLaw, no_message_does_harm_to_what_is_committed, ()) {
    Besieged besieged;
    for (int count = any(0, 60); count != 0; --count) {
        besieged.step();
    }
}

}  // namespace
