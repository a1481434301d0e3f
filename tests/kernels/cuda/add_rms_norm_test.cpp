#include <baton/kernels/rms_norm.h>

#include "row_outputs.h"

namespace baton::kernels::cuda {
namespace {

constexpr float kEpsilon = 1e-6f;

class AddRmsNorm : public OnTarget {
 protected:
  std::vector<float> normed(const std::vector<float>& x, const std::vector<float>& weight, int n_rows) const {
    const int n = static_cast<int>(weight.size());
    if (!GetParam().on_device()) {
      ThreadPool pool(1);
      std::vector<float> y(x.size());
      cpu::rms_norm({x.data(), weight.data(), y.data(), n_rows, n, kEpsilon}, {GetParam().level(), pool});
      return y;
    }
    const DeviceBuffer<float> in(x), w(weight), y(x.size());
    add_rms_norm({in.get(), nullptr, w.get(), {y.get()}, n_rows, n, kEpsilon}, nullptr);
    EXPECT_EQ(first_difference(in.values(), x), "") << "x is not to be changed";
    return y.values();
  }
  static double factor(const float* x, int n) {
    double sum = 0;
    for (int i = 0; i < n; ++i) sum += static_cast<double>(x[i]) * x[i];
    return 1 / std::sqrt(sum / n + kEpsilon);
  }
};
INSTANTIATE_TEST_SUITE_P(, AddRmsNorm, testing::ValuesIn(targets()), target_name);

class AddRmsNormOnDevice : public AddRmsNorm {};
INSTANTIATE_TEST_SUITE_P(, AddRmsNormOnDevice, testing::ValuesIn(device_targets()), target_name);

// The squares are positive, so a sum of k of them in a row is off by at most k u, its root by half of that; six roundings follow. CPU: n /
// 8 + 4 in a row; device: n / 256 + 6 + 32.
double bound(int n) { return ((n / 8.0 + 40) / 2 + 6) * 0x1p-24; }

TEST_P(AddRmsNorm, agrees_with_double_precision) {
  for (const auto& [n_rows, n] : {std::pair{1, 1}, {3, 31}, {2, 33}, {1, 256}, {2, 2048}, {2, 2049}, {1, 16384}}) {
    SCOPED_TRACE(std::to_string(n_rows) + " x " + std::to_string(n));
    const std::vector<float> x = normal_floats(static_cast<std::size_t>(n_rows) * n, n, 3), weight = normal_floats(n, 2),
                             y = normed(x, weight, n_rows);
    for (int r = 0; r < n_rows; ++r) {
      const double f = factor(x.data() + static_cast<std::size_t>(r) * n, n);
      for (int i = 0; i < n; ++i) {
        const std::size_t at = static_cast<std::size_t>(r) * n + i;
        ASSERT_NEAR(y[at], x[at] * f * weight[i], std::fabs(x[at] * f * weight[i]) * bound(n)) << i;
      }
    }
  }
}

TEST_P(AddRmsNorm, of_zeros_is_zeros) {
  for (const float y : normed(std::vector<float>(100, 0), normal_floats(100, 1), 1)) EXPECT_EQ(y, 0);
}

TEST_P(AddRmsNorm, of_subnormal_numbers_keeps_them) {
  for (const float y : normed(std::vector<float>(64, 1e-39f), std::vector<float>(64, 1), 1))
    EXPECT_NEAR(y, 1e-39 / std::sqrt(kEpsilon), 1e-41);
}

TEST_P(AddRmsNormOnDevice, of_no_rows_does_nothing) { add_rms_norm({nullptr, nullptr, nullptr, {}, 0, 64, kEpsilon}, nullptr); }

TEST_P(AddRmsNorm, shows_numbers_that_are_none) {
  std::vector<float> x = normal_floats(2 * 64, 1);
  x[5] = std::nanf("");
  const std::vector<float> y = normed(x, std::vector<float>(64, 1), 2);
  for (int i = 0; i < 64; ++i) EXPECT_TRUE(std::isnan(y[i]));
  for (int i = 64; i < 128; ++i) EXPECT_FALSE(std::isnan(y[i]));
}

TEST_P(AddRmsNormOnDevice, adds_first_and_writes_every_form) {
  const int n_rows = 3, n = 2080;
  const std::vector<float> x = normal_floats(n_rows * n, 1), more = normal_floats(n_rows * n, 2), weight = normal_floats(n, 3);
  const DeviceBuffer<float> in(x), add(more), w(weight);
  AllForms forms(n_rows, n);
  add_rms_norm({in.get(), add.get(), w.get(), forms.outputs(), n_rows, n, kEpsilon}, nullptr);
  const std::vector<float> sum = in.values(), y = forms.check();
  for (int i = 0; i < n_rows * n; ++i) ASSERT_EQ(sum[i], x[i] + more[i]);
  for (int r = 0; r < n_rows; ++r) {
    const double f = factor(sum.data() + r * n, n);
    for (int i = 0; i < n; ++i)
      ASSERT_NEAR(y[r * n + i], sum[r * n + i] * f * weight[i], std::fabs(sum[r * n + i] * f * weight[i]) * bound(n));
  }
}

}  // namespace
}  // namespace baton::kernels::cuda
