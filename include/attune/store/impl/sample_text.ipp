#pragma once

#include <attune/document/document.hpp>
#include <attune/document/text.hpp>
#include <attune/store/help_text.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

/// A value of the sample, with its key where it has one, and what is said about it.
struct SampleEntry {
    enum class Form : std::uint8_t { value, object, array };

    std::string key;
    bool has_key = false;
    bool active = true;  ///< else commented out
    Form form = Form::value;
    Document value;                  ///< of a form `value`
    std::vector<SampleEntry> items;  ///< of the others
    std::vector<std::string> notes;
};

/// The lines of an entry, each item with a comma after it.
class SampleText {
public:
    static std::vector<std::string> lines_of(const SampleEntry& entry, std::size_t width) {
        std::vector<std::string> lines;
        for (const std::string& note : entry.notes) {
            for (const std::string& line : wrapped(note, std::max(narrowest, width) - 3)) {
                lines.push_back("// " + line);
            }
        }
        for (const std::string& line : body(entry, entry.active ? width : width - 3)) {
            lines.push_back(entry.active ? line : line.empty() ? "//" : "// " + line);
        }
        return lines;
    }

private:
    static constexpr std::size_t narrowest = 40;
    static constexpr std::size_t tab = 4;

    static std::vector<std::string> body(const SampleEntry& entry, std::size_t width) {
        const std::string key = entry.has_key ? to_text(Document(entry.key)) + ": " : "";
        if (entry.form == SampleEntry::Form::value) {
            return value(key, entry.value, width);
        }
        const bool object = entry.form == SampleEntry::Form::object;
        if (entry.items.empty()) {
            return {key + (object ? "{}," : "[],")};
        }
        std::vector<std::string> lines{key + (object ? '{' : '[')};
        bool long_before = false;
        for (const SampleEntry& item : entry.items) {
            const std::vector<std::string> below = lines_of(item, width - std::min(width, tab));
            // A free line beside whatever takes more than one.
            if (&item != &entry.items.front() && (long_before || below.size() > 1)) {
                lines.emplace_back();
            }
            long_before = below.size() > 1;
            for (const std::string& line : below) {
                lines.push_back(line.empty() ? line : std::string(tab, ' ') + line);
            }
        }
        lines.push_back(object ? "}," : "],");
        return lines;
    }

    static std::vector<std::string> value(const std::string& key, const Document& value,
                                          std::size_t width) {
        std::string text = key + to_text(value) + ',';
        if (text.size() > width) {
            text = key + to_text(value, {.indent = static_cast<int>(tab)}) + ',';
        }
        std::vector<std::string> lines;
        for (std::string_view rest = text; !rest.empty();) {
            const std::size_t end = std::min(rest.find('\n'), rest.size());
            lines.emplace_back(rest.substr(0, end));
            rest.remove_prefix(std::min(end + 1, rest.size()));
        }
        return lines;
    }
};

}  // namespace attune::inline ATTUNE_ABI::detail
