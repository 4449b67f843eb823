#pragma once

#include <attune/testing/token_order.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI::testing {

namespace detail {

inline std::string describe_grant(const GrantRecord& grant) {
    const auto when = [](std::chrono::nanoseconds time) {
        return std::to_string(time.count()) + " ns";
    };
    return (grant.exclusive ? "the exclusive grant of " : "the shared grant of ") + grant.lock +
           " to " + grant.holder + " with token " + std::to_string(grant.token.epoch) + "." +
           std::to_string(grant.token.index) + " (asked for at " + when(grant.invoked) +
           ", told at " + when(grant.returned) +
           (grant.over_from ? ", over from " + when(*grant.over_from) : ", never over") + ")";
}

/// Than what was last, if there was one.
inline bool is_over_later(const GrantRecord& grant, const GrantRecord* last) {
    return last == nullptr ||
           (last->over_from && (!grant.over_from || *grant.over_from > *last->over_from));
}

/// Of one lock, by token.
inline void check_token_order(std::span<const GrantRecord> grants,
                              std::vector<std::string>& violations) {
    // Of the grants before, the one that is over last: among all, and among the exclusive ones.
    const GrantRecord* last_over = nullptr;
    const GrantRecord* last_exclusive_over = nullptr;
    // From the end: of the grants with higher tokens, the one that was told first.
    std::vector<const GrantRecord*> told_first(grants.size() + 1, nullptr);
    for (std::size_t at = grants.size(); at != 0; --at) {
        const GrantRecord& grant = grants[at - 1];
        const GrantRecord* const later = told_first[at];
        told_first[at - 1] = later != nullptr && later->returned < grant.returned ? later : &grant;
    }
    std::size_t after_equals = 0;  // behind those with the same token
    for (std::size_t at = 0; at != grants.size(); ++at) {
        const GrantRecord& grant = grants[at];
        while (after_equals < grants.size() && grants[after_equals].token <= grant.token) {
            ++after_equals;
        }
        if (at != 0 && grants[at - 1].token == grant.token &&
            (grant.exclusive || grants[at - 1].exclusive)) {
            violations.push_back("one token twice: " + describe_grant(grants[at - 1]) + ", and " +
                                 describe_grant(grant));
            continue;
        }
        if (const GrantRecord* const higher = told_first[after_equals];
            higher != nullptr && higher->returned < grant.invoked) {
            violations.push_back("a lower token later: " + describe_grant(grant) + " after " +
                                 describe_grant(*higher));
        }
        const GrantRecord* const before = grant.exclusive ? last_over : last_exclusive_over;
        if (before != nullptr && (!before->over_from || *before->over_from > grant.returned)) {
            violations.push_back("two holders: " + describe_grant(grant) + " while there was " +
                                 describe_grant(*before));
        }
        if (is_over_later(grant, last_over)) {
            last_over = &grant;
        }
        if (grant.exclusive && is_over_later(grant, last_exclusive_over)) {
            last_exclusive_over = &grant;
        }
    }
}

}  // namespace detail

ATTUNE_DECL std::vector<std::string> token_order_violations(std::vector<GrantRecord> grants) {
    std::ranges::sort(grants, {}, [](const GrantRecord& grant) {
        return std::tie(grant.lock, grant.token, grant.returned);
    });
    std::vector<std::string> violations;
    const std::span<const GrantRecord> all = grants;
    for (std::size_t begin = 0; begin != all.size();) {
        std::size_t end = begin;
        while (end != all.size() && all[end].lock == all[begin].lock) {
            ++end;
        }
        detail::check_token_order(all.subspan(begin, end - begin), violations);
        begin = end;
    }
    return violations;
}

}  // namespace attune::inline ATTUNE_ABI::testing
