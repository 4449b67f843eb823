#include "tour.hpp"

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <sstream>

namespace demo {

namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds patience = 20s;

std::string milliseconds(Clock::duration duration) {
    char text[32];
    std::snprintf(text, sizeof text, "%.1f ms",
                  std::chrono::duration<double, std::milli>(duration).count());
    return text;
}

}  // namespace

Tour::Tour(Gateway& gateway, Readers& readers, Events& events, RoutingFile& routing,
           ConfigMapMount& rules)
    : gateway_{gateway},
      readers_{readers},
      events_{events},
      routing_{routing},
      rules_{rules},
      first_{gateway.store.snapshot()} {}

void Tour::run() {
    start();
    edit("routing.json is saved by renaming", save_by_renaming);
    edit("routing.json is truncated and written again", save_in_place);
    refusal("routing.json is saved with three mistakes in a health check",
            routing_.text_with_mistakes());
    refusal("routing.json is cut off in the middle of a save", routing_.text_cut_off());
    repair();
    configmap_swap();
    environment();
    override_and_take_back();
    many_versions();
    old_snapshot();
}

void Tour::title(std::string_view text) { std::cout << '\n' << ++step_ << ". " << text << '\n'; }

void Tour::say(std::string_view text) {
    std::istringstream lines{std::string{text}};
    for (std::string line; std::getline(lines, line);) {
        std::cout << "   " << line << '\n';
    }
}

void Tour::expect(bool holds, std::string_view what) {
    if (!holds) {
        failures_.push_back("step " + std::to_string(step_) + ": " + std::string{what});
        say("NOT AS IT SHOULD BE: " + std::string{what});
    }
}

const Event* Tour::wait_for(std::size_t from, const std::function<bool(const Event&)>& wanted) {
    const Clock::time_point deadline = Clock::now() + patience;
    for (;;) {
        seen_ = events_.wait(from, std::max(0ms, std::chrono::ceil<std::chrono::milliseconds>(
                                                     deadline - Clock::now())));
        const auto found = std::find_if(seen_.begin(), seen_.end(), wanted);
        if (found != seen_.end()) {
            return &*found;
        }
        from += seen_.size();
        if (seen_.empty() && Clock::now() >= deadline) {
            return nullptr;
        }
    }
}

void Tour::arrives(std::string_view place, std::size_t from, Clock::time_point saved) {
    const Event* event = wait_for(from, [&](const Event& e) {
        return e.what == Event::What::changed && e.place == place;
    });
    expect(event != nullptr, "no observer was told");
    if (event != nullptr) {
        const Clock::duration quiet = attune::FileOptions{}.quiet;
        say(event->text);
        say("version " + std::to_string(event->version) + ", seen by an observer " +
            milliseconds(event->at - saved) + " after the save; " + milliseconds(quiet) +
            " of that waits for the save to be over");
    }
}

void Tour::start() {
    title("the files are bound");
    const auto view = gateway_.store.view();
    std::size_t rules = 0;
    for (const prometheus::Group& group : view[gateway_.groups]) {
        rules += group.rules.size();
    }
    std::ostringstream text;
    text << "version " << view.version() << ": " << view[gateway_.entry_points].size()
         << " entry points, " << view[gateway_.routers].size() << " routers, "
         << view[gateway_.services].size() << " services, " << view[gateway_.middlewares].size()
         << " middlewares, " << rules << " alerting and recording rules";
    say(text.str());
    say("router " + routing_.router() + " leads to " +
        view[gateway_.routers].at(routing_.router()).service);
    expect(belong_together(view[gateway_.routers], view[gateway_.services], routing_.router()),
           "router and service do not belong together");
}

void Tour::edit(std::string_view how, Save save) {
    title(how);
    const std::size_t from = events_.count();
    const attune::Version before = gateway_.store.version();
    routing_.deploy();
    const Clock::time_point saved = Clock::now();
    save("routing.json", routing_.text());
    arrives("http.routers", from, saved);
    gateway_.store.settle(patience);
    expect(gateway_.store.version() == before + 1, "one save is not one version");
    const auto now = gateway_.routers.read();
    expect(now->at(routing_.router()).service == routing_.service(),
           "the router does not lead to the new service");
}

void Tour::refusal(std::string_view what, const std::string& text) {
    title(what);
    const std::size_t from = events_.count();
    const attune::Version before = gateway_.store.version();
    const Clock::time_point saved = Clock::now();
    save_by_renaming("routing.json", text);
    const Event* event =
        wait_for(from, [](const Event& e) { return e.what == Event::What::refused; });
    expect(event != nullptr, "it was not refused");
    if (event != nullptr) {
        say("refused " + milliseconds(event->at - saved) + " after the save:");
        say(event->text);
    }
    expect(gateway_.store.version() == before, "it made a version");
    expect(gateway_.store.status().state == attune::State::stale, "the store is not stale");
    const auto now = gateway_.routers.read();
    expect(now->at(routing_.router()).service == routing_.service(), "readers lost the good one");
    say("readers keep version " + std::to_string(before) + ": router " + routing_.router() +
        " leads to " + now->at(routing_.router()).service);
}

void Tour::repair() {
    edit("routing.json is repaired", save_by_renaming);
    expect(gateway_.store.status().state == attune::State::ready, "the store is still stale");
}

void Tour::configmap_swap() {
    title("the ConfigMap with rules.json is swapped: ..data is turned to another folder");
    const std::size_t from = events_.count();
    const attune::Document file = attune::parse(read_text("rules/rules.json"));
    const attune::Document rule{
        {"alert", "TornRead"}, {"expr", "torn_reads > 0"}, {"for", "1m30s"}};
    const attune::Path last = attune::Path{"groups.0.rules"} / "-";
    const Clock::time_point saved = Clock::now();
    rules_.publish({{"rules.json", to_text(file.with(last, rule), {.indent = 2})}});
    arrives("groups", from, saved);
    const auto now = gateway_.groups.read();
    const auto* alert = std::get_if<prometheus::AlertingRule>(&now->front().rules.back());
    expect(alert != nullptr && alert->holds == 90s, "the new rule is not there");
}

void Tour::environment() {
    title("TRAEFIK_ENTRYPOINTS_WEB_ADDRESS=:8000 was in the environment");
    const attune::Document file = attune::parse(read_text("traefik.json"));
    const attune::Document* written = file.find(attune::Path{"entryPoints.web.address"});
    const auto now = gateway_.entry_points.read();
    const auto web = now->find("web");
    expect(web != now->end() && web->second.address == ":8000", "it is not used");
    say("entryPoints.web.address is " + (web == now->end() ? "absent" : web->second.address) +
        "; traefik.json says " + (written == nullptr ? "nothing" : to_text(*written)));
}

void Tour::override_and_take_back() {
    title("the program itself sets a value, tries a bad one, and takes it back");
    const attune::Path address{"entryPoints.web.address"};
    const attune::Commit set = gateway_.store.set(address, "127.0.0.1:8001");
    expect(set.settle(patience), "observers were not told");
    say("version " + std::to_string(set.version) + ": " + to_string(address) + " is " +
        gateway_.entry_points.get().at("web").address);
    try {
        gateway_.store.set(address, 8002);
        expect(false, "a number was accepted as an address");
    } catch (const attune::Rejected& rejected) {
        say(std::string{"refused: "} + rejected.what());
    }
    gateway_.store.erase(address);
    expect(gateway_.entry_points.get().at("web").address == ":8000", "it was not taken back");
    say("erased: it is " + gateway_.entry_points.get().at("web").address + " again");
}

void Tour::many_versions() {
    constexpr int versions = 5000;
    title("the router moves " + std::to_string(versions) + " times, as fast as it can");
    const attune::Version before = gateway_.store.version();
    const std::uint64_t views = readers_.totals().views;
    std::string retired = routing_.service();
    const Clock::time_point begin = Clock::now();
    for (int i = 1; i <= versions; ++i) {
        const std::string next = other_colour(retired);
        gateway_.store.merge(routing_.patch(next, routing_.edits() + i, retired));
        retired = next;
    }
    const Clock::duration took = Clock::now() - begin;
    expect(gateway_.store.version() == before + versions, "a version is missing");
    say(std::to_string(versions) + " versions in " + milliseconds(took) + ", " +
        std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(took).count() /
                       versions) +
        " us each, while readers compared router and service " +
        std::to_string(readers_.totals().views - views) + " times");
    gateway_.store.erase("http");
    expect(gateway_.store.settle(patience), "observers were not told");
    expect(readers_.totals().torn == 0, "a torn read");
}

void Tour::old_snapshot() {
    title("a snapshot of the beginning still shows the beginning");
    const auto& router = first_[gateway_.routers].at(routing_.router());
    say("version " + std::to_string(first_.version()) + ": router " + routing_.router() +
        " leads to " + router.service + ", edit " + std::to_string(router.priority) +
        "; now it is edit " +
        std::to_string(gateway_.routers.get().at(routing_.router()).priority));
    expect(router.priority == 1, "the snapshot has changed");
    expect(belong_together(first_[gateway_.routers], first_[gateway_.services], routing_.router()),
           "the snapshot is torn");
}

}  // namespace demo
