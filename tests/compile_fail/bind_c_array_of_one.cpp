// expect: attune cannot bind a C array: use std::array
#include <attune/bind/decode.hpp>

namespace {

struct Subject {
    int values[1] = {};
};

}  // namespace

int main() {
    attune::decode<Subject>(attune::Document());  // the error
}
