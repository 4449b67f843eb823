// expect: deleted
#include <attune/store/store.hpp>

#include <string>

int main() {
    attune::Store store;
    const auto config = store.bind<std::string>("name");
    return config.read()->size() == 0 ? 0 : 1;  // the error
}
