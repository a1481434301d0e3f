#include <baton/kernels/add.h>

#include "device.h"

namespace baton::kernels::cuda {
namespace {

class Add : public OnTarget {};
INSTANTIATE_TEST_SUITE_P(, Add, testing::ValuesIn(device_targets()), target_name);

TEST_P(Add, gives_the_sum_of_each_pair) {
  for (const std::size_t n : {std::size_t{1}, std::size_t{4}, std::size_t{7}, std::size_t{1024 * 1024 + 5}}) {
    const std::vector<float> x = normal_floats(n, 1), y = normal_floats(n, 2);
    const DeviceBuffer<float> sum(x), more(y);
    add(sum.get(), more.get(), n, nullptr);
    const std::vector<float> got = sum.values();
    for (std::size_t i = 0; i < n; ++i) ASSERT_EQ(got[i], x[i] + y[i]) << i;
  }
}

TEST_P(Add, of_nothing_does_nothing) { add(nullptr, nullptr, 0, nullptr); }

}  // namespace
}  // namespace baton::kernels::cuda
