#include <attune/graph/epoch.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace {

using namespace attune::detail;

struct Note final : Retired {
    explicit Note(std::atomic<int>& counter) : reclaimed(counter) {}
    void reclaim() noexcept override { ++reclaimed; }
    std::atomic<int>& reclaimed;
};

std::size_t slots_in_pool() {
    std::size_t count = 0;
    for (ReaderSlot* slot = epoch_state.slots.load(); slot != nullptr; slot = slot->next) {
        ++count;
    }
    return count;
}

TEST(Epoch, reclaims_at_once_when_nobody_reads) {
    std::atomic<int> reclaimed{0};
    epoch_retire(new Note{reclaimed});
    EXPECT_EQ(epoch_collect(), 0u);
    EXPECT_EQ(reclaimed, 1);
}

TEST(Epoch, keeps_what_was_retired_during_a_reading_until_it_ends) {
    std::atomic<int> reclaimed{0};
    ReaderSlot* const slot = epoch_enter();
    epoch_retire(new Note{reclaimed});
    EXPECT_EQ(epoch_collect(), 1u);
    EXPECT_EQ(reclaimed, 0);
    epoch_leave(slot);
    EXPECT_EQ(epoch_collect(), 0u);
    EXPECT_EQ(reclaimed, 1);
}

TEST(Epoch, a_reading_that_began_later_does_not_keep_it) {
    std::atomic<int> reclaimed{0};
    epoch_retire(new Note{reclaimed});
    ReaderSlot* const slot = epoch_enter();
    EXPECT_EQ(epoch_collect(), 0u);
    EXPECT_EQ(reclaimed, 1);
    epoch_leave(slot);
}

TEST(Epoch, readings_nest_and_end_in_any_order) {
    std::atomic<int> reclaimed{0};
    ReaderSlot* const outer = epoch_enter();
    ReaderSlot* const inner = epoch_enter();
    epoch_retire(new Note{reclaimed});
    epoch_leave(outer);
    EXPECT_EQ(epoch_collect(), 1u);
    epoch_leave(inner);
    EXPECT_EQ(epoch_collect(), 0u);
    EXPECT_EQ(reclaimed, 1);
}

TEST(EpochThreads, ended_threads_give_their_slots_back) {
    std::thread{[] { epoch_leave(epoch_enter()); }}.join();
    const std::size_t before = slots_in_pool();
    for (int i = 0; i != 50; ++i) {
        std::thread{[] { epoch_leave(epoch_enter()); }}.join();
    }
    EXPECT_EQ(slots_in_pool(), before);
}

TEST(EpochThreads, a_reader_in_another_thread_is_waited_for_but_never_by_the_writer) {
    std::mutex mutex;
    std::condition_variable changed;
    int stage = 0;
    std::thread reader{[&] {
        ReaderSlot* const slot = epoch_enter();
        std::unique_lock lock{mutex};
        stage = 1;
        changed.notify_all();
        changed.wait(lock, [&] { return stage == 2; });
        epoch_leave(slot);
    }};
    std::atomic<int> reclaimed{0};
    {
        std::unique_lock lock{mutex};
        changed.wait(lock, [&] { return stage == 1; });
    }
    epoch_retire(new Note{reclaimed});
    EXPECT_EQ(epoch_collect(), 1u);
    {
        const std::scoped_lock lock{mutex};
        stage = 2;
    }
    changed.notify_all();
    reader.join();
    EXPECT_EQ(epoch_collect(), 0u);
    EXPECT_EQ(reclaimed, 1);
}

TEST(EpochThreads, readings_in_destructors_of_thread_local_objects_work) {
    struct Late {
        ~Late() { epoch_leave(epoch_enter()); }
    };
    std::thread{[] {
        thread_local Late late;
        (void)&late;
        epoch_leave(epoch_enter());
    }}.join();
    EXPECT_EQ(epoch_collect(), 0u);
}

// The classic test of reclamation: a pointer that readers follow, poisoned when it is reclaimed.
TEST(EpochThreads, nothing_is_reclaimed_under_a_reader_while_threads_come_and_go) {
    struct Box {
        std::atomic<bool> alive{true};
    };
    struct Poison final : Retired {
        explicit Poison(Box* given) : box(given) {}
        void reclaim() noexcept override {
            box->alive = false;
            delete box;
        }
        Box* box;
    };
    std::atomic<Box*> current{new Box};
    std::atomic<bool> stop{false};
    std::atomic<int> dead{0};
    const auto read_some = [&](int times) {
        for (int i = 0; i != times; ++i) {
            ReaderSlot* const slot = epoch_enter();
            if (!current.load(std::memory_order_acquire)->alive.load(std::memory_order_relaxed)) {
                ++dead;
            }
            epoch_leave(slot);
        }
    };
    std::thread steady{[&] {
        while (!stop) {
            read_some(100);
        }
    }};
    std::thread passing{[&] {
        while (!stop) {
            std::thread{[&] { read_some(20); }}.join();
        }
    }};
    for (int i = 0; i != 3000; ++i) {
        epoch_retire(new Poison{current.exchange(new Box, std::memory_order_seq_cst)});
        (void)epoch_collect();
    }
    stop = true;
    steady.join();
    passing.join();
    EXPECT_EQ(epoch_collect(), 0u);
    EXPECT_EQ(dead, 0);
    delete current.load();
}

}  // namespace
