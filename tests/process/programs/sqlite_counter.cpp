// Writes version after version into a shared database, until it is killed, and says the number of
// each that was acknowledged.

#include <attune/transport/sqlite.hpp>

#include <attune/bind/problem.hpp>

#include <cstddef>
#include <string>

#include <unistd.h>

int main(int, char** argv) {
    const auto transport = attune::sqlite(argv[1], {.keep = 4});
    attune::Content content = transport->load();
    for (;;) {
        const auto before = content.document.find("n");
        const auto n = (before != nullptr ? before->as_int64() : 0) + 1;
        // Over several pages, so that half a document could be told from a whole one.
        const auto size = static_cast<std::size_t>(n * 7919 % 30'000);
        const attune::Document next{{"n", n}, {"filler", std::string(size, 'x')}, {"end", n}};
        try {
            content.revision = transport->save(next, content.revision);
            content.document = next;
        } catch (const attune::Rejected&) {  // another counter was faster
            content = transport->load();
            continue;
        }
        const std::string line = std::to_string(n) + '\n';
        if (::write(1, line.data(), line.size()) < 0) {
            return 1;
        }
    }
}
