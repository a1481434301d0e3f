#pragma once
// Sequences with keys and values in pages of any order, and attention over them in double precision. bf16 is the default and has the
// loosest bound; tests that look for a key too many or too few use f16.
#include <baton/kernels/attention.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "device.h"

namespace baton::kernels::cuda {

inline std::uint16_t f32_to_bf16(float x) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(x);
  if (std::isnan(x)) return 0x7fc0;
  return static_cast<std::uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

struct AttentionShape {
  KvType type = KvType::bf16;
  int head_dim = 64;
  int n_head_kv = 2;
  int group = 1;
  int page_tokens = 16;
  int window = 0;
  bool causal = true;
  float softcap = 0;
  bool sinks = false;
  float deviation = 1;   // of queries and keys
  float value_size = 1;  // deviation of values
};

// e4m3 as numbers, by the definition of the format.
inline float fp8_value(std::uint8_t bits) {
  if ((bits & 0x7f) == 0x7f) return std::numeric_limits<float>::quiet_NaN();
  const int exponent = bits >> 3 & 15, mantissa = bits & 7;
  const float magnitude =
      exponent ? std::ldexp(1.0f + static_cast<float>(mantissa) / 8, exponent - 7) : std::ldexp(static_cast<float>(mantissa), -9);
  return bits & 0x80 ? -magnitude : magnitude;
}
// The nearest one; of two equally near ones, the even one.
inline std::uint8_t nearest_fp8(float x) {
  int best = 0;
  for (int bits = 0; bits < 0x7f; ++bits) {
    const float distance = std::fabs(std::fabs(x) - fp8_value(static_cast<std::uint8_t>(bits))),
                least = std::fabs(std::fabs(x) - fp8_value(static_cast<std::uint8_t>(best)));
    if (distance < least || (distance == least && bits % 2 == 0)) best = bits;
  }
  return static_cast<std::uint8_t>(best | (std::signbit(x) ? 0x80 : 0));
}

// Tokens [context - n_tokens, context) of a sequence are this step's.
struct Step {
  int context, n_tokens;
};

class AttentionWorld {
 public:
  AttentionWorld(AttentionShape shape, std::vector<Step> of_sequences, unsigned seed = 1)
      : s(shape), n_head(shape.n_head_kv * shape.group), steps(std::move(of_sequences)) {
    int n_pages = 1;  // page 0 is unused
    for (const Step& step : steps) n_pages += pages(step.context), stride_ = std::max(stride_, pages(step.context));
    std::vector<std::int32_t> order(n_pages - 1);
    std::iota(order.begin(), order.end(), 1);
    std::shuffle(order.begin(), order.end(), std::mt19937(seed));
    // Slots that were never written hold NaN (for q8_0 a NaN scale), and table entries beyond the context or before every window are not
    // pages.
    n_slots_ = static_cast<std::size_t>(n_pages) * s.n_head_kv * s.page_tokens;
    k_.assign(n_slots_ * row_bytes(), 0xff);
    v_ = k_;
    k_scale_.assign(s.type == KvType::q8_0 ? n_slots_ * kv_scale_stride(s.head_dim) : 0, 0x7fff);
    v_scale_ = k_scale_;
    first_token_.push_back(0);
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const Step& step = steps[i];
      std::vector<std::int32_t> table(order.end() - pages(step.context), order.end());
      order.resize(order.size() - table.size());
      const std::size_t n = static_cast<std::size_t>(step.context) * s.n_head_kv * s.head_dim;
      keys.push_back(normal_floats(n, ++seed, s.deviation));
      values.push_back(normal_floats(n, ++seed, s.value_size));
      queries.push_back(rounded(normal_floats(static_cast<std::size_t>(step.n_tokens) * n_head * s.head_dim, ++seed, s.deviation)));
      for (int position = 0; position < step.context; ++position) {
        for (int head = 0; head < s.n_head_kv; ++head) {
          const std::size_t at = slot(table[position / s.page_tokens], head, position % s.page_tokens);
          store(&keys.back()[index(position, head, 0)], k_, k_scale_, at);
          store(&values.back()[index(position, head, 0)], v_, v_scale_, at);
        }
      }
      const int n_gone = s.window > 0 ? std::max(0, step.context - step.n_tokens - s.window + 1) / s.page_tokens : 0;
      std::fill_n(table.begin(), n_gone, std::numeric_limits<std::int32_t>::max());
      table.resize(stride_, std::numeric_limits<std::int32_t>::max());
      page_table_.insert(page_table_.end(), table.begin(), table.end());
      for (int t = 0; t < step.n_tokens; ++t) {
        positions_.push_back(step.context - step.n_tokens + t);
        sequence_.push_back(static_cast<int>(i));
      }
      first_token_.push_back(first_token_.back() + step.n_tokens);
      context_.push_back(step.context);
      max_tokens_ = std::max(max_tokens_, step.n_tokens);
    }
    if (s.sinks) sinks = normal_floats(n_head, ++seed, 2);
  }

  // NaN in a key or value of sequence 0, or in the scale of its group. Only the pages hold it, not the reference's keys and values.
  void break_slot(int position, int head, int d, bool value) {
    const std::size_t at = slot(page_table_[position / s.page_tokens], head, position % s.page_tokens);
    std::vector<std::uint8_t>& pages = value ? v_ : k_;
    std::vector<std::uint16_t>& scales = value ? v_scale_ : k_scale_;
    if (s.type == KvType::q8_0) {
      scales[at * kv_scale_stride(s.head_dim) + d / 32] = 0x7e00;
    } else {
      std::memset(pages.data() + at * row_bytes() + d * kv_element_bytes(s.type), 0xff, kv_element_bytes(s.type));
    }
  }

  std::size_t slot(int page, int head, int in_page) const {
    return (static_cast<std::size_t>(page) * s.n_head_kv + head) * s.page_tokens + in_page;
  }
  std::size_t index(int position, int head, int d) const {
    return (static_cast<std::size_t>(position) * s.n_head_kv + head) * s.head_dim + d;
  }
  float scale() const { return 1 / std::sqrt(static_cast<float>(s.head_dim)); }
  int n_tokens() const { return first_token_.back(); }

  // Copies the world to the device; `run` gets the params.
  struct Result {
    std::vector<float> out;          // (n_tokens, n_head, head_dim)
    std::vector<float> log_sum_exp;  // (n_tokens, n_head); the CPU's op has none
  };
  template <class Run>
  Result on_device(Run run) const {
    std::vector<std::uint16_t> q;
    for (const auto& of_sequence : queries) {
      for (const float x : of_sequence) q.push_back(bits(x));
    }
    const DeviceBuffer<std::uint8_t> k(k_), v(v_);
    const DeviceBuffer<std::uint16_t> k_scale(k_scale_), v_scale(v_scale_), q_device(q), out(q.size());
    const DeviceBuffer<std::int32_t> positions(positions_), sequence(sequence_), first(first_token_), context(context_), table(page_table_);
    const DeviceBuffer<float> sink(sinks), lse(static_cast<std::size_t>(n_tokens()) * n_head);
    run(AttentionParams{{s.type, k.get(), v.get(), k_scale.get(), v_scale.get(), s.n_head_kv, s.head_dim, s.page_tokens},
                        {positions.get(), sequence.get(), first.get(), context.get(), table.get(), stride_, n_tokens(),
                         static_cast<int>(steps.size()), max_tokens_},
                        q_device.get(),
                        out.get(),
                        lse.get(),
                        sink.get(),
                        n_head,
                        scale(),
                        s.softcap,
                        s.window,
                        s.causal});
    Result result{{}, lse.values()};
    for (const std::uint16_t h : out.values()) result.out.push_back(number(h));
    return result;
  }

  // The op of the CPU: f16, causal, without softcap, sinks and log-sum-exp.
  Result on_cpu(CpuLevel level) const {
    ThreadPool pool(1);
    std::vector<std::uint16_t> k(k_.size() / 2), v(k.size());
    std::memcpy(k.data(), k_.data(), k_.size());
    std::memcpy(v.data(), v_.data(), v_.size());
    std::vector<const std::int32_t*> tables;
    std::vector<float> q;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      tables.push_back(page_table_.data() + i * stride_);
      q.insert(q.end(), queries[i].begin(), queries[i].end());
    }
    Result result{std::vector<float>(q.size()), {}};
    cpu::attention({{k.data(), v.data(), s.n_head_kv, s.head_dim, s.page_tokens},
                    {positions_.data(), sequence_.data(), tables.data(), n_tokens()},
                    q.data(),
                    result.out.data(),
                    n_head,
                    scale(),
                    s.window},
                   {level, pool});
    return result;
  }

  // Attention of one token and head in double precision over exactly the numbers in the pages. `error`: the bound for a product that reads
  // 16-bit operands and adds in f32, as a share of the sum of weight * |value|.
  struct Expected {
    std::vector<double> out, size;
    double log_sum_exp;
  };
  Expected expected(int sequence, int token, int head) const {
    const Step& step = steps[sequence];
    const int position = step.context - step.n_tokens + token, head_kv = head / s.group;
    const int from = s.window > 0 ? std::max(0, position - s.window + 1) : 0, to = s.causal ? position + 1 : step.context;
    const float* query = queries[sequence].data() + (static_cast<std::size_t>(token) * n_head + head) * s.head_dim;
    std::vector<double> weights;
    double largest = s.sinks ? sinks[head] : -std::numeric_limits<double>::infinity();
    for (int j = from; j < to; ++j) {
      double score = 0;
      for (int d = 0; d < s.head_dim; ++d) score += static_cast<double>(query[d]) * keys[sequence][index(j, head_kv, d)];
      score *= scale();
      if (s.softcap > 0) score = s.softcap * std::tanh(score / s.softcap);
      weights.push_back(score);
      largest = std::max(largest, score);
    }
    double sum = s.sinks ? std::exp(sinks[head] - largest) : 0;
    for (double& w : weights) sum += w = std::exp(w - largest);
    Expected e{std::vector<double>(s.head_dim), std::vector<double>(s.head_dim), largest + std::log(sum)};
    for (int j = from; j < to; ++j) {
      for (int d = 0; d < s.head_dim; ++d) {
        const double term = weights[j - from] / sum * values[sequence][index(j, head_kv, d)];
        e.out[d] += term;
        e.size[d] += std::fabs(term);
      }
    }
    return e;
  }

  // Every `stride`th token of each sequence and the last one, all heads. score_error: the change of a score by keys that were rounded once
  // more.
  void expect_near(const Result& result, int stride = 1, double score_error = 0) const {
    // Weights are rounded to the values' type (u = 2^-8 bf16, 2^-11 f16), and so is the result; f32 sums and exponents are far below that.
    const double u = s.type == KvType::bf16 ? 0x1p-8 : 0x1p-11;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      for (int t = 0; t < steps[i].n_tokens;
           t = t + stride < steps[i].n_tokens || t == steps[i].n_tokens - 1 ? t + stride : steps[i].n_tokens - 1) {
        for (int head = 0; head < n_head; ++head) {
          const Expected want = expected(static_cast<int>(i), t, head);
          const std::size_t row = static_cast<std::size_t>(first_token_[i] + t) * n_head + head;
          const std::string where = "sequence " + std::to_string(i) + " token " + std::to_string(t) + " head " + std::to_string(head);
          if (!result.log_sum_exp.empty()) expect_log_sum_exp_near(result.log_sum_exp[row], want.log_sum_exp, score_error, where);
          for (int d = 0; d < s.head_dim; ++d) {
            ASSERT_NEAR(result.out[row * s.head_dim + d], want.out[d],
                        u * (1.02 * want.size[d] + 1.02 * std::fabs(want.out[d])) + (1e-4 + 2 * score_error) * want.size[d] +
                            (want.size[d] > 0 ? 1e-7 : 0))
                << where << " dimension " << d;
          }
        }
      }
    }
  }

  // Root mean squares of the errors of the result, and of attention in f32 over the same 16-bit operands, rounded to 16 bits at its end.
  struct Errors {
    double result = 0, reference = 0;
  };
  Errors errors(const Result& result) const {
    Errors e;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      for (int t = 0; t < steps[i].n_tokens; ++t) {
        for (int head = 0; head < n_head; ++head) {
          const Expected want = expected(static_cast<int>(i), t, head);
          const std::vector<float> reference = in_f32(static_cast<int>(i), t, head);
          const std::size_t row = static_cast<std::size_t>(first_token_[i] + t) * n_head + head;
          for (int d = 0; d < s.head_dim; ++d) {
            e.result += std::pow(result.out[row * s.head_dim + d] - want.out[d], 2);
            e.reference += std::pow(number(bits(reference[d])) - want.out[d], 2);
          }
        }
      }
    }
    const double n = static_cast<double>(n_tokens()) * n_head * s.head_dim;
    return {std::sqrt(e.result / n), std::sqrt(e.reference / n)};
  }

  AttentionShape s;
  int n_head;
  std::vector<Step> steps;
  std::vector<std::vector<float>> keys, values, queries;  // of each sequence, in the layout of memory
  std::vector<float> sinks;

 private:
  // A score is a sum of head_dim products in f32; exp2 of the device is off by 2 units.
  void expect_log_sum_exp_near(float got, double want, double score_error, const std::string& where) const {
    if (std::isinf(want)) {
      EXPECT_EQ(got, want) << where;
    } else {
      EXPECT_NEAR(got, want, 2e-5 * (1 + std::fabs(want)) + 2e-6 * s.softcap + score_error) << where;
    }
  }
  // Causal, no window.
  std::vector<float> in_f32(int sequence, int token, int head) const {
    const int n = steps[sequence].context - steps[sequence].n_tokens + token + 1, head_kv = head / s.group;
    const float* query = queries[sequence].data() + (static_cast<std::size_t>(token) * n_head + head) * s.head_dim;
    std::vector<float> weights(n), out(s.head_dim);
    float largest = -std::numeric_limits<float>::infinity(), sum = 0;
    for (int j = 0; j < n; ++j) {
      for (int d = 0; d < s.head_dim; ++d) weights[j] += query[d] * keys[sequence][index(j, head_kv, d)];
      largest = std::max(largest, weights[j] *= scale());
    }
    for (float& w : weights) sum += w = std::exp(w - largest);
    for (int j = 0; j < n; ++j) {
      for (int d = 0; d < s.head_dim; ++d) out[d] += weights[j] / sum * values[sequence][index(j, head_kv, d)];
    }
    return out;
  }
  int pages(int context) const { return (context + s.page_tokens - 1) / s.page_tokens; }
  std::size_t row_bytes() const { return static_cast<std::size_t>(s.head_dim) * kv_element_bytes(s.type); }
  std::uint16_t bits(float x) const { return s.type == KvType::bf16 ? f32_to_bf16(x) : f32_to_f16(x); }
  float number(std::uint16_t h) const { return s.type == KvType::bf16 ? bf16_to_f32(h) : f16_to_f32(h); }
  // Writes a head's row into a slot, and stores the slot's values in the row.
  void store(float* row, std::vector<std::uint8_t>& pages, std::vector<std::uint16_t>& scales, std::size_t at) const {
    std::uint8_t* to = pages.data() + at * row_bytes();
    for (int d = 0; d < s.head_dim; ++d) {
      if (s.type == KvType::q8_0 && d % 32 == 0) {
        float largest = 0;
        for (int i = 0; i < 32; ++i) largest = std::max(largest, std::fabs(row[d + i]));
        const std::uint16_t scale = f32_to_f16(largest / 127);
        scales[at * kv_scale_stride(s.head_dim) + d / 32] = scale;
        for (int i = 0; i < 32; ++i) {
          const float wanted = scale ? row[d + i] / f16_to_f32(scale) : 0.0f;
          const auto q = static_cast<std::int8_t>(std::lround(std::clamp(wanted, -127.0f, 127.0f)));
          to[d + i] = static_cast<std::uint8_t>(q);
          row[d + i] = static_cast<float>(q) * f16_to_f32(scale);
        }
      } else if (s.type == KvType::fp8_e4m3) {
        to[d] = nearest_fp8(row[d]);
        row[d] = fp8_value(to[d]);
      } else if (s.type != KvType::q8_0) {
        const std::uint16_t h = bits(row[d]);
        std::memcpy(to + 2 * d, &h, 2);
        row[d] = number(h);
      }
    }
  }
  std::vector<float> rounded(std::vector<float> x) const {
    for (float& f : x) f = number(bits(f));
    return x;
  }

  int stride_ = 1, max_tokens_ = 0;
  std::size_t n_slots_ = 0;
  std::vector<std::uint8_t> k_, v_;
  std::vector<std::uint16_t> k_scale_, v_scale_;
  std::vector<std::int32_t> page_table_, positions_, sequence_, first_token_, context_;
};

}  // namespace baton::kernels::cuda
