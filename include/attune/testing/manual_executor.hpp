#pragma once

#include <attune/graph/manual_executor.hpp>
#include <attune/version.hpp>

namespace attune::inline ATTUNE_ABI::testing {

/// Observers run when the test asks for it: `executor.run_all()`.
using attune::ManualExecutor;

}  // namespace attune::inline ATTUNE_ABI::testing
