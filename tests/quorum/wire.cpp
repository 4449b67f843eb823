#include <attune/quorum/wire.hpp>

#include "wire_kit.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace wire_test {
namespace {

using namespace wire_kit;
using quorum::decode_frame;
using quorum::encode_frame;
using quorum::Frame;
using quorum::frame_size;
using quorum::FrameFault;

FrameFault fault_of(const std::variant<Frame, FrameFault>& read) {
    return std::get<FrameFault>(read);
}

TEST(Frame, has_the_bytes_that_the_format_says) {
    const std::string bytes = encode_frame({7, 1, 2, raft::TimeoutNow{5}});
    EXPECT_EQ(bytes.substr(0, 12), std::string("ATQf\x01\0\x09\0\x34\0\0\0", 12));
    EXPECT_EQ(bytes.substr(12, 24),
              std::string("\x07\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0", 24));
    EXPECT_EQ(bytes.substr(40, 8), std::string("\x05\0\0\0\0\0\0\0", 8));
    EXPECT_EQ(bytes.size(), 52U);
}

TEST(Frame, is_refused_from_another_cluster_and_for_another_member) {
    const std::string bytes = encode_frame({7, 1, 2, raft::VoteReply{5, true}});
    EXPECT_TRUE(std::holds_alternative<Frame>(decode_frame(bytes, 7, 2)));
    EXPECT_EQ(fault_of(decode_frame(bytes, 8, 2)), FrameFault::foreign_cluster);
    EXPECT_EQ(fault_of(decode_frame(bytes, 7, 3)), FrameFault::not_for_us);
}

TEST(Frame, of_another_version_is_told_apart_from_what_is_no_frame) {
    std::string bytes = encode_frame({7, 1, 2, raft::VoteReply{5, true}});
    bytes[4] = 2;
    EXPECT_EQ(fault_of(decode_frame(bytes, 7, 2)), FrameFault::other_version);
    EXPECT_EQ(fault_of(decode_frame("GET / HTTP/1.1\r\n", 7, 2)), FrameFault::not_a_frame);
}

TEST(Frame, is_incomplete_as_long_as_bytes_are_missing) {
    const std::string bytes = encode_frame({7, 1, 2, some_entries()});
    for (std::size_t count = 0; count != bytes.size(); ++count) {
        const std::string_view begun = std::string_view(bytes).substr(0, count);
        EXPECT_EQ(fault_of(decode_frame(begun, 7, 2)), FrameFault::incomplete) << count;
        EXPECT_EQ(std::get<std::size_t>(frame_size(begun)), count < 40 ? 0 : bytes.size());
    }
    EXPECT_EQ(fault_of(decode_frame(bytes + 'x', 7, 2)), FrameFault::not_a_frame);
}

TEST(Frame, has_a_limit_of_its_size) {
    const std::string bytes = encode_frame({7, 1, 2, some_entries()});
    EXPECT_TRUE(std::holds_alternative<Frame>(decode_frame(bytes, 7, 2, {bytes.size()})));
    EXPECT_EQ(fault_of(decode_frame(bytes, 7, 2, {bytes.size() - 1})), FrameFault::not_a_frame);
}

TEST(Frame, never_survives_a_flipped_bit) {
    for (const Frame& frame : sample_frames()) {
        const std::string bytes = encode_frame(frame);
        for (std::size_t bit = 0; bit != bytes.size() * 8; ++bit) {
            std::string changed = bytes;
            changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
            EXPECT_TRUE(std::holds_alternative<FrameFault>(decode_frame(changed, frame.cluster,
                                                                        frame.to)))
                << frame.message.index() << ' ' << bit;
        }
    }
}

TEST(Frame, that_is_intact_and_says_nonsense_is_malformed) {
    const auto malformed = [](const std::string& bytes) {
        EXPECT_EQ(fault_of(decode_frame(bytes, 7, 2)), FrameFault::malformed);
    };
    const auto changed = [](const Frame& frame, std::size_t at, char to) {
        std::string bytes = encode_frame(frame);
        bytes[at] = to;
        seal(bytes);
        return bytes;
    };
    const Frame reply{7, 1, 2, raft::VoteReply{5, true}};
    malformed(changed(reply, 6, 10));  // a kind of message that does not exist
    malformed(changed(reply, 6, 0));
    malformed(changed(reply, 48, 2));  // neither yes nor no
    malformed(changed(reply, 20, 0));  // from nobody

    const Frame entries{7, 1, 2, some_entries()};
    malformed(changed(entries, 80, 9));       // more entries than there are
    malformed(changed(entries, 83, '\x7F'));  // two thousand million
    malformed(changed(entries, 84, 9));       // an entry out of order
    malformed(changed(entries, 108, 3));      // of no kind

    raft::InstallSnapshot snapshot{.size = 10, .offset = 8, .piece = "abc"};
    malformed(encode_frame({7, 1, 2, snapshot}));
    snapshot.offset = ~std::uint64_t{0};
    malformed(encode_frame({7, 1, 2, snapshot}));
}

RC_GTEST_PROP(FrameLaw, what_is_sent_is_what_is_received, ()) {
    const Frame frame = random_frame();
    const std::string bytes = encode_frame(frame);
    RC_ASSERT(std::get<std::size_t>(frame_size(bytes)) == bytes.size());
    const auto read = decode_frame(bytes, frame.cluster, frame.to);
    RC_ASSERT(std::holds_alternative<Frame>(read));
    RC_ASSERT(same(std::get<Frame>(read), frame));
    RC_ASSERT(encode_frame(std::get<Frame>(read)) == bytes);
}

RC_GTEST_PROP(FrameLaw, changed_bytes_are_a_fault_or_say_the_same_in_bytes, ()) {
    const Frame frame = random_frame();
    std::string bytes = encode_frame(frame);
    for (int changes = *rc::gen::inRange(1, 8); changes != 0; --changes) {
        const auto at = *rc::gen::inRange<std::size_t>(0, bytes.size());
        bytes[at] = *rc::gen::arbitrary<char>();
    }
    if (*rc::gen::arbitrary<bool>()) {
        seal(bytes);
    }
    const auto read = decode_frame(bytes, frame.cluster, frame.to);
    if (const auto* const got = std::get_if<Frame>(&read)) {
        RC_ASSERT(encode_frame(*got) == bytes);
    }
}

}  // namespace
}  // namespace wire_test
