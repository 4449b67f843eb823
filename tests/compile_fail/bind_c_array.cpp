// expect: it has a C array; use std::array
#include <attune/bind/decode.hpp>

namespace {

struct Subject {
    int before = 0;
    int values[3] = {};
    int after = 0;
};

}  // namespace

int main() {
    attune::decode<Subject>(attune::Document());  // the error
}
