// attune 0.1.0, one file; written by tools/single_header.py.
// SPDX-License-Identifier: MIT
#pragma once

#include <attune/attune.hpp>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>
#include <nlohmann/json.hpp>

namespace attune::inline ATTUNE_ABI {

/// Conversion to and from nlohmann/json. This is the only header that includes it.
///
/// Where this header is included, both directions are implicit: `Document d = j;` and
/// `nlohmann::json j = d;`. Text values become plain strings; of members that occur twice in an
/// ordered_json the last one wins. O(n); any depth.
inline nlohmann::json to_json(const Document& document);

/// Throws std::domain_error for what JSON has no text for: binary and discarded values.
inline Document from_json(const nlohmann::json& json);

/// The customisation point of nlohmann/json.
template <detail::BasicJson J>
void to_json(J& json, const Document& document);

}  // namespace attune::inline ATTUNE_ABI

namespace attune::inline ATTUNE_ABI {

namespace detail {

template <class J>
struct JsonCodec {
    static Document decode(const J& json) {
        struct Open {
            const J* container;
            typename J::const_iterator next;
            std::size_t first;
        };
        std::vector<Open> open;
        std::vector<Document> slots;

        const J* value = &json;
        for (;;) {
            if (value->is_structured()) {
                open.push_back({value, value->cbegin(), slots.size()});
            } else {
                slots.push_back(scalar(*value));
            }
            while (!open.empty() && open.back().next == open.back().container->cend()) {
                const std::size_t first = open.back().first;
                Document* const items = slots.data() + first;
                const std::size_t count = slots.size() - first;
                Document made = open.back().container->is_object() ? make_object(items, count / 2)
                                                                   : make_array(items, count);
                slots.resize(first);
                slots.push_back(std::move(made));
                open.pop_back();
            }
            if (open.empty()) {
                return std::move(slots.back());
            }
            Open& top = open.back();
            if (top.container->is_object()) {
                slots.emplace_back(std::string_view(top.next.key()));
            }
            value = &*top.next++;
        }
    }

    static J encode(const Document& document) {
        struct Open {
            J* container;
            Cursor next;
        };
        std::vector<Open> open;
        J json;

        // A place never moves while something inside it is being filled.
        const Document* value = &document;
        J* place = &json;
        for (;;) {
            *place = value->is_object()  ? J(J::value_t::object)
                     : value->is_array() ? J(J::value_t::array)
                                         : scalar(*value);
            if (place->is_structured()) {
                open.push_back({place, Cursor(*value)});
            }
            while (!open.empty() && open.back().next.done()) {
                open.pop_back();
            }
            if (open.empty()) {
                return json;
            }

            Open& top = open.back();
            if (top.container->is_object()) {
                place = &(*top.container)[std::string(top.next[0].as_string())];
                value = &top.next[1];
            } else {
                top.container->push_back(nullptr);
                place = &top.container->back();
                value = &top.next[0];
            }
            top.next.advance();
        }
    }

private:
    static Document scalar(const J& json) {
        switch (json.type()) {
        case J::value_t::null: return {};
        case J::value_t::boolean: return json.template get_ref<const typename J::boolean_t&>();
        case J::value_t::number_integer:
            return json.template get_ref<const typename J::number_integer_t&>();
        case J::value_t::number_unsigned:
            return json.template get_ref<const typename J::number_unsigned_t&>();
        case J::value_t::number_float:
            return json.template get_ref<const typename J::number_float_t&>();
        case J::value_t::string: return json.template get_ref<const typename J::string_t&>();
        default: break;
        }
        throw std::domain_error(std::string("expected a JSON value, found ") + json.type_name());
    }

    static J scalar(const Document& document) {
        switch (document.kind()) {
        case Kind::boolean: return document.as_bool();
        case Kind::integer:
            return document.is_unsigned() ? J(document.as_uint64()) : J(document.as_int64());
        case Kind::real: return document.as_double();
        case Kind::string: return typename J::string_t(document.as_string());
        default: return nullptr;
        }
    }
};

}  // namespace detail

inline nlohmann::json to_json(const Document& document) {
    return detail::JsonCodec<nlohmann::json>::encode(document);
}

inline Document from_json(const nlohmann::json& json) {
    return detail::JsonCodec<nlohmann::json>::decode(json);
}

template <detail::BasicJson J>
void to_json(J& json, const Document& document) {
    json = detail::JsonCodec<J>::encode(document);
}

}  // namespace attune::inline ATTUNE_ABI
