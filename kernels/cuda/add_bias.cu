// y += bias, row by row. Grid: (ceil(n / 256), rows, at most 65535 at a time) blocks of 256 threads, a thread a column.
#include <baton/kernels/cuda/device/launch.h>

#include "cublas_library.h"

namespace baton::kernels::cuda {
namespace {

constexpr int kThreads = 256;

__global__ void __launch_bounds__(kThreads) add_bias_kernel(float* y, std::size_t y_stride, const float* bias, int m, int n) {
  const int column = static_cast<int>(blockIdx.x * kThreads + threadIdx.x);
  if (column >= n) return;
  for (int row = static_cast<int>(blockIdx.y); row < m; row += static_cast<int>(gridDim.y)) y[row * y_stride + column] += bias[column];
}

}  // namespace

void add_bias(float* y, std::size_t y_stride, const float* bias, int m, int n, Stream stream) {
  if (m == 0 || n == 0) return;
  const dim3 grid(static_cast<unsigned>((n + kThreads - 1) / kThreads), static_cast<unsigned>(m < 65535 ? m : 65535));
  launch(add_bias_kernel, grid, dim3(kThreads), 0, stream, y, y_stride, bias, m, n);
}

}  // namespace baton::kernels::cuda
