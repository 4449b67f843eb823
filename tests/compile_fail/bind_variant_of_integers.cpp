// expect: two of its alternatives take the same kind
#include <attune/bind/decode.hpp>

#include <variant>

namespace {

struct Subject {
    std::variant<int, long> value;
};

}  // namespace

int main() {
    attune::decode<Subject>(attune::Document());  // the error
}
