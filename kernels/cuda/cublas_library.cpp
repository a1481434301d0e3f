#include "cublas_library.h"

#include <dlfcn.h>

#include <utility>

namespace baton::kernels::cuda {
namespace {

// The required part of cublas_api.h and library_types.h: both major versions have these values.
using Handle = void*;
constexpr int kSuccess = 0, kNoTranspose = 0, kTranspose = 1, kFloat32 = 0, kBfloat16 = 14, kComputeFloat32 = 68, kDefaultAlgorithm = -1;
using Create = int (*)(Handle*);
using Destroy = int (*)(Handle);
using SetStream = int (*)(Handle, Stream);
using GemmEx = int (*)(Handle, int, int, int, int, int, const void*, const void*, int, int, const void*, int, int, const void*, void*, int,
                       int, int, int);

}  // namespace

struct Cublas::Library {
  void* library = nullptr;
  Handle handle = nullptr;
  Destroy destroy = nullptr;
  SetStream set_stream = nullptr;
  GemmEx gemm_ex = nullptr;

  ~Library() {
    if (handle) destroy(handle);
    if (library) dlclose(library);
  }

  // Empty, or the error.
  std::string open(const std::string& name) {
    library = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library) {
      const char* error = dlerror();
      return error ? error : "not found";
    }
    const auto create = reinterpret_cast<Create>(dlsym(library, "cublasCreate_v2"));
    destroy = reinterpret_cast<Destroy>(dlsym(library, "cublasDestroy_v2"));
    set_stream = reinterpret_cast<SetStream>(dlsym(library, "cublasSetStream_v2"));
    gemm_ex = reinterpret_cast<GemmEx>(dlsym(library, "cublasGemmEx"));
    if (!create || !destroy || !set_stream || !gemm_ex) return "it lacks a function that is needed";
    if (const int status = create(&handle); status != kSuccess) {
      handle = nullptr;
      return "cublasCreate failed with status " + std::to_string(status);
    }
    return "";
  }
};

Cublas::Cublas(std::unique_ptr<Library> library) : library_(std::move(library)) {}
Cublas::~Cublas() = default;

std::span<const std::string> Cublas::usual_names() {
  static const std::string names[] = {"libcublas.so.13", "libcublas.so.12"};
  return names;
}

std::unique_ptr<Cublas> Cublas::open(std::span<const std::string> names, std::string& why_not) {
  why_not.clear();
  for (const std::string& name : names) {
    auto library = std::make_unique<Library>();
    const std::string error = library->open(name);
    if (error.empty()) return std::unique_ptr<Cublas>(new Cublas(std::move(library)));
    why_not += (why_not.empty() ? "" : "; ") + name + ": " + error;
  }
  return nullptr;
}

// cuBLAS is column-major: y (m, n) by rows is (n, m) by columns, and y = x w^T becomes y' = w'^T x'.
bool Cublas::gemm(const GemmParams& p, Stream stream) {
  if (p.m == 0 || p.n == 0) return true;
  const float one = 1, before = p.accumulate ? 1 : 0;
  if (library_->set_stream(library_->handle, stream) != kSuccess) return false;
  if (library_->gemm_ex(library_->handle, kTranspose, kNoTranspose, p.n, p.m, p.k, &one, p.w, kBfloat16, p.k, p.x, kBfloat16, p.k, &before,
                        p.y, kFloat32, static_cast<int>(p.y_stride), kComputeFloat32, kDefaultAlgorithm) != kSuccess) {
    return false;
  }
  if (p.bias) add_bias(p.y, p.y_stride, p.bias, p.m, p.n, stream);
  return true;
}

}  // namespace baton::kernels::cuda
