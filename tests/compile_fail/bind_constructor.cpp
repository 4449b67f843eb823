// expect: it is not a plain struct
#include <attune/bind/decode.hpp>

namespace {

struct Subject {
    Subject() {}
    int value = 0;
};

}  // namespace

int main() {
    attune::decode<Subject>(attune::Document());  // the error
}
