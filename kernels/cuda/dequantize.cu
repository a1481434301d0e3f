// Rows of weights in any format -> bf16, for products with many columns, which are bound by the tensor cores and not by the weights' bytes.
//
// Grid: (ceil(n / 2048), rows, at most 65535 at a time) blocks of 256 threads; a thread makes 8 neighbouring elements, one 16-byte word.
// Reads the row's bytes, which neighbouring threads share through the L1, and writes 2 bytes an element.
#include <baton/kernels/cuda/device/block_value.h>
#include <baton/kernels/cuda/device/launch.h>
#include <baton/kernels/dequantize.h>

namespace baton::kernels::cuda {
namespace {

constexpr int kThreads = 256, kElements = 8;
constexpr std::size_t kMaxGridY = 65535;

template <TensorType kType>
__global__ void __launch_bounds__(kThreads) dequantize_kernel(DequantizeParams p) {
  constexpr bool kIsQuantised = kBlockElements < kType >> 1;
  const int first = (static_cast<int>(blockIdx.x) * kThreads + static_cast<int>(threadIdx.x)) * kElements;
  if (first >= p.n) return;
  for (std::size_t row = blockIdx.y; row < p.n_rows; row += gridDim.y) {
    const auto* const bytes =
        reinterpret_cast<const unsigned char*>(p.rows) + row * (static_cast<std::size_t>(p.n) / kBlockElements<kType> * kBlockBytes<kType>);
    const unsigned char* const block = kIsQuantised ? bytes + first / kBlockElements<kType> * kBlockBytes<kType> : bytes;
    const int in_block = kIsQuantised ? first % kBlockElements<kType> : first;
    std::uint32_t words[kElements / 2];
#pragma unroll
    for (int i = 0; i < kElements / 2; ++i) {
      words[i] = pack_bf16(block_value<kType>(block, in_block + 2 * i), block_value<kType>(block, in_block + 2 * i + 1));
    }
    *reinterpret_cast<uint4*>(p.out + row * p.n + first) = make_uint4(words[0], words[1], words[2], words[3]);
  }
}

template <TensorType kType>
void launch_dequantize(const DequantizeParams& p, Stream stream) {
  const int columns = kThreads * kElements;
  const dim3 grid(static_cast<unsigned>((p.n + columns - 1) / columns), static_cast<unsigned>(p.n_rows < kMaxGridY ? p.n_rows : kMaxGridY));
  launch(dequantize_kernel<kType>, grid, dim3(kThreads), 0, stream, p);
}

}  // namespace

void dequantize(const DequantizeParams& p, Stream stream) {
  if (p.n_rows == 0 || p.n == 0) return;
  switch (p.type) {
    case TensorType::f32:
      return launch_dequantize<TensorType::f32>(p, stream);
    case TensorType::f16:
      return launch_dequantize<TensorType::f16>(p, stream);
    case TensorType::bf16:
      return launch_dequantize<TensorType::bf16>(p, stream);
    case TensorType::q4_0:
      return launch_dequantize<TensorType::q4_0>(p, stream);
    case TensorType::q4_1:
      return launch_dequantize<TensorType::q4_1>(p, stream);
    case TensorType::q5_0:
      return launch_dequantize<TensorType::q5_0>(p, stream);
    case TensorType::q5_1:
      return launch_dequantize<TensorType::q5_1>(p, stream);
    case TensorType::q8_0:
      return launch_dequantize<TensorType::q8_0>(p, stream);
    case TensorType::q4_k:
      return launch_dequantize<TensorType::q4_k>(p, stream);
    case TensorType::q5_k:
      return launch_dequantize<TensorType::q5_k>(p, stream);
    case TensorType::q6_k:
      return launch_dequantize<TensorType::q6_k>(p, stream);
    case TensorType::iq4_nl:
      return launch_dequantize<TensorType::iq4_nl>(p, stream);
  }
}

}  // namespace baton::kernels::cuda
