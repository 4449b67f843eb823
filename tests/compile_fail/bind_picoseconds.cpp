// expect: its period must be a whole number of nanoseconds
#include <attune/bind/decode.hpp>

#include <chrono>
#include <ratio>

namespace {

struct Subject {
    std::chrono::duration<long, std::pico> delay{};
};

}  // namespace

int main() {
    attune::decode<Subject>(attune::Document());  // the error
}
