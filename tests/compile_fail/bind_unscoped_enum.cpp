// expect: it needs a fixed underlying type
#include <attune/bind/decode.hpp>

namespace {

enum Colour { red, green };

struct Subject {
    Colour colour = red;
};

}  // namespace

int main() {
    attune::decode<Subject>(attune::Document());  // the error
}
