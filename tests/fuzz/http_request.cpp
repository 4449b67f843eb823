#include <attune/net/http_server.hpp>
#include <attune/net/impl/http_request_parser.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

// What a parser makes of bytes does not depend on how they are cut: the first byte says how, the
// rest is what a client sends. No request is larger than the limits.

namespace {

namespace net = attune::net;

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

/// What became of one request after the other: fields, bodies, and the refusal at the end.
std::vector<std::string> read_all(std::string_view bytes, std::size_t piece) {
    constexpr attune::HttpLimits limits{.header = 600, .body = 800};
    std::vector<std::string> outcome;
    std::string pending;
    net::detail::HttpRequestParser* parser = nullptr;
    std::unique_ptr<net::detail::HttpRequestParser> owned;
    while (!bytes.empty() || parser == nullptr) {
        if (parser == nullptr) {
            owned = std::make_unique<net::detail::HttpRequestParser>(limits, net::HttpRequest{});
            parser = owned.get();
        }
        if (pending.empty() && bytes.empty()) {
            break;
        }
        if (!bytes.empty()) {
            pending += bytes.substr(0, piece);
            bytes.remove_prefix(std::min(piece, bytes.size()));
        }
        bool goes_on = true;
        while (goes_on && !pending.empty()) {
            const std::size_t used = parser->feed(pending);
            require(used <= pending.size());
            pending.erase(0, used);
            goes_on = false;
            if (parser->refusal()) {
                require(parser->refusal()->status >= 400 && !parser->refusal()->detail.empty());
                outcome.push_back(std::to_string(parser->refusal()->status));
                return outcome;
            }
            if (parser->done()) {
                const net::HttpRequest& request = parser->request();
                std::string text = request.method + " " + request.target;
                for (const auto& [name, value] : request.fields) {
                    text += "\n" + name + ":" + value;
                }
                require(text.size() <= limits.header + 2 * limits.header);
                require(request.body.size() <= limits.body);
                outcome.push_back(text + "\n\n" + request.body +
                                  (parser->keep_alive() ? "+" : "-"));
                owned =
                    std::make_unique<net::detail::HttpRequestParser>(limits, net::HttpRequest{});
                parser = owned.get();
                goes_on = true;
            }
        }
        require(pending.size() <= limits.header + piece);
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
    const auto whole = read_all(bytes, bytes.size());
    const auto pieces = read_all(bytes, piece);
    // A mistake may be seen at once, or only when the line has ended, and told as one or another;
    // but what one of them accepts, the other does not refuse.
    const auto is_refusal = [](const std::string& outcome) { return outcome.size() == 3; };
    for (std::size_t i = 0; i < std::max(whole.size(), pieces.size()); ++i) {
        if (i < whole.size() && i < pieces.size()) {
            require(whole[i] == pieces[i] || (is_refusal(whole[i]) && is_refusal(pieces[i])));
        } else {
            require(is_refusal(i < whole.size() ? whole[i] : pieces[i]));
        }
    }
    return 0;
}
