// expect: it has a C array; use std::array
#include <attune/bind/decode.hpp>

namespace {

struct Subject {
    char name[16] = {};
};

}  // namespace

int main() {
    attune::decode<Subject>(attune::Document());  // the error
}
