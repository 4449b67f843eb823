#include <attune/quorum/raft/timeout_now.hpp>

#include "cores.hpp"

#include <gtest/gtest.h>

namespace {

using namespace raft_test;

TEST(TimeoutNow, leadership_goes_to_the_successor_without_anybody_timing_out) {
    Cluster cluster{3};
    const NodeId leader = cluster.elect();
    cluster.pass(100ms);
    const NodeId successor = cluster.other_than(leader);
    const Instant before = cluster.now;
    EXPECT_TRUE(cluster.transfer(leader, successor));
    cluster.deliver_all();
    EXPECT_EQ(cluster.now, before);
    EXPECT_TRUE(cluster.core(successor).is_ready());
    EXPECT_EQ(cluster.core(leader).leader(), successor);
    EXPECT_EQ(cluster.witness.broken, "");
}

TEST(TimeoutNow, a_successor_has_everything_first) {
    Cluster cluster{3};
    const NodeId leader = cluster.elect();
    cluster.pass(100ms);
    const NodeId successor = cluster.other_than(leader);
    cluster.isolate(successor);
    cluster.propose(leader, "x");
    cluster.deliver_all();
    cluster.heal();
    EXPECT_TRUE(cluster.transfer(leader, successor));
    EXPECT_TRUE(cluster.sent<TimeoutNow>(leader, successor).empty());
    cluster.pass(cluster.options().heartbeat);
    EXPECT_EQ(cluster.core(successor).role(), Role::leader);
    EXPECT_EQ(cluster.member(successor).state, "x");
    EXPECT_EQ(cluster.witness.broken, "");
}

TEST(TimeoutNow, proposals_are_refused_until_it_is_over) {
    Cluster cluster{3};
    const NodeId leader = cluster.elect();
    cluster.pass(100ms);
    cluster.isolate(leader);
    cluster.transfer(leader, cluster.other_than(leader));
    EXPECT_EQ(cluster.propose(leader, "x").index, 0U);
}

TEST(TimeoutNow, it_is_given_up_after_an_election_timeout) {
    Cluster cluster{3};
    const NodeId leader = cluster.elect();
    cluster.pass(100ms);
    const NodeId successor = cluster.other_than(leader);
    cluster.loses = [](const Packet& packet) {
        return std::holds_alternative<TimeoutNow>(packet.message);
    };
    cluster.transfer(leader, successor);
    cluster.pass(cluster.options().election - 1ms);
    EXPECT_EQ(cluster.propose(leader, "x").index, 0U);
    cluster.pass(1ms);
    EXPECT_NE(cluster.propose(leader, "x").index, 0U);
    cluster.heal();
    cluster.pass(2s);
    EXPECT_EQ(cluster.core(leader).role(), Role::leader);
}

TEST(TimeoutNow, one_asked_for_when_the_last_is_over_has_its_own_time) {
    Alone leader;
    leader.lead();
    leader.agree();
    EXPECT_TRUE(leader.transfer(1, 2));
    leader.now += leader.options().election - 1ms;
    leader.tick(1);
    leader.agree(2);
    leader.now += 1ms;
    EXPECT_TRUE(leader.transfer(1, 2));
    leader.tick(1);
    EXPECT_EQ(leader.core().role(), Role::leader);
    EXPECT_EQ(leader.propose(1, "x").index, 0U);
}

TEST(TimeoutNow, a_lost_request_is_sent_again) {
    Cluster cluster{3};
    const NodeId leader = cluster.elect();
    cluster.pass(100ms);
    const NodeId successor = cluster.other_than(leader);
    int count = 0;
    cluster.loses = [&](const Packet& packet) {
        return std::holds_alternative<TimeoutNow>(packet.message) && ++count < 3;
    };
    cluster.transfer(leader, successor);
    cluster.pass(cluster.options().election - 1ms);
    EXPECT_EQ(cluster.core(successor).role(), Role::leader);
    EXPECT_EQ(cluster.witness.broken, "");
}

TEST(TimeoutNow, nobody_gets_it_but_another_voter_and_from_a_leader) {
    Cluster cluster{3};
    const NodeId leader = cluster.elect();
    EXPECT_FALSE(cluster.transfer(leader, leader));
    EXPECT_FALSE(cluster.transfer(leader, 9));
    EXPECT_FALSE(cluster.transfer(cluster.other_than(leader), leader));
    EXPECT_NE(cluster.propose(leader, "x").index, 0U);
}

TEST(TimeoutNow, only_the_leader_of_this_term_is_obeyed) {
    Alone member;
    member.hears(2, AppendEntries{3, 0, 0, 0, 1, {}});
    member.hears(3, TimeoutNow{3});
    member.hears(2, TimeoutNow{2});
    EXPECT_EQ(member.core().role(), Role::follower);
    EXPECT_EQ(member.core().term(), 3U);
    member.network.clear();
    member.hears(2, TimeoutNow{3});
    EXPECT_EQ(member.core().role(), Role::candidate);
    EXPECT_EQ(member.core().term(), 4U);
    const auto requests = member.said<RequestVote>();
    ASSERT_EQ(requests.size(), 2U);
    EXPECT_TRUE(requests[0].transfer);
    // Whoever is no follower any more has its own way.
    member.hears(2, TimeoutNow{4});
    EXPECT_EQ(member.core().term(), 4U);
}

TEST(TimeoutNow, a_successor_without_room_stays_where_it_is) {
    Alone member;
    member.hears(2, AppendEntries{3, 0, 0, 0, 1, {}});
    member.core().set_room(false);
    member.hears(2, TimeoutNow{3});
    EXPECT_EQ(member.core().role(), Role::follower);
}

}  // namespace
