#include <attune/bind/encode.hpp>

#include <attune/bind/bytes.hpp>
#include <attune/bind/decode.hpp>
#include <attune/bind/equal.hpp>
#include <attune/bind/secret.hpp>
#include <attune/document/parse.hpp>
#include <attune/document/text.hpp>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace {

using attune::Bytes;
using attune::decode;
using attune::Document;
using attune::encode;
using attune::masked;
using attune::parse;
using attune::Secret;

enum class Mode : std::int8_t { primary = -1, replica = 3, observer };

struct Leaf {
    int number = 8;
    std::string text = "default";
};

struct Other {
    double real = 0;
};

struct Mixed {
    bool flag = true;
    std::int8_t i8 = 1;
    std::uint8_t u8 = 2;
    std::int16_t i16 = 3;
    std::uint16_t u16 = 4;
    std::int32_t i32 = 5;
    std::uint32_t u32 = 6;
    std::int64_t i64 = 7;
    std::uint64_t u64 = 8;
    float single = 0.5f;
    double twofold = 0.25;
    std::string text = "default";
    Mode mode = Mode::replica;
    std::chrono::nanoseconds nanoseconds{1};
    std::chrono::milliseconds milliseconds{250};
    std::chrono::duration<double> real_seconds{1.5};
    Bytes bytes{1024};
    std::filesystem::path path = "/tmp";
    std::optional<std::string> optional_text = "default";
    std::optional<Leaf> optional_leaf = Leaf{};
    std::vector<bool> flags{true};
    std::vector<Leaf> leaves{{}};
    std::vector<std::optional<int>> holes{1};
    std::array<std::int16_t, 3> array{1, 2, 3};
    std::map<std::string, Leaf> map{{"default", {}}};
    std::unordered_map<std::string, std::vector<int>> hash_map{{"default", {1}}};
    std::variant<bool, std::int64_t, double, std::string, std::vector<int>, Leaf, Other> variant;
    Secret<std::string> secret = "default";
    std::unique_ptr<Mixed> next;
    Document raw = "default";
};

rc::Gen<std::string> text() { return rc::gen::arbitrary<std::string>(); }

rc::Gen<double> real() {
    return rc::gen::oneOf(rc::gen::arbitrary<double>(),
                          rc::gen::element(0.0, 0.1, 1e300, -5e-324,
                                           std::numeric_limits<double>::infinity(),
                                           std::numeric_limits<double>::quiet_NaN()));
}

rc::Gen<Leaf> leaf() {
    return rc::gen::build<Leaf>(rc::gen::set(&Leaf::number), rc::gen::set(&Leaf::text, text()));
}

template <class T>
rc::Gen<std::vector<T>> few(rc::Gen<T> gen) {
    return rc::gen::resize(5, rc::gen::container<std::vector<T>>(std::move(gen)));
}

template <class T>
std::optional<T> maybe(const rc::Gen<T>& gen) {
    std::optional<T> value;
    if (*rc::gen::arbitrary<bool>()) {
        value = *gen;
    }
    return value;
}

void fill_variant(Mixed& mixed) {
    switch (*rc::gen::inRange(0, 7)) {
    case 0: mixed.variant = *rc::gen::arbitrary<bool>(); break;
    case 1: mixed.variant = *rc::gen::arbitrary<std::int64_t>(); break;
    case 2: mixed.variant = *real(); break;
    case 3: mixed.variant = *text(); break;
    case 4: mixed.variant = *few(rc::gen::arbitrary<int>()); break;
    case 5: mixed.variant = *leaf(); break;
    default: mixed.variant = Other{*real()};
    }
}

Mixed mixed(int depth = 3) {
    Mixed m;
    m.flag = *rc::gen::arbitrary<bool>();
    m.i8 = *rc::gen::arbitrary<std::int8_t>();
    m.u8 = *rc::gen::arbitrary<std::uint8_t>();
    m.i16 = *rc::gen::arbitrary<std::int16_t>();
    m.u16 = *rc::gen::arbitrary<std::uint16_t>();
    m.i32 = *rc::gen::arbitrary<std::int32_t>();
    m.u32 = *rc::gen::arbitrary<std::uint32_t>();
    m.i64 = *rc::gen::arbitrary<std::int64_t>();
    m.u64 = *rc::gen::arbitrary<std::uint64_t>();
    m.single = *rc::gen::arbitrary<float>();
    m.twofold = *real();
    m.text = *text();
    m.mode = *rc::gen::element(Mode::primary, Mode::replica, Mode::observer);
    m.nanoseconds = std::chrono::nanoseconds(*rc::gen::arbitrary<std::int64_t>());
    m.milliseconds = std::chrono::milliseconds(*rc::gen::arbitrary<std::int64_t>());
    m.real_seconds = std::chrono::duration<double>(*rc::gen::arbitrary<double>());
    m.bytes.count = *rc::gen::arbitrary<std::uint64_t>();
    m.path = *text();
    m.optional_text = maybe(text());
    m.optional_leaf = maybe(leaf());
    m.flags = *few(rc::gen::arbitrary<bool>());
    m.leaves = *few(leaf());
    m.holes.resize(*rc::gen::inRange<std::size_t>(0, 5));
    for (std::optional<int>& hole : m.holes) {
        hole = maybe(rc::gen::arbitrary<int>());
    }
    m.array = *rc::gen::arbitrary<std::array<std::int16_t, 3>>();
    m.map.clear();
    for (const std::string& key : *few(text())) {
        m.map[key] = *leaf();
    }
    m.hash_map.clear();
    for (const std::string& key : *few(text())) {
        m.hash_map[key] = *few(rc::gen::arbitrary<int>());
    }
    fill_variant(m);
    m.secret = *text();
    if (depth > 0 && *rc::gen::arbitrary<bool>()) {
        m.next = std::make_unique<Mixed>(mixed(depth - 1));
    }
    m.raw = Document::object().with("key", Document(*text()));
    return m;
}

bool same(const Mixed& a, const Mixed& b) {
    return attune::detail::equal(attune::detail::type_of<Mixed>(), &a, &b);
}

RC_GTEST_PROP(EncodeLaw, decode_gives_the_object_back, ()) {
    const Mixed before = mixed();
    RC_ASSERT(same(decode<Mixed>(encode(before)), before));
}

RC_GTEST_PROP(EncodeLaw, equal_objects_are_those_with_equal_documents, ()) {
    const Mixed a = mixed(0);
    auto b = decode<Mixed>(encode(a));
    RC_ASSERT(encode(a) == encode(b));
    b.i32 = static_cast<std::int32_t>(static_cast<std::uint32_t>(b.i32) ^ 1u);
    RC_ASSERT(!same(a, b));
    RC_ASSERT(encode(a) != encode(b));
}

RC_GTEST_PROP(EncodeLaw, json_text_gives_finite_reals_back, ()) {
    struct Reals {
        float single = 0;
        double twofold = 0;
    };
    Reals before;
    before.single = *rc::gen::arbitrary<float>();
    before.twofold = *rc::gen::arbitrary<double>();
    const auto after = decode<Reals>(parse(to_text(encode(before))));
    RC_ASSERT(after.single == before.single);
    RC_ASSERT(after.twofold == before.twofold);
}

TEST(Encode, writes_every_field) {
    struct Small {
        int number = 8;
        std::optional<int> nothing;
        std::vector<int> list;
        float real = 0.1f;
        std::chrono::milliseconds duration{1500};
        Bytes bytes{64u << 20};
    };
    EXPECT_EQ(to_text(encode(Small{})),
              R"({"bytes":"64MiB","duration":"1s500ms","list":[],"nothing":null,"number":8,)"
              R"("real":0.1})");
}

TEST(Encode, masks_secrets_only_when_asked_to) {
    struct Hidden {
        Secret<std::string> word = "hush";
        Secret<Leaf> leaf;
        std::optional<Secret<int>> pin = Secret<int>(1234);
        std::vector<Secret<std::string>> words{"hush"};
    };
    EXPECT_EQ(to_text(masked(Hidden{})),
              R"({"leaf":"***","pin":"***","word":"***","words":["***"]})");
    EXPECT_EQ(
        to_text(encode(Hidden{})),
        R"({"leaf":{"number":8,"text":"default"},"pin":1234,"word":"hush","words":["hush"]})");
}

TEST(Encode, has_no_text_for_some_values) {
    EXPECT_EQ(encode(static_cast<Mode>(100)), Document(100));
    using Seconds = std::chrono::duration<double>;
    EXPECT_EQ(encode(Seconds(std::numeric_limits<double>::infinity())), Document());
}

}  // namespace
