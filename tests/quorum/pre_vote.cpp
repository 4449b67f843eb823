#include <attune/quorum/raft/pre_vote.hpp>

#include "cores.hpp"

#include <gtest/gtest.h>

namespace {

using namespace raft_test;

TEST(PreVote, a_yes_changes_neither_term_nor_vote_nor_timer) {
    Alone member{log_of({1})};
    member.wait();
    const Instant before = member.core().deadline();
    member.hears(2, PreVote{9, 1, 1});
    member.hears(3, PreVote{9, 1, 1});  // to both: it is no vote
    const auto replies = member.said<PreVoteReply>();
    ASSERT_EQ(replies.size(), 2U);
    for (const PreVoteReply& reply : replies) {
        EXPECT_TRUE(reply.granted);
        EXPECT_EQ(reply.term, 9U);
    }
    EXPECT_EQ(member.core().term(), 1U);
    EXPECT_EQ(member.core().deadline(), before);
    EXPECT_EQ(member.disk().durable.vote, (Vote{1, 0}));
}

TEST(PreVote, whoever_hears_from_a_leader_or_was_just_started_says_no) {
    Alone member;
    member.hears(3, PreVote{2, 0, 0});
    member.wait();
    member.hears(2, AppendEntries{1, 0, 0, 0, 1, {}});
    member.hears(3, PreVote{2, 0, 0});
    const auto replies = member.said<PreVoteReply>();
    ASSERT_EQ(replies.size(), 2U);
    EXPECT_FALSE(replies[0].granted);
    EXPECT_FALSE(replies[1].granted);
}

TEST(PreVote, a_leader_that_was_restarted_need_not_wait_until_it_is_forgotten) {
    Alone member;
    member.hears(2, AppendEntries{1, 0, 0, 0, 1, {}});
    member.hears(2, PreVote{2, 0, 0});
    const auto replies = member.said<PreVoteReply>();
    ASSERT_EQ(replies.size(), 1U);
    EXPECT_TRUE(replies[0].granted);
}

TEST(PreVote, a_log_must_not_be_behind) {
    Alone member{log_of({1, 2})};
    member.wait();
    member.hears(2, PreVote{3, 5, 1});
    const auto replies = member.said<PreVoteReply>();
    ASSERT_EQ(replies.size(), 1U);
    EXPECT_FALSE(replies[0].granted);
    EXPECT_EQ(replies[0].term, 2U);
}

TEST(PreVote, whoever_asks_for_a_term_that_is_over_learns_the_new_one) {
    Alone ahead{log_of({7})};
    ahead.wait();
    ahead.hears(2, PreVote{4, 9, 3});
    const auto replies = ahead.said<PreVoteReply>();
    ASSERT_EQ(replies.size(), 1U);
    EXPECT_FALSE(replies[0].granted);
    EXPECT_EQ(replies[0].term, 7U);

    Alone behind{log_of({3})};
    behind.time_out(1);
    behind.hears(2, replies[0]);
    EXPECT_EQ(behind.core().term(), 7U);
    EXPECT_EQ(behind.core().role(), Role::follower);
}

TEST(PreVote, no_term_begins_without_a_majority_that_would_vote) {
    Alone member{log_of({3})};
    for (int tries = 0; tries != 20; ++tries) {
        member.time_out(1);
        member.hears(2, PreVoteReply{3, false});
    }
    EXPECT_EQ(member.core().term(), 3U);
    EXPECT_EQ(member.core().role(), Role::pre_candidate);
    member.hears(3, PreVoteReply{4, true});
    EXPECT_EQ(member.core().role(), Role::candidate);
    EXPECT_EQ(member.core().term(), 4U);
}

// Thesis 4.2.3 and 9.6: the server that was cut off would end the leader's term with its own.
TEST(PreVote, a_member_that_was_cut_off_does_not_disturb_when_it_comes_back) {
    Cluster cluster{3};
    const NodeId leader = cluster.elect();
    const Term term = cluster.core(leader).term();
    const NodeId cut = cluster.other_than(leader);
    cluster.isolate(cut);
    cluster.pass(10s);
    cluster.propose(leader, "x");
    cluster.heal();
    cluster.pass(2s);
    EXPECT_EQ(cluster.core(leader).role(), Role::leader);
    EXPECT_EQ(cluster.core(leader).term(), term);
    EXPECT_EQ(cluster.core(cut).leader(), leader);
    EXPECT_EQ(cluster.member(cut).state, "x");
    EXPECT_EQ(cluster.witness.broken, "");
}

// One way only: it is heard by all, and hears nobody.
TEST(PreVote, a_member_that_hears_nobody_does_not_disturb) {
    Cluster cluster{5};
    const NodeId leader = cluster.elect();
    const Term term = cluster.core(leader).term();
    const NodeId deaf = cluster.other_than(leader);
    cluster.loses = [deaf](const Packet& packet) { return packet.to == deaf; };
    cluster.pass(10s);
    EXPECT_EQ(cluster.core(leader).role(), Role::leader);
    EXPECT_EQ(cluster.core(leader).term(), term);
}

// A member may have begun a term that nobody joined: the others come to know of it, and go on.
TEST(PreVote, a_member_that_is_ahead_by_a_lost_election_is_taken_in) {
    Cluster cluster{3};
    const NodeId leader = cluster.elect();
    const NodeId ahead = cluster.other_than(leader);
    cluster.crash(ahead);
    cluster.member(ahead).disk.durable.vote = {cluster.core(leader).term() + 5, ahead};
    cluster.start(ahead);
    cluster.pass(5s);
    const NodeId now_leads = cluster.elect();
    const Proposed proposed = cluster.propose(now_leads, "x");
    cluster.pass(500ms);
    for (const NodeId id : cluster.ids()) {
        EXPECT_EQ(cluster.core(id).commit(), proposed.index);
    }
    EXPECT_EQ(cluster.witness.broken, "");
}

}  // namespace
