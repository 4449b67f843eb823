// Ways to be told of changes, and to wait for them.

#include <attune/attune.hpp>

#include <chrono>
#include <condition_variable>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <mutex>
#include <queue>
#include <string>
#include <thread>

namespace {

using namespace std::chrono_literals;

struct Pool {
    int size = 8;
    std::chrono::milliseconds timeout{250};
};

void describe(attune::Schema<Pool>& s) { s.field(&Pool::size).between(1, 64); }

// [executor]
/// Collects work for a thread that asks for it: the main loop of a program that has one.
class Loop {
public:
    void execute(std::function<void()> work) const {
        const std::lock_guard lock{shared_->mutex};
        shared_->work.push(std::move(work));
        shared_->ready.notify_one();
    }
    /// Runs one piece of work; false when none came in time.
    bool run_one(std::chrono::milliseconds patience) const {
        std::unique_lock lock{shared_->mutex};
        if (!shared_->ready.wait_for(lock, patience, [&] { return !shared_->work.empty(); })) {
            return false;
        }
        const auto work = std::move(shared_->work.front());
        shared_->work.pop();
        lock.unlock();
        work();
        return true;
    }

private:
    struct Shared {
        std::mutex mutex;
        std::condition_variable ready;
        std::queue<std::function<void()>> work;
    };
    std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
};
// [executor-end]

/// A folder that is gone at the end.
struct Scratch {
    std::filesystem::path path;
    Scratch() {
        std::string name = (std::filesystem::temp_directory_path() / "observe-XXXXXX").string();
        if (mkdtemp(name.data()) == nullptr) {
            throw std::runtime_error{"cannot make a temporary directory"};
        }
        path = name;
    }
    ~Scratch() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
};

int run() {
    const Scratch scratch;
    const auto file = scratch.path / "pool.json";
    std::ofstream{file} << R"({"pool": {"size": 8}})";

    attune::Store store;
    store.add(attune::file(file));
    const attune::Config<Pool> pool = store.bind<Pool>("pool");
    const Loop loop;
    bool refused = false;

    // [observe]
    // Now, and after every change: for what has to be set up from the value.
    const auto resize =
        pool.apply([](const Pool& p) { std::cout << "apply: pool of " << p.size << '\n'; });

    // After every change, on the store's own thread, with what it was before.
    const auto log = pool.on_change([](const attune::Change<Pool>& change) {
        std::cout << "on_change: " << change.before->size << " became " << change.after->size
                  << " in version " << change.version << '\n';
    });

    // The same on the thread that commits, before the commit returns, and on an executor.
    const auto at_once = pool.on_change(attune::inline_executor, [](const attune::Change<Pool>&) {
        std::cout << "inline: published\n";
    });
    const auto in_loop = pool.on_change(loop, [](const attune::Change<Pool>& change) {
        std::cout << "in the main loop: pool of " << change.after->size << '\n';
    });

    // Whatever was refused; the last good version stays.
    const auto bad = store.on_rejected(loop, [&](const attune::Rejection& rejection) {
        std::cout << "refused: " << to_string(rejection) << '\n';
        refused = true;
    });
    // [observe-end]

    // [every]
    // Each version by itself, however slow the loop is. Reports call it by its name.
    const auto audit =
        pool.on_change(loop,
                       [](const attune::Change<Pool>& change) {
                           std::cout << "audit: version " << change.version << '\n';
                       },
                       {.deliver = attune::Deliver::every_version, .queue = 256, .name = "audit"});
    // [every-end]

    const attune::Commit commit = store.set("pool.size", 16);
    loop.run_one(5s);
    loop.run_one(5s);
    commit.settle(5s);  // every observer has been told

    // [waiting]
    std::thread administrator{[&] { store.set("pool.timeout", "2s"); }};
    const bool patient = pool.wait_until([](const Pool& p) { return p.timeout >= 1s; }, 5s);
    // [waiting-end]
    administrator.join();

    std::ofstream{file} << R"({"pool": {"size": 800}})";
    store.erase("pool.size");  // the file's own value shows again: the last good one
    while (!refused && loop.run_one(5s)) {
    }
    return refused && patient && pool.get(&Pool::size) == 8 ? 0 : 1;
}

}  // namespace

int main() try { return run(); } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
}
