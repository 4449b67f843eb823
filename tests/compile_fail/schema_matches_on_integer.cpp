// expect: matches is for strings and paths
#include <attune/bind/decode.hpp>
#include <attune/bind/schema.hpp>

namespace {

struct Subject {
    int size = 0;
};

void describe(attune::Schema<Subject>& s) {
    s.field(&Subject::size).matches("[0-9]+");  // the error
}

}  // namespace

int main() { attune::decode<Subject>(attune::Document()); }
