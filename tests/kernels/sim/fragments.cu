// mma and ldmatrix by themselves, and loops for measuring the simulator.
#include <cuda_runtime.h>

#include <baton/kernels/cuda/device/launch.h>
#include <baton/kernels/cuda/device/ptx.h>
#include <baton/kernels/cuda/device/shared_memory.h>

#include "samples.h"

namespace baton::kernels::samples {
namespace {

// Element e of a row, as the bits of one fragment register. perWord elements are 32 bits.
template <class Element>
__device__ std::uint32_t word(const Element* x) {
  return *reinterpret_cast<const std::uint32_t*>(x);
}

template <class Element, class Value, class Mma>
__device__ void mma_by_map_of(Value* d, const Element* a, const Element* b, const Value* c, Mma mma) {
  constexpr int kPerWord = 4 / sizeof(Element), kDepth = 8 * kPerWord;
  const int g = threadIdx.x / 4, t = threadIdx.x % 4;
  std::uint32_t a_fragment[4], b_fragment[2];
  Value c_fragment[4], d_fragment[4];
  for (int i = 0; i < 4; ++i) {
    a_fragment[i] = word(a + (g + i % 2 * 8) * kDepth + kPerWord * t + i / 2 * kDepth / 2);
    c_fragment[i] = c[(g + i / 2 * 8) * 8 + 2 * t + i % 2];
  }
  for (int i = 0; i < 2; ++i) b_fragment[i] = word(b + g * kDepth + kPerWord * t + i * kDepth / 2);
  mma(d_fragment, a_fragment, b_fragment, c_fragment);
  for (int i = 0; i < 4; ++i) d[(g + i / 2 * 8) * 8 + 2 * t + i % 2] = d_fragment[i];
}

struct MmaBf16 {
  __device__ void operator()(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2], const float (&c)[4]) const {
    cuda::mma_m16n8k16_bf16(d, a, b, c);
  }
};
struct MmaF16 {
  __device__ void operator()(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2], const float (&c)[4]) const {
    cuda::mma_m16n8k16_f16(d, a, b, c);
  }
};
struct MmaS8 {
  __device__ void operator()(int (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2], const int (&c)[4]) const {
    cuda::mma_m16n8k32_s8(d, a, b, c);
  }
};

// Grids: one warp.
template <class Element, class Value, class Mma>
__global__ void mma_kernel(void* d, const void* a, const void* b, const void* c) {
  mma_by_map_of(static_cast<Value*>(d), static_cast<const Element*>(a), static_cast<const Element*>(b), static_cast<const Value*>(c),
                Mma());
}

template <int kMatrices, bool kTransposed>
__global__ void load_matrices_kernel(std::uint32_t* registers, const std::uint16_t* matrices) {
  BATON_SHARED(tile, uint4[8 * kMatrices]);  // a row is 16 bytes
  const int lane = threadIdx.x;
  if (lane < 8 * kMatrices) tile[lane] = reinterpret_cast<const uint4*>(matrices)[lane];
  __syncthreads();
  std::uint32_t r[kMatrices];
  const uint4* row = &tile[lane % (8 * kMatrices)];
  if constexpr (kMatrices == 1) {
    if constexpr (kTransposed) {
      cuda::ldmatrix_x1_trans(r, row);
    } else {
      cuda::ldmatrix_x1(r, row);
    }
  } else if constexpr (kMatrices == 2) {
    if constexpr (kTransposed) {
      cuda::ldmatrix_x2_trans(r, row);
    } else {
      cuda::ldmatrix_x2(r, row);
    }
  } else {
    if constexpr (kTransposed) {
      cuda::ldmatrix_x4_trans(r, row);
    } else {
      cuda::ldmatrix_x4(r, row);
    }
  }
  for (int i = 0; i < kMatrices; ++i) registers[lane * kMatrices + i] = r[i];
}

__global__ void repeat_mma_kernel(float* out, int n) {
  const std::uint32_t a[4] = {}, b[2] = {};
  float sums[4] = {1, 2, 3, 4};
  for (int i = 0; i < n; ++i) cuda::mma_m16n8k16_bf16(sums, a, b, sums);
  out[threadIdx.x] = sums[0];
}

__global__ void repeat_barrier_kernel(int n) {
  for (int i = 0; i < n; ++i) __syncthreads();
}

}  // namespace

void mma_by_map(Operand type, void* d, const void* a, const void* b, const void* c, cudaStream_t stream) {
  switch (type) {
    case Operand::bf16:
      cuda::launch(mma_kernel<std::uint16_t, float, MmaBf16>, dim3(1), dim3(32), 0, stream, d, a, b, c);
      break;
    case Operand::f16:
      cuda::launch(mma_kernel<std::uint16_t, float, MmaF16>, dim3(1), dim3(32), 0, stream, d, a, b, c);
      break;
    case Operand::s8:
      cuda::launch(mma_kernel<signed char, int, MmaS8>, dim3(1), dim3(32), 0, stream, d, a, b, c);
      break;
  }
}

void load_matrices(std::uint32_t* registers, const std::uint16_t* matrices, int n, bool transposed, cudaStream_t stream) {
  const auto kernel = n == 1   ? (transposed ? load_matrices_kernel<1, true> : load_matrices_kernel<1, false>)
                      : n == 2 ? (transposed ? load_matrices_kernel<2, true> : load_matrices_kernel<2, false>)
                               : (transposed ? load_matrices_kernel<4, true> : load_matrices_kernel<4, false>);
  cuda::launch(kernel, dim3(1), dim3(32), 0, stream, registers, matrices);
}

void repeat_mma(float* out, int n, cudaStream_t stream) { cuda::launch(repeat_mma_kernel, dim3(1), dim3(32), 0, stream, out, n); }
void repeat_barrier(int n, cudaStream_t stream) { cuda::launch(repeat_barrier_kernel, dim3(1), dim3(256), 0, stream, n); }

}  // namespace baton::kernels::samples
