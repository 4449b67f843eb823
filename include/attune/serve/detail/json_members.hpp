#pragma once

#include <attune/document/document.hpp>
#include <attune/document/impl/build.hpp>
#include <attune/document/path.hpp>
#include <attune/store/detail/rfc3339.hpp>
#include <attune/version.hpp>

#include <chrono>
#include <string_view>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI::detail {

/// An object that is put together member by member.
class JsonMembers {
public:
    JsonMembers& add(std::string_view key, Document value) {
        slots_.emplace_back(key);
        slots_.push_back(std::move(value));
        return *this;
    }
    /// Unless there is nothing to tell.
    JsonMembers& add_text(std::string_view key, std::string_view text) {
        return text.empty() ? *this : add(key, text);
    }
    /// Unless it is the beginning of time.
    JsonMembers& add_time(std::string_view key, std::chrono::system_clock::time_point time) {
        return time == std::chrono::system_clock::time_point{} ? *this : add(key, rfc3339(time));
    }
    Document object() { return make_object(slots_.data(), slots_.size() / 2); }

private:
    std::vector<Document> slots_;
};

inline Document json_list(std::vector<Document> elements) {
    return make_array(elements.data(), elements.size());
}

/// As JSON Pointers.
inline Document json_paths(const std::vector<Path>& paths) {
    std::vector<Document> pointers;
    pointers.reserve(paths.size());
    for (const Path& path : paths) {
        pointers.emplace_back(path.pointer());
    }
    return json_list(std::move(pointers));
}

}  // namespace attune::inline ATTUNE_ABI::detail
