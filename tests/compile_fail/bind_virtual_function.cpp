// expect: it is not a plain struct
#include <attune/bind/decode.hpp>

namespace {

struct Subject {
    virtual ~Subject() = default;
    int value = 0;
};

}  // namespace

int main() {
    attune::decode<Subject>(attune::Document());  // the error
}
