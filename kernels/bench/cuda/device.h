#pragma once
// Device memory and the runtime's errors, as the benches use them.
#include <cuda_runtime.h>

#include <cstddef>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace baton::kernels::cuda::bench {

// Throws with the runtime's message: a bench ends at its first error.
inline void check(cudaError_t error, const std::string& what) {
  if (error != cudaSuccess) throw std::runtime_error(what + ": " + cudaGetErrorString(error));
}
// Kernels return nothing: errors of the launch or of the run are reported here.
inline void wait(const std::string& what) {
  check(cudaGetLastError(), what);
  check(cudaDeviceSynchronize(), what);
}

template <class T>
class Buffer {
 public:
  Buffer() = default;
  // Whole words of 16 bytes, as kernels read. Poisoned: 0xff bytes are NaN in every float type.
  explicit Buffer(std::size_t n) : n_(n) {
    const std::size_t bytes = (n * sizeof(T) + 15) / 16 * 16;
    if (bytes == 0) return;
    check(cudaMalloc(&data_, bytes), "cudaMalloc of " + std::to_string(bytes) + " bytes");
    check(cudaMemset(data_, 0xff, bytes), "cudaMemset");
  }
  explicit Buffer(const std::vector<T>& values) : Buffer(values.size()) {
    if (n_) check(cudaMemcpy(data_, values.data(), n_ * sizeof(T), cudaMemcpyHostToDevice), "cudaMemcpy to the device");
  }
  ~Buffer() { cudaFree(data_); }
  Buffer(Buffer&& other) noexcept : data_(std::exchange(other.data_, nullptr)), n_(std::exchange(other.n_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(n_, other.n_);
    return *this;
  }

  T* get() const { return data_; }
  std::size_t size() const { return n_; }
  std::size_t bytes() const { return n_ * sizeof(T); }

 private:
  T* data_ = nullptr;
  std::size_t n_ = 0;
};

template <class T>
std::vector<T> download(const T* from, std::size_t n) {
  std::vector<T> to(n);
  if (n) check(cudaMemcpy(to.data(), from, n * sizeof(T), cudaMemcpyDeviceToHost), "cudaMemcpy to the host");
  return to;
}
template <class T>
std::vector<T> download(const Buffer<T>& from) {
  return download(from.get(), from.size());
}

inline const cudaDeviceProp& device() {
  static const cudaDeviceProp found = [] {
    cudaDeviceProp properties;
    check(cudaGetDeviceProperties(&properties, 0), "cudaGetDeviceProperties");
    return properties;
  }();
  return found;
}

// The number of buffers of this size that take turns, so that none is still in the L2 at its next turn: together four times the L2's size,
// and at least two, because a cache need not evict the oldest entry.
inline int n_sets(std::size_t bytes) {
  const std::size_t wanted = 4 * static_cast<std::size_t>(device().l2CacheSize), n = bytes ? (wanted + bytes - 1) / bytes : 1;
  return static_cast<int>(n < 2 ? 2 : n);
}

}  // namespace baton::kernels::cuda::bench
