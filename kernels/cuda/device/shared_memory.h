#pragma once
// Shared memory of a kernel. In a kernel's body:
//   BATON_SHARED(tile, float[32][33]);   a static variable `tile` of that type, uninitialised
//   BATON_DYNAMIC_SHARED(bytes);         unsigned char* to the launch's dynamic shared memory, aligned to 16 bytes
// Under nvcc these are __shared__ variables. The simulator gives each memory of its own, poisoned before every block and followed by guard
// pages, which a C++ variable cannot have; so a plain __shared__ does not compile there.

#ifdef __CUDACC__

namespace baton::kernels::cuda {
template <class T>
using SharedType = T;  // so that an array's bounds may come before the name
}

#define BATON_SHARED(name, ...) __shared__ ::baton::kernels::cuda::SharedType<__VA_ARGS__> name
#define BATON_DYNAMIC_SHARED(name) extern __shared__ __align__(16) unsigned char name[]

#else

#include <baton/kernels/sim/shared_memory.h>

// The lambda's static is one per declaration and template instance. It is constant-initialised, so no guard variable is needed.
#define BATON_SHARED(name, ...)                                                           \
  auto& name = ::baton::kernels::sim::shared_reference<__VA_ARGS__>([]() -> void* {       \
    static constinit ::baton::kernels::sim::SharedVariable variable(sizeof(__VA_ARGS__)); \
    return variable.get();                                                                \
  }())
#define BATON_DYNAMIC_SHARED(name) unsigned char* const name = static_cast<unsigned char*>(::baton::kernels::sim::dynamic_shared())

#endif
