#pragma once
// The running softmax of rows of scores (Milakov & Gimelshein 2018), as attention needs it: weights are exp2((score - maximum) * factor),
// so that one multiply-add computes the exponent.
#include <cuda_runtime.h>

#include "arithmetic.h"

namespace baton::kernels::cuda {

constexpr float kLog2E = 1.4426950408889634f, kLn2 = 0.6931471805599453f;

// Maximum and sum over the four lanes that share a row of a fragment.
__device__ __forceinline__ float quad_max(float x) {
  x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, 1));
  return fmaxf(x, __shfl_xor_sync(0xffffffffu, x, 2));
}
__device__ __forceinline__ float quad_sum(float x) {
  x += __shfl_xor_sync(0xffffffffu, x, 1);
  return x + __shfl_xor_sync(0xffffffffu, x, 2);
}

// The state of one row after the columns so far: result = o / sum, o being the sum of weight * value.
struct RowState {
  float maximum = kMinusInfinity;  // of the scores
  float sum = 0.0f;                // of the weights, of this lane's columns only until quad_sum

  // Takes the largest score of the next columns (of the whole row). Returns the factor for o and sum so far (sum is multiplied here).
  __device__ __forceinline__ float raise(float largest, float factor) {
    const float before = maximum;
    maximum = fmaxf(maximum, largest);
    const float correction = exp2_approx((before - shift()) * factor);
    sum *= correction;
    return correction;
  }
  // The value subtracted from scores: 0 as long as no column was visible, so that -inf - -inf never happens.
  __device__ __forceinline__ float shift() const { return maximum == kMinusInfinity ? 0.0f : maximum; }
};

// One row's result from its common exponent (maximum * factor), sum of weights and sum of weight * value, and its sink, or null.
struct RowResult {
  float share;  // factor for the sum of weight * value
  float log_sum_exp;

  __device__ __forceinline__ RowResult(float exponent, float sum, const float* sink_score) {
    float correction = 1.0f;
    if (sink_score) {
      const float sink = *sink_score * kLog2E, highest = fmaxf(exponent, sink);
      correction = exp2_approx(exponent - highest);
      sum = sum * correction + exp2_approx(sink - highest);
      exponent = highest;
    }
    share = sum == 0.0f ? 0.0f : correction / sum;
    log_sum_exp = sum == 0.0f ? kMinusInfinity : (exponent + log2f(sum)) * kLn2;
  }
};

// Applies a soft cap to a product q k: softcap * tanh(product * scale / softcap), times log2 e, so its weight is exp2 of the result.
// Absolute error below 2e-6 softcap. It stores two numbers only, because attention is short of registers.
struct SoftCap {
  float in, out;

  __device__ __forceinline__ SoftCap(float scale, float softcap) : in(scale * (2.0f * kLog2E / softcap)), out(softcap * kLog2E) {}
  __device__ __forceinline__ float operator()(float product) const {
    const float e = exp2_approx(product * in);  // exp(2 x / softcap); infinite or 0 at the ends, where tanh is 1 or -1
    return out - 2.0f * out * __fdividef(1.0f, e + 1.0f);
  }
};

}  // namespace baton::kernels::cuda
