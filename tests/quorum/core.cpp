#include <attune/quorum/raft/core.hpp>

#include "cores.hpp"

#include <limits>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

using namespace raft_test;
using testing::ElementsAre;

TEST(Core, a_single_voter_leads_as_soon_as_its_vote_is_durable) {
    Alone member{{}, {}, 1};
    EXPECT_TRUE(member.core().is_ready());
    EXPECT_EQ(member.core().term(), 1U);
    member.propose(1, "x");
    EXPECT_EQ(member.member(1).state, "x");
    member.read(1, 1);
    ASSERT_EQ(member.member(1).reads.size(), 1U);
    EXPECT_EQ(member.member(1).reads[0].index, 2U);
    EXPECT_EQ(member.core().deadline(), Instant::max());

    member.crash(1);
    member.disks_are_slow = true;
    member.start(1);
    EXPECT_EQ(member.core().role(), Role::candidate);
    member.flush(1);
    EXPECT_EQ(member.core().role(), Role::leader);
    EXPECT_FALSE(member.core().is_ready());
    member.flush(1);
    EXPECT_TRUE(member.core().is_ready());
    EXPECT_EQ(member.member(1).state, "x");
}

TEST(Core, a_single_voter_that_slept_leads_on) {
    Alone member{{}, {}, 1};
    member.now += 1h;
    EXPECT_NE(member.propose(1, "x").index, 0U);
}

TEST(Core, what_was_durable_is_there_after_a_restart) {
    Cluster cluster{3};
    const NodeId leader = cluster.elect();
    cluster.propose(leader, "x");
    cluster.pass(200ms);
    const Term term = cluster.core(leader).term();
    for (const NodeId id : cluster.ids()) {
        cluster.crash(id);
    }
    cluster.network.clear();
    for (const NodeId id : cluster.ids()) {
        cluster.start(id);
        EXPECT_EQ(cluster.core(id).term(), term);
        EXPECT_EQ(cluster.core(id).last_index(), 2U);
    }
    cluster.elect();
    cluster.pass(200ms);
    for (const NodeId id : cluster.ids()) {
        EXPECT_EQ(cluster.member(id).state, "x");
    }
    EXPECT_EQ(cluster.witness.broken, "");
}

TEST(Core, a_term_begins_with_a_barrier_and_nothing_is_read_before_it_is_committed) {
    Alone member{log_of({1, 1})};
    member.lead();
    EXPECT_EQ(member.core().role(), Role::leader);
    ASSERT_NE(member.core().entry(3), nullptr);
    EXPECT_EQ(member.core().entry(3)->kind, EntryKind::barrier);
    EXPECT_FALSE(member.core().is_ready());
    member.read(1, 7);
    member.hears(2, AppendReply{2, 2, true, 2, 0, 0});
    EXPECT_TRUE(member.member(1).reads.empty());
    EXPECT_EQ(member.core().commit(), 0U);

    member.hears(2, AppendReply{2, 1, true, 3, 0, 0});
    EXPECT_TRUE(member.core().is_ready());
    EXPECT_EQ(member.core().commit(), 3U);
    member.hears(2, AppendReply{2, 2, true, 3, 0, 0});
    ASSERT_EQ(member.member(1).reads.size(), 1U);
    EXPECT_EQ(member.member(1).reads[0].index, 3U);  // all that others may have committed
}

TEST(Core, a_read_waits_for_a_round_that_begins_after_it) {
    Alone member;
    member.lead();
    member.agree();
    member.network.clear();
    member.read(1, 1);
    EXPECT_TRUE(member.member(1).reads.empty());
    EXPECT_EQ(member.sent<AppendEntries>(1, 2).at(0).round, 2U);  // at once
    member.hears(2, AppendReply{1, 1, true, 1, 0, 0});            // of the round before
    EXPECT_TRUE(member.member(1).reads.empty());

    member.network.clear();
    member.read(1, 2);  // while that round is on its way: not of it
    EXPECT_TRUE(member.network.empty());
    member.hears(3, AppendReply{1, 2, true, 1, 0, 0});
    ASSERT_EQ(member.member(1).reads.size(), 1U);
    EXPECT_EQ(member.member(1).reads[0].id, 1U);
    EXPECT_EQ(member.member(1).reads[0].index, 1U);
    EXPECT_EQ(member.sent<AppendEntries>(1, 2).at(0).round, 3U);
    member.hears(2, AppendReply{1, 99, true, 1, 0, 0});  // which never was
    EXPECT_EQ(member.member(1).reads.size(), 1U);
    member.hears(2, AppendReply{1, 3, true, 1, 0, 0});
    EXPECT_EQ(member.member(1).reads.size(), 2U);
}

TEST(Core, a_read_waits_for_the_answers_of_a_majority) {
    for (const NodeId first : {2U, 3U, 4U, 5U}) {
        Alone member{{}, {}, 5};
        member.lead();
        member.agree();
        member.read(1, 1);
        for (int times = 0; times != 3; ++times) {
            member.hears(first, AppendReply{1, 2, true, 1, 0, 0});
            EXPECT_TRUE(member.member(1).reads.empty()) << first;
        }
        member.hears(first == 2 ? 3 : 2, AppendReply{1, 2, true, 1, 0, 0});
        EXPECT_EQ(member.member(1).reads.size(), 1U) << first;
    }
}

TEST(Core, an_answer_of_an_older_term_confirms_no_read) {
    Alone member;
    member.lead();
    member.agree();
    member.hears(2, AppendEntries{2, 1, 1, 1, 1, {}});
    member.wait();
    member.lead();
    ASSERT_EQ(member.core().term(), 3U);
    member.agree();
    member.read(1, 1);
    member.hears(2, AppendReply{1, 2, true, 1, 0, 0});
    EXPECT_TRUE(member.member(1).reads.empty());
    member.hears(2, AppendReply{3, 2, true, 2, 0, 0});
    EXPECT_EQ(member.member(1).reads.size(), 1U);
}

TEST(Core, a_read_without_leadership_tells_nothing) {
    Alone member;
    member.read(1, 1);
    member.lead();
    member.agree();
    member.read(1, 2);
    member.hears(2, AppendReply{5, 1, false, 0, 0, 0});
    ASSERT_EQ(member.member(1).reads.size(), 2U);
    EXPECT_EQ(member.member(1).reads[0].index, std::nullopt);
    EXPECT_EQ(member.member(1).reads[1].id, 2U);
    EXPECT_EQ(member.member(1).reads[1].index, std::nullopt);
}

TEST(Core, reads_that_wait_are_bounded) {
    CoreOptions options;
    options.reads = 3;
    Alone member{{}, options};
    member.lead();
    for (std::uint64_t id = 1; id <= 4; ++id) {
        member.read(1, id);
    }
    ASSERT_EQ(member.member(1).reads.size(), 1U);
    EXPECT_EQ(member.member(1).reads[0].id, 4U);
}

TEST(Core, proposals_that_cannot_be_committed_are_bounded) {
    CoreOptions options;
    options.uncommitted = 3;
    Alone member{{}, options};
    member.lead();  // one is the barrier
    EXPECT_NE(member.propose(1, "a").index, 0U);
    EXPECT_NE(member.propose(1, "b").index, 0U);
    EXPECT_EQ(member.propose(1, "c").index, 0U);
    member.agree();
    EXPECT_NE(member.propose(1, "c").index, 0U);
}

TEST(Core, only_a_leader_with_room_takes_proposals) {
    Alone member;
    EXPECT_EQ(member.propose(1, "x").index, 0U);
    member.lead();
    member.core().set_room(false);
    EXPECT_EQ(member.propose(1, "x").index, 0U);
    member.core().set_room(true);
    const Proposed proposed = member.propose(1, "x");
    EXPECT_EQ(proposed.index, 2U);
    EXPECT_EQ(proposed.term, 1U);
}

TEST(Core, without_room_a_member_does_not_try_to_lead) {
    Alone member;
    member.core().set_room(false);
    member.time_out(1);
    EXPECT_EQ(member.core().role(), Role::follower);
    EXPECT_TRUE(member.network.empty());
    member.core().set_room(true);
    member.time_out(1);
    EXPECT_EQ(member.core().role(), Role::pre_candidate);
}

TEST(Core, a_leader_that_hears_from_no_majority_steps_down) {
    Alone member{{}, {}, 5};
    member.lead();
    member.agree();
    const Instant since = member.now;
    // Rounds are answered by one of four; that is not enough.
    for (std::uint64_t round = 2; member.core().role() == Role::leader; ++round) {
        member.time_out(1);
        member.hears(2, AppendReply{1, round, true, 1, 0, 0});
    }
    EXPECT_EQ(member.now, since + member.options().election);
    EXPECT_EQ(member.core().term(), 1U);
    EXPECT_EQ(member.core().leader(), 0U);
    ASSERT_FALSE(member.member(1).roles.empty());
    EXPECT_EQ(member.member(1).roles.back().role, Role::follower);
}

TEST(Core, an_answer_counts_from_the_time_its_round_began) {
    Alone member;
    member.lead();
    member.agree();
    const Instant began = member.now;
    member.now += 90ms;
    member.agree();  // late
    while (member.core().role() == Role::leader) {
        member.time_out(1);
    }
    EXPECT_EQ(member.now, began + member.options().election);
}

TEST(Core, a_leader_that_hears_from_a_majority_stays) {
    Cluster cluster{3};
    const NodeId leader = cluster.elect();
    const Term term = cluster.core(leader).term();
    cluster.crash(cluster.other_than(leader));
    cluster.pass(10s);
    EXPECT_EQ(cluster.core(leader).role(), Role::leader);
    EXPECT_EQ(cluster.core(leader).term(), term);
}

TEST(Core, a_leader_that_was_paused_steps_down_before_it_looks_at_anything) {
    using Input = void (*)(Alone&);
    for (const Input input :
         {Input{[](Alone& member) { EXPECT_EQ(member.propose(1, "x").index, 0U); }},
          Input{[](Alone& member) { member.tick(1); }},
          Input{[](Alone& member) { member.agree(); }}, Input{[](Alone& member) {
              member.read(1, 1);
              EXPECT_EQ(member.member(1).reads.at(0).index, std::nullopt);
          }}}) {
        Alone member;
        member.lead();
        member.agree();
        const Index before = member.core().last_index();
        member.network.clear();
        member.now += member.options().election + 1ms;
        input(member);
        EXPECT_EQ(member.core().role(), Role::follower);
        EXPECT_EQ(member.core().last_index(), before);
        EXPECT_TRUE(member.network.empty());
    }
}

TEST(Core, a_leader_whose_disk_hangs_steps_down) {
    Alone member;
    member.lead();
    member.agree();
    member.disks_are_slow = true;
    const Instant since = member.now;
    member.propose(1, "x");
    for (std::uint64_t round = 2; member.core().role() == Role::leader; ++round) {
        member.time_out(1);
        member.agree(round);
    }
    EXPECT_EQ(member.now, since + member.options().election);
    // Nor does it try again as long as nothing gets through.
    member.network.clear();
    member.time_out(1);
    EXPECT_EQ(member.core().role(), Role::pre_candidate);
}

TEST(Core, a_member_whose_promises_are_not_durable_begins_no_election) {
    Alone member;
    member.disks_are_slow = true;
    member.hears(2, AppendEntries{4, 0, 0, 0, 1, {}});
    for (int i = 0; i != 10; ++i) {
        member.time_out(1);
    }
    EXPECT_EQ(member.core().role(), Role::follower);
    EXPECT_EQ(member.core().term(), 4U);
    member.flush(1);
    member.time_out(1);
    EXPECT_EQ(member.core().role(), Role::pre_candidate);
}

TEST(Core, what_waits_for_the_disk_is_bounded) {
    Alone member;
    member.disks_are_slow = true;
    for (std::uint64_t round = 1; round <= 1000; ++round) {
        member.hears(2, AppendEntries{4, 0, 0, 0, round, {}});
    }
    EXPECT_TRUE(member.network.empty());
    member.flush(1);
    const auto replies = member.said<AppendReply>();
    EXPECT_LE(replies.size(), member.options().window + 4 * 3);
    EXPECT_EQ(replies.back().round, 1000U);
}

TEST(Core, cluster_time_goes_on_from_the_last_entry_by_the_leaders_clock) {
    Recovered found = log_of({1, 1});
    found.entries[1].time = 5000ms;
    Alone member{found};
    member.now += 100s;
    EXPECT_EQ(member.core().cluster_time(member.now), 5000ms);  // nobody leads
    member.lead();
    EXPECT_EQ(member.core().entry(3)->time, 5000ms);
    member.now += 40ms;
    EXPECT_EQ(member.core().cluster_time(member.now), 5040ms);
    const Proposed proposed = member.propose(1, "x");
    EXPECT_EQ(member.core().entry(proposed.index)->time, 5040ms);
}

TEST(Core, the_log_up_to_a_snapshot_goes) {
    Cluster cluster{3};
    const NodeId leader = cluster.elect();
    for (const char* text : {"a", "b", "c"}) {
        cluster.propose(leader, text);
    }
    cluster.deliver_all();
    const Core& core = cluster.core(leader);
    cluster.step(leader, [&](Core& each, Effects& effects) {
        each.compact(cluster.now, 99, nullptr, effects);  // not committed
        each.compact(cluster.now, 3, bytes("ab"), effects);
        each.compact(cluster.now, 2, bytes("a"), effects);  // there already
    });
    EXPECT_EQ(core.snapshot().index, 3U);
    EXPECT_EQ(text(core.snapshot().data), "ab");
    EXPECT_EQ(core.entry(3), nullptr);
    EXPECT_NE(core.entry(4), nullptr);
    EXPECT_EQ(core.last_index(), 4U);
    const Recovered& durable = cluster.member(leader).disk.durable;
    EXPECT_EQ(durable.snapshot.index, 3U);
    EXPECT_EQ(durable.entries.size(), 1U);

    cluster.crash(leader);
    cluster.start(leader);
    EXPECT_EQ(cluster.core(leader).commit(), 3U);
    EXPECT_EQ(cluster.member(leader).state, "ab");
    EXPECT_EQ(cluster.witness.broken, "");
}

TEST(Core, after_its_storage_has_failed_a_member_is_silent_for_good) {
    Alone member;
    member.lead();
    member.agree();
    member.read(1, 1);
    member.network.clear();
    member.step(1, [&](Core& core, Effects& effects) {
        core.storage_failed(member.now, effects);
        ASSERT_TRUE(effects.role.has_value());
        EXPECT_EQ(effects.role->role, Role::follower);
        ASSERT_EQ(effects.reads.size(), 1U);
        EXPECT_EQ(effects.reads[0].index, std::nullopt);
    });
    EXPECT_TRUE(member.core().has_failed());
    EXPECT_EQ(member.core().deadline(), Instant::max());
    member.wait();
    member.tick(1);
    member.hears(2, RequestVote{9, 9, 9, true});
    member.hears(2, AppendEntries{9, 0, 0, 0, 1, {}});
    EXPECT_EQ(member.propose(1, "x").index, 0U);
    EXPECT_TRUE(member.network.empty());
    EXPECT_EQ(member.disk().pending(), 0U);
    EXPECT_EQ(member.core().term(), 1U);
}

TEST(Core, who_is_no_voter_is_not_listened_to) {
    Alone member;
    member.wait();
    for (const NodeId stranger : {NodeId{0}, NodeId{1}, NodeId{9}}) {
        member.hears(stranger, AppendEntries{4, 0, 0, 0, 1, {}});
        member.hears(stranger, RequestVote{5, 0, 0, true});
    }
    EXPECT_TRUE(member.network.empty());
    EXPECT_EQ(member.core().term(), 0U);
}

TEST(Core, every_change_of_role_term_or_leader_is_told) {
    Alone member;
    member.lead();
    member.hears(2, AppendEntries{3, 0, 0, 0, 1, {}});
    std::vector<Role> roles;
    for (const RoleChange& change : member.member(1).roles) {
        roles.push_back(change.role);
    }
    EXPECT_THAT(roles,
                ElementsAre(Role::pre_candidate, Role::candidate, Role::leader, Role::follower));
    EXPECT_EQ(member.member(1).roles.back().leader, 2U);
    EXPECT_EQ(member.member(1).roles.back().term, 3U);
}

TEST(Core, election_timeouts_differ_by_seed_and_lie_between_one_and_two) {
    std::vector<Instant> deadlines;
    for (std::uint64_t seed = 0; seed != 50; ++seed) {
        Effects effects;
        CoreOptions options;
        options.id = 1;
        options.voters = {1, 2, 3};
        const Core core{options, {}, 1s, seed, effects};
        EXPECT_GE(core.deadline(), 1s + options.election);
        EXPECT_LE(core.deadline(), 1s + 2 * options.election);
        deadlines.push_back(core.deadline());
    }
    std::sort(deadlines.begin(), deadlines.end());
    EXPECT_EQ(std::unique(deadlines.begin(), deadlines.end()), deadlines.end());
}

TEST(Core, a_member_whose_voters_are_none_is_silent) {
    for (const std::vector<NodeId>& voters :
         std::vector<std::vector<NodeId>>{{}, {2}, {2, 3, 4}, {0, 1, 2}, {1, 2, 2}, {1, 1, 2}}) {
        Effects effects;
        CoreOptions options;
        options.id = 1;
        options.voters = voters;
        Core core{options, {}, 1s, 1, effects};
        EXPECT_TRUE(core.has_failed());
        EXPECT_EQ(core.deadline(), Instant::max());
        core.tick(10s, effects);
        core.stored(10s, 1, effects);
        core.receive(10s, 2, RequestVote{2, 0, 0, false}, effects);
        core.receive(10s, 0, RequestVote{2, 0, 0, false}, effects);
        EXPECT_TRUE(effects.messages.empty());
        EXPECT_TRUE(effects.writes.empty());
    }
}

TEST(Core, options_beyond_all_bounds_are_brought_within_them) {
    for (const std::chrono::milliseconds time :
         {std::chrono::milliseconds::min(), 0ms, std::chrono::milliseconds::max()}) {
        for (const std::size_t size : {std::size_t{0}, std::numeric_limits<std::size_t>::max()}) {
            Alone member{{},
                         {.heartbeat = time,
                          .election = time,
                          .batch_bytes = size,
                          .batch_entries = size,
                          .window = size,
                          .piece_bytes = size,
                          .snapshot_bytes = size,
                          .uncommitted = size,
                          .unstored_bytes = size,
                          .reads = size}};
            member.lead();
            member.agree();
            EXPECT_NE(member.propose(1, "x").index, 0U);
        }
    }
}

TEST(Core, time_that_goes_back_does_no_harm) {
    Alone member;
    member.lead();
    member.agree();
    member.now -= 10s;
    EXPECT_NE(member.propose(1, "x").index, 0U);
    EXPECT_GE(member.core().cluster_time(member.now), 0ms);
}

}  // namespace
