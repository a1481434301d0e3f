#pragma once
// Device memory of a test, by value.
#include <cuda_runtime.h>

#include <cstddef>
#include <vector>

namespace baton::kernels::samples {

template <class T>
class DeviceBuffer {
 public:
  explicit DeviceBuffer(std::size_t n) : n_(n) { cudaMalloc(&data_, n * sizeof(T)); }
  explicit DeviceBuffer(const std::vector<T>& values) : DeviceBuffer(values.size()) {
    cudaMemcpy(data_, values.data(), n_ * sizeof(T), cudaMemcpyHostToDevice);
  }
  ~DeviceBuffer() { cudaFree(data_); }
  DeviceBuffer(const DeviceBuffer&) = delete;
  DeviceBuffer& operator=(const DeviceBuffer&) = delete;

  T* get() const { return data_; }
  std::vector<T> values() const {
    cudaDeviceSynchronize();
    std::vector<T> result(n_);
    cudaMemcpy(result.data(), data_, n_ * sizeof(T), cudaMemcpyDeviceToHost);
    return result;
  }

 private:
  T* data_ = nullptr;
  std::size_t n_;
};

}  // namespace baton::kernels::samples
