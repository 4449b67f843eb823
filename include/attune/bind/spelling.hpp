#pragma once

#include <attune/document/document.hpp>
#include <attune/document/path.hpp>
#include <attune/version.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

// How the places of bound types are spelt outside of documents: `SERVER_POOL_SIZE` in the
// environment and `--server.pool-size` on the command line are `server.pool_size`, or whatever the
// bound structs call it. The names are matched against the types, so no spelling has to say where
// one name ends and the next begins.

namespace attune::inline ATTUNE_ABI::detail {

struct Type;

/// A type and where in the document its values are.
struct Bound {
    Path path;
    const Type* type = nullptr;
};

/// A place that a name may mean.
struct Target {
    Path path;
    const Type* type = nullptr;  ///< what is expected there; never optional, pointer or secret
    bool by_key = false;         ///< a key of a map on the way was taken from the name
    bool negated = false;        ///< the name is `no-` before that of a boolean

    friend bool operator==(const Target&, const Target&) = default;
};

/// The places within `root` that an environment variable, without its prefix, may mean.
///
/// Underscores part the name into words; how many words make one name of the path is found out by
/// trying. Letter case means nothing, nor does it matter whether a member is spelt `pool_size`,
/// `pool-size` or `poolSize`. The key of a map is what is left of the name, in lower case; where
/// the values are structs or maps, a shorter key with a name inside its value goes before that.
/// Elements of lists cannot be named.
///
/// Where very many places fit, only some are found, but never just one.
ATTUNE_DECL std::vector<Target> places_of_variable(std::string_view name, const Bound& root);

/// The places within `root` that a command-line option, without its dashes, may mean.
///
/// The name is a path, dotted or as a JSON Pointer. A part that equals a member's name means that
/// member; otherwise only letters and digits count, in either case. Keys of maps are taken as
/// written. `no-` before the whole name, or before its last part, negates a boolean, unless
/// something is really called so.
ATTUNE_DECL std::vector<Target> places_of_option(std::string_view name, const Bound& root);

/// The place at `path`, if that lies within `root`: one, or none. Names are taken exactly.
ATTUNE_DECL std::vector<Target> places_of_path(const Path& path, const Bound& root);

/// The usual spelling of a path as an environment variable, without prefix: `SERVER_POOL_SIZE` for
/// `server.poolSize`.
ATTUNE_DECL std::string variable_name(const Path& path);

/// Something that can be set, as Store::usage tells it.
struct Option {
    Path path;
    const Type* type = nullptr;  ///< never optional, pointer or secret
    std::string doc;             ///< of the member
    std::string expected;        ///< such as `an integer in [1, 65535]`
    Document fallback;           ///< the default, typed; null for secrets and where none is known
    bool unset = false;          ///< an optional that is empty by default
    bool required = false;
    bool secret = false;
    Path section;         ///< of the nearest struct around it that has a doc
    std::string heading;  ///< that doc; empty when none has one
};

/// All that can be set within `root`, in the order of the members. What holds other values is one
/// option: a list, a map, a variant, and a struct inside itself.
ATTUNE_DECL std::vector<Option> options_of(const Bound& root);

/// A value that came without a type. JSON where the type holds other values and the text begins as
/// such; the text itself otherwise, to be decoded by its type later. Throws ParseError.
ATTUNE_DECL Document document_from_text(std::string_view text, const Type& type);

}  // namespace attune::inline ATTUNE_ABI::detail

#if ATTUNE_HEADER_ONLY
#include <attune/bind/impl/spelling.ipp>
#endif
