#include <baton/kernels/swiglu.h>

#include <algorithm>

#include "device.h"
#include "row_outputs.h"

namespace baton::kernels::cuda {
namespace {

class Glu : public OnTarget {
 protected:
  std::vector<float> run(const std::vector<float>& gate, const std::vector<float>& up, int n_rows, GateFunction function) {
    const int n = static_cast<int>(gate.size()) / std::max(n_rows, 1);
    if (!GetParam().on_device()) {
      ThreadPool pool(1);
      std::vector<float> y(gate.size());
      cpu::swiglu({gate.data(), up.data(), y.data(), gate.size()}, {GetParam().level(), pool});
      return y;
    }
    const DeviceBuffer<float> gates(gate), ups(up), y(gate.size());
    glu({gates.get(), ups.get(), static_cast<std::size_t>(n), {y.get()}, n_rows, n, function}, nullptr);
    return y.values();
  }
};
INSTANTIATE_TEST_SUITE_P(, Glu, testing::ValuesIn(targets()), target_name);

class GluOnDevice : public Glu {};
INSTANTIATE_TEST_SUITE_P(, GluOnDevice, testing::ValuesIn(device_targets()), target_name);

double silu(double x) { return x / (1 + std::exp(-x)); }
double gelu(double x) { return 0.5 * x * (1 + std::tanh(0.7978845608028654 * x * (1 + 0.044715 * x * x))); }

// exp (2 ulp = 4 u on each side), one addition, a division (2 ulp for the device's fast one), a product.
constexpr double kBound = 12 * 0x1p-24;

TEST_P(Glu, agrees_with_double_precision) {
  for (const auto& [n_rows, n] : {std::pair{1, 1}, {3, 33}, {2, 1024}, {1, 1025}, {5, 896}}) {
    std::vector<float> gate = normal_floats(static_cast<std::size_t>(n_rows) * n, 1, 8);
    const float special[] = {0.0f, -0.0f, 1e-20f, 80.0f, -80.0f, 1e-40f, -86.0f};
    for (std::size_t i = 0; i < std::min(gate.size(), std::size(special)); ++i) gate[gate.size() - 1 - i] = special[i];
    const std::vector<float> up = normal_floats(gate.size(), 2), y = run(gate, up, n_rows, GateFunction::silu);
    for (std::size_t i = 0; i < gate.size(); ++i) {
      const double want = silu(gate[i]) * up[i];
      ASSERT_NEAR(y[i], want, std::fabs(want) * kBound + 1e-37) << "gate " << gate[i] << " of " << n_rows << " x " << n;
    }
  }
}

TEST_P(GluOnDevice, with_gelu_agrees_with_double_precision) {
  const std::vector<float> gate = normal_floats(3 * 100, 3, 3), up = normal_floats(gate.size(), 4);
  const std::vector<float> y = run(gate, up, 3, GateFunction::gelu);
  for (std::size_t i = 0; i < gate.size(); ++i) {
    // 1 + tanh cancels where gate is well below zero: an error of 4 u absolute, times gate / 2 * up.
    ASSERT_NEAR(y[i], gelu(gate[i]) * up[i], 8 * 0x1p-24 * (std::fabs(gate[i] * up[i]) + 1e-30)) << gate[i];
  }
}

TEST_P(GluOnDevice, of_nothing_does_nothing) {
  glu({nullptr, nullptr, 8, {}, 0, 8, GateFunction::silu}, nullptr);
  glu({nullptr, nullptr, 0, {}, 3, 0, GateFunction::gelu}, nullptr);
}

TEST_P(GluOnDevice, reads_gate_and_up_from_one_matrix_and_writes_every_form) {
  const int n_rows = 3, n = 160;
  const std::vector<float> both = normal_floats(n_rows * 2 * n, 5, 2);
  const DeviceBuffer<float> in(both);
  AllForms forms(n_rows, n);
  glu({in.get(), in.get() + n, 2 * n, forms.outputs(), n_rows, n, GateFunction::silu}, nullptr);
  const std::vector<float> y = forms.check();
  for (int r = 0; r < n_rows; ++r) {
    for (int i = 0; i < n; ++i) {
      const double want = silu(both[r * 2 * n + i]) * both[r * 2 * n + n + i];
      ASSERT_NEAR(y[r * n + i], want, std::fabs(want) * kBound);
    }
  }
}

}  // namespace
}  // namespace baton::kernels::cuda
