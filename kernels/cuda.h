#pragma once
// Types shared by the CUDA side of every op. Functions in namespace cuda put their work into a stream and return; pointers in their params
// are to device memory, 16-byte aligned, and valid until the work is done. The functions check nothing and return nothing: the end of the
// step calls cudaGetLastError(), which reports a launch that the device refused.
#include <cstddef>
#include <cstdint>

struct CUstream_st;

namespace baton::kernels::cuda {

using Stream = CUstream_st*;  // cudaStream_t, for code that does not include CUDA's headers

// Rows quantised to 8 bits in groups of 32, as matrix products with quantised weights read them (ggml's q8_1, with integers and scales
// apart so that both are read in whole words): x[i] is about scale * q[i].
struct Q8Scale {
  float scale;       // largest magnitude of the group / 127; 0 below 1e-36, NaN when not finite
  float scaled_sum;  // scale * sum of q, for weights with minima
};
struct Q8Rows {
  std::int8_t* q = nullptr;  // (n_rows, n), round to nearest even of x / scale
  Q8Scale* scale = nullptr;  // (n_rows, n / 32)
};

// The outputs of an op that works by rows, at most 65535 of them: every form that is not null is written, each (n_rows, n). n is a multiple
// of 32 for q8.
struct RowOutputs {
  float* f32 = nullptr;
  std::uint16_t* bf16 = nullptr;
  Q8Rows q8 = {};
};

}  // namespace baton::kernels::cuda
