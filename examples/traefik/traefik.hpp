#pragma once

#include "installation.hpp"
#include "routing.hpp"
