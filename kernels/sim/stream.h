#pragma once
// The queues of the simulated device (runtime_api.h describes their behaviour).
#include <functional>

#include "block.h"
#include "toolkit/runtime_api.h"

namespace baton::kernels::sim {

// Puts work into the stream, into the graph that it captures, or runs it at once in the default stream (null).
cudaError_t enqueue(cudaStream_t stream, std::function<void()> work);

// Checks the launch now, and runs the grid when its turn comes.
cudaError_t enqueue_launch(const LaunchShape& shape, cudaStream_t stream, std::function<void()> thread_body);

// Processes all queues.
void drain();

void seed_streams(std::uint64_t seed);  // for set_seed

bool capturing();  // whether a stream is being captured

// Stores it for cudaGetLastError, unless it is a success, and returns it.
cudaError_t set_error(cudaError_t error);

}  // namespace baton::kernels::sim
