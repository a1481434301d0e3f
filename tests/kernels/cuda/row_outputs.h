#pragma once
// All forms in which a row kernel can write its result, checked against each other.
#include <baton/kernels/mat_mul.h>

#include "device.h"

namespace baton::kernels::cuda {

class AllForms {
 public:
  AllForms(int n_rows, int n) : n_rows_(n_rows), n_(n), f32_(size()), bf16_(size()), q_(size()), scales_(size() / 32) {}

  RowOutputs outputs() { return {f32_.get(), bf16_.get(), {q_.get(), scales_.get()}}; }

  // The f32 values. bf16 is their rounding, q8 the result of the CPU op's quantisation.
  std::vector<float> check() {
    const std::vector<float> y = f32_.values();
    const std::vector<std::uint16_t> halves = bf16_.values();
    const std::vector<std::int8_t> q = q_.values();
    const std::vector<Q8Scale> scales = scales_.values();
    ThreadPool pool(1);
    Activations want;
    cpu::prepare_activations(want, y.data(), n_rows_, n_, true, {CpuLevel::scalar, pool});
    int off_by_one = 0;
    for (std::size_t i = 0; i < size(); ++i) {
      EXPECT_NEAR(bf16_to_f32(halves[i]), y[i], std::fabs(y[i]) * 0x1p-8) << i;
      // A device may divide with one more rounding, which moves a value that lies between two integers to the other.
      EXPECT_NEAR(q[i], want.q[i], 1) << i;
      off_by_one += q[i] != want.q[i];
    }
    EXPECT_LE(off_by_one, static_cast<int>(size()) / 1000 + 1);
    for (std::size_t g = 0; g < size() / 32; ++g) {
      EXPECT_FLOAT_EQ(scales[g].scale, want.scale[g]) << g;
      EXPECT_NEAR(scales[g].scaled_sum, want.scaled_sum[g], 2 * want.scale[g]) << g;
    }
    return y;
  }

 private:
  std::size_t size() const { return static_cast<std::size_t>(n_rows_) * n_; }
  int n_rows_, n_;
  DeviceBuffer<float> f32_;
  DeviceBuffer<std::uint16_t> bf16_;
  DeviceBuffer<std::int8_t> q_;
  DeviceBuffer<Q8Scale> scales_;
};

}  // namespace baton::kernels::cuda
