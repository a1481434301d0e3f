// The sample kernels against plain loops, under several orders of threads and blocks.
#include <baton/kernels/sim/options.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <random>

#include "device_buffer.h"
#include "samples.h"

namespace baton::kernels::samples {
namespace {

constexpr int kSeeds = 3;

std::vector<float> random_floats(std::size_t n, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<float> x(n);
  for (float& v : x) v = static_cast<float>(static_cast<int>(random() % 33) - 16) / 16;  // exact in bf16 and f16, sums exact in f32
  return x;
}

std::vector<__nv_bfloat16> to_bf16(const std::vector<float>& x) { return {x.begin(), x.end()}; }

TEST(Samples, RowSumsAreExactForOddSizes) {
  for (const int n_columns : {1, 31, 128, 333}) {
    const int n_rows = 7;
    const auto x = random_floats(static_cast<std::size_t>(n_rows * n_columns), 1);
    for (int seed = 0; seed < kSeeds; ++seed) {
      sim::set_seed(static_cast<std::uint64_t>(seed));
      DeviceBuffer<float> in(x), out(n_rows);
      sum_rows(out.get(), in.get(), n_rows, n_columns, nullptr);
      const auto y = out.values();
      for (int r = 0; r < n_rows; ++r) {
        float sum = 0;
        for (int i = 0; i < n_columns; ++i) sum += x[static_cast<std::size_t>(r * n_columns + i)];
        EXPECT_EQ(y[static_cast<std::size_t>(r)], sum) << "row " << r << " of " << n_columns;
      }
    }
  }
}

TEST(Samples, TheLastBlockAddsUpWhatAllWrote) {
  const auto x = random_floats(1000, 2);
  float expected = 0;
  for (const float v : x) expected += v;
  for (int seed = 0; seed < kSeeds; ++seed) {
    sim::set_seed(static_cast<std::uint64_t>(seed));
    DeviceBuffer<float> in(x), partial(8), total(1);
    DeviceBuffer<unsigned> done(std::vector<unsigned>{0});
    sum_by_last_block(total.get(), partial.get(), done.get(), in.get(), 1000, nullptr);
    EXPECT_EQ(total.values()[0], expected);
  }
}

TEST(Samples, TiledProductIsExactForOddSizes) {
  for (const auto [m, n, k] : {std::array{1, 1, 8}, {64, 64, 32}, {65, 70, 72}, {130, 33, 200}}) {
    const auto a = random_floats(static_cast<std::size_t>(m * k), 3), b = random_floats(static_cast<std::size_t>(n * k), 4);
    for (int seed = 0; seed < kSeeds; ++seed) {
      sim::set_seed(static_cast<std::uint64_t>(seed));
      DeviceBuffer<__nv_bfloat16> da(to_bf16(a)), db(to_bf16(b));
      DeviceBuffer<float> dc(static_cast<std::size_t>(m * n));
      gemm(dc.get(), da.get(), db.get(), m, n, k, nullptr);
      const auto c = dc.values();
      for (int i = 0; i < m; ++i) {
        for (int j = 0; j < n; ++j) {
          float sum = 0;
          for (int l = 0; l < k; ++l) sum += a[static_cast<std::size_t>(i * k + l)] * b[static_cast<std::size_t>(j * k + l)];
          ASSERT_EQ(c[static_cast<std::size_t>(i * n + j)], sum) << i << "," << j << " of " << m << "x" << n << "x" << k;
        }
      }
    }
  }
}

// Printed for the headers of kernels/sim, which state it; not tested, because other work on the machine changes it.
TEST(Samples, TimeOfASwitchAndOfAnMma) {
  constexpr int kRepeats = 20000;
  DeviceBuffer<float> out(32);
  const auto seconds_of = [](auto f) {
    const auto start = std::chrono::steady_clock::now();
    f();
    cudaDeviceSynchronize();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  repeat_barrier(1, nullptr);
  const double mma = seconds_of([&] { repeat_mma(out.get(), kRepeats, nullptr); });
  const double barrier = seconds_of([&] { repeat_barrier(kRepeats / 10, nullptr); });
  std::printf("warp mma %.2f us, barrier of a thread %.1f ns\n", mma / kRepeats * 1e6, barrier / (kRepeats / 10 * 256.0) * 1e9);
  EXPECT_EQ(out.values()[31], 1.0f);
}

}  // namespace
}  // namespace baton::kernels::samples
