// expect: its first member is a reference
#include <attune/bind/decode.hpp>

namespace {

int global = 0;

struct Subject {
    int& reference = global;
};

}  // namespace

int main() {
    attune::decode<Subject>(attune::Document());  // the error
}
