#pragma once

#include <attune/bind/number.hpp>

#include <cstdint>
#include <cstring>
#include <limits>

namespace attune::inline ATTUNE_ABI::detail {

template <class T>
T load_as(const void* object) noexcept {
    // Copied bytes: long and long long are two types of one format.
    T value;
    std::memcpy(&value, object, sizeof value);
    return value;
}

template <class T>
void store_as(void* object, T value) noexcept {
    std::memcpy(object, &value, sizeof value);
}

ATTUNE_DECL Quantity load_integer(IntegerFormat format, const void* object) noexcept {
    switch (format.width) {
    case 1:
        return format.is_signed ? Quantity(load_as<std::int8_t>(object))
                                : Quantity(load_as<std::uint8_t>(object));
    case 2:
        return format.is_signed ? Quantity(load_as<std::int16_t>(object))
                                : Quantity(load_as<std::uint16_t>(object));
    case 4:
        return format.is_signed ? Quantity(load_as<std::int32_t>(object))
                                : Quantity(load_as<std::uint32_t>(object));
    default:
        return format.is_signed ? Quantity(load_as<std::int64_t>(object))
                                : Quantity(load_as<std::uint64_t>(object));
    }
}

ATTUNE_DECL void store_integer(IntegerFormat format, void* object, const Quantity& value) noexcept {
    switch (format.width) {
    case 1: return store_as(object, static_cast<std::uint8_t>(value.bits()));
    case 2: return store_as(object, static_cast<std::uint16_t>(value.bits()));
    case 4: return store_as(object, static_cast<std::uint32_t>(value.bits()));
    default: return store_as(object, value.bits());
    }
}

ATTUNE_DECL Quantity least_of(IntegerFormat format) noexcept {
    if (!format.is_signed) {
        return std::uint64_t{0};
    }
    return std::numeric_limits<std::int64_t>::min() >> (64 - 8 * format.width);
}

ATTUNE_DECL Quantity most_of(IntegerFormat format) noexcept {
    const int unused = 64 - 8 * format.width;
    if (format.is_signed) {
        return std::numeric_limits<std::int64_t>::max() >> unused;
    }
    return std::numeric_limits<std::uint64_t>::max() >> unused;
}

ATTUNE_DECL double load_real(RealFormat format, const void* object) noexcept {
    switch (format) {
    case RealFormat::single: return static_cast<double>(load_as<float>(object));
    case RealFormat::extended: return static_cast<double>(load_as<long double>(object));
    default: return load_as<double>(object);
    }
}

ATTUNE_DECL void store_real(RealFormat format, void* object, double value) noexcept {
    switch (format) {
    case RealFormat::single: *static_cast<float*>(object) = static_cast<float>(value); return;
    case RealFormat::extended: *static_cast<long double*>(object) = value; return;
    default: store_as(object, value);
    }
}

ATTUNE_DECL double most_of(RealFormat format) noexcept {
    return format == RealFormat::single ? static_cast<double>(std::numeric_limits<float>::max())
                                        : std::numeric_limits<double>::max();
}

}  // namespace attune::inline ATTUNE_ABI::detail
