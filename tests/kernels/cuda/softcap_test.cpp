#include <baton/kernels/softcap.h>

#include "device.h"

namespace baton::kernels::cuda {
namespace {

class Softcap : public OnTarget {};
INSTANTIATE_TEST_SUITE_P(, Softcap, testing::ValuesIn(device_targets()), target_name);

TEST_P(Softcap, agrees_with_double_precision) {
  std::vector<float> x = normal_floats(1001, 1, 40);
  x[0] = 0, x[1] = 1e30f, x[2] = -1e30f;
  const DeviceBuffer<float> y(x);
  softcap(y.get(), x.size(), 30, nullptr);
  const std::vector<float> got = y.values();
  for (std::size_t i = 0; i < x.size(); ++i) ASSERT_NEAR(got[i], 30 * std::tanh(static_cast<double>(x[i]) / 30), 30 * 3e-7) << x[i];
}

TEST_P(Softcap, of_nothing_does_nothing) { softcap(nullptr, 0, 30, nullptr); }

}  // namespace
}  // namespace baton::kernels::cuda
