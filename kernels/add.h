#pragma once
#include <baton/kernels/cuda.h>

#include <cstddef>

namespace baton::kernels {
namespace cpu {

// x += y, element by element.
void add(float* x, const float* y, std::size_t n);

}  // namespace cpu

namespace cuda {
void add(float* x, const float* y, std::size_t n, Stream stream);
}  // namespace cuda
}  // namespace baton::kernels
