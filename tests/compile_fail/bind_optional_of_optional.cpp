// expect: attune cannot bind an optional of something that can be null
#include <attune/bind/decode.hpp>

#include <optional>

namespace {

struct Subject {
    std::optional<std::optional<int>> value;
};

}  // namespace

int main() {
    attune::decode<Subject>(attune::Document());  // the error
}
