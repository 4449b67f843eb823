#pragma once

#include <attune/storage/disk.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace attune_test {

/// A disk in memory, with the page cache of a kernel before it. What is written can be read back at
/// once, but survives `crash` only if it was flushed; of the rest the crash leaves what chance has
/// it. Operations can be made to fail. One thread at a time.
class FaultyDisk final : public attune::detail::Disk {
public:
    static constexpr std::size_t sector = 512;

    /// Chooses a number below its argument, which is at least 1.
    using Choose = std::function<std::size_t(std::size_t)>;

    /// Files by path, as whoever reads them now would see them.
    std::map<std::string, std::string> contents() const {
        std::map<std::string, std::string> all;
        for (const auto& [path, file] : names_) {
            all[path] = file->cached;
        }
        return all;
    }
    void put(const std::string& path, std::string bytes) {
        auto& file = names_[path];
        file = make_inode();
        file->cached = bytes;
        file->durable = std::move(bytes);
        directories_.insert(attune::detail::directory_of(path));
        durable_names_ = names_;
    }

    /// Operations that could fail, so far.
    std::size_t operations() const { return operations_; }
    /// Operations `first` up to, not including, `last` fail with that errno, counted like those.
    void fail(std::size_t first, std::size_t last, int error) {
        first_ = first;
        last_ = last;
        error_ = error;
    }
    /// The operation with that number and all after it fail, half done: the machine stops.
    void stop_at(std::size_t operation) { fail(operation, static_cast<std::size_t>(-1), EIO); }
    /// Only flushes fail.
    void fail_flushes(bool yes) { flushes_fail_ = yes; }
    /// After a flush of a file that fails, the kernel takes the pages for written that are not: they
    /// can be read until the crash, and no later flush writes them.
    void forget_what_fails(bool yes) { forgets_ = yes; }
    /// A crash may keep what was done to some names, and lose what was done before to others.
    void mix_names(bool yes) { mixes_names_ = yes; }
    /// Bytes that fit, all files together.
    void set_room(std::size_t bytes) { room_ = bytes; }

    /// The power fails, and comes back.
    void crash(const Choose& choose) {
        for (const auto& [number, inode] : inodes()) {
            lose(*inode, choose);
        }
        // A file system keeps the order of names, up to some moment after the last flush; unless it
        // is one that has no order.
        const bool in_order = !mixes_names_ || choose(2) == 0;
        const std::size_t kept = in_order ? choose(name_changes_.size() + 1) : name_changes_.size();
        names_ = durable_names_;
        for (std::size_t i = 0; i != kept; ++i) {
            if (in_order || choose(2) == 0) {
                apply(name_changes_[i]);
            }
        }
        name_changes_.clear();
        durable_names_ = names_;
        locks_.clear();
        ++crashes_;
        fail(0, 0, 0);
        flushes_fail_ = false;
        room_ = static_cast<std::size_t>(-1);
    }

    std::unique_ptr<attune::detail::DiskFile> open(const std::string& path,
                                                   attune::detail::DiskOpen how,
                                                   unsigned /*mode*/) override {
        if (how == attune::detail::DiskOpen::read) {
            return std::make_unique<File>(*this, find(path, "cannot open"), path);
        }
        operation("cannot open", path);
        if (how == attune::detail::DiskOpen::create) {
            if (names_.contains(path)) {
                refuse(EEXIST, "cannot create", path);
            }
            change({{}, path, make_inode()});
        }
        return std::make_unique<File>(*this, find(path, "cannot open"), path);
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
        for (const auto& [path, file] : names_) {
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
        refuse_flush(directory);
        name_changes_.clear();
        durable_names_ = names_;
    }

    std::unique_ptr<attune::detail::DiskLock> lock(const std::string& path) override {
        if (locks_.contains(path)) {
            return nullptr;
        }
        const auto token = std::make_shared<int>();
        locks_[path] = token;
        return std::make_unique<Lock>(*this, path, token);
    }

private:
    struct Change {
        std::uint64_t offset;
        std::string bytes;
        bool cut;  // the file ends at the offset
    };

    struct Inode {
        std::size_t number;
        std::string durable;
        std::string cached;
        std::vector<Change> unsynced;
    };
    using InodePtr = std::shared_ptr<Inode>;

    struct NameChange {
        std::string from;  // empty: created
        std::string to;    // empty: removed
        InodePtr inode;
    };

    class Lock final : public attune::detail::DiskLock {
    public:
        Lock(FaultyDisk& disk, std::string path, std::weak_ptr<int> token)
            : disk_(disk), path_(std::move(path)), token_(std::move(token)) {}
        ~Lock() override {
            // A crash has taken it already.
            if (!token_.expired()) {
                disk_.locks_.erase(path_);
            }
        }

    private:
        FaultyDisk& disk_;
        const std::string path_;
        const std::weak_ptr<int> token_;
    };

    class File final : public attune::detail::DiskFile {
    public:
        File(FaultyDisk& disk, InodePtr inode, std::string path)
            : disk_(disk), inode_(std::move(inode)), path_(std::move(path)), life_(disk.crashes_) {}

        std::uint64_t size() override { return inode_->cached.size(); }

        std::size_t read(void* to, std::size_t count, std::uint64_t offset) override {
            const std::string& bytes = inode_->cached;
            if (offset >= bytes.size()) {
                return 0;
            }
            return bytes.copy(static_cast<char*>(to), count, static_cast<std::size_t>(offset));
        }

        void write(std::string_view bytes, std::uint64_t offset) override {
            const std::size_t fits = disk_.room_for(*inode_, offset, bytes.size());
            try {
                operation("cannot write");
            } catch (const std::system_error&) {
                if (life_ != disk_.crashes_) {
                    throw;
                }
                put(bytes.substr(0, whole_sectors(offset, bytes.size() / 2)), offset);
                throw;
            }
            put(bytes.substr(0, fits == bytes.size() ? fits : whole_sectors(offset, fits)), offset);
            if (fits != bytes.size()) {
                refuse(ENOSPC, "cannot write", path_);
            }
        }

        void sync() override {
            try {
                operation("cannot flush");
                disk_.refuse_flush(path_);
            } catch (const std::system_error&) {
                if (disk_.forgets_ && life_ == disk_.crashes_) {
                    inode_->unsynced.clear();
                }
                throw;
            }
            for (const Change& change : inode_->unsynced) {
                apply(inode_->durable, change);
            }
            inode_->unsynced.clear();
        }

        void start_sync(std::uint64_t /*from*/, std::uint64_t /*to*/) noexcept override {}

        void resize(std::uint64_t size) override {
            operation("cannot resize");
            inode_->cached.resize(static_cast<std::size_t>(size));
            inode_->unsynced.push_back({size, {}, true});
        }

        void reserve(std::uint64_t from, std::uint64_t to) override {
            write(std::string(static_cast<std::size_t>(to - from), '\0'), from);
        }

    private:
        void operation(const char* what) {
            if (life_ != disk_.crashes_) {
                refuse(EIO, what, path_);
            }
            disk_.operation(what, path_);
        }

        void put(std::string_view bytes, std::uint64_t offset) {
            if (!bytes.empty()) {
                place(inode_->cached, offset, bytes);
                inode_->unsynced.push_back({offset, std::string(bytes), false});
            }
        }

        FaultyDisk& disk_;
        const InodePtr inode_;
        const std::string path_;
        const std::size_t life_;
    };

    InodePtr make_inode() {
        auto inode = std::make_shared<Inode>();
        inode->number = next_inode_++;
        return inode;
    }

    // A kernel gives up a write between two pages.
    static std::size_t whole_sectors(std::uint64_t offset, std::size_t count) {
        const auto at = static_cast<std::size_t>(offset);
        const std::size_t end = (at + count) / sector * sector;
        return end > at ? end - at : 0;
    }

    [[noreturn]] static void refuse(int error, const char* what, const std::string& path) {
        throw std::system_error(error, std::generic_category(), std::string(what) + ' ' + path);
    }

    static void place(std::string& in, std::uint64_t offset, std::string_view bytes) {
        const auto at = static_cast<std::size_t>(offset);
        in.resize(std::max(in.size(), at + bytes.size()));
        std::copy(bytes.begin(), bytes.end(), in.begin() + static_cast<std::ptrdiff_t>(at));
    }

    void operation(const char* what, const std::string& path) {
        const std::size_t number = operations_++;
        if (number >= first_ && number < last_) {
            refuse(error_, what, path);
        }
    }

    void refuse_flush(const std::string& path) const {
        if (flushes_fail_) {
            refuse(EIO, "cannot flush", path);
        }
    }

    std::size_t room_for(const Inode& inode, std::uint64_t offset, std::size_t bytes) const {
        std::size_t used = 0;
        for (const auto& [path, file] : names_) {
            used += file->cached.size();
        }
        const auto at = static_cast<std::size_t>(offset);
        const std::size_t there = inode.cached.size() > at ? inode.cached.size() - at : 0;
        const std::size_t more = bytes > there ? bytes - there : 0;
        const std::size_t left = room_ > used ? room_ - used : 0;
        return more <= left ? bytes : there + left;
    }

    InodePtr find(const std::string& path, const char* what) const {
        const auto found = names_.find(path);
        if (found == names_.end()) {
            refuse(ENOENT, what, path);
        }
        return found->second;
    }

    void change(const NameChange& change) {
        name_changes_.push_back(change);
        apply(change);
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

    // What the crash leaves of a file. Either everything up to some byte of some write, or of each
    // sector what it held at some moment since the last flush.
    static void lose(Inode& inode, const Choose& choose) {
        const bool in_order = choose(2) == 0;
        const std::size_t cuts = static_cast<std::size_t>(
            std::count_if(inode.unsynced.begin(), inode.unsynced.end(),
                          [](const Change& change) { return change.cut; }));
        if (in_order) {
            const std::size_t whole = choose(inode.unsynced.size() + 1);
            for (std::size_t i = 0; i != whole; ++i) {
                apply(inode.durable, inode.unsynced[i]);
            }
            if (whole != inode.unsynced.size() && !inode.unsynced[whole].cut) {
                Change part = inode.unsynced[whole];
                part.bytes.resize(choose(part.bytes.size() + 1));
                apply(inode.durable, part);
            }
        } else {
            // Sizes change in order, and what was written after a cut cannot be there before it.
            std::size_t cuts_left = choose(cuts + 1);
            std::map<std::size_t, std::size_t> stopped;  // sectors, and the change they stop before
            for (std::size_t i = 0; i != inode.unsynced.size(); ++i) {
                const Change& change = inode.unsynced[i];
                if (change.cut) {
                    if (cuts_left-- == 0) {
                        break;
                    }
                    apply(inode.durable, change);
                    stopped.clear();
                    continue;
                }
                std::size_t at = static_cast<std::size_t>(change.offset);
                std::string_view bytes = change.bytes;
                inode.durable.resize(std::max(inode.durable.size(), at + bytes.size()));
                while (!bytes.empty()) {
                    const std::size_t step = std::min(bytes.size(), sector - at % sector);
                    if (!stopped.contains(at / sector)) {
                        if (choose(3) == 0) {
                            stopped[at / sector] = i;
                        } else {
                            place(inode.durable, at, bytes.substr(0, step));
                        }
                    }
                    at += step;
                    bytes.remove_prefix(step);
                }
            }
        }
        inode.unsynced.clear();
        inode.cached = inode.durable;
    }

    static void apply(std::string& bytes, const Change& change) {
        if (change.cut) {
            bytes.resize(static_cast<std::size_t>(change.offset));
        } else {
            place(bytes, change.offset, change.bytes);
        }
    }

    std::map<std::string, InodePtr> names_;
    std::map<std::string, InodePtr> durable_names_;
    std::vector<NameChange> name_changes_;
    std::set<std::string> directories_;
    std::map<std::string, std::shared_ptr<int>> locks_;

    std::size_t crashes_ = 0;  // files opened before are of no use any more
    std::size_t next_inode_ = 0;
    std::size_t operations_ = 0;
    std::size_t first_ = 0;
    std::size_t last_ = 0;
    int error_ = 0;
    bool flushes_fail_ = false;
    bool forgets_ = false;
    bool mixes_names_ = false;
    std::size_t room_ = static_cast<std::size_t>(-1);
};

}  // namespace attune_test
