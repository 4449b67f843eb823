#pragma once

#include "sim/ledger.hpp"
#include "sim/lock_watch.hpp"
#include "sim/statistics.hpp"
#include "sim/violation.hpp"

#include <attune/quorum/lock_machine/lock_machine.hpp>
#include <attune/quorum/raft/core.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace attune_sim {

/// All that all members have ever agreed on, and what none of them may contradict: I1, I3, I4, I5,
/// I7, and that cluster time runs no faster than time.
class History {
public:
    explicit History(Statistics& statistics) : locks(statistics), statistics_(statistics) {}

    LockWatch locks;
    /// Of all members, in the order of their numbers.
    std::vector<const Ledger*> ledgers{};
    /// Of the states that were written, by index: they are the same everywhere.
    std::map<raft::Index, std::uint64_t> snapshot_sizes{};
    /// Cluster time that may have passed by now.
    raft::ClusterTime latest_time = raft::ClusterTime::max();
    /// Whether a member is judged by what it does, even where nothing comes of it: promises that
    /// are not on its disk, say.
    bool judges_conduct = true;

    raft::Index committed() const noexcept { return committed_.size(); }
    raft::Term term_of(raft::Index index) const { return committed_[index - 1].place.term; }

    /// I3: an entry with its term is always the same, and so is the one before it.
    void wrote(raft::NodeId node, const raft::Entry& entry, raft::Term previous) {
        if (written_.size() <= entry.index) {
            written_.resize(entry.index + 1);
        }
        const std::uint64_t hash = hash_of(entry);
        for (const Written& other : written_[entry.index]) {
            if (other.entry.term == entry.term) {
                if (hash_of(other.entry) != hash || other.previous != previous) {
                    fail("I3", node, "wrote another entry " + place(entry.index, entry.term));
                }
                return;
            }
        }
        written_[entry.index].push_back({entry, previous});
    }

    /// I1 and I4. `image` is what it has written.
    void leads(raft::NodeId node, const raft::Core& core, const LogImage& image) {
        leading_ = {core.term(), &image};
        const auto [leader, is_new] = leaders_.emplace(core.term(), node);
        if (leader->second != node) {
            fail("I1", node,
                 "leads term " + std::to_string(core.term()) + " of member " +
                     std::to_string(leader->second));
        }
        if (is_new) {
            statistics_.add(Count::elections);
            raft::Index index = committed();
            while (index != 0 && committed_[index - 1].by >= core.term()) {
                --index;
            }
            if (index != 0 && !has(core, index, term_of(index))) {
                fail("I4", node, "leads without the entry " + place(index, term_of(index)));
            }
        }
    }

    /// I5 and I7: what it commits is what all commit, and a majority has it on its disks. `image` is
    /// what it has written.
    void commits(raft::NodeId node, const raft::Core& core, const LogImage& image,
                 raft::Index after) {
        for (raft::Index index = after + 1; index <= core.commit(); ++index) {
            if (index <= image.base) {
                if (index > committed()) {
                    fail("I5", node, "commits " + std::to_string(index) + " unseen");
                }
                continue;
            }
            if (index > image.last()) {
                fail("I5", node, "commits " + std::to_string(index) + ", which it does not have");
            }
            const LogImage::Place& there = image.at(index);
            if (index <= committed()) {
                if (committed_[index - 1].place != there) {
                    fail("I5", node,
                         "commits another entry " + place(index, there.term) +
                             " than that of term " + std::to_string(term_of(index)));
                }
                continue;
            }
            const raft::Entry& entry = written(index, there.term);
            if (judges_conduct && core.role() == raft::Role::leader && core.commit() == index &&
                entry.term != core.term()) {
                fail("commit", node,
                     "leads term " + std::to_string(core.term()) + " and commits " +
                         place(index, entry.term));
            }
            if (judges_conduct) {
                check_majority(node, entry);
            }
            check_time(node, entry);
            committed_.push_back({there, core.term()});
            locks.apply(entry);
        }
    }

    /// `image` goes.
    void ends(const LogImage& image) noexcept {
        if (leading_.second == &image) {
            leading_ = {};
        }
    }

    /// I3: whoever follows acknowledges what is the same in the log of its leader.
    void acknowledges(raft::NodeId node, const LogImage& image, raft::Term term,
                      raft::Index index) const {
        const LogImage* const leader = leading_.second;
        if (!judges_conduct || leading_.first != term || leader == nullptr ||
            leader->vote.term != term) {
            return;
        }
        if (index > leader->last() ||
            (index > std::max(leader->base, image.base) && index <= image.last() &&
             leader->at(index).term != image.at(index).term)) {
            fail("I3", node,
                 "acknowledges " + std::to_string(index) +
                     ", which is not what its leader has there");
        }
    }

    /// I5.
    void applied(raft::NodeId node, const quorum::LockMachine& machine) const {
        if (machine.applied() > committed()) {
            fail("I5", node, "has applied what nobody has committed");
        }
        if (machine.hash() != locks.hash_at(machine.applied())) {
            fail("I5", node, "differs after entry " + std::to_string(machine.applied()));
        }
    }

    /// I7.
    void truncates(raft::NodeId node, const LogImage& image, raft::Index from) const {
        for (raft::Index index = from; index <= std::min(image.last(), committed()); ++index) {
            if (index <= image.base || image.has(index, term_of(index))) {
                fail("I7", node, "removes the committed entry " + place(index, term_of(index)));
            }
        }
    }

    [[noreturn]] static void fail(const std::string& invariant, raft::NodeId node,
                                  const std::string& what) {
        throw Violation(invariant, "member " + std::to_string(node) + ' ' + what);
    }

private:
    struct Written {
        raft::Entry entry;
        raft::Term previous;
    };
    struct Committed {
        LogImage::Place place;
        raft::Term by;  ///< of the leader
    };

    static std::string place(raft::Index index, raft::Term term) {
        return std::to_string(index) + " of term " + std::to_string(term);
    }
    static bool has(const raft::Core& core, raft::Index index, raft::Term term) {
        const raft::Entry* const entry = core.entry(index);
        return entry != nullptr ? entry->term == term : index <= core.snapshot().index;
    }
    const raft::Entry& written(raft::Index index, raft::Term term) const {
        return std::find_if(written_[index].begin(), written_[index].end(),
                            [&](const Written& each) { return each.entry.term == term; })
            ->entry;
    }
    void check_majority(raft::NodeId node, const raft::Entry& entry) const {
        const auto have = static_cast<std::size_t>(
            std::count_if(ledgers.begin(), ledgers.end(), [&](const Ledger* ledger) {
                return ledger->durable().has(entry.index, entry.term);
            }));
        if (have <= ledgers.size() / 2) {
            fail("durability", node,
                 "commits " + place(entry.index, entry.term) + ", which " + std::to_string(have) +
                     " disks have");
        }
    }
    void check_time(raft::NodeId node, const raft::Entry& entry) {
        if (entry.time < time_ || entry.time > latest_time) {
            fail("I6", node,
                 "commits cluster time " + std::to_string(entry.time.count()) + " ms after " +
                     std::to_string(time_.count()) + " ms");
        }
        time_ = entry.time;
    }

    Statistics& statistics_;
    std::vector<Committed> committed_;
    std::vector<std::vector<Written>> written_;  // by index
    std::map<raft::Term, raft::NodeId> leaders_;
    std::pair<raft::Term, const LogImage*> leading_{};  ///< the last that was seen to
    raft::ClusterTime time_{};
};

}  // namespace attune_sim
