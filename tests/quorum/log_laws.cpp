// What a log promises whatever the disk does: random writes, failures, loss of power with random
// loss of what was not flushed, full disks, flipped bits.

#include <attune/quorum/log/log.hpp>

#include "log_kit.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cerrno>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <system_error>

namespace log_laws_test {
namespace {

using namespace log_kit;

std::uint32_t seed() { return *rc::gen::arbitrary<std::uint32_t>(); }

// The log ends: by itself, by being killed, by a loss of power.
void end(LogDriver& driver) {
    if (driver.below(3) == 0) {
        (void)driver.flush();
    }
    driver.log.reset();
    if (driver.below(2) == 0) {
        driver.disk->crash(driver.chance());
    }
}

RC_GTEST_PROP(LogLaw, whatever_was_flushed_is_recovered_and_nothing_else, ()) {
    LogDriver driver(seed());
    driver.make();
    for (int life = 0; life != 8; ++life) {
        for (std::size_t acts = driver.below(30); acts != 0; --acts) {
            RC_ASSERT(!driver.act());
        }
        end(driver);
        RC_ASSERT(driver.reopen() == "");
    }
}

RC_GTEST_PROP(LogLaw, a_failure_ends_it_and_what_was_flushed_is_recovered, ()) {
    LogDriver driver(seed());
    driver.disk->forget_what_fails(driver.below(2) == 0);
    driver.make();
    for (int life = 0; life != 12; ++life) {
        const std::size_t first = driver.disk->operations() + driver.below(40);
        driver.disk->fail(first, first + 1 + driver.below(4), driver.below(2) == 0 ? EIO : ENOSPC);
        std::error_code error;
        for (std::size_t acts = driver.below(30); acts != 0 && !error; --acts) {
            error = driver.act();
        }
        if (error) {
            const std::size_t operations = driver.disk->operations();
            RC_ASSERT(driver.flush() == error);
            RC_ASSERT(driver.put_vote() == error);
            RC_ASSERT(driver.log->make_room() == error);
            RC_ASSERT(driver.disk->operations() == operations);
        }
        driver.log.reset();
        std::string problem;
        try {
            if (driver.below(2) == 0) {
                driver.disk->crash(driver.chance());
                driver.disk->stop_at(driver.disk->operations() + driver.below(20));
            }
            problem = driver.reopen();
        } catch (const std::system_error&) {
            driver.disk->crash(driver.chance());
            problem = driver.reopen();
        }
        RC_ASSERT(problem == "");
    }
}

RC_GTEST_PROP(LogLaw, a_crash_during_its_making_leaves_none_or_one, ()) {
    LogDriver driver(seed());
    driver.disk->stop_at(driver.below(30));
    bool made = true;
    try {
        driver.make();
    } catch (const std::system_error&) {
        made = false;
    }
    driver.log.reset();
    driver.disk->crash(driver.chance());
    const auto refused = refusal(driver.disk);
    RC_ASSERT(!made || !refused);
    if (refused) {
        RC_ASSERT(refused->why() == LogRefused::Why::missing);
        driver.make();
        RC_ASSERT(!driver.act() && !driver.flush());
    }
    RC_ASSERT(driver.reopen() == "");
}

RC_GTEST_PROP(LogLaw, nothing_fails_on_a_full_disk_where_room_is_asked_for, ()) {
    LogDriver driver(seed());
    driver.make();
    bool was_full = false;
    for (int act = 0; act != 120; ++act) {
        if (driver.below(40) == 0) {
            std::size_t used = 0;
            for (const auto& [path, content] : driver.disk->contents()) {
                used += content.size();
            }
            driver.disk->set_room(used + driver.below(6000));
        }
        if (driver.below(60) == 0) {
            driver.disk->set_room(static_cast<std::size_t>(-1));
        }
        if (driver.log->room() != LogRoom::none) {
            // Small ones: a quarter of these segments is no more than a kilobyte.
            RC_ASSERT(!driver.put_small_entry());
        } else {
            was_full = true;
        }
        RC_ASSERT(!driver.put_vote() && !driver.flush());
        if (driver.below(10) == 0 && driver.line().last() > driver.snapshot()) {
            RC_ASSERT(!driver.put_snapshot(driver.line().last()));
        }
        if (driver.below(30) == 0) {
            end(driver);
            RC_ASSERT(driver.reopen() == "");
        }
    }
    driver.disk->set_room(static_cast<std::size_t>(-1));
    RC_ASSERT(!driver.log->make_room());
    RC_ASSERT(driver.log->room() == LogRoom::plenty);
    RC_CLASSIFY(was_full);
}

RC_GTEST_PROP(LogLaw, a_flipped_bit_is_found_or_does_no_harm, ()) {
    LogDriver driver(seed());
    driver.make();
    for (std::size_t acts = 5 + driver.below(40); acts != 0; --acts) {
        RC_ASSERT(!driver.act());
        if (driver.below(20) == 0) {
            end(driver);
            RC_ASSERT(driver.reopen() == "");
        }
    }
    RC_ASSERT(!driver.flush());
    driver.log.reset();
    const auto files = driver.disk->contents();
    const auto copy = [&] {
        auto disk = std::make_shared<FaultyDisk>();
        for (const auto& [path, content] : files) {
            disk->put(path, content);
        }
        return disk;
    };
    const raft::Recovered expected = open_log(copy()).recovered;
    for (int flips = 0; flips != 40; ++flips) {
        auto file = files.begin();
        std::advance(file, static_cast<std::ptrdiff_t>(driver.below(files.size())));
        if (file->second.empty()) {
            continue;
        }
        // Zeros are many, and say little.
        std::size_t at = driver.below(file->second.size());
        if (driver.below(8) != 0) {
            at = file->second.find_first_not_of('\0', at);
            at = at == std::string::npos ? driver.below(512) % file->second.size() : at;
        }
        auto disk = copy();
        std::string changed = file->second;
        changed[at] = static_cast<char>(changed[at] ^ (1 << driver.below(8)));
        disk->put(file->first, changed);
        bool was_opened = false;
        try {
            OpenedLog opened = open_log(disk);
            was_opened = true;
            // From the older snapshot where it is the newer one that has changed.
            RC_ASSERT(driver.line().is(opened.recovered));
            RC_ASSERT(opened.recovered.vote == expected.vote);
            Line line = driver.line();
            line.append(1000, "more");
            RC_ASSERT(!opened.log->put(raft::WriteEntries{{line.entries.back()}}));
            RC_ASSERT(!opened.log->flush());
            opened.log.reset();
            disk->crash(driver.chance());
            RC_ASSERT(line.is(open_log(disk).recovered));
        } catch (const LogRefused& refused) {
            RC_ASSERT(refused.why() == LogRefused::Why::damaged);
            RC_LOG() << file->first << ' ' << at << ' ' << refused.what();
            RC_ASSERT(!was_opened);
        }
    }
}

}  // namespace
}  // namespace log_laws_test
