#pragma once

#include "../prometheus/rules.hpp"
#include "../traefik/entry_points.hpp"
#include "../traefik/routing.hpp"

#include <attune/attune.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace demo {

using Clock = std::chrono::steady_clock;

/// What the observers of the gateway saw, in order.
struct Event {
    enum class What { changed, refused };
    What what;
    std::string place;  ///< the path of the handle, or what was refused
    std::string text;   ///< what changed, one line each, or everything that is wrong
    attune::Version version;
    Clock::time_point at;
};

/// Lets one thread wait for what others report.
class Events {
public:
    void report(Event event);
    /// Calls this, too, for each event, on the thread that reports it.
    void echo_to(std::function<void(const Event&)> echo);
    /// Everything from number `from` on; waits for the first.
    std::vector<Event> wait(std::size_t from, std::chrono::milliseconds patience);
    std::size_t count() const;

private:
    mutable std::mutex mutex_;
    std::condition_variable news_;
    std::vector<Event> events_;
    std::function<void(const Event&)> echo_;
};

/// The program's configuration: Traefik's and Prometheus's own files, bound to structs.
class Gateway {
public:
    /// Reads `traefik.json`, `routing.json` and `rules/rules.json` below the working directory.
    explicit Gateway(Events& events);

    attune::Store store;
    attune::Config<traefik::EntryPoints> entry_points;
    attune::Config<traefik::Routers> routers;
    attune::Config<traefik::Services> services;
    attune::Config<traefik::Middlewares> middlewares;
    attune::Config<traefik::Tls> tls;
    attune::Config<prometheus::Groups> groups;

private:
    template <class T>
    void report_changes_of(const attune::Config<T>& config, Events& events);

    std::vector<attune::Subscription> subscriptions_;
};

}  // namespace demo
