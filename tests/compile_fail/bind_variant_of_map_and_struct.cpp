// expect: two of its alternatives take the same kind
#include <attune/bind/decode.hpp>

#include <map>
#include <string>
#include <variant>

namespace {

struct Pool {
    int size = 8;
};

struct Subject {
    std::variant<Pool, std::map<std::string, int>> value;
};

}  // namespace

int main() {
    attune::decode<Subject>(attune::Document());  // the error
}
