#include <attune/quorum/raft/core.hpp>

#include "cores.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

// The known hard cases, as whole clusters live through them.

namespace {

using namespace raft_test;
using testing::ElementsAre;

class Scene {
public:
    /// A cluster of members that were stopped with these logs, in this term.
    Scene(const std::vector<std::vector<Term>>& logs, Term term) : cluster(logs.size()) {
        cluster.checks = false;  // logs that fell from the sky
        for (const NodeId id : cluster.ids()) {
            cluster.crash(id);
            cluster.member(id).disk.durable = log_of(logs[id - 1]);
            cluster.member(id).disk.durable.vote = {term, 0};
        }
        cluster.network.clear();
        for (const NodeId id : cluster.ids()) {
            cluster.start(id);
        }
    }
    /// That member's time is up; what it says is heard, and answered, by these.
    void campaign(NodeId id, const std::vector<NodeId>& hearers) {
        only(id, hearers);
        cluster.now += 2 * cluster.options().election;
        cluster.tick(id);
        cluster.deliver_all();
    }
    void only(NodeId id, const std::vector<NodeId>& others) {
        cluster.loses = [=](const Packet& packet) {
            const auto is_among = [&](NodeId each) {
                return std::find(others.begin(), others.end(), each) != others.end();
            };
            return !(packet.from == id && is_among(packet.to)) &&
                   !(packet.to == id && is_among(packet.from));
        };
    }

    Cluster cluster;
};

// Figure 8 of the paper, 3.7 of the thesis. Here S1 leads again (c), in term 4: its entry of term 2
// is on a majority and may still be overwritten, as long as none of term 4 is.
TEST(Scenario, figure_8_an_entry_of_an_older_term_is_not_committed_by_counting) {
    Recovered found = log_of({1, 2});
    found.vote = {3, 0};
    Alone member{found, {}, 5};
    member.lead();
    ASSERT_EQ(member.core().term(), 4U);
    member.hears(2, AppendReply{4, 1, true, 2, 0, 0});
    member.hears(3, AppendReply{4, 1, true, 2, 0, 0});
    EXPECT_EQ(member.core().commit(), 0U);
    // (d) S5 leads then, and overwrites it.
    member.hears(5, AppendEntries{5, 1, 1, 0, 1, entries_of({1, 3}, 1)});
    EXPECT_THAT(terms_of(member.core()), ElementsAre(1, 3));
    EXPECT_FALSE(member.core().has_failed());
}

TEST(Scenario, figure_8_with_an_entry_of_its_own_term_on_a_majority_the_older_one_is_safe) {
    Scene scene{{{1, 2}, {1, 2}, {1}, {1}, {1, 3}}, 3};
    Cluster& cluster = scene.cluster;
    scene.campaign(1, {2, 3});
    ASSERT_EQ(cluster.core(1).term(), 4U);
    EXPECT_THAT(terms_of(cluster.core(3)), ElementsAre(1, 2, 4));
    EXPECT_EQ(cluster.core(1).commit(), 3U);
    // (e) S5 cannot win any more: of three that hear from it two know better.
    cluster.crash(1);
    for (int tries = 0; tries != 5; ++tries) {
        scene.campaign(5, {2, 3, 4});
        EXPECT_NE(cluster.core(5).role(), Role::leader);
    }
    scene.campaign(3, {2, 4, 5});
    EXPECT_EQ(cluster.core(3).role(), Role::leader);
    EXPECT_THAT(terms_of(cluster.core(5)), ElementsAre(1, 2, 4, 5));
}

TEST(Scenario, a_member_that_voted_and_was_restarted_votes_for_nobody_else_in_that_term) {
    Scene scene{{{1}, {1}, {1}}, 1};
    Cluster& cluster = scene.cluster;
    cluster.disks_are_slow = true;
    cluster.now += cluster.options().election;
    cluster.receive(1, 2, RequestVote{2, 1, 1, false});
    cluster.flush(2);
    ASSERT_EQ(cluster.sent<VoteReply>(2, 1).size(), 1U);
    cluster.crash(2);
    cluster.start(2);
    cluster.now += cluster.options().election;
    cluster.receive(3, 2, RequestVote{2, 1, 1, false});
    cluster.flush(2);
    const auto replies = cluster.sent<VoteReply>(2, 3);
    ASSERT_EQ(replies.size(), 1U);
    EXPECT_FALSE(replies[0].granted);
}

TEST(Scenario, a_vote_that_was_lost_with_the_machine_was_never_given) {
    Scene scene{{{1}, {1}, {1}}, 1};
    Cluster& cluster = scene.cluster;
    cluster.disks_are_slow = true;
    cluster.now += cluster.options().election;
    cluster.receive(1, 2, RequestVote{2, 1, 1, false});
    cluster.crash(2);
    EXPECT_TRUE(cluster.sent<VoteReply>(2, 1).empty());
    cluster.start(2);
    cluster.now += cluster.options().election;
    cluster.receive(3, 2, RequestVote{2, 1, 1, false});
    cluster.flush(2);
    EXPECT_TRUE(cluster.sent<VoteReply>(2, 3).at(0).granted);
}

// It was stopped for a while, and the others have gone on: what it is asked first, and what waits
// in its sockets, finds no leader.
TEST(Scenario, a_paused_leader_serves_nobody) {
    Cluster cluster{3};
    const NodeId old = cluster.elect();
    cluster.pass(200ms);
    const NodeId other = cluster.other_than(old);
    const NodeId third = cluster.other_than(old, other);
    // Everything that goes to it waits.
    std::vector<Packet> waiting;
    cluster.loses = [&](const Packet& packet) {
        if (packet.to == old) {
            waiting.push_back(packet);
        }
        return packet.to == old;
    };
    for (int i = 0; i != 60 && !cluster.core(other).is_ready() && !cluster.core(third).is_ready();
         ++i) {
        cluster.now += 50ms;
        for (const NodeId id : {other, third}) {
            if (cluster.core(id).deadline() <= cluster.now) {
                cluster.tick(id);
            }
        }
        cluster.deliver_all();
    }
    const NodeId fresh = cluster.core(other).is_ready() ? other : third;
    ASSERT_TRUE(cluster.core(fresh).is_ready());
    ASSERT_EQ(cluster.core(old).role(), Role::leader);
    cluster.propose(fresh, "new");
    cluster.deliver_all();

    cluster.read(old, 1);
    EXPECT_EQ(cluster.member(old).reads.at(0).index, std::nullopt);
    EXPECT_EQ(cluster.propose(old, "old").index, 0U);
    cluster.heal();
    for (Packet& packet : waiting) {
        cluster.receive(packet.from, packet.to, std::move(packet.message));
    }
    cluster.pass(500ms);
    EXPECT_EQ(cluster.member(old).state, "new");
    EXPECT_EQ(cluster.witness.broken, "");
}

// A leader that is cut off from the majority, with a client beside it.
TEST(Scenario, what_only_a_minority_has_heard_of_gives_way) {
    Cluster cluster{5};
    const NodeId old = cluster.elect();
    cluster.pass(200ms);
    const NodeId friendly = cluster.other_than(old);
    cluster.loses = [=](const Packet& packet) {
        const auto here = [&](NodeId id) { return id == old || id == friendly; };
        return here(packet.from) != here(packet.to);
    };
    const Proposed lost = cluster.propose(old, "lost");
    cluster.pass(5s);
    EXPECT_NE(cluster.core(old).role(), Role::leader);
    EXPECT_LT(cluster.core(old).commit(), lost.index);
    NodeId fresh = 0;
    for (const NodeId id : cluster.ids()) {
        fresh = cluster.core(id).is_ready() ? id : fresh;
    }
    ASSERT_NE(fresh, 0U);
    cluster.propose(fresh, "kept");
    cluster.heal();
    cluster.pass(3s);
    for (const NodeId id : cluster.ids()) {
        EXPECT_EQ(cluster.member(id).state, "kept");
    }
    EXPECT_EQ(cluster.witness.broken, "");
}

TEST(Scenario, a_third_of_all_messages_may_be_lost) {
    Cluster cluster{3};
    std::uint64_t random = 1;
    cluster.loses = [&](const Packet&) {
        random = random * 6364136223846793005U + 1442695040888963407U;
        return (random >> 33U) % 3 == 0;
    };
    int proposed = 0;
    for (int tries = 0; tries != 2000 && proposed != 50; ++tries) {
        for (const NodeId id : cluster.ids()) {
            if (cluster.core(id).is_ready()) {
                proposed += cluster.propose(id, "x").index != 0 ? 1 : 0;
                break;
            }
        }
        cluster.pass(20ms);
    }
    EXPECT_EQ(proposed, 50);
    cluster.heal();
    cluster.pass(3s);
    for (const NodeId id : cluster.ids()) {
        EXPECT_EQ(cluster.member(id).state, cluster.member(1).state);
    }
    EXPECT_EQ(cluster.witness.broken, "");
}

}  // namespace
