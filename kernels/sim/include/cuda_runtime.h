#pragma once
// Stands for CUDA's own header where a `.cu` file is compiled for the simulator (baton_simulated_cuda).
#include <baton/kernels/sim/keywords.h>
#include <baton/kernels/sim/math_functions.h>
#include <baton/kernels/sim/runtime_api.h>
#include <baton/kernels/sim/thread_functions.h>
#include <baton/kernels/sim/vector_types.h>
