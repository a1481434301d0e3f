#pragma once
// All PTX that kernels use, behind functions that the simulator (kernels/sim) has too: no other file than these contains an asm statement.
#include "arithmetic.h"
#include "cp_async.h"
#include "ldmatrix.h"
#include "mma.h"
