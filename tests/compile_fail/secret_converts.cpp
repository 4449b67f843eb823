// expect: (conversion from|no viable conversion from).*Secret
#include <attune/bind/secret.hpp>

#include <string>

int main() {
    const attune::Secret<std::string> secret = "x";
    const std::string shown = secret;  // the error
    return shown.empty() ? 0 : 1;
}
