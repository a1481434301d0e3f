// y = f(gate) * up by rows, f being silu or gelu (Shazeer 2020).
// Grid: (ceil(n / 1024), n_rows) blocks of 256 threads; a warp takes 32 columns at a time, four times. Reads 8 bytes an element.
#include <baton/kernels/cuda/device/launch.h>
#include <baton/kernels/cuda/device/row_outputs.h>
#include <baton/kernels/swiglu.h>

namespace baton::kernels::cuda {
namespace {

constexpr int kThreads = 256, kColumns = 1024;

template <GateFunction kFunction>
__device__ __forceinline__ float gated(float gate) {
  if (kFunction == GateFunction::silu) return gate / (1.0f + expf(-gate));
  return 0.5f * gate * (1.0f + tanhf(0.7978845608028654f * gate * (1.0f + 0.044715f * gate * gate)));
}

template <GateFunction kFunction>
__global__ void __launch_bounds__(kThreads) glu_kernel(GluParams p) {
  const int row = static_cast<int>(blockIdx.y);
  const float* gate = p.gate + row * p.row_stride;
  const float* up = p.up + row * p.row_stride;
  const int first = static_cast<int>(blockIdx.x) * kColumns + static_cast<int>(threadIdx.x);
  const int lane = static_cast<int>(threadIdx.x) % 32;
#pragma unroll
  for (int i = 0; i < kColumns / kThreads; ++i) {
    const int column = first + i * kThreads;
    if (column - lane >= p.n) return;  // the same for all lanes of a warp
    const float value = column < p.n ? gated<kFunction>(gate[column]) * up[column] : 0.0f;
    write_row_outputs(p.y, row, p.n, column, value);
  }
}

}  // namespace

void glu(const GluParams& p, Stream stream) {
  if (p.n_rows == 0 || p.n == 0) return;
  const dim3 grid(static_cast<unsigned>((p.n + kColumns - 1) / kColumns), static_cast<unsigned>(p.n_rows));
  const auto kernel = p.function == GateFunction::silu ? glu_kernel<GateFunction::silu> : glu_kernel<GateFunction::gelu>;
  launch(kernel, grid, dim3(kThreads), 0, stream, p);
}

}  // namespace baton::kernels::cuda
