#include <baton/kernels/dequantize.h>
#include <baton/kernels/float16.h>
#include <baton/kernels/unpack.h>

#include <cstring>

namespace baton::kernels::cpu {
namespace {

template <float Convert(std::uint16_t)>
void convert(const std::byte* row, std::size_t n, float* out) {
  for (std::size_t i = 0; i < n; ++i) {
    std::uint16_t h;
    std::memcpy(&h, row + 2 * i, 2);
    out[i] = Convert(h);
  }
}

}  // namespace

void dequantize_row(TensorType type, const std::byte* row, std::size_t n, float* out) {
  switch (type) {
    case TensorType::f32:
      std::memcpy(out, row, n * sizeof(float));
      return;
    case TensorType::f16:
      return convert<f16_to_f32>(row, n, out);
    case TensorType::bf16:
      return convert<bf16_to_f32>(row, n, out);
    default:
      break;
  }
  const std::size_t block = block_shape(type).elements, bytes = block_shape(type).bytes;
  std::int8_t q[256];
  float scale[16], minimum[8];
  for (std::size_t i = 0; i < n; i += block, row += bytes) {
    unpack_row(type, row, block, {q, scale, minimum});
    for (std::size_t j = 0; j < block; ++j) {
      out[i + j] = scale[j / 16] * static_cast<float>(q[j]);
      if (has_minimum(type)) out[i + j] += minimum[j / kGroup];
    }
  }
}

}  // namespace baton::kernels::cpu
