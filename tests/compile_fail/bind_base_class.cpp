// expect: it has a base class
#include <attune/bind/decode.hpp>

namespace {

struct Base {
    int inherited = 0;
};

struct Subject : Base {
    int own = 0;
};

}  // namespace

int main() {
    attune::decode<Subject>(attune::Document());  // the error
}
