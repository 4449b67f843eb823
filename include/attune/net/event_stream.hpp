#pragma once

#include <attune/version.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace attune::inline ATTUNE_ABI::net {

/// The media type of a stream of Server-Sent Events (WHATWG HTML, 9.2).
inline constexpr std::string_view event_stream_type = "text/event-stream";

/// One event. What is left out is not sent.
struct StreamEvent {
    std::string_view event = {};              ///< its type; empty: `message`
    std::optional<std::string_view> id = {};  ///< what a client that comes back names as the last
    /// Any text; line breaks of all kinds arrive as LF. Without it a client takes note of `id` and
    /// `retry`, and tells nobody.
    std::optional<std::string_view> data = {};
    std::optional<std::chrono::milliseconds> retry = {};  ///< how long to wait before coming back
};

/// The event as it goes over the wire, with the empty line that ends it.
/// Throws std::invalid_argument for a line break in `event` or `id`, a NUL in `id`, and a negative
/// `retry`: a client would read something else.
ATTUNE_DECL std::string to_event_stream(const StreamEvent& event);

/// A comment, which clients ignore: something to send now and then, so that proxies keep the
/// connection.
ATTUNE_DECL std::string event_stream_comment(std::string_view text = {});

}  // namespace attune::inline ATTUNE_ABI::net

#if ATTUNE_HEADER_ONLY
#include <attune/net/impl/event_stream.ipp>
#endif
