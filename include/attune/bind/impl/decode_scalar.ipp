#pragma once

#include <attune/bind/bytes.hpp>
#include <attune/bind/duration.hpp>
#include <attune/bind/enum_names.hpp>
#include <attune/bind/impl/decoder.hpp>
#include <attune/bind/number.hpp>
#include <attune/document/nearest.hpp>
#include <attune/document/parse.hpp>

#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

ATTUNE_DECL bool equals_ignoring_case(std::string_view text, std::string_view lower) noexcept {
    if (text.size() != lower.size()) {
        return false;
    }
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c) != lower[i]) {
            return false;
        }
    }
    return true;
}

ATTUNE_DECL std::optional<bool> read_boolean(std::string_view text) noexcept {
    for (const std::string_view yes : {"true", "yes", "on", "1"}) {
        if (equals_ignoring_case(text, yes)) {
            return true;
        }
    }
    for (const std::string_view no : {"false", "no", "off", "0"}) {
        if (equals_ignoring_case(text, no)) {
            return false;
        }
    }
    return std::nullopt;
}

template <class N>
bool read_number(std::string_view text, N& number) noexcept {
    const char* const last = text.data() + text.size();
    const std::from_chars_result result = std::from_chars(text.data(), last, number);
    return result.ec == std::errc{} && result.ptr == last;
}

// An integer in a document, or in text.
ATTUNE_DECL std::optional<Quantity> integer_in(const Document& document) {
    if (document.is_integer()) {
        return document.is_unsigned() ? Quantity(document.as_uint64())
                                      : Quantity(document.as_int64());
    }
    if (document.is_text()) {
        std::int64_t small = 0;
        if (read_number(document.as_string(), small)) {
            return small;
        }
        std::uint64_t large = 0;
        if (read_number(document.as_string(), large)) {
            return large;
        }
    }
    return std::nullopt;
}

ATTUNE_DECL void Decoder::boolean(void* object, const Document& document, const Trail& place) {
    std::optional<bool> value;
    if (document.is_bool()) {
        value = document.as_bool();
    } else if (document.is_text()) {
        value = read_boolean(document.as_string());
    }
    if (value) {
        *static_cast<bool*>(object) = *value;
    } else {
        mismatch(type_of<bool>(), document, place);
    }
}

// Judges a number by the range and the choices of its field.
ATTUNE_DECL bool Decoder::allowed(const Type& type, const Quantity& number,
                                  const Document& document, const Trail& place) {
    bool good = range_of(type, place.rules).contains(number);
    if (good && place.rules != nullptr && !place.rules->numbers.empty()) {
        good = false;
        for (const Quantity& choice : place.rules->numbers) {
            good = good || number == choice;
        }
    }
    if (!good) {
        mismatch(type, document, place);
    }
    return good;
}

ATTUNE_DECL void Decoder::integer(const IntegerType& type, void* object, const Document& document,
                                  const Trail& place) {
    const std::optional<Quantity> number = integer_in(document);
    if (!number) {
        mismatch(type, document, place);
    } else if (allowed(type, *number, document, place)) {
        store_integer(type.format, object, *number);
    }
}

ATTUNE_DECL void Decoder::real(const RealType& type, void* object, const Document& document,
                               const Trail& place) {
    double number = 0;
    bool good = document.is_number();
    if (good) {
        number = document.as_double();
    } else if (document.is_text()) {
        good = read_number(document.as_string(), number) && std::isfinite(number);
    }
    if (!good) {
        mismatch(type, document, place);
    } else if (std::isfinite(number) && std::abs(number) > most_of(type.format)) {
        const double most = most_of(type.format);
        Problem& problem = report(place);
        problem.expected =
            "a number in [" + to_text(Quantity(-most)) + ", " + to_text(Quantity(most)) + ']';
        problem.found = found(document, place.secret);
    } else if (allowed(type, number, document, place)) {
        store_real(type.format, object, number);
    }
}

ATTUNE_DECL void Decoder::string(const Type& type, void* object, const Document& document,
                                 const Trail& place) {
    if (!document.is_string()) {
        mismatch(type, document, place);
        return;
    }
    const std::string_view text = document.as_string();
    if (type.shape == Shape::path) {
        static_cast<const PathType&>(type).assign(object, text);
    } else {
        *static_cast<std::string*>(object) = text;
    }
    if (place.rules == nullptr) {
        return;
    }
    const Rules& rules = *place.rules;
    check_size(type, text.size(), document, place);
    if (!rules.strings.empty()) {
        const std::vector<std::string_view> names(rules.strings.begin(), rules.strings.end());
        bool good = false;
        for (const std::string_view name : names) {
            good = good || name == text;
        }
        if (!good) {
            mismatch(type, document, place);
            if (!place.secret) {
                problems_.back().suggestion = nearest(text, names);
            }
        }
    }
    if (!rules.pattern) {
        return;
    }
    if (text.size() > max_pattern_input) {
        Problem& problem = report(place);
        problem.expected = "a text of at most " + std::to_string(max_pattern_input) + " bytes";
        problem.found =
            place.secret ? found(document, true) : std::to_string(text.size()) + " bytes";
    } else if (!rules.pattern.match(rules.pattern.program.get(), text)) {
        mismatch(type, document, place);
    }
}

ATTUNE_DECL void Decoder::enumeration(const EnumType& type, void* object, const Document& document,
                                      const Trail& place) {
    if (!document.is_string()) {
        mismatch(type, document, place);
        return;
    }
    const std::string_view text = document.as_string();
    for (const Enumerator& enumerator : type.names()) {
        if (enumerator.name == text) {
            if (allowed(type, enumerator.value, document, place)) {
                store_integer(type.format, object, enumerator.value);
            }
            return;
        }
    }
    mismatch(type, document, place);
    if (!place.secret) {
        std::vector<std::string_view> names;
        for (const Enumerator& enumerator : type.names()) {
            names.push_back(enumerator.name);
        }
        problems_.back().suggestion = nearest(text, names);
    }
}

ATTUNE_DECL void Decoder::duration(const DurationType& type, void* object, const Document& document,
                                   const Trail& place) {
    // A number without a unit is refused: zero alone needs none.
    const bool zero = document.is_integer() && !document.is_unsigned() && document.as_int64() == 0;
    if (!zero && !document.is_string()) {
        mismatch(type, document, place);
        return;
    }
    const std::string_view text = zero ? "0" : document.as_string();
    const bool is_real = type.real != RealFormat::none;
    Quantity count;
    double real_count = 0;
    const DurationFault fault = is_real ? read_real_duration(text, type.tick, real_count)
                                        : read_duration(text, type.tick, count);
    if (is_real) {
        count = real_count;
    }
    const Range held = range_of(type, nullptr);
    const bool holds = fault == DurationFault::none && held.contains(count);
    if (holds) {
        if (allowed(type, count, document, place)) {
            if (is_real) {
                store_real(type.real, object, real_count);
            } else {
                store_integer(type.integer, object, count);
            }
        }
        return;
    }
    mismatch(type, document, place);
    Problem& problem = problems_.back();
    if (fault == DurationFault::unknown_unit) {
        problem.expected += " with units of d, h, m, s, ms, us, ns";
    } else if (fault == DurationFault::inexact) {
        problem.expected = "a multiple of " + write_duration(std::uint64_t{1}, type.tick);
    } else if (fault == DurationFault::overflow || fault == DurationFault::none) {
        problem.expected = in_range(type, is_real ? "a shorter duration" : "a duration", held);
    }
}

ATTUNE_DECL void Decoder::bytes(const Type& type, void* object, const Document& document,
                                const Trail& place) {
    std::uint64_t count = 0;
    SizeFault fault = SizeFault::none;
    if (document.is_integer() && (document.is_unsigned() || document.as_int64() >= 0)) {
        count = document.as_uint64();
    } else if (document.is_string()) {
        fault = read_bytes(document.as_string(), count);
    } else {
        fault = SizeFault::malformed;
    }
    if (fault == SizeFault::none) {
        if (allowed(type, count, document, place)) {
            static_cast<Bytes*>(object)->count = count;
        }
        return;
    }
    mismatch(type, document, place);
    Problem& problem = problems_.back();
    if (fault == SizeFault::unknown_unit) {
        problem.expected +=
            " with a unit of B, kB, MB, GB, TB, PB, EB, KiB, MiB, GiB, TiB, PiB, EiB";
    } else if (fault == SizeFault::fraction) {
        problem.expected = "a whole number of bytes";
    } else if (fault == SizeFault::overflow) {
        problem.expected = "a size below 16EiB";
    }
}

// What a type of its own takes text for, nobody here knows: JSON when it is JSON and the type
// agrees, else a string.
ATTUNE_DECL bool accepts_as_json(const ExternalType& type, void* object, std::string_view text) {
    try {
        type.decode(object, parse(text));
        return true;
    } catch (...) {
        return false;
    }
}

ATTUNE_DECL void Decoder::external(const ExternalType& type, void* object, const Document& document,
                                   const Trail& place) {
    if (document.is_text() && accepts_as_json(type, object, document.as_string())) {
        return;
    }
    std::string reason = "not accepted";
    try {
        return type.decode(object, document);
    } catch (const std::exception& error) {
        // The text may repeat what was read.
        if (!place.secret) {
            reason += std::string(": ") + error.what();
        }
    } catch (...) {
        // It says no, and no more.
    }
    Problem& problem = report(place);
    problem.message = std::move(reason);
    problem.found = found(document, place.secret);
}

}  // namespace attune::inline ATTUNE_ABI::detail
