// expect: attune cannot bind a pointer
#include <attune/bind/decode.hpp>

namespace {

struct Subject {
    const char* name = nullptr;
};

}  // namespace

int main() {
    attune::decode<Subject>(attune::Document());  // the error
}
