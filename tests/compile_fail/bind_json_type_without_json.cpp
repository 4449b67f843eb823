// expect: include <attune/document/json.hpp>
#include <attune/bind/decode.hpp>

#include <nlohmann/json_fwd.hpp>

namespace {

struct Subject {
    int value = 0;
};

void to_json(nlohmann::json&, const Subject&) {}
void from_json(const nlohmann::json&, Subject&) {}

}  // namespace

int main() {
    attune::decode<Subject>(attune::Document());  // the error
}
