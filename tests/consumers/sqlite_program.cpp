#include <attune/attune.hpp>
#include <attune/transport/sqlite.hpp>

#include <filesystem>

int main() {
    const std::filesystem::path file = "sqlite_program.db";
    for (const char* const end : {"", "-wal", "-shm"}) {
        std::filesystem::remove(file.string() + end);
    }
    attune::Store store;
    attune::Layer shared = store.add(attune::sqlite(file));
    const auto port = store.bind<int>("port");
    shared.set("port", 9090);
    return port.get() == 9090 && attune::sqlite_history(file).size() == 1 ? 0 : 1;
}
