// What has happened to the files of a journal since they were written: what is found, what is taken
// for a write that did not end, and what can be kept.

#include <attune/store/detail/journal_reader.hpp>

#include "journal_kit.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <openssl/evp.h>
#include <openssl/pem.h>

namespace journal_damage_test {
namespace {

using namespace attune_test;
using namespace attune::detail;
using attune::JournalError;
using attune::JournalFault;
using attune::Version;
using attune::journal::Recovery;
using attune::journal::Report;
using testing::HasSubstr;
using testing::StartsWith;

// Of 32 bytes.
const std::string secret_key = "an Ed25519 key is any 32 bytes..";
using Files = std::map<std::string, std::string>;

std::shared_ptr<FaultyDisk> disk_of(const Files& files) {
    auto disk = std::make_shared<FaultyDisk>();
    for (const auto& [path, bytes] : files) {
        disk->put(path, bytes);
    }
    return disk;
}

std::string segment(std::uint64_t number) { return segment_path(journal_directory, number); }

Report verify(const Files& files, const attune::journal::VerifyOptions& options = {}) {
    return verify_journal(*disk_of(files), journal_directory, options);
}

std::size_t restored(const Files& files) {
    return open_journal(disk_of(files))->restore(1000).versions.size();
}

/// A journal of `count` versions, as it is on the disk while a store has it, or after.
Files journal_of(int count, const JournalOptions& options = {}, bool closed = true,
                 std::size_t last_bytes = 10) {
    auto disk = std::make_shared<FaultyDisk>();
    StoreModel model;
    auto sink = open_journal(disk, options);
    for (int i = 1; i < count; ++i) {
        model.set(*sink, "n" + std::to_string(i % 3), i);
    }
    model.set(*sink, "last", std::string(last_bytes, 'x'));
    if (closed) {
        sink.reset();
    }
    return disk->contents();
}

/// The records of the only segment, with where they begin.
struct Place {
    std::size_t offset;
    RecordHeader header;
};
std::vector<Place> records_in(const std::string& bytes) {
    std::vector<Place> places;
    for (std::size_t at = segment_header_size; at < bytes.size();) {
        const auto header = decode_record_header(std::string_view(bytes).substr(at));
        if (!header) {
            break;
        }
        places.push_back({at, *header});
        at += header->size;
    }
    return places;
}

void expect_every_bit_counts(const Files& files) {
#if defined(__SANITIZE_ADDRESS__)
    constexpr std::size_t step = 5;  // every byte still, and every bit of some
#else
    constexpr std::size_t step = 1;
#endif
    ASSERT_TRUE(verify(files));
    for (const auto& [path, bytes] : files) {
        for (std::size_t flipped = 0; flipped < 8 * bytes.size(); flipped += step) {
            const std::size_t at = flipped / 8;
            const auto bit = static_cast<int>(flipped % 8);
            Files changed = files;
            changed[path][at] = static_cast<char>(bytes[at] ^ (1 << bit));
            const auto disk = disk_of(changed);
            const Report report = verify_journal(*disk, journal_directory);
            ASSERT_TRUE(report.damage) << path << " byte " << at << " bit " << bit;
            ASSERT_EQ(report.unfinished, 0u);
            try {
                open_journal(disk)->restore(1);
                FAIL() << path << " byte " << at << " bit " << bit;
            } catch (const JournalError& error) {
                ASSERT_EQ(error.fault(), JournalFault::damaged);
                ASSERT_THAT(error.what(), HasSubstr("journal::recover"));
            }
            ASSERT_EQ(disk->contents(), changed) << "refusing must not change anything";
        }
    }
}

TEST(JournalDamage, one_flipped_bit_is_found_in_a_closed_journal) {
    expect_every_bit_counts(journal_of(4));
}

TEST(JournalDamage, one_flipped_bit_is_found_before_and_in_the_room_set_aside) {
    const Files files = journal_of(3, {.segment_bytes = 32'768}, false);
    ASSERT_EQ(files.begin()->second.back(), '\0');
    expect_every_bit_counts(files);
}

TEST(JournalDamage, one_flipped_bit_is_found_where_records_span_sectors) {
    expect_every_bit_counts(journal_of(2, {}, true, 1500));
}

TEST(JournalDamage, one_flipped_bit_is_found_in_records_that_were_never_flushed) {
    expect_every_bit_counts(journal_of(4, {.sync = false}));
}

TEST(JournalDamage, one_flipped_bit_is_found_in_several_segments) {
    const Files files = journal_of(22, {.keep = 2, .segment_bytes = 4096}, false);
    ASSERT_EQ(files.size(), 2u);
    expect_every_bit_counts(files);
}

TEST(JournalDamage, one_flipped_bit_is_found_in_signed_records) {
    expect_every_bit_counts(journal_of(2, {.signing_key = secret_key}));
}

TEST(JournalDamage, a_last_record_cut_at_any_byte_is_unfinished) {
    for (const bool zeros : {false, true}) {
        const Files files = journal_of(3, {}, true, 900);
        const std::string& whole = files.begin()->second;
        const std::size_t begin = records_in(whole).back().offset;
        for (std::size_t size = begin + 1; size != whole.size(); ++size) {
            std::string cut = whole.substr(0, size);
            cut.resize(zeros ? whole.size() + 1000 : size);
            const Report report = verify({{segment(1), cut}});
            ASSERT_FALSE(report.damage) << size << ' ' << report.damage->what;
            ASSERT_EQ(report.last, 2u);
            ASSERT_GT(report.unfinished, 0u);
            ASSERT_LE(report.unfinished, size - begin);
        }
    }
}

TEST(JournalDamage, a_last_record_that_lacks_any_sectors_is_unfinished) {
    const Files files = journal_of(3, {}, true, 2300);
    std::string whole = files.begin()->second;
    const std::size_t begin = records_in(whole).back().offset;
    const std::size_t end = whole.size();
    whole.resize(end + 700);
    const std::size_t first = begin / disk_sector;
    const std::size_t last = (end - 1) / disk_sector;
    ASSERT_GE(last - first, 4u);
    for (unsigned missing = 1; missing != 1U << (last - first + 1); ++missing) {
        std::string bytes = whole;
        for (std::size_t sector = first; sector <= last; ++sector) {
            if ((missing >> (sector - first) & 1) != 0) {
                const std::size_t from = std::max(begin, sector * disk_sector);
                std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(from),
                          bytes.begin() + static_cast<std::ptrdiff_t>(
                                              std::min(end, (sector + 1) * disk_sector)),
                          '\0');
            }
        }
        const Report report = verify({{segment(1), bytes}});
        ASSERT_FALSE(report.damage) << missing << ' ' << report.damage->what;
        ASSERT_EQ(report.last, 2u);
        ASSERT_EQ(restored({{segment(1), bytes}}), 2u);
    }
}

TEST(JournalDamage, a_record_that_is_missing_before_one_that_relies_on_it_is_damage) {
    const Files files = journal_of(5, {}, false);
    std::string bytes = files.begin()->second;
    const Place third = records_in(bytes)[2];
    std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(third.offset), third.header.size, '\0');
    const Report report = verify({{segment(1), bytes}});
    ASSERT_TRUE(report.damage);
    EXPECT_EQ(report.damage->offset, third.offset);
    EXPECT_EQ(report.damage->file, segment(1));
    EXPECT_EQ(report.last, 2u);
}

TEST(JournalDamage, without_sync_everything_after_an_unfinished_record_goes_with_it) {
    const Files files = journal_of(6, {.sync = false});
    std::string bytes = files.begin()->second;
    const Place third = records_in(bytes)[2];
    // The sector that has its beginning never reached the disk.
    const std::size_t end = (third.offset / disk_sector + 1) * disk_sector;
    std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(third.offset),
              bytes.begin() + static_cast<std::ptrdiff_t>(std::min(end, bytes.size())), '\0');
    const Report report = verify({{segment(1), bytes}});
    EXPECT_FALSE(report.damage) << report.damage->what;
    EXPECT_EQ(report.last, 2u);
    EXPECT_EQ(restored({{segment(1), bytes}}), 2u);
}

/// Puts records together again, with checksums and marks that are right.
std::string forged(
    const std::string& bytes, const std::vector<std::size_t>& order,
    const std::function<void(std::size_t, RecordHeader&, std::string&)>& change = {}) {
    Sha256 sha;
    const auto places = records_in(bytes);
    std::string made = bytes.substr(0, segment_header_size);
    for (const std::size_t number : order) {
        RecordHeader header = places[number].header;
        std::string record = bytes.substr(places[number].offset,
                                          record_header_size + header.size - header.overhead());
        if (change) {
            change(number, header, record);
        }
        finish_record(header, record, sha, nullptr);
        made += record;
    }
    return made;
}

TEST(JournalChain, finds_an_edit_whose_checksums_are_right) {
    const std::string bytes = journal_of(5).begin()->second;
    ASSERT_TRUE(verify({{segment(1), forged(bytes, {0, 1, 2, 3, 4})}}));
    const std::string edited =
        forged(bytes, {0, 1, 2, 3, 4}, [](std::size_t number, RecordHeader&, std::string& record) {
            if (number == 1) {
                const std::size_t at = record.find("\"value\":2");
                ASSERT_NE(at, record.npos);
                record[at + 8] = '7';
            }
        });
    const Report report = verify({{segment(1), edited}});
    ASSERT_TRUE(report.damage);
    EXPECT_EQ(report.damage->offset, records_in(edited)[2].offset);
    EXPECT_EQ(report.damage->what, "a record does not follow the one before it");
}

TEST(JournalChain, finds_removal_insertion_and_another_order) {
    const std::string bytes = journal_of(5).begin()->second;
    EXPECT_TRUE(verify({{segment(1), forged(bytes, {0, 1, 3, 4})}}).damage);
    EXPECT_TRUE(verify({{segment(1), forged(bytes, {0, 1, 1, 2, 3, 4})}}).damage);
    EXPECT_TRUE(verify({{segment(1), forged(bytes, {0, 2, 1, 3, 4})}}).damage);
    // With the numbers put right as well, the hashes still tell.
    const std::string renumbered =
        forged(bytes, {0, 1, 3, 4}, [](std::size_t number, RecordHeader& header, std::string&) {
            if (number > 2) {
                --header.sequence;
                --header.durable;
            }
        });
    EXPECT_TRUE(verify({{segment(1), renumbered}}).damage);
}

TEST(JournalChain, runs_through_the_segments) {
    Files files = journal_of(22, {.keep = 2, .segment_bytes = 4096});
    ASSERT_EQ(files.size(), 2u);
    Files other = journal_of(22, {.keep = 2, .segment_bytes = 4096});
    ASSERT_TRUE(verify(files));
    files[segment(1)] = other[segment(1)];
    const Report report = verify(files);
    ASSERT_TRUE(report.damage);
    EXPECT_EQ(report.damage->file, segment(2));
    // The last records of an older segment are missed, too.
    files = other;
    const auto places = records_in(files[segment(1)]);
    files[segment(1)].resize(places.back().offset);
    EXPECT_TRUE(verify(files).damage);
}

TEST(JournalChain, shows_the_removal_of_its_end_to_whoever_knows_the_head) {
    const std::string bytes = journal_of(5).begin()->second;
    const std::string head = verify({{segment(1), bytes}}).head;
    const std::string shorter = forged(bytes, {0, 1, 2, 3});
    EXPECT_TRUE(verify({{segment(1), shorter}}));
    const Report report = verify({{segment(1), shorter}}, {.expected_head = head});
    ASSERT_TRUE(report.damage);
    EXPECT_THAT(report.damage->what, HasSubstr("the record with the expected hash is not there"));
    // A head that somebody has kept stays good while the journal grows.
    const std::string early = verify({{segment(1), shorter}}).head;
    EXPECT_TRUE(verify({{segment(1), bytes}}, {.expected_head = early}));
    EXPECT_TRUE(verify({{journal_directory + "/lock", ""}}, {.expected_head = head}).damage);
}

/// The public key that goes with a secret one, as OpenSSL has it.
std::string public_half(const std::string& secret) {
    EVP_PKEY* const key =
        EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr,
                                     reinterpret_cast<const unsigned char*>(secret.data()),
                                     secret.size());
    std::string raw(32, '\0');
    std::size_t size = raw.size();
    EXPECT_EQ(EVP_PKEY_get_raw_public_key(key, reinterpret_cast<unsigned char*>(raw.data()), &size),
              1);
    EVP_PKEY_free(key);
    return raw;
}

/// PEM of either half.
std::string pem(const std::string& raw, bool secret) {
    const auto* const bytes = reinterpret_cast<const unsigned char*>(raw.data());
    EVP_PKEY* const key =
        secret ? EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, bytes, raw.size())
               : EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes, raw.size());
    BIO* const out = BIO_new(BIO_s_mem());
    EXPECT_EQ(secret ? PEM_write_bio_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr)
                     : PEM_write_bio_PUBKEY(out, key),
              1);
    char* text = nullptr;
    const auto size = static_cast<std::size_t>(BIO_get_mem_data(out, &text));
    std::string made(text, size);
    BIO_free(out);
    EVP_PKEY_free(key);
    return made;
}

TEST(JournalSignatures, are_checked_with_the_public_key) {
    const std::string other_key = "this is not the key that signed!";
    const Files files = journal_of(4, {.signing_key = secret_key});
    EXPECT_TRUE(verify(files));
    EXPECT_TRUE(verify(files, {.public_key = public_half(secret_key)}));
    EXPECT_TRUE(verify(files, {.public_key = pem(public_half(secret_key), false)}));
    const Report wrong = verify(files, {.public_key = public_half(other_key)});
    ASSERT_TRUE(wrong.damage);
    EXPECT_EQ(wrong.damage->what, "a signature by another key");
    EXPECT_EQ(verify(journal_of(4, {.signing_key = pem(secret_key, true)}),
                     {.public_key = public_half(secret_key)})
                  .records,
              4u);
}

TEST(JournalSignatures, cannot_be_left_out_where_they_are_required) {
    const std::string required = public_half(secret_key);
    const Files files = journal_of(4, {.signing_key = secret_key});
    // All of it written again, with everything right but the signatures.
    Sha256 sha;
    Hash previous = sha.of(files.at(segment(1)).substr(0, segment_header_size));
    const std::string stripped =
        forged(files.at(segment(1)), {0, 1, 2, 3},
               [&](std::size_t, RecordHeader& header, std::string& record) {
                   header.previous = previous;
                   std::string again = record;
                   previous = finish_record(header, again, sha, nullptr);
               });
    const Report without = verify({{segment(1), stripped}}, {.public_key = required});
    ASSERT_TRUE(without.damage);
    EXPECT_EQ(without.damage->what, "a record without a signature");
    const auto disk = disk_of(files);
    const JournalOptions options{.signing_key = secret_key, .public_key = required};
    EXPECT_EQ(open_journal(disk, options)->restore(10).versions.size(), 4u);
    EXPECT_THROW(open_journal(disk_of(journal_of(4)), options)->restore(10), JournalError);
}

class JournalRecovery : public testing::Test {
protected:
    Recovery recover(const Files& files, const JournalOptions& options = {}) {
        disk = disk_of(files);
        before = read_journal(*disk, journal_directory, {.past_damage = true});
        Recovery recovery = recover_journal(disk, journal_directory, options);
        EXPECT_TRUE(recovery.report) << recovery.report.damage->what;
        // What was there is there still, somewhere.
        Files now = disk->contents();
        for (std::size_t i = 0; i != recovery.moved.size(); ++i) {
            EXPECT_EQ(now.at(recovery.moved[i]), files.at(before.segments[i].path));
        }
        return recovery;
    }
    /// That the journal goes on.
    void expect_writable() {
        StoreModel model;
        auto sink = open_journal(disk);
        const auto restored = sink->restore(1000);
        model.version = 1000;
        model.set(*sink, "more", 1);
        sink.reset();
        EXPECT_TRUE(verify_journal(*disk, journal_directory));
        EXPECT_EQ(open_journal(disk)->restore(1000).versions.size(), restored.versions.size() + 1);
    }

    std::shared_ptr<FaultyDisk> disk;
    JournalContent before;
};

TEST_F(JournalRecovery, keeps_what_lies_before_the_damage_and_says_what_is_lost) {
    Files files = journal_of(9);
    std::string& bytes = files[segment(1)];
    bytes[records_in(bytes)[4].offset + record_header_size + 3] ^= 1;
    const Recovery recovery = recover(files);
    EXPECT_EQ(recovery.versions, 4u);
    EXPECT_EQ(recovery.report.last, 4u);
    EXPECT_EQ(recovery.lost, 5u);
    EXPECT_EQ(recovery.lost_first, 5u);
    EXPECT_EQ(recovery.lost_last, 9u);
    ASSERT_EQ(recovery.moved.size(), 1u);
    EXPECT_THAT(recovery.moved[0], StartsWith(journal_directory + "/damaged-1/"));
    EXPECT_EQ(read_versions(*disk, journal_directory), before.versions());
    expect_writable();
}

TEST_F(JournalRecovery, keeps_the_newest_segment_when_an_older_one_is_damaged) {
    Files files = journal_of(30, {.keep = 2, .segment_bytes = 4096});
    ASSERT_EQ(files.size(), 2u);
    const std::uint64_t older = segments_in(*disk_of(files), journal_directory)[0].number;
    std::string& bytes = files[segment(older)];
    const Version lost = records_in(bytes)[2].header.version;
    bytes[records_in(bytes)[2].offset + 9] ^= 4;
    const Recovery recovery = recover(files);
    EXPECT_EQ(recovery.report.last, 30u);
    // The header that says which version this was is the damage itself.
    EXPECT_GE(recovery.lost_first, lost);
    EXPECT_GE(recovery.versions, 4u);
    EXPECT_EQ(read_versions(*disk, journal_directory), before.versions());
    expect_writable();
}

TEST_F(JournalRecovery, of_a_header_leaves_an_empty_journal_and_the_file) {
    Files files = journal_of(3);
    files[segment(1)][70] ^= 1;
    const Recovery recovery = recover(files);
    EXPECT_EQ(recovery.versions, 0u);
    EXPECT_EQ(recovery.lost, 3u);
    EXPECT_EQ(recovery.report.records, 0u);
    expect_writable();
}

TEST_F(JournalRecovery, keeps_what_the_store_had_set_when_a_whole_file_is_lost) {
    Files files = journal_of(30, {.keep = 2, .segment_bytes = 4096});
    const auto segments = segments_in(*disk_of(files), journal_directory);
    ASSERT_EQ(segments.size(), 2u);
    files[segments[1].path][segment_header_size + 9] ^= 1;
    recover(files);
    const auto restored = open_journal(disk)->restore(1);
    EXPECT_GT(restored.own.size(), 0u);
    EXPECT_EQ(restored.own, restored.versions.back().document);
    expect_writable();
}

TEST_F(JournalRecovery, goes_past_a_file_that_is_gone) {
    Files files = journal_of(60, {.keep = 2, .segment_bytes = 4096});
    const auto segments = segments_in(*disk_of(files), journal_directory);
    ASSERT_EQ(segments.size(), 2u);
    files[segment_path(journal_directory, segments[1].number + 1)] = files[segments[1].path];
    files.erase(segments[1].path);
    EXPECT_TRUE(verify(files).damage);
    const Recovery recovery = recover(files);
    EXPECT_GT(recovery.versions, 2u);
    expect_writable();
}

TEST_F(JournalRecovery, leaves_an_intact_journal_as_it_is) {
    const Files files = journal_of(3);
    const Recovery recovery = recover(files);
    EXPECT_TRUE(recovery.moved.empty());
    EXPECT_EQ(recovery.versions, 3u);
    EXPECT_EQ(disk->contents(), files);
}

TEST_F(JournalRecovery, signs_what_it_writes_again) {
    Files files = journal_of(4, {.signing_key = secret_key});
    std::string& bytes = files[segment(1)];
    bytes[records_in(bytes)[2].offset] ^= 2;
    recover(files, {.signing_key = secret_key});
    EXPECT_TRUE(verify_journal(*disk, journal_directory, {.public_key = public_half(secret_key)}));
}

TEST_F(JournalRecovery, drops_what_another_key_has_signed) {
    disk = disk_of(journal_of(4, {.signing_key = "this is not the key that signed!"}));
    const JournalOptions options{.signing_key = secret_key, .public_key = public_half(secret_key)};
    const Recovery recovery = recover_journal(disk, journal_directory, options);
    EXPECT_EQ(recovery.versions, 0u);
    EXPECT_EQ(recovery.lost, 4u);
    EXPECT_EQ(recovery.moved.size(), 1u);
}

TEST_F(JournalRecovery, is_refused_while_a_store_has_the_journal) {
    const auto has = open_journal(disk = disk_of(journal_of(3)));
    try {
        recover_journal(disk, journal_directory);
        FAIL();
    } catch (const JournalError& error) {
        EXPECT_EQ(error.fault(), JournalFault::locked);
    }
}

TEST_F(JournalRecovery, may_stop_at_any_moment_and_be_done_again) {
    Files files = journal_of(9);
    std::string& bytes = files[segment(1)];
    bytes[records_in(bytes)[4].offset + record_header_size + 3] ^= 1;
    for (std::size_t stop = 0;; ++stop) {
        disk = disk_of(files);
        disk->stop_at(disk->operations() + stop);
        bool done = true;
        try {
            recover_journal(disk, journal_directory);
        } catch (const JournalError&) {
            done = false;
        }
        disk->crash([](std::size_t below) { return below - 1; });
        recover_journal(disk, journal_directory);
        EXPECT_EQ(read_versions(*disk, journal_directory).size(), 4u) << stop;
        Files now = disk->contents();
        EXPECT_TRUE(std::any_of(now.begin(), now.end(), [&](const auto& file) {
            return file.second == bytes;
        })) << stop;
        if (done) {
            break;
        }
    }
}

}  // namespace
}  // namespace journal_damage_test
