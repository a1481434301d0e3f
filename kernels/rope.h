#pragma once
// Rotates the pairs of each head by the angles of its token's position (Su et al. 2021), in place.
#include <baton/kernels/cpu.h>

namespace baton::kernels {

struct RopeParams {
  float* x;          // (n_tokens, n_head, head_dim)
  const float* cos;  // (n_tokens, n_rot / 2), from rope_cos_sin
  const float* sin;
  int n_tokens;
  int n_head;
  int head_dim;
  int n_rot;    // the first n_rot dimensions are rotated, the others stay
  bool halves;  // pair i is (i, i + n_rot / 2): GGUF's NEOX; otherwise (2 i, 2 i + 1): NORM
};

namespace cpu {
void rope(const RopeParams& p, const Cpu& cpu);
}
}  // namespace baton::kernels
