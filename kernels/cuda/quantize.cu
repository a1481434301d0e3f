// Rows of f32 in any of the forms of RowOutputs. Grid: (ceil(n / 1024), n_rows) blocks of 256 threads; a warp takes 32 columns, one group,
// at a time.
#include <baton/kernels/cuda/device/launch.h>
#include <baton/kernels/cuda/device/row_outputs.h>
#include <baton/kernels/quantize.h>

namespace baton::kernels::cuda {
namespace {

constexpr int kThreads = 256, kColumns = 1024;

__global__ void __launch_bounds__(kThreads) quantize_kernel(QuantizeParams p) {
  const int row = static_cast<int>(blockIdx.y), lane = static_cast<int>(threadIdx.x) % 32;
  const float* const x = p.x + row * p.row_stride;
#pragma unroll
  for (int i = 0; i < kColumns / kThreads; ++i) {
    const int column = static_cast<int>(blockIdx.x) * kColumns + i * kThreads + static_cast<int>(threadIdx.x);
    if (column - lane >= p.n) return;  // the same for all lanes of a warp
    write_row_outputs(p.y, row, p.n, column, column < p.n ? x[column] : 0.0f);
  }
}

}  // namespace

void quantize(const QuantizeParams& p, Stream stream) {
  if (p.n_rows == 0 || p.n == 0) return;
  launch(quantize_kernel, dim3(static_cast<unsigned>((p.n + kColumns - 1) / kColumns), static_cast<unsigned>(p.n_rows)), dim3(kThreads), 0,
         stream, p);
}

}  // namespace baton::kernels::cuda
