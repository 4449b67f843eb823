#include <attune/bind/quantity.hpp>

#include <attune/bind/number.hpp>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <compare>
#include <cstdint>
#include <limits>

namespace {

using attune::detail::Quantity;

__extension__ typedef __int128 int128;

RC_GTEST_PROP(QuantityLaw, orders_integers_by_value, (std::int64_t a, std::int64_t b)) {
    const auto ua = static_cast<std::uint64_t>(a);
    const auto ub = static_cast<std::uint64_t>(b);
    RC_ASSERT((Quantity(a) <=> Quantity(b)) == (a <=> b));
    RC_ASSERT((Quantity(ua) <=> Quantity(ub)) == (ua <=> ub));
    const bool less = int128{a} < int128{ub};
    RC_ASSERT((Quantity(a) < Quantity(ub)) == less);
    RC_ASSERT((Quantity(ub) > Quantity(a)) == less);
    RC_ASSERT((Quantity(a) == Quantity(ub)) == (int128{a} == int128{ub}));
}

TEST(Quantity, orders_reals_by_value_and_nan_not_at_all) {
    const Quantity nan(std::numeric_limits<double>::quiet_NaN());
    EXPECT_LT(Quantity(1), Quantity(1.5));
    EXPECT_GT(Quantity(2u), Quantity(1.5));
    EXPECT_EQ(Quantity(2), Quantity(2.0));
    EXPECT_FALSE(nan == nan);
    EXPECT_FALSE(nan < Quantity(1));
    EXPECT_FALSE(nan > Quantity(1));
}

TEST(Quantity, has_a_text) {
    EXPECT_EQ(to_text(Quantity(-5)), "-5");
    EXPECT_EQ(to_text(Quantity(std::numeric_limits<std::int64_t>::min())), "-9223372036854775808");
    EXPECT_EQ(to_text(Quantity(~std::uint64_t{0})), "18446744073709551615");
    EXPECT_EQ(to_text(Quantity(0.1)), "0.1");
}

template <class T>
void expect_limits() {
    const attune::detail::IntegerFormat format{sizeof(T), std::numeric_limits<T>::is_signed};
    for (const T value : {std::numeric_limits<T>::min(), std::numeric_limits<T>::max(), T{0}}) {
        T stored{};
        attune::detail::store_integer(format, &stored, Quantity(value));
        EXPECT_EQ(stored, value);
        EXPECT_EQ(attune::detail::load_integer(format, &value), Quantity(value));
    }
    EXPECT_EQ(least_of(format), Quantity(std::numeric_limits<T>::min()));
    EXPECT_EQ(most_of(format), Quantity(std::numeric_limits<T>::max()));
}

TEST(Quantity, is_loaded_from_and_stored_to_every_integer_type) {
    expect_limits<std::int8_t>();
    expect_limits<std::uint8_t>();
    expect_limits<std::int16_t>();
    expect_limits<std::uint16_t>();
    expect_limits<std::int32_t>();
    expect_limits<std::uint32_t>();
    expect_limits<std::int64_t>();
    expect_limits<std::uint64_t>();
}

}  // namespace
