#include <attune/quorum/raft/append_entries.hpp>

#include "cores.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

using namespace raft_test;
using testing::ElementsAre;

AppendEntries append(const std::vector<Term>& leaders_log, Index previous, Term term,
                     Index commit = 0) {
    const Term previous_term = previous == 0 ? 0 : leaders_log[previous - 1];
    return {term, previous, previous_term, commit, 1, entries_of(leaders_log, previous)};
}

TEST(AppendEntries, entries_are_acknowledged_when_they_are_durable) {
    Alone member;
    member.disks_are_slow = true;
    member.hears(2, append({1, 1, 1}, 0, 1));
    EXPECT_TRUE(member.network.empty());
    member.flush(1, 1);  // the term alone
    EXPECT_TRUE(member.network.empty());
    member.flush(1);
    const auto replies = member.said<AppendReply>();
    ASSERT_EQ(replies.size(), 1U);
    EXPECT_TRUE(replies[0].matches);
    EXPECT_EQ(replies[0].index, 3U);
    EXPECT_EQ(replies[0].round, 1U);
}

TEST(AppendEntries, a_heartbeat_is_answered_while_the_disk_is_slow_for_what_is_durable) {
    Alone member{log_of({1})};
    member.disks_are_slow = true;
    member.hears(2, append({1, 1, 1}, 1, 1));
    AppendEntries heartbeat = append({1, 1, 1}, 3, 1);
    heartbeat.round = 7;
    member.hears(2, heartbeat);
    const auto replies = member.said<AppendReply>();
    ASSERT_EQ(replies.size(), 1U);
    EXPECT_TRUE(replies[0].matches);
    EXPECT_EQ(replies[0].index, 1U);
    EXPECT_EQ(replies[0].round, 7U);
}

TEST(AppendEntries, only_so_much_waits_for_a_slow_disk) {
    CoreOptions options;
    options.unstored_bytes = 100;
    Alone member{log_of({1}), options};
    member.disks_are_slow = true;
    member.hears(2, append({1, 1, 1}, 1, 1));
    member.hears(2, append({1, 1, 1, 1}, 3, 1));
    EXPECT_EQ(member.core().last_index(), 3U);
    member.flush(1);
    EXPECT_EQ(member.said<AppendReply>().back().index, 3U);
    member.hears(2, append({1, 1, 1, 1}, 3, 1));
    EXPECT_EQ(member.core().last_index(), 4U);
    member.hears(2, append({1, 1, 2}, 2, 2));  // cut off, and so not waited for
    member.flush(1);
    member.hears(2, append({1, 1, 2, 2}, 3, 2));
    member.hears(2, append({1, 1, 2, 2, 2}, 4, 2));
    EXPECT_EQ(member.core().last_index(), 5U);
}

TEST(AppendEntries, what_is_cut_off_waits_for_a_slow_disk_as_well) {
    CoreOptions options;
    options.unstored_bytes = 200;
    Alone member{log_of({1}), options};
    member.disks_are_slow = true;
    for (Term term = 2; term != 50; ++term) {
        member.hears(2, append({1, term}, 1, term));
    }
    EXPECT_LT(member.core().entry(2)->term, 10U);
    member.flush(1);
    member.hears(2, append({1, 50}, 1, 50));
    EXPECT_EQ(member.core().entry(2)->term, 50U);
}

TEST(AppendEntries, what_was_to_be_acknowledged_in_an_older_term_is_not) {
    Alone member{log_of({1})};
    member.disks_are_slow = true;
    member.hears(2, append({1, 2, 2}, 1, 2));
    member.hears(3, append({1, 3}, 1, 3));
    member.flush(1);
    const auto replies = member.said<AppendReply>();
    ASSERT_EQ(replies.size(), 1U);
    EXPECT_EQ(replies[0].term, 3U);
    EXPECT_EQ(replies[0].index, 2U);
    EXPECT_THAT(terms_of(member.core()), ElementsAre(1, 3));
}

TEST(AppendEntries, only_a_conflict_cuts_the_log) {
    Alone member{log_of({1, 1, 1, 1})};
    member.hears(2, append({1, 1}, 0, 2));  // an older one, late
    member.hears(2, append({1, 1, 1}, 3, 2));
    EXPECT_EQ(member.core().last_index(), 4U);
    const auto replies = member.said<AppendReply>();
    ASSERT_EQ(replies.size(), 2U);
    EXPECT_EQ(replies[0].index, 2U);  // as far as that message says
    EXPECT_EQ(replies[1].index, 3U);

    member.hears(2, append({1, 1, 2}, 1, 2));
    EXPECT_THAT(terms_of(member.core()), ElementsAre(1, 1, 2));
    EXPECT_EQ(member.said<AppendReply>().at(0).index, 3U);
    EXPECT_EQ(member.disk().durable.entries.size(), 3U);
}

TEST(AppendEntries, commit_follows_the_leader_as_far_as_the_message_goes) {
    Alone member{log_of({1, 1, 1})};
    member.hears(2, append({1, 1}, 1, 2, 9));
    EXPECT_EQ(member.core().commit(), 2U);  // the third may be another one
    EXPECT_EQ(member.member(1).state, "1@1;2@1;");
    member.hears(2, append({1}, 1, 2, 1));
    EXPECT_EQ(member.core().commit(), 2U);
}

TEST(AppendEntries, a_leader_of_an_older_term_is_told_and_nothing_else_happens) {
    Alone member{log_of({1, 5})};
    const Instant before = member.core().deadline();
    member.now += 100ms;
    member.hears(2, append({1, 1, 1}, 1, 4, 3));
    EXPECT_EQ(member.core().deadline(), before);
    EXPECT_EQ(member.core().leader(), 0U);
    EXPECT_THAT(terms_of(member.core()), ElementsAre(1, 5));
    const auto replies = member.said<AppendReply>();
    ASSERT_EQ(replies.size(), 1U);
    EXPECT_FALSE(replies[0].matches);
    EXPECT_EQ(replies[0].term, 5U);
}

TEST(AppendEntries, a_leader_that_hears_of_a_newer_term_leads_no_more) {
    Alone member;
    member.lead();
    EXPECT_EQ(member.core().role(), Role::leader);
    member.hears(2, AppendReply{4, 1, false, 0, 0, 0});
    EXPECT_EQ(member.core().role(), Role::follower);
    EXPECT_EQ(member.core().term(), 4U);
    EXPECT_EQ(member.core().leader(), 0U);
}

TEST(AppendEntries, a_candidate_follows_who_leads_in_its_term) {
    Alone member;
    member.time_out(1);
    member.hears(2, PreVoteReply{1, true});
    member.hears(3, append({1}, 0, 1));
    EXPECT_EQ(member.core().role(), Role::follower);
    EXPECT_EQ(member.core().leader(), 3U);
    ASSERT_FALSE(member.member(1).roles.empty());
    EXPECT_EQ(member.member(1).roles.back().leader, 3U);
}

TEST(AppendEntries, two_leaders_in_one_term_silence_a_member_for_good) {
    Alone member;
    member.hears(2, append({1}, 0, 1));
    member.network.clear();
    member.hears(3, append({1, 1}, 0, 1));
    EXPECT_TRUE(member.core().has_failed());
    EXPECT_EQ(member.core().last_index(), 1U);
    member.hears(2, append({1, 1}, 1, 1));
    EXPECT_TRUE(member.network.empty());
    EXPECT_EQ(member.core().deadline(), Instant::max());
}

TEST(AppendEntries, a_leader_that_lacks_what_was_committed_silences_a_member_for_good) {
    Alone member;
    member.hears(2, append({1, 1}, 0, 1, 2));
    member.hears(3, append({1, 2}, 1, 2));
    EXPECT_TRUE(member.core().has_failed());
    EXPECT_THAT(terms_of(member.core()), ElementsAre(1, 1));
}

TEST(AppendEntries, what_is_in_the_snapshot_already_matches) {
    Recovered found;
    found.vote.term = 2;
    found.snapshot = {4, 2, 4ms, bytes("s")};
    Alone member{found};
    member.hears(2, append({1, 1, 2}, 1, 3));
    member.hears(2, append({1, 1, 2, 2, 3}, 2, 3, 5));
    const auto replies = member.said<AppendReply>();
    ASSERT_EQ(replies.size(), 2U);
    EXPECT_TRUE(replies[0].matches);
    EXPECT_EQ(replies[0].index, 3U);
    EXPECT_EQ(replies[1].index, 5U);
    EXPECT_EQ(member.core().commit(), 5U);
}

TEST(AppendEntries, without_room_nothing_is_taken_and_heartbeats_are_answered) {
    Alone member{log_of({1})};
    member.core().set_room(false);
    member.hears(2, append({1, 2, 2}, 1, 2));
    EXPECT_EQ(member.core().last_index(), 1U);
    EXPECT_EQ(member.said<AppendReply>().at(0).index, 1U);
    member.core().set_room(true);
    member.hears(2, append({1, 2, 2}, 1, 2));
    EXPECT_EQ(member.said<AppendReply>().at(0).index, 3U);
}

TEST(AppendEntries, a_leader_counts_itself_as_far_as_its_log_is_durable) {
    Alone member;
    member.lead();
    member.agree();
    ASSERT_TRUE(member.core().is_ready());
    member.disks_are_slow = true;
    const Proposed proposed = member.propose(1, "x");
    member.hears(2, AppendReply{proposed.term, 1, true, proposed.index, 0, 0});
    EXPECT_EQ(member.core().commit(), proposed.index - 1);
    member.flush(1);
    EXPECT_EQ(member.core().commit(), proposed.index);
}

// Thesis 10.2.1: the leader writes while others do, and may be the last.
TEST(AppendEntries, a_majority_of_others_commits_before_the_leader_is_durable) {
    Alone member;
    member.lead();
    member.agree();
    member.disks_are_slow = true;
    const Proposed proposed = member.propose(1, "x");
    member.agree();
    EXPECT_EQ(member.core().commit(), proposed.index);
}

TEST(AppendEntries, a_reply_counts_for_what_it_says) {
    Alone member;
    member.lead();
    member.agree();
    const Proposed first = member.propose(1, "x");
    const Proposed second = member.propose(1, "y");
    member.hears(2, AppendReply{first.term, 1, true, first.index, 0, 0});
    EXPECT_EQ(member.core().commit(), first.index);
    member.hears(2, AppendReply{first.term - 1, 1, true, second.index, 0, 0});
    EXPECT_EQ(member.core().commit(), first.index);
}

TEST(AppendEntries, what_a_follower_had_in_an_older_term_counts_no_more) {
    Alone member{{}, {}, 5};
    member.lead();
    member.agree();
    for (const char* const command : {"a", "b", "c"}) {
        member.propose(1, command);
    }
    member.hears(2, AppendReply{1, 1, true, 4, 0, 0});
    member.hears(3, append({1, 2}, 1, 2));
    ASSERT_EQ(member.core().last_index(), 2U);
    member.wait();
    member.lead();
    ASSERT_EQ(member.core().last_index(), 3U);
    member.hears(4, AppendReply{3, 1, true, 3, 0, 0});
    EXPECT_EQ(member.core().commit(), 1U);  // of five, two have it
    member.hears(5, AppendReply{3, 1, true, 3, 0, 0});
    EXPECT_EQ(member.core().commit(), 3U);
}

TEST(AppendEntries, messages_on_their_way_to_a_follower_are_bounded) {
    CoreOptions options;
    options.window = 4;
    options.batch_entries = 3;
    Alone member{{}, options};
    member.lead();
    member.agree();
    member.network.clear();
    for (int i = 0; i != 20; ++i) {
        member.propose(1, "x");
    }
    EXPECT_EQ(member.sent<AppendEntries>(1, 2).size(), 4U);
    member.network.clear();
    member.hears(2, AppendReply{1, 1, true, 3, 0, 0});  // two of them
    const auto more = member.sent<AppendEntries>(1, 2);
    ASSERT_EQ(more.size(), 2U);
    EXPECT_EQ(more[0].previous_index, 5U);
    EXPECT_EQ(more[0].entries.size(), 3U);
    EXPECT_EQ(more[1].entries.size(), 3U);
}

TEST(AppendEntries, a_message_has_so_many_bytes_and_always_an_entry) {
    CoreOptions options;
    options.batch_bytes = 10;
    options.window = 1;
    Alone member{{}, options};
    member.lead();
    member.agree();
    for (const char* text : {"1", "12345678901234567890", "123456", "1234", "1"}) {
        member.propose(1, text);
    }
    std::vector<std::size_t> counts;
    for (Index index = 2; index <= 6;) {
        member.network.clear();
        member.hears(2, AppendReply{1, 1, true, index, 0, 0});
        const auto sent = member.sent<AppendEntries>(1, 2);
        if (sent.empty()) {
            break;
        }
        counts.push_back(sent.back().entries.size());
        index += sent.back().entries.size();
    }
    EXPECT_THAT(counts, ElementsAre(1, 2, 1, 0));
}

TEST(AppendEntries, a_lost_message_is_noticed_by_the_next_heartbeat) {
    Cluster cluster{3};
    const NodeId leader = cluster.elect();
    const NodeId other = cluster.other_than(leader);
    cluster.pass(200ms);
    cluster.isolate(other);
    const Proposed proposed = cluster.propose(leader, "x");
    cluster.deliver_all();
    EXPECT_EQ(cluster.core(leader).commit(), proposed.index);
    cluster.heal();
    cluster.pass(cluster.options().heartbeat);
    EXPECT_EQ(cluster.member(other).state, "x");
}

TEST(AppendEntries, an_idle_leader_tells_at_once_what_is_committed) {
    Cluster cluster{3};
    const NodeId leader = cluster.elect();
    cluster.pass(200ms);
    cluster.propose(leader, "x");
    cluster.deliver_all();
    for (const NodeId id : cluster.ids()) {
        EXPECT_EQ(cluster.member(id).state, "x");
    }
}

/// Refusals until a follower with that log is where the leader is.
int refusals(const std::vector<Term>& leaders_log, const std::vector<Term>& followers_log) {
    Cluster cluster{2};
    cluster.checks = false;
    cluster.crash(1);
    cluster.crash(2);
    cluster.network.clear();
    cluster.member(1).disk.durable = log_of(leaders_log);
    cluster.member(2).disk.durable = log_of(followers_log);
    const Term before = std::max(leaders_log.back(), followers_log.back());
    cluster.member(1).disk.durable.vote = cluster.member(2).disk.durable.vote = {before, 0};
    cluster.start(1);
    cluster.start(2);
    cluster.now += 2s;
    cluster.tick(1);
    int count = 0;
    while (!cluster.network.empty()) {
        const auto* const reply = std::get_if<AppendReply>(&cluster.network.front().message);
        count += reply != nullptr && !reply->matches ? 1 : 0;
        cluster.deliver(0);
    }
    EXPECT_EQ(cluster.core(1).role(), Role::leader);
    EXPECT_EQ(terms_of(cluster.core(1)), terms_of(cluster.core(2)));
    EXPECT_EQ(cluster.core(2).commit(), cluster.core(1).last_index());
    return count;
}

// Figure 7 of the paper: the leader's log on top, and what may have become of its followers.
TEST(AppendEntries, all_followers_of_figure_7_come_to_have_the_leaders_log) {
    const std::vector<Term> leaders_log{1, 1, 1, 4, 4, 5, 5, 6, 6, 6};
    for (const std::vector<Term>& followers_log : {
             std::vector<Term>{1, 1, 1, 4, 4, 5, 5, 6, 6},           // a
             std::vector<Term>{1, 1, 1, 4},                          // b
             std::vector<Term>{1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6},     // c
             std::vector<Term>{1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7},  // d
             std::vector<Term>{1, 1, 1, 4, 4, 4, 4},                 // e
             std::vector<Term>{1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3},     // f
         }) {
        // c and d have the better logs and would not vote: only their terms are looked at.
        const bool votes =
            followers_log.back() < 6 || (followers_log.back() == 6 && followers_log.size() <= 10);
        if (votes) {
            EXPECT_LE(refusals(leaders_log, followers_log), 2);
            continue;
        }
        Alone member{log_of(followers_log)};
        member.hears(2, append(leaders_log, 10, 8));
        std::vector<Term> extended = leaders_log;
        extended.push_back(8);
        member.hears(2, append(extended, 10, 8));
        EXPECT_EQ(terms_of(member.core()), extended);
    }
}

TEST(AppendEntries, whole_terms_are_passed_over) {
    std::vector<Term> leaders_log(300, 1);
    std::vector<Term> followers_log(100, 1);
    leaders_log.insert(leaders_log.end(), 300, 4);
    followers_log.insert(followers_log.end(), 250, 2);
    followers_log.insert(followers_log.end(), 250, 3);
    EXPECT_LE(refusals(leaders_log, followers_log), 3);
    EXPECT_LE(refusals(leaders_log, std::vector<Term>(50, 1)), 1);
}

TEST(AppendEntries, a_late_refusal_is_no_news) {
    Alone member{log_of({1, 1, 1, 1})};
    member.lead();
    member.agree();
    member.network.clear();
    const Index last = member.core().last_index();
    member.hears(2, AppendReply{2, 1, false, 1, 1, last - 1});
    member.hears(2, AppendReply{2, 1, false, 1, 1, last + 5});
    EXPECT_TRUE(member.network.empty());
}

TEST(AppendEntries, a_message_that_makes_no_sense_is_ignored) {
    std::vector<AppendEntries> messages{
        append({1, 1}, 0, 0),                      // term
        {1, 3, 2, 0, 1, {}},                       // previous term
        {1, 0, 1, 0, 1, {}},                       // term of nothing
        {1, std::uint64_t{1} << 63, 1, 0, 1, {}},  // previous index
        append({1, 2}, 0, 1),                      // term of an entry
        append({2, 1}, 0, 2),                      // terms that fall
        append({1, 1, 1}, 0, 1),                   // indices
        append({1}, 0, 1),                         // time
    };
    messages[6].entries.erase(messages[6].entries.begin() + 1);
    messages[7].entries[0].time = ClusterTime::max();
    for (const AppendEntries& message : messages) {
        Alone member;
        member.hears(2, message);
        EXPECT_TRUE(member.network.empty());
        EXPECT_EQ(member.core().leader(), 0U);
        EXPECT_EQ(member.core().last_index(), 0U);
    }
}

}  // namespace
