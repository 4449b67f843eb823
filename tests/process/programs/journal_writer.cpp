// Continues the journal in a directory until it is killed, and says which versions it has written.
// usage: journal_writer DIRECTORY sync|async

#include "process/journal_history.hpp"

#include <attune/store/journal.hpp>

#include <chrono>
#include <cstring>
#include <exception>
#include <iostream>
#include <memory>

#include <unistd.h>

int main(int argc, char** argv) {
    if (argc != 3) {
        return 2;
    }
    try {
        const attune::Journal journal(
            argv[1], attune_test::history_options(std::strcmp(argv[2], "sync") == 0));
        const auto sink = journal.open();
        const auto restored = sink->restore(1);
        attune::Version version = restored.versions.empty() ? 0 : restored.versions.back().version;
        attune::Document before = attune_test::document_of(version);
        for (;;) {
            ++version;
            const attune::Path path = attune_test::path_of(version);
            const attune::Document after = before.with(path, attune_test::value_of(version));
            sink->append({version, std::chrono::system_clock::now(), "set", "overrides", before,
                          after, before, after, &path});
            // One write, all or nothing; after the append, as a store publishes after it.
            if (write(STDOUT_FILENO, &version, sizeof version) != sizeof version) {
                return 1;
            }
            before = after;
        }
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}
