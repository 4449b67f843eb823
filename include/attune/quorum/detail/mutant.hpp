#pragma once

#include <attune/version.hpp>

#include <cstdint>

namespace attune::inline ATTUNE_ABI::quorum::detail {

/// Deliberate mistakes, one for each rule that keeps a quorum safe: the simulation has to find
/// every one of them, or it would not find the same mistake made by accident. They exist in
/// programs that define ATTUNE_QUORUM_MUTANTS, which are tests; elsewhere the compiler removes
/// them.
///
/// The numbers are those of the rules in docs/quorum.md.
enum class Mutant : std::uint8_t {
    none,
    r1_answers_before_the_vote_is_durable,
    r1_vote_without_its_term,
    r2_candidate_does_not_store_its_own_vote,
    r3_refuses_to_repeat_a_vote,
    r4_acknowledges_before_entries_are_durable,
    r4_leader_counts_itself_before_it_is_durable,
    r5_commits_entries_of_older_terms_by_counting,
    r6_no_barrier_at_the_start_of_a_term,
    r7_cuts_the_log_to_what_a_request_has,
    r8_matches_up_to_its_own_last_entry,
    r9_accepts_a_leader_of_an_older_term,
    r10_votes_by_length_alone,
    r11_pre_vote_restarts_the_election_timer,
    r12_pre_vote_changes_the_term,
    r12_ignores_who_is_behind,
    r13_votes_while_a_leader_is_there,
    r13_votes_right_after_a_restart,
    r14_reports_unknown_as_failed,
    r14_leader_stays_without_a_majority,
    r15_serves_after_a_pause,
    r16_read_round_of_before,
    r17_reads_without_a_round,
    r18_takes_proposals_while_it_hands_over,
    r20_keeps_entries_behind_a_foreign_snapshot,
    r22_takes_an_empty_disk_for_a_new_member,
    r23_cuts_damage_anywhere,
    r24_flushes_again_after_a_failure,
    r25_drops_the_log_before_the_snapshot_is_durable,
    r26_does_a_command_again,
    r27_expires_whatever_was_renewed,
    r28_stamps_its_own_clock,
    r29_grants_to_the_dead,
    r30_releases_by_name,
    r31_forgets_a_cancelled_request,
    r32_depends_on_addresses,
    r33_reads_frames_of_other_clusters,
    count,
};

#if defined(ATTUNE_QUORUM_MUTANTS)
inline Mutant planted_mutant = Mutant::none;
inline bool planted(Mutant mutant) noexcept { return planted_mutant == mutant; }
#else
constexpr bool planted(Mutant /*mutant*/) noexcept { return false; }
#endif

}  // namespace attune::inline ATTUNE_ABI::quorum::detail
