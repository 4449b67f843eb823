// expect: T\{\} is not valid
#include <attune/bind/decode.hpp>

namespace {

struct Level {
    explicit Level(int) {}
};

struct Subject {
    Level level;
};

}  // namespace

int main() {
    attune::decode<Subject>(attune::Document());  // the error
}
