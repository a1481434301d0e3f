#pragma once
// mat_vec() by kinds of weights: each function computes the matrices of its types and skips the others.
#include <baton/kernels/mat_vec.h>

namespace baton::kernels::cuda {

void mat_vec_quantised(const MatVecParams& p, Stream stream);
void mat_vec_float(const MatVecParams& p, Stream stream);

}  // namespace baton::kernels::cuda
