#include "gateway.hpp"

#include <utility>

namespace demo {

namespace {

std::string shown(const attune::Document* value) {
    if (value == nullptr) {
        return "(nothing)";
    }
    if (value->is_array()) {
        return std::to_string(value->size()) + " items";
    }
    constexpr std::size_t longest = 60;
    std::string text = to_text(*value);
    if (text.size() > longest) {
        text.resize(longest - 3);
        text += "...";
    }
    return text;
}

/// One line for each path that differs.
std::string differences(const attune::Path& at, const attune::Document& before,
                        const attune::Document& after) {
    std::string lines;
    for (const attune::Path& path : attune::changed_paths(before, after)) {
        lines += (lines.empty() ? "" : "\n") + to_string(at / path) + ": " +
                 shown(before.find(path)) + " -> " + shown(after.find(path));
    }
    return lines;
}

}  // namespace

void Events::report(Event event) {
    const std::lock_guard lock{mutex_};
    if (echo_) {
        echo_(event);
    }
    events_.push_back(std::move(event));
    news_.notify_all();
}

void Events::echo_to(std::function<void(const Event&)> echo) {
    const std::lock_guard lock{mutex_};
    echo_ = std::move(echo);
}

std::vector<Event> Events::wait(std::size_t from, std::chrono::milliseconds patience) {
    std::unique_lock lock{mutex_};
    news_.wait_for(lock, patience, [&] { return events_.size() > from; });
    const auto first = static_cast<std::ptrdiff_t>(std::min(from, events_.size()));
    return {events_.begin() + first, events_.end()};
}

std::size_t Events::count() const {
    const std::lock_guard lock{mutex_};
    return events_.size();
}

template <class T>
void Gateway::report_changes_of(const attune::Config<T>& config, Events& events) {
    const attune::Path at = config.name();
    subscriptions_.push_back(config.on_change([&events, at](const attune::Change<T>& change) {
        const Clock::time_point now = Clock::now();
        events.report({Event::What::changed, to_string(at),
                       differences(at, attune::masked(*change.before),
                                   attune::masked(*change.after)),
                       change.version, now});
    }));
}

Gateway::Gateway(Events& events) {
    store.add(attune::file("traefik.json"));
    store.add(attune::file("routing.json"));
    store.add(attune::file("rules/rules.json"));
    store.add(attune::env("TRAEFIK_"));

    entry_points = store.bind<traefik::EntryPoints>("entryPoints");
    routers = store.bind<traefik::Routers>("http.routers");
    services = store.bind<traefik::Services>("http.services");
    middlewares = store.bind<traefik::Middlewares>("http.middlewares");
    tls = store.bind<traefik::Tls>("tls");
    groups = store.bind<prometheus::Groups>("groups");

    subscriptions_.push_back(store.on_rejected([&events](const attune::Rejection& rejection) {
        events.report({Event::What::refused, rejection.reason, to_string(rejection),
                       rejection.version, Clock::now()});
    }));
    report_changes_of(entry_points, events);
    report_changes_of(routers, events);
    report_changes_of(services, events);
    report_changes_of(middlewares, events);
    report_changes_of(tls, events);
    report_changes_of(groups, events);
}

}  // namespace demo
