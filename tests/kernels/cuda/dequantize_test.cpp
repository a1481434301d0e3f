#include <baton/kernels/dequantize.h>

#include "device.h"

namespace baton::kernels::cuda {
namespace {

// Against the CPU's dequantize_row, which `check.sh oracle dequantize` holds against the gguf package.
class Dequantize : public OnTarget {};
INSTANTIATE_TEST_SUITE_P(, Dequantize, testing::ValuesIn(device_targets()), target_name);

TEST_P(Dequantize, gives_every_format_rounded_to_bf16) {
  std::vector<TensorType> types(std::begin(kQuantisedTypes), std::end(kQuantisedTypes));
  types.insert(types.end(), std::begin(kFloatTypes), std::end(kFloatTypes));
  for (const TensorType type : types) {
    for (const auto& [n_rows, n] : {std::pair{1, 256}, {5, 768}, {2, 2304}}) {
      SCOPED_TRACE(std::string(type_name(type)) + ", " + std::to_string(n_rows) + " x " + std::to_string(n));
      const std::vector<std::byte> rows = random_weights(type, n_rows, n, 7);
      const DeviceBuffer<std::byte> weights(rows);
      const DeviceBuffer<std::uint16_t> out(static_cast<std::size_t>(n_rows) * n);
      dequantize({type, weights.get(), out.get(), static_cast<std::size_t>(n_rows), n}, nullptr);
      const std::vector<std::uint16_t> got = out.values();
      std::vector<float> want(n);
      for (int r = 0; r < n_rows; ++r) {
        cpu::dequantize_row(type, rows.data() + r * row_bytes(type, n), n, want.data());
        // bf16 has 8 digits; the device may fuse the product with the minimum's addition, whose parts may cancel.
        for (int i = 0; i < n; ++i) {
          ASSERT_NEAR(bf16_to_f32(got[static_cast<std::size_t>(r) * n + i]), want[i], std::fabs(want[i]) * 0x1p-8 + 1e-7)
              << "row " << r << " element " << i;
        }
      }
    }
  }
}

TEST_P(Dequantize, of_more_rows_than_a_grid_has) {
  const std::size_t n_rows = 65537;
  const std::vector<float> values = normal_floats(n_rows * 8, 1);
  std::vector<std::byte> rows(values.size() * 4);
  std::memcpy(rows.data(), values.data(), rows.size());
  const DeviceBuffer<std::byte> weights(rows);
  const DeviceBuffer<std::uint16_t> out(n_rows * 8);
  dequantize({TensorType::f32, weights.get(), out.get(), n_rows, 8}, nullptr);
  const std::vector<std::uint16_t> got = out.values();
  for (const std::size_t i : {std::size_t{0}, n_rows * 4, n_rows * 8 - 1})
    EXPECT_NEAR(bf16_to_f32(got[i]), values[i], std::fabs(values[i]) * 0x1p-8);
}

TEST_P(Dequantize, of_nothing_does_nothing) { dequantize({TensorType::q4_0, nullptr, nullptr, 0, 256}, nullptr); }

}  // namespace
}  // namespace baton::kernels::cuda
