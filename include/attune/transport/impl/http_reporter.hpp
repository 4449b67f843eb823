#pragma once

#include <attune/bind/problem.hpp>
#include <attune/net/http_client.hpp>
#include <attune/transport/detail/http_settings.hpp>
#include <attune/version.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

/// Tells a ConfigServer what became of each version: one report at a time, the latest wins. One
/// that did not arrive is made again the next time that it is told. For the network's thread.
class HttpReporter : public std::enable_shared_from_this<HttpReporter> {
public:
    /// `client` must outlive it, or `end` be called before.
    HttpReporter(std::shared_ptr<const HttpSettings> settings, net::HttpClient& client)
        : settings_(std::move(settings)), client_(client) {}

    /// That what `mark` stands for is applied; refused when there are problems. Nothing when that
    /// was told last.
    ATTUNE_DECL void tell(const HttpPlace& place, const HttpMark& mark,
                          const std::vector<Problem>& problems);

    /// The server has what was told last.
    bool arrived() const noexcept { return !under_way_ && !told_.empty(); }
    /// It does not have it any more.
    void forgotten() noexcept {
        if (!under_way_) {
            told_.clear();
        }
    }

    void end() noexcept {
        ended_ = true;
        next_.reset();
        operation_.cancel();
    }

private:
    struct Report {
        net::Url url;
        std::string body;
    };

    void send();

    const std::shared_ptr<const HttpSettings> settings_;
    net::HttpClient& client_;
    std::string told_;
    std::optional<Report> next_;
    bool under_way_ = false;
    bool ended_ = false;
    net::HttpOperation operation_;
};

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/transport/impl/http_reporter.ipp>
#endif
