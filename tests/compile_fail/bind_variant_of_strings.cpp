// expect: two of its alternatives take the same kind
#include <attune/bind/decode.hpp>

#include <string>
#include <variant>

namespace {

enum class Mode { fast, slow };

struct Subject {
    std::variant<std::string, Mode> value;
};

}  // namespace

int main() {
    attune::decode<Subject>(attune::Document());  // the error
}
