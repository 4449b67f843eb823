// A small service whose configuration is Traefik's and Prometheus's own files. It is read all the
// time by several threads while the files are edited, broken and repaired.
//
//     demo [--interactive] [file...]
//
// Works on copies in a temporary directory: of the samples, or of the files given. The exit code
// says whether everything happened as it should.

#include "gateway.hpp"
#include "readers.hpp"
#include "routing_file.hpp"
#include "tour.hpp"
#include "workspace.hpp"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>
#include <string_view>
#include <thread>

namespace {

struct Inputs {
    std::string traefik = demo::read_text(ATTUNE_EXAMPLE_DIR "/data/traefik/traefik.json");
    std::string routing = demo::read_text(ATTUNE_EXAMPLE_DIR "/data/traefik/routing.json");
    std::string rules = demo::read_text(ATTUNE_EXAMPLE_DIR "/data/prometheus/rules.json");
    bool interactive = false;
};

/// A file takes the place of the sample that has the same sections.
Inputs read_arguments(int argc, char** argv) {
    Inputs inputs;
    for (int i = 1; i < argc; ++i) {
        if (std::string_view{argv[i]} == "--interactive") {
            inputs.interactive = true;
            continue;
        }
        const std::string text = demo::read_text(argv[i]);
        const attune::Document document = attune::parse(text, {.name = argv[i]});
        if (document.find("entryPoints") != nullptr) {
            inputs.traefik = text;
        } else if (document.find("groups") != nullptr) {
            inputs.rules = text;
        } else {
            inputs.routing = text;
        }
    }
    return inputs;
}

/// Blocks the signals of Ctrl-C in every thread that is started afterwards.
sigset_t block_interrupts() {
    sigset_t interrupts;
    sigemptyset(&interrupts);
    sigaddset(&interrupts, SIGINT);
    sigaddset(&interrupts, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &interrupts, nullptr);
    return interrupts;
}

void watch_until_interrupted(demo::Events& events, const std::filesystem::path& folder,
                             const sigset_t& interrupts) {
    events.echo_to([](const demo::Event& event) {
        std::cout << (event.what == demo::Event::What::refused
                          ? "\nrefused, version " + std::to_string(event.version) + " stays:\n"
                          : "\nversion " + std::to_string(event.version) + ":\n")
                  << event.text << std::endl;
    });
    std::cout << "\nEdit these files with any editor; Ctrl-C ends.\n\n"
              << "  " << (folder / "routing.json").string() << "\n  "
              << (folder / "traefik.json").string() << "\n  "
              << (folder / "rules/rules.json").string() << std::endl;
    int signal = 0;
    sigwait(&interrupts, &signal);
}

void print_summary(const attune::StoreStatus& status, const demo::Readers::Totals& totals) {
    std::printf(
        "\nsummary\n"
        "   versions published   %12llu\n"
        "   refusals             %12llu\n"
        "   reads                %12llu\n"
        "   reads per second     %12.0f\n"
        "   views compared       %12llu\n"
        "   torn reads seen      %12llu\n"
        "   time                 %12.1f s\n",
        static_cast<unsigned long long>(status.commits),
        static_cast<unsigned long long>(status.refusals),
        static_cast<unsigned long long>(totals.reads),
        static_cast<double>(totals.reads) / totals.seconds,
        static_cast<unsigned long long>(totals.views), static_cast<unsigned long long>(totals.torn),
        totals.seconds);
}

int run(int argc, char** argv) {
    const Inputs inputs = read_arguments(argc, argv);
    const sigset_t interrupts = block_interrupts();
    setenv("TRAEFIK_ENTRYPOINTS_WEB_ADDRESS", ":8000", 1);

    const demo::Workspace workspace;
    demo::RoutingFile routing{inputs.routing};
    demo::ConfigMapMount rules{"rules"};
    demo::save_by_renaming("traefik.json", inputs.traefik);
    demo::save_by_renaming("routing.json", routing.text());
    rules.publish({{"rules.json", inputs.rules}});

    demo::Events events;
    demo::Gateway gateway{events};
    bool as_it_should = true;
    {
        const unsigned threads = std::clamp(std::thread::hardware_concurrency(), 2U, 8U);
        demo::Readers readers{gateway, routing.router(), threads};
        std::cout << "attune demo: " << threads << " threads read all the time; the files are in "
                  << workspace.path().string() << '\n';
        demo::Tour tour{gateway, readers, events, routing, rules};
        tour.run();
        print_summary(gateway.store.status(), readers.totals());
        std::cout << std::flush;
        for (const std::string& failure : tour.failures()) {
            std::cerr << "failed: " << failure << '\n';
        }
        as_it_should = tour.failures().empty();
    }
    if (inputs.interactive) {
        watch_until_interrupted(events, workspace.path(), interrupts);
        std::cout << '\n' << to_string(gateway.store.status()) << '\n';
    }
    return as_it_should ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) try {
    return run(argc, argv);
} catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
}
