#pragma once

/// Version and build mode of attune. Includes nothing.

/// Major * 1'000'000 + minor * 1'000 + patch.
#define ATTUNE_VERSION 1000
#define ATTUNE_VERSION_STRING "0.1.0"

// One TU of the program includes <attune/src.hpp>, all others only declarations, when
// ATTUNE_SEPARATE_COMPILATION is defined (the CMake target attune::compiled does both).
#if defined(ATTUNE_SEPARATE_COMPILATION)
#define ATTUNE_HEADER_ONLY 0
#define ATTUNE_DECL
#else
#define ATTUNE_HEADER_ONLY 1
#define ATTUNE_DECL inline
#endif

// Options that change the layout of a public type or the reading protocol change the inline
// namespace as well: mixing them in one program is a link error, not silent corruption.
#if defined(ATTUNE_LOCKED_CELLS)
#define ATTUNE_ABI v0_locked
#elif defined(ATTUNE_CHAOS)
#define ATTUNE_ABI v0_chaos
#else
#define ATTUNE_ABI v0
#endif
