// Rows of an embedding table in any weight format, and rows of a matrix, by an index in device memory.
// Grid: (ceil(n / 1024), rows, at most 65535 at a time) blocks of 256 threads; a thread makes every 256th of 1024 columns.
#include <baton/kernels/cuda/device/block_value.h>
#include <baton/kernels/cuda/device/launch.h>
#include <baton/kernels/rows.h>

namespace baton::kernels::cuda {
namespace {

constexpr int kThreads = 256, kColumns = 1024, kMaxGridY = 65535;

template <class F>
__device__ __forceinline__ void for_columns(int n, F f) {
#pragma unroll
  for (int i = 0; i < kColumns / kThreads; ++i) {
    const int column = static_cast<int>(blockIdx.x) * kColumns + i * kThreads + static_cast<int>(threadIdx.x);
    if (column < n) f(column);
  }
}

template <TensorType kType>
__global__ void __launch_bounds__(kThreads) embed_kernel(EmbedParams p) {
  const std::size_t row_bytes = static_cast<std::size_t>(p.n) / kBlockElements<kType> * kBlockBytes<kType>;
  for (int r = static_cast<int>(blockIdx.y); r < p.n_rows; r += static_cast<int>(gridDim.y)) {
    const auto* const row = reinterpret_cast<const unsigned char*>(p.table) + p.tokens[r] * row_bytes;
    float* const y = p.y + static_cast<std::size_t>(r) * p.n;
    for_columns(p.n, [&](int column) {
      constexpr int kElements = kBlockElements<kType>;
      const float value = kElements > 1 ? block_value<kType>(row + column / kElements * kBlockBytes<kType>, column % kElements)
                                        : block_value<kType>(row, column);
      y[column] = p.scale * value;
    });
  }
}

__global__ void __launch_bounds__(kThreads) gather_kernel(GatherParams p) {
  for (int r = static_cast<int>(blockIdx.y); r < p.n_rows; r += static_cast<int>(gridDim.y)) {
    const float* const x = p.x + static_cast<std::size_t>(p.indices[r]) * p.n;
    float* const y = p.y + static_cast<std::size_t>(r) * p.n;
    for_columns(p.n, [&](int column) { y[column] = x[column]; });
  }
}

dim3 grid_for(int n, int n_rows) {
  return dim3(static_cast<unsigned>((n + kColumns - 1) / kColumns), static_cast<unsigned>(n_rows < kMaxGridY ? n_rows : kMaxGridY));
}

template <TensorType kType>
void launch_embed(const EmbedParams& p, Stream stream) {
  launch(embed_kernel<kType>, grid_for(p.n, p.n_rows), dim3(kThreads), 0, stream, p);
}

}  // namespace

void embed(const EmbedParams& p, Stream stream) {
  if (p.n_rows == 0 || p.n == 0) return;
  switch (p.type) {
    case TensorType::f32:
      return launch_embed<TensorType::f32>(p, stream);
    case TensorType::f16:
      return launch_embed<TensorType::f16>(p, stream);
    case TensorType::bf16:
      return launch_embed<TensorType::bf16>(p, stream);
    case TensorType::q4_0:
      return launch_embed<TensorType::q4_0>(p, stream);
    case TensorType::q4_1:
      return launch_embed<TensorType::q4_1>(p, stream);
    case TensorType::q5_0:
      return launch_embed<TensorType::q5_0>(p, stream);
    case TensorType::q5_1:
      return launch_embed<TensorType::q5_1>(p, stream);
    case TensorType::q8_0:
      return launch_embed<TensorType::q8_0>(p, stream);
    case TensorType::q4_k:
      return launch_embed<TensorType::q4_k>(p, stream);
    case TensorType::q5_k:
      return launch_embed<TensorType::q5_k>(p, stream);
    case TensorType::q6_k:
      return launch_embed<TensorType::q6_k>(p, stream);
    case TensorType::iq4_nl:
      return launch_embed<TensorType::iq4_nl>(p, stream);
  }
}

void gather(const GatherParams& p, Stream stream) {
  if (p.n_rows == 0 || p.n == 0) return;
  launch(gather_kernel, grid_for(p.n, p.n_rows), dim3(kThreads), 0, stream, p);
}

}  // namespace baton::kernels::cuda
