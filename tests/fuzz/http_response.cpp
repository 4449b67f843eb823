#include <attune/net/http_client.hpp>
#include <attune/net/impl/http_response_parser.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

// What a parser makes of a server's bytes does not depend on how they are cut: the first byte says
// how, and whether the answer is one to HEAD; the rest is what a server sends, and then closes. No
// response is larger than the limits, and no more of it waits than they allow.

namespace {

namespace net = attune::net;

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

constexpr net::detail::HttpResponseLimits limits{.header = 600, .body = 800};

struct Outcome {
    std::string text;  ///< of the responses, interim ones included, up to where one fails
    bool failed = false;
};

std::string text_of(const net::HttpResponse& response, bool keep_alive) {
    std::string text = std::to_string(response.status);
    for (const auto& [name, value] : response.fields) {
        text += "\n" + name + ":" + value;
    }
    require(text.size() <= 2 * limits.header);
    require(response.body.size() <= limits.body);
    return text + "\n\n" + response.body + (keep_alive ? "+" : "-") + "\n";
}

Outcome read_all(std::string_view bytes, std::size_t piece, bool bodiless) {
    Outcome outcome;
    std::string pending;
    std::optional<net::detail::HttpResponseParser> parser;
    bool any = false;
    const auto begin = [&] {
        parser.emplace(limits, bodiless);
        any = false;
    };
    const auto finish = [&] {
        outcome.text += text_of(parser->response(), parser->keep_alive());
        begin();
    };
    begin();
    while (!bytes.empty()) {
        pending += bytes.substr(0, piece);
        bytes.remove_prefix(std::min(piece, bytes.size()));
        bool goes_on = true;
        while (goes_on && !pending.empty()) {
            any = true;
            const std::size_t used = parser->feed(pending);
            require(used <= pending.size());
            pending.erase(0, used);
            if (parser->error()) {
                require(!parser->error()->message.empty());
                outcome.failed = true;
                return outcome;
            }
            goes_on = parser->done();
            if (goes_on) {
                finish();
            }
        }
        require(pending.size() <= limits.header);
        require(parser->response().body.size() <= limits.body);
    }
    if (any && parser->end()) {
        finish();
    } else {
        outcome.failed = any;
    }
    return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) {
        return 0;
    }
    const std::string_view bytes{reinterpret_cast<const char*>(data + 1), size - 1};
    const std::size_t piece = 1 + data[0] % 64;
    const bool bodiless = (data[0] & 64) != 0;
    const Outcome whole = read_all(bytes, bytes.size(), bodiless);
    const Outcome pieces = read_all(bytes, piece, bodiless);
    require(whole.failed == pieces.failed && whole.text == pieces.text);
    return 0;
}
