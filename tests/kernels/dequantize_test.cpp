// tests/golden/kernels/dequantize.json: the gguf package's values of random blocks (tests/check/oracle/dequantize.py).
#include <baton/kernels/dequantize.h>
#include <baton/kernels/unpack.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "levels.h"

namespace baton::kernels {
namespace {

std::vector<std::byte> from_hex(const std::string& hex) {
  std::vector<std::byte> out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) out.push_back(static_cast<std::byte>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  return out;
}

nlohmann::json golden() {
  std::ifstream file(std::filesystem::path(BATON_SOURCE_DIR) / "tests/golden/kernels/dequantize.json");
  return nlohmann::json::parse(file);
}

std::vector<TensorType> all_types() {
  std::vector<TensorType> out(std::begin(kQuantisedTypes), std::end(kQuantisedTypes));
  out.insert(out.end(), std::begin(kFloatTypes), std::end(kFloatTypes));
  return out;
}

struct Unpacked {
  explicit Unpacked(std::size_t n) : q(n), scale(n / 16, -1), minimum(n / kGroup, -1) {}
  UnpackedRow row() { return {q.data(), scale.data(), minimum.data()}; }
  std::vector<std::int8_t> q;
  std::vector<float> scale, minimum;
};

TEST(Dequantize, gives_the_gguf_packages_numbers_for_every_type) {
  const nlohmann::json cases = golden()["cases"];
  for (const TensorType type : all_types()) {
    int found = 0;
    for (const auto& c : cases) {
      if (c["type"] != type_name(type)) continue;
      ++found;
      const std::vector<std::byte> data = from_hex(c["data"]), expected = from_hex(c["floats"]);
      std::vector<float> want(expected.size() / 4), got(want.size());
      std::memcpy(want.data(), expected.data(), expected.size());
      ASSERT_EQ(data.size(), row_bytes(type, want.size())) << type_name(type);
      cpu::dequantize_row(type, data.data(), want.size(), got.data());
      EXPECT_EQ(first_difference(want, got), "") << type_name(type);
    }
    EXPECT_EQ(found, 1) << type_name(type);
  }
}

TEST(Dequantize, reads_rows_that_are_not_aligned) {
  for (const TensorType type : all_types()) {
    const std::size_t n = 512;
    const std::vector<std::byte> row = random_weights(type, 1, n, 3);
    std::vector<std::byte> shifted(row.size() + 1);
    std::memcpy(shifted.data() + 1, row.data(), row.size());
    std::vector<float> a(n), b(n);
    cpu::dequantize_row(type, row.data(), n, a.data());
    cpu::dequantize_row(type, shifted.data() + 1, n, b.data());
    EXPECT_EQ(first_difference(a, b), "") << type_name(type);
  }
}

TEST(Unpack, says_the_same_numbers_as_dequantize) {
  for (const TensorType type : kQuantisedTypes) {
    const std::size_t n = 3 * 256;
    const std::vector<std::byte> row = random_weights(type, 1, n, 11);
    std::vector<float> want(n), got(n);
    cpu::dequantize_row(type, row.data(), n, want.data());
    Unpacked u(n);
    cpu::unpack_row(type, row.data(), n, u.row());
    for (std::size_t i = 0; i < n; ++i) {
      got[i] = u.scale[2 * (i / 32) + i % 32 / 16] * static_cast<float>(u.q[i]);
      if (has_minimum(type)) got[i] += u.minimum[i / 32];
    }
    EXPECT_EQ(first_difference(want, got), "") << type_name(type);
  }
}

TEST(Unpack, leaves_minima_alone_where_a_format_has_none) {
  for (const TensorType type : kQuantisedTypes) {
    const std::vector<std::byte> row = random_weights(type, 1, 256, 5);
    Unpacked u(256);
    cpu::unpack_row(type, row.data(), 256, u.row());
    const bool untouched = u.minimum == std::vector<float>(8, -1);
    EXPECT_EQ(untouched, !has_minimum(type)) << type_name(type);
  }
}

TEST(Unpack, is_the_same_with_avx2_for_every_type_and_number_of_blocks) {
  BATON_SKIP_WITHOUT_AVX2();
  for (const TensorType type : kQuantisedTypes) {
    for (const int blocks : {1, 2, 3, 7, 40}) {
      const std::size_t n = static_cast<std::size_t>(blocks) * block_shape(type).elements;
      std::vector<std::byte> row = random_weights(type, 1, n, 100 + blocks);
      row.insert(row.begin(), std::byte{});  // and unaligned
      Unpacked scalar(n), fast(n);
      cpu::unpack_row(type, row.data() + 1, n, scalar.row());
      cpu::unpack_row_avx2(type, row.data() + 1, n, fast.row());
      EXPECT_EQ(scalar.q, fast.q) << type_name(type) << ", " << blocks << " blocks";
      EXPECT_EQ(first_difference(scalar.scale, fast.scale), "") << type_name(type);
      EXPECT_EQ(first_difference(scalar.minimum, fast.minimum), "") << type_name(type);
    }
  }
}

}  // namespace
}  // namespace baton::kernels
