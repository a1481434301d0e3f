// Operands of tensor cores in the wrong lanes or registers.
#include <cuda_bf16.h>

#include <baton/kernels/cuda/device/launch.h>
#include <baton/kernels/cuda/device/ptx.h>
#include <baton/kernels/cuda/device/shared_memory.h>

#include "planted.h"

namespace baton::kernels::planted {
namespace {

enum class Fault { none, a_registers, a_halves, b_rows, accumulators, address, alignment, transposed };
constexpr int kRows = 16, kColumns = 8, kDepth = 16;

// c (16, 8) = a (16, 16) b (16, 8); a and b lie one after the other in x. b goes through ldmatrix.trans.
template <Fault kFault>
__global__ void product_kernel(float* c, const float* x) {
  BATON_SHARED(a, __nv_bfloat16[kRows][kDepth]);
  BATON_SHARED(b, __nv_bfloat16[kDepth][kColumns]);
  const int lane = threadIdx.x;
  for (int i = lane; i < kRows * kDepth; i += 32) a[i / kDepth][i % kDepth] = __float2bfloat16(x[i]);
  for (int i = lane; i < kDepth * kColumns; i += 32) b[i / kColumns][i % kColumns] = __float2bfloat16(x[kRows * kDepth + i]);
  __syncthreads();
  std::uint32_t a_fragment[4], b_fragment[2];
  const __nv_bfloat16* row = &a[lane % 16][lane / 16 * 8];
  if (kFault == Fault::address) row = &a[lane % 16 + 1][lane / 16 * 8];  // lane 31 reads 16 bytes past the end
  if (kFault == Fault::alignment) row = &a[lane % 16][lane / 16 * 7];
  cuda::ldmatrix_x4(a_fragment, row);
  if (kFault == Fault::transposed) {
    cuda::ldmatrix_x2(b_fragment, &b[lane % 16][0]);
  } else {
    cuda::ldmatrix_x2_trans(b_fragment, &b[lane % 16][0]);
  }
  if (kFault == Fault::a_registers) {
    const std::uint32_t swapped = a_fragment[1];
    a_fragment[1] = a_fragment[2];
    a_fragment[2] = swapped;
  }
  if (kFault == Fault::a_halves) a_fragment[0] = __funnelshift_l(a_fragment[0], a_fragment[0], 16);
  if (kFault == Fault::b_rows) {
    const std::uint32_t swapped = b_fragment[0];
    b_fragment[0] = b_fragment[1];
    b_fragment[1] = swapped;
  }
  float sums[4] = {};
  cuda::mma_m16n8k16_bf16(sums, a_fragment, b_fragment, sums);
  for (int i = 0; i < 4; ++i) {
    const int r = lane / 4 + (kFault == Fault::accumulators ? i % 2 : i / 2) * 8;
    const int column = lane % 4 * 2 + (kFault == Fault::accumulators ? i / 2 : i % 2);
    c[r * kColumns + column] = sums[i];
  }
}

template <Fault kFault>
bool product(bool bug) {
  std::vector<float> x;
  for (int i = 0; i < kRows * kDepth + kDepth * kColumns; ++i) x.push_back(static_cast<float>(i * 37 % 61 - 30) / 8);  // exact in bf16
  std::vector<float> expected;
  for (int r = 0; r < kRows; ++r) {
    for (int column = 0; column < kColumns; ++column) {
      float sum = 0;
      for (int k = 0; k < kDepth; ++k) {
        sum += x[static_cast<std::size_t>(r * kDepth + k)] * x[static_cast<std::size_t>(kRows * kDepth + k * kColumns + column)];
      }
      expected.push_back(sum);
    }
  }
  const auto kernel = bug ? product_kernel<kFault> : product_kernel<Fault::none>;
  return gives(x, expected, [=](float* c, const float* in) { cuda::launch(kernel, dim3(1), dim3(32), 0, nullptr, c, in); });
}

}  // namespace

const std::vector<Bug>& fragment_bugs() {
  static const std::vector<Bug> bugs = {
      {"fragment_a", "fragment of A: registers exchanged", product<Fault::a_registers>},
      {"fragment_a_halves", "fragment of A: halves of a register exchanged", product<Fault::a_halves>},
      {"fragment_b", "fragment of B: registers exchanged", product<Fault::b_rows>},
      {"fragment_c", "accumulators taken for another element", product<Fault::accumulators>},
      {"ldmatrix_address", "ldmatrix: rows one further, the last outside", product<Fault::address>},
      {"ldmatrix_alignment", "ldmatrix: row not aligned to 16 bytes", product<Fault::alignment>},
      {"ldmatrix_transposed", "ldmatrix without .trans", product<Fault::transposed>},
  };
  return bugs;
}

}  // namespace baton::kernels::planted
