#pragma once
// The collective operations of a warp's lanes, as CUDA's built-in functions (CUDA C++ Programming Guide, "Warp Vote", "Match", "Reduce",
// "Shuffle") and as the PTX instructions mma.sync and ldmatrix. Every lane of the mask must come to the same line. None of them orders
// memory, except sync_warp (block.h).
#include <cstdint>

#include "block.h"

namespace baton::kernels::sim {

enum class Shuffle { index, up, down, exclusive_or };
// 32 bits from the lane that `mode` and `argument` name inside groups of `width` lanes; poison when that lane is not in the mask.
std::uint32_t shuffle(Shuffle mode, std::uint32_t mask, std::uint32_t value, int argument, int width, Site site);

std::uint32_t ballot(std::uint32_t mask, bool predicate, Site site);
std::uint32_t match_any(std::uint32_t mask, std::uint64_t value, Site site);

enum class Reduce { add, min_signed, max_signed, min_unsigned, max_unsigned, bit_and, bit_or, bit_xor };
std::uint32_t reduce(Reduce operation, std::uint32_t mask, std::uint32_t value, Site site);

// d (16 x 8) = a (16 x k) b (k x 8) + c, k = 16 for bf16 and f16, 32 for s8. Lane l, with g = l / 4 and t = l % 4, holds (PTX ISA,
// "Matrix Fragments for mma.m16n8k16" and "mma.m16n8k32"), 16-bit types first, s8 in brackets:
//   a[i]: row g + 8 (i % 2), columns 2 t + 8 (i / 2) and the next   [4 t + 16 (i / 2) and the next three]
//   b[i]: column g, rows 2 t + 8 i and the next                      [4 t + 16 i and the next three]
//   c[i], d[i]: row g + 8 (i / 2), column 2 t + i % 2
// Products are exact and are added in f32 in the order of k, starting from c; tensor cores round otherwise.
enum class MmaType { bf16, f16, s8 };
void mma(MmaType type, std::uint32_t (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2], const std::uint32_t (&c)[4],
         Site site);

// Matrix i (of n: 1, 2 or 4) consists of the eight rows of 8 x 16 bits that lanes 8 i .. 8 i + 7 pass (`row`). Lane l gets of it row l / 4,
// columns 2 (l % 4) and the next; of the transpose with `transposed` (PTX ISA, "ldmatrix").
void exchange_matrices(int n, bool transposed, const std::uint32_t (&row)[4], std::uint32_t (&result)[4], Site site);

}  // namespace baton::kernels::sim
