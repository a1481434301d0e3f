// cp.async without the wait for its arrival, or over memory that is still read.
#include <baton/kernels/cuda/device/launch.h>
#include <baton/kernels/cuda/device/ptx.h>
#include <baton/kernels/cuda/device/shared_memory.h>

#include "planted.h"

namespace baton::kernels::planted {
namespace {

enum class Fault { none, wait, commit, barrier, reuse, alignment, destination };
constexpr int kThreads = 32, kTile = kThreads * 4, kTiles = 3;

// Sums kTiles tiles of kTile, element by element, with two stages.
template <Fault kFault>
__global__ void pipeline_kernel(float* y, const float* x) {
  BATON_SHARED(stages, float4[2][kThreads + 1]);
  const int i = threadIdx.x;
  const auto start = [&](int tile) {
    float* to = reinterpret_cast<float*>(&stages[tile % 2][i]) + (kFault == Fault::alignment ? 1 : 0);
    float outside[4];
    if (kFault == Fault::destination) to = outside;
    cuda::cp_async_16(to, x + tile * kTile + 4 * i);
  };
  float sum[4] = {};
  start(0);
  cuda::cp_async_commit();
  for (int tile = 0; tile < kTiles; ++tile) {
    if (tile + 1 < kTiles) start(tile + 1);
    if (kFault != Fault::commit) cuda::cp_async_commit();
    if (kFault == Fault::wait) {
      cuda::cp_async_wait<2>();
    } else {
      cuda::cp_async_wait<1>();
    }
    if (kFault != Fault::barrier) __syncthreads();
    const float4 v = stages[tile % 2][kThreads - 1 - i];
    sum[0] += v.x;
    sum[1] += v.y;
    sum[2] += v.z;
    sum[3] += v.w;
    if (kFault != Fault::reuse) __syncthreads();
  }
  cuda::cp_async_wait_all();
  for (int e = 0; e < 4; ++e) y[4 * (kThreads - 1 - i) + e] = sum[e];
}

// Returns with copies under way.
template <bool kBug>
__global__ void never_awaited_kernel(float* y, const float* x) {
  BATON_SHARED(values, float4[kThreads]);
  cuda::cp_async_16(&values[threadIdx.x], x + 4 * threadIdx.x);
  if (!kBug) cuda::cp_async_wait_all();
  for (int e = 0; e < 4; ++e) y[4 * threadIdx.x + e] = x[4 * threadIdx.x + e];
}

template <Fault kFault>
bool pipeline(bool bug) {
  std::vector<float> expected;
  for (int i = 0; i < kTile; ++i) expected.push_back(static_cast<float>(3 * (i + 1) + kTile + 2 * kTile));
  const auto kernel = bug ? pipeline_kernel<kFault> : pipeline_kernel<Fault::none>;
  return gives(count_from_one<float>(kTiles * kTile), expected,
               [=](float* y, const float* x) { cuda::launch(kernel, dim3(1), dim3(kThreads), 0, nullptr, y, x); });
}
bool never_awaited(bool bug) {
  const auto x = count_from_one<float>(kTile);
  const auto kernel = bug ? never_awaited_kernel<true> : never_awaited_kernel<false>;
  return gives(x, x, [=](float* y, const float* in) { cuda::launch(kernel, dim3(1), dim3(kThreads), 0, nullptr, y, in); });
}

}  // namespace

const std::vector<Bug>& async_copy_bugs() {
  static const std::vector<Bug> bugs = {
      {"async_wait", "cp.async: wait_group that waits for too little", pipeline<Fault::wait>},
      {"async_commit", "cp.async: missing commit_group", pipeline<Fault::commit>},
      {"async_barrier", "cp.async: missing __syncthreads after the wait", pipeline<Fault::barrier>},
      {"async_reuse", "cp.async: a stage is overwritten while others read it", pipeline<Fault::reuse>},
      {"async_alignment", "cp.async: misaligned destination", pipeline<Fault::alignment>},
      {"async_destination", "cp.async: destination that is not shared memory", pipeline<Fault::destination>},
      {"async_never_awaited", "cp.async: a thread returns with copies under way, result right", never_awaited},
  };
  return bugs;
}

}  // namespace baton::kernels::planted
