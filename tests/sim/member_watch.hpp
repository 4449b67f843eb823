#pragma once

#include "sim/history.hpp"
#include "sim/ledger.hpp"
#include "sim/trace.hpp"
#include "sim/violation.hpp"

#include <attune/quorum/replica.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

namespace attune_sim {

/// What made a member take a step.
struct Cause {
    enum class Kind : std::uint8_t { start, tick, message, stored, failed, request, transfer };
    Kind kind = Kind::tick;
    raft::NodeId from = 0;
    std::size_t message = 0;  ///< its place in raft::Message
    raft::Term term = 0;
    bool transfer = false;       ///< a RequestVote that the leader has asked for
    raft::Index last_index = 0;  ///< of a RequestVote
    raft::Term last_term = 0;
    std::optional<std::uint64_t> question{};  ///< of a request that is one, its number

    template <class M>
    bool is() const {
        return kind == Kind::message && message == raft::Message(std::in_place_type<M>).index();
    }
};

/// Looks at each step of one member, from its start to its end: I2, I6, and that it promises nothing
/// but what is on its disk.
class MemberWatch {
public:
    MemberWatch(History& history, const raft::CoreOptions& options, const Ledger& ledger,
                bool is_restart, Time local)
        : history_(history),
          options_(options),
          ledger_(ledger),
          image_(ledger.durable()),
          is_restart_(is_restart),
          started_(local),
          last_step_(local) {}

    MemberWatch(const MemberWatch&) = delete;
    MemberWatch& operator=(const MemberWatch&) = delete;
    ~MemberWatch() { history_.ends(image_); }

    void before(const quorum::Replica& replica, Time local, const Cause& cause) {
        const raft::Core& core = replica.raft();
        role_ = core.role();
        term_ = core.term();
        commit_ = core.commit();
        applied_ = replica.machine().applied();
        leader_ = core.leader();
        successor_ = core.successor();
        deadline_ = core.deadline();
        if (cause.kind == Cause::Kind::message && cause.term == term_) {
            heard_[cause.from] = local;
            if (cause.is<raft::AppendReply>() || cause.is<raft::SnapshotReply>()) {
                replied_[cause.from] = ++steps_;
            }
        }
        if (cause.question) {
            asked_.try_emplace(*cause.question, ++steps_);  // it may come twice
        }
    }

    void after(const quorum::Replica& replica, Time local, const Cause& cause,
               const quorum::ReplicaEffects& effects) {
        const raft::Core& core = replica.raft();
        if (core.term() < term_ || core.commit() < commit_ ||
            replica.machine().applied() < applied_) {
            fail("I6", "went back to term " + std::to_string(core.term()) + ", commit " +
                           std::to_string(core.commit()));
        }
        // Entries may be written, committed and gone into a snapshot of its own in one step.
        const auto comes_last = [&](const raft::NumberedWrite& write) {
            return std::holds_alternative<raft::WriteSnapshot>(write.write) &&
                   !cause.is<raft::InstallSnapshot>();
        };
        for (const raft::NumberedWrite& write : effects.writes) {
            unstored_.push_back({write.number, local});
            if (!comes_last(write)) {
                check_write(core, write.write, cause);
            }
        }
        for (const raft::Outgoing& message : effects.messages) {
            check_term(core, message);
            check_message(message);
        }
        for (const quorum::Answer& answer : effects.answers) {
            check_answer(answer);
        }
        check_votes(core, local, cause, effects);
        check_leadership(core, local, cause, effects);
        if (core.role() == raft::Role::leader) {
            history_.leads(options_.id, core, image_);
        }
        if (core.commit() != commit_ || cause.kind == Cause::Kind::start) {
            history_.commits(options_.id, core, image_,
                             cause.kind == Cause::Kind::start ? 0 : commit_);
        }
        if (replica.machine().applied() != applied_ || cause.kind == Cause::Kind::start) {
            history_.applied(options_.id, replica.machine());
        }
        if (!core.has_failed() && replica.machine().applied() != core.commit()) {
            fail("I5", "has committed " + std::to_string(core.commit()) + " and applied " +
                           std::to_string(replica.machine().applied()));
        }
        if (core.has_failed() && !failed_ && cause.kind != Cause::Kind::failed) {
            fail("self-check", "has seen what cannot be, and is silent from now on");
        }
        failed_ = core.has_failed();
        for (const raft::NumberedWrite& write : effects.writes) {
            if (comes_last(write)) {
                check_write(core, write.write, cause);
            }
        }
        if (core.is_ready() &&
            (core.commit() == 0 ||
             (core.entry(core.commit()) != nullptr ? core.entry(core.commit())->term
                                                   : core.snapshot().term) != core.term())) {
            misconduct("I4", "answers before it has committed an entry of its term");
        }
    }

    void stored(std::uint64_t number) {
        while (!unstored_.empty() && unstored_.front().first <= number) {
            unstored_.pop_front();
        }
    }

private:
    [[noreturn]] void fail(const std::string& invariant, const std::string& what) const {
        History::fail(invariant, options_.id, what);
    }

    void misconduct(const std::string& rule, const std::string& what) const {
        if (history_.judges_conduct) {
            fail(rule, what);
        }
    }

    void check_write(const raft::Core& core, const raft::Write& write, const Cause& cause) {
        if (const auto* const vote = std::get_if<raft::WriteVote>(&write)) {
            if (vote->vote.term < image_.vote.term ||
                (vote->vote.term == image_.vote.term && image_.vote.candidate != 0 &&
                 vote->vote.candidate != image_.vote.candidate)) {
                fail("I1", "votes again in term " + std::to_string(vote->vote.term));
            }
        } else if (const auto* const entries = std::get_if<raft::WriteEntries>(&write)) {
            raft::Term previous = image_.last_term();
            raft::Index index = image_.last();
            for (const raft::Entry& entry : entries->entries) {
                if (entry.index != ++index || entry.term < previous) {
                    fail("I3", "writes " + std::to_string(entry.index) + " behind " +
                                   std::to_string(index - 1));
                }
                history_.wrote(options_.id, entry, previous);
                previous = entry.term;
            }
            if (cause.is<raft::AppendEntries>() && cause.term < term_ &&
                role_ != raft::Role::leader) {
                misconduct("stale", "takes entries of term " + std::to_string(cause.term) +
                                        " in term " + std::to_string(term_));
            }
        } else if (const auto* const cut = std::get_if<raft::TruncateLog>(&write)) {
            if (role_ == raft::Role::leader && core.role() == raft::Role::leader &&
                core.term() == term_) {
                fail("I2", "leads and removes entries");
            }
            history_.truncates(options_.id, image_, cut->from);
        } else {
            const auto& snapshot = std::get<raft::WriteSnapshot>(write);
            const raft::Snapshot& taken = snapshot.snapshot;
            history_.snapshot_sizes[taken.index] = taken.data == nullptr ? 0 : taken.data->size();
            if (taken.index > history_.committed() || taken.term != history_.term_of(taken.index)) {
                fail("I5", "has a snapshot of what was not committed");
            }
            if (!snapshot.replaces_log && !image_.has(taken.index, taken.term)) {
                fail("I3", "keeps entries behind a snapshot at " + std::to_string(taken.index) +
                               " that its log does not lead to");
            }
        }
        image_.put(write);
    }

    /// Whatever is said in a term is said in the current one, and the disk knows of it.
    void check_term(const raft::Core& core, const raft::Outgoing& outgoing) const {
        std::visit(
            [&]<class M>(const M& message) {
                if constexpr (!std::is_same_v<M, raft::PreVote> &&
                              !std::is_same_v<M, raft::PreVoteReply>) {
                    if (message.term != core.term()) {
                        misconduct("stale", "speaks in term " + std::to_string(message.term) +
                                                " when it is in term " +
                                                std::to_string(core.term()));
                    }
                    if (message.term > ledger_.durable().vote.term) {
                        misconduct("promise", "speaks in term " + std::to_string(message.term) +
                                                  ", which its disk does not know");
                    }
                }
            },
            outgoing.message);
    }

    void check_message(const raft::Outgoing& outgoing) const {
        const LogImage& disk = ledger_.durable();
        const auto promised = [&](raft::Term term, raft::NodeId candidate) {
            return disk.vote.term > term || disk.vote == raft::Vote{term, candidate};
        };
        if (const auto* const reply = std::get_if<raft::VoteReply>(&outgoing.message)) {
            if (reply->granted && !promised(reply->term, outgoing.to)) {
                misconduct("promise", "gives a vote that its disk does not have");
            }
        } else if (const auto* const ask = std::get_if<raft::RequestVote>(&outgoing.message)) {
            if (!promised(ask->term, options_.id)) {
                misconduct("promise", "asks for votes, and its disk does not have its own");
            }
        } else if (const auto* const has = std::get_if<raft::AppendReply>(&outgoing.message)) {
            if (has->matches && has->index > disk.last()) {
                misconduct("promise", "acknowledges " + std::to_string(has->index) +
                                          ", and its disk has " + std::to_string(disk.last()));
            }
            if (has->matches) {
                history_.acknowledges(options_.id, image_, has->term, has->index);
            }
        } else if (const auto* const whole = std::get_if<raft::SnapshotReply>(&outgoing.message)) {
            const auto size = history_.snapshot_sizes.find(whole->index);
            if (size != history_.snapshot_sizes.end() && whole->received == size->second &&
                whole->index > disk.last()) {
                misconduct("promise", "has the snapshot of " + std::to_string(whole->index) +
                                          ", and its disk has " + std::to_string(disk.last()));
            }
        }
    }

    /// R16, as far as it can be seen from here: a majority has spoken since the question.
    void check_answer(const quorum::Answer& answer) {
        const auto asked = asked_.find(answer.id);
        if (asked == asked_.end() || answer.kind == quorum::Answer::Kind::reply) {
            return;
        }
        const auto since = static_cast<std::size_t>(
            std::count_if(replied_.begin(), replied_.end(),
                          [&](const auto& each) { return each.second > asked->second; }));
        if (answer.kind == quorum::Answer::Kind::view && since + 1 <= options_.voters.size() / 2) {
            misconduct("read", "answers a question, and since it was asked has heard from " +
                                   std::to_string(since));
        }
        asked_.erase(asked);
    }

    void check_votes(const raft::Core& core, Time local, const Cause& cause,
                     const quorum::ReplicaEffects& effects) {
        if (cause.is<raft::PreVote>() && core.term() != term_) {
            misconduct("pre-vote", "changes its term because somebody might become a candidate");
        }
        if (core.role() == raft::Role::pre_candidate && role_ != core.role() &&
            cause.kind == Cause::Kind::tick && core.term() != term_) {
            misconduct("pre-vote", "changes its term before it is a candidate");
        }
        if (cause.is<raft::RequestVote>() && !cause.transfer) {
            const bool votes =
                std::any_of(effects.writes.begin(), effects.writes.end(), [](const auto& write) {
                    const auto* const vote = std::get_if<raft::WriteVote>(&write.write);
                    return vote != nullptr && vote->vote.candidate != 0;
                });
            const bool hears = heard_leader_ && heard_leader_->first == term_ &&
                               leader_ != cause.from &&
                               local - heard_leader_->second < options_.election;
            if (hears && (votes || core.term() != term_)) {
                misconduct("sticky", "hears from its leader, and takes part in an election");
            }
            if (is_restart_ && votes && leader_ != cause.from &&
                local - started_ < options_.election) {
                misconduct("sticky", "votes right after its start");
            }
            if (cause.term == term_ && leader_ == 0 && role_ == raft::Role::follower &&
                image_.vote == raft::Vote{term_, cause.from} &&
                std::pair(cause.last_term, cause.last_index) >=
                    std::pair(image_.last_term(), image_.last())) {
                for (const raft::Outgoing& out : effects.messages) {
                    const auto* const reply = std::get_if<raft::VoteReply>(&out.message);
                    if (reply != nullptr && out.to == cause.from && !reply->granted) {
                        misconduct("vote", "takes back its vote");
                    }
                }
            }
        }
        if ((cause.is<raft::AppendEntries>() || cause.is<raft::InstallSnapshot>()) &&
            cause.term == core.term()) {
            heard_leader_ = {core.term(), local};
        }
    }

    void check_leadership(const raft::Core& core, Time local, const Cause& cause,
                          const quorum::ReplicaEffects& effects) {
        const bool led = role_ == raft::Role::leader;
        const bool leads = core.role() == raft::Role::leader;
        const bool stayed = led && leads && core.term() == term_;
        if (leads && !stayed) {
            leads_since_ = local;
            heard_.clear();
            replied_.clear();
        }
        // A refused request does not get as far as the consensus.
        const bool is_step = cause.kind != Cause::Kind::request || !effects.writes.empty() ||
                             !effects.messages.empty();
        if (stayed && is_step && options_.voters.size() > 1 &&
            local - last_step_ > Time{options_.election} / 4 * 5) {
            misconduct("pause", "leads on after it did nothing for longer than an election takes");
        }
        if (is_step) {
            last_step_ = local;
        }
        if (stayed && cause.kind == Cause::Kind::tick) {
            const Time long_ago = local - 2 * Time{options_.election};
            const auto near = static_cast<std::size_t>(
                std::count_if(heard_.begin(), heard_.end(),
                              [&](const auto& each) { return each.second >= long_ago; }));
            if (leads_since_ < long_ago && near + 1 <= options_.voters.size() / 2) {
                misconduct("quorum", "leads on without a majority");
            }
            if (!unstored_.empty() && unstored_.front().second < long_ago) {
                misconduct("quorum", "leads on with a disk that hangs");
            }
        }
        if (stayed && successor_ != 0 && core.successor() == successor_ &&
            std::any_of(effects.writes.begin(), effects.writes.end(), [](const auto& write) {
                return std::holds_alternative<raft::WriteEntries>(write.write);
            })) {
            misconduct("transfer", "takes proposals while it hands over");
        }
    }

    History& history_;
    const raft::CoreOptions& options_;
    const Ledger& ledger_;
    LogImage image_;  // as written, durable or not
    const bool is_restart_;
    const Time started_;
    Time last_step_;
    Time leads_since_{};
    std::map<raft::NodeId, Time> heard_;
    std::uint64_t steps_ = 0;
    std::map<raft::NodeId, std::uint64_t> replied_;  ///< when, by steps_
    std::map<std::uint64_t, std::uint64_t> asked_;
    std::optional<std::pair<raft::Term, Time>> heard_leader_;
    raft::NodeId successor_ = 0;
    std::deque<std::pair<std::uint64_t, Time>> unstored_;

    bool failed_ = false;
    raft::Role role_ = raft::Role::follower;
    raft::Term term_ = 0;
    raft::Index commit_ = 0;
    raft::Index applied_ = 0;
    raft::NodeId leader_ = 0;
    Time deadline_{};
};

}  // namespace attune_sim
