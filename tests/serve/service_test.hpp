#pragma once

#include <attune/document/document.hpp>
#include <attune/net/http_message.hpp>
#include <attune/store/store.hpp>
#include <serve/fake_exchange.hpp>

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace serve_tests {

/// A store and its endpoints, for tests to begin with.
class ServiceTest : public testing::Test {
protected:
    ServiceTest() : service{store} {}
    explicit ServiceTest(attune::detail::ServiceOptions options)
        : service{store, std::move(options)} {}

    static attune::net::HttpFields as(const std::string& token) {
        return {{"Authorization", "Bearer " + token}};
    }
    /// Changes the store, and tells the service.
    void set(const char* path, attune::Document value) {
        store.set(path, std::move(value));
        service.published();
    }

    attune::Store store;
    Service service;
};

}  // namespace serve_tests
