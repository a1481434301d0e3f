#include <baton/kernels/rope.h>

#include <cstddef>

namespace baton::kernels::cpu {

void rope(const RopeParams& p, const Cpu& cpu) {
  const int half = p.n_rot / 2;
  const auto one_token = [&](int t, int) {
    const float* cos = p.cos + static_cast<std::size_t>(t) * half;
    const float* sin = p.sin + static_cast<std::size_t>(t) * half;
    for (int h = 0; h < p.n_head; ++h) {
      float* x = p.x + (static_cast<std::size_t>(t) * p.n_head + h) * p.head_dim;
      for (int i = 0; i < half; ++i) {
        float& a = x[p.halves ? i : 2 * i];
        float& b = x[p.halves ? i + half : 2 * i + 1];
        const float a0 = a, b0 = b;
        a = a0 * cos[i] - b0 * sin[i];
        b = a0 * sin[i] + b0 * cos[i];
      }
    }
  };
  if (p.n_tokens >= 8) return cpu.pool.run(p.n_tokens, one_token);
  for (int t = 0; t < p.n_tokens; ++t) one_token(t, 0);
}

}  // namespace baton::kernels::cpu
