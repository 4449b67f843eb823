// expect: max_size is for strings, lists and maps
#include <attune/bind/decode.hpp>
#include <attune/bind/schema.hpp>

namespace {

struct Subject {
    int size = 0;
};

void describe(attune::Schema<Subject>& s) {
    s.field(&Subject::size).max_size(3);  // the error
}

}  // namespace

int main() { attune::decode<Subject>(attune::Document()); }
