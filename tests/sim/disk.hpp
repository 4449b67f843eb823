#pragma once

#include "sim/random.hpp"

#include <attune/storage/disk.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace attune_sim {

/// A disk in memory behind the page cache of a kernel, quick enough to be crashed a million times.
/// What is written can be read back at once; what survives a loss of power is what was flushed, and
/// of the rest what chance leaves. After a flush that fails, the kernel takes the pages for written
/// (Rebello et al., Can Applications Recover from fsync Failures?, 2020).
class SimDisk final : public attune::detail::Disk {
public:
    static constexpr std::size_t sector = 512;

    explicit SimDisk(Random random) : random_(random) {}

    /// Whoever uses the disk has died; what the kernel has stays.
    void abandon() {
        ++life_;
        locks_.clear();
        stop_after(0);
        stopped_ = false;
    }
    /// The power fails, and comes back.
    void crash() {
        for (const auto& [number, inode] : inodes()) {
            lose(*inode);
        }
        // A file system keeps the order of names, up to some moment after the last flush.
        const std::size_t kept = random_.below(name_changes_.size() + 1);
        names_ = durable_names_;
        for (std::size_t i = 0; i != kept; ++i) {
            apply(name_changes_[i]);
        }
        name_changes_.clear();
        durable_names_ = names_;
        failing_flushes_ = 0;
        abandon();
    }
    /// Everything is gone: another disk with the same name.
    void lose_everything() {
        names_.clear();
        durable_names_.clear();
        name_changes_.clear();
        abandon();
    }

    /// The machine stops at the operation with that number from now on, half done; zero: it does not.
    void stop_after(std::size_t operations) noexcept { stop_ = operations; }
    bool has_stopped() const noexcept { return stopped_; }
    void fail_flushes(std::size_t many) noexcept { failing_flushes_ = many; }

    std::size_t used() const {
        std::size_t used = 0;
        for (const auto& [path, inode] : names_) {
            used += inode->cached.size();
        }
        return used;
    }
    bool was_full() const noexcept { return was_full_; }
    /// Bytes that fit, all files together.
    void set_room(std::size_t bytes) noexcept { room_ = bytes; }

    /// Begins a cycle of writes and one flush. What was durable before a cycle that brought entries
    /// to the disk is what a log can vouch for: `covered` says that this one has.
    void begin_cycle() noexcept { ++cycle_; }
    void covered() noexcept { covered_ = cycle_; }
    /// Flips a bit of something that is vouched for. False: there is nothing.
    bool rot() {
        std::vector<std::pair<Inode*, std::pair<std::uint64_t, std::size_t>>> places;
        for (const auto& [number, inode] : inodes()) {
            for (const auto& [offset, extent] : inode->extents) {
                if (extent.cycle < covered_ && offset + extent.size <= inode->durable.size()) {
                    places.push_back({inode.get(), {offset, extent.size}});
                }
            }
        }
        if (places.empty()) {
            return false;
        }
        const auto& [inode, place] = random_.one_of(places);
        const std::size_t at = static_cast<std::size_t>(place.first) + random_.below(place.second);
        const auto flip = static_cast<char>(1 << random_.below(8));
        inode->durable[at] = static_cast<char>(inode->durable[at] ^ flip);
        if (at < inode->cached.size()) {
            inode->cached[at] = static_cast<char>(inode->cached[at] ^ flip);
        }
        return true;
    }

    std::unique_ptr<attune::detail::DiskFile> open(const std::string& path,
                                                   attune::detail::DiskOpen how,
                                                   unsigned /*mode*/) override {
        if (how != attune::detail::DiskOpen::create) {
            return std::make_unique<File>(*this, find(path, "cannot open"), path);
        }
        operation("cannot create", path);
        if (names_.contains(path)) {
            refuse(EEXIST, "cannot create", path);
        }
        auto inode = std::make_shared<Inode>();
        inode->number = next_inode_++;
        change({{}, path, inode});
        return std::make_unique<File>(*this, std::move(inode), path);
    }

    void make_directory(const std::string& path, unsigned /*mode*/) override {
        operation("cannot create", path);
        directories_.insert(path);
    }

    bool exists(const std::string& path) override {
        return names_.contains(path) || directories_.contains(path);
    }

    std::vector<std::string> list(const std::string& directory) override {
        if (!directories_.contains(directory)) {
            refuse(ENOENT, "cannot list", directory);
        }
        std::vector<std::string> names;
        for (const auto& [path, inode] : names_) {
            if (attune::detail::directory_of(path) == directory) {
                names.push_back(path.substr(directory.size() + 1));
            }
        }
        return names;
    }

    void rename(const std::string& from, const std::string& to) override {
        operation("cannot rename", from);
        change({from, to, find(from, "cannot rename")});
    }

    void remove(const std::string& path) override {
        operation("cannot remove", path);
        find(path, "cannot remove");
        change({path, {}, nullptr});
    }

    void sync_directory(const std::string& directory) override {
        operation("cannot flush", directory);
        if (failing_flushes_ != 0) {
            --failing_flushes_;
            refuse(EIO, "cannot flush", directory);
        }
        name_changes_.clear();
        durable_names_ = names_;
    }

    std::unique_ptr<attune::detail::DiskLock> lock(const std::string& path) override {
        if (locks_.contains(path)) {
            return nullptr;
        }
        locks_.insert(path);
        return std::make_unique<Lock>(*this, path, life_);
    }

private:
    struct Change {
        std::uint64_t offset;
        std::string bytes;
        bool cut;  // the file ends at the offset
    };
    struct Extent {
        std::size_t size;
        std::uint64_t cycle;
    };
    struct Inode {
        std::size_t number = 0;
        std::string durable;
        std::string cached;
        std::vector<Change> unsynced;
        std::map<std::uint64_t, Extent> extents;  // written on purpose, by offset
    };
    using InodePtr = std::shared_ptr<Inode>;
    struct NameChange {
        std::string from;  // empty: created
        std::string to;    // empty: removed
        InodePtr inode;
    };

    class Lock final : public attune::detail::DiskLock {
    public:
        Lock(SimDisk& disk, std::string path, std::size_t life)
            : disk_(disk), path_(std::move(path)), life_(life) {}
        ~Lock() override {
            if (life_ == disk_.life_) {
                disk_.locks_.erase(path_);
            }
        }

    private:
        SimDisk& disk_;
        const std::string path_;
        const std::size_t life_;
    };

    class File final : public attune::detail::DiskFile {
    public:
        File(SimDisk& disk, InodePtr inode, std::string path)
            : disk_(disk), inode_(std::move(inode)), path_(std::move(path)), life_(disk.life_) {}

        std::uint64_t size() override { return inode_->cached.size(); }

        std::size_t read(void* to, std::size_t count, std::uint64_t offset) override {
            const std::string& bytes = inode_->cached;
            return offset >= bytes.size() ? 0
                                          : bytes.copy(static_cast<char*>(to), count,
                                                       static_cast<std::size_t>(offset));
        }

        void write(std::string_view bytes, std::uint64_t offset) override {
            put(bytes, offset);
            auto& extents = inode_->extents;
            auto old = extents.lower_bound(offset);
            if (old != extents.begin() &&
                std::prev(old)->first + std::prev(old)->second.size > offset) {
                --old;
            }
            while (old != extents.end() && old->first < offset + bytes.size()) {
                old = extents.erase(old);
            }
            if (!bytes.empty()) {
                extents[offset] = {bytes.size(), disk_.cycle_};
            }
        }

        void sync() override {
            operation("cannot flush");
            if (disk_.failing_flushes_ != 0) {
                --disk_.failing_flushes_;
                disk_.write_back(*inode_, disk_.random_.below(inode_->unsynced.size() + 1));
                inode_->unsynced.clear();
                refuse(EIO, "cannot flush", path_);
            }
            disk_.write_back(*inode_, inode_->unsynced.size());
            inode_->unsynced.clear();
        }

        void start_sync(std::uint64_t /*from*/, std::uint64_t /*to*/) noexcept override {}

        void resize(std::uint64_t size) override {
            operation("cannot resize");
            inode_->cached.resize(static_cast<std::size_t>(size));
            inode_->unsynced.push_back({size, {}, true});
        }

        void reserve(std::uint64_t from, std::uint64_t to) override {
            put(std::string(static_cast<std::size_t>(to - from), '\0'), from);
        }

    private:
        void operation(const char* what) {
            if (life_ != disk_.life_) {
                refuse(EIO, what, path_);
            }
            disk_.operation(what, path_);
        }

        void put(std::string_view bytes, std::uint64_t offset) {
            try {
                operation("cannot write");
            } catch (const std::system_error&) {
                if (life_ == disk_.life_) {
                    place(bytes.substr(0, whole_sectors(offset, bytes.size() / 2)), offset);
                }
                throw;
            }
            const std::size_t fits = disk_.room_for(*inode_, offset, bytes.size());
            place(bytes.substr(0, fits == bytes.size() ? fits : whole_sectors(offset, fits)),
                  offset);
            if (fits != bytes.size()) {
                disk_.was_full_ = true;
                refuse(ENOSPC, "cannot write", path_);
            }
        }
        void place(std::string_view bytes, std::uint64_t offset) {
            if (!bytes.empty()) {
                copy(inode_->cached, offset, bytes);
                inode_->unsynced.push_back({offset, std::string(bytes), false});
            }
        }

        SimDisk& disk_;
        const InodePtr inode_;
        const std::string path_;
        const std::size_t life_;
    };

    // A kernel gives up a write between two pages.
    static std::size_t whole_sectors(std::uint64_t offset, std::size_t count) {
        const auto at = static_cast<std::size_t>(offset);
        const std::size_t end = (at + count) / sector * sector;
        return end > at ? end - at : 0;
    }

    [[noreturn]] static void refuse(int error, const char* what, const std::string& path) {
        throw std::system_error(error, std::generic_category(), std::string(what) + ' ' + path);
    }

    static void copy(std::string& to, std::uint64_t offset, std::string_view bytes) {
        const auto at = static_cast<std::size_t>(offset);
        if (to.size() < at + bytes.size()) {
            to.resize(at + bytes.size());
        }
        bytes.copy(to.data() + at, bytes.size());
    }
    static void apply(std::string& bytes, const Change& change) {
        if (change.cut) {
            bytes.resize(static_cast<std::size_t>(change.offset));
        } else {
            copy(bytes, change.offset, change.bytes);
        }
    }
    static void write_back(Inode& inode, std::size_t changes) {
        for (std::size_t i = 0; i != changes; ++i) {
            apply(inode.durable, inode.unsynced[i]);
        }
    }

    void operation(const char* what, const std::string& path) {
        if (stop_ != 0 && --stop_ == 0) {
            stopped_ = true;
        }
        if (stopped_) {
            refuse(EIO, what, path);
        }
    }

    std::size_t room_for(const Inode& inode, std::uint64_t offset, std::size_t bytes) const {
        if (room_ == static_cast<std::size_t>(-1)) {
            return bytes;
        }
        const auto at = static_cast<std::size_t>(offset);
        const std::size_t there = inode.cached.size() > at ? inode.cached.size() - at : 0;
        const std::size_t more = bytes > there ? bytes - there : 0;
        const std::size_t left = room_ > used() ? room_ - used() : 0;
        return more <= left ? bytes : there + left;
    }

    InodePtr find(const std::string& path, const char* what) const {
        const auto found = names_.find(path);
        if (found == names_.end()) {
            refuse(ENOENT, what, path);
        }
        return found->second;
    }

    void change(NameChange change) {
        apply(change);
        name_changes_.push_back(std::move(change));
    }
    void apply(const NameChange& change) {
        if (!change.from.empty()) {
            names_.erase(change.from);
        }
        if (!change.to.empty()) {
            names_[change.to] = change.inode;
        }
    }

    /// Oldest first, so that one seed means one crash.
    std::map<std::size_t, InodePtr> inodes() const {
        std::map<std::size_t, InodePtr> all;
        for (const auto* names : {&names_, &durable_names_}) {
            for (const auto& [path, inode] : *names) {
                all[inode->number] = inode;
            }
        }
        for (const NameChange& change : name_changes_) {
            if (change.inode != nullptr) {
                all[change.inode->number] = change.inode;
            }
        }
        return all;
    }

    // What a loss of power leaves of a file: everything up to some byte of some write, or of each
    // sector what it held at some moment since the last flush.
    void lose(Inode& inode) {
        if (random_.below(2) == 0) {
            const std::size_t whole = random_.below(inode.unsynced.size() + 1);
            write_back(inode, whole);
            if (whole != inode.unsynced.size() && !inode.unsynced[whole].cut) {
                Change part = inode.unsynced[whole];
                part.bytes.resize(random_.below(part.bytes.size() + 1));
                apply(inode.durable, part);
            }
        } else {
            lose_sectors(inode);
        }
        inode.unsynced.clear();
        inode.cached = inode.durable;
    }
    void lose_sectors(Inode& inode) {
        // Sizes change in order, and what was written after a cut cannot be there before it.
        std::size_t cuts = static_cast<std::size_t>(
            std::count_if(inode.unsynced.begin(), inode.unsynced.end(),
                          [](const Change& change) { return change.cut; }));
        cuts = random_.below(cuts + 1);
        std::set<std::size_t> stopped;
        for (const Change& change : inode.unsynced) {
            if (change.cut) {
                if (cuts-- == 0) {
                    return;
                }
                apply(inode.durable, change);
                stopped.clear();
                continue;
            }
            auto at = static_cast<std::size_t>(change.offset);
            std::string_view bytes = change.bytes;
            inode.durable.resize(std::max(inode.durable.size(), at + bytes.size()));
            while (!bytes.empty()) {
                const std::size_t step = std::min(bytes.size(), sector - at % sector);
                if (!stopped.contains(at / sector)) {
                    if (random_.below(3) == 0) {
                        stopped.insert(at / sector);
                    } else {
                        copy(inode.durable, at, bytes.substr(0, step));
                    }
                }
                at += step;
                bytes.remove_prefix(step);
            }
        }
    }

    Random random_;
    std::map<std::string, InodePtr> names_;
    std::map<std::string, InodePtr> durable_names_;
    std::vector<NameChange> name_changes_;
    std::set<std::string> directories_;
    std::set<std::string> locks_;

    std::size_t life_ = 0;  // files opened in an earlier one are of no use any more
    std::size_t next_inode_ = 0;
    std::size_t stop_ = 0;
    bool stopped_ = false;
    std::size_t failing_flushes_ = 0;
    bool was_full_ = false;
    std::size_t room_ = static_cast<std::size_t>(-1);
    std::uint64_t cycle_ = 0;
    std::uint64_t covered_ = 0;
};

}  // namespace attune_sim
