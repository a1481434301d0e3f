#pragma once
// Replaces CUDA's own header when a `.cu` file is compiled for the simulator (baton_simulated_cuda).
#include <baton/kernels/sim/keywords.h>
#include <baton/kernels/sim/math_functions.h>
#include <baton/kernels/sim/runtime_api.h>
#include <baton/kernels/sim/thread_functions.h>
#include <baton/kernels/sim/vector_types.h>
