// expect: attune cannot bind a const or volatile member
#include <attune/bind/decode.hpp>

namespace {

struct Subject {
    const int value = 3;
};

}  // namespace

int main() {
    attune::decode<Subject>(attune::Document());  // the error
}
