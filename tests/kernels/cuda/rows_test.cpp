#include <baton/kernels/dequantize.h>
#include <baton/kernels/rows.h>

#include "device.h"

namespace baton::kernels::cuda {
namespace {

// Embeddings against the CPU's dequantize_row, which `check.sh oracle dequantize` holds against the gguf package.
class Rows : public OnTarget {};
INSTANTIATE_TEST_SUITE_P(, Rows, testing::ValuesIn(device_targets()), target_name);

TEST_P(Rows, of_an_embedding_in_every_format_are_those_of_the_cpu) {
  std::vector<TensorType> types(std::begin(kQuantisedTypes), std::end(kQuantisedTypes));
  types.insert(types.end(), std::begin(kFloatTypes), std::end(kFloatTypes));
  const std::vector<std::int32_t> tokens = {6, 0, 3, 3};
  for (const TensorType type : types) {
    for (const int n : {256, 1280}) {
      SCOPED_TRACE(std::string(type_name(type)) + " " + std::to_string(n));
      const std::vector<std::byte> table = random_weights(type, 7, n, 1);
      const DeviceBuffer<std::byte> table_device(table);
      const DeviceBuffer<std::int32_t> indices(tokens);
      const DeviceBuffer<float> y(tokens.size() * n);
      embed({type, table_device.get(), indices.get(), y.get(), static_cast<int>(tokens.size()), n, 1.5f}, nullptr);
      const std::vector<float> got = y.values();
      std::vector<float> want(n);
      for (std::size_t t = 0; t < tokens.size(); ++t) {
        cpu::dequantize_row(type, table.data() + tokens[t] * row_bytes(type, n), n, want.data());
        // The device may fuse the product with the minimum's addition: one rounding less of a part of at most 1.
        for (int i = 0; i < n; ++i) ASSERT_NEAR(got[t * n + i], 1.5f * want[i], std::fabs(want[i]) * 4e-7 + 3e-7) << i;
      }
    }
  }
}

TEST_P(Rows, are_gathered) {
  for (const int n : {1, 33, 1024, 1500}) {
    const std::vector<float> x = normal_floats(5 * static_cast<std::size_t>(n), 2);
    const std::vector<std::int32_t> rows = {4, 4, 0};
    const DeviceBuffer<float> in(x), y(3 * static_cast<std::size_t>(n));
    const DeviceBuffer<std::int32_t> indices(rows);
    gather({in.get(), indices.get(), y.get(), 3, n}, nullptr);
    const std::vector<float> got = y.values();
    for (int r = 0; r < 3; ++r) {
      for (int i = 0; i < n; ++i) ASSERT_EQ(got[r * n + i], x[rows[r] * n + i]);
    }
  }
  gather({nullptr, nullptr, nullptr, 0, 10}, nullptr);
  embed({TensorType::q4_0, nullptr, nullptr, nullptr, 0, 32, 1.0f}, nullptr);
}

// A grid has at most 65535 blocks in its second and third dimension.
TEST_P(Rows, of_more_than_a_grid_has_Full) {
  const int n_rows = 65535 + 3;
  std::vector<std::int32_t> rows(n_rows);
  for (int i = 0; i < n_rows; ++i) rows[i] = i % 5;
  const std::vector<float> x = normal_floats(5 * 4, 2);
  const DeviceBuffer<std::int32_t> indices(rows);
  const DeviceBuffer<float> in(x), gathered(static_cast<std::size_t>(n_rows) * 4), embedded(gathered.size());
  gather({in.get(), indices.get(), gathered.get(), n_rows, 4}, nullptr);
  embed({TensorType::f32, reinterpret_cast<const std::byte*>(in.get()), indices.get(), embedded.get(), n_rows, 4, 1.0f}, nullptr);
  std::vector<float> want;
  for (const std::int32_t row : rows) want.insert(want.end(), x.begin() + 4 * row, x.begin() + 4 * row + 4);
  EXPECT_EQ(first_difference(gathered.values(), want), "");
  EXPECT_EQ(first_difference(embedded.values(), want), "");
}

}  // namespace
}  // namespace baton::kernels::cuda
