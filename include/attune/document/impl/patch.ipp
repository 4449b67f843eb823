#pragma once

#include <attune/document/impl/describe.hpp>
#include <attune/document/impl/node.hpp>
#include <attune/document/impl/search.hpp>
#include <attune/document/impl/text.hpp>
#include <attune/document/impl/tree.hpp>
#include <attune/document/impl/walk.hpp>
#include <attune/document/nearest.hpp>
#include <attune/document/patch.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace attune::inline ATTUNE_ABI {

namespace detail {

// By their value, exactly: no integer is rounded to find out.
ATTUNE_DECL bool equal_numbers(const Document& a, const Document& b) noexcept {
    if (a.is_real() == b.is_real()) {
        return a.is_real() ? a.as_double() == b.as_double() : a.same(b);
    }
    const Document& integer = a.is_real() ? b : a;
    const double real = (a.is_real() ? a : b).as_double();
    // The bounds are powers of two; both comparisons are false for NaN.
    if (integer.is_unsigned()) {
        return real >= 0x1p63 && real < 0x1p64 &&
               static_cast<std::uint64_t>(real) == integer.as_uint64() &&
               static_cast<double>(integer.as_uint64()) == real;
    }
    return real >= -0x1p63 && real < 0x1p63 &&
           static_cast<std::int64_t>(real) == integer.as_int64() &&
           static_cast<double>(integer.as_int64()) == real;
}

ATTUNE_DECL bool equal_scalars_as_json(const Document& a, const Document& b) noexcept {
    if (a.is_number() && b.is_number()) {
        return equal_numbers(a, b);
    }
    if (a.is_string() && b.is_string()) {
        return a.as_string() == b.as_string();
    }
    return a.same(b);
}

// Equality of RFC 6902, section 4.6, which is that of the values JSON stands for, not of documents.
ATTUNE_DECL bool equal_as_json(const Document& a, const Document& b) {
    std::vector<std::pair<const Document*, const Document*>> open;
    // What is inside two containers is left for later.
    const auto may_be_equal = [&](const Document& x, const Document& y) {
        if (x.same(y)) {
            return true;
        }
        if (!is_container(x)) {
            return equal_scalars_as_json(x, y);
        }
        open.emplace_back(&x, &y);
        return x.kind() == y.kind() && x.size() == y.size();
    };
    if (!may_be_equal(a, b)) {
        return false;
    }
    while (!open.empty()) {
        const auto [x, y] = open.back();
        open.pop_back();
        for (Lockstep pair(*x, *y); pair.next();) {
            const Document* const before = pair.before();
            const Document* const after = pair.after();
            if (x->is_object() ? !(before[0] == after[0]) || !may_be_equal(before[1], after[1])
                               : !may_be_equal(*before, *after)) {
                return false;
            }
        }
    }
    return true;
}

// Applies one operation after another.
class Patcher {
public:
    Patcher(const Document& target, const PatchOptions& options)
        : document_(target), copies_left_(options.max_copied) {}

    Document apply(const Document& patch) {
        place_ = "patch";
        if (!patch.is_array()) {
            refuse("expected an array of operations, found " + describe(patch));
        }
        for (const Document& operation : patch.elements()) {
            place_ = "operation " + std::to_string(number_);
            path_ = {};
            apply_one(operation);
            ++number_;
        }
        return std::move(document_);
    }

private:
    void apply_one(const Document& operation) {
        if (!operation.is_object()) {
            refuse("expected an object, found " + describe(operation));
        }
        const std::string_view name = name_of(operation);
        place_ += ": " + std::string(name);
        const Path path = pointer(operation, "path");
        if (name == "move" || name == "copy") {
            transfer(name == "move", pointer(operation, "from"), path);
            return;
        }
        enter(path);
        if (name == "remove") {
            (void)existing(path);
            document_ = document_.without(path);
        } else if (name == "add") {
            add(path, member(operation, "value"));
        } else if (name == "replace") {
            const Document& value = member(operation, "value");
            (void)existing(path);
            document_ = document_.with(path, value);
        } else {
            const Document& value = member(operation, "value");
            test(existing(path), value);
        }
    }

    // Both operations take a value from one place and add it at another.
    void transfer(bool move, const Path& from, const Path& path) {
        const std::string operation = place_;
        place_ += " from";
        enter(from);
        if (move && path.size() > from.size() && path.starts_with(from)) {
            refuse("a value cannot be moved into itself");
        }
        const Document value = existing(from);
        place_ = operation;
        enter(path);
        if (move && path == from) {
            return;
        }
        if (move) {
            document_ = document_.without(from);
        } else {
            count_copy(value);
        }
        add(path, value);
    }

    void count_copy(const Document& value) {
        if (copies_left_ == std::numeric_limits<std::size_t>::max()) {
            return;
        }
        const std::size_t size = text_size(value, copies_left_);
        if (size > copies_left_) {
            throw PatchTooLarge(place_, number_, path_,
                                "the copies of this patch are larger than allowed; copy less, or "
                                "in several patches");
        }
        copies_left_ -= size;
    }

    void add(const Path& path, const Document& value) {
        if (path.empty()) {
            document_ = value;
            return;
        }
        const Document& parent = existing(path, path.size() - 1);
        if (!parent.is_array()) {
            if (!parent.is_object()) {
                refuse_below(parent, path, path.size() - 1);
            }
            document_ = document_.with(path, value);
            return;
        }
        const std::string& token = path.back();
        const std::optional<std::size_t> index =
            token == "-" ? parent.size() : element_index(token);
        if (!index) {
            refuse("not an index: expected a number without leading zeros, or \"-\" to append");
        }
        if (*index > parent.size()) {
            refuse("beyond the end; the array has " + std::to_string(parent.size()));
        }
        document_ = document_.with(path.parent(), inserted(parent, *index, {}, value));
    }

    void test(const Document& found, const Document& expected) const {
        if (equal_as_json(found, expected)) {
            return;
        }
        if (found.kind() == expected.kind()) {
            refuse("found " + describe(found) + " that is not the one expected");
        }
        refuse("expected " + describe(expected) + ", found " + describe(found));
    }

    // The value at the first `levels` tokens of `path`, where there must be one.
    const Document& existing(const Path& path, std::size_t levels) const {
        const Document* document = &document_;
        for (std::size_t depth = 0; depth < levels; ++depth) {
            const Document* const below = child(*document, path.tokens()[depth]);
            if (!below) {
                refuse_below(*document, path, depth);
            }
            document = below;
        }
        return *document;
    }
    const Document& existing(const Path& path) const { return existing(path, path.size()); }

    // There is nothing in `parent`, which has the first `depth` tokens of `path`, for the next one.
    [[noreturn]] void refuse_below(const Document& parent, const Path& path,
                                   std::size_t depth) const {
        const auto beginning = [&](std::size_t count) {
            const auto first = path.tokens().begin();
            const auto last = first + static_cast<std::ptrdiff_t>(count);
            return Path(std::vector<std::string>(first, last)).pointer();
        };
        if (!is_container(parent)) {
            const std::string place = depth == 0 ? "the root" : beginning(depth);
            refuse("expected an object or an array at " + place + ", found " + describe(parent));
        }
        const std::string& token = path.tokens()[depth];
        const std::string place = depth + 1 < path.size() ? beginning(depth + 1) + ": " : "";
        if (parent.is_object()) {
            refuse(place + "no such member" + did_you_mean(parent, token));
        }
        if (token == "-") {
            refuse(place + "\"-\" is the place after the last element, where nothing is yet");
        }
        if (!element_index(token)) {
            refuse(place + "not an index: expected a number without leading zeros");
        }
        refuse(place + "no such element; the array has " + std::to_string(parent.size()));
    }

    std::string_view name_of(const Document& operation) const {
        static constexpr std::array<std::string_view, 6> names{"add",  "remove", "replace",
                                                               "move", "copy",   "test"};
        const std::string_view given = text(operation, "op");
        for (const std::string_view name : names) {
            if (name == given) {
                return name;
            }
        }
        const std::string near = nearest(given, names);
        refuse("unknown \"op\"; " + (near.empty()
                                         ? "expected add, remove, replace, move, copy or test"
                                         : "did you mean \"" + near + "\"?"));
    }

    Path pointer(const Document& operation, const char* name) const {
        const std::string_view given = text(operation, name);
        if (!given.empty() && given.front() != '/') {
            refuse(quoted(name) + " is no JSON Pointer: expected a \"/\" before each name; " +
                   "did you mean \"" + Path(given).pointer() + "\"?");
        }
        try {
            return Path(given);
        } catch (const std::invalid_argument& malformed) {
            refuse(quoted(name) + ": " + malformed.what());
        }
    }

    std::string_view text(const Document& operation, const char* name) const {
        const Document& value = member(operation, name);
        if (!value.is_string()) {
            refuse(quoted(name) + ": expected a string, found " + describe(value));
        }
        return value.as_string();
    }

    const Document& member(const Document& operation, const char* name) const {
        const Document* const value = operation.find(std::string_view(name));
        if (!value) {
            refuse(quoted(name) + " is missing");
        }
        return *value;
    }

    static std::string quoted(const char* name) { return '"' + std::string(name) + '"'; }

    // What goes wrong from here on is about `path`.
    void enter(const Path& path) {
        place_ += ' ' + (path.empty() ? "the document" : path.pointer());
        path_ = path;
    }

    [[noreturn]] void refuse(std::string message) const {
        throw PatchError(place_, number_, path_, std::move(message));
    }

    Document document_;
    std::size_t copies_left_;
    std::size_t number_ = 0;
    std::string place_;
    Path path_;
};

}  // namespace detail

ATTUNE_DECL PatchError::PatchError(std::string place, std::size_t operation, Path path,
                                   std::string message)
    : std::runtime_error(place + ": " + message),
      operation_(operation),
      path_(std::move(path)),
      message_(std::move(message)) {}

ATTUNE_DECL Document apply_patch(const Document& target, const Document& patch,
                                 const PatchOptions& options) {
    return detail::Patcher(target, options).apply(patch);
}

}  // namespace attune::inline ATTUNE_ABI
