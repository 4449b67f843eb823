// expect: deleted
#include <attune/store/store.hpp>

#include <string>

int main() {
    attune::Store store;
    const auto config = store.bind<std::string>("name");
    const auto now = config.read();
    const auto copy = now;  // the error
    return copy->empty() ? 0 : 1;
}
