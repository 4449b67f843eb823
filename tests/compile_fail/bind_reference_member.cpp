// expect: T\{\} is not valid
#include <attune/bind/decode.hpp>

namespace {

struct Subject {
    int value = 0;
    int& reference;
};

}  // namespace

int main() {
    attune::decode<Subject>(attune::Document());  // the error
}
