#pragma once

#include <attune/document/text.hpp>
#include <attune/store/poller.hpp>
#include <attune/store/transport.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>
#include <cstdlib>

namespace attune_test {

using namespace std::chrono_literals;

/// Longer than anything here takes on a loaded machine. Nothing waits for it to pass.
constexpr auto patience = 60s;

/// A content as a line: the document, or the texts where there are some.
inline std::string text_of(const attune::Content& content) {
    if (content.texts.empty()) {
        return to_text(content.document);
    }
    std::string text;
    for (const attune::Text& value : content.texts) {
        text += (text.empty() ? "" : " ") + value.name + '=' + value.value;
    }
    return text;
}

inline std::string text_of(const std::vector<attune::Problem>& problems) {
    return to_string(attune::Rejection{problems, {}});
}

/// A store that only writes down what it is told.
class Recorder : public attune::Feed {
public:
    attune::Verdict content(attune::Content content) override {
        tell(text_of(content));
        return {};
    }
    void failed(std::vector<attune::Problem> problems) override {
        tell("failed: " + text_of(problems));
    }
    void unchanged() override { tell("unchanged"); }
    attune::Poller& poller() override { return poller_; }

    /// The next thing told, in the order of telling.
    std::string next() {
        std::unique_lock lock{mutex_};
        if (!told_.wait_for(lock, patience, [&] { return taken_ < lines_.size(); })) {
            return "nothing";
        }
        return lines_[taken_++];
    }

    /// Takes lines until one is `line`; gives how many that were, or zero.
    std::size_t until(const std::string& line) {
        for (std::size_t count = 1;; ++count) {
            const std::string told = next();
            if (told == line || told == "nothing") {
                return told == line ? count : 0;
            }
        }
    }

    /// What was told and not yet taken.
    std::size_t waiting() {
        const std::scoped_lock lock{mutex_};
        return lines_.size() - taken_;
    }

    /// Called with each line before it can be taken, on the poller's thread.
    std::function<void()> on_tell;

    /// Returns when everything the poller had to do within `span` from now is done.
    void pass(std::chrono::milliseconds span) {
        struct Passed {
            std::mutex mutex;
            std::condition_variable changed;
            bool done = false;
        } passed;
        const auto timer = poller_.after(span, [&] {
            const std::scoped_lock lock{passed.mutex};
            passed.done = true;
            passed.changed.notify_all();
        });
        std::unique_lock lock{passed.mutex};
        EXPECT_TRUE(passed.changed.wait_for(lock, patience, [&] { return passed.done; }));
    }

private:
    void tell(std::string line) {
        if (on_tell) {
            on_tell();
        }
        const std::scoped_lock lock{mutex_};
        lines_.push_back(std::move(line));
        told_.notify_all();
    }

    std::mutex mutex_;
    std::condition_variable told_;
    std::vector<std::string> lines_;
    std::size_t taken_ = 0;
    attune::Poller poller_;
};

/// A transport that is loaded and started, and stopped at the end.
class Followed {
public:
    Followed(Recorder& recorder, std::unique_ptr<attune::Transport> transport)
        : transport_(std::move(transport)), loaded(text_of(transport_->load())) {
        transport_->start(recorder);
    }
    Followed(const Followed&) = delete;
    Followed& operator=(const Followed&) = delete;
    ~Followed() { transport_->stop(); }

    attune::Transport& operator*() const { return *transport_; }
    attune::Transport* operator->() const { return transport_.get(); }

private:
    std::unique_ptr<attune::Transport> transport_;

public:
    const std::string loaded;
};

/// A directory of its own for each test, gone afterwards.
class Folder {
public:
    Folder() {
        std::string name = (std::filesystem::temp_directory_path() / "attune-XXXXXX").string();
        EXPECT_NE(::mkdtemp(name.data()), nullptr);
        path_ = std::filesystem::canonical(name);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    const std::filesystem::path& path() const { return path_; }
    std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

    /// In place, as `cat >` does.
    void write(const std::string& name, const std::string& text) const {
        std::ofstream file{path_ / name, std::ios::binary | std::ios::trunc};
        file << text << std::flush;
        EXPECT_TRUE(file.good()) << name;
    }

    /// By way of a new file that takes the name over, as careful programs do.
    void replace(const std::string& name, const std::string& text) const {
        write(name + ".new", text);
        std::filesystem::rename(path_ / (name + ".new"), path_ / name);
    }

    /// Points a symbolic link elsewhere in one step, as kubelet does.
    void relink(const std::string& name, const std::string& target) const {
        std::filesystem::create_symlink(target, path_ / (name + ".new"));
        std::filesystem::rename(path_ / (name + ".new"), path_ / name);
    }

    void make(const std::string& name) const { std::filesystem::create_directories(path_ / name); }
    void remove(const std::string& name) const { std::filesystem::remove_all(path_ / name); }
    void rename(const std::string& from, const std::string& to) const {
        std::filesystem::rename(path_ / from, path_ / to);
    }

private:
    std::filesystem::path path_;
};

/// What went wrong when `load` must fail.
inline std::string load_error(attune::Transport& transport) {
    try {
        return "loaded " + text_of(transport.load());
    } catch (const attune::Rejected& rejected) {
        return rejected.what();
    }
}

/// Runs `body` where permissions count: in a child process without privileges if this one is
/// root's. Gives what the body gives, "ok" if all is well; "skip" if there is no such process to be
/// had.
inline std::string without_privileges(const Folder& folder,
                                      const std::function<std::string()>& body) {
    if (::geteuid() != 0) {
        return body();
    }
    constexpr ::uid_t nobody = 65534;
    if (::chown(folder.path().c_str(), nobody, nobody) != 0) {
        return "skip";
    }
    int ends[2];
    if (::pipe(ends) != 0) {
        return "skip";
    }
    const ::pid_t child = ::fork();
    if (child == 0) {
        std::string result = "skip";
        if (::setgid(nobody) == 0 && ::setuid(nobody) == 0) {
            result = body();
        }
        const bool written =
            ::write(ends[1], result.data(), result.size()) == static_cast<::ssize_t>(result.size());
        ::_exit(written ? 0 : 1);
    }
    ::close(ends[1]);
    std::string result;
    char buffer[256];
    for (::ssize_t size; (size = ::read(ends[0], buffer, sizeof buffer)) > 0;) {
        result.append(buffer, static_cast<std::size_t>(size));
    }
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? result : "the child process died";
}

/// The open descriptors of this process that lead to `target`, or all.
inline std::size_t open_descriptors(const std::string& target = {}) {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code error;
        const auto link = std::filesystem::read_symlink(entry, error);
        count += !error && (target.empty() || link == target) ? 1 : 0;
    }
    return count;
}

}  // namespace attune_test
