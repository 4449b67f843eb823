// expect: no enumerator lies in the range
#include <attune/bind/decode.hpp>

namespace {

enum class Status { ok = 200, missing = 404 };

struct Subject {
    Status status = Status::ok;
};

}  // namespace

int main() {
    attune::decode<Subject>(attune::Document());  // the error
}
