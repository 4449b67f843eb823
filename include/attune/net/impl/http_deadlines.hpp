#pragma once

#include <attune/net/http_server.hpp>
#include <attune/version.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>

#include <boost/intrusive/list.hpp>

namespace attune::inline ATTUNE_ABI::net::detail {

/// As good as for ever, and far from where clocks overflow.
inline constexpr std::chrono::milliseconds http_longest = std::chrono::hours{24 * 365};

/// Something that must come to an end in time.
class HttpTimed : public boost::intrusive::list_base_hook<
                      boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
public:
    HttpTimed() = default;
    HttpTimed(const HttpTimed&) = delete;
    HttpTimed& operator=(const HttpTimed&) = delete;
    virtual ~HttpTimed() = default;

    /// Called once, for a deadline that has passed. It may set another.
    virtual void expire() = 0;

private:
    friend class HttpDeadlines;
    static constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t due_ = never;
};

/// The deadlines of all connections of a server, kept by one timer that ticks. Setting one costs no
/// system call and no look at the clock. It passes up to two ticks late, and never early: time is
/// counted in ticks that have been served, so that a loop that was held up does not count against
/// the clients.
class HttpDeadlines {
public:
    ATTUNE_DECL explicit HttpDeadlines(const HttpLimits& limits) noexcept;

    std::chrono::milliseconds tick() const noexcept { return tick_; }

    void set(HttpTimed& timed, std::chrono::milliseconds after) noexcept {
        after = std::clamp(after, std::chrono::milliseconds{0}, http_longest);
        timed.due_ =
            now_ +
            static_cast<std::uint64_t>((after + tick_ - std::chrono::milliseconds{1}) / tick_) + 1;
        if (!timed.is_linked()) {
            timed_.push_back(timed);
        }
    }
    /// Leaves it in the list: the next tick takes it out, unless there is another deadline by then.
    static void clear(HttpTimed& timed) noexcept { timed.due_ = HttpTimed::never; }
    static void remove(HttpTimed& timed) noexcept {
        clear(timed);
        timed.unlink();
    }

    bool empty() const noexcept { return timed_.empty(); }
    /// One tick has passed.
    ATTUNE_DECL void serve();

private:
    using List = boost::intrusive::list<HttpTimed, boost::intrusive::constant_time_size<false>>;

    std::chrono::milliseconds tick_;
    std::uint64_t now_ = 0;
    List timed_;
};

}  // namespace attune::inline ATTUNE_ABI::net::detail

#if ATTUNE_HEADER_ONLY
#include <attune/net/impl/http_deadlines.ipp>
#endif
