// expect: it has a base class
#include <attune/bind/decode.hpp>

namespace {

struct Base {};

struct Subject : Base {
    int own = 0;
};

}  // namespace

int main() {
    attune::decode<Subject>(attune::Document());  // the error
}
