#pragma once

#include <attune/serve/detail/watchers.hpp>

#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL Watchers::Watchers(ResourceTable& table, Answered answered)
    : table_(table), answered_(std::move(answered)), random_(std::random_device{}()) {}

ATTUNE_DECL Watchers::~Watchers() {
    while (!deadlines_.empty()) {
        Watcher& watcher = *deadlines_.begin();
        watcher.exchange->on_gone({});
        delete &watcher;
    }
}

ATTUNE_DECL void Watchers::hold(std::unique_ptr<Watcher> watcher, TimePoint now) {
    using std::chrono::milliseconds;
    const milliseconds longest = std::chrono::seconds{watcher->wait};
    std::uniform_int_distribution<milliseconds::rep> early{0, longest.count() / 16};
    watcher->deadline = now + longest - milliseconds{early(random_)};

    Watcher& held = *watcher;
    held.exchange->on_gone([this, gone = &held] {
        Watchers& self = *this;  // this function may go with the watcher
        self.drop(*gone);
        self.table_.trim();
    });
    held.exchange->release_request();
    ResourceGroup& group = *held.group;
    const bool first = group.watchers.empty();
    group.watchers.push_back(*watcher.release());
    deadlines_.insert(held);
    ++size_;
    if (first) {
        table_.sort_in(group);
    }
}

ATTUNE_DECL void Watchers::drop(Watcher& watcher) {
    ResourceGroup& group = *watcher.group;
    delete &watcher;
    --size_;
    if (group.watchers.empty()) {
        table_.sort_in(group);
    }
}

ATTUNE_DECL void Watchers::answer(Watcher& watcher, bool unchanged) {
    // May be out of memory; the watcher is then still held.
    ResourceTable::Reply reply =
        table_.reply(*watcher.group, unchanged, watcher.wait, watcher.watch.owes_report());
    const unsigned status = reply.status;
    const std::shared_ptr<net::HttpExchange> exchange = std::move(watcher.exchange);
    drop(watcher);
    // This may bring the client's next request, which may be held in turn.
    std::move(reply).send(*exchange);
    answered_(status);
}

ATTUNE_DECL void Watchers::changed(const ResourceTable::GroupPtr& group) {
    // Whoever is not answered goes on waiting, also when this fails half-way.
    struct Due {
        ~Due() {
            group.watchers.splice(group.watchers.end(), all);
            group.watchers.splice(group.watchers.end(), stay);
            table.sort_in(group);
        }
        ResourceTable& table;
        ResourceGroup& group;
        WatcherList all{};
        WatcherList stay{};
    } waiting{.table = table_, .group = *group};
    waiting.all.swap(group->watchers);
    while (!waiting.all.empty()) {
        Watcher& watcher = waiting.all.front();
        if (watcher.tags != nullptr && group->now.present &&
            watcher.tags->match_weakly(group->now.etag)) {
            waiting.all.pop_front();
            waiting.stay.push_back(watcher);
            continue;
        }
        answer(watcher, false);
    }
    group->untold = false;
}

ATTUNE_DECL std::optional<Watchers::TimePoint> Watchers::next_deadline() const {
    return deadlines_.empty() ? std::nullopt : std::optional{deadlines_.begin()->deadline};
}

ATTUNE_DECL void Watchers::expire(TimePoint now,
                                  const std::function<bool(ResourceGroup&)>& refresh) {
    while (!deadlines_.empty() && deadlines_.begin()->deadline <= now) {
        Watcher& watcher = *deadlines_.begin();
        const auto group = watcher.group->shared_from_this();
        if (refresh(*group)) {
            changed(group);
        } else {
            answer(watcher, true);
        }
    }
}

ATTUNE_DECL void Watchers::drain() {
    while (!deadlines_.empty()) {
        Watcher& watcher = *deadlines_.begin();
        const std::size_t before = size();
        try {
            answer(watcher, true);
        } catch (...) {
            if (size() == before) {
                drop(watcher);  // unanswered, which the client is told as 500
            }
        }
    }
}

}  // namespace attune::inline ATTUNE_ABI::detail
