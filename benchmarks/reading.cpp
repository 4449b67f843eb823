// What one read costs: the value is made reachable and one field of it is loaded. With one and two
// threads, with and without a writer that publishes every 10 microseconds.

#include "peers.hpp"
#include "settings.hpp"
#include "support.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace {

using namespace bench;

// attune, in the forms it can be read.

class OfStore {
public:
    using Thread = NoThread;
    void publish(const Settings& value) { of_.commit(value.id); }

protected:
    SettingsStore& of_ = settings_store();
    const attune::Config<Settings> first_ = of_.first;
    const attune::Config<Settings> second_ = of_.second;
};

struct Read : OfStore {
    std::int64_t read() const {
        const auto now = first_.read();
        return now->id;
    }
};

struct With : OfStore {
    std::int64_t read() const {
        return first_.with([](const Settings& now) { return now.id; });
    }
};

struct GetMember : OfStore {
    std::int64_t read() const { return first_.get(&Settings::id); }
};

struct ViewOfTwo : OfStore {
    std::int64_t read() const {
        const auto view = of_.store.view();
        return view[first_].id + view[second_].id;
    }
};

struct Pin : OfStore {
    std::int64_t read() const { return first_.pin()->id; }
};

struct SnapshotOfOne : OfStore {
    std::int64_t read() const {
        const attune::Snapshot now = of_.store.snapshot();
        return now[first_].id;
    }
};

// Held by each thread for the whole run.

class HeldReading : public OfStore {
public:
    std::int64_t read() const { return held_->id; }

private:
    const attune::Reading<Settings> held_ = first_.read();
};

class HeldView : public OfStore {
public:
    std::int64_t read() const { return value_.id; }

private:
    const attune::View held_ = of_.store.view();
    const Settings& value_ = held_[first_];
};

class HeldViewLookUp : public OfStore {
public:
    std::int64_t read() const { return held_[first_].id; }

private:
    const attune::View held_ = of_.store.view();
};

template <class Reader>
Reader& shared() {
    static Reader reader;
    return reader;
}

template <class Reader>
void loop(benchmark::State& state, Reader& reader) {
    [[maybe_unused]] const typename Reader::Thread thread;
    std::optional<Writer> writer;
    if (state.thread_index() == 0 && state.range(0) != 0) {
        std::int64_t id = 0;
        writer.emplace(std::chrono::microseconds{state.range(0)}, [&reader, id]() mutable {
            Settings next;
            next.id = ++id;
            reader.publish(std::move(next));
        });
    }
    benchmark::DoNotOptimize(reader.read());  // a thread's first reading may be another one

    const std::uint64_t before = allocations();
    for (auto _ : state) {
        benchmark::DoNotOptimize(reader.read());
    }
    state.counters["allocations"] = benchmark::Counter(static_cast<double>(allocations() - before),
                                                       benchmark::Counter::kAvgIterations);
    if (writer) {
        state.counters["period_us"] = writer->period_us();
    }
}

template <class Reader>
void shared_reader(benchmark::State& state) {
    loop(state, shared<Reader>());
}

template <class Reader>
void reader_per_thread(benchmark::State& state) {
    Reader reader;
    loop(state, reader);
}

const bool registered = [] {
    const auto add = [](const char* name, void (*run)(benchmark::State&)) {
        benchmark::RegisterBenchmark((std::string{"reading/"} + name).c_str(), run)
            ->ArgName("writer")
            ->Arg(0)
            ->Arg(10)
            ->Threads(1)
            ->Threads(2);
    };
    add("read", shared_reader<Read>);
    add("with", shared_reader<With>);
    add("get member", shared_reader<GetMember>);
    add("view of two", shared_reader<ViewOfTwo>);
    add("held reading", reader_per_thread<HeldReading>);
    add("held view", reader_per_thread<HeldView>);
    add("held view look up", reader_per_thread<HeldViewLookUp>);
    add("pin", shared_reader<Pin>);
    add("snapshot", shared_reader<SnapshotOfOne>);

    add("plain global", shared_reader<PlainGlobal<Settings>>);
    add("thread cached", shared_reader<ThreadCached<Settings>>);
    add("thread cached bare", shared_reader<ThreadCachedBare<Settings>>);
    add("std atomic shared_ptr", shared_reader<StdAtomicShared<Settings>>);
    add("mutex pointer", shared_reader<MutexPointer<Settings>>);
    add("mutex value", shared_reader<MutexValue<Settings>>);
    add("shared_mutex pointer", shared_reader<SharedMutexPointer<Settings>>);
    add("shared_mutex value", shared_reader<SharedMutexValue<Settings>>);
#if defined(ATTUNE_BENCH_BOOST)
    add("boost atomic shared_ptr", shared_reader<BoostAtomicShared<Settings>>);
#endif
#if defined(ATTUNE_BENCH_URCU)
    add("urcu memb", shared_reader<Urcu<Settings, UrcuMemb>>);
    add("urcu bp", shared_reader<Urcu<Settings, UrcuBp>>);
#endif
    return true;
}();

}  // namespace
