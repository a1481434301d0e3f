// x += y, and x = softcap * tanh(x / softcap). Grid: up to 1024 blocks of 256 threads that stride over the elements, four at a time.
#include <baton/kernels/add.h>
#include <baton/kernels/cuda/device/launch.h>

namespace baton::kernels::cuda {
namespace {

// x = f(x, y), over whole words of four and then the rest.
template <class F>
__device__ __forceinline__ void for_elements(float* x, const float* y, std::size_t n, F f) {
  const std::size_t thread = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x,
                    threads = static_cast<std::size_t>(gridDim.x) * blockDim.x;
  for (std::size_t i = thread; i < n / 4; i += threads) {
    const float4 a = reinterpret_cast<const float4*>(x)[i], b = reinterpret_cast<const float4*>(y)[i];
    reinterpret_cast<float4*>(x)[i] = make_float4(f(a.x, b.x), f(a.y, b.y), f(a.z, b.z), f(a.w, b.w));
  }
  for (std::size_t i = n / 4 * 4 + thread; i < n; i += threads) x[i] = f(x[i], y[i]);
}

__global__ void __launch_bounds__(256) add_kernel(float* x, const float* y, std::size_t n) {
  for_elements(x, y, n, [](float a, float b) { return a + b; });
}

__global__ void __launch_bounds__(256) softcap_kernel(float* x, std::size_t n, float softcap) {
  for_elements(x, x, n, [=](float a, float) { return softcap * tanhf(a / softcap); });
}

dim3 grid_for(std::size_t n) {
  const std::size_t blocks = (n + 1023) / 1024;
  return dim3(static_cast<unsigned>(blocks < 1024 ? blocks : 1024));
}

}  // namespace

void add(float* x, const float* y, std::size_t n, Stream stream) {
  if (n > 0) launch(add_kernel, grid_for(n), dim3(256), 0, stream, x, y, n);
}

void softcap(float* x, std::size_t n, float softcap, Stream stream) {
  if (n > 0) launch(softcap_kernel, grid_for(n), dim3(256), 0, stream, x, n, softcap);
}

}  // namespace baton::kernels::cuda
