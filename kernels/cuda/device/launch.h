#pragma once
// The only way to start a kernel: kernel<<<grid, block, dynamic_shared_bytes, stream>>>(args...), which the simulator cannot spell.
//   launch(scale_rows, dim3(n_rows), dim3(256), 0, stream, y, x, n);
// Arguments are converted to the kernel's parameters and copied. Under nvcc it returns the runtime's result; the simulator ends the program
// with a report if no device could run the launch.
#include <cuda_runtime.h>

#include <cstddef>
#include <utility>

#ifndef __CUDACC__
#include <baton/kernels/sim/stream.h>

#include <tuple>
#include <type_traits>
#endif

namespace baton::kernels::cuda {

#ifdef __CUDACC__

template <class... Parameters, class... Arguments>
cudaError_t launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, std::size_t dynamic_shared_bytes, cudaStream_t stream,
                   Arguments&&... arguments) {
  cudaLaunchConfig_t config{};
  config.gridDim = grid;
  config.blockDim = block;
  config.dynamicSmemBytes = dynamic_shared_bytes;
  config.stream = stream;
  return cudaLaunchKernelEx(&config, kernel, std::forward<Arguments>(arguments)...);
}

#else

template <class... Parameters, class... Arguments>
cudaError_t launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, std::size_t dynamic_shared_bytes, cudaStream_t stream,
                   Arguments&&... arguments) {
  const sim::LaunchShape shape{reinterpret_cast<const void*>(kernel), grid, block, dynamic_shared_bytes};
  return sim::enqueue_launch(
      shape, stream,
      [kernel, copied = std::tuple<std::decay_t<Parameters>...>(std::forward<Arguments>(arguments)...)] { std::apply(kernel, copied); });
}

#endif

}  // namespace baton::kernels::cuda
