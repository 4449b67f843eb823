#include <attune/attune.hpp>
#include <attune/net.hpp>

#include <boost/asio/use_future.hpp>

int main() {
    attune::Store store;
    const auto port = store.bind<int>("port");
    auto next = attune::async_next(port, boost::asio::use_future);
    store.set("port", 9090);
    return *next.get() == 9090 ? 0 : 1;
}
