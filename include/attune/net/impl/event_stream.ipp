#pragma once

#include <attune/net/event_stream.hpp>

#include <stdexcept>

namespace attune::inline ATTUNE_ABI::net {

namespace detail {

/// Puts `prefix` before each line. CR LF, LF and CR end one, each alike.
inline void append_lines(std::string& out, std::string_view prefix, std::string_view text) {
    for (;;) {
        const std::size_t end = text.find_first_of("\r\n");
        out.append(prefix).append(text.substr(0, end)).append("\n");
        if (end == text.npos) {
            return;
        }
        text.remove_prefix(end + (text.substr(end).starts_with("\r\n") ? 2 : 1));
    }
}

}  // namespace detail

ATTUNE_DECL std::string to_event_stream(const StreamEvent& event) {
    constexpr std::string_view breaks = "\r\n";
    if (event.event.find_first_of(breaks) != event.event.npos) {
        throw std::invalid_argument{"the type of an event is one line"};
    }
    if (event.id && event.id->find_first_of(std::string_view{"\r\n\0", 3}) != event.id->npos) {
        throw std::invalid_argument{"the id of an event is one line, without NUL"};
    }
    if (event.retry && event.retry->count() < 0) {
        throw std::invalid_argument{"the time before a client comes back is not negative"};
    }
    std::string out;
    if (!event.event.empty()) {
        detail::append_lines(out, "event: ", event.event);
    }
    if (event.id) {
        detail::append_lines(out, "id: ", *event.id);
    }
    if (event.retry) {
        detail::append_lines(out, "retry: ", std::to_string(event.retry->count()));
    }
    if (event.data) {
        detail::append_lines(out, "data: ", *event.data);
    }
    out += '\n';
    return out;
}

ATTUNE_DECL std::string event_stream_comment(std::string_view text) {
    std::string out;
    detail::append_lines(out, text.empty() ? ":" : ": ", text);
    return out;
}

}  // namespace attune::inline ATTUNE_ABI::net
