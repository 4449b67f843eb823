#include <attune/quorum/wire.hpp>
#include <attune/storage/crc32c.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <variant>

// The first byte says whether size and checksums are made right, so that the content is looked at;
// the rest is what a peer sends. What is taken for a frame has exactly these bytes.

namespace {

namespace quorum = attune::quorum;

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

void put_number(std::string& bytes, std::size_t at, std::uint32_t value) {
    for (std::size_t i = 0; i != 4; ++i) {
        bytes[at + i] = static_cast<char>(static_cast<unsigned char>(value >> (8 * i)));
    }
}

void seal(std::string& bytes) {
    bytes.replace(0, 6, std::string("ATQf\x01\0", 6));
    put_number(bytes, 8, static_cast<std::uint32_t>(bytes.size()));
    put_number(bytes, 36, attune::detail::crc32c(std::string_view(bytes).substr(0, 36)));
    const std::size_t end = bytes.size() - 4;
    put_number(bytes, end, attune::detail::crc32c(std::string_view(bytes).substr(0, end)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    std::string bytes(reinterpret_cast<const char*>(data + 1), size - 1);
    if ((data[0] & 1) != 0 && bytes.size() >= 44) {
        seal(bytes);
    }
    const quorum::FrameLimits limits{2048};
    const auto length = quorum::frame_size(bytes, limits);
    const auto read = quorum::decode_frame(bytes, 7, 2, limits);
    if (const auto* const frame = std::get_if<quorum::Frame>(&read)) {
        require(frame->cluster == 7 && frame->to == 2 && frame->from != 0);
        require(std::get<std::size_t>(length) == bytes.size() && bytes.size() <= limits.size);
        require(quorum::encode_frame(*frame) == bytes);
    } else if (std::get<quorum::FrameFault>(read) == quorum::FrameFault::incomplete) {
        require(bytes.size() < 40 || std::get<std::size_t>(length) > bytes.size());
    }
    return 0;
}
