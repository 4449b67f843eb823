#include <attune/quorum/lock_machine/command.hpp>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace command_tests {

using namespace attune::quorum;
using namespace std::chrono_literals;
using namespace std::string_view_literals;

TEST(Command, its_bytes_are_as_documented_and_stay_so) {
    EXPECT_EQ(encode(CloseSession{0x0102030405060708}), "\x04\x08\x07\x06\x05\x04\x03\x02\x01"sv);
    EXPECT_EQ(encode(ExpireSession{2, 3}), "\x03\x02\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0"sv);
    EXPECT_EQ(encode(RenewSessions{{1, 2}}),
              "\x02\x02\0\0\0\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0"sv);
    EXPECT_EQ(encode(OpenSession{{1, 2}, 3ms, 4ms, "me"}),
              "\x01\x01\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
              "\x03\0\0\0\0\0\0\0\x04\0\0\0\0\0\0\0\x02\0\0\0me"sv);
    EXPECT_EQ(encode(Acquire{1, 2, {{"ab", LockMode::permits, 3, 4}}, false}),
              "\x05\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\0\x01\0\0\0"
              "\x02\0\0\0ab\x03\x03\0\0\0\x04\0\0\0"sv);
    EXPECT_EQ(encode(CancelAcquire{1, 2, 3}),
              "\x06\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0"sv);
    EXPECT_EQ(encode(Release{1, 2, "ab", {3, 4}}),
              "\x07\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\x02\0\0\0ab"
              "\x03\0\0\0\0\0\0\0\x04\0\0\0\0\0\0\0"sv);
    EXPECT_EQ(encode(AskRelease{"ab"}), "\x08\x02\0\0\0ab"sv);
    EXPECT_EQ(encode(ForceRelease{"ab", {3, 4}}),
              "\x09\x02\0\0\0ab\x03\0\0\0\0\0\0\0\x04\0\0\0\0\0\0\0"sv);
    EXPECT_EQ(encode(Publish{1, 2, "ab", {3, 4}, "v"}),
              "\x0a\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\x02\0\0\0ab"
              "\x03\0\0\0\0\0\0\0\x04\0\0\0\0\0\0\0\x01\0\0\0v"sv);
    EXPECT_EQ(encode(FencedWrite{1, 2, "ab", {3, 4}, "k", "v"}),
              "\x0b\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\x02\0\0\0ab"
              "\x03\0\0\0\0\0\0\0\x04\0\0\0\0\0\0\0\x01\0\0\0k\x01\x01\0\0\0v"sv);
    EXPECT_EQ(encode(FencedWrite{1, 2, "ab", {3, 4}, "k", std::nullopt}),
              "\x0b\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\x02\0\0\0ab"
              "\x03\0\0\0\0\0\0\0\x04\0\0\0\0\0\0\0\x01\0\0\0k\0"sv);
}

TEST(Command, bytes_that_are_none_are_refused) {
    for (const std::string_view bytes : {
             ""sv,
             "\0"sv,
             "\x0c"sv,
             "\xff"sv,  // no such command
             "\x08"sv,
             "\x08\x02\0\0\0a"sv,
             "\x08\x02\0\0\0abc"sv,
             "\x08\xff\xff\xff\xff"sv,
             "\x02\xff\xff\xff\xff"sv,
             "\x02\x02\0\0\0\x01\0\0\0\0\0\0\0"sv,
         }) {
        EXPECT_EQ(decode_command(bytes), std::nullopt) << bytes.size();
    }
    std::string acquire = encode(Acquire{1, 2, {{"a"}}, true});
    acquire[17] = 2;  // neither true nor false
    EXPECT_EQ(decode_command(acquire), std::nullopt);
    for (const LockMode mode : {LockMode{0}, LockMode{4}}) {
        EXPECT_EQ(decode_command(encode(Acquire{1, 2, {{"a", mode}}, true})), std::nullopt);
    }
}

std::string any_text() { return *rc::gen::container<std::string>(rc::gen::arbitrary<char>()); }

Token any_token() {
    return {*rc::gen::arbitrary<std::uint64_t>(), *rc::gen::arbitrary<std::uint64_t>()};
}

Command any_command() {
    const auto session = *rc::gen::arbitrary<SessionId>();
    const auto sequence = *rc::gen::arbitrary<Sequence>();
    switch (*rc::gen::inRange<std::size_t>(0, std::variant_size_v<Command>)) {
    case 0: {
        OpenSession command;
        for (unsigned char& byte : command.client) {
            byte = *rc::gen::arbitrary<unsigned char>();
        }
        command.ttl = std::chrono::milliseconds{*rc::gen::arbitrary<std::int64_t>()};
        command.lock_delay = std::chrono::milliseconds{*rc::gen::arbitrary<std::int64_t>()};
        command.label = any_text();
        return command;
    }
    case 1: return RenewSessions{*rc::gen::arbitrary<std::vector<SessionId>>()};
    case 2: return ExpireSession{session, sequence};
    case 3: return CloseSession{session};
    case 4: {
        Acquire command{session, sequence, {}, *rc::gen::arbitrary<bool>()};
        for (int count = *rc::gen::inRange(0, 5); count != 0; --count) {
            command.wants.push_back(
                {any_text(),
                 *rc::gen::element(LockMode::exclusive, LockMode::shared, LockMode::permits),
                 *rc::gen::arbitrary<std::uint32_t>(), *rc::gen::arbitrary<std::uint32_t>()});
        }
        return command;
    }
    case 5: return CancelAcquire{session, sequence, *rc::gen::arbitrary<Sequence>()};
    case 6: return Release{session, sequence, any_text(), any_token()};
    case 7: return AskRelease{any_text()};
    case 8: return ForceRelease{any_text(), any_token()};
    case 9: return Publish{session, sequence, any_text(), any_token(), any_text()};
    default:
        return FencedWrite{
            session,    sequence,
            any_text(), any_token(),
            any_text(), *rc::gen::arbitrary<bool>() ? std::optional{any_text()} : std::nullopt};
    }
}

RC_GTEST_PROP(CommandLaw, what_is_encoded_can_be_read_and_nothing_shorter_or_longer, ()) {
    const Command command = any_command();
    const std::string bytes = encode(command);
    const auto read = decode_command(bytes);
    RC_ASSERT(read.has_value());
    RC_ASSERT(read->index() == command.index());
    RC_ASSERT(encode(*read) == bytes);
    for (std::size_t size = 0; size != bytes.size(); ++size) {
        RC_ASSERT(!decode_command(std::string_view{bytes}.substr(0, size)));
    }
    RC_ASSERT(!decode_command(bytes + any_text() + "x"));
}

RC_GTEST_PROP(CommandLaw, whatever_can_be_read_is_what_its_command_gives, ()) {
    std::string bytes = encode(any_command());
    for (int count = *rc::gen::inRange(1, 4); count != 0; --count) {
        bytes[*rc::gen::inRange<std::size_t>(0, bytes.size())] = *rc::gen::arbitrary<char>();
    }
    if (const auto read = decode_command(bytes)) {
        RC_ASSERT(encode(*read) == bytes);
    }
}

}  // namespace command_tests
