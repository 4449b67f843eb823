#pragma once

/// As <attune/src.hpp>, for what <attune/quorum.hpp> declares: attune::quorum_compiled.

#include <attune/version.hpp>

#if ATTUNE_HEADER_ONLY
#error "<attune/quorum_src.hpp> needs ATTUNE_SEPARATE_COMPILATION, in every translation unit"
#endif

