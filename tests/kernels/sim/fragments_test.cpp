// Tensor-core products and ldmatrix against plain matrices, by the maps of the PTX ISA.
#include <baton/kernels/sim/toolkit/float16_bits.h>
#include <gtest/gtest.h>

#include <bit>
#include <random>

#include "device_buffer.h"
#include "samples.h"

namespace baton::kernels::samples {
namespace {

constexpr std::size_t kRows = 16, kColumns = 8;

template <class Element, class Value, class Encode>
void expect_plain_product(Operand type, std::size_t depth, Encode encode) {
  std::mt19937 random(7);
  std::vector<Value> a(kRows * depth), b(kColumns * depth), c(kRows * kColumns);
  for (auto* x : {&a, &b, &c}) {
    for (Value& v : *x) v = static_cast<Value>(static_cast<int>(random() % 201) - 100);  // sums are exact in f32, too
  }
  std::vector<Element> a_bits, b_bits;
  for (const Value v : a) a_bits.push_back(encode(v));
  for (const Value v : b) b_bits.push_back(encode(v));
  DeviceBuffer<Element> da(a_bits), db(b_bits);
  DeviceBuffer<Value> dc(c), dd(kRows * kColumns);
  mma_by_map(type, dd.get(), da.get(), db.get(), dc.get(), nullptr);
  const auto d = dd.values();
  for (std::size_t row = 0; row < kRows; ++row) {
    for (std::size_t column = 0; column < kColumns; ++column) {
      Value sum = c[row * kColumns + column];
      for (std::size_t k = 0; k < depth; ++k) sum += a[row * depth + k] * b[column * depth + k];
      EXPECT_EQ(d[row * kColumns + column], sum) << row << "," << column;
    }
  }
}

TEST(Fragments, Bf16ProductIsThePlainOne) { expect_plain_product<std::uint16_t, float>(Operand::bf16, 16, sim::float_to_bf16_bits); }
TEST(Fragments, F16ProductIsThePlainOne) { expect_plain_product<std::uint16_t, float>(Operand::f16, 16, sim::float_to_f16_bits); }
TEST(Fragments, S8ProductIsThePlainOne) {
  expect_plain_product<signed char, int>(Operand::s8, 32, [](int v) { return static_cast<signed char>(v); });
}

TEST(Fragments, LdmatrixGivesEachLaneItsPairOfARowOrAColumn) {
  for (const unsigned n : {1u, 2u, 4u}) {
    std::vector<std::uint16_t> matrices(n * 64);
    for (std::size_t i = 0; i < matrices.size(); ++i) matrices[i] = static_cast<std::uint16_t>(i);
    for (const bool transposed : {false, true}) {
      DeviceBuffer<std::uint16_t> in(matrices);
      DeviceBuffer<std::uint32_t> out(32 * n);
      load_matrices(out.get(), in.get(), static_cast<int>(n), transposed, nullptr);
      const auto registers = out.values();
      for (unsigned lane = 0; lane < 32; ++lane) {
        for (unsigned i = 0; i < n; ++i) {
          const auto element = [&](unsigned row, unsigned column) { return std::uint32_t{matrices[64 * i + 8 * row + column]}; };
          const unsigned r = lane / 4, c = lane % 4 * 2;
          const auto expected = transposed ? element(c, r) | element(c + 1, r) << 16 : element(r, c) | element(r, c + 1) << 16;
          EXPECT_EQ(registers[lane * n + i], expected) << "lane " << lane << ", matrix " << i << " of " << n;
        }
      }
    }
  }
}

}  // namespace
}  // namespace baton::kernels::samples
