// Lanes for which a collective waits in vain.
#include <baton/kernels/cuda/device/launch.h>

#include "planted.h"

namespace baton::kernels::planted {
namespace {

constexpr unsigned kAllLanes = 0xffffffff;

template <bool kBug>
__global__ void inactive_lanes_kernel(int* y, const int* x) {
  const int lane = threadIdx.x;
  int sum = lane < 20 ? x[lane] : 0;
  if (!kBug || lane < 20) {
    for (int offset = 16; offset > 0; offset /= 2) sum += __shfl_xor_sync(kAllLanes, sum, offset);
  }
  if (lane == 0) *y = sum;
}

template <bool kBug>
__global__ void other_collective_kernel(int* y, const int* x) {
  const int lane = threadIdx.x;
  if (!kBug) {
    const int value = __shfl_sync(kAllLanes, x[lane], 31 - lane);
    y[lane] = __any_sync(kAllLanes, value > 0) ? value : 0;
  } else if (lane < 16) {
    y[lane] = __shfl_sync(kAllLanes, x[lane], 31 - lane);
  } else {
    y[lane] = __any_sync(kAllLanes, 1) ? x[31 - lane] : 0;
  }
}

// 48 threads: the second warp has 16 lanes.
template <bool kBug>
__global__ void half_warp_kernel(int* y, const int* x) {
  const unsigned mask = kBug || threadIdx.x < 32 ? kAllLanes : 0xffffu;
  y[threadIdx.x] = __shfl_xor_sync(mask, x[threadIdx.x], 1);
}

// The lane that is read from is not in the mask.
template <bool kBug>
__global__ void source_outside_kernel(int* y, const int* x) {
  const int lane = threadIdx.x;
  if (lane < 16) y[lane] = __shfl_xor_sync(0x0000ffffu, x[lane], kBug ? 16 : 1);
}

bool inactive_lanes(bool bug) {
  const auto kernel = bug ? inactive_lanes_kernel<true> : inactive_lanes_kernel<false>;
  return gives(count_from_one<int>(32), {210}, [=](int* y, const int* x) { cuda::launch(kernel, dim3(1), dim3(32), 0, nullptr, y, x); });
}
bool other_collective(bool bug) {
  const auto x = count_from_one<int>(32);
  const auto kernel = bug ? other_collective_kernel<true> : other_collective_kernel<false>;
  return gives(x, {x.rbegin(), x.rend()}, [=](int* y, const int* in) { cuda::launch(kernel, dim3(1), dim3(32), 0, nullptr, y, in); });
}
bool half_warp(bool bug) {
  std::vector<int> expected;
  for (int i = 0; i < 48; ++i) expected.push_back((i ^ 1) + 1);
  const auto kernel = bug ? half_warp_kernel<true> : half_warp_kernel<false>;
  return gives(count_from_one<int>(48), expected, [=](int* y, const int* x) { cuda::launch(kernel, dim3(1), dim3(48), 0, nullptr, y, x); });
}
bool source_outside(bool bug) {
  std::vector<int> expected;
  for (int i = 0; i < 16; ++i) expected.push_back((i ^ 1) + 1);
  const auto kernel = bug ? source_outside_kernel<true> : source_outside_kernel<false>;
  return gives(count_from_one<int>(32), expected, [=](int* y, const int* x) { cuda::launch(kernel, dim3(1), dim3(32), 0, nullptr, y, x); });
}

}  // namespace

const std::vector<Bug>& warp_bugs() {
  static const std::vector<Bug> bugs = {
      {"inactive_lanes", "shuffle of a full mask by 20 lanes", inactive_lanes},
      {"other_collective", "lanes of a mask in different collectives", other_collective},
      {"half_warp", "full mask in a warp of 16 lanes", half_warp},
      {"source_outside", "shuffle from a lane outside the mask", source_outside},
  };
  return bugs;
}

}  // namespace baton::kernels::planted
