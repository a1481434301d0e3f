#pragma once
// A test's choices for the simulated device. Must be set before the first launch that they apply to; one host thread.
#include <cstddef>
#include <cstdint>

namespace baton::kernels::sim {

struct Options {
  int compute_capability_major = 9;
  int compute_capability_minor = 0;
  int n_multiprocessors = 4;  // small, so that grids sized by it stay small
  std::size_t l2_bytes = 1 << 20;
  std::size_t shared_bytes_per_block = 48 * 1024;         // static plus dynamic, without cudaFuncSetAttribute
  std::size_t shared_bytes_per_block_optin = 227 * 1024;  // after it: 227 KiB on 9.0 and 10.0, 163 on 8.0, 99 on 8.6, 8.9 and 12.0
};
Options& options();

// The seed of all random choices of the simulator (order of threads, of blocks, of streams): 1 at start.
void set_seed(std::uint64_t seed);

}  // namespace baton::kernels::sim
