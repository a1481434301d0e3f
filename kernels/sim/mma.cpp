#include <bit>
#include <cstring>

#include "toolkit/float16_bits.h"
#include "warp.h"

namespace baton::kernels::sim {
namespace {

constexpr int kRows = 16, kColumns = 8;

float to_float(std::uint32_t bits, MmaType type) {
  return type == MmaType::bf16 ? bf16_bits_to_float(static_cast<std::uint16_t>(bits)) : f16_bits_to_float(static_cast<std::uint16_t>(bits));
}

int to_int(std::uint32_t word, int byte) { return static_cast<std::int8_t>(word >> (8 * byte)); }

// Value: float or int. kDepth: k. kPerWord: elements in 32 bits.
template <class Value, int kDepth, int kPerWord, class Unpack>
void compute(Slot* const* slots, Unpack unpack) {
  Value a[kRows][kDepth], b[kDepth][kColumns], c[kRows][kColumns];
  for (int lane = 0; lane < 32; ++lane) {
    const Slot& s = *slots[lane];
    const int g = lane / 4, t = lane % 4;
    for (int i = 0; i < 4; ++i) {
      for (int e = 0; e < kPerWord; ++e) a[g + 8 * (i % 2)][kPerWord * t + e + kDepth / 2 * (i / 2)] = unpack(s.a[i], e);
      c[g + 8 * (i / 2)][2 * t + i % 2] = std::bit_cast<Value>(s.c[i]);
    }
    for (int i = 0; i < 2; ++i) {
      for (int e = 0; e < kPerWord; ++e) b[kPerWord * t + e + kDepth / 2 * i][g] = unpack(s.b[i], e);
    }
  }
  for (auto& row : c) {
    Value sums[kColumns];  // in registers, because the compiler cannot know that row does not lie in b
    const Value* a_row = a[&row - c];
    for (int column = 0; column < kColumns; ++column) sums[column] = row[column];
    for (int k = 0; k < kDepth; ++k) {
      for (int column = 0; column < kColumns; ++column) sums[column] += a_row[k] * b[k][column];
    }
    for (int column = 0; column < kColumns; ++column) row[column] = sums[column];
  }
  for (int lane = 0; lane < 32; ++lane) {
    const int g = lane / 4, t = lane % 4;
    for (int i = 0; i < 4; ++i) slots[lane]->d[i] = std::bit_cast<std::uint32_t>(c[g + 8 * (i / 2)][2 * t + i % 2]);
  }
}

template <MmaType kType>
void compute_16(Slot* const* slots, std::uint32_t) {
  compute<float, 16, 2>(slots, [](std::uint32_t word, int e) { return to_float(word >> (16 * e) & 0xffff, kType); });
}

void compute_s8(Slot* const* slots, std::uint32_t) { compute<int, 32, 4>(slots, to_int); }

// Rows of matrix i are the slots' a of lanes 8 i ...
template <int kMatrices, bool kTransposed>
void compute_matrices(Slot* const* slots, std::uint32_t) {
  for (unsigned lane = 0; lane < 32; ++lane) {
    for (unsigned i = 0; i < kMatrices; ++i) {
      const auto element = [&](unsigned row, unsigned column) { return slots[8 * i + row]->a[column / 2] >> (16 * (column % 2)) & 0xffff; };
      const unsigned r = lane / 4, c = 2 * (lane % 4);
      slots[lane]->d[i] = kTransposed ? element(c, r) | element(c + 1, r) << 16 : element(r, c) | element(r, c + 1) << 16;
    }
  }
}

constexpr std::uint32_t kAllLanes = 0xffffffff;

}  // namespace

void mma(MmaType type, std::uint32_t (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2], const std::uint32_t (&c)[4],
         Site site) {
  Slot& s = running.thread->slot;
  std::memcpy(s.a, a, sizeof a);
  std::memcpy(s.b, b, sizeof b);
  std::memcpy(s.c, c, sizeof c);
  switch (type) {
    case MmaType::bf16:
      collective("mma.m16n8k16.bf16", kAllLanes, compute_16<MmaType::bf16>, site);
      break;
    case MmaType::f16:
      collective("mma.m16n8k16.f16", kAllLanes, compute_16<MmaType::f16>, site);
      break;
    case MmaType::s8:
      collective("mma.m16n8k32.s8", kAllLanes, compute_s8, site);
      break;
  }
  std::memcpy(d, s.d, sizeof d);
}

void exchange_matrices(int n, bool transposed, const std::uint32_t (&row)[4], std::uint32_t (&result)[4], Site site) {
  Slot& s = running.thread->slot;
  std::memcpy(s.a, row, sizeof row);
  const Compute compute = n == 1   ? (transposed ? compute_matrices<1, true> : compute_matrices<1, false>)
                          : n == 2 ? (transposed ? compute_matrices<2, true> : compute_matrices<2, false>)
                                   : (transposed ? compute_matrices<4, true> : compute_matrices<4, false>);
  collective(transposed ? "ldmatrix.trans" : "ldmatrix", kAllLanes, compute, site);
  for (int i = 0; i < n; ++i) result[i] = s.d[i];
}

}  // namespace baton::kernels::sim
