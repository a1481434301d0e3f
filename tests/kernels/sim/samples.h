#pragma once
// Kernels that the simulator's tests run. nvcc compiles the same files (kernels_sim_samples_nvcc), so the simulator accepts only CUDA.
// Pointers are to device memory.
#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <cstdint>

namespace baton::kernels::samples {

// y[r] = sum of row r of x (n_rows, n_columns). One block a row.
void sum_rows(float* y, const float* x, int n_rows, int n_columns, cudaStream_t stream);

// c (m, n) = a (m, k) b (n, k)^T, f32 accumulation; any sizes with k a multiple of 8. Blocks of 64 x 64, two cp.async stages.
void gemm(float* c, const __nv_bfloat16* a, const __nv_bfloat16* b, int m, int n, int k, cudaStream_t stream);

// One warp: d (16, 8) = a (16, k) b (8, k)^T + c, operands taken from memory by the documented fragment maps.
enum class Operand { bf16, f16, s8 };
void mma_by_map(Operand type, void* d, const void* a, const void* b, const void* c, cudaStream_t stream);

// One warp: (32 lanes, n) registers that ldmatrix x n returns for n matrices (8, 8) of 16 bits, one after the other in memory.
void load_matrices(std::uint32_t* registers, const std::uint16_t* matrices, int n, bool transposed, cudaStream_t stream);

// One warp: row r of out (kCollectives, 32) is the result of collective r lane by lane; collectives.cu lists them.
constexpr int kCollectives = 18;
void collectives(int* out, const int* in, cudaStream_t stream);

// One thread: the content of shared memory around two groups of cp.async from in[0..8): see collectives.cu.
constexpr int kAsyncObservations = 6;
void async_copies(int* out, const int* in, cudaStream_t stream);

// One block of 64: atomics, __syncthreads_count, dp4a and conversions; see collectives.cu.
constexpr int kThreadObservations = 16;
void thread_functions(int* out, cudaStream_t stream);

// x[i] = x[i] * factor + addend
void scale_add(float* x, int n, float factor, float addend, cudaStream_t stream);

// Blocks that count themselves; the last one adds up the sums of all blocks. total and done must be zero before.
void sum_by_last_block(float* total, float* partial, unsigned* done, const float* x, int n, cudaStream_t stream);

// One warp that does n products of tensor cores one after the other, and n waits at a barrier: for measuring the simulator.
void repeat_mma(float* out, int n, cudaStream_t stream);
void repeat_barrier(int n, cudaStream_t stream);

}  // namespace baton::kernels::samples
