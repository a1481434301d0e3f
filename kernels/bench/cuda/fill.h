#pragma once
// Random contents, generated on the device: (random bits & keep) | set, word by word, so that any format gets numbers of a chosen range.
#include <baton/kernels/cuda.h>

#include <cstddef>
#include <cstdint>

namespace baton::kernels::cuda::bench {

struct Bits {
  std::uint32_t keep, set;
};
// Of either sign, from 0.5 to 2.
constexpr Bits kF32{0x80ffffff, 0x3f000000}, kBf16{0x80ff80ff, 0x3f003f00}, kF16{0x87ff87ff, 0x38003800}, kFp8{0x8f8f8f8f, 0x30303030};
constexpr Bits kInt8{0xffffffff, 0x01010101};     // odd: -128 does not occur
constexpr Bits kScales{0x03ff03ff, 0x24002400};   // f16 from 1/64 to 1/32
constexpr Bits kWeights{0xbbbbbbbb, 0x00000000};  // every f16 number of a block is one from -1 to 1

void fill(void* to, std::size_t bytes, std::uint32_t seed, Bits bits, Stream stream);  // bytes: a multiple of 4

}  // namespace baton::kernels::cuda::bench
