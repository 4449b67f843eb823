// The bytes of a journal, against tables of others and against what was written once: a format that
// changes by accident leaves journals that nobody can read.

#include <attune/store/detail/journal_format.hpp>

#include "journal_kit.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace journal_format_test {
namespace {

using namespace attune_test;
using namespace attune::detail;

// FIPS 180-4, examples.
TEST(JournalHash, is_sha_256) {
    Sha256 sha;
    EXPECT_EQ(to_hex(sha.of("abc")),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(to_hex(sha.of("")),
              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

// RFC 8032, section 7.1, keys of test 2; checked with `openssl pkeyutl -verify`.
TEST(JournalSignature, is_ed25519_of_the_hash) {
    const std::string secret =
        "\x4c\xcd\x08\x9b\x28\xff\x96\xda\x9d\xb6\xc3\x46\xec\x11\x4e\x0f"
        "\x5b\x8a\x31\x9f\x35\xab\xa6\x24\xda\x8c\xf6\xed\x4f\xb8\xa6\xfb";
    const std::string open =
        "\x3d\x40\x17\xc3\xe8\x43\x89\x5a\x92\xb7\x0a\xa7\x4d\x1b\x7e\xbc"
        "\x9c\x98\x2c\xcf\x2e\xc4\x96\x8c\xc0\xcd\x55\xf1\x2a\xf4\x66\x0c";
    Hash hash = Sha256().of("abc");
    const Signature signature = Ed25519Key::private_key(secret).sign(hash);
    EXPECT_TRUE(Ed25519Key::public_key(open).verify(hash, signature));
    hash[0] ^= 1;
    EXPECT_FALSE(Ed25519Key::public_key(open).verify(hash, signature));
}

RecordHeader some_header() {
    RecordHeader header;
    header.type = RecordType::version;
    header.sequence = 0x0102030405060708;
    header.durable = 7;
    header.version = 42;
    header.time = std::chrono::system_clock::time_point(std::chrono::seconds(1'700'000'000));
    header.previous = Sha256().of("before");
    return header;
}

std::string hex(std::string_view bytes) {
    std::string text;
    for (const char byte : bytes) {
        text += "0123456789abcdef"[static_cast<unsigned char>(byte) >> 4];
        text += "0123456789abcdef"[static_cast<unsigned char>(byte) & 0xF];
    }
    return text;
}

TEST(JournalFormat, of_a_record_is_what_the_documentation_says) {
    Sha256 sha;
    std::string record(record_header_size, '\0');
    record += R"({"patch":[],"reason":"set"})";
    const std::string_view payload = std::string_view(record).substr(record_header_size);
    ASSERT_EQ(payload.size(), 27u);
    const Hash hash = finish_record(some_header(), record, sha, nullptr);
    EXPECT_EQ(hex(std::string_view(record).substr(0, 48)),
              "41526563"          // mark
              "02000000"          // a version, no signature
              "8f00000000000000"  // 143 bytes
              "0807060504030201"  // sequence
              "0700000000000000"  // durable
              "2a00000000000000"  // version
              "00002a36fe9c9717"  // nanoseconds since 1970
    );
    const Hash previous = some_header().previous;
    EXPECT_EQ(record.substr(48, 32), std::string(previous.begin(), previous.end()));
    EXPECT_EQ(record.substr(80, 16), std::string(16, '\0'));
    EXPECT_EQ(record.substr(100, 4), "hEnd");
    EXPECT_EQ(record.substr(135), "ATTUNE.\n");
    EXPECT_EQ(hash, sha.of(std::string_view(record).substr(0, 131)));

    record += "what follows";
    const auto read = decode_record(record, sha);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->payload, R"({"patch":[],"reason":"set"})");
    EXPECT_EQ(read->header.sequence, some_header().sequence);
    EXPECT_EQ(read->header.version, 42u);
    EXPECT_EQ(read->header.time, some_header().time);
    EXPECT_EQ(read->header.previous, some_header().previous);
    EXPECT_EQ(read->hash, hash);
    EXPECT_FALSE(read->signature);
}

TEST(JournalFormat, of_a_segment_header_leaves_nothing_open) {
    SegmentHeader header;
    header.number = 3;
    header.first_sequence = 1234;
    header.created = 1'700'000'000'000'000'000;
    header.journal.fill(0xAB);
    header.link = Sha256().of("before");
    header.sealed = 4096;
    const std::string bytes = encode_segment_header(header);
    ASSERT_EQ(bytes.size(), segment_header_size);
    EXPECT_EQ(bytes.substr(0, 8), "ATTUNEJ\n");
    EXPECT_EQ(hex(bytes.substr(8, 24)),
              "01000000"
              "80000000"
              "0300000000000000"
              "d204000000000000");
    const auto read = decode_segment_header(bytes + "more");
    ASSERT_TRUE(read);
    EXPECT_EQ(read->number, 3u);
    EXPECT_EQ(read->sealed, 4096u);
    EXPECT_EQ(read->link, header.link);
    EXPECT_FALSE(read->whole);
    for (std::size_t at = 0; at != bytes.size(); ++at) {
        std::string changed = bytes;
        changed[at] ^= 1;
        EXPECT_FALSE(decode_segment_header(changed)) << at;
    }
    EXPECT_FALSE(decode_segment_header(bytes.substr(0, 127)));
}

// Written by the first version of this code. What can read it can read what people have.
TEST(JournalFormat, of_a_journal_written_before_is_still_read) {
    const std::string file =
        std::string(ATTUNE_SOURCE_DIR) + "/tests/data/journal/0000000001.journal";
    const auto disk = std::make_shared<FaultyDisk>();
    disk->put(segment_path(journal_directory, 1), read_file(*posix_disk(), file));
    const auto restored = open_journal(disk)->restore(10);
    ASSERT_EQ(restored.versions.size(), 3u);
    EXPECT_EQ(restored.versions[0].reason, "start");
    EXPECT_EQ(restored.versions[0].layer, "service.json");
    EXPECT_EQ(restored.versions[1].document, (Document{{"server", {{"host", "a"}, {"port", 2}}}}));
    EXPECT_TRUE(restored.versions[1].kept);
    EXPECT_EQ(restored.versions[1].note, "before migration");
    EXPECT_EQ(restored.versions[2].document,
              (Document{{"server", {{"host", Document::text("b")}, {"port", 2}}}}));
    EXPECT_EQ(restored.own, (Document{{"server", {{"port", 2}}}}));
    EXPECT_EQ(verify_journal(*disk, journal_directory).records, 4u);
}

}  // namespace
}  // namespace journal_format_test
