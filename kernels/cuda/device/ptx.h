#pragma once
// All PTX that kernels use, wrapped in functions that the simulator (kernels/sim) has too. No other file contains an asm statement.
#include "arithmetic.h"
#include "cp_async.h"
#include "ldmatrix.h"
#include "mma.h"
