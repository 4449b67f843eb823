// expect: attune cannot bind a character
#include <attune/bind/decode.hpp>

namespace {

struct Subject {
    char letter = 'a';
};

}  // namespace

int main() {
    attune::decode<Subject>(attune::Document());  // the error
}
