#pragma once
// One step's operands on the device: queries, and keys and values in pages of a shuffled order.
#include <baton/kernels/attention.h>

#include <string>

#include "device.h"

namespace baton::kernels::cuda::bench {

KvType kv_type(const std::string& name);

struct AttentionShape {
  KvType type;
  int batch;     // sequences
  int n_tokens;  // of each
  int context;   // positions of each, including these tokens
  int n_head, n_head_kv, head_dim;
  bool causal;
};

class AttentionSet {
 public:
  AttentionSet(const AttentionShape& shape, unsigned seed);

  AttentionParams params() const;
  std::size_t bytes() const;       // of all operands and the output
  std::size_t kv_bytes() const;    // keys, values and their scales
  std::string check_rows() const;  // describes the output's error; throws beyond the bound. Rows: the first, the last, some between
  void poison() const;             // the output

 private:
  double squared_error(int sequence, int token, int head, double& squared_size) const;

  AttentionShape s_;
  int pages_a_sequence_;
  Buffer<std::uint8_t> k_, v_;
  Buffer<std::uint16_t> k_scale_, v_scale_, q_, out_;
  Buffer<std::int32_t> positions_, sequence_, first_token_, context_, page_table_;
  std::vector<std::int32_t> host_page_table_;
};

}  // namespace baton::kernels::cuda::bench
