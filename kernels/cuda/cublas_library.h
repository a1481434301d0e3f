#pragma once
// cuBLAS for the large products of prefill, loaded at run time: nothing is linked, and a machine without it uses gemm().
#include <baton/kernels/gemm.h>

#include <memory>
#include <span>
#include <string>

namespace baton::kernels::cuda {

class Cublas {
 public:
  // Tries the names in order. Null if none can be used; why_not then lists the names and their errors.
  static std::unique_ptr<Cublas> open(std::span<const std::string> names, std::string& why_not);
  static std::span<const std::string> usual_names();  // libcublas.so.13, libcublas.so.12
  ~Cublas();
  Cublas(const Cublas&) = delete;
  Cublas& operator=(const Cublas&) = delete;

  // As gemm(); false if cuBLAS refuses. One thread at a time.
  bool gemm(const GemmParams& p, Stream stream);

 private:
  struct Library;
  explicit Cublas(std::unique_ptr<Library> library);
  std::unique_ptr<Library> library_;
};

// y += bias, row by row: (m, n) with rows y_stride apart.
void add_bias(float* y, std::size_t y_stride, const float* bias, int m, int n, Stream stream);

}  // namespace baton::kernels::cuda
