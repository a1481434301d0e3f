// Reads of uninitialised memory, accesses beyond the end, vectors that are not aligned.
#include <baton/kernels/cuda/device/launch.h>
#include <baton/kernels/cuda/device/shared_memory.h>

#include "planted.h"

namespace baton::kernels::planted {
namespace {

constexpr int kThreads = 64;

template <bool kBug>
__global__ void uninitialised_shared_kernel(float* y, const float* x) {
  BATON_SHARED(values, float[kThreads]);
  if (!kBug || threadIdx.x != 63) values[threadIdx.x] = x[threadIdx.x];
  __syncthreads();
  y[threadIdx.x] = values[kThreads - 1 - threadIdx.x];
}

// The result is right all the same: only a tool that tracks for every byte whether it was written finds this bug.
template <bool kBug>
__global__ void uninitialised_branch_kernel(int* y, const int* x) {
  BATON_SHARED(flag, int);
  if (!kBug && threadIdx.x == 0) flag = 1;
  __syncthreads();
  y[threadIdx.x] = flag > 0 ? x[threadIdx.x] : 0;  // poison is positive
}

template <bool kBug>
__global__ void uninitialised_device_kernel(float* y, const float* x) {
  y[threadIdx.x] = kBug ? y[threadIdx.x] + x[threadIdx.x] : x[threadIdx.x];
}

template <bool kBug>
__global__ void shared_read_past_kernel(float* y, const float* x) {
  BATON_DYNAMIC_SHARED(bytes);
  float* values = reinterpret_cast<float*>(bytes);
  values[threadIdx.x] = x[threadIdx.x];
  __syncthreads();
  const int i = threadIdx.x + 1;
  y[threadIdx.x] = kBug || i < kThreads ? values[i] : 0.0f;
}

template <bool kBug>
__global__ void shared_write_past_kernel(float* y, const float* x) {
  BATON_SHARED(values, float[8][kThreads / 8]);
  const int i = threadIdx.x + (kBug ? 1 : 0);
  values[i / 8][i % 8] = x[threadIdx.x];
  __syncthreads();
  y[threadIdx.x] = values[i / 8][i % 8];
}

template <bool kBug>
__global__ void shared_write_below_kernel(float* y, const float* x) {
  BATON_DYNAMIC_SHARED(bytes);
  float* values = reinterpret_cast<float*>(bytes);
  values[threadIdx.x] = x[threadIdx.x];
  if (kBug && threadIdx.x == 0) values[-1] = 0;
  __syncthreads();
  y[threadIdx.x] = values[threadIdx.x];
}

template <bool kBug>
__global__ void array_index_kernel(float* y, const float* x) {
  float registers[4];
  const int n = kBug ? 5 : 4;
  for (int i = 0; i < n; ++i) registers[i] = x[threadIdx.x];
  y[threadIdx.x] = registers[threadIdx.x % 4];
}

template <bool kBug>
__global__ void device_read_past_kernel(float* y, const float* x, int n) {
  const int i = threadIdx.x;
  const float value = kBug || i < n ? x[i] : 0.0f;
  const float sum = value + __shfl_xor_sync(0xffffffff, value, 1);  // otherwise the compiler would skip an unnecessary read
  if (i < n) y[i] = sum - (sum - value);
}

template <bool kBug>
__global__ void device_write_past_kernel(float* y, const float* x, int n) {
  const int i = threadIdx.x;
  if (kBug || i < n) y[i] = i < n ? x[i] : 0.0f;
}

template <bool kBug>
__global__ void misaligned_kernel(float* y, const float* x) {
  const float4 v = *reinterpret_cast<const float4*>(x + 4 * threadIdx.x + (kBug ? 1 : 0));
  y[4 * threadIdx.x] = v.x;
  y[4 * threadIdx.x + 1] = v.y;
  y[4 * threadIdx.x + 2] = v.z;
  y[4 * threadIdx.x + 3] = v.w;
}

std::vector<float> reversed(std::vector<float> x) { return {x.rbegin(), x.rend()}; }

const std::vector<float> kInput = count_from_one<float>(kThreads);

template <class Kernel>
auto with(Kernel kernel, int dynamic_bytes = 0) {
  return [=](auto* y, const auto* x) { cuda::launch(kernel, dim3(1), dim3(kThreads), dynamic_bytes, nullptr, y, x); };
}

bool uninitialised_shared(bool bug) {
  return gives(kInput, reversed(kInput), with(bug ? uninitialised_shared_kernel<true> : uninitialised_shared_kernel<false>));
}
bool uninitialised_branch(bool bug) {
  const auto x = count_from_one<int>(kThreads);
  return gives(x, x, with(bug ? uninitialised_branch_kernel<true> : uninitialised_branch_kernel<false>));
}
bool uninitialised_device(bool bug) {
  return gives(kInput, kInput, with(bug ? uninitialised_device_kernel<true> : uninitialised_device_kernel<false>));
}
bool shared_read_past(bool bug) {
  std::vector<float> expected(kInput.begin() + 1, kInput.end());
  expected.push_back(0);
  return gives(kInput, expected, with(bug ? shared_read_past_kernel<true> : shared_read_past_kernel<false>, kThreads * sizeof(float)));
}
bool shared_write_past(bool bug) {
  return gives(kInput, kInput, with(bug ? shared_write_past_kernel<true> : shared_write_past_kernel<false>));
}
bool shared_write_below(bool bug) {
  return gives(kInput, kInput, with(bug ? shared_write_below_kernel<true> : shared_write_below_kernel<false>, kThreads * sizeof(float)));
}
bool array_index(bool bug) { return gives(kInput, kInput, with(bug ? array_index_kernel<true> : array_index_kernel<false>)); }

constexpr int kOdd = kThreads - 1;  // elements for kThreads threads

bool device_read_past(bool bug) {
  const auto x = count_from_one<float>(kOdd);
  const auto kernel = bug ? device_read_past_kernel<true> : device_read_past_kernel<false>;
  return gives(x, x, [=](float* y, const float* in) { cuda::launch(kernel, dim3(1), dim3(kThreads + 64), 0, nullptr, y, in, kOdd); });
}
bool device_write_past(bool bug) {
  const auto x = count_from_one<float>(kOdd);
  const auto kernel = bug ? device_write_past_kernel<true> : device_write_past_kernel<false>;
  return gives(x, x, [=](float* y, const float* in) { cuda::launch(kernel, dim3(1), dim3(kThreads), 0, nullptr, y, in, kOdd); });
}
bool misaligned(bool bug) {
  const auto kernel = bug ? misaligned_kernel<true> : misaligned_kernel<false>;
  const auto x = count_from_one<float>(kThreads + 4);  // so that nothing is out of bounds
  return gives(x, kInput, [=](float* y, const float* in) { cuda::launch(kernel, dim3(1), dim3(kThreads / 4), 0, nullptr, y, in); });
}
bool copy_too_long(bool bug) {
  return gives(kInput, kInput, [=](float* y, const float* x) {
    cudaMemcpyAsync(y, x, (kThreads + (bug ? 1 : 0)) * sizeof(float), cudaMemcpyDeviceToDevice);
  });
}

}  // namespace

const std::vector<Bug>& memory_bugs() {
  static const std::vector<Bug> bugs = {
      {"uninitialised_shared", "shared memory read before it is written", uninitialised_shared},
      {"uninitialised_branch", "branch on shared memory never written, result right", uninitialised_branch},
      {"uninitialised_device", "device memory read before it is written", uninitialised_device},
      {"shared_read_past", "read past the end of dynamic shared memory", shared_read_past},
      {"shared_write_past", "write past the end of a shared array", shared_write_past},
      {"shared_write_below", "write below dynamic shared memory, result right", shared_write_below},
      {"array_index", "index beyond an array of registers, result right", array_index},
      {"device_read_past", "read past the end of a device buffer, result right", device_read_past},
      {"device_write_past", "write past the end of a device buffer, result right", device_write_past},
      {"misaligned", "misaligned load of a float4", misaligned},
      {"copy_too_long", "cudaMemcpy beyond a buffer", copy_too_long},
  };
  return bugs;
}

}  // namespace baton::kernels::planted
