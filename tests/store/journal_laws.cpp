// What a journal promises whatever the disk does: random edits, random failures, loss of power with
// random loss of what was not flushed.

#include <attune/store/detail/journal_writer.hpp>

#include "journal_kit.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace journal_laws_test {
namespace {

using namespace attune_test;
using attune::JournalError;
using attune::JournalFault;
using attune::Path;
using attune::Version;

/// Everything that was ever acknowledged, and the attempts since, whose end is not known.
struct Account {
    std::map<Version, VersionRecord> acknowledged;
    std::map<Version, VersionRecord> ever;  // what compaction has removed may come back in a crash
    std::vector<VersionRecord> attempts;
    std::map<Version, std::string> marks;
    std::set<Version> uncertain;  // marked, or no longer, by an attempt that failed

    /// What is wrong with what a journal has given back; empty when it keeps its promises.
    std::string judge(const JournalSink::Restored& restored, std::size_t keep,
                      bool everything) const {
        const auto& versions = restored.versions;
        const Version last = acknowledged.empty() ? 0 : acknowledged.rbegin()->first;
        if (everything && (versions.empty() ? 0 : versions.back().version) < last) {
            return "an acknowledged version is gone";
        }
        for (std::size_t i = 0; i != versions.size(); ++i) {
            VersionRecord plain = versions[i];
            plain.kept = false;
            plain.note.clear();
            const auto known = ever.find(plain.version);
            const bool right = known != ever.end() ? plain == known->second
                                                   : i + 1 == versions.size() &&
                                                         std::find(attempts.begin(), attempts.end(),
                                                                   plain) != attempts.end();
            if (!right) {
                return "version " + std::to_string(plain.version) + " is not what was written";
            }
            if (i != 0 && versions[i - 1].version >= plain.version) {
                return "the order is wrong";
            }
        }
        if (!everything) {
            return {};
        }
        // The newest ones, and all that are marked.
        std::size_t rank = 0;
        for (auto entry = acknowledged.rbegin(); entry != acknowledged.rend(); ++entry, ++rank) {
            const auto found =
                std::find_if(versions.begin(), versions.end(), [&](const VersionRecord& record) {
                    return record.version == entry->first;
                });
            const auto mark = marks.find(entry->first);
            if (uncertain.contains(entry->first)) {
                continue;
            }
            if (found == versions.end()) {
                if (rank < keep || mark != marks.end()) {
                    return "version " + std::to_string(entry->first) + " should have been kept";
                }
            } else if (found->kept != (mark != marks.end()) ||
                       (found->kept && found->note != mark->second)) {
                return "the mark of version " + std::to_string(entry->first) + " is wrong";
            }
        }
        return {};
    }
};

/// A store with a journal, which makes changes of all sorts.
class Driver {
public:
    Driver(std::shared_ptr<FaultyDisk> disk, JournalOptions options, std::uint32_t seed)
        : disk_(std::move(disk)), options_(std::move(options)), random_(seed) {}

    std::size_t below(std::size_t limit) { return random_() % limit; }
    FaultyDisk::Choose chance() {
        return [this](std::size_t limit) { return below(limit); };
    }

    /// Opens the journal and looks at what is in it; what is wrong, if anything.
    std::string open(bool everything) {
        sink_ = open_journal(disk_, options_);
        const auto restored = sink_->restore(100'000);
        const std::string problem = account.judge(restored, options_.keep, everything);
        if (!problem.empty()) {
            return problem;
        }
        // What is there is the truth from now on.
        std::map<Version, VersionRecord> there;
        std::map<Version, std::string> marks;
        for (VersionRecord record : restored.versions) {
            if (record.kept) {
                marks[record.version] = record.note;
            }
            record.kept = false;
            record.note.clear();
            there[record.version] = record;
            account.ever[record.version] = record;
        }
        account.acknowledged = std::move(there);
        account.marks = std::move(marks);
        account.uncertain.clear();
        account.attempts.clear();
        if (restored.versions.empty()) {
            model_ = {};
        } else {
            const Document merged = restored.versions.back().document;
            if (!(attune::merge(merged, restored.own) == merged)) {
                return "what the store has set is not in the document";
            }
            model_.base = merged;
            model_.own = restored.own;
            model_.version = restored.versions.back().version;
        }
        return {};
    }

    void close() { sink_.reset(); }

    /// One change or mark. False when the journal refused it.
    bool step() {
        const StoreModel before = model_;
        VersionRecord record;
        try {
            switch (account.acknowledged.empty() ? 0 : below(8)) {
            case 5: mark(true); return true;
            case 6: mark(false); return true;
            case 7:
                record = intend([&](JournalSink& sink) {
                    return model_.change(sink, {{any_key(), any_value()}, {"b", any_value()}},
                                         model_.own, "reload", "file");
                });
                break;
            case 4:
                record = intend([&](JournalSink& sink) {
                    return model_.change(sink, model_.base, model_.own.without(Path(any_key())),
                                         "erase", "overrides");
                });
                break;
            default:
                record = intend([&](JournalSink& sink) {
                    return model_.set(sink, Path(any_key()) / any_key(), any_value());
                });
            }
        } catch (const JournalError&) {
            model_ = before;
            return false;
        }
        account.acknowledged[record.version] = record;
        account.ever[record.version] = record;
        account.attempts.clear();
        return true;
    }

    Account account;

private:
    /// Notes what a change would have made, should it fail.
    template <class F>
    VersionRecord intend(F&& change) {
        struct Recorder final : JournalSink {
            std::optional<Version> version;
            JournalSink* real = nullptr;
            Account* account = nullptr;

            Restored restore(std::size_t) override { return {}; }
            void append(const Entry& entry) override {
                account->attempts.push_back(VersionRecord{entry.version,
                                                          entry.time,
                                                          std::string(entry.reason),
                                                          std::string(entry.layer),
                                                          false,
                                                          {},
                                                          entry.after});
                real->append(entry);
            }
            void keep(Version, std::string_view) override {}
            void forget(Version) override {}
        } recorder;
        recorder.real = sink_.get();
        recorder.account = &account;
        if (below(4) == 0) {
            model_.version += below(3);  // numbers may leave some out
        }
        return change(recorder);
    }

    void mark(bool keep) {
        auto entry = account.acknowledged.begin();
        std::advance(entry, static_cast<std::ptrdiff_t>(below(account.acknowledged.size())));
        const bool there = entry->first == model_.version || account.marks.contains(entry->first) ||
                           std::distance(entry, account.acknowledged.end()) <=
                               static_cast<std::ptrdiff_t>(options_.keep);
        if (!there) {
            return;  // may have been compacted away
        }
        const Version version = entry->first;
        account.uncertain.insert(version);
        if (keep) {
            sink_->keep(version, "note");
            account.marks[version] = "note";
        } else {
            sink_->forget(version);
            account.marks.erase(version);
        }
        account.uncertain.erase(version);
    }

    std::string any_key() { return "k" + std::to_string(below(5)); }
    Document any_value() {
        switch (below(5)) {
        case 0: return std::string(below(1500), 'x');
        case 1: return Document::text("on");
        case 2: return {1, {{"z", 2}}, "three"};
        default: return static_cast<std::int64_t>(below(1000));
        }
    }

    const std::shared_ptr<FaultyDisk> disk_;
    const JournalOptions options_;
    std::mt19937 random_;
    StoreModel model_;
    std::unique_ptr<JournalWriter> sink_;
};

JournalOptions any_options(bool sync) {
    return {.sync = sync,
            .keep = *rc::gen::inRange<std::size_t>(1, 12),
            .segment_bytes = *rc::gen::element<std::size_t>(4096, 20'000)};
}

RC_GTEST_PROP(JournalLaw, what_was_acknowledged_survives_a_loss_of_power, ()) {
    const auto disk = std::make_shared<FaultyDisk>();
    Driver driver(disk, any_options(true), *rc::gen::arbitrary<std::uint32_t>());
    for (int life = 0; life != 8; ++life) {
        RC_ASSERT(driver.open(true) == "");
        disk->stop_at(disk->operations() + driver.below(120));
        while (driver.step()) {
        }
        disk->crash(driver.chance());
        driver.close();
    }
    RC_ASSERT(driver.open(true) == "");
    driver.close();
    RC_ASSERT(bool(attune::detail::verify_journal(*disk, journal_directory)));
}

RC_GTEST_PROP(JournalLaw, without_sync_a_loss_of_power_leaves_a_beginning, ()) {
    const auto disk = std::make_shared<FaultyDisk>();
    Driver driver(disk, any_options(false), *rc::gen::arbitrary<std::uint32_t>());
    for (int life = 0; life != 8; ++life) {
        RC_ASSERT(driver.open(false) == "");
        disk->stop_at(disk->operations() + driver.below(120));
        while (driver.step()) {
        }
        disk->crash(driver.chance());
        driver.close();
    }
    RC_ASSERT(driver.open(false) == "");
}

RC_GTEST_PROP(JournalLaw, a_disk_that_fails_for_a_while_loses_nothing, ()) {
    const auto disk = std::make_shared<FaultyDisk>();
    const bool sync = *rc::gen::arbitrary<bool>();
    Driver driver(disk, any_options(sync), *rc::gen::arbitrary<std::uint32_t>());
    RC_ASSERT(driver.open(true) == "");
    for (int round = 0; round != 20; ++round) {
        const std::size_t first = disk->operations() + driver.below(30);
        disk->fail(first, first + 1 + driver.below(4), driver.below(2) == 0 ? EIO : ENOSPC);
        for (int i = 0; i != 12; ++i) {
            driver.step();
        }
        disk->fail(0, 0, 0);
        RC_ASSERT(driver.step());  // there is room again
    }
    driver.close();
    RC_ASSERT(driver.open(true) == "");
}

RC_GTEST_PROP(JournalLaw, failures_and_loss_of_power_together_lose_nothing, ()) {
    const auto disk = std::make_shared<FaultyDisk>();
    Driver driver(disk, any_options(true), *rc::gen::arbitrary<std::uint32_t>());
    for (int life = 0; life != 6; ++life) {
        RC_ASSERT(driver.open(true) == "");
        for (int round = 0; round != 4; ++round) {
            const std::size_t first = disk->operations() + driver.below(30);
            disk->fail(first, first + 1 + driver.below(4), driver.below(2) == 0 ? EIO : ENOSPC);
            for (int i = 0; i != 8; ++i) {
                driver.step();
            }
        }
        disk->crash(driver.chance());
        driver.close();
    }
    RC_ASSERT(driver.open(true) == "");
}

}  // namespace
}  // namespace journal_laws_test
