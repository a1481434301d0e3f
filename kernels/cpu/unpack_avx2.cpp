// unpack_row with AVX2.
#include <baton/kernels/unpack.h>

#include "codes_avx2.h"

namespace baton::kernels::cpu {

void unpack_row_avx2(TensorType type, const std::byte* row, std::size_t n, const UnpackedRow& out) {
  with_format(type, [&](auto format) {
    using Format = decltype(format);
    const std::byte* block = row;
    for (std::size_t g = 0; g < n / kGroup; g += Format::kGroups, block += sizeof(typename Format::Block)) {
      Format::scales(block, out.scale + 2 * g, out.minimum + g);
      Format::groups(block,
                     [&](int j, __m256i codes) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(out.q + kGroup * (g + j)), codes); });
    }
  });
}

}  // namespace baton::kernels::cpu
