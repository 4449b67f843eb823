// expect: are for numbers, durations and
#include <attune/bind/decode.hpp>
#include <attune/bind/schema.hpp>

namespace {

struct Subject {
    bool on = false;
};

void describe(attune::Schema<Subject>& s) {
    s.field(&Subject::on).between(0, 1);  // the error
}

}  // namespace

int main() { attune::decode<Subject>(attune::Document()); }
