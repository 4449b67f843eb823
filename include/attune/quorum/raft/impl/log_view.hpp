#pragma once

#include <attune/quorum/raft/entry.hpp>
#include <attune/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI::quorum::detail {

/// The log in memory: a snapshot, the entries after it, and for each of them the write that makes
/// it durable. Terms never fall from one entry to the next: they are found by bisection.
class LogView {
public:
    LogView(raft::Snapshot snapshot, std::vector<raft::Entry> entries)
        : snapshot_(std::move(snapshot)) {
        for (raft::Entry& entry : entries) {
            places_.push_back({std::move(entry), 0});
        }
        durable_ = last();
    }

    const raft::Snapshot& snapshot() const noexcept { return snapshot_; }
    raft::Index last() const noexcept { return snapshot_.index + places_.size(); }
    raft::Term last_term() const noexcept {
        return places_.empty() ? snapshot_.term : places_.back().entry.term;
    }
    raft::ClusterTime last_time() const noexcept {
        return places_.empty() ? snapshot_.time : places_.back().entry.time;
    }

    const raft::Entry* find(raft::Index index) const noexcept {
        return index > snapshot_.index && index <= last() ? &place(index).entry : nullptr;
    }
    /// Nothing where it cannot be known any more, or not yet.
    std::optional<raft::Term> term(raft::Index index) const noexcept {
        if (index == snapshot_.index) {
            return snapshot_.term;
        }
        const raft::Entry* const entry = find(index);
        return entry != nullptr ? std::optional{entry->term} : std::nullopt;
    }
    /// The last place up to `index` with that term or an older one; zero when there is none that is
    /// known of.
    raft::Index last_of_term(raft::Index index, raft::Term term) const noexcept {
        if (index < snapshot_.index || snapshot_.term > term) {
            return 0;
        }
        const auto end = places_.begin() +
                         static_cast<std::ptrdiff_t>(std::min(index, last()) - snapshot_.index);
        const auto newer = std::partition_point(places_.begin(), end, [&](const Place& each) {
            return each.entry.term <= term;
        });
        return snapshot_.index + static_cast<raft::Index>(newer - places_.begin());
    }

    /// Up to here everything is durable.
    raft::Index durable() const noexcept { return durable_; }
    /// The write after which everything up to `index` is durable.
    std::uint64_t write_of(raft::Index index) const noexcept {
        return index > snapshot_.index ? place(index).write : snapshot_write_;
    }
    void stored(std::uint64_t write) noexcept {
        if (durable_ < snapshot_.index && snapshot_write_ <= write) {
            durable_ = snapshot_.index;
        }
        if (gone_write_ <= write) {
            gone_bytes_ = 0;
        }
        while (durable_ >= snapshot_.index && durable_ < last() &&
               place(durable_ + 1).write <= write) {
            unstored_bytes_ -= bytes_of(place(++durable_));
        }
    }
    /// Of entries that are not durable, roughly; those that were cut off meanwhile go to the disk
    /// all the same.
    std::size_t unstored_bytes() const noexcept { return unstored_bytes_ + gone_bytes_; }

    void append(raft::Entry entry, std::uint64_t write) {
        places_.push_back({std::move(entry), write});
        unstored_bytes_ += bytes_of(places_.back());
    }
    void truncate(raft::Index from) {
        forget_bytes(std::max(from, durable_ + 1), last());
        places_.erase(places_.begin() + static_cast<std::ptrdiff_t>(from - snapshot_.index - 1),
                      places_.end());
        durable_ = std::min(durable_, from - 1);
    }
    /// Entries up to that of the snapshot go. They are in the log.
    void compact(raft::Snapshot snapshot) {
        snapshot_write_ = write_of(snapshot.index);
        drop_front(snapshot.index);
        snapshot_ = std::move(snapshot);
    }
    /// All entries go, whatever they were. What was durable up to `agreed` is part of the snapshot.
    void replace(raft::Snapshot snapshot, std::uint64_t write, raft::Index agreed) {
        forget_bytes(durable_ + 1, last());
        places_.clear();
        durable_ = std::min(durable_, agreed);
        snapshot_write_ = write;
        snapshot_ = std::move(snapshot);
    }
    /// As `compact`, for a snapshot that is somebody else's: entries behind it stay.
    void replace_front(raft::Snapshot snapshot, std::uint64_t write) {
        drop_front(std::min(snapshot.index, last()));
        snapshot_write_ = write;
        snapshot_ = std::move(snapshot);
    }

private:
    struct Place {
        raft::Entry entry;
        std::uint64_t write = 0;
    };

    const Place& place(raft::Index index) const noexcept {
        return places_[static_cast<std::size_t>(index - snapshot_.index - 1)];
    }
    static std::size_t bytes_of(const Place& place) noexcept {
        constexpr std::size_t about_an_entry = 64;
        return about_an_entry + (place.entry.data == nullptr ? 0 : place.entry.data->size());
    }
    void forget_bytes(raft::Index from, raft::Index to) noexcept {
        for (raft::Index index = std::max(from, snapshot_.index + 1); index <= to; ++index) {
            unstored_bytes_ -= bytes_of(place(index));
            gone_bytes_ += bytes_of(place(index));
            gone_write_ = std::max(gone_write_, place(index).write);
        }
    }
    void drop_front(raft::Index index) {
        forget_bytes(durable_ + 1, index);
        places_.erase(places_.begin(),
                      places_.begin() + static_cast<std::ptrdiff_t>(index - snapshot_.index));
    }

    raft::Snapshot snapshot_;
    std::uint64_t snapshot_write_ = 0;
    std::deque<Place> places_;
    raft::Index durable_ = 0;
    std::size_t unstored_bytes_ = 0;
    std::size_t gone_bytes_ = 0;  ///< not durable either, but no entries any more
    std::uint64_t gone_write_ = 0;
};

}  // namespace attune::inline ATTUNE_ABI::quorum::detail
