// expect: attune cannot bind a union: use std::variant
#include <attune/bind/decode.hpp>

namespace {

union Choice {
    int number;
    float real;
};

struct Subject {
    Choice choice{};
};

}  // namespace

int main() {
    attune::decode<Subject>(attune::Document());  // the error
}
