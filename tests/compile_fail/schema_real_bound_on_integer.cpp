// expect: the bound of an integer must be an integer
#include <attune/bind/decode.hpp>
#include <attune/bind/schema.hpp>

namespace {

struct Subject {
    int size = 0;
};

void describe(attune::Schema<Subject>& s) {
    s.field(&Subject::size).at_most(1.5);  // the error
}

}  // namespace

int main() { attune::decode<Subject>(attune::Document()); }
