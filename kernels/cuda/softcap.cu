// x = softcap * tanh(x / softcap). Grid: as device/elements.h says.
#include <baton/kernels/cuda/device/elements.h>
#include <baton/kernels/cuda/device/launch.h>
#include <baton/kernels/softcap.h>

namespace baton::kernels::cuda {
namespace {

__global__ void __launch_bounds__(kElementThreads) softcap_kernel(float* x, std::size_t n, float softcap) {
  for_elements(x, x, n, [=](float a, float) { return softcap * tanhf(a / softcap); });
}

}  // namespace

void softcap(float* x, std::size_t n, float softcap, Stream stream) {
  if (n > 0) launch(softcap_kernel, element_grid(n), dim3(kElementThreads), 0, stream, x, n, softcap);
}

}  // namespace baton::kernels::cuda
