// Device and memory of runtime_api.h; streams, events and graphs are in stream.cpp.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include "fail.h"
#include "guarded_memory.h"
#include "options.h"
#include "shared_memory.h"
#include "stream.h"

namespace sim = baton::kernels::sim;

namespace {

constexpr std::size_t kDeviceBytes = std::size_t{8} << 30;  // the claimed memory of the simulated device
constexpr std::size_t kReservedBytes = 1024;                // of shared memory, per block, for the system

cudaError_t allocate(void** address, std::size_t bytes, sim::MemoryKind kind) {
  *address = nullptr;
  if (bytes == 0) return cudaSuccess;
  const sim::GuardedMemory* memory = bytes > kDeviceBytes ? nullptr : sim::allocate_guarded(bytes, kind);
  if (!memory) return sim::set_error(cudaErrorMemoryAllocation);
  *address = memory->address;
  return cudaSuccess;
}

cudaError_t release(void* address, sim::MemoryKind kind) {
  if (!address) return cudaSuccess;
  sim::drain();  // a free waits for the device
  sim::GuardedMemory* memory = sim::find_memory(address, 1);
  if (!memory || memory->address != address || memory->kind != kind) return sim::set_error(cudaErrorInvalidValue);
  sim::free_guarded(memory);
  return cudaSuccess;
}

bool on_device(const void* address, std::size_t bytes) {
  const sim::GuardedMemory* memory = sim::find_memory(address, bytes);
  return memory && memory->kind == sim::MemoryKind::device;
}

bool pinned(const void* address, std::size_t bytes) {
  const sim::GuardedMemory* memory = sim::find_memory(address, bytes);
  return memory && memory->kind == sim::MemoryKind::host;
}

void check_device_range(const void* address, std::size_t bytes, const char* what) {
  if (on_device(address, bytes)) return;
  char where[200];
  sim::describe_address(static_cast<const std::byte*>(address) + (sim::find_memory(address, 1) ? bytes - 1 : 0), where, sizeof where);
  sim::fail("%s: %zu bytes at %p are not in one device buffer: %s", what, bytes, address, where);
}

}  // namespace

#define BATON_ERRORS(X)                                                                    \
  X(cudaSuccess, "no error")                                                               \
  X(cudaErrorInvalidValue, "invalid argument")                                             \
  X(cudaErrorMemoryAllocation, "out of memory")                                            \
  X(cudaErrorInvalidDevice, "invalid device ordinal")                                      \
  X(cudaErrorInvalidResourceHandle, "invalid resource handle")                             \
  X(cudaErrorNotReady, "device not ready")                                                 \
  X(cudaErrorStreamCaptureUnsupported, "operation not permitted when stream is capturing") \
  X(cudaErrorStreamCaptureUnjoined, "capturing stream has unjoined work")                  \
  X(cudaErrorStreamCaptureImplicit, "operation would make the legacy stream depend on a capturing blocking stream")

const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
#define BATON_CASE(name, text) \
  case name:                   \
    return text;
    BATON_ERRORS(BATON_CASE)
#undef BATON_CASE
  }
  return "unrecognized error code";
}

const char* cudaGetErrorName(cudaError_t error) {
  switch (error) {
#define BATON_CASE(name, text) \
  case name:                   \
    return #name;
    BATON_ERRORS(BATON_CASE)
#undef BATON_CASE
  }
  return "unrecognized error code";
}

cudaError_t cudaGetDeviceCount(int* count) {
  *count = 1;
  return cudaSuccess;
}

cudaError_t cudaSetDevice(int device) { return device == 0 ? cudaSuccess : sim::set_error(cudaErrorInvalidDevice); }

cudaError_t cudaGetDevice(int* device) {
  *device = 0;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* p, int device) {
  if (device != 0) return sim::set_error(cudaErrorInvalidDevice);
  const sim::Options& o = sim::options();
  *p = {};
  std::snprintf(p->name, sizeof p->name, "Baton simulator");
  p->totalGlobalMem = kDeviceBytes;
  p->sharedMemPerBlock = o.shared_bytes_per_block;
  p->sharedMemPerBlockOptin = o.shared_bytes_per_block_optin;
  p->sharedMemPerMultiprocessor = o.shared_bytes_per_block_optin + kReservedBytes;
  p->regsPerBlock = 65536;
  p->warpSize = sim::kWarpSize;
  p->maxThreadsPerBlock = sim::kMaxThreads;
  p->multiProcessorCount = o.n_multiprocessors;
  p->major = o.compute_capability_major;
  p->minor = o.compute_capability_minor;
  p->l2CacheSize = static_cast<int>(o.l2_bytes);
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  cudaDeviceProp p = {};
  if (const cudaError_t error = cudaGetDeviceProperties(&p, device)) return error;
  switch (attribute) {
    case cudaDevAttrMaxThreadsPerBlock:
      *value = p.maxThreadsPerBlock;
      return cudaSuccess;
    case cudaDevAttrMaxSharedMemoryPerBlock:
      *value = static_cast<int>(p.sharedMemPerBlock);
      return cudaSuccess;
    case cudaDevAttrWarpSize:
      *value = p.warpSize;
      return cudaSuccess;
    case cudaDevAttrMaxRegistersPerBlock:
      *value = p.regsPerBlock;
      return cudaSuccess;
    case cudaDevAttrMultiProcessorCount:
      *value = p.multiProcessorCount;
      return cudaSuccess;
    case cudaDevAttrL2CacheSize:
      *value = p.l2CacheSize;
      return cudaSuccess;
    case cudaDevAttrComputeCapabilityMajor:
      *value = p.major;
      return cudaSuccess;
    case cudaDevAttrComputeCapabilityMinor:
      *value = p.minor;
      return cudaSuccess;
    case cudaDevAttrMaxSharedMemoryPerMultiprocessor:
      *value = static_cast<int>(p.sharedMemPerMultiprocessor);
      return cudaSuccess;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      *value = static_cast<int>(p.sharedMemPerBlockOptin);
      return cudaSuccess;
  }
  return sim::set_error(cudaErrorInvalidValue);
}

cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  *free = *total = kDeviceBytes;
  return cudaSuccess;
}

cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute attribute, int value) {
  if (attribute == cudaFuncAttributePreferredSharedMemoryCarveout) return cudaSuccess;
  if (value < 0 || !sim::allow_dynamic_shared(kernel, static_cast<std::size_t>(value))) return sim::set_error(cudaErrorInvalidValue);
  return cudaSuccess;
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, const void*, int threads, std::size_t dynamic_bytes) {
  *blocks = 0;
  if (threads < 1 || threads > static_cast<int>(sim::kMaxThreads)) return sim::set_error(cudaErrorInvalidValue);
  const std::size_t by_shared = (sim::options().shared_bytes_per_block_optin + kReservedBytes) / (dynamic_bytes + kReservedBytes);
  *blocks = std::min({static_cast<int>(by_shared), 2048 / threads, 32});  // compute capability 9.0
  return cudaSuccess;
}

cudaError_t cudaMalloc(void** address, std::size_t bytes) { return allocate(address, bytes, sim::MemoryKind::device); }
cudaError_t cudaFree(void* address) { return release(address, sim::MemoryKind::device); }
cudaError_t cudaHostAlloc(void** address, std::size_t bytes, unsigned) { return allocate(address, bytes, sim::MemoryKind::host); }
cudaError_t cudaMallocHost(void** address, std::size_t bytes) { return cudaHostAlloc(address, bytes, cudaHostAllocDefault); }
cudaError_t cudaFreeHost(void* address) { return release(address, sim::MemoryKind::host); }

cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  return cudaMemcpyAsync(to, from, bytes, kind, nullptr);
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  if (bytes == 0) return cudaSuccess;
  const bool to_device = kind == cudaMemcpyDefault ? on_device(to, 1) : kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
  const bool from_device =
      kind == cudaMemcpyDefault ? on_device(from, 1) : kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
  if (to_device) check_device_range(to, bytes, "cudaMemcpy, destination");
  if (from_device) check_device_range(from, bytes, "cudaMemcpy, source");
  if (!to_device && on_device(to, 1)) sim::fail("cudaMemcpy: the destination is device memory, which the kind of the copy denies");
  if (!from_device && on_device(from, 1)) sim::fail("cudaMemcpy: the source is device memory, which the kind of the copy denies");
  if (stream && !from_device && !pinned(from, bytes)) {
    auto staged =
        std::make_shared<std::vector<std::byte>>(static_cast<const std::byte*>(from), static_cast<const std::byte*>(from) + bytes);
    return sim::enqueue(stream, [to, staged] { std::memcpy(to, staged->data(), staged->size()); });
  }
  const cudaError_t error = sim::enqueue(stream, [to, from, bytes] { std::memmove(to, from, bytes); });
  if (error == cudaSuccess && stream && !to_device && !pinned(to, bytes)) return cudaStreamSynchronize(stream);
  return error;
}

cudaError_t cudaMemset(void* address, int value, std::size_t bytes) { return cudaMemsetAsync(address, value, bytes, nullptr); }

cudaError_t cudaMemsetAsync(void* address, int value, std::size_t bytes, cudaStream_t stream) {
  if (bytes == 0) return cudaSuccess;
  check_device_range(address, bytes, "cudaMemset");
  return sim::enqueue(stream, [address, value, bytes] { std::memset(address, value, bytes); });
}
