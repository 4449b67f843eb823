#pragma once

#include <attune/store/transport.hpp>
#include <attune/transport/http_options.hpp>
#include <attune/version.hpp>

#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI {

/// A JSON document that a web server has, and its changes.
///
/// A server that holds requests (`Prefer: wait`, RFC 7240), as ConfigServer does, is asked again at
/// once, and so tells of a change the moment it is made. Any other is polled: nginx with a file, an
/// object store. What has changed is found by `ETag` or `Last-Modified`, and by comparing the
/// documents; equal ones are not delivered.
///
/// A server that is not there, answers nonsense, or more than is allowed, costs nothing but its
/// layer's freshness: the last good document stays, the problem is reported once, and attempts go
/// on without end, with pauses that are chosen at random and grow to BackOffLimits::longest; after
/// 401, 403 and 407 they are that long from the first one on. A document that the store refuses is
/// not asked for again; what comes after it is.
///
/// An answer that is older than the one before, from a cache on the way, is not used. A server that
/// was restarted is recognised, and read anew: equal content is no event.
///
/// Layer::set has the server change its document, provided that nobody else has changed the same
/// place in between, and returns when that is applied here. It waits, so that it throws Rejected on
/// the thread that delivers changes from the network: from inside an inline observer of one, say.
///
/// Secrets that this client may not see are left out of what it is sent, not masked. No text of
/// attune shows the token, the credentials in a URL, or its query.
///
/// Throws Rejected for what is no URL, or a field that cannot be sent.
///
/// All network layers of a store share one thread. Redirects are followed a few times, never from
/// https to http, and by a write only within the origin. HTTP/1.1 with connections kept; TLS 1.2 or
/// later.
///
/// Memory: the text of the last document is kept to find positions, and the document to compare.
[[nodiscard]] ATTUNE_DECL std::unique_ptr<Transport> http(std::string url,
                                                          HttpOptions options = {});

/// The same with servers that stand in for each other, tried in turn from the one that answered
/// last. Only when all have failed in a row is that a problem.
[[nodiscard]] ATTUNE_DECL std::unique_ptr<Transport> http(std::vector<std::string> urls,
                                                          HttpOptions options = {});
/// For braces: two literals in them would make a std::string as well.
[[nodiscard]] inline std::unique_ptr<Transport> http(std::initializer_list<std::string> urls,
                                                     HttpOptions options = {}) {
    return http(std::vector<std::string>(urls), std::move(options));
}

}  // namespace attune::inline ATTUNE_ABI

#if ATTUNE_HEADER_ONLY
#include <attune/transport/impl/http.ipp>
#endif
