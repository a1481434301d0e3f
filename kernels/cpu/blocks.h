#pragma once
// Byte layouts of ggml's quantisation blocks. They are read through memcpy'd copies, because rows in a file are not aligned for them.
#include <cstdint>
#include <cstring>

namespace baton::kernels::cpu {

struct BlockQ4_0 {
  std::uint16_t d;
  std::uint8_t qs[16];  // element i in the low nibble of qs[i], element i + 16 in the high one; value d * (q - 8)
};
struct BlockQ4_1 {
  std::uint16_t d, m;
  std::uint8_t qs[16];  // value d * q + m
};
struct BlockQ5_0 {
  std::uint16_t d;
  std::uint8_t qh[4];   // bit i: the fifth bit of element i
  std::uint8_t qs[16];  // value d * (q - 16)
};
struct BlockQ5_1 {
  std::uint16_t d, m;
  std::uint8_t qh[4];
  std::uint8_t qs[16];  // value d * q + m
};
struct BlockQ8_0 {
  std::uint16_t d;
  std::int8_t qs[32];
};
struct BlockQ4K {
  std::uint16_t d, dmin;
  std::uint8_t scales[12];  // 8 scales and 8 minima of 6 bits each
  std::uint8_t qs[128];     // value d * scale * q - dmin * minimum
};
struct BlockQ5K {
  std::uint16_t d, dmin;
  std::uint8_t scales[12];
  std::uint8_t qh[32];
  std::uint8_t qs[128];
};
struct BlockQ6K {
  std::uint8_t ql[128], qh[64];
  std::int8_t scales[16];
  std::uint16_t d;  // value d * scale * (q - 32)
};
static_assert(sizeof(BlockQ4_0) == 18 && sizeof(BlockQ4_1) == 20 && sizeof(BlockQ5_0) == 22 && sizeof(BlockQ5_1) == 24 &&
              sizeof(BlockQ8_0) == 34 && sizeof(BlockQ4K) == 144 && sizeof(BlockQ5K) == 176 && sizeof(BlockQ6K) == 210);

// IQ4_NL's values for the 16 codes.
constexpr std::int8_t kIq4nl[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

// Scale and minimum j (of 8) from the 12 bytes that hold them, 6 bits each.
inline void scale_and_minimum(const std::uint8_t* s, int j, int& scale, int& minimum) {
  if (j < 4) {
    scale = s[j] & 63;
    minimum = s[j + 4] & 63;
  } else {
    scale = (s[j + 4] & 15) | ((s[j - 4] >> 6) << 4);
    minimum = (s[j + 4] >> 4) | ((s[j] >> 6) << 4);
  }
}

}  // namespace baton::kernels::cpu
