#pragma once
// y = W x (+ bias) for a batch of rows x. Quantised weights are multiplied by activations quantised to 8 bits in groups of 32; f32, f16 and
// bf16 weights by activations in f32.
//
// The sums, and so the bits of the result, do not depend on batch, threads or level:
//   quantised: eight lanes; lane l holds elements 4l..4l+3 of each group. Group after group, each lane adds
//              float(exact integer sum) * (weight scale * activation scale); minima are a dot product of their own, over groups.
//   others:    eight lanes; lane l holds elements l, l + 8, ..; each adds w * x in that order.
//   lanes are added as ((l0+l4)+(l2+l6)) + ((l1+l5)+(l3+l7)); then minima, then the bias. No fused multiply-adds.
#include <baton/kernels/cpu.h>
#include <baton/kernels/tensor_type.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace baton::kernels {

// Activations prepared once for all the matrices that read them. Its buffers are reused from step to step and only grow.
struct Activations {
  const float* x = nullptr;  // (n_tokens, n_in): not owned
  int n_tokens = 0;
  int n_in = 0;
  std::vector<std::int8_t> q;     // (n_tokens, n_in), round to nearest even of x / scale
  std::vector<float> scale;       // (n_tokens, n_in / 32), largest magnitude of the group / 127; 0 below 1e-36, NaN when not finite
  std::vector<float> scaled_sum;  // (n_tokens, n_in / 32), scale * sum of q
};

struct MatMulParams {
  TensorType type;
  const std::byte* weight;  // (n_out, n_in), rows of row_bytes(type, n_in)
  const float* bias;        // (n_out), or null
  float* y;                 // (n_tokens, n_out)
  int n_out;
};

namespace cpu {

// Sets x, n_tokens and n_in. Quantises as well if `quantise` is set (n_in a multiple of 32).
void prepare_activations(Activations& a, const float* x, int n_tokens, int n_in, bool quantise, const Cpu& cpu);

// Multiplies several matrices by the same activations, in one pass over the threads.
void mat_mul(const MatMulParams* matrices, int n_matrices, const Activations& a, const Cpu& cpu);

}  // namespace cpu
}  // namespace baton::kernels
