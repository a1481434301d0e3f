#pragma once
#include <baton/kernels/cuda.h>

#include <cstddef>

namespace baton::kernels::cuda {

// x = softcap * tanh(x / softcap), element by element: logits of Gemma 2.
void softcap(float* x, std::size_t n, float softcap, Stream stream);

}  // namespace baton::kernels::cuda
