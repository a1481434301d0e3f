#pragma once
#include <cstddef>

namespace baton::kernels::cpu {

// x += y, element by element.
void add(float* x, const float* y, std::size_t n);

}  // namespace baton::kernels::cpu
