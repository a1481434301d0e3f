#pragma once
#include <baton/kernels/tensor_type.h>

#include <cstddef>

namespace baton::kernels::cpu {

// One row of n elements in any of the types to f32. Source of the formats: ggml's reference quantisation.
void dequantize_row(TensorType type, const std::byte* row, std::size_t n, float* out);

}  // namespace baton::kernels::cpu
