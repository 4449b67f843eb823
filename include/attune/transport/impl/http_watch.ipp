#pragma once

#include <attune/transport/impl/http_watch.hpp>

#include <algorithm>
#include <iterator>
#include <utility>

#include <boost/system/error_code.hpp>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL HttpWatch::HttpWatch(std::shared_ptr<const HttpSettings> settings,
                                 std::shared_ptr<HttpShare> share,
                                 const boost::asio::any_io_executor& executor)
    : settings_(std::move(settings)),
      share_(std::move(share)),
      client_(executor, settings_->client()),
      timer_(executor),
      reporter_(std::make_shared<HttpReporter>(settings_, client_)),
      random_(net::system_random()),
      back_off_(settings_->options().back_off, random_),
      idle_(settings_->options().back_off, random_) {}

ATTUNE_DECL void HttpWatch::begin() {
    position_ = share_->position();
    place_ = position_.place;
    if (position_.document) {
        tell_publisher();
    }
    ask();
}

ATTUNE_DECL void HttpWatch::end() noexcept {
    ended_ = true;
    ++turn_;
    timer_.cancel();
    operation_.cancel();
    writing_.cancel();
    reporter_->end();
    writes_.clear();  // whoever waits is told by that
}

ATTUNE_DECL void HttpWatch::settle() {
    if (ended_ || share_->suspended()) {
        return;
    }
    must_deliver_ = true;
    ++serial_;
    operation_.cancel();
    ask();
}

ATTUNE_DECL void HttpWatch::accepted(const std::string& revision) {
    if (!ended_ && position_.mark.revision() == revision && !refused_because_.empty()) {
        refused_because_.clear();
        tell_publisher();
    }
}

ATTUNE_DECL void HttpWatch::tell_publisher() {
    reporter_->tell(place(position_.place), position_.mark, refused_because_);
}

ATTUNE_DECL void HttpWatch::ask() {
    ++turn_;
    timer_.cancel();
    if (ended_ || share_->suspended()) {
        return;
    }
    const bool known = (position_.document || position_.absent) && position_.place == place_ &&
                       !must_deliver_ && !revalidate_;
    // After an outage, whether it has ended is to be known at once.
    const bool waits =
        known && !failing_ && !position_.mark.etag.empty() && settings_->options().wait.count() > 0;
    net::ClientRequest request =
        settings_->get(place(place_), known ? &position_.mark : nullptr, waits);
    if (revalidate_) {
        request.fields.add("Cache-Control", "no-cache");
    }
    const Asked asked{
        place_,  known && !(position_.mark.etag.empty() && position_.mark.last_modified.empty()),
        waits,   reporter_->arrived(),
        serial_, Clock::now()};
    operation_ = client_.start(std::move(request),
                               [weak = weak_from_this(), asked](net::ClientResult result) {
                                   if (const auto self = weak.lock()) {
                                       self->answered(asked, std::move(result));
                                   }
                               });
}

ATTUNE_DECL void HttpWatch::ask_after(Milliseconds pause) {
    if (ended_) {
        return;
    }
    timer_.expires_after(pause);
    timer_.async_wait([weak = weak_from_this(), turn = ++turn_](const boost::system::error_code&) {
        const auto self = weak.lock();
        if (self != nullptr && self->turn_ == turn) {
            self->ask();
        }
    });
}

ATTUNE_DECL void HttpWatch::answered(const Asked& asked, net::ClientResult result) {
    if (ended_ || share_->suspended()) {
        return;  // whoever resumes asks again
    }
    try {
        HttpReading reading =
            read_http(*settings_, place(asked.place), std::move(result), asked.conditional);
        using Kind = HttpReading::Kind;
        const bool elsewhere = reading.kind == Kind::absent && !settings_->options().optional &&
                               settings_->places().size() > 1;
        if (reading.asks_report && asked.reported) {
            reporter_->forgotten();
        }
        if (reading.kind == Kind::unreadable) {
            reporter_->tell(place(asked.place), reading.mark, reading.problems);
        }
        if (reading.kind == Kind::failed || reading.kind == Kind::denied ||
            reading.kind == Kind::unreadable || elsewhere) {
            // A request that was held and then cut off, by a proxy say, is no sign of trouble.
            constexpr int held_long = 10;
            if (asked.waits &&
                Clock::now() - asked.at >= held_long * settings_->options().back_off.first) {
                back_off_.reset();
            }
            fail(asked.place, std::move(reading));
        } else {
            arrived(asked, std::move(reading));
        }
    } catch (...) {  // out of memory, or thrown by the feed
        ask_after(back_off_.next());
    }
}

ATTUNE_DECL void HttpWatch::arrived(const Asked& asked, HttpReading reading) {
    const bool whole = reading.kind != HttpReading::Kind::unchanged;
    if (whole && older(reading.mark, position_.mark)) {
        if (asked.serial != serial_) {
            return ask();  // a write has read something newer since
        }
        if (!std::exchange(revalidate_, true)) {
            return std::exchange(saw_older_, true) ? ask_after(idle_.next()) : ask();
        }
        reading.problems = {settings_->problem(
            place(asked.place), "answered with version " + std::to_string(*reading.mark.version) +
                                    ", older than version " +
                                    std::to_string(*position_.mark.version) +
                                    " that was read before; a cache on the way that does not ask "
                                    "the server again?")};
        return fail(asked.place, std::move(reading));
    }
    failing_ = false;
    revalidate_ = false;
    round_.clear();
    const bool news = take(asked, reading);
    if (!ended_) {
        go_on(asked, reading, news);
    }
}

/// Tells the store, if there is something to tell. True when there was a new document.
ATTUNE_DECL bool HttpWatch::take(const Asked& asked, HttpReading& reading) {
    if (reading.kind == HttpReading::Kind::unchanged) {
        if (reading.mark.version && reading.mark.instance == position_.mark.instance) {
            position_.mark.version = std::max(position_.mark.version, reading.mark.version);
        }
        if (position_.absent && !settings_->options().optional) {
            return false;
        }
        tell_recovery();
        tell_publisher();
        return false;
    }
    if (!reading.problems.empty()) {  // absent, and should not be
        if (std::exchange(must_deliver_, false)) {
            position_.document.reset();
        }
        advance(asked.place, reading, true);
        tell_failure(std::move(reading.problems));
        return false;
    }
    if (!must_deliver_ && position_.document && *position_.document == reading.content.document) {
        advance(asked.place, reading, reading.kind == HttpReading::Kind::absent);
        tell_recovery();
        tell_publisher();
        return false;
    }
    give(asked.place, reading);
    return true;
}

/// Delivers what was read, and makes it the position. Fetch, validate, apply, then advance: also
/// past what the store refuses, which is not worth asking for again.
ATTUNE_DECL Verdict HttpWatch::give(std::size_t from, HttpReading& reading) {
    const Document document = reading.content.document;
    Verdict verdict;
    const bool open =
        share_->call([&](Feed& feed) { verdict = feed.content(std::move(reading.content)); });
    if (!open) {
        end();
        return verdict;
    }
    must_deliver_ = false;
    failure_.clear();
    position_.document = document;
    refused_because_ = verdict.problems;
    advance(from, reading, reading.kind == HttpReading::Kind::absent);
    tell_publisher();
    return verdict;
}

ATTUNE_DECL void HttpWatch::advance(std::size_t from, HttpReading& reading, bool absent) {
    position_.place = from;
    position_.mark = std::move(reading.mark);
    position_.absent = absent;
    place_ = from;
    share_->set_position(position_);
}

ATTUNE_DECL void HttpWatch::go_on(const Asked& asked, const HttpReading& reading, bool news) {
    using std::chrono::duration_cast;
    const HttpOptions& options = settings_->options();
    const bool can_wait = options.wait.count() > 0 && !position_.mark.etag.empty();
    if (asked.waits || !can_wait) {
        back_off_.reset();
    }
    if (can_wait && !asked.waits) {
        return ask();  // which tells whether it holds requests
    }
    if (reading.holds.count() == 0) {
        saw_older_ = false;
        const double part = 1 + options.jitter * (2 * random_() - 1);
        return ask_after(duration_cast<Milliseconds>(options.interval * part));
    }
    const auto held = Clock::now() - asked.at;
    const bool early = held * 2 < std::min(reading.holds, options.wait);
    if (early && !news && asked.serial == serial_) {
        return ask_after(idle_.next());
    }
    idle_.reset();
    saw_older_ = false;
    ask();
}

ATTUNE_DECL void HttpWatch::fail(std::size_t from, HttpReading reading) {
    failing_ = true;
    revalidate_ = false;
    round_.push_back(std::move(reading));
    place_ = (from + 1) % settings_->places().size();
    if (round_.size() < settings_->places().size()) {
        return ask();
    }
    std::vector<Problem> problems;
    bool denied = true;
    Milliseconds told_to_wait{0};
    for (HttpReading& failed : std::exchange(round_, {})) {
        std::move(failed.problems.begin(), failed.problems.end(), std::back_inserter(problems));
        denied = denied && failed.kind == HttpReading::Kind::denied;
        told_to_wait = std::max<Milliseconds>(told_to_wait,
                                              failed.retry_after.value_or(std::chrono::seconds{0}));
    }
    const Milliseconds pause = denied ? back_off_.longest() : back_off_.next();
    tell_failure(std::move(problems));
    ask_after(std::max(pause, std::min(told_to_wait, settings_->options().back_off.longest)));
}

ATTUNE_DECL void HttpWatch::tell_failure(std::vector<Problem> problems) {
    std::string failure = to_string(Rejection{problems, {}});
    if (failure == failure_) {
        return;
    }
    failure_ = std::move(failure);
    if (!share_->call([&](Feed& feed) { feed.failed(std::move(problems)); })) {
        end();
    }
}

ATTUNE_DECL void HttpWatch::tell_recovery() {
    if (!std::exchange(failure_, {}).empty() &&
        !share_->call([](Feed& feed) { feed.unchanged(); })) {
        end();
    }
}

}  // namespace attune::inline ATTUNE_ABI::detail
