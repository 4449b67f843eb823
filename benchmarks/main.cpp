#include <thread>

#include <benchmark/benchmark.h>

int main(int argc, char** argv) {
    // Before a process has started its first thread, malloc and std::shared_ptr leave out their
    // locks and atomics. No program that has attune in it stays in that state.
    std::thread{[] {}}.join();

    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
        return 1;
    }
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}
