// expect: it is not a plain struct
#include <attune/bind/decode.hpp>

namespace {

class Subject {
public:
    int shown = 0;
    int hidden() const { return hidden_; }

private:
    int hidden_ = 0;
};

}  // namespace

int main() {
    attune::decode<Subject>(attune::Document());  // the error
}
