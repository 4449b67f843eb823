// expect: its keys must be std::string
#include <attune/bind/decode.hpp>

#include <map>

namespace {

struct Subject {
    std::map<int, int> values;
};

}  // namespace

int main() {
    attune::decode<Subject>(attune::Document());  // the error
}
