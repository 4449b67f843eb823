#pragma once

#include <attune/transport/detail/http_settings.hpp>
#include <attune/transport/detail/store_io.hpp>
#include <attune/transport/http.hpp>
#include <attune/transport/impl/http_share.hpp>
#include <attune/transport/impl/http_watch.hpp>

#include <mutex>
#include <stdexcept>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

namespace attune::inline ATTUNE_ABI {

namespace detail {

/// A request that the calling thread waits for.
inline net::ClientResult ask_and_wait(const HttpSettings& settings, net::ClientRequest request) {
    boost::asio::io_context context{1};
    std::optional<net::ClientResult> result;
    net::HttpClient client{context.get_executor(), settings.client()};
    const auto operation = client.start(std::move(request), [&](net::ClientResult came) {
        result.emplace(std::move(came));
    });
    context.run();
    return std::move(result).value();
}

class HttpTransport final : public Transport {
public:
    explicit HttpTransport(std::shared_ptr<const HttpSettings> settings)
        : settings_(std::move(settings)) {}
    HttpTransport(const HttpTransport&) = delete;
    HttpTransport& operator=(const HttpTransport&) = delete;
    ~HttpTransport() override { stop(); }

    std::string name() const override { return settings_->name(); }
    bool remote() const noexcept override { return true; }
    bool writes_to_publisher() const noexcept override { return true; }
    bool wants_accepted() const noexcept override { return settings_->options().report; }

    Content load() override;
    void start(Feed& feed) override;
    void stop() noexcept override;
    Verdict write(const Path& path, const Document& value) override;
    void accepted(const Accepted& accepted) override;

private:
    Content read_now();
    Rejected refusal(const std::string& message) const {
        Problem problem;
        problem.origin.source = settings_->places().front().text;
        problem.message = settings_->cleaned(message);
        return Rejected{{.problems = {std::move(problem)}, .reason = name()}};
    }

    const std::shared_ptr<const HttpSettings> settings_;
    const std::shared_ptr<HttpShare> share_ = std::make_shared<HttpShare>();

    std::mutex mutex_;  // of what follows
    std::shared_ptr<StoreIo> io_;
    std::shared_ptr<HttpWatch> watch_;  // given away to the network's thread by stop
    Poller* poller_ = nullptr;          // of the feed, while the watch runs
};

ATTUNE_DECL Content HttpTransport::load() {
    std::weak_ptr<HttpWatch> watch;
    std::shared_ptr<StoreIo> io;
    Poller* poller = nullptr;
    {
        const std::scoped_lock lock{mutex_};
        watch = watch_;
        io = io_;
        poller = poller_;
    }
    if (poller == nullptr) {
        return read_now();
    }
    // A reload, on the poller's thread: what is posted there comes after the store has taken it.
    share_->suspend();
    struct Settle {
        Poller& poller;
        const std::shared_ptr<HttpShare>& share;
        const std::weak_ptr<HttpWatch>& watch;
        const std::shared_ptr<StoreIo>& io;
        ~Settle() {
            poller.post([share = share, watch = watch, io = io] {
                boost::asio::post(io->executor(), [share, watch] {
                    share->resume();
                    if (const auto running = watch.lock()) {
                        running->settle();
                    }
                });
            });
        }
    };
    const Settle settle{*poller, share_, watch, io};
    return read_now();
}

ATTUNE_DECL Content HttpTransport::read_now() {
    const auto& places = settings_->places();
    const std::size_t first = share_->position().place;
    std::vector<Problem> problems;
    for (std::size_t i = 0; i != places.size(); ++i) {
        const std::size_t from = (first + i) % places.size();
        HttpReading reading;
        try {
            reading =
                read_http(*settings_, places[from],
                          ask_and_wait(*settings_, settings_->get(places[from], nullptr, false)),
                          false);
        } catch (const std::runtime_error& error) {  // what TLS needs
            throw refusal(error.what());
        }
        if (!reading.problems.empty()) {
            problems.insert(problems.end(), reading.problems.begin(), reading.problems.end());
            continue;
        }
        const std::scoped_lock lock{mutex_};
        if (watch_ == nullptr) {
            share_->set_position({from, std::move(reading.mark), reading.content.document,
                                  reading.kind == HttpReading::Kind::absent});
        }
        return std::move(reading.content);
    }
    throw Rejected{{.problems = std::move(problems), .reason = name()}};
}

ATTUNE_DECL void HttpTransport::start(Feed& feed) {
    auto io = feed.poller().service<StoreIo>();
    std::shared_ptr<HttpWatch> watch;
    try {
        watch = std::make_shared<HttpWatch>(settings_, share_, io->executor());
    } catch (const std::runtime_error& error) {
        throw refusal(error.what());
    }
    share_->open(feed);
    const std::scoped_lock lock{mutex_};
    io_ = std::move(io);
    watch_ = std::move(watch);
    poller_ = &feed.poller();
    boost::asio::post(io_->executor(), [weak = std::weak_ptr{watch_}] {
        if (const auto running = weak.lock()) {
            running->begin();
        }
    });
}

ATTUNE_DECL void HttpTransport::stop() noexcept {
    std::shared_ptr<HttpWatch> watch;
    std::shared_ptr<StoreIo> io;
    {
        const std::scoped_lock lock{mutex_};
        watch = std::exchange(watch_, nullptr);
        io = std::exchange(io_, nullptr);
        poller_ = nullptr;
    }
    if (watch == nullptr) {
        return;
    }
    share_->close(io->on_thread());
    try {
        boost::asio::post(io->executor(), [given = std::move(watch)] { given->end(); });
    } catch (...) {  // out of memory: it finds the feed closed, and ends by itself
    }
}

ATTUNE_DECL Verdict HttpTransport::write(const Path& path, const Document& value) {
    auto write = std::make_shared<HttpWrite>(path, value);
    const auto outcome = write->outcome;
    {
        const std::scoped_lock lock{mutex_};
        if (watch_ == nullptr) {
            throw refusal("the layer is not running; nothing was written");
        }
        if (io_->on_thread()) {
            throw refusal(
                "written from inside a change that came by the network, on the thread that would "
                "have to bring the answer; nothing was written: use an observer with an executor "
                "of its own");
        }
        boost::asio::post(io_->executor(),
                          [weak = std::weak_ptr{watch_}, given = std::move(write)]() mutable {
                              if (const auto running = weak.lock()) {
                                  running->write(std::move(given));
                              }
                          });
    }
    auto result = outcome->get();
    if (!result) {
        throw refusal("the layer was stopped; whether the change was made is not known");
    }
    if (result->rejection) {
        throw Rejected{std::move(*result->rejection)};
    }
    return std::move(result->verdict);
}

ATTUNE_DECL void HttpTransport::accepted(const Accepted& accepted) {
    const std::scoped_lock lock{mutex_};
    if (watch_ != nullptr) {
        boost::asio::post(io_->executor(),
                          [weak = std::weak_ptr{watch_}, revision = accepted.revision] {
                              if (const auto running = weak.lock()) {
                                  running->accepted(revision);
                              }
                          });
    }
}

}  // namespace detail

ATTUNE_DECL std::unique_ptr<Transport> http(std::vector<std::string> urls, HttpOptions options) {
    return std::unique_ptr<Transport>(new detail::HttpTransport(
        std::make_shared<const detail::HttpSettings>(urls, std::move(options))));
}

ATTUNE_DECL std::unique_ptr<Transport> http(std::string url, HttpOptions options) {
    return http(std::vector<std::string>{std::move(url)}, std::move(options));
}

}  // namespace attune::inline ATTUNE_ABI
