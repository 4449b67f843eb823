#pragma once

#include "sim/event_heap.hpp"
#include "sim/random.hpp"
#include "sim/statistics.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace attune_sim {

/// What carries messages from one place to another, and how badly. Places are numbers: members
/// first, then clients.
class Network {
public:
    struct Weather {
        Time least{};
        Time most{};
        unsigned loss = 0;     ///< of a thousand
        unsigned repeats = 0;  ///< of a thousand
        bool reorders = false;
        Time straggle{};  ///< where messages overtake each other: the longest that one takes
    };

    Network(EventHeap& heap, Random random, std::size_t places)
        : heap_(heap), random_(random), places_(places), links_(places * places) {}

    void set_weather(const Weather& weather) { weather_ = weather; }
    const Weather& weather() const noexcept { return weather_; }

    /// `arrives` is called for each copy that does.
    void send(std::size_t from, std::size_t to, EventHeap::Action arrives) {
        Link& link = link_of(from, to);
        if (link.cut || random_.chance(weather_.loss)) {
            return;
        }
        if (random_.chance(weather_.repeats)) {
            carry(link, arrives);
        }
        carry(link, std::move(arrives));
    }

    void cut(std::size_t from, std::size_t to, bool yes) { link_of(from, to).cut = yes; }
    bool is_cut(std::size_t from, std::size_t to) const { return links_[from * places_ + to].cut; }
    /// Holds what is sent, until it lets everything go at once.
    void clog(std::size_t from, std::size_t to, bool yes) {
        Link& link = link_of(from, to);
        link.clogged = yes;
        if (!yes) {
            for (EventHeap::Action& each : std::exchange(link.held, {})) {
                heap_.at(heap_.now(), std::move(each));
            }
        }
    }
    void heal() {
        for (std::size_t from = 0; from != places_; ++from) {
            for (std::size_t to = 0; to != places_; ++to) {
                cut(from, to, false);
                clog(from, to, false);
            }
        }
    }

private:
    struct Link {
        bool cut = false;
        bool clogged = false;
        Time last{};
        std::vector<EventHeap::Action> held;
    };

    Link& link_of(std::size_t from, std::size_t to) { return links_[from * places_ + to]; }

    void carry(Link& link, EventHeap::Action arrives) {
        if (link.clogged) {
            link.held.push_back(std::move(arrives));
            return;
        }
        Time when = heap_.now() + random_.between(weather_.least, weather_.most);
        if (!weather_.reorders) {
            when = link.last = std::max(when, link.last);
        } else if (random_.chance(50)) {
            when += random_.between(Time{}, weather_.straggle);
        }
        heap_.at(when, std::move(arrives));
    }

    EventHeap& heap_;
    Random random_;
    const std::size_t places_;
    Weather weather_;
    std::vector<Link> links_;
};

}  // namespace attune_sim
