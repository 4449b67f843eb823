#pragma once

#include <attune/quorum/detail/bytes.hpp>
#include <attune/quorum/log/detail/file_names.hpp>
#include <attune/quorum/log/detail/snapshot_file.hpp>
#include <attune/storage/crc32c.hpp>

#include <chrono>
#include <cstddef>
#include <memory>

namespace attune::inline ATTUNE_ABI::quorum::detail {

inline constexpr std::string_view snapshot_mark = "ATTUNES\n";
inline constexpr std::uint32_t snapshot_format = 1;
inline constexpr std::size_t snapshot_header_size = 96;

ATTUNE_DECL std::string encode_snapshot_header(const SnapshotFile& file, std::uint64_t size,
                                               std::uint32_t crc) {
    std::string bytes(snapshot_mark);
    append_number(bytes, snapshot_format);
    append_number(bytes, static_cast<std::uint32_t>(snapshot_header_size));
    for (const std::uint64_t number :
         {file.cluster, file.node, file.snapshot.index, file.snapshot.term,
          static_cast<std::uint64_t>(file.snapshot.time.count()), size, file.first_segment,
          file.batch}) {
        append_number(bytes, number);
    }
    append_number(bytes, std::uint64_t{0});
    append_number(bytes, crc);
    append_number(bytes, attune::detail::crc32c(bytes));
    return bytes;
}

ATTUNE_DECL std::string encode_snapshot_file(const SnapshotFile& file) {
    const std::string_view data =
        file.snapshot.data != nullptr ? std::string_view(*file.snapshot.data) : std::string_view();
    std::string bytes = encode_snapshot_header(file, data.size(), attune::detail::crc32c(data));
    bytes += data;
    return bytes;
}

ATTUNE_DECL std::optional<SnapshotFile> decode_snapshot_file(std::string_view bytes) {
    ByteReader reader(bytes);
    reader.bytes(snapshot_mark.size() + 8);
    SnapshotFile file;
    file.cluster = reader.number<std::uint64_t>();
    file.node = reader.number<std::uint64_t>();
    file.snapshot.index = reader.number<std::uint64_t>();
    file.snapshot.term = reader.number<std::uint64_t>();
    file.snapshot.time =
        raft::ClusterTime(static_cast<std::int64_t>(reader.number<std::uint64_t>()));
    const auto size = reader.number<std::uint64_t>();
    file.first_segment = reader.number<std::uint64_t>();
    file.batch = reader.number<std::uint64_t>();
    reader.bytes(16);
    const std::string_view data = reader.bytes(size);
    if (!reader.is_complete() || encode_snapshot_header(file, size, attune::detail::crc32c(data)) !=
                                     bytes.substr(0, snapshot_header_size)) {
        return std::nullopt;
    }
    if (!data.empty()) {
        file.snapshot.data = std::make_shared<const std::string>(data);
    }
    return file;
}

ATTUNE_DECL std::string snapshot_name(raft::Index index) {
    return std::string(snapshot_prefix) + padded_number(index, 20);
}

ATTUNE_DECL std::optional<raft::Index> snapshot_index(std::string_view name) noexcept {
    if (!name.starts_with(snapshot_prefix)) {
        return std::nullopt;
    }
    name.remove_prefix(snapshot_prefix.size());
    return number_of_digits(name, 20);
}

}  // namespace attune::inline ATTUNE_ABI::quorum::detail
