#include <baton/kernels/float16.h>
#include <baton/kernels/unpack.h>

#include "blocks.h"

namespace baton::kernels::cpu {
namespace {

void set_scale(const UnpackedRow& out, std::size_t group, float scale) { out.scale[2 * group] = out.scale[2 * group + 1] = scale; }

std::uint32_t bits32(const std::uint8_t (&bytes)[4]) {
  std::uint32_t word;
  std::memcpy(&word, bytes, 4);
  return word;
}

// The formats of 32 elements: Unpack(block, q) fills q and gives (scale, minimum).
void unpack(const BlockQ4_0& b, std::size_t g, const UnpackedRow& out) {
  for (int i = 0; i < 16; ++i) {
    out.q[32 * g + i] = static_cast<std::int8_t>((b.qs[i] & 15) - 8);
    out.q[32 * g + 16 + i] = static_cast<std::int8_t>((b.qs[i] >> 4) - 8);
  }
  set_scale(out, g, f16_to_f32(b.d));
}
void unpack(const BlockQ4_1& b, std::size_t g, const UnpackedRow& out) {
  for (int i = 0; i < 16; ++i) {
    out.q[32 * g + i] = static_cast<std::int8_t>(b.qs[i] & 15);
    out.q[32 * g + 16 + i] = static_cast<std::int8_t>(b.qs[i] >> 4);
  }
  set_scale(out, g, f16_to_f32(b.d));
  out.minimum[g] = f16_to_f32(b.m);
}
void unpack(const BlockQ5_0& b, std::size_t g, const UnpackedRow& out) {
  const std::uint32_t high = bits32(b.qh);
  for (int i = 0; i < 16; ++i) {
    out.q[32 * g + i] = static_cast<std::int8_t>(((b.qs[i] & 15) | ((high >> i & 1) << 4)) - 16);
    out.q[32 * g + 16 + i] = static_cast<std::int8_t>(((b.qs[i] >> 4) | ((high >> (i + 16) & 1) << 4)) - 16);
  }
  set_scale(out, g, f16_to_f32(b.d));
}
void unpack(const BlockQ5_1& b, std::size_t g, const UnpackedRow& out) {
  const std::uint32_t high = bits32(b.qh);
  for (int i = 0; i < 16; ++i) {
    out.q[32 * g + i] = static_cast<std::int8_t>((b.qs[i] & 15) | ((high >> i & 1) << 4));
    out.q[32 * g + 16 + i] = static_cast<std::int8_t>((b.qs[i] >> 4) | ((high >> (i + 16) & 1) << 4));
  }
  set_scale(out, g, f16_to_f32(b.d));
  out.minimum[g] = f16_to_f32(b.m);
}
void unpack(const BlockQ8_0& b, std::size_t g, const UnpackedRow& out) {
  std::memcpy(out.q + 32 * g, b.qs, 32);
  set_scale(out, g, f16_to_f32(b.d));
}
struct BlockIq4nl : BlockQ4_0 {};
void unpack(const BlockIq4nl& b, std::size_t g, const UnpackedRow& out) {
  for (int i = 0; i < 16; ++i) {
    out.q[32 * g + i] = kIq4nl[b.qs[i] & 15];
    out.q[32 * g + 16 + i] = kIq4nl[b.qs[i] >> 4];
  }
  set_scale(out, g, f16_to_f32(b.d));
}

// The formats of 256 elements, eight groups.
template <class Block>
void unpack_k_scales(const Block& b, std::size_t g, const UnpackedRow& out) {
  const float d = f16_to_f32(b.d), dmin = f16_to_f32(b.dmin);
  for (int j = 0; j < 8; ++j) {
    int scale, minimum;
    scale_and_minimum(b.scales, j, scale, minimum);
    set_scale(out, g + j, d * static_cast<float>(scale));
    out.minimum[g + j] = -(dmin * static_cast<float>(minimum));
  }
}
void unpack(const BlockQ4K& b, std::size_t g, const UnpackedRow& out) {
  unpack_k_scales(b, g, out);
  for (int j = 0; j < 8; ++j) {
    for (int i = 0; i < 32; ++i) {
      const std::uint8_t pair = b.qs[32 * (j / 2) + i];
      out.q[32 * (g + j) + i] = static_cast<std::int8_t>(j % 2 ? pair >> 4 : pair & 15);
    }
  }
}
void unpack(const BlockQ5K& b, std::size_t g, const UnpackedRow& out) {
  unpack_k_scales(b, g, out);
  for (int j = 0; j < 8; ++j) {
    for (int i = 0; i < 32; ++i) {
      const std::uint8_t pair = b.qs[32 * (j / 2) + i];
      out.q[32 * (g + j) + i] = static_cast<std::int8_t>((j % 2 ? pair >> 4 : pair & 15) | ((b.qh[i] >> j & 1) << 4));
    }
  }
}
void unpack(const BlockQ6K& b, std::size_t g, const UnpackedRow& out) {
  const float d = f16_to_f32(b.d);
  for (int i = 0; i < 256; ++i) {
    const int half = i / 128, within = i % 128, quarter = within / 32, l = within % 32;
    const std::uint8_t low = b.ql[64 * half + 32 * (quarter % 2) + l];
    const int q = (quarter < 2 ? low & 15 : low >> 4) | ((b.qh[32 * half + l] >> (2 * quarter) & 3) << 4);
    out.q[32 * g + i] = static_cast<std::int8_t>(q - 32);
  }
  for (int j = 0; j < 16; ++j) out.scale[2 * g + j] = d * static_cast<float>(b.scales[j]);
}

template <class Block>
void unpack_all(const std::byte* row, std::size_t n, std::size_t groups_a_block, const UnpackedRow& out) {
  for (std::size_t g = 0; g < n / kGroup; g += groups_a_block, row += sizeof(Block)) {
    Block block;
    std::memcpy(&block, row, sizeof block);
    unpack(block, g, out);
  }
}

}  // namespace

void unpack_row(TensorType type, const std::byte* row, std::size_t n, const UnpackedRow& out) {
  switch (type) {
    case TensorType::q4_0:
      return unpack_all<BlockQ4_0>(row, n, 1, out);
    case TensorType::q4_1:
      return unpack_all<BlockQ4_1>(row, n, 1, out);
    case TensorType::q5_0:
      return unpack_all<BlockQ5_0>(row, n, 1, out);
    case TensorType::q5_1:
      return unpack_all<BlockQ5_1>(row, n, 1, out);
    case TensorType::q8_0:
      return unpack_all<BlockQ8_0>(row, n, 1, out);
    case TensorType::iq4_nl:
      return unpack_all<BlockIq4nl>(row, n, 1, out);
    case TensorType::q4_k:
      return unpack_all<BlockQ4K>(row, n, 8, out);
    case TensorType::q5_k:
      return unpack_all<BlockQ5K>(row, n, 8, out);
    case TensorType::q6_k:
      return unpack_all<BlockQ6K>(row, n, 8, out);
    case TensorType::f32:
    case TensorType::f16:
    case TensorType::bf16:
      return;  // not quantised
  }
}

}  // namespace baton::kernels::cpu
