// expect: deleted
#include <attune/store/store.hpp>

#include <string>

int main() {
    attune::Store store;
    const auto config = store.bind<std::string>("name");
    const std::string& kept = *config.read();  // the error
    return kept.empty() ? 0 : 1;
}
