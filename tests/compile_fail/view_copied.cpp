// expect: deleted
#include <attune/store/store.hpp>

#include <string>

int main() {
    attune::Store store;
    const auto config = store.bind<std::string>("name");
    const auto view = store.view();
    const auto copy = view;  // the error
    return copy[config].empty() ? 0 : 1;
}
