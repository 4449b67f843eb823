// Values made of other values, rules over several of them, and edits that belong together.

#include <attune/attune.hpp>

#include <cstdint>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

struct Server {
    std::string host = "localhost";
    std::uint16_t port = 8080;
};
struct Tls {
    bool on = false;
    std::string certificate;
};
struct Pool {
    int size = 8;
};

int run() {
    attune::Store store;
    store.add(attune::memory({{"server", {{"host", "example.org"}}}, {"pool", {{"size", 16}}}}));

    // [derive]
    const auto server = store.bind<Server>("server");
    const auto tls = store.bind<Tls>("tls");
    const auto pool = store.bind<Pool>("pool");

    const attune::Config<std::string> url = attune::derive(
        [](const Server& s, const Tls& t) {
            return (t.on ? "https://" : "http://") + s.host + ':' + std::to_string(s.port);
        },
        server, tls);
    const attune::Config<int> reserve = pool.map([](const Pool& p) { return p.size / 4; });
    const attune::Config<std::uint16_t> port = server.field(&Server::port);

    const auto on_url = url.on_change(attune::inline_executor, [](const auto& change) {
        std::cout << *change.before << " becomes " << *change.after << '\n';
    });
    // [derive-end]
    std::cout << url.get() << ", " << reserve.get() << " in reserve\n";

    // [track]
    const attune::Config<std::string> certificate =
        attune::derive(store, [=](attune::Track& use) -> std::string {
            // The certificate is an input only while TLS is on.
            return use(tls).on ? use(tls).certificate : "none";
        });
    // [track-end]

    // [keep]
    const auto limits = pool.map(
        [](const Pool& p) {
            if (p.size % 2 != 0) {
                throw std::runtime_error{"the pool cannot be halved"};
            }
            return p.size / 2;
        },
        {.name = "limits", .on_error = attune::OnError::keep});
    // [keep-end]

    // [require]
    store.require([](const Tls& t) { return !t.on || !t.certificate.empty(); },
                  "tls needs a certificate", tls);
    // [require-end]
    try {
        store.set("tls.on", true);
    } catch (const attune::Rejected& rejected) {
        std::cout << "refused: " << rejected.what() << '\n';
    }

    // [transact]
    store.transact(
        [](attune::Edit& edit) {
            edit.set("tls", {{"on", true}, {"certificate", "/etc/tls/site.pem"}});
            edit.set("server.port", 443);
        },
        {.expect = store.version(), .reason = "TLS everywhere"});
    // [transact-end]
    std::cout << "version " << store.version() << ", " << store.snapshot().reason() << ": "
              << url.get() << ", port " << port.get() << ", " << certificate.get() << '\n';

    // [patch]
    store.patch(attune::parse(R"([
        {"op": "test",    "path": "/server/port", "value": 443},
        {"op": "replace", "path": "/pool/size",   "value": 7}
    ])"));
    // [patch-end]
    if (const auto stale = limits.stale()) {
        std::cout << stale->name << " is still " << limits.get() << ": " << stale->error << '\n';
    }

    // [scope]
    {
        const auto scope = store.override_scope({{"server", {{"host", "test.invalid"}}}});
        std::cout << "for a test: " << url.get() << '\n';
    }
    // [scope-end]
    std::cout << store.graph_dot();
    return url.get() == "https://example.org:443" ? 0 : 1;
}

}  // namespace

int main() {
    try {
        return run();
    } catch (const std::exception& problem) {
        std::cerr << problem.what() << '\n';
        return 1;
    }
}
