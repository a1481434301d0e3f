#pragma once
// y = exp(x - max(x)) / sum(exp(x - max(x))) of one row. Entries of -infinity give 0; a row of nothing else gives zeros.
// NaN or +infinity gives NaN. y may be x.
// exp is the one of cpu/exp.h; the sum runs from the first element to the last in f32.
#include <cstddef>

namespace baton::kernels::cpu {

void softmax(const float* x, std::size_t n, float* y);

}  // namespace baton::kernels::cpu
