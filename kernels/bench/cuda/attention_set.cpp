#include "attention_set.h"

#include <baton/kernels/float16.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "fill.h"

namespace baton::kernels::cuda::bench {
namespace {

constexpr int kPageTokens = 32;  // llm/model/model.h

Bits contents(KvType type) {
  if (type == KvType::bf16) return kBf16;
  if (type == KvType::f16) return kF16;
  return type == KvType::q8_0 ? kInt8 : kFp8;
}

float half_value(KvType type, std::uint16_t h) { return type == KvType::bf16 ? bf16_to_f32(h) : f16_to_f32(h); }

// Row of a page as numbers; scales are read for q8_0 only.
std::vector<double> numbers(KvType type, int head_dim, const Buffer<std::uint8_t>& pages, const Buffer<std::uint16_t>& scales,
                            std::size_t slot, std::size_t n_slots) {
  const int bytes = kv_element_bytes(type);
  const auto raw = download(pages.get() + slot * head_dim * bytes, n_slots * head_dim * bytes);
  const int stride = kv_scale_stride(head_dim);
  const auto scale = type == KvType::q8_0 ? download(scales.get() + slot * stride, n_slots * stride) : std::vector<std::uint16_t>();
  std::vector<double> out(n_slots * head_dim);
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (bytes == 2) {
      out[i] = half_value(type, static_cast<std::uint16_t>(raw[2 * i] | raw[2 * i + 1] << 8));
    } else if (type == KvType::q8_0) {
      out[i] = static_cast<std::int8_t>(raw[i]) * static_cast<double>(f16_to_f32(scale[i / head_dim * stride + i % head_dim / 32]));
    } else {  // e4m3; fill() generates no subnormal values
      out[i] = std::ldexp(1 + (raw[i] & 7) / 8.0, (raw[i] >> 3 & 15) - 7) * (raw[i] & 0x80 ? -1 : 1);
    }
  }
  return out;
}

}  // namespace

KvType kv_type(const std::string& name) {
  if (name == "f16") return KvType::f16;
  if (name == "bf16") return KvType::bf16;
  if (name == "q8_0") return KvType::q8_0;
  if (name == "fp8") return KvType::fp8_e4m3;
  throw std::invalid_argument("type " + name + " of keys and values is not f16, bf16, q8_0 or fp8");
}

AttentionSet::AttentionSet(const AttentionShape& shape, unsigned seed)
    : s_(shape), pages_a_sequence_((shape.context + kPageTokens - 1) / kPageTokens) {
  const int n_pages = s_.batch * pages_a_sequence_;
  const std::size_t slots = static_cast<std::size_t>(n_pages) * s_.n_head_kv * kPageTokens;
  const std::size_t rows = static_cast<std::size_t>(s_.batch) * s_.n_tokens * s_.n_head;
  for (Buffer<std::uint8_t>* pages : {&k_, &v_}) {
    *pages = Buffer<std::uint8_t>(slots * s_.head_dim * kv_element_bytes(s_.type));
    fill(pages->get(), pages->bytes(), ++seed, contents(s_.type), nullptr);
  }
  if (s_.type == KvType::q8_0) {
    for (Buffer<std::uint16_t>* scales : {&k_scale_, &v_scale_}) {
      *scales = Buffer<std::uint16_t>(slots * kv_scale_stride(s_.head_dim));
      fill(scales->get(), scales->bytes(), ++seed, kScales, nullptr);
    }
  }
  q_ = Buffer<std::uint16_t>(rows * s_.head_dim);
  fill(q_.get(), q_.bytes(), ++seed, s_.type == KvType::bf16 ? kBf16 : kF16, nullptr);
  out_ = Buffer<std::uint16_t>(rows * s_.head_dim);

  std::vector<std::int32_t> positions, sequence, first_token(s_.batch + 1);
  for (int b = 0; b < s_.batch; ++b) {
    for (int t = 0; t < s_.n_tokens; ++t) {
      positions.push_back(s_.context - s_.n_tokens + t);
      sequence.push_back(b);
    }
    first_token[b + 1] = first_token[b] + s_.n_tokens;
  }
  host_page_table_.resize(n_pages);
  std::iota(host_page_table_.begin(), host_page_table_.end(), 0);
  std::shuffle(host_page_table_.begin(), host_page_table_.end(), std::mt19937(seed));
  positions_ = Buffer<std::int32_t>(positions);
  sequence_ = Buffer<std::int32_t>(sequence);
  first_token_ = Buffer<std::int32_t>(first_token);
  context_ = Buffer<std::int32_t>(std::vector<std::int32_t>(s_.batch, s_.context));
  page_table_ = Buffer<std::int32_t>(host_page_table_);
}

AttentionParams AttentionSet::params() const {
  AttentionParams p{};
  p.kv = {s_.type, k_.get(), v_.get(), k_scale_.get(), v_scale_.get(), s_.n_head_kv, s_.head_dim, kPageTokens};
  p.batch = {positions_.get(),  sequence_.get(),        first_token_.get(), context_.get(), page_table_.get(),
             pages_a_sequence_, s_.batch * s_.n_tokens, s_.batch,           s_.n_tokens};
  p.q = q_.get();
  p.out = out_.get();
  p.n_head = s_.n_head;
  p.scale = 1 / std::sqrt(static_cast<float>(s_.head_dim));
  p.causal = s_.causal;
  return p;
}

std::size_t AttentionSet::kv_bytes() const { return k_.bytes() + v_.bytes() + k_scale_.bytes() + v_scale_.bytes(); }
std::size_t AttentionSet::bytes() const { return kv_bytes() + q_.bytes() + out_.bytes(); }
void AttentionSet::poison() const { check(cudaMemset(out_.get(), 0xff, out_.bytes()), "cudaMemset"); }

double AttentionSet::squared_error(int sequence, int token, int head, double& squared_size) const {
  const int d = s_.head_dim, head_kv = head / (s_.n_head / s_.n_head_kv);
  const int visible = s_.causal ? s_.context - s_.n_tokens + token + 1 : s_.context;
  const std::size_t row = (static_cast<std::size_t>(sequence) * s_.n_tokens + token) * s_.n_head + head;
  const auto q = download(q_.get() + row * d, d), out = download(out_.get() + row * d, d);
  std::vector<double> scores, values;
  for (int first = 0; first < visible; first += kPageTokens) {
    const std::size_t page = host_page_table_[static_cast<std::size_t>(sequence) * pages_a_sequence_ + first / kPageTokens];
    const std::size_t slot = (page * s_.n_head_kv + head_kv) * kPageTokens, n = std::min(kPageTokens, visible - first);
    const auto k = numbers(s_.type, d, k_, k_scale_, slot, n), v = numbers(s_.type, d, v_, v_scale_, slot, n);
    values.insert(values.end(), v.begin(), v.end());
    for (std::size_t j = 0; j < n; ++j) {
      double score = 0;
      for (int i = 0; i < d; ++i) score += half_value(s_.type, q[i]) * k[j * d + i];
      scores.push_back(score / std::sqrt(static_cast<double>(d)));
    }
  }
  const double largest = *std::max_element(scores.begin(), scores.end());
  std::vector<double> want(d);
  double sum = 0;
  for (std::size_t j = 0; j < scores.size(); ++j) {
    const double weight = std::exp(scores[j] - largest);
    sum += weight;
    for (int i = 0; i < d; ++i) want[i] += weight * values[j * d + i];
  }
  double squared = 0;
  for (int i = 0; i < d; ++i) {
    squared += std::pow(half_value(s_.type, out[i]) - want[i] / sum, 2);
    squared_size += std::pow(want[i] / sum, 2);
  }
  return squared;
}

std::string AttentionSet::check_rows() const {
  const int n_rows = s_.context > 32768 ? 3 : 8;  // a row of a long context takes a second or so to copy to the host
  double squared = 0, squared_size = 0;
  for (int i = 0; i < n_rows; ++i) {
    const int sequence = (s_.batch - 1) * i / (n_rows - 1), token = (s_.n_tokens - 1) * i / (n_rows - 1), head = i * 5 % s_.n_head;
    squared += squared_error(sequence, token, head, squared_size);
  }
  // Weights and results are each rounded to 16 bits: 0.4 u each in the root mean square, 0.6 u together, u = 2^-8 (bf16) or 2^-11; narrow
  // values multiply the weights by a factor, rounded once more. A missing tile of 64 keys out of 32768 would be an error of 11 u (bf16).
  const double error = std::sqrt(squared / squared_size), bound = s_.type == KvType::bf16 ? 0x1p-7 : 0x1p-9;
  char text[160];
  std::snprintf(text, sizeof text, "relative error %.2g of at most %.2g over %d rows", error, bound, n_rows);
  if (!(error <= bound)) throw std::runtime_error(std::string("differs from double precision: ") + text);
  return text;
}

}  // namespace baton::kernels::cuda::bench
