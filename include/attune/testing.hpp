#pragma once

/// The test kit of attune, for tests of programs that use it: observers that run when the test says
/// so, a clock that stands still, a source that fails on demand, failures at every possible place,
/// a record of what happened, and checks of whether what clients saw of something shared can have
/// been. Depends on no test framework, and is included by nothing else.

#include <attune/testing/event_trace.hpp>
#include <attune/testing/fail_on_nth.hpp>
#include <attune/testing/flaky_transport.hpp>
#include <attune/testing/linearizability.hpp>
#include <attune/testing/manual_clock.hpp>
#include <attune/testing/manual_executor.hpp>
#include <attune/testing/token_order.hpp>
