// expect: the bound of a duration must be a duration that its type can hold
#include <attune/bind/decode.hpp>
#include <attune/bind/schema.hpp>

#include <chrono>

namespace {

struct Subject {
    std::chrono::seconds delay{};
};

void describe(attune::Schema<Subject>& s) {
    s.field(&Subject::delay).at_least(std::chrono::milliseconds(1));  // the error
}

}  // namespace

int main() { attune::decode<Subject>(attune::Document()); }
