#pragma once
// What a test chooses about the simulated device. Set before the first launch that it is to hold for; one host thread.
#include <cstddef>
#include <cstdint>

namespace baton::kernels::sim {

struct Options {
  int compute_capability_major = 9;
  int compute_capability_minor = 0;
  int n_multiprocessors = 4;  // small, so that grids sized by it stay small
  std::size_t l2_bytes = 1 << 20;
  std::size_t shared_bytes_per_block = 48 * 1024;         // static plus dynamic, without cudaFuncSetAttribute
  std::size_t shared_bytes_per_block_optin = 227 * 1024;  // with it: 227 KiB on 9.0 and 10.0, 163 on 8.0, 99 on 8.6, 8.9 and 12.0
};
Options& options();

// Everything that the simulator chooses by chance (order of threads, of blocks, of streams) follows from this: 1 at start.
void set_seed(std::uint64_t seed);

}  // namespace baton::kernels::sim
