#pragma once
// Selects rows by an index in device memory.
#include <baton/kernels/cuda.h>
#include <baton/kernels/tensor_type.h>

namespace baton::kernels::cuda {

struct EmbedParams {
  TensorType type;
  const std::byte* table;      // rows of row_bytes(type, n), the first at an even address, of f32 at a multiple of 4
  const std::int32_t* tokens;  // (n_rows), rows of the table
  float* y;                    // (n_rows, n)
  int n_rows;
  int n;        // a multiple of the block's elements
  float scale;  // y = scale * row: 1, or sqrt(n) (Gemma)
};
void embed(const EmbedParams& p, Stream stream);

struct GatherParams {
  const float* x;               // rows of n
  const std::int32_t* indices;  // (n_rows)
  float* y;                     // (n_rows, n), not x
  int n_rows;
  int n;
};
void gather(const GatherParams& p, Stream stream);

}  // namespace baton::kernels::cuda
