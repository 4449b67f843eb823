#include <attune/quorum/raft/install_snapshot.hpp>

#include "cores.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

using namespace raft_test;
using testing::ElementsAre;

constexpr const char* state = "abcdefghij";

/// Of a snapshot of that state, after entry 5.
InstallSnapshot piece(std::uint64_t offset, std::size_t size, Term term = 3, Index index = 5) {
    return {term, 1, index, 2, 9ms, 10, offset, std::string(state).substr(offset, size)};
}
AppendEntries heartbeat(Term term) { return {term, 0, 0, 0, 1, {}}; }

TEST(InstallSnapshot, pieces_are_put_together_whatever_becomes_of_them_on_the_way) {
    Alone member;
    const auto received = [&] { return member.said<SnapshotReply>().at(0).received; };
    member.hears(2, piece(4, 3));  // before the first
    EXPECT_EQ(received(), 0U);
    member.hears(2, piece(0, 4));
    EXPECT_EQ(received(), 4U);
    member.hears(2, piece(0, 4));  // again
    EXPECT_EQ(received(), 4U);
    member.hears(2, piece(7, 3));  // one is missing
    EXPECT_EQ(received(), 4U);
    member.hears(2, piece(2, 5));  // part of it is known
    EXPECT_EQ(received(), 7U);
    EXPECT_EQ(member.core().commit(), 0U);
    member.hears(2, piece(7, 3));
    EXPECT_EQ(received(), 10U);
    EXPECT_EQ(member.core().commit(), 5U);
    EXPECT_EQ(member.core().snapshot().time, 9ms);
    EXPECT_EQ(member.core().cluster_time(member.now), 9ms);
    EXPECT_EQ(member.member(1).state, state);
    EXPECT_EQ(text(member.disk().durable.snapshot.data), state);
}

TEST(InstallSnapshot, the_whole_is_acknowledged_when_it_is_durable) {
    Alone member;
    member.hears(2, heartbeat(3));
    member.network.clear();
    member.disks_are_slow = true;
    member.hears(2, piece(0, 10));
    member.hears(2, piece(0, 10));
    EXPECT_TRUE(member.network.empty());
    EXPECT_EQ(member.member(1).state, state);
    // Nor is anything that comes after it.
    member.hears(2, AppendEntries{3, 5, 2, 5, 1, {}});
    EXPECT_EQ(member.said<AppendReply>().at(0).index, 0U);
    member.flush(1);
    for (const SnapshotReply& reply : member.said<SnapshotReply>()) {
        EXPECT_EQ(reply.received, 10U);
        EXPECT_EQ(reply.index, 5U);
    }
    member.hears(2, AppendEntries{3, 5, 2, 5, 1, {}});
    EXPECT_EQ(member.said<AppendReply>().at(0).index, 5U);
}

TEST(InstallSnapshot, a_log_that_disagrees_goes_as_a_whole) {
    for (const std::vector<Term>& log :
         {std::vector<Term>{1, 1, 1, 1, 1, 1, 1}, std::vector<Term>{1, 1, 1}}) {
        Alone member{log_of(log)};
        member.hears(2, piece(0, 10));
        EXPECT_EQ(member.core().last_index(), 5U);
        EXPECT_EQ(member.core().snapshot().term, 2U);
        EXPECT_TRUE(member.disk().durable.entries.empty());

        member.crash(1);
        member.start(1);
        EXPECT_EQ(member.core().last_index(), 5U);
        EXPECT_EQ(member.member(1).state, state);
    }
}

TEST(InstallSnapshot, a_log_that_has_its_last_entry_stays) {
    Alone member{log_of({1, 1, 1, 2, 2, 2, 2})};
    member.hears(2, piece(0, 4));
    EXPECT_EQ(member.said<SnapshotReply>().at(0).received, 10U);
    EXPECT_EQ(member.core().commit(), 5U);
    EXPECT_EQ(member.core().last_index(), 7U);
    EXPECT_EQ(member.core().snapshot().index, 0U);
    EXPECT_EQ(member.member(1).state, "1@1;2@1;3@1;4@2;5@2;");
}

TEST(InstallSnapshot, what_is_committed_already_is_acknowledged_at_once) {
    Alone member{log_of({1, 1, 1, 2, 2, 2, 2})};
    member.hears(2, AppendEntries{3, 7, 2, 6, 1, {}});
    member.hears(2, piece(0, 4));
    EXPECT_EQ(member.said<SnapshotReply>().at(0).received, 10U);
    EXPECT_EQ(member.core().commit(), 6U);
}

TEST(InstallSnapshot, a_later_one_takes_the_place_of_what_has_come_and_an_earlier_one_is_late) {
    Alone member;
    member.hears(2, piece(0, 4));
    member.hears(2, piece(0, 2, 3, 8));
    EXPECT_EQ(member.said<SnapshotReply>().at(1).received, 2U);
    member.hears(2, piece(4, 6));
    EXPECT_TRUE(member.said<SnapshotReply>().empty());
    member.hears(2, piece(2, 8, 3, 8));
    EXPECT_EQ(member.core().commit(), 8U);
}

TEST(InstallSnapshot, a_new_leader_begins_from_the_first_byte) {
    Alone member;
    member.hears(2, piece(0, 4));
    member.hears(3, piece(4, 6, 4));
    const auto replies = member.said<SnapshotReply>();
    ASSERT_EQ(replies.size(), 2U);
    EXPECT_EQ(replies[1].received, 0U);
    EXPECT_EQ(member.core().commit(), 0U);
}

TEST(InstallSnapshot, a_leader_of_an_older_term_is_told) {
    Alone member{log_of({7})};
    member.hears(2, piece(0, 10));
    EXPECT_EQ(member.said<SnapshotReply>().at(0).term, 7U);
    EXPECT_EQ(member.core().leader(), 0U);
    EXPECT_EQ(member.core().commit(), 0U);
}

TEST(InstallSnapshot, a_message_that_makes_no_sense_is_ignored) {
    std::vector<InstallSnapshot> messages(7, piece(0, 4));
    messages[0].index = 0;
    messages[1].index_term = 4;
    messages[2].size = std::uint64_t{1} << 60;
    messages[3].offset = 11;
    messages[4].offset = ~std::uint64_t{0};
    messages[5].piece = "more than the whole";
    messages[6].time = ClusterTime{-1};
    for (const InstallSnapshot& message : messages) {
        Alone member;
        member.hears(2, message);
        EXPECT_TRUE(member.network.empty());
        EXPECT_EQ(member.core().leader(), 0U);
    }
}

TEST(InstallSnapshot, an_empty_state_is_a_snapshot_too) {
    Alone member;
    member.hears(2, InstallSnapshot{3, 1, 5, 2, 9ms, 0, 0, {}});
    EXPECT_EQ(member.core().commit(), 5U);
    EXPECT_EQ(member.said<SnapshotReply>().size(), 1U);
}

/// A cluster with a member that lacks everything, and a leader whose log begins with a snapshot.
class Lagging {
public:
    Lagging() : cluster(3, options()) {
        leader = cluster.elect();
        behind = cluster.other_than(leader);
        cluster.isolate(behind);
        cluster.propose(leader, "0123456789");
        cluster.pass(200ms);
        cluster.compact(leader);
    }
    void expect_caught_up() {
        EXPECT_EQ(cluster.core(behind).commit(), cluster.core(leader).commit());
        EXPECT_EQ(cluster.member(behind).state, cluster.member(leader).state);
        EXPECT_EQ(cluster.witness.broken, "");
    }

    Cluster cluster;
    NodeId leader = 0;
    NodeId behind = 0;

private:
    static CoreOptions options() {
        CoreOptions options;
        options.piece_bytes = 3;
        return options;
    }
};

TEST(InstallSnapshot, a_follower_that_lacks_what_is_gone_gets_it_and_what_came_after) {
    Lagging lagging;
    lagging.cluster.propose(lagging.leader, "after");
    lagging.cluster.heal();
    lagging.cluster.pass(300ms);
    lagging.expect_caught_up();
    EXPECT_EQ(lagging.cluster.member(lagging.behind).state, "0123456789after");
}

TEST(InstallSnapshot, it_arrives_though_the_log_is_compacted_meanwhile) {
    Lagging lagging;
    Cluster& cluster = lagging.cluster;
    cluster.heal();
    int pieces = 0;
    cluster.loses = [&](const Packet& packet) {
        pieces += std::holds_alternative<InstallSnapshot>(packet.message) ? 1 : 0;
        return false;
    };
    cluster.time_out(lagging.leader);
    while (!cluster.network.empty()) {
        const int before = pieces;
        cluster.deliver(0);
        if (pieces != before && pieces < 8) {
            cluster.propose(lagging.leader, std::to_string(pieces));
            cluster.compact(lagging.leader);
        }
    }
    EXPECT_GE(pieces, 8);  // the first, and another one of what came meanwhile
    lagging.expect_caught_up();
}

TEST(InstallSnapshot, it_arrives_though_pieces_and_replies_are_lost) {
    Lagging lagging;
    Cluster& cluster = lagging.cluster;
    int count = 0;
    cluster.loses = [&](const Packet& packet) {
        const bool is_piece = std::holds_alternative<InstallSnapshot>(packet.message) ||
                              std::holds_alternative<SnapshotReply>(packet.message);
        return is_piece && ++count % 5 < 3;
    };
    cluster.pass(10s);
    lagging.expect_caught_up();
}

TEST(InstallSnapshot, a_follower_that_was_restarted_in_the_middle_begins_again) {
    Lagging lagging;
    Cluster& cluster = lagging.cluster;
    cluster.heal();
    cluster.time_out(lagging.leader);
    int pieces = 0;
    while (pieces < 3) {
        pieces += cluster.sent<InstallSnapshot>(lagging.leader, lagging.behind).empty() ? 0 : 1;
        cluster.deliver(0);
    }
    cluster.crash(lagging.behind);
    cluster.start(lagging.behind);
    cluster.pass(1s);
    lagging.expect_caught_up();
}

}  // namespace
