// Continues the journal in a directory until it is killed, and says which versions it has written.
// usage: journal_writer DIRECTORY sync|async sink|store

#include "process/journal_history.hpp"

#include <attune/store/journal.hpp>
#include <attune/store/store.hpp>

#include <chrono>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <memory>
#include <string>

#include <unistd.h>

namespace {

/// In one write, all or nothing.
void say(attune::Version version) {
    const std::string line = std::to_string(version) + '\n';
    if (write(STDOUT_FILENO, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
        std::exit(1);
    }
}

/// As a store would: it says so after the append, since a store publishes after it.
[[noreturn]] void append_for_ever(const attune::Journal& journal) {
    const auto sink = journal.open();
    const auto restored = sink->restore(1);
    attune::Version version = restored.versions.empty() ? 0 : restored.versions.back().version;
    attune::Document before = attune_test::document_of(version);
    for (;;) {
        ++version;
        const attune::Path path = attune_test::path_of(version);
        const attune::Document after = before.with(path, attune_test::value_of(version));
        sink->append({version, std::chrono::system_clock::now(), "set", "overrides", before, after,
                      before, after, &path});
        say(version);
        before = after;
    }
}

[[noreturn]] void set_for_ever(const attune::Journal& journal) {
    attune::Store store{{.journal = journal}};
    for (;;) {
        const attune::Version next = store.version() + 1;
        say(store.set(attune_test::path_of(next), attune_test::value_of(next)).version);
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        return 2;
    }
    try {
        const attune::Journal journal(argv[1],
                                      attune_test::history_options(argv[2] == std::string("sync")));
        argv[3] == std::string("store") ? set_for_ever(journal) : append_for_ever(journal);
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}
