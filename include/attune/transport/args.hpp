#pragma once

#include <attune/store/transport.hpp>
#include <attune/version.hpp>

#include <memory>

namespace attune::inline ATTUNE_ABI {

/// The arguments of a program, as main gets them; `argv[0]`, its name, is left out. They are
/// copied.
///
/// `--server.port=9090` and `--server.port 9090` set `server.port`, matched against the bound
/// structs; `--verbose` and `--no-verbose` set a boolean, which takes a value only after `=`. A
/// value that begins with two dashes needs the `=` too. The later of two arguments for one place
/// wins. The values are text, decoded by the types they are bound to; lists, maps and structs are
/// written as JSON.
///
/// Whatever is no option and no option's value, and all that follows `--`, is left over, for
/// Store::check to report.
[[nodiscard]] ATTUNE_DECL std::unique_ptr<Transport> args(int argc, const char* const* argv);

}  // namespace attune::inline ATTUNE_ABI

#if ATTUNE_HEADER_ONLY
#include <attune/transport/impl/args.ipp>
#endif
