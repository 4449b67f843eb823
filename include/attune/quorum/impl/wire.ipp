#pragma once

#include <attune/quorum/detail/bytes.hpp>
#include <attune/quorum/detail/mutant.hpp>
#include <attune/quorum/wire.hpp>
#include <attune/storage/crc32c.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI::quorum {

namespace detail {

inline constexpr std::uint32_t frame_mark = 0x66515441;  // "ATQf"
inline constexpr std::uint16_t frame_version = 1;
/// Mark, version, kind and size: these stay where they are in every version.
inline constexpr std::size_t frame_start_size = 12;
inline constexpr std::size_t frame_header_size = 40;
inline constexpr std::size_t frame_least_size = frame_header_size + 4;

/// Writes the fields of a message, one after the other; FieldReader below reads them. What a
/// message consists of is said once, by `fields`, for both.
class FieldWriter {
public:
    explicit FieldWriter(std::string& bytes) noexcept : bytes_(bytes) {}

    void operator()(const std::uint64_t& value) { append_number(bytes_, value); }
    void operator()(const bool& value) { append_number(bytes_, std::uint8_t{value}); }
    void operator()(const raft::ClusterTime& value) {
        append_number(bytes_, static_cast<std::uint64_t>(value.count()));
    }
    void operator()(const raft::EntryKind& value) {
        append_number(bytes_, static_cast<std::uint8_t>(value));
    }
    void operator()(const std::string& value) {
        append_number(bytes_, static_cast<std::uint32_t>(value.size()));
        bytes_ += value;
    }
    void operator()(const raft::Bytes& value) { (*this)(value != nullptr ? *value : nothing_); }
    template <class Each>
    void list(const std::vector<raft::Entry>& entries, Each&& each) {
        append_number(bytes_, static_cast<std::uint32_t>(entries.size()));
        for (const raft::Entry& entry : entries) {
            each(entry);
        }
    }

private:
    std::string& bytes_;
    const std::string nothing_;
};

/// Reads what FieldWriter writes. What is no such thing is noted in `is_good`.
class FieldReader {
public:
    explicit FieldReader(std::string_view bytes) noexcept : reader_(bytes) {}

    void operator()(std::uint64_t& value) { value = reader_.number<std::uint64_t>(); }
    void operator()(bool& value) {
        const auto byte = reader_.number<std::uint8_t>();
        good_ = good_ && byte <= 1;
        value = byte == 1;
    }
    void operator()(raft::ClusterTime& value) {
        value = raft::ClusterTime(static_cast<std::int64_t>(reader_.number<std::uint64_t>()));
    }
    void operator()(raft::EntryKind& value) {
        value = static_cast<raft::EntryKind>(reader_.number<std::uint8_t>());
        good_ = good_ && (value == raft::EntryKind::barrier || value == raft::EntryKind::command);
    }
    void operator()(std::string& value) { value = text(); }
    void operator()(raft::Bytes& value) {
        const std::string_view bytes = text();
        value = bytes.empty() ? nullptr : std::make_shared<const std::string>(bytes);
    }
    template <class Each>
    void list(std::vector<raft::Entry>& entries, Each&& each) {
        const auto count = reader_.number<std::uint32_t>();
        // Entries are added as long as there are bytes for them: a count alone takes no memory.
        while (entries.size() != count && is_good()) {
            each(entries.emplace_back());
        }
    }

    bool is_good() const noexcept { return good_ && !reader_.was_short(); }
    bool is_complete() const noexcept { return good_ && reader_.is_complete(); }

private:
    std::string_view text() { return reader_.bytes(reader_.number<std::uint32_t>()); }

    ByteReader reader_;
    bool good_ = true;
};

template <class Visit, class... Fields>
void visit_fields(Visit& visit, Fields&... each) {
    (visit(each), ...);
}

// `M` is const for a writer.
template <class Visit, class M>
void fields(Visit& visit, M& message) {
    using Plain = std::remove_const_t<M>;
    if constexpr (std::is_same_v<Plain, raft::AppendEntries>) {
        visit_fields(visit, message.term, message.previous_index, message.previous_term,
                     message.commit, message.round);
        visit.list(message.entries, [&](auto& entry) {
            visit_fields(visit, entry.index, entry.term, entry.time, entry.kind, entry.data);
        });
    } else if constexpr (std::is_same_v<Plain, raft::AppendReply>) {
        visit_fields(visit, message.term, message.round, message.matches, message.index,
                     message.hint_term, message.refused);
    } else if constexpr (std::is_same_v<Plain, raft::PreVote>) {
        visit_fields(visit, message.term, message.last_index, message.last_term);
    } else if constexpr (std::is_same_v<Plain, raft::PreVoteReply> ||
                         std::is_same_v<Plain, raft::VoteReply>) {
        visit_fields(visit, message.term, message.granted);
    } else if constexpr (std::is_same_v<Plain, raft::RequestVote>) {
        visit_fields(visit, message.term, message.last_index, message.last_term, message.transfer);
    } else if constexpr (std::is_same_v<Plain, raft::InstallSnapshot>) {
        visit_fields(visit, message.term, message.round, message.index, message.index_term,
                     message.time, message.size, message.offset, message.piece);
    } else if constexpr (std::is_same_v<Plain, raft::SnapshotReply>) {
        visit_fields(visit, message.term, message.round, message.index, message.received);
    } else {
        static_assert(std::is_same_v<Plain, raft::TimeoutNow>);
        visit(message.term);
    }
}

// What fields cannot say each for itself.
template <class M>
bool is_sound(const M& message) noexcept {
    if constexpr (std::is_same_v<M, raft::AppendEntries>) {
        raft::Index before = message.previous_index;
        for (const raft::Entry& entry : message.entries) {
            if (entry.index != before + 1) {
                return false;
            }
            before = entry.index;
        }
    } else if constexpr (std::is_same_v<M, raft::InstallSnapshot>) {
        return message.offset <= message.size &&
               message.piece.size() <= message.size - message.offset;
    }
    return true;
}

// Reads the message whose place in raft::Message is `kind`.
template <std::size_t Kind = 0>
std::optional<raft::Message> decode_message(std::size_t kind, std::string_view body) {
    if constexpr (Kind == std::variant_size_v<raft::Message>) {
        return std::nullopt;
    } else {
        if (kind != Kind) {
            return decode_message<Kind + 1>(kind, body);
        }
        std::variant_alternative_t<Kind, raft::Message> message;
        FieldReader reader(body);
        fields(reader, message);
        if (!reader.is_complete() || !is_sound(message)) {
            return std::nullopt;
        }
        return message;
    }
}

}  // namespace detail

ATTUNE_DECL std::string encode_frame(const Frame& frame) {
    std::string body;
    detail::FieldWriter writer(body);
    std::visit([&](const auto& message) { detail::fields(writer, message); }, frame.message);

    std::string bytes;
    bytes.reserve(detail::frame_least_size + body.size());
    detail::append_number(bytes, detail::frame_mark);
    detail::append_number(bytes, detail::frame_version);
    detail::append_number(bytes, static_cast<std::uint16_t>(frame.message.index() + 1));
    detail::append_number(bytes,
                          static_cast<std::uint32_t>(detail::frame_least_size + body.size()));
    detail::append_number(bytes, frame.cluster);
    detail::append_number(bytes, frame.from);
    detail::append_number(bytes, frame.to);
    detail::append_number(bytes, attune::detail::crc32c(bytes));
    bytes += body;
    detail::append_number(bytes, attune::detail::crc32c(bytes));
    return bytes;
}

ATTUNE_DECL std::variant<std::size_t, FrameFault> frame_size(std::string_view bytes,
                                                             const FrameLimits& limits) {
    std::string mark;
    detail::append_number(mark, detail::frame_mark);
    const std::string_view begun = bytes.substr(0, mark.size());
    if (begun != std::string_view(mark).substr(0, begun.size())) {
        return FrameFault::not_a_frame;
    }
    if (bytes.size() < detail::frame_start_size) {
        return std::size_t{0};
    }
    detail::ByteReader reader(bytes.substr(mark.size()));
    if (reader.number<std::uint16_t>() != detail::frame_version) {
        return FrameFault::other_version;
    }
    reader.number<std::uint16_t>();
    const std::size_t size = reader.number<std::uint32_t>();
    if (size < detail::frame_least_size || size > limits.size) {
        return FrameFault::not_a_frame;
    }
    if (bytes.size() < detail::frame_header_size) {
        return std::size_t{0};
    }
    // The size is believed, and so much awaited, only when the header is intact.
    const std::size_t crc_at = detail::frame_header_size - 4;
    if (detail::ByteReader(bytes.substr(crc_at)).number<std::uint32_t>() !=
        attune::detail::crc32c(bytes.substr(0, crc_at))) {
        return FrameFault::not_a_frame;
    }
    return size;
}

ATTUNE_DECL std::variant<Frame, FrameFault> decode_frame(std::string_view bytes,
                                                         std::uint64_t cluster, raft::NodeId self,
                                                         const FrameLimits& limits) {
    const auto size = frame_size(bytes, limits);
    if (const auto* const fault = std::get_if<FrameFault>(&size)) {
        return *fault;
    }
    const std::size_t expected = std::get<std::size_t>(size);
    if (expected == 0 || bytes.size() < expected) {
        return FrameFault::incomplete;
    }
    const std::string_view covered = bytes.substr(0, bytes.size() - 4);
    if (bytes.size() != expected ||
        detail::ByteReader(bytes.substr(covered.size())).number<std::uint32_t>() !=
            attune::detail::crc32c(covered)) {
        return FrameFault::not_a_frame;
    }
    detail::ByteReader header(bytes.substr(6, detail::frame_header_size - 6));
    const std::size_t kind = header.number<std::uint16_t>();
    header.number<std::uint32_t>();
    Frame frame;
    frame.cluster = header.number<std::uint64_t>();
    frame.from = header.number<std::uint64_t>();
    frame.to = header.number<std::uint64_t>();
    if (frame.cluster != cluster &&
        !detail::planted(detail::Mutant::r33_reads_frames_of_other_clusters)) {
        return FrameFault::foreign_cluster;
    }
    if (frame.to != self) {
        return FrameFault::not_for_us;
    }
    auto message = detail::decode_message(kind - 1, covered.substr(detail::frame_header_size));
    if (!message || frame.from == 0) {
        return FrameFault::malformed;
    }
    frame.message = std::move(*message);
    return frame;
}

}  // namespace attune::inline ATTUNE_ABI::quorum
