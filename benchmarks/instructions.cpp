// Functions for callgrind to count: each reads one value a thousand times. See instructions.py.

#include "peers.hpp"
#include "settings.hpp"

#include <cstdint>

#include <benchmark/benchmark.h>

namespace {

using namespace bench;

constexpr int reads = 1000;

// Opaque to the compiler, so that each read takes place.
inline void use(std::int64_t value) { asm volatile("" : : "r"(value) : "memory"); }

struct Subjects {
    attune::Config<Settings> first = settings_store().first;
    attune::Config<Settings> second = settings_store().second;
    PlainGlobal<Settings> plain;
    ThreadCached<Settings> cached;
    ThreadCachedBare<Settings> bare;
    StdAtomicShared<Settings> atomic_shared;
#if defined(ATTUNE_BENCH_URCU)
    Urcu<Settings, UrcuMemb> memb;
#endif
};

}  // namespace

// Callgrind knows them by these names.
#define COUNTED(name) extern "C" [[gnu::noinline]] void counted_##name(const Subjects& of)

COUNTED(empty_loop) {
    (void)of;
    for (int i = 0; i < reads; ++i) {
        use(0);
    }
}

COUNTED(plain_global) {
    for (int i = 0; i < reads; ++i) {
        use(of.plain.read());
    }
}

COUNTED(thread_cached) {
    for (int i = 0; i < reads; ++i) {
        use(of.cached.read());
    }
}

COUNTED(thread_cached_bare) {
    for (int i = 0; i < reads; ++i) {
        use(of.bare.read());
    }
}

COUNTED(std_atomic_shared_ptr) {
    for (int i = 0; i < reads; ++i) {
        use(of.atomic_shared.read());
    }
}

#if defined(ATTUNE_BENCH_URCU)
COUNTED(urcu_memb) {
    for (int i = 0; i < reads; ++i) {
        use(of.memb.read());
    }
}
#endif

COUNTED(read) {
    for (int i = 0; i < reads; ++i) {
        const auto now = of.first.read();
        use(now->id);
    }
}

COUNTED(get_member) {
    for (int i = 0; i < reads; ++i) {
        use(of.first.get(&Settings::id));
    }
}

COUNTED(view_of_two) {
    for (int i = 0; i < reads; ++i) {
        const auto view = settings_store().store.view();
        use(view[of.first].id + view[of.second].id);
    }
}

COUNTED(held_view_look_up) {
    const auto view = settings_store().store.view();
    for (int i = 0; i < reads; ++i) {
        use(view[of.first].id);
    }
}

#undef COUNTED

namespace {

void instructions(benchmark::State& state) {
#if defined(ATTUNE_BENCH_URCU)
    const UrcuMemb::Thread thread;
#endif
    const Subjects subjects;
    // What happens once per thread is not counted.
    (void)subjects.first.get(&Settings::id);
    (void)subjects.cached.read();
    (void)subjects.bare.read();
    for (auto _ : state) {
        counted_empty_loop(subjects);
        counted_plain_global(subjects);
        counted_thread_cached(subjects);
        counted_thread_cached_bare(subjects);
        counted_std_atomic_shared_ptr(subjects);
#if defined(ATTUNE_BENCH_URCU)
        counted_urcu_memb(subjects);
#endif
        counted_read(subjects);
        counted_get_member(subjects);
        counted_view_of_two(subjects);
        counted_held_view_look_up(subjects);
    }
}

BENCHMARK(instructions)->Name("instructions")->Iterations(1);

}  // namespace
