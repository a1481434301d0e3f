// x += y. Grid: as device/elements.h says.
#include <baton/kernels/add.h>
#include <baton/kernels/cuda/device/elements.h>
#include <baton/kernels/cuda/device/launch.h>

namespace baton::kernels::cuda {
namespace {

__global__ void __launch_bounds__(kElementThreads) add_kernel(float* x, const float* y, std::size_t n) {
  for_elements(x, y, n, [](float a, float b) { return a + b; });
}

}  // namespace

void add(float* x, const float* y, std::size_t n, Stream stream) {
  if (n > 0) launch(add_kernel, element_grid(n), dim3(kElementThreads), 0, stream, x, y, n);
}

}  // namespace baton::kernels::cuda
