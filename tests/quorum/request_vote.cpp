#include <attune/quorum/raft/request_vote.hpp>

#include "cores.hpp"

#include <gtest/gtest.h>

namespace {

using namespace raft_test;

TEST(RequestVote, a_vote_is_given_once_it_is_durable) {
    Alone member;
    member.disks_are_slow = true;
    member.wait();
    member.hears(2, RequestVote{1, 0, 0, false});
    EXPECT_TRUE(member.network.empty());

    member.flush(1);
    EXPECT_EQ(member.disk().durable.vote, (Vote{1, 2}));
    const auto replies = member.sent<VoteReply>(1, 2);
    ASSERT_EQ(replies.size(), 1U);
    EXPECT_TRUE(replies[0].granted);
    EXPECT_EQ(replies[0].term, 1U);
}

TEST(RequestVote, a_refusal_waits_for_the_term_to_be_durable) {
    Alone member{log_of({1, 1})};
    member.disks_are_slow = true;
    member.wait();
    member.hears(2, RequestVote{5, 1, 1, false});
    EXPECT_TRUE(member.network.empty());
    member.flush(1);
    const auto replies = member.said<VoteReply>();
    ASSERT_EQ(replies.size(), 1U);
    EXPECT_FALSE(replies[0].granted);
    EXPECT_EQ(replies[0].term, 5U);
}

TEST(RequestVote, a_candidate_asks_when_its_own_vote_is_durable_and_counts_it_only_then) {
    Alone member;
    member.disks_are_slow = true;
    member.time_out(1);
    member.hears(2, PreVoteReply{1, true});
    EXPECT_EQ(member.core().role(), Role::candidate);
    EXPECT_TRUE(member.said<RequestVote>().empty());
    member.hears(3, VoteReply{1, true});  // which cannot be, and is not enough
    EXPECT_EQ(member.core().role(), Role::candidate);

    member.flush(1);
    EXPECT_EQ(member.disk().durable.vote, (Vote{1, 1}));
    EXPECT_EQ(member.core().role(), Role::leader);
    EXPECT_EQ(member.said<RequestVote>().size(), 2U);
}

TEST(RequestVote, a_vote_stands_for_its_term_and_is_given_again_to_the_same_alone) {
    Alone member;
    member.wait();
    member.hears(2, RequestVote{1, 0, 0, false});
    member.hears(2, RequestVote{1, 0, 0, false});
    member.hears(3, RequestVote{1, 0, 0, false});
    auto replies = member.said<VoteReply>();
    ASSERT_EQ(replies.size(), 3U);
    EXPECT_TRUE(replies[0].granted);
    EXPECT_TRUE(replies[1].granted);
    EXPECT_FALSE(replies[2].granted);

    member.crash(1);
    member.start(1);
    member.wait();
    member.hears(3, RequestVote{1, 0, 0, false});
    member.hears(2, RequestVote{1, 0, 0, false});
    replies = member.said<VoteReply>();
    ASSERT_EQ(replies.size(), 2U);
    EXPECT_FALSE(replies[0].granted);
    EXPECT_TRUE(replies[1].granted);
}

TEST(RequestVote, a_candidate_that_was_restarted_does_not_vote_for_another_in_its_term) {
    Alone member;
    member.time_out(1);
    member.hears(2, PreVoteReply{1, true});
    member.crash(1);
    member.network.clear();
    member.start(1);
    EXPECT_EQ(member.core().term(), 1U);
    member.wait();
    member.hears(3, RequestVote{1, 9, 1, false});
    const auto replies = member.said<VoteReply>();
    ASSERT_EQ(replies.size(), 1U);
    EXPECT_FALSE(replies[0].granted);
}

struct Log {
    Term last_term;
    Index last_index;
    bool good;
};

TEST(RequestVote, a_log_must_not_be_behind_that_of_the_voter) {
    for (const Log& log : {Log{2, 3, true}, Log{2, 4, true}, Log{3, 1, true}, Log{2, 2, false},
                           Log{1, 9, false}, Log{0, 0, false}}) {
        Alone member{log_of({1, 2, 2})};
        member.wait();
        member.hears(2, RequestVote{5, log.last_index, log.last_term, false});
        const auto replies = member.said<VoteReply>();
        ASSERT_EQ(replies.size(), 1U);
        EXPECT_EQ(replies[0].granted, log.good) << log.last_term << " " << log.last_index;
        EXPECT_EQ(member.core().term(), 5U);
    }
}

TEST(RequestVote, whoever_hears_from_a_leader_does_not_take_part) {
    Alone member;
    member.wait();
    member.hears(2, AppendEntries{1, 0, 0, 0, 1, {}});
    member.network.clear();
    member.now += 499ms;
    member.hears(3, RequestVote{7, 0, 0, false});
    EXPECT_TRUE(member.network.empty());
    EXPECT_EQ(member.core().term(), 1U);

    member.now += 1ms;
    member.hears(3, RequestVote{7, 0, 0, false});
    EXPECT_EQ(member.core().term(), 7U);
    EXPECT_EQ(member.said<VoteReply>().size(), 1U);
}

TEST(RequestVote, the_leader_itself_and_its_successor_get_votes_all_the_same) {
    for (const NodeId candidate : {NodeId{2}, NodeId{3}}) {
        Alone member;
        member.hears(2, AppendEntries{1, 0, 0, 0, 1, {}});
        member.hears(candidate, RequestVote{2, 0, 0, candidate == 3});
        const auto replies = member.said<VoteReply>();
        ASSERT_EQ(replies.size(), 1U);
        EXPECT_TRUE(replies[0].granted);
    }
}

TEST(RequestVote, a_restart_counts_as_having_heard_from_a_leader) {
    Alone member;
    member.hears(2, RequestVote{3, 0, 0, false});
    EXPECT_TRUE(member.network.empty());
    EXPECT_EQ(member.core().term(), 0U);
    member.now += member.options().election;
    member.hears(2, RequestVote{3, 0, 0, false});
    EXPECT_EQ(member.said<VoteReply>().size(), 1U);
}

TEST(RequestVote, a_vote_that_is_given_restarts_the_election_timer_and_a_refusal_does_not) {
    Alone member{log_of({1})};
    member.now = member.core().deadline() - 1ms;
    const Instant before = member.core().deadline();
    member.hears(2, RequestVote{5, 0, 0, false});
    EXPECT_EQ(member.core().deadline(), before);
    member.hears(3, RequestVote{6, 1, 1, false});
    EXPECT_GE(member.core().deadline(), member.now + member.options().election);
}

TEST(RequestVote, whoever_asks_in_an_older_term_learns_the_new_one) {
    Alone member{log_of({4})};
    member.wait();
    member.hears(2, RequestVote{3, 1, 1, false});
    const auto replies = member.said<VoteReply>();
    ASSERT_EQ(replies.size(), 1U);
    EXPECT_FALSE(replies[0].granted);
    EXPECT_EQ(replies[0].term, 4U);
}

TEST(RequestVote, votes_of_another_term_do_not_count_and_a_newer_one_ends_the_election) {
    Alone member{log_of({4})};
    member.time_out(1);
    member.hears(2, PreVoteReply{5, true});
    member.hears(3, VoteReply{4, true});
    EXPECT_EQ(member.core().role(), Role::candidate);
    member.hears(2, VoteReply{6, false});
    EXPECT_EQ(member.core().role(), Role::follower);
    EXPECT_EQ(member.core().term(), 6U);
    EXPECT_EQ(member.disk().durable.vote, (Vote{6, 0}));
}

TEST(RequestVote, the_same_voter_counts_once) {
    Alone member{{}, {}, 5};
    member.time_out(1);
    member.hears(2, PreVoteReply{1, true});
    member.hears(2, PreVoteReply{1, true});
    EXPECT_EQ(member.core().role(), Role::pre_candidate);
    member.hears(3, PreVoteReply{1, true});
    member.hears(2, VoteReply{1, true});
    member.hears(2, VoteReply{1, true});
    EXPECT_EQ(member.core().role(), Role::candidate);
    member.hears(3, VoteReply{1, true});
    EXPECT_EQ(member.core().role(), Role::leader);
}

TEST(RequestVote, voters_that_do_not_answer_are_asked_again) {
    Alone member{{}, {}, 5};
    member.time_out(1);
    member.hears(2, PreVoteReply{1, true});
    member.hears(3, PreVoteReply{1, true});
    member.hears(4, VoteReply{1, true});
    member.network.clear();
    member.time_out(1);
    EXPECT_EQ(member.sent<RequestVote>(1, 2).size(), 1U);
    EXPECT_EQ(member.sent<RequestVote>(1, 4).size(), 0U);
    EXPECT_EQ(member.core().term(), 1U);
}

}  // namespace
