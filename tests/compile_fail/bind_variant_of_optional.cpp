// expect: attune cannot bind a variant of optionals
#include <attune/bind/decode.hpp>

#include <optional>
#include <string>
#include <variant>

namespace {

struct Subject {
    std::variant<std::optional<int>, std::string> value;
};

}  // namespace

int main() {
    attune::decode<Subject>(attune::Document());  // the error
}
