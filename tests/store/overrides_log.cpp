#include <attune/store/overrides_log.hpp>

#include <attune/document/text.hpp>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace {

using attune::Document;
using attune::Path;
using attune::Version;
using attune::detail::OverridesLog;

TEST(OverridesLog, undoes_one_value_after_the_other) {
    OverridesLog log;
    const Path path{"a.b"};
    const Document one = Document::object().with(path, 1);
    const Document two = one.with(path, 2);
    log.note({}, one, &path, 1);
    log.note(one, two, &path, 2);
    EXPECT_EQ(log.at(2, two), two);
    EXPECT_EQ(log.at(1, two), one);
    EXPECT_EQ(log.at(0, two), Document{});
}

TEST(OverridesLog, takes_away_what_was_made_on_the_way) {
    OverridesLog log;
    const Path path{"a.b.c"};
    const Document before{{"x", 1}};
    const Document after = before.with(path, 1);
    log.note(before, after, &path, 1);
    EXPECT_EQ(log.at(0, after), before);
}

TEST(OverridesLog, goes_back_as_far_as_it_is_asked_to_and_to_what_is_kept) {
    OverridesLog log;
    const Path path{"x"};
    Document now = Document::object();
    for (int i = 1; i <= 10; ++i) {
        const Document next = now.with(path, i);
        log.note(now, next, &path, static_cast<Version>(i));
        now = next;
        if (i == 2) {
            log.keep(2, now);
        }
    }
    log.forget_before(7);
    EXPECT_EQ(log.size(), 3u);
    EXPECT_EQ(log.at(7, now), (Document{{"x", 7}}));
    EXPECT_EQ(log.at(2, now), (Document{{"x", 2}}));
    EXPECT_EQ(log.at(3, now), std::nullopt);
    log.give_up(2);
    EXPECT_EQ(log.at(2, now), std::nullopt);
}

TEST(OverridesLog, knows_nothing_from_before_it_began) {
    OverridesLog log;
    log.begin(5);
    EXPECT_EQ(log.at(4, Document::object()), std::nullopt);
    EXPECT_EQ(log.at(5, Document::object()), Document::object());
}

RC_GTEST_PROP(OverridesLogLaw, any_version_comes_back_as_it_was, ()) {
    OverridesLog log;
    std::map<Version, Document> model{{0, Document{}}};
    Document now;
    Version version = 0;
    const std::vector<std::string> paths{"a", "b", "a.x", "a.y", "b.z.u", "b.z"};
    for (int steps = *rc::gen::inRange(0, 30); steps != 0; --steps) {
        const Path path{*rc::gen::elementOf(paths)};
        Document next;
        const Path* within = &path;
        switch (*rc::gen::inRange(0, 4)) {
        case 0: next = now.without(path); break;
        case 1:
            next = now.with(path, 7).with("w", *rc::gen::inRange(0, 3));
            within = nullptr;
            break;
        default: next = now.with(path, *rc::gen::inRange(0, 3)); break;
        }
        version += *rc::gen::elementOf(std::vector<Version>{0, 1, 1});
        log.note(now, next, within, version);
        now = next;
        model[version] = now;
    }
    for (const auto& [past, document] : model) {
        RC_ASSERT(log.at(past, now) == std::optional{document});
    }
}

}  // namespace
