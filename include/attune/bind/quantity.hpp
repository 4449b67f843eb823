#pragma once

#include <attune/version.hpp>

#include <compare>
#include <concepts>
#include <cstdint>
#include <string>
#include <type_traits>

namespace attune::inline ATTUNE_ABI::detail {

/// A number of any type that configuration can hold, without loss.
class Quantity {
public:
    constexpr Quantity() noexcept = default;

    template <std::integral I>
    constexpr Quantity(I value) noexcept
        : kind_(std::is_signed_v<I> ? Kind::integer : Kind::natural),
          integer_(std::is_signed_v<I> ? static_cast<std::int64_t>(value) : 0),
          natural_(std::is_signed_v<I> ? 0 : static_cast<std::uint64_t>(value)) {}

    constexpr Quantity(double value) noexcept : kind_(Kind::real), real_(value) {}

    /// From any arithmetic type.
    template <class N>
    static constexpr Quantity of(N value) noexcept {
        if constexpr (std::integral<N>) {
            return value;
        } else {
            return static_cast<double>(value);
        }
    }

    constexpr bool is_real() const noexcept { return kind_ == Kind::real; }
    constexpr bool is_negative() const noexcept { return kind_ == Kind::integer && integer_ < 0; }

    /// The value of an integer as the low 64 bits of its two's complement.
    constexpr std::uint64_t bits() const noexcept {
        return kind_ == Kind::integer ? static_cast<std::uint64_t>(integer_) : natural_;
    }

    /// The value as a double, rounded when it has to be.
    constexpr double real() const noexcept {
        switch (kind_) {
        case Kind::integer: return static_cast<double>(integer_);
        case Kind::natural: return static_cast<double>(natural_);
        case Kind::real: break;
        }
        return real_;
    }

    /// By value. NaN is unordered.
    ATTUNE_DECL friend std::partial_ordering operator<=>(const Quantity& a,
                                                         const Quantity& b) noexcept;
    friend bool operator==(const Quantity& a, const Quantity& b) noexcept { return (a <=> b) == 0; }

private:
    enum class Kind : std::uint8_t { integer, natural, real };

    Kind kind_ = Kind::integer;
    std::int64_t integer_ = 0;
    std::uint64_t natural_ = 0;
    double real_ = 0;
};

/// Digits, or the shortest text that reads back as the same double.
ATTUNE_DECL std::string to_text(const Quantity& quantity);

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/bind/impl/quantity.ipp>
#endif
