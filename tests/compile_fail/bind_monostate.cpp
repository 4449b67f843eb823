// expect: attune cannot bind std::monostate
#include <attune/bind/decode.hpp>

#include <string>
#include <variant>

namespace {

struct Subject {
    std::variant<std::monostate, std::string> value;
};

}  // namespace

int main() {
    attune::decode<Subject>(attune::Document());  // the error
}
