#pragma once
#include <baton/kernels/cuda.h>
#include <baton/kernels/tensor_type.h>

#include <cstddef>

namespace baton::kernels {
namespace cpu {

// Converts one row of n elements of any of the types to f32. The formats are defined by ggml's reference quantisation.
void dequantize_row(TensorType type, const std::byte* row, std::size_t n, float* out);

}  // namespace cpu

namespace cuda {

struct DequantizeParams {
  TensorType type;
  const std::byte* rows;  // (n_rows, n), rows of row_bytes(type, n), the first at an even address, of f32 at a multiple of 4
  std::uint16_t* out;     // (n_rows, n) bf16
  std::size_t n_rows;
  int n;  // a multiple of the block's elements, and of 8
};
// Dequantises weights to operands of gemm.h.
void dequantize(const DequantizeParams& p, Stream stream);

}  // namespace cuda
}  // namespace baton::kernels
