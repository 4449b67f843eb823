#include <attune/quorum/log/log.hpp>

#include "quorum/log_kit.hpp"

#include <attune/quorum/log/detail/batch.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>

// Damage to the files of a log. The first byte says what the rest is: changes of single bytes, a
// file's whole content, or the records of one more batch, with checksums that are right. A log is
// refused, or gives back what was written, up to some flush.

namespace {

using namespace log_kit;

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

/// A log with entries in several segments, two snapshots and a few votes.
struct Sample {
    Line line;
    std::map<std::string, std::string> files;

    Sample() {
        const auto disk = std::make_shared<FaultyDisk>();
        OpenedLog opened = make_log(disk);
        for (raft::Term term = 1; term != 12; ++term) {
            require(!opened.log->put(raft::WriteVote{{term, 1 + term % 3}}));
            line.append(term, std::string(static_cast<std::size_t>(term) * 60, 'e'));
            require(!opened.log->put(raft::WriteEntries{{line.entries.back()}}));
            require(!opened.log->flush());
            if (term == 4 || term == 7) {
                require(!opened.log->put(raft::WriteSnapshot{line.snapshot(term - 1), false}));
            }
        }
        opened.log.reset();
        files = disk->contents();
    }
};

const Sample& sample() {
    static const Sample made;
    return made;
}

bool is_known(const raft::Recovered& recovered) {
    Line begun = sample().line;
    const raft::Index last = recovered.snapshot.index + recovered.entries.size();
    if (last > begun.last() || recovered.vote.term > 11 ||
        recovered.vote.candidate != (recovered.vote.term == 0 ? 0 : 1 + recovered.vote.term % 3)) {
        return false;
    }
    begun.cut(last + 1);
    return begun.is(recovered);
}

void change_bytes(std::map<std::string, std::string>& files, const std::uint8_t* data,
                  std::size_t size) {
    for (; size >= 4; data += 4, size -= 4) {
        const auto file =
            std::next(files.begin(), static_cast<std::ptrdiff_t>(data[0] % files.size()));
        const std::size_t at = data[1] + std::size_t{256} * data[2];
        if (!file->second.empty()) {
            file->second[at % file->second.size()] = static_cast<char>(data[3]);
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) {
        return 0;
    }
    auto files = sample().files;
    const auto disk = std::make_shared<FaultyDisk>();
    const bool records = data[0] % 3 == 2;
    const std::string rest(reinterpret_cast<const char*>(data + 2), size - 2);
    if (data[0] % 3 == 0) {
        change_bytes(files, data + 1, size - 1);
    } else if (!records) {
        std::next(files.begin(), static_cast<std::ptrdiff_t>(data[1] % files.size()))->second =
            rest;
    }
    for (const auto& [path, content] : files) {
        disk->put(path, content);
    }
    if (records) {
        quorum::detail::VoteFile votes(*disk, log_directory);
        const auto content = quorum::detail::read_log(*disk, log_directory, votes.newest());
        std::uint32_t checksum = 0;
        const std::string batch =
            quorum::detail::encode_batch({content.sequence + 1, content.checksum, rest}, checksum);
        const std::string path =
            log_directory + '/' + quorum::detail::segment_name(content.segment);
        std::string changed = files.at(path);
        if (content.end + batch.size() > changed.size()) {
            return 0;
        }
        disk->put(path, changed.replace(content.end, batch.size(), batch));
    }
    try {
        OpenedLog opened = open_log(disk);
        require(records || is_known(opened.recovered));
        require(!opened.log->put(raft::WriteVote{{100, 1}}) && !opened.log->flush());
        opened.log.reset();
        require(open_log(disk).recovered.vote == raft::Vote{100, 1});
    } catch (const LogRefused&) {
        return 0;
    }
    return 0;
}
