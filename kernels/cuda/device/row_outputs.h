#pragma once
// Writes a row kernel's results in every requested form. A warp provides 32 neighbouring columns, one group of q8, one per lane.
#include <baton/kernels/cuda.h>

#include "arithmetic.h"
#include "warp.h"

namespace baton::kernels::cuda {

// All lanes of the warp call it together; column = first of 32 + lane. Lanes with column >= n may pass any value and write nothing.
__device__ __forceinline__ void write_row_outputs(const RowOutputs& y, int row, int n, int column, float value) {
  const std::size_t at = static_cast<std::size_t>(row) * n + column;
  const bool inside = column < n;
  if (y.f32 && inside) y.f32[at] = value;
  if (y.bf16 && inside) y.bf16[at] = bf16_bits(value);
  if (!y.q8.q) return;  // the same for all lanes
  const bool finite = __all_sync(kAllLanes, isfinite(value));
  float scale = warp_max(fabsf(value)) / 127.0f;
  if (scale < 1e-36f) scale = 0.0f;
  const int q = finite && scale > 0.0f ? __float2int_rn(value / scale) : 0;
  const int sum = warp_sum(q);
  if (!finite) scale = __int_as_float(0x7fc00000);  // NaN: the model broke, and its logits must show it
  y.q8.q[at] = static_cast<std::int8_t>(q);
  if (column % 32 == 0) y.q8.scale[at / 32] = {scale, scale * static_cast<float>(sum)};
}

}  // namespace baton::kernels::cuda
