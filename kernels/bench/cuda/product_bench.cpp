#include <algorithm>
#include <cmath>
#include <memory>

#include <baton/kernels/float16.h>
#include <baton/kernels/gemm.h>

#include "benches.h"
#include "cublas_library.h"
#include "device.h"
#include "fill.h"

namespace baton::kernels::cuda::bench {
namespace {

struct Operands {
  Operands(int m, int n, int k, unsigned seed)
      : x(static_cast<std::size_t>(m) * k), w(static_cast<std::size_t>(n) * k), y(static_cast<std::size_t>(m) * n) {
    fill(x.get(), x.bytes(), seed, kBf16, nullptr);
    fill(w.get(), w.bytes(), seed + 1, kBf16, nullptr);
  }
  Buffer<std::uint16_t> x, w;
  Buffer<float> y;
};

// Elements along a diagonal, the corners with them. The bound is that of tests/kernels/cuda/gemm_test.cpp.
void check_elements(const Operands& o, int m, int n, int k) {
  constexpr int kElements = 32;
  for (int e = 0; e < kElements; ++e) {
    const auto at = [&](int size) { return static_cast<std::size_t>(static_cast<long long>(size - 1) * e / (kElements - 1)); };
    const std::size_t i = at(m), j = at(n);
    const auto x = download(o.x.get() + i * k, k), w = download(o.w.get() + j * k, k);
    double want = 0, size = 0;
    for (int d = 0; d < k; ++d) {
      const double term = static_cast<double>(bf16_to_f32(x[d])) * bf16_to_f32(w[d]);
      want += term, size += std::fabs(term);
    }
    const double error = std::fabs(download(o.y.get() + i * n + j, 1)[0] - want);
    if (!(error <= 2 * (k + 2) * 0x1p-24 * size)) {
      throw std::runtime_error("differs from double precision: row " + std::to_string(i) + ", column " + std::to_string(j) + " by " +
                               std::to_string(error));
    }
  }
}

// Opened once and left open: that takes a second.
Cublas* cublas(std::string& why_not) {
  static std::string reason;
  static Cublas* const library = Cublas::open(Cublas::usual_names(), reason).release();
  why_not = reason;
  return library;
}

}  // namespace

Result product(const Shape& shape) {
  const int m = shape.number("m"), n = shape.number("n"), k = shape.number("k");
  const bool own = shape.word("by") == "own";
  std::string why_not;
  Cublas* const library = own ? nullptr : cublas(why_not);
  if (!own && !library) return {.skipped = why_not};
  std::vector<Operands> sets;
  sets.emplace_back(m, n, k, 1);
  const int wanted = n_sets(sets[0].x.bytes() + sets[0].w.bytes() + sets[0].y.bytes());
  while (static_cast<int>(sets.size()) < wanted) sets.emplace_back(m, n, k, 2 * static_cast<unsigned>(sets.size()) + 1);
  const auto run = [&](int set) {
    const Operands& o = sets[set];
    const GemmParams p{o.x.get(), o.w.get(), nullptr, o.y.get(), static_cast<std::size_t>(n), m, n, k, false};
    if (own) {
      gemm(p, nullptr);
    } else if (!library->gemm(p, nullptr)) {
      throw std::runtime_error("cuBLAS refused the product");
    }
  };
  run(0);
  wait("the product");
  check_elements(sets[0], m, n, k);
  const Timing timing = time_runs(run, wanted);
  return {2.0 * m * n * k / timing.us * 1e-6, "TFLOP/s", timing};
}

}  // namespace baton::kernels::cuda::bench
