// A component that is configured by attune, and its tests: no thread to wait for, no sleep.

#include <attune/attune.hpp>
#include <attune/testing.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <iostream>
#include <string>

namespace {

using namespace std::chrono_literals;

struct Pool {
    int size = 8;
};

void describe(attune::Schema<Pool>& s) { s.field(&Pool::size).between(1, 64); }

/// The component: follows the configuration on whatever executor it is given.
class Workers {
public:
    Workers(const attune::Config<Pool>& pool, const attune::ManualExecutor& loop)
        : watch_(pool.apply(loop, [this](const Pool& p) { running_ = p.size; })) {}
    int running() const { return running_; }

private:
    int running_ = 0;
    attune::Subscription watch_;
};

int failures = 0;
void expect(bool truth, const std::string& what) {
    if (!truth) {
        ++failures;
        std::cerr << "not so: " << what << '\n';
    }
}

void follows_the_configuration() {
    // [executor]
    attune::Store store;
    const auto pool = store.bind<Pool>("pool");
    const attune::testing::ManualExecutor loop;
    const Workers workers{pool, loop};

    store.set("pool.size", 16);
    expect(workers.running() == 8, "nothing happens before the loop runs");
    loop.run_all();
    expect(workers.running() == 16, "then it does");
    // [executor-end]
}

void survives_a_source_that_comes_and_goes() {
    // [source]
    const attune::testing::ManualClock clock;
    const attune::testing::FlakyTransport source{{{"pool", {{"size", 2}}}}};
    attune::Store store{{.clock = clock}};
    const attune::Layer layer = store.add(source.transport());
    const auto pool = store.bind<Pool>("pool");

    const attune::testing::EventTrace trace;
    const auto changes =
        pool.on_change(attune::inline_executor, trace.on_change("pool", [](const Pool& p) {
            return std::to_string(p.size);
        }));
    const auto rejections = store.on_rejected(attune::inline_executor, trace.on_rejected());

    source.push({{"pool", {{"size", 3}}}});
    clock.advance(1h);
    source.fail("no route to host");
    source.poll();
    source.push({{"pool", {{"size", 4}}}});
    expect(to_string(trace) ==
               "pool v2: 2 -> 3\n"
               "rejected v2: flaky: no route to host\n"
               "pool v3: 3 -> 4",
           to_string(trace));
    expect(store.snapshot(3).time() - store.snapshot(2).time() == 1h, "an hour has passed");
    // [source-end]
}

void keeps_its_state_wherever_it_fails() {
    // [sweep]
    const std::size_t points = attune::testing::sweep([](const attune::testing::FailOnNth& fail) {
        attune::Store store;
        const auto pool = store.bind<Pool>("pool");
        int applied = 0;
        const auto watch = pool.on_change(attune::inline_executor, [&](const auto& change) {
            fail();  // fails here in the first run
            const int size = change.after->size;
            fail();  // and here in the second
            applied = size;
        });
        store.set("pool.size", 16);
        expect(applied == (fail.failed() ? 0 : 16), "all or nothing");
        expect(store.status().observer_errors == (fail.failed() ? 1 : 0), "and it is counted");
    });
    expect(points == 2, "there are two points to fail at");
    // [sweep-end]
}

}  // namespace

int main() try {
    follows_the_configuration();
    survives_a_source_that_comes_and_goes();
    keeps_its_state_wherever_it_fails();
    return failures == 0 ? 0 : 1;
} catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
}
