#pragma once
// Replaces CUDA's own header when a `.cu` file is compiled for the simulator (baton_simulated_cuda).
#include <baton/kernels/sim/toolkit/keywords.h>
#include <baton/kernels/sim/toolkit/math_functions.h>
#include <baton/kernels/sim/toolkit/runtime_api.h>
#include <baton/kernels/sim/toolkit/thread_functions.h>
#include <baton/kernels/sim/toolkit/vector_types.h>
