// What every observer may rely on, whatever happens around it in whatever order.

#include <attune/store/store.hpp>

#include <attune/graph/manual_executor.hpp>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using attune::Change;
using attune::Deliver;
using attune::ManualExecutor;
using attune::Store;
using attune::Version;

/// An observer, what it was told, and what it should have been told.
struct Witness {
    attune::ObserveOptions options;
    int last = 0;                    // value it knows
    Version version = 0;             // of that value
    std::vector<Version> told;       // in order
    std::vector<Version> published;  // changes since it began
    bool ended = false;
    bool broken = false;
    attune::Subscription subscription;

    void see(const Change<int>& change) {
        const bool every = options.deliver == Deliver::every_version;
        broken = broken || ended || *change.before != last || change.version <= version ||
                 (!every && *change.before == *change.after);
        last = *change.after;
        version = change.version;
        told.push_back(change.version);
    }
    bool every() const { return options.deliver == Deliver::every_version; }
};

class World {
public:
    void subscribe() {
        auto witness = std::make_unique<Witness>();
        Witness& w = *witness;
        w.options.deliver = *rc::gen::element(Deliver::latest, Deliver::every_version);
        w.options.queue = *rc::gen::element<std::size_t>(0, 1, 2, 5, 1024);
        w.last = value_;
        w.version = store_->version();
        const auto see = [&w](const Change<int>& change) { w.see(change); };
        switch (*rc::gen::inRange(0, 3)) {
        case 0: w.subscription = a_.on_change(attune::inline_executor, see, w.options); break;
        case 1: w.subscription = a_.on_change(executors_[0], see, w.options); break;
        default: w.subscription = a_.on_change(executors_[1], see, w.options); break;
        }
        witnesses_.push_back(std::move(witness));
    }
    void commit() {
        const int next = *rc::gen::inRange(0, 3);
        const Version version = store_->set("a", next).version;
        if (next != value_) {
            value_ = next;
            for (const auto& w : witnesses_) {
                if (!w->ended) {
                    w->published.push_back(version);
                }
            }
        }
    }
    void run() { (void)executors_[*rc::gen::inRange(0, 2)].run_one(); }
    void cancel() {
        if (witnesses_.empty()) {
            return;
        }
        Witness& w = *witnesses_[*rc::gen::inRange<std::size_t>(0, witnesses_.size())];
        w.subscription.cancel();
        w.ended = true;
    }
    void drain() {
        while (executors_[0].run_all() + executors_[1].run_all() != 0) {
        }
    }
    void destroy_store() {
        store_.reset();
        for (const auto& w : witnesses_) {
            RC_ASSERT(!w->subscription);
            w->ended = true;
        }
    }

    void check_always() const {
        for (const auto& w : witnesses_) {
            RC_ASSERT(!w->broken);
            const attune::Lag lag = w->subscription.lag();
            RC_ASSERT(lag.waiting <= std::max<std::size_t>(w->every() ? w->options.queue : 1, 1));
            if (w->every() && !w->ended) {
                RC_ASSERT(w->told.size() + lag.waiting + lag.dropped == w->published.size());
            }
        }
    }
    void check_drained() const {
        RC_ASSERT(store_->settle(0s));
        for (const auto& w : witnesses_) {
            if (w->ended) {
                continue;
            }
            RC_ASSERT(w->last == value_);
            RC_ASSERT(w->subscription.lag().waiting == 0u);
            if (w->every() && w->subscription.lag().dropped == 0) {
                RC_ASSERT(w->told == w->published);
            }
        }
    }

private:
    std::vector<std::unique_ptr<Witness>> witnesses_;
    ManualExecutor executors_[2];
    std::unique_ptr<Store> store_ = std::make_unique<Store>();
    attune::Config<int> a_ = store_->bind<int>("a");
    int value_ = 0;
};

RC_GTEST_PROP(DeliveryLaws, hold_for_any_order_of_commits_steps_subscriptions_and_ends, ()) {
    World world;
    const int steps = *rc::gen::inRange(0, 60);
    for (int step = 0; step != steps; ++step) {
        switch (*rc::gen::weightedElement<int>({{2, 0}, {6, 1}, {4, 2}, {1, 3}, {1, 4}})) {
        case 0: world.subscribe(); break;
        case 1: world.commit(); break;
        case 2: world.run(); break;
        case 3: world.cancel(); break;
        default: world.drain(); break;
        }
        world.check_always();
    }
    if (*rc::gen::arbitrary<bool>()) {
        world.drain();
        world.check_drained();
    }
    world.destroy_store();
    world.drain();
    world.check_always();
}

// The same with real threads: writers, an executor that others run, ends at any moment.
TEST(DeliveryLawsThreads, hold_while_threads_write_run_and_cancel) {
    for (int round = 0; round != 30; ++round) {
        const ManualExecutor executor;
        auto store = std::make_unique<Store>();
        const auto a = store->bind<int>("a");
        std::atomic<bool> stop{false};
        std::atomic<int> broken{0};
        const auto witness = [&broken](int& last, Version& version, std::atomic<bool>& ended) {
            return [&](const Change<int>& change) {
                broken += ended || *change.before != last || change.version <= version ? 1 : 0;
                last = *change.after;
                version = change.version;
            };
        };
        std::thread runner{[&] {
            while (!stop.load()) {
                (void)executor.run_all();
            }
        }};
        std::thread writer{[&] {
            for (int i = 1; i <= 60; ++i) {
                store->set("a", i);
            }
        }};
        int last = 0;
        Version version = 0;
        std::vector<Version> told;
        std::atomic<bool> ended{false};
        {
            // Begins somewhere in the middle: what it knows then is in its first `before`.
            std::optional<int> first;
            int cancelled_last = 0;
            Version cancelled_version = 0;
            std::atomic<bool> cancelled{false};
            const auto look = witness(cancelled_last, cancelled_version, cancelled);
            auto cancelled_early = a.on_change(executor,
                                               [&](const Change<int>& change) {
                                                   if (!first) {
                                                       first = cancelled_last = *change.before;
                                                   }
                                                   look(change);
                                               },
                                               {.deliver = Deliver::every_version, .queue = 4});
            (void)store->wait_for(static_cast<Version>(round), 20s);
            cancelled_early.cancel();
            cancelled = true;
            writer.join();
        }
        last = a.get();
        version = store->version();
        const auto look = witness(last, version, ended);
        auto all = a.on_change(executor,
                               [&](const Change<int>& change) {
                                   look(change);
                                   told.push_back(change.version);
                               },
                               {.deliver = Deliver::every_version});
        for (int i = 0; i != 40; ++i) {
            store->set("a", 1000 + i);
        }
        EXPECT_TRUE(store->settle(20s));
        EXPECT_EQ(told.size(), 40u);
        if (round % 2 == 0) {
            all.cancel();
            ended = true;
            store->set("a", -1);
        }
        store.reset();
        ended = true;
        stop = true;
        runner.join();
        EXPECT_EQ(broken, 0);
    }
}

}  // namespace
