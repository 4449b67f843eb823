#include <attune/quorum/lock_machine/lock_machine.hpp>

#include "quorum/lock_model.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <ostream>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quorum_laws {

using namespace attune::quorum;
using quorum_model::LockModel;
using std::chrono::milliseconds;

constexpr std::array<std::string_view, 3> locks{"a", "b", "c"};
constexpr std::size_t clients = 4;

enum class Action : int {
    acquire,
    release,
    repeat,
    cancel,
    cancel_ahead,
    barrier,
    renew,
    open,
    expire,
    close,
    force,
    ask,
    publish,
    write,
    garbage,
    many,
    reload,
    epoch,
};

/// What one step does; the numbers choose among what there is when it is done.
struct Step {
    int action = 0;
    int who = 0;
    int lock = 0;
    int which = 0;
    int how = 0;
    int time = 0;
};

std::ostream& operator<<(std::ostream& out, const Step& step) {
    return out << "{" << step.action << ", " << step.who << ", " << step.lock << ", " << step.which
               << ", " << step.how << ", " << step.time << "}";
}

rc::Gen<Step> any_step() {
    // Shrinks to fewer steps, and each to an acquire of the first lock, exclusively, at once.
    const auto action = rc::gen::weightedElement<int>({{30, 0},
                                                       {12, 1},
                                                       {10, 2},
                                                       {6, 3},
                                                       {4, 4},
                                                       {5, 5},
                                                       {4, 6},
                                                       {10, 7},
                                                       {7, 8},
                                                       {2, 9},
                                                       {4, 10},
                                                       {2, 11},
                                                       {3, 12},
                                                       {3, 13},
                                                       {1, 14},
                                                       {1, 15},
                                                       {4, 16},
                                                       {1, 17}});
    return rc::gen::build<Step>(rc::gen::set(&Step::action, action),
                                rc::gen::set(&Step::who, rc::gen::inRange<int>(0, clients)),
                                rc::gen::set(&Step::lock, rc::gen::inRange(0, 8)),
                                rc::gen::set(&Step::which, rc::gen::inRange(0, 16)),
                                rc::gen::set(&Step::how, rc::gen::inRange(0, 64)),
                                rc::gen::set(&Step::time, rc::gen::inRange(0, 12)));
}

/// The machine, the model, and clients that remember what they have said and heard.
class World {
public:
    void run(const Step& step) {
        constexpr std::array<int, 12> pauses{0, 0, 0, 0, 0, 1, 1, 3, 10, 30, 60, 100};
        time_ += milliseconds{pauses[at(step.time)]};
        if (sessions_[at(step.who)] == 0 && step.action <= static_cast<int>(Action::cancel_ahead)) {
            open(step);  // else most steps would say nothing
        }
        switch (Action{step.action}) {
        case Action::acquire: return acquire(step);
        case Action::release: return release(step);
        case Action::repeat: return repeat(step);
        case Action::cancel: return cancel(step);
        case Action::cancel_ahead: return cancel_ahead(step);
        case Action::barrier: return apply("");
        case Action::renew: return renew(step);
        case Action::open: return open(step);
        case Action::expire: return expire(step);
        case Action::close: return apply(CloseSession{sessions_[at(step.who)]});
        case Action::force: return apply(ForceRelease{name(step), token(step)});
        case Action::ask: return apply(AskRelease{name(step)});
        case Action::publish: return publish(step);
        case Action::write: return write(step);
        case Action::garbage: return apply(std::string(at(step.how), 'x'));
        case Action::many: return many(step);
        case Action::reload: return reload();
        case Action::epoch: return begin_epoch();
        }
    }

    const std::map<Outcome, int>& outcomes() const { return outcomes_; }
    const std::map<Event::Kind, int>& events() const { return events_; }

private:
    static std::size_t at(int index) { return static_cast<std::size_t>(index); }
    static std::string name(const Step& step) { return std::string{locks[at(step.lock) % 3]}; }
    Sequence next(const Step& step) { return ++sequences_[at(step.who)]; }
    /// One that has been seen, of any lock, mostly a late one.
    Token token(const Step& step) const {
        const std::size_t back = at(step.which) / 2;
        return back < tokens_.size() ? tokens_[tokens_.size() - 1 - back] : Token{epoch_, 1};
    }

    void open(const Step& step) {
        OpenSession command;
        command.client[0] = static_cast<unsigned char>(step.who + 1);
        command.ttl = milliseconds{40 + 30 * (step.who / 2)};
        command.lock_delay = milliseconds{std::array{0, 5, 20, 50}[at(step.who)]};
        command.label = std::to_string(step.who);
        const SessionId before = sessions_[at(step.who)];
        apply(command);
        sessions_[at(step.who)] = reply_.session;
        if (reply_.session != before) {
            sequences_[at(step.who)] = 0;
        }
    }
    void acquire(const Step& step) {
        Acquire command{sessions_[at(step.who)], next(step), {}, step.how % 4 != 3};
        for (std::size_t lock = 0; lock != locks.size(); ++lock) {
            // Mostly one lock, at times two or all three, each in a mode of its own.
            if ((at(step.lock) + 1) % 8 >> lock & 1) {
                Want want{.lock = std::string{locks[lock]}};
                const int mode = (step.which >> lock) % 4;
                if (mode == 1) {
                    want.mode = LockMode::shared;
                } else if (mode == 3) {
                    want.mode = LockMode::permits;
                    want.permits = 1 + static_cast<std::uint32_t>(step.how / 4 % 2);
                    want.of = step.how < 48 ? 3 : 2;
                }
                command.wants.push_back(want);
            }
        }
        if (command.wants.empty()) {
            command.wants.push_back({.lock = "a"});
        }
        asked_[at(step.who)].push_back(command.sequence);
        apply(command);
    }
    /// Mostly its own latest grant; else whatever there was.
    template <class C>
    C about_grant(const Step& step) {
        C command{.session = sessions_[at(step.who)],
                  .sequence = next(step),
                  .lock = name(step),
                  .token = token(step)};
        for (const auto& request : model_.requests()) {
            if (step.how % 8 != 0 && request.token && request.session == command.session) {
                command.token = *request.token;
                command.lock = request.wants[at(step.which) % request.wants.size()].lock;
            }
        }
        return command;
    }
    void release(const Step& step) { apply(about_grant<Release>(step)); }
    void publish(const Step& step) {
        auto command = about_grant<Publish>(step);
        command.value = std::to_string(step.how);
        apply(command);
    }
    void repeat(const Step& step) {
        if (!said_.empty()) {
            const std::size_t back = at(step.how) % std::min<std::size_t>(said_.size(), 12);
            apply(std::string{said_[said_.size() - 1 - back]});
        }
    }
    void cancel(const Step& step) {
        const auto& asked = asked_[at(step.who)];
        const std::size_t back = at(step.which) / 2 % std::max<std::size_t>(asked.size(), 1);
        const Sequence sequence = asked.empty() ? 1000 : asked[asked.size() - 1 - back];
        apply(CancelAcquire{sessions_[at(step.who)], next(step), sequence});
    }
    /// The Acquire that it names comes next, or never.
    void cancel_ahead(const Step& step) {
        const Sequence acquire = next(step);
        apply(CancelAcquire{sessions_[at(step.who)], next(step), acquire});
        if (step.which % 2 == 0) {
            apply(Acquire{sessions_[at(step.who)], acquire, {{.lock = name(step)}}});
        }
    }
    void renew(const Step& step) {
        RenewSessions command;
        for (std::size_t client = 0; client != clients; ++client) {
            if (at(step.how) >> client & 1) {
                command.sessions.push_back(sessions_[client]);
            }
        }
        apply(command);
    }
    void expire(const Step& step) {
        const SessionId session = sessions_[at(step.who)];
        const auto view = machine_.session(session);
        std::uint64_t renewed = view ? view->renewed : 1;
        if (step.how % 4 == 0) {
            renewed -= 1;
        }
        apply(ExpireSession{session, renewed});
    }
    void write(const Step& step) {
        auto command = about_grant<FencedWrite>(step);
        command.key = std::to_string(step.how % 3);
        if (step.how % 4 != 0) {
            command.value = std::to_string(step.how);
        }
        apply(command);
    }
    /// More than are remembered; then what is too old by now, known once or never seen.
    void many(const Step& step) {
        const SessionId session = sessions_[at(step.who)];
        const std::size_t said = said_.size();
        const Sequence skipped = next(step);
        for (std::size_t count = 0; count <= LockLimits::replies; ++count) {
            apply(Release{session, next(step), "none", {}});
        }
        apply(Acquire{session, skipped, {{.lock = name(step)}}});
        apply(Publish{session, skipped, name(step), token(step), "late"});
        if (said != 0) {
            apply(std::string{said_[at(step.how) % said]});
        }
    }
    void reload() {
        auto loaded = LockMachine::load(machine_.save());
        RC_ASSERT(loaded.has_value());
        RC_ASSERT(loaded->save() == machine_.save());
        machine_ = std::move(*loaded);
        check_views();
    }
    void begin_epoch() {
        RC_ASSERT(!machine_.begin_epoch(epoch_));
        ++epoch_;
        RC_ASSERT(machine_.begin_epoch(epoch_));
        RC_ASSERT(never_reloaded_.begin_epoch(epoch_));
        saved_ = machine_.save();
        hash_ = machine_.hash();
        model_.begin_epoch(epoch_);
        check_views();
    }

    void apply(const Command& command) { apply(encode(command)); }
    void apply(const std::string& bytes) {
        index_ += 1 + index_ % 3;
        said_.push_back(bytes);
        const LockMachine::Applied applied = machine_.apply(index_, time_, bytes);
        std::vector<Event> events;
        const Reply reply = model_.apply(index_, time_, decode_command(bytes), events);
        RC_ASSERT(applied.reply == reply);
        RC_ASSERT(applied.events == events);
        never_reloaded_.apply(index_, time_, bytes);
        const std::string before = std::exchange(saved_, machine_.save());
        const std::uint64_t hash_before = std::exchange(hash_, machine_.hash());
        RC_ASSERT(hash_ == never_reloaded_.hash());
        RC_ASSERT((hash_ == hash_before) == (saved_ == before));
        reply_ = reply;
        ++outcomes_[reply.outcome];
        if (reply.token) {
            tokens_.push_back(reply.token);
        }
        for (const Event& event : events) {
            ++events_[event.kind];
            if (event.kind == Event::Kind::granted) {
                tokens_.push_back(event.token);
            }
        }
        check_views();
    }

    void check_views() {
        std::vector<std::string> names;
        for (const std::string_view each : locks) {
            const std::string lock{each};
            auto view = machine_.lock(lock);
            if (view) {
                names.push_back(lock);
                check_tokens(lock, *view);
                view->highest = {};
            }
            RC_ASSERT(view == model_.view(lock));
        }
        RC_ASSERT(machine_.locks() == names);
        RC_ASSERT(machine_.session_count() == model_.sessions().size());
        for (const auto& [id, session] : model_.sessions()) {
            const SessionView expected{id, session.opened.label, session.opened.ttl,
                                       session.renewed_at, session.renewed};
            RC_ASSERT(machine_.session(id) == expected);
        }
        for (const std::string key : {"0", "1", "2"}) {
            const auto row = model_.table().find(key);
            RC_ASSERT(machine_.value(key) ==
                      (row == model_.table().end() ? std::nullopt : std::optional{row->second}));
        }
        std::vector<SessionId> overdue;
        for (const ExpireSession& each :
             machine_.overdue(time_ + milliseconds{7}, milliseconds{7})) {
            overdue.push_back(each.session);
            RC_ASSERT(each.renewed == model_.sessions().at(each.session).renewed);
        }
        RC_ASSERT(overdue == model_.overdue(time_));
        RC_ASSERT(machine_.next_due({}) == model_.next_due());
        RC_ASSERT(machine_.time() == model_.time());
        RC_ASSERT(machine_.epoch() == epoch_);
    }

    /// I8: at most one who excludes others, and each such grant has a higher token than the last.
    void check_tokens(const std::string& lock, const LockView& view) {
        for (const auto& holder : view.holders) {
            if (holder.mode == LockMode::exclusive) {
                RC_ASSERT(view.holders.size() == 1u);
                RC_ASSERT(holder.token == view.highest);
                Token& last = last_exclusive_[lock];
                RC_ASSERT(holder.token >= last);
                const bool is_same_grant =
                    exclusive_holder_[lock] == std::pair{holder.session, holder.since};
                RC_ASSERT(holder.token > last || is_same_grant);
                last = holder.token;
                exclusive_holder_[lock] = {holder.session, holder.since};
            }
        }
        RC_ASSERT(view.highest >= highest_[lock]);
        const auto model = model_.highest().find(lock);
        RC_ASSERT(model == model_.highest().end() || view.highest >= model->second);
        highest_[lock] = view.highest;
    }

    std::uint64_t epoch_ = 1;
    std::uint64_t index_ = 0;
    milliseconds time_{};
    LockMachine machine_{1};
    LockMachine never_reloaded_{1};
    LockModel model_{1};
    std::array<SessionId, clients> sessions_{};
    std::array<Sequence, clients> sequences_{};
    std::array<std::vector<Sequence>, clients> asked_{};
    std::vector<std::string> said_;
    std::vector<Token> tokens_;
    Reply reply_;
    std::string saved_ = machine_.save();
    std::uint64_t hash_ = machine_.hash();
    std::map<Outcome, int> outcomes_;
    std::map<Event::Kind, int> events_;
    std::map<std::string, Token> last_exclusive_;
    std::map<std::string, std::pair<SessionId, milliseconds>> exclusive_holder_;
    std::map<std::string, Token> highest_;
};

/// As many cases as 100 laws have elsewhere: RC_PARAMS scales it.
template <class Testable>
void check_often(const Testable& law) {
    rc::detail::TestParams params = rc::detail::configuration().testParams;
    params.maxSuccess *= 100;
    const rc::detail::TestMetadata metadata{};
    const auto result = rc::detail::checkTestable(law, metadata, params);
    if (!result.template is<rc::detail::SuccessResult>()) {
        std::ostringstream text;
        rc::detail::printResultMessage(result, text);
        FAIL() << text.str();
    }
}

TEST(LockMachineLaws, it_does_what_a_naive_model_does_whatever_the_commands) {
    std::map<Outcome, int> outcomes;
    std::map<Event::Kind, int> events;
    check_often([&] {
        const auto steps = *rc::gen::container<std::vector<Step>>(any_step()).as("steps");
        World world;
        for (const Step& step : steps) {
            world.run(step);
        }
        for (const auto& [outcome, count] : world.outcomes()) {
            outcomes[outcome] += count;
        }
        for (const auto& [kind, count] : world.events()) {
            events[kind] += count;
        }
    });
    // Where nothing of a kind ever happened, nothing is known about it.
    for (auto each = static_cast<int>(Outcome::ok); each <= static_cast<int>(Outcome::forgotten);
         ++each) {
        EXPECT_GT(outcomes[static_cast<Outcome>(each)], 10) << "outcome " << each;
    }
    for (auto each = static_cast<int>(Event::Kind::granted);
         each <= static_cast<int>(Event::Kind::expired); ++each) {
        EXPECT_GT(events[static_cast<Event::Kind>(each)], 10) << "event " << each;
    }
}

}  // namespace quorum_laws
