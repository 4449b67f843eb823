#pragma once

#include "sim/random.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace attune_sim {

/// What is going to happen, by its time, and in the order it was scheduled where times are equal.
class EventHeap {
public:
    using Action = std::function<void()>;

    Time now() const noexcept { return now_; }
    std::uint64_t steps() const noexcept { return steps_; }

    void at(Time when, Action action) {
        std::uint32_t slot = 0;
        if (free_.empty()) {
            slot = static_cast<std::uint32_t>(actions_.size());
            actions_.push_back(std::move(action));
        } else {
            slot = free_.back();
            free_.pop_back();
            actions_[slot] = std::move(action);
        }
        heap_.push_back({std::max(when, now_), next_++, slot});
        std::push_heap(heap_.begin(), heap_.end(), later);
    }
    void after(Time delay, Action action) { at(now_ + delay, std::move(action)); }

    /// False: nothing is left to happen.
    bool step() {
        if (heap_.empty()) {
            return false;
        }
        std::pop_heap(heap_.begin(), heap_.end(), later);
        const Key key = heap_.back();
        heap_.pop_back();
        now_ = key.at;
        ++steps_;
        const Action action = std::exchange(actions_[key.slot], nullptr);
        free_.push_back(key.slot);
        action();
        return true;
    }

private:
    struct Key {
        Time at;
        std::uint64_t sequence;
        std::uint32_t slot;
    };
    static bool later(const Key& a, const Key& b) noexcept {
        return a.at != b.at ? a.at > b.at : a.sequence > b.sequence;
    }

    Time now_{};
    std::uint64_t steps_ = 0;
    std::uint64_t next_ = 0;
    std::vector<Key> heap_;
    std::vector<Action> actions_;
    std::vector<std::uint32_t> free_;
};

}  // namespace attune_sim
