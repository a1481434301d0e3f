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

// x = softcap * tanh(x / softcap), element by element: logits of Gemma 2.
void softcap(float* x, std::size_t n, float softcap, Stream stream);
}  // namespace cuda
}  // namespace baton::kernels
