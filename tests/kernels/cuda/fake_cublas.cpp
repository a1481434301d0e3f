// Replaces libcublas in the simulated tests: the four functions that Cublas looks for, with a product by the definition, in f32, over
// memory that the simulated device shares with the host. It refuses what a real library would refuse; with BATON_REFUSES, every product.
#include <baton/kernels/float16.h>

#include <cstddef>

namespace {

constexpr int kSuccess = 0, kInvalidValue = 7, kNotSupported = 15, kNoTranspose = 0, kTranspose = 1, kFloat32 = 0, kBfloat16 = 14,
              kComputeFloat32 = 68;

struct Context {
  void* stream = nullptr;
};

}  // namespace

// NOLINTBEGIN(readability-identifier-naming): cuBLAS's names
extern "C" {

int cublasCreate_v2(void** handle) {
  *handle = new Context;
  return kSuccess;
}

int cublasDestroy_v2(void* handle) {
  delete static_cast<Context*>(handle);
  return kSuccess;
}

int cublasSetStream_v2(void* handle, void* stream) {
  static_cast<Context*>(handle)->stream = stream;
  return kSuccess;
}

// c (m, n) = alpha op(a) (m, k) op(b) (k, n) + beta c, all by columns: element (i, j) of a matrix is at [i + j * ld].
int cublasGemmEx(void* handle, int transpose_a, int transpose_b, int m, int n, int k, const void* alpha, const void* a, int a_type, int lda,
                 const void* b, int b_type, int ldb, const void* beta, void* c, int c_type, int ldc, int compute, int) {
#ifdef BATON_REFUSES
  return kNotSupported;
#endif
  if (!handle || (transpose_a != kNoTranspose && transpose_a != kTranspose) || (transpose_b != kNoTranspose && transpose_b != kTranspose)) {
    return kInvalidValue;
  }
  if (lda < (transpose_a ? k : m) || ldb < (transpose_b ? n : k) || ldc < m) return kInvalidValue;
  if (a_type != kBfloat16 || b_type != kBfloat16 || c_type != kFloat32 || compute != kComputeFloat32) return kNotSupported;
  const auto element = [](const void* matrix, std::size_t at) {
    return baton::kernels::bf16_to_f32(static_cast<const std::uint16_t*>(matrix)[at]);
  };
  const float scale = *static_cast<const float*>(alpha), before = *static_cast<const float*>(beta);
  for (int j = 0; j < n; ++j) {
    for (int i = 0; i < m; ++i) {
      float sum = 0;
      for (int d = 0; d < k; ++d) {
        sum += element(a, transpose_a ? d + static_cast<std::size_t>(i) * lda : i + static_cast<std::size_t>(d) * lda) *
               element(b, transpose_b ? j + static_cast<std::size_t>(d) * ldb : d + static_cast<std::size_t>(j) * ldb);
      }
      float& to = static_cast<float*>(c)[i + static_cast<std::size_t>(j) * ldc];
      to = scale * sum + (before != 0 ? before * to : 0);  // with 0 the old value is not read
    }
  }
  return kSuccess;
}

}  // extern "C"
// NOLINTEND(readability-identifier-naming)
