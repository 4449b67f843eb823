// Keeps document after document of a remote layer in a cache, until it is killed, and says the
// number of each that is in the file.

#include <attune/attune.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include <stdlib.h>
#include <unistd.h>

namespace {

class Remote final : public attune::Transport {
public:
    explicit Remote(std::int64_t n) : n_(n) {}
    std::string name() const override { return "remote"; }
    attune::Content load() override {
        // Of many sizes, so that half a document could be told from a whole one.
        const auto size = static_cast<std::size_t>(n_ * 7919 % 30'000);
        attune::Content content;
        content.document = {{"n", n_}, {"filler", std::string(size, 'x')}, {"end", n_}};
        content.revision = std::to_string(n_);
        return content;
    }

private:
    const std::int64_t n_;
};

}  // namespace

int main(int, char** argv) {
    for (std::int64_t n = ::atoll(argv[2]);; ++n) {
        {
            attune::Store store;
            store.add(attune::cached(std::make_unique<Remote>(n), argv[1],
                                     {.secrets = attune::CacheSecrets::stored}));
        }
        const std::string line = std::to_string(n) + '\n';
        if (::write(1, line.data(), line.size()) < 0) {
            return 1;
        }
    }
}
