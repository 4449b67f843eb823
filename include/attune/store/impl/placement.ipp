#pragma once

#include <attune/bind/expected.hpp>
#include <attune/bind/type.hpp>
#include <attune/document/nearest.hpp>
#include <attune/document/parse.hpp>
#include <attune/store/placement.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

/// One text that has found its place.
struct PlacedText {
    Path path;
    const Type* type = nullptr;  ///< null when nothing is bound there
    Document value;
    Origin origin;
    bool replaces = false;                 ///< takes the place of an earlier text
    std::optional<std::string> json = {};  ///< what `value` was parsed from
};

/// Texts by their paths. The index is a document, the library's own map from text to a number.
class PlacedTexts {
public:
    bool empty() const noexcept { return texts_.empty(); }

    const PlacedText* find(const Path& path) const {
        const Document* const number = index_.find(path.pointer());
        return number != nullptr ? &texts_[number->as_uint64()] : nullptr;
    }

    /// In place of the one that has its path already.
    void put(PlacedText text) {
        const Path key = Path{} / text.path.pointer();
        if (const Document* const number = index_.find(key)) {
            texts_[number->as_uint64()] = std::move(text);
        } else {
            index_ = index_.with(key, texts_.size());
            texts_.push_back(std::move(text));
        }
    }

private:
    std::vector<PlacedText> texts_;
    Document index_;  // from the JSON Pointer to the place in `texts_`
};

/// Knows the variable or argument of each value that was put into a document.
class PlacedSource final : public Source {
public:
    PlacedSource(std::shared_ptr<const Source> below, PlacedTexts texts)
        : below_(std::move(below)), texts_(std::move(texts)) {}

    Origin locate(const Path& path, Part part) const override {
        for (Path above = path;; above = above.parent()) {
            if (const PlacedText* const found = texts_.find(above)) {
                return locate_in(*found, path, part);
            }
            if (above.empty()) {
                return below_ != nullptr ? below_->locate(path, part) : Origin{};
            }
        }
    }

private:
    static Origin locate_in(const PlacedText& text, const Path& path, Part part) {
        Origin origin = text.origin;
        if (text.json && path.size() > text.path.size()) {
            const auto& tokens = path.tokens();
            const auto rest = tokens.begin() + static_cast<std::ptrdiff_t>(text.path.size());
            const Path inside(std::vector<std::string>(rest, tokens.end()));
            if (const auto position = attune::locate(*text.json, inside, part)) {
                origin.line = position->line;
                origin.column = position->column;
            }
        }
        return origin;
    }

    const std::shared_ptr<const Source> below_;
    const PlacedTexts texts_;
};

ATTUNE_DECL Problem text_problem(const Text& text, std::string message) {
    Problem problem;
    problem.origin = text.origin;
    problem.message = std::move(message);
    return problem;
}

/// The places that remain when members go before keys of maps.
ATTUNE_DECL std::vector<Target> best_places(const std::vector<Target>& places) {
    std::vector<Target> members;
    for (const Target& place : places) {
        if (!place.by_key) {
            members.push_back(place);
        }
    }
    return members.empty() ? places : members;
}

ATTUNE_DECL Problem ambiguous_text(const Text& text, const std::vector<Target>& places) {
    std::string names;
    std::string options;
    for (std::size_t i = 0; i != places.size(); ++i) {
        const char* const separator = i == 0 ? "" : i + 1 == places.size() ? " and " : ", ";
        const std::string name = to_string(places[i].path);
        names += separator + name;
        options += (i == 0 ? "--" : i + 1 == places.size() ? " or --" : ", --") + name;
    }
    const std::string count = places.size() == 2 ? "two" : std::to_string(places.size());
    return text_problem(text, "fits " + count + " options: " + names + "; " +
                                  (text.naming == Naming::variable
                                       ? "use the argument " + options + ", or rename a member"
                                       : "write the exact name of one, or rename a member"));
}

/// Whether an option for that place needs no value.
ATTUNE_DECL bool is_switch(const Target& place) noexcept {
    return place.negated || place.type->shape == Shape::boolean;
}

/// Whether the text after this one may be its value.
ATTUNE_DECL bool awaits_value(const Text& text, const std::vector<Target>& places) {
    if (text.naming != Naming::option || text.has_value) {
        return false;
    }
    for (const Target& place : places) {
        if (!is_switch(place)) {
            return true;
        }
    }
    return places.empty();
}

/// The positional text that may be the value of the option before it, at `index`; else null.
ATTUNE_DECL const Text* following_text(const LayerContent& layer, std::size_t index) {
    const std::vector<Text>& texts = layer.content.texts;
    if (index + 1 >= texts.size() || texts[index + 1].naming != Naming::positional ||
        !texts[index + 1].prefix.empty()) {
        return nullptr;
    }
    return &texts[index + 1];
}

/// What a text with one place stands for.
ATTUNE_DECL void read_text(const LayerContent& layer, std::size_t index, Target place,
                           std::vector<PlacedText>& placed, std::vector<Problem>& problems) {
    const Text& text = layer.content.texts[index];
    PlacedText result;
    result.path = std::move(place.path);
    result.type = place.type;
    result.origin = text.origin;
    result.replaces = text.naming == Naming::option;
    const std::string* value = &text.value;
    const auto refuse = [&](Problem problem) {
        problem.path = result.path;
        problems.push_back(std::move(problem));
    };
    if (text.naming == Naming::option && place.negated && text.has_value) {
        return refuse(text_problem(text, "takes no value"));
    }
    if (text.naming == Naming::option && !text.has_value) {
        if (is_switch(place)) {
            result.value = !place.negated;
            placed.push_back(std::move(result));
            return;
        }
        const Text* const next = following_text(layer, index);
        if (next == nullptr) {
            Problem problem = text_problem(text, "the value is missing");
            problem.expected = expected(*place.type, nullptr);
            return refuse(std::move(problem));
        }
        value = &next->value;
    }
    if (place.type == nullptr) {
        result.value = Document::text(*value);
    } else {
        try {
            result.value = document_from_text(*value, *place.type);
        } catch (const ParseError& error) {
            Problem problem = text_problem(text, error.message());
            problem.origin.line = error.line();
            problem.origin.column = error.column();
            return refuse(std::move(problem));
        }
        if (!result.value.is_text()) {
            result.json = *value;
        }
    }
    placed.push_back(std::move(result));
}

ATTUNE_DECL void resolve_text(const LayerContent& layer, std::size_t index,
                              std::vector<PlacedText>& placed, std::vector<Problem>& problems) {
    const Text& text = layer.content.texts[index];
    std::vector<Target> places;
    if (index < layer.places.size()) {
        places = best_places(layer.places[index]);
    }
    if (text.naming == Naming::path && places.empty()) {
        try {
            places.push_back({.path = Path(text.name)});
        } catch (const std::invalid_argument& error) {
            problems.push_back(text_problem(text, error.what()));
        }
    }
    if (places.size() > 1) {
        problems.push_back(ambiguous_text(text, places));
    } else if (!places.empty()) {
        read_text(layer, index, std::move(places.front()), placed, problems);
    }
}

/// Puts `text` into `document`, unless an earlier text is in its way.
ATTUNE_DECL void put_text(Document& document, PlacedTexts& table, PlacedText text,
                          std::vector<Problem>& problems) {
    Problem problem;
    problem.path = text.path;
    problem.origin = text.origin;
    if (const PlacedText* const same = table.find(text.path); same != nullptr && !text.replaces) {
        problem.message = "set by " + to_string(same->origin) + " already";
        problems.push_back(std::move(problem));
        return;
    }
    for (Path above = text.path; !above.empty();) {
        above = above.parent();
        const PlacedText* const found = table.find(above);
        if (found != nullptr && !found->json) {
            problem.message = "lies inside the value of " + to_string(found->origin) +
                              ", which is neither a list nor an object";
            problems.push_back(std::move(problem));
            return;
        }
    }
    try {
        document = document.with(text.path, text.value);
    } catch (const std::out_of_range& error) {
        problem.message = error.what();
        problems.push_back(std::move(problem));
        return;
    }
    table.put(std::move(text));
}

ATTUNE_DECL bool find_places(LayerContent& layer, const Bound& root) {
    const std::vector<Text>& texts = layer.content.texts;
    layer.places.resize(texts.size());
    bool found = false;
    for (std::size_t i = 0; i != texts.size(); ++i) {
        std::vector<Target> offered;
        if (texts[i].naming == Naming::variable) {
            offered = places_of_variable(texts[i].name, root);
        } else if (texts[i].naming == Naming::option) {
            offered = places_of_option(texts[i].name, root);
        } else if (texts[i].naming == Naming::path) {
            try {
                offered = places_of_path(Path(texts[i].name), root);
            } catch (const std::invalid_argument&) {
                // place_texts reports it.
            }
        }
        for (Target& place : offered) {
            // Two roots may offer one place; the first to be bound says what is expected there.
            std::vector<Target>& places = layer.places[i];
            bool known = false;
            for (const Target& other : places) {
                known = known || other.path == place.path;
            }
            if (!known) {
                places.push_back(std::move(place));
                found = true;
            }
        }
    }
    return found;
}

ATTUNE_DECL void place_texts(LayerContent& layer, std::vector<Problem>& problems) {
    std::vector<PlacedText> placed;
    for (std::size_t i = 0; i != layer.content.texts.size(); ++i) {
        resolve_text(layer, i, placed, problems);
    }
    std::size_t deepest = 0;
    for (const PlacedText& text : placed) {
        deepest = std::max(deepest, text.path.size());
    }
    layer.document = layer.content.document;
    layer.source = layer.content.source;
    PlacedTexts table;
    // What lies around others goes first.
    for (std::size_t depth = 0; depth <= deepest; ++depth) {
        for (const PlacedText& text : placed) {
            if (text.path.size() == depth) {
                put_text(layer.document, table, text, problems);
            }
        }
    }
    if (!table.empty()) {
        layer.source =
            std::shared_ptr<const Source>(new PlacedSource(layer.content.source, std::move(table)));
    }
}

/// The name nearest to `word` among those that would have a place, spelt as `naming` spells it.
ATTUNE_DECL std::string nearest_option(std::string_view word, std::span<const Bound> roots,
                                       Naming naming, bool switches_only) {
    std::vector<std::string> names;
    for (const Bound& root : roots) {
        for (const Option& option : options_of(root)) {
            if (!switches_only || option.type->shape == Shape::boolean) {
                names.push_back(naming == Naming::variable ? variable_name(option.path)
                                                           : to_string(option.path));
            }
        }
    }
    return nearest(word, std::vector<std::string_view>(names.begin(), names.end()));
}

ATTUNE_DECL std::string near_name(const Text& text, std::span<const Bound> roots) {
    constexpr std::string_view no = "no-";
    if (text.naming == Naming::option && text.name.starts_with(no)) {
        const std::string_view positive = std::string_view(text.name).substr(no.size());
        const std::string found = nearest_option(positive, roots, text.naming, true);
        if (!found.empty()) {
            return text.prefix + std::string(no) + found;
        }
    }
    const std::string found = nearest_option(text.name, roots, text.naming, false);
    return found.empty() ? found : text.prefix + found;
}

/// What a person wrote, cut where it is long.
ATTUNE_DECL std::string quoted_argument(std::string_view text) {
    constexpr std::size_t max_length = 40;
    std::size_t length = std::min(text.size(), max_length);
    // Not inside a code point.
    while (length < text.size() && length > 0 &&
           (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80) {
        --length;
    }
    const bool cut = length < text.size();
    return '"' + std::string(text.substr(0, length)) + (cut ? "...\"" : "\"");
}

ATTUNE_DECL void report_unplaced(const LayerContent& layer, std::span<const Bound> roots,
                                 std::vector<Problem>& problems) {
    const std::vector<Text>& texts = layer.content.texts;
    const auto places = [&](std::size_t i) {
        return i < layer.places.size() ? best_places(layer.places[i]) : std::vector<Target>{};
    };
    for (std::size_t i = 0; i != texts.size(); ++i) {
        const Text& text = texts[i];
        if (text.naming == Naming::positional) {
            const Text* const before = i != 0 && following_text(layer, i - 1) == &text &&
                                               texts[i - 1].naming == Naming::option &&
                                               !texts[i - 1].has_value
                                           ? &texts[i - 1]
                                           : nullptr;
            if (before != nullptr && awaits_value(*before, places(i - 1))) {
                continue;
            }
            Problem problem = text_problem(text, "not an option");
            problem.origin.source = "argument " + quoted_argument(text.value);
            if (before != nullptr) {
                problem.message += "; the value of --" + before->name + " needs a \"=\"";
            }
            problems.push_back(std::move(problem));
        } else if (text.naming != Naming::path && places(i).empty()) {
            Problem problem = text_problem(text, "matches nothing that is bound");
            problem.suggestion = near_name(text, roots);
            problems.push_back(std::move(problem));
        }
    }
}

}  // namespace attune::inline ATTUNE_ABI::detail
