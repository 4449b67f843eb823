#include <attune/serve/detail/config_service.hpp>

#include <attune/bind/secret.hpp>
#include <attune/document/parse.hpp>
#include <attune/transport/memory.hpp>
#include <serve/fake_exchange.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Requests one after the other, parted by a line of dashes: the request line without its version,
// fields, an empty line, the body. Each must be answered once or be held, no answer may show the
// secret to whoever may not see it, and nothing held may be lost.

namespace {

using serve_tests::Answer;
using serve_tests::Service;

constexpr std::string_view secret = "hunter2-hunter2";
constexpr std::string_view insider = "insider";

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

std::string_view take(std::string_view& text, std::string_view end) {
    const std::size_t size = std::min(text.find(end), text.size());
    const std::string_view taken = text.substr(0, size);
    text.remove_prefix(std::min(size + end.size(), text.size()));
    return taken;
}

attune::net::HttpRequest read_request(std::string_view text) {
    std::string_view head = take(text, "\n\n");
    std::string_view line = take(head, "\n");
    attune::net::HttpRequest request;
    request.method = take(line, " ");
    request.target = line;
    while (!head.empty()) {
        std::string_view field = take(head, "\n");
        const std::string_view name = take(field, ": ");
        request.fields.add(std::string(name), std::string(field));
    }
    request.body = text;
    return request;
}

class Session {
public:
    Session() : service_(store_, options()) {
        store_.add(attune::memory(attune::parse(
            R"({"server":{"port":8080,"password":"hunter2-hunter2"},"list":[1,{"a":2}],"x":1})")));
        store_.bind<attune::Secret<std::string>>("/server/password");
    }

    void run(std::string_view input) {
        knows_ = input.find(secret) != std::string_view::npos;
        while (!input.empty()) {
            ask(read_request(take(input, "\n---\n")));
        }
        service_.inside().drain();
        for (const Answer& answer : answers_) {
            require(!answer.held());
            check(answer);
        }
    }

private:
    static attune::detail::ServiceOptions options() {
        return {.tokens = {{.token = "reader", .name = "reader", .admin = true},
                           {.token = "writer", .name = "writer", .write = true, .admin = true},
                           {.token = "part", .write = true, .paths = {"/list"}},
                           {.token = std::string(insider), .write = true, .secrets = true}},
                .instance = "abcdefghij",
                .secrets = {"/vault"}};
    }

    void ask(attune::net::HttpRequest request) {
        if (request.method == "PASS") {  // time
            service_.pass(std::chrono::seconds{request.target.size()});
            return;
        }
        if (!request.fields.find("Authorization")) {
            request.fields.add("Authorization", "Bearer reader");
        }
        const bool sees = request.fields.joined("Authorization").find(insider) != std::string::npos;
        knows_ = knows_ || sees;
        const Answer answer = service_.ask(std::move(request.method), std::move(request.target),
                                           std::move(request.fields), std::move(request.body));
        require(answer.exchange->responses <= 1);
        answers_.push_back(answer);
        service_.published();
    }
    void check(const Answer& answer) const {
        require(answer.exchange->responses <= 1);
        require(answer.status() >= 200 && answer.status() < 600);
        if (!knows_) {
            require(answer.body().find(secret) == std::string::npos);
            require(answer.exchange->stream.find(secret) == std::string::npos);
        }
        if (answer.field("Content-Type") == "application/json") {
            attune::parse(answer.body());
        }
    }

    attune::Store store_;
    Service service_;
    std::vector<Answer> answers_;
    bool knows_ = false;  ///< somebody has the secret, and may have told it
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Session().run({reinterpret_cast<const char*>(data), size});
    return 0;
}
