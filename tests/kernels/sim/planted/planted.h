#pragma once
// Bugs planted in small kernels. Each kernel is a template over `bool kBug`: with it the bug is compiled in, without it the same kernel is
// right. tests/check/kernels/planted_bugs.py runs each in a process of its own and reports which tool found it.
#include <cuda_runtime.h>

#include <cstddef>
#include <vector>

namespace baton::kernels::planted {

struct Bug {
  const char* name;
  const char* what;       // as a row of the table
  bool (*run)(bool bug);  // whether the kernel's results are right
};

const std::vector<Bug>& memory_bugs();
const std::vector<Bug>& barrier_bugs();
const std::vector<Bug>& warp_bugs();
const std::vector<Bug>& async_copy_bugs();
const std::vector<Bug>& fragment_bugs();
const std::vector<Bug>& launch_bugs();
const std::vector<Bug>& stream_bugs();

// Runs `f` with device memory that holds `in`, and space for n_out results; true if they equal `expected`.
template <class T, class F>
bool gives(const std::vector<T>& in, const std::vector<T>& expected, F f) {
  T *device_in = nullptr, *device_out = nullptr;
  cudaMalloc(&device_in, in.size() * sizeof(T));
  cudaMalloc(&device_out, expected.size() * sizeof(T));
  cudaMemcpy(device_in, in.data(), in.size() * sizeof(T), cudaMemcpyHostToDevice);
  f(device_out, device_in);
  std::vector<T> out(expected.size());
  cudaMemcpy(out.data(), device_out, out.size() * sizeof(T), cudaMemcpyDeviceToHost);
  cudaFree(device_in);
  cudaFree(device_out);
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (!(out[i] == expected[i])) return false;
  }
  return true;
}

// 1, 2, 3, ..
template <class T>
std::vector<T> count_from_one(int n) {
  std::vector<T> x;
  for (int i = 1; i <= n; ++i) x.push_back(static_cast<T>(i));
  return x;
}

}  // namespace baton::kernels::planted
