// expect: the bound of a size must be attune::Bytes
#include <attune/bind/decode.hpp>
#include <attune/bind/schema.hpp>

namespace {

struct Subject {
    attune::Bytes size;
};

void describe(attune::Schema<Subject>& s) {
    s.field(&Subject::size).at_most(1024);  // the error
}

}  // namespace

int main() { attune::decode<Subject>(attune::Document()); }
