#pragma once

#include <attune/bind/type.hpp>
#include <attune/document/document.hpp>
#include <attune/document/path.hpp>
#include <attune/document/text.hpp>
#include <attune/store/usage.hpp>

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>

namespace attune::inline ATTUNE_ABI::detail {

/// Lays options out in two columns: the path, and what there is to say about it.
class UsageText {
public:
    explicit UsageText(const Spellings& spellings) : spellings_(spellings) {}

    void add_section(std::span<const Option> options) {
        const Option& first = options.front();
        if (!first.heading.empty()) {
            if (!text_.empty()) {
                text_ += '\n';
            }
            text_ += to_string(first.section);
            text_ += (first.section.empty() ? "" : ": ") + first.heading + '\n';
        }
        std::size_t width = 0;
        for (const Option& option : options) {
            const std::size_t length = to_string(option.path).size();
            width = length <= widest_path ? std::max(width, length) : width;
        }
        column_ = margin + width + gap;
        for (const Option& option : options) {
            add(option);
        }
    }

    std::string take() && { return std::move(text_); }

private:
    static constexpr std::size_t margin = 2;
    static constexpr std::size_t gap = 2;
    static constexpr std::size_t widest_path = 36;
    static constexpr std::size_t page = 100;
    static constexpr std::size_t longest_default = 60;

    void add(const Option& option) {
        const std::string path = to_string(option.path);
        text_.append(margin, ' ');
        text_ += path;
        if (margin + path.size() + gap > column_) {
            text_ += '\n';
            indent();
        } else {
            text_.append(column_ - margin - path.size(), ' ');
        }
        fill(option.expected + default_of(option));
        if (!option.doc.empty()) {
            indent();
            fill(option.doc);
        }
        if (const std::string spelt = spellings_.of(option.path, *option.type); !spelt.empty()) {
            indent();
            fill(spelt);
        }
    }

    void indent() { text_.append(column_, ' '); }

    /// Adds words from the column to the edge of the page, on as many lines as it takes.
    void fill(std::string_view words) {
        bool first = true;
        for (const std::string& line : wrapped(words, page - column_)) {
            if (!first) {
                indent();
            }
            text_ += line + '\n';
            first = false;
        }
    }

    static std::string default_of(const Option& option) {
        if (option.required) {
            return "; required";
        }
        if (option.secret) {
            return "; default ***";
        }
        if (option.unset) {
            return "; not set by default";
        }
        if (option.fallback.is_null()) {
            return {};
        }
        const std::string text = to_text(option.fallback);
        return text.size() <= longest_default ? "; default " + text : "; has a default";
    }

    const Spellings& spellings_;
    std::string text_;
    std::size_t column_ = 0;
};

ATTUNE_DECL std::string usage_text(std::span<const Bound> roots, const Spellings& spellings) {
    // Members of a struct stand together, also where another struct is declared between them. What
    // has no heading comes first, so that it is not taken for a part of what has one.
    std::vector<std::vector<Option>> sections(1);
    Document numbers;  // of sections, by JSON Pointer
    Document listed;   // an object with the JSON Pointers of options
    for (const Bound& root : roots) {
        for (Option& option : options_of(root)) {
            // Of roots inside each other, the first to be bound speaks for what they share.
            const Path name = Path{} / option.path.pointer();
            if (listed.find(name) != nullptr) {
                continue;
            }
            listed = listed.with(name, true);
            std::size_t number = 0;
            if (!option.heading.empty()) {
                const Path section = Path{} / option.section.pointer();
                if (const Document* const known = numbers.find(section)) {
                    number = known->as_uint64();
                } else {
                    number = sections.size();
                    numbers = numbers.with(section, number);
                    sections.emplace_back();
                }
            }
            sections[number].push_back(std::move(option));
        }
    }
    UsageText text(spellings);
    for (const std::vector<Option>& section : sections) {
        if (!section.empty()) {
            text.add_section(section);
        }
    }
    return std::move(text).take();
}

}  // namespace attune::inline ATTUNE_ABI::detail
