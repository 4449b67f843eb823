#pragma once

/// The bodies of everything that is not a template. Included by exactly one translation unit of a
/// program that defines ATTUNE_SEPARATE_COMPILATION everywhere; attune::compiled is that unit.

#include <attune/version.hpp>

#if ATTUNE_HEADER_ONLY
#error "<attune/src.hpp> needs ATTUNE_SEPARATE_COMPILATION, in every translation unit"
#endif

#include <attune/bind/impl/problem.ipp>

#include <attune/graph/impl/epoch.ipp>
#include <attune/graph/impl/frame.ipp>
#include <attune/graph/impl/frame_chain.ipp>
