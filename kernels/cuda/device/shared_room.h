#pragma once
// How much shared memory a block may have here, for kernels that have more than one configuration: 227 KiB on compute capability 9.0 and
// 10.0, 163 on 8.0, 99 on 8.6, 8.9 and 12.0.
#include <cuda_runtime.h>

namespace baton::kernels::cuda {

constexpr int kLeastRoom = 99 * 1024;         // of all devices that the kernels are for
constexpr int kStaticSharedBytes = 4 * 1024;  // what the static variables of these kernels take at the most

// Whether so many bytes of dynamic shared memory fit beside the static ones.
constexpr bool fits(int dynamic_bytes, int room) { return dynamic_bytes + kStaticSharedBytes <= room; }

inline int shared_room() {
  int device = 0, bytes = 0;
  cudaGetDevice(&device);
  cudaDeviceGetAttribute(&bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, device);
  return bytes;
}

}  // namespace baton::kernels::cuda
