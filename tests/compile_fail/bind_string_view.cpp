// expect: which does not own its text: use std::string
#include <attune/bind/decode.hpp>

#include <string_view>

namespace {

struct Subject {
    std::string_view name;
};

}  // namespace

int main() {
    attune::decode<Subject>(attune::Document());  // the error
}
