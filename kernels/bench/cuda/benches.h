#pragma once
// The benches. Each takes its shape, compares a sample of its result with double precision over the same operands, throws if the error is
// beyond the bound, and only then measures time.
#include <string>

#include "shape.h"
#include "timing.h"

namespace baton::kernels::cuda::bench {

struct Result {
  double figure = 0;  // in `unit`
  std::string unit;
  Timing timing = {};
  double bytes = 0;          // bytes that a run has to read (a copy: read and write), if memory is the lower bound
  std::string note = {};     // for people
  std::string skipped = {};  // the reason why there is no figure
};

// Ceilings.
Result copy(const Shape& shape);     // by=memcpy or kernel, mib: of each of the two buffers
Result read(const Shape& shape);     // mib; mib=0: a quarter of the L2, again and again
Result mma(const Shape& shape);      // type=bf16 or s8, products: of a warp, one after the other in eight chains
Result product(const Shape& shape);  // m, n, k, by=own (gemm.h) or cublas: bf16

// Kernels.
Result attention_prefill(const Shape& shape);  // batch, n, heads, kv_heads, d, causal
Result attention_decode(const Shape& shape);   // type=f16, bf16, q8_0 or fp8; batch, context, heads, kv_heads, d
Result mat_vec(const Shape& shape);            // type, n_out, n_in, tokens: more than 8 by mat_mul_int8

Result attention_memory(
    const Shape& shape);  // as attention_prefill: the device memory that it needs, including queries, keys, values, output

}  // namespace baton::kernels::cuda::bench
