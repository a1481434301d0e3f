#pragma once
// The target on which the body of a kernel's test runs: a real device, or the simulator in several orders of threads and blocks; and device
// memory by value. A body that the CPU op can run as well uses targets(), the others device_targets().
#include <baton/kernels/cuda.h>
#include <cuda_runtime.h>
#include <gtest/gtest.h>

#ifdef BATON_SIMULATED_DEVICE
#include <baton/kernels/sim/options.h>
#endif

#include <cstring>
#include <ostream>
#include <string>
#include <vector>

#include "levels.h"

namespace baton::kernels::cuda {

struct Target {
  enum class Kind { scalar, avx2, device } kind;
  unsigned seed = 1;  // of the simulator

  bool on_device() const { return kind == Kind::device; }
  CpuLevel level() const { return kind == Kind::avx2 ? CpuLevel::avx2 : CpuLevel::scalar; }
};
inline std::string name(const Target& target) {
  if (target.kind == Target::Kind::scalar) return "scalar";
  if (target.kind == Target::Kind::avx2) return "avx2";
#ifdef BATON_SIMULATED_DEVICE
  return "simulator_" + std::to_string(target.seed);
#else
  return "device";
#endif
}
inline void PrintTo(const Target& target, std::ostream* out) { *out << name(target); }

inline std::vector<Target> device_targets() {
#ifdef BATON_SIMULATED_DEVICE
  return {{Target::Kind::device, 1}, {Target::Kind::device, 2}};
#else
  return {{Target::Kind::device}};
#endif
}
inline std::vector<Target> targets() {
  std::vector<Target> out = {{Target::Kind::scalar}};
  if (best_cpu_level() >= CpuLevel::avx2) out.push_back({Target::Kind::avx2});
  for (const Target& target : device_targets()) out.push_back(target);
  return out;
}

// A fixture's base: INSTANTIATE_TEST_SUITE_P(, MyTest, testing::ValuesIn(targets()), target_name);
class OnTarget : public testing::TestWithParam<Target> {
 protected:
  void SetUp() override {
    if (!GetParam().on_device()) return;
#ifdef BATON_SIMULATED_DEVICE
    sim::set_seed(GetParam().seed);
#else
    int n_devices = 0;
    if (cudaGetDeviceCount(&n_devices) != cudaSuccess || n_devices == 0) GTEST_SKIP() << "no CUDA device here";
#endif
  }
  void TearDown() override {
    if (!GetParam().on_device() || IsSkipped()) return;
    EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess) << cudaGetErrorString(cudaGetLastError());
    EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  }
};
inline std::string target_name(const testing::TestParamInfo<Target>& info) { return name(info.param); }

#ifdef BATON_SIMULATED_DEVICE
// For its lifetime a block may have no more shared memory than on a smaller device.
constexpr std::size_t kSmallerRooms[] = {163 * 1024, 99 * 1024};  // compute capability 8.0; 8.6, 8.9 and 12.0
class WithRoom {
 public:
  explicit WithRoom(std::size_t bytes) { sim::options().shared_bytes_per_block_optin = bytes; }
  ~WithRoom() { sim::options().shared_bytes_per_block_optin = before_; }
  WithRoom(const WithRoom&) = delete;
  WithRoom& operator=(const WithRoom&) = delete;

 private:
  std::size_t before_ = sim::options().shared_bytes_per_block_optin;
};
#endif

// n values of device memory. Without values they are poisoned: 0xff bytes are NaN in every float type.
template <class T>
class DeviceBuffer {
 public:
  explicit DeviceBuffer(std::size_t n) : n_(n) {
    allocate();
    if (data_) cudaMemset(data_, 0xff, n_ * sizeof(T));
  }
  explicit DeviceBuffer(const std::vector<T>& values) : n_(values.size()) {
    allocate();
    if (data_) cudaMemcpy(data_, values.data(), n_ * sizeof(T), cudaMemcpyHostToDevice);
  }
  ~DeviceBuffer() { cudaFree(data_); }
  DeviceBuffer(const DeviceBuffer&) = delete;
  DeviceBuffer& operator=(const DeviceBuffer&) = delete;

  T* get() const { return data_; }
  std::size_t size() const { return n_; }
  // Waits for all work.
  std::vector<T> values() const {
    cudaDeviceSynchronize();
    std::vector<T> result(n_);
    if (n_) cudaMemcpy(result.data(), data_, n_ * sizeof(T), cudaMemcpyDeviceToHost);
    return result;
  }

 private:
  void allocate() {
    if (n_ == 0) return;
    EXPECT_EQ(cudaMalloc(&data_, n_ * sizeof(T)), cudaSuccess) << n_ * sizeof(T) << " bytes";
  }
  T* data_ = nullptr;
  std::size_t n_;
};

}  // namespace baton::kernels::cuda
