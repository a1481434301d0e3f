#pragma once
// Runs the blocks of a grid, one at a time, in a seeded random order. Each CUDA thread is a fiber; the threads of a block run one at a
// time, in a seeded random order, each until it waits at a barrier or for the other lanes of its warp. So a thread that fails to wait for
// its data sooner or later runs before the data is there. Everything happens on the host thread that launches (a program has one such
// thread).
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "fiber.h"
#include "toolkit/vector_types.h"

namespace baton::kernels::sim {

constexpr unsigned kWarpSize = 32;
constexpr unsigned kMaxThreads = 1024;  // of a block, on every device

// The place in the source where a thread waits.
struct Site {
  const char* file = "";
  int line = 0;
};

// A lane's input to a collective of its warp, and its result: at most the fragments of one mma.
struct Slot {
  std::uint32_t a[4], b[2], c[4];
  std::uint32_t d[4];
};

// A cp.async that was issued and has not arrived.
struct AsyncCopy {
  void* to;
  int bytes;       // 4, 8 or 16
  unsigned group;  // number of the commit_group that takes it
  alignas(16) std::uint8_t data[16];
};

enum class ThreadState : std::uint8_t { runnable, at_barrier, in_collective, finished };

struct Thread {
  uint3 thread_idx{};
  unsigned index = 0;  // x + y * width + z * width * height
  unsigned lane = 0, warp = 0;
  ThreadState state = ThreadState::finished;
  const char* waits_in = "";  // name of the collective
  Site site;
  Slot slot{};
  std::vector<AsyncCopy> copies;
  unsigned copy_group = 0;  // that the next commit closes
  Fiber fiber;
};

// The values of the built-in variables, which fail() reports. thread is null outside a kernel.
struct Running {
  const void* kernel = nullptr;
  Thread* thread = nullptr;
  uint3 block_idx{};
  dim3 block_dim, grid_dim;
  std::uint64_t block_serial = 0;  // one number per executed block
};
extern Running running;

struct LaunchShape {
  const void* kernel;
  dim3 grid, block;
  std::size_t dynamic_shared_bytes;
};

// Calls fail() if no device could run it, with the limit that it exceeds.
void check_launch(const LaunchShape& shape);

// Runs `thread_body` once for every thread of the grid, to the end.
void run_grid(const LaunchShape& shape, const std::function<void()>& thread_body);

// The running thread waits until all threads of its block are here. All must come from the same line and none may have returned before.
// Returns the sum of their values.
int barrier(Site site, int value = 0);

// The running lane waits until all lanes of `mask` are in the same collective, from the same line. The last one runs `compute` over the
// slots of the warp, lane by lane; each then finds its result in its own slot.
using Compute = void (*)(Slot* const* slots, std::uint32_t mask);
void collective(const char* name, std::uint32_t mask, Compute compute, Site site);
// As collective, and orders memory between the lanes.
void sync_warp(std::uint32_t mask, Site site);

// Lets other threads run first, now and then. Atomics call it, so that threads which wait for each other's memory make progress.
void maybe_yield();

// A launch, for comparison with the registers that ptxas reports.
struct LaunchRecord {
  const void* kernel;
  unsigned max_threads;
  std::size_t max_dynamic_shared_bytes;
};
const std::vector<LaunchRecord>& launch_records();

}  // namespace baton::kernels::sim
