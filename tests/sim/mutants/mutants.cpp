// Plants every deliberate mistake of <attune/quorum/detail/mutant.hpp>, one after the other, and
// says how many seeds the simulation needs to notice it. Each runs in a process of its own: a
// mistake may also be noticed by a crash, or by never coming to an end.
//
// sim_mutants [seeds [--only-consequences]]: without what each member is seen to do wrong, only by
// what comes of it for all. Mistakes that cost nothing but time may survive that. The seeds begin
// with ATTUNE_SIM_FIRST, or 1.

#include "sim/plan.hpp"
#include "sim/seeds.hpp"
#include "sim/simulation.hpp"

#include <attune/quorum/detail/mutant.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <thread>

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using attune::quorum::detail::Mutant;

constexpr std::size_t count = static_cast<std::size_t>(Mutant::count);
constexpr std::array<std::string_view, count> names = {
    "none",
    "r1_answers_before_the_vote_is_durable",
    "r1_vote_without_its_term",
    "r2_candidate_does_not_store_its_own_vote",
    "r3_refuses_to_repeat_a_vote",
    "r4_acknowledges_before_entries_are_durable",
    "r4_leader_counts_itself_before_it_is_durable",
    "r5_commits_entries_of_older_terms_by_counting",
    "r6_no_barrier_at_the_start_of_a_term",
    "r7_cuts_the_log_to_what_a_request_has",
    "r8_matches_up_to_its_own_last_entry",
    "r9_accepts_a_leader_of_an_older_term",
    "r10_votes_by_length_alone",
    "r11_pre_vote_restarts_the_election_timer",
    "r12_pre_vote_changes_the_term",
    "r12_ignores_who_is_behind",
    "r13_votes_while_a_leader_is_there",
    "r13_votes_right_after_a_restart",
    "r14_reports_unknown_as_failed",
    "r14_leader_stays_without_a_majority",
    "r15_serves_after_a_pause",
    "r16_read_round_of_before",
    "r17_reads_without_a_round",
    "r18_takes_proposals_while_it_hands_over",
    "r20_keeps_entries_behind_a_foreign_snapshot",
    "r22_takes_an_empty_disk_for_a_new_member",
    "r23_cuts_damage_anywhere",
    "r24_flushes_again_after_a_failure",
    "r25_drops_the_log_before_the_snapshot_is_durable",
    "r26_does_a_command_again",
    "r27_expires_whatever_was_renewed",
    "r28_stamps_its_own_clock",
    "r29_grants_to_the_dead",
    "r30_releases_by_name",
    "r31_forgets_a_cancelled_request",
    "r32_depends_on_addresses",
    "r33_reads_frames_of_other_clusters",
};
static_assert(names.back() != std::string_view{}, "a name for each");

/// Written by the process that tries a mutant.
struct Result {
    std::uint64_t seeds;
    bool caught;
    char what[160];
};

void say(Result& result, const std::string& what) {
    std::strncpy(result.what, what.c_str(), sizeof result.what - 1);
}

void try_mutant(Mutant mutant, std::uint64_t seeds, bool only_consequences, Result& result) {
    attune::quorum::detail::planted_mutant = mutant;
    const std::uint64_t first = attune_sim::Seeds{}.first;
    while (result.seeds != seeds) {
        alarm(60);
        attune_sim::Plan plan = attune_sim::plan_of(first + result.seeds++);
        plan.only_consequences = only_consequences;
        const attune_sim::Outcome outcome = attune_sim::Simulation(plan).run();
        if (!outcome.is_good()) {
            say(result, outcome.what);
            result.caught = true;
            return;
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    const std::uint64_t seeds = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 5'000;
    const bool only_consequences = argc > 2 && std::string_view(argv[2]) == "--only-consequences";
    auto* const results =
        static_cast<Result*>(mmap(nullptr, sizeof(Result) * count, PROT_READ | PROT_WRITE,
                                  MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    if (results == MAP_FAILED) {
        std::perror("mmap");
        return 2;
    }
    std::map<pid_t, std::size_t> running;
    const std::size_t at_once = std::max(1U, std::thread::hardware_concurrency());
    for (std::size_t next = 1; next != count || !running.empty();) {
        if (next != count && running.size() < at_once) {
            const pid_t child = fork();
            if (child == 0) {
                try_mutant(static_cast<Mutant>(next), seeds, only_consequences, results[next]);
                std::_Exit(0);
            }
            running[child] = next++;
            continue;
        }
        int status = 0;
        const pid_t child = wait(&status);
        Result& result = results[running.at(child)];
        if (WIFSIGNALED(status)) {
            result.caught = true;
            say(result, WTERMSIG(status) == SIGALRM
                            ? "does not come to an end"
                            : "crashes by signal " + std::to_string(WTERMSIG(status)));
        }
        running.erase(child);
    }
    std::size_t survivors = 0;
    std::printf("%-50s %6s  %s\n", "mutant", "seeds", "noticed by");
    for (std::size_t i = 1; i != count; ++i) {
        survivors += results[i].caught ? 0 : 1;
        std::printf("%-50s %6llu  %s\n", names[i].data(),
                    static_cast<unsigned long long>(results[i].seeds),
                    results[i].caught ? results[i].what : "nobody: it survives");
    }
    std::printf("%zu of %zu mutants noticed within %llu seeds\n", count - 1 - survivors, count - 1,
                static_cast<unsigned long long>(seeds));
    return survivors == 0 ? 0 : 1;
}
