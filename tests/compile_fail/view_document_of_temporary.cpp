// expect: deleted
#include <attune/store/store.hpp>

#include <string>

int main() {
    attune::Store store;
    const auto config = store.bind<std::string>("name");
    const attune::Document& kept = store.view().document();  // the error
    return kept.is_null() ? 0 : 1;
}
