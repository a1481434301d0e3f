// x += add, and the root mean square norm of x (Zhang & Sennrich 2019), in any form that the next product reads.
//
// Grid: (n_rows) blocks, of 256 threads up to 2048 columns and of 1024 beyond. The row waits in shared memory between its sum and its
// result, so x is read once. The sum of squares runs over a thread's columns, then over the lanes of each warp, then over the warps.
#include <baton/kernels/cuda/device/launch.h>
#include <baton/kernels/cuda/device/row_outputs.h>
#include <baton/kernels/cuda/device/shared_memory.h>
#include <baton/kernels/rms_norm.h>

namespace baton::kernels::cuda {
namespace {

constexpr int kMaxWarps = 32;

__global__ void __launch_bounds__(1024) add_rms_norm_kernel(AddRmsNormParams p) {
  BATON_DYNAMIC_SHARED(shared);
  BATON_SHARED(warp_sums, float[kMaxWarps]);
  auto* const row = reinterpret_cast<float*>(shared);
  const int thread = static_cast<int>(threadIdx.x), threads = static_cast<int>(blockDim.x), lane = thread % 32;
  const std::size_t at = static_cast<std::size_t>(blockIdx.x) * p.n;

  float squares = 0.0f;
  for (int i = thread; i < p.n; i += threads) {
    float value = p.x[at + i];
    if (p.add) p.x[at + i] = value += p.add[at + i];
    row[i] = value;
    squares += value * value;
  }
  squares = warp_sum(squares);
  if (lane == 0) warp_sums[thread / 32] = squares;
  __syncthreads();
  float sum = 0.0f;
  for (int w = 0; w < threads / 32; ++w) sum += warp_sums[w];
  const float factor = 1.0f / sqrtf(sum / static_cast<float>(p.n) + p.epsilon);
  for (int i = thread; i - lane < p.n; i += threads) {  // whole warps: a group of q8 is one warp's
    write_row_outputs(p.y, static_cast<int>(blockIdx.x), p.n, i, i < p.n ? row[i] * factor * p.weight[i] : 0.0f);
  }
}

}  // namespace

void add_rms_norm(const AddRmsNormParams& p, Stream stream) {
  if (p.n_rows == 0) return;
  const std::size_t bytes = static_cast<std::size_t>(p.n) * sizeof(float);
  cudaFuncSetAttribute(add_rms_norm_kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, 64 * 1024);
  launch(add_rms_norm_kernel, dim3(static_cast<unsigned>(p.n_rows)), dim3(p.n <= 2048 ? 256 : 1024), bytes, stream, p);
}

}  // namespace baton::kernels::cuda
