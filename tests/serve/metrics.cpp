#include <attune/serve/metrics.hpp>

#include <attune/transport/memory.hpp>
#include <serve/fake_exchange.hpp>

#include <gtest/gtest.h>

#include <set>
#include <sstream>
#include <string>

namespace {

using attune::Store;
using attune::detail::MetricsPage;
using serve_tests::Answer;
using serve_tests::Service;

TEST(MetricsPage, is_prometheus_text) {
    MetricsPage page;
    page.counter("a_total", "Things.", 3);
    page.metric("b", "gauge", "Others.");
    page.sample({{"layer", "file \"x\"\\\n"}, {"rank", "0"}}, 0.5);
    EXPECT_EQ(page.take(),
              "# HELP a_total Things.\n# TYPE a_total counter\na_total 3\n"
              "# HELP b Others.\n# TYPE b gauge\n"
              "b{layer=\"file \\\"x\\\"\\\\\\n\",rank=\"0\"} 0.5\n");
}

TEST(Metrics, tell_about_the_store_and_the_server) {
    Store store;
    store.add(attune::memory({{"a", 1}}));
    Service service{store};
    service.get("/v1/none");
    service.put("/v1/clients/c", R"({"state":"refused"})");
    const Answer held = service.watch("/v1/config", service.get("/v1/config").etag());
    const Answer answer = service.get("/metrics");
    EXPECT_EQ(answer.field("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
    for (const char* const line :
         {"attune_store_version 1\n", "attune_store_ready 1\n",
          "attune_store_state{state=\"ready\"} 1\n",
          "attune_layer_updates_total{layer=\"memory\",rank=\"0\"} 1\n",
          "attune_http_responses_total{code=\"404\"} 1\n", "attune_http_watchers 1\n",
          "attune_clients{state=\"refused\"} 1\n", "attune_http_connections 0\n"}) {
        EXPECT_NE(answer.body().find(line), std::string::npos) << line;
    }
}

TEST(Metrics, begin_each_with_its_type_once) {
    Store store;
    store.add(attune::memory({{"a", 1}}));
    store.add(attune::memory({{"a", 2}}));
    Service service{store};
    std::istringstream page{service.get("/metrics").body()};
    std::set<std::string> types;
    std::set<std::string> samples;
    for (std::string line; std::getline(page, line);) {
        if (line.starts_with("# TYPE ")) {
            EXPECT_TRUE(types.insert(line.substr(7, line.find(' ', 7) - 7)).second) << line;
        } else if (!line.starts_with("#")) {
            EXPECT_TRUE(samples.insert(line.substr(0, line.rfind(' '))).second) << line;
            EXPECT_TRUE(types.count(line.substr(0, line.find_first_of("{ ")))) << line;
        }
    }
    EXPECT_GT(types.size(), 15U);
}

}  // namespace
