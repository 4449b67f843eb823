#include <attune/graph/frame_chain.hpp>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <atomic>
#include <map>
#include <memory>
#include <thread>
#include <vector>

namespace {

using attune::Version;
using namespace attune::detail;

/// A value that knows how many of it are alive.
struct Counted {
    static inline std::atomic<int> alive{0};
    explicit Counted(int given) : number(given) { ++alive; }
    Counted(Counted&& other) noexcept : number(other.number) { ++alive; }
    ~Counted() { --alive; }
    int number;
};

CellPtr cell(int number) { return CellPtr::adopt(new ValueCell<Counted>{Counted{number}}); }

int number_in(const Frame& frame, std::uint32_t slot) {
    return static_cast<const ValueCell<Counted>*>(frame.cell(slot))->value.number;
}

std::shared_ptr<FrameChain> make_chain(std::size_t history) {
    return std::make_shared<FrameChain>(history, attune::Document::object());
}

void collect_all() {
    while (epoch_collect() != 0) {
        std::this_thread::yield();
    }
}

/// What earlier tests retired is gone before this one counts.
int alive_now() {
    collect_all();
    return Counted::alive;
}

TEST(FrameChain, begins_with_version_zero_and_no_slots) {
    const auto chain = make_chain(4);
    const FrameGuard guard{*chain};
    EXPECT_EQ(guard.frame().version, 0u);
    EXPECT_EQ(guard.frame().size(), 0u);
}

TEST(FrameChain, shows_each_slot_at_every_size_of_the_tree) {
    const auto chain = make_chain(1);
    constexpr std::uint32_t count = 64 + 64 * 64 + 70;  // three levels below the direct slots
    for (std::uint32_t i = 0; i != count; ++i) {
        FrameDraft draft{chain->current()};
        ASSERT_EQ(draft.append(cell(static_cast<int>(i))), i);
        chain->publish(draft);
    }
    {
        FrameDraft draft{chain->current()};
        draft.set(0, cell(-1));
        draft.set(64, cell(-2));  // the first that is not direct
        draft.set(count - 1, cell(-3));
        chain->publish(draft);
    }
    const FrameGuard guard{*chain};
    for (std::uint32_t i = 0; i != count; ++i) {
        const int expected = i == 0 ? -1 : i == 64 ? -2 : i == count - 1 ? -3 : static_cast<int>(i);
        ASSERT_EQ(number_in(guard.frame(), i), expected);
    }
}

TEST(FrameChain, a_dropped_draft_gives_everything_back) {
    const int before = alive_now();
    const auto chain = make_chain(1);
    {
        FrameDraft draft{chain->current()};
        draft.append(cell(1));
        draft.set(0, cell(2));
    }
    EXPECT_EQ(Counted::alive, before);
    EXPECT_EQ(chain->frames_alive(), 1u);
}

TEST(FrameChain, a_dropped_draft_gives_everything_back_at_every_size_of_the_tree) {
    const int before = alive_now();
    for (const std::uint32_t size : {1U, 64U, 127U, 128U, 200U, 64U + 64U * 64U}) {
        const auto chain = make_chain(1);
        {
            FrameDraft draft{chain->current()};
            for (std::uint32_t i = 0; i != size; ++i) {
                draft.append(cell(static_cast<int>(i)));
            }
            chain->publish(draft);
        }
        collect_all();
        const int published = Counted::alive;
        {
            FrameDraft draft{chain->current()};
            draft.set(0, cell(-1));
            draft.set(size - 1, cell(-2));
            draft.set(size - 1, cell(-3));
            draft.clear(size / 2);
            for (int i = 0; i != 70; ++i) {
                draft.append(cell(i));  // the tree grows a level on the way
            }
        }
        EXPECT_EQ(Counted::alive, published) << size;
        EXPECT_EQ(number_in(*chain->current(), size - 1), static_cast<int>(size) - 1);
    }
    EXPECT_EQ(alive_now(), before);
}

TEST(FrameChain, an_emptied_slot_can_be_filled_again_and_old_frames_keep_what_it_held) {
    const int before = alive_now();
    {
        const auto chain = make_chain(1);
        constexpr std::uint32_t slots = 80;
        {
            FrameDraft draft{chain->current()};
            for (std::uint32_t i = 0; i != slots; ++i) {
                draft.append(cell(static_cast<int>(i)));
            }
            chain->publish(draft);
        }
        const Frame* const then = chain->acquire_current();
        for (const std::uint32_t slot : {3U, slots - 1}) {
            FrameDraft draft{chain->current()};
            draft.clear(slot);
            chain->publish(draft);
            EXPECT_EQ(chain->current()->cell(slot), nullptr);
            EXPECT_EQ(chain->current()->size(), slots);
        }
        for (const std::uint32_t slot : {3U, slots - 1}) {
            FrameDraft draft{chain->current()};
            draft.set(slot, cell(-7));
            chain->publish(draft);
            EXPECT_EQ(number_in(*chain->current(), slot), -7);
            EXPECT_EQ(number_in(*then, slot), static_cast<int>(slot));
        }
        FrameDraft draft{chain->current()};
        draft.clear(slots - 1);  // the chain ends with an empty slot
        chain->publish(draft);
        chain->release(then);
    }
    EXPECT_EQ(alive_now(), before);
}

TEST(FrameChain, frees_a_replaced_value_when_no_reader_can_see_it) {
    const int before = alive_now();
    const auto chain = make_chain(1);
    for (int i = 0; i != 3; ++i) {
        FrameDraft draft{chain->current()};
        if (i == 0) {
            draft.append(cell(i));
        } else {
            draft.set(0, cell(i));
        }
        draft.frame().version = static_cast<Version>(i + 1);
        chain->publish(draft);
        collect_all();
        EXPECT_EQ(Counted::alive, before + 1);
    }
    EXPECT_EQ(chain->frames_alive(), 1u);
}

TEST(FrameChain, keeps_what_a_guard_sees_and_nothing_between) {
    const int before = alive_now();
    const auto chain = make_chain(1);
    {
        FrameDraft draft{chain->current()};
        draft.append(cell(0));
        draft.frame().version = 1;
        chain->publish(draft);
    }
    {
        const FrameGuard guard{*chain};
        for (Version i = 2; i != 10; ++i) {
            FrameDraft draft{chain->current()};
            draft.set(0, cell(static_cast<int>(i)));
            draft.frame().version = i;
            chain->publish(draft);
            (void)epoch_collect();
        }
        EXPECT_EQ(number_in(guard.frame(), 0), 0);
    }
    collect_all();
    EXPECT_EQ(Counted::alive, before + 1);
}

TEST(FrameChain, a_kept_version_stays_until_it_is_given_up) {
    const int before = alive_now();
    {
        const auto chain = make_chain(2);
        const auto publish = [&](Version version) {
            FrameDraft draft{chain->current()};
            draft.frame().version = version;
            if (version == 1) {
                (void)draft.append(cell(1));
            } else {
                draft.set(0, cell(static_cast<int>(version)));
            }
            chain->publish(draft);
        };
        publish(1);
        EXPECT_FALSE(chain->keep(9, "never published"));
        EXPECT_TRUE(chain->keep(1, "kept"));
        for (Version version = 2; version != 6; ++version) {
            publish(version);
        }
        EXPECT_EQ(alive_now() - before, 3);
        const Frame* const kept = chain->acquire_version(1);
        ASSERT_NE(kept, nullptr);
        EXPECT_EQ(number_in(*kept, 0), 1);
        chain->release(kept);
        const auto retained = chain->retained();
        ASSERT_EQ(retained.size(), 3u);
        EXPECT_TRUE(retained[0].kept);
        EXPECT_EQ(retained[0].note, "kept");
        EXPECT_EQ(retained[1].frame->version, 4u);
        for (const auto& each : retained) {
            chain->release(each.frame);
        }
        EXPECT_TRUE(chain->give_up(1));
        EXPECT_FALSE(chain->give_up(1));
        EXPECT_EQ(chain->acquire_version(1), nullptr);
        EXPECT_EQ(alive_now() - before, 2);
        EXPECT_TRUE(chain->keep(4, {}));
        publish(6);
        chain->forget();
        EXPECT_EQ(alive_now() - before, 1);
    }
    EXPECT_EQ(alive_now(), before);
}

TEST(FrameChain, a_pin_outlives_the_chain) {
    const int before = alive_now();
    std::shared_ptr<const Counted> pin;
    {
        const auto chain = make_chain(4);
        FrameDraft draft{chain->current()};
        draft.append(cell(7));
        chain->publish(draft);
        pin = CellPtr::share(chain->current()->cell(0)).pin<Counted>();
    }
    collect_all();
    EXPECT_EQ(pin->number, 7);
    EXPECT_EQ(Counted::alive, before + 1);
    pin.reset();
    EXPECT_EQ(Counted::alive, before);
}

TEST(FrameChain, a_frame_with_the_version_of_the_current_one_replaces_it_in_the_history) {
    const auto chain = make_chain(8);
    for (int i = 0; i != 5; ++i) {
        FrameDraft draft{chain->current()};
        draft.append(cell(i));
        chain->publish(draft);
    }
    collect_all();
    EXPECT_EQ(chain->frames_alive(), 1u);
    const Frame* const frame = chain->acquire_version(0);
    ASSERT_NE(frame, nullptr);
    EXPECT_EQ(frame->size(), 5u);
    chain->release(frame);
}

// The rule that frees values and chunks without a count per object, against a plain model: any
// sequence of commits, snapshots and releases shows every held version as it was, and keeps alive
// exactly the values that some held version shows.
RC_GTEST_PROP(FrameChain, keeps_exactly_what_some_version_shows, ()) {
    const int alive_before = alive_now();
    const auto history = *rc::gen::inRange<std::size_t>(1, 6);
    auto chain = make_chain(history);
    using Model = std::vector<int>;
    std::map<const Frame*, Model> held;  // snapshots, one reference each
    std::vector<std::pair<Version, Model>> past{{0, {}}};
    Model now;
    int next = 0;
    Version version = 0;
    const auto steps = *rc::gen::inRange(1, 120);
    for (int step = 0; step != steps; ++step) {
        const auto action = *rc::gen::inRange(0, 10);
        if (action < 6 || now.empty()) {
            FrameDraft draft{chain->current()};
            const auto changes = *rc::gen::inRange(1, 4);
            for (int i = 0; i != changes; ++i) {
                const int number = next++;
                if (now.empty() || *rc::gen::inRange(0, 3) == 0) {
                    draft.append(cell(number));
                    now.push_back(number);
                } else {
                    const auto slot = *rc::gen::inRange<std::size_t>(0, now.size());
                    draft.set(static_cast<std::uint32_t>(slot), cell(number));
                    now[slot] = number;
                }
            }
            if (*rc::gen::inRange(0, 4) != 0) {
                draft.frame().version = ++version;
                past.emplace_back(version, now);
            } else {
                past.back().second = now;
            }
            chain->publish(draft);
            if (past.size() > history) {
                past.erase(past.begin());
            }
        } else if (action < 8) {
            const auto& [wanted, model] = past[*rc::gen::inRange<std::size_t>(0, past.size())];
            const Frame* const frame = chain->acquire_version(wanted);
            RC_ASSERT(frame != nullptr);
            if (!held.emplace(frame, model).second) {
                chain->release(frame);
            }
        } else if (!held.empty()) {
            const auto which = std::next(
                held.begin(),
                *rc::gen::inRange<std::ptrdiff_t>(0, static_cast<std::ptrdiff_t>(held.size())));
            chain->release(which->first);
            held.erase(which);
        }
        collect_all();
        std::map<int, bool> shown;
        const auto look = [&](const Frame& frame, const Model& expected) {
            RC_ASSERT(frame.size() == expected.size());
            for (std::uint32_t i = 0; i != frame.size(); ++i) {
                RC_ASSERT(number_in(frame, i) == expected[i]);
                shown[expected[i]] = true;
            }
        };
        for (const auto& [frame, model] : held) {
            look(*frame, model);
        }
        for (const auto& [wanted, model] : past) {
            const Frame* const frame = chain->acquire_version(wanted);
            RC_ASSERT(frame != nullptr);
            look(*frame, model);
            chain->release(frame);
        }
        RC_ASSERT(Counted::alive - alive_before == static_cast<int>(shown.size()));
    }
    for (const auto& [frame, model] : held) {
        chain->release(frame);
    }
    chain.reset();
    collect_all();
    RC_ASSERT(Counted::alive == alive_before);
}

TEST(FrameChainThreads, readers_see_whole_frames_while_a_writer_publishes) {
    const int before = alive_now();
    auto chain = make_chain(2);
    constexpr std::uint32_t slots = 70;
    {
        FrameDraft draft{chain->current()};
        for (std::uint32_t i = 0; i != slots; ++i) {
            draft.append(cell(0));
        }
        chain->publish(draft);
    }
    std::atomic<bool> stop{false};
    std::atomic<int> torn{0};
    std::vector<std::thread> readers;
    for (int r = 0; r != 3; ++r) {
        readers.emplace_back([&] {
            while (!stop.load(std::memory_order_relaxed)) {
                const FrameGuard guard{*chain};
                const int first = number_in(guard.frame(), 0);
                const FrameGuard nested{*chain};
                if (number_in(guard.frame(), slots - 1) != first ||
                    number_in(nested.frame(), 0) < first) {
                    ++torn;
                }
            }
        });
    }
    for (int i = 1; i != 3000; ++i) {
        FrameDraft draft{chain->current()};
        draft.set(0, cell(i));
        draft.set(slots - 1, cell(i));
        draft.frame().version = static_cast<Version>(i);
        chain->publish(draft);
        if (i % 7 == 0) {
            (void)epoch_collect();
        }
    }
    stop = true;
    for (auto& reader : readers) {
        reader.join();
    }
    collect_all();
    EXPECT_EQ(torn, 0);
    chain.reset();
    collect_all();
    EXPECT_EQ(Counted::alive, before);
}

TEST(FrameChainThreads, snapshots_are_taken_and_dropped_while_a_writer_publishes) {
    const int before = alive_now();
    auto chain = make_chain(3);
    {
        FrameDraft draft{chain->current()};
        draft.append(cell(0));
        chain->publish(draft);
    }
    std::atomic<bool> stop{false};
    std::vector<std::thread> holders;
    for (int h = 0; h != 2; ++h) {
        holders.emplace_back([&] {
            std::vector<const Frame*> held;
            while (!stop.load(std::memory_order_relaxed)) {
                held.push_back(chain->acquire_current());
                if (held.size() > 5) {
                    chain->release(held.front());
                    held.erase(held.begin());
                }
            }
            for (const Frame* frame : held) {
                chain->release(frame);
            }
        });
    }
    for (int i = 1; i != 2000; ++i) {
        FrameDraft draft{chain->current()};
        draft.set(0, cell(i));
        draft.frame().version = static_cast<Version>(i);
        chain->publish(draft);
        (void)epoch_collect();
    }
    stop = true;
    for (auto& holder : holders) {
        holder.join();
    }
    chain.reset();
    collect_all();
    EXPECT_EQ(Counted::alive, before);
}

}  // namespace
