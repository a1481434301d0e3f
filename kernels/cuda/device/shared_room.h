#pragma once
// The shared memory that a block may have on this device, for kernels with more than one configuration: 227 KiB on compute capability 9.0
// and 10.0, 163 on 8.0, 99 on 8.6, 8.9 and 12.0.
#include <cuda_runtime.h>

namespace baton::kernels::cuda {

constexpr int kLeastRoom = 99 * 1024;         // the minimum over all supported devices
constexpr int kStaticSharedBytes = 4 * 1024;  // the most that the static variables of these kernels take

// Whether this many bytes of dynamic shared memory fit beside the static ones.
constexpr bool fits(int dynamic_bytes, int room) { return dynamic_bytes + kStaticSharedBytes <= room; }

inline int shared_room() {
  int device = 0, bytes = 0;
  cudaGetDevice(&device);
  cudaDeviceGetAttribute(&bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, device);
  return bytes;
}

}  // namespace baton::kernels::cuda
