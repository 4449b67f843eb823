#include <attune/attune.hpp>
#include <attune/net.hpp>

#include <chrono>

#include <boost/asio/use_future.hpp>

int main() {
    using namespace std::chrono_literals;
    attune::Store store;
    const auto port = store.bind<int>("port");
    auto next = attune::async_next(port, boost::asio::use_future);
    store.set("port", 9090);
    if (*next.get() != 9090) {
        return 1;
    }
    const attune::ConfigServer served{store};
    attune::Store other;
    other.add(attune::http(served.url() + "/v1/config"));
    const auto followed = other.bind<int>("port");
    store.set("port", 9091);
    return followed.wait_until([](int value) { return value == 9091; }, 20s) ? 0 : 1;
}
