#include <baton/kernels/rms_norm.h>
#include <baton/kernels/rope.h>
#include <baton/kernels/rope_append.h>
#include <baton/kernels/rope_tables.h>

#include <numeric>

#include "attention_world.h"

namespace baton::kernels::cuda {
namespace {

struct Case {
  KvType type = KvType::f16;
  int head_dim = 64, n_rot = 64;
  int n_head = 4, n_head_kv = 2;
  bool halves = true, norm = false;
  RopeScalingParams scaling = {};
  std::vector<std::int32_t> positions = {0, 1, 2, 37, 15, 16};  // of sequence t % 2
  int page_tokens = 16;
};

// The op's results as numbers: (n_tokens, heads, head_dim) each, and the scale of the group that each of k and v is in.
struct Stored {
  std::vector<float> q, k, v;
  std::vector<std::uint16_t> k_scale, v_scale;  // f16
};

class RopeAppend : public OnTarget {
 protected:
  void expect_right(Case c) {
    c.scaling.n_rot = c.n_rot;
    const int n = static_cast<int>(c.positions.size());
    const std::size_t stride = static_cast<std::size_t>(c.n_head + 2 * c.n_head_kv) * c.head_dim;
    const std::vector<float> qkv = normal_floats(n * stride, 1), q_norm = normal_floats(c.head_dim, 2),
                             k_norm = normal_floats(c.head_dim, 3);
    const RopeFrequencies f = rope_frequencies(c.scaling);
    const Stored got = GetParam().on_device() ? on_device(c, f, qkv, q_norm, k_norm) : on_cpu(c, f, qkv, q_norm, k_norm);
    const std::size_t q_width = static_cast<std::size_t>(c.n_head) * c.head_dim,
                      kv_width = static_cast<std::size_t>(c.n_head_kv) * c.head_dim;
    for (int t = 0; t < n; ++t) {
      for (int head = 0; head < c.n_head + 2 * c.n_head_kv; ++head) {
        const bool is_q = head < c.n_head, is_k = !is_q && head < c.n_head + c.n_head_kv;
        const std::vector<float>* norm = !c.norm ? nullptr : is_q ? &q_norm : is_k ? &k_norm : nullptr;
        std::vector<double> x(qkv.begin() + t * stride + head * c.head_dim, qkv.begin() + t * stride + (head + 1) * c.head_dim);
        if (norm) normalise(x, *norm);
        if (is_q || is_k) rotate(x, f, c.positions[t], c.halves);
        double largest = 0;
        for (const double e : x) largest = std::max(largest, std::fabs(e));
        const int in_kv = is_k ? head - c.n_head : head - c.n_head - c.n_head_kv;
        for (int d = 0; d < c.head_dim; ++d) {
          const std::size_t at_q = t * q_width + head * c.head_dim + d, at_kv = t * kv_width + in_kv * c.head_dim + d;
          const float value = is_q ? got.q[at_q] : is_k ? got.k[at_kv] : got.v[at_kv];
          // Half a unit of the type; f32 before it: norm and rotation (6 roundings of parts no larger than the largest).
          double bound = std::max(largest, 1.0) * 8e-7;
          const double u = c.type == KvType::bf16 ? 0x1p-8 : 0x1p-11;
          if (is_q || c.type == KvType::f16 || c.type == KvType::bf16) {
            bound += std::fabs(x[d]) * u + 0x1p-25;
          } else if (c.type == KvType::fp8_e4m3) {
            bound += std::max(std::fabs(x[d]) * 0x1p-4, 0x1p-10);
          } else {
            // The scale is that of the largest of 32, rounded to f16; f32 before it may lie on the other side of the middle between two.
            double of_group = 0;
            for (int i = d / 32 * 32; i < d / 32 * 32 + 32; ++i) of_group = std::max(of_group, std::fabs(x[i]));
            const std::uint16_t want = f32_to_f16(static_cast<float>(of_group / 127)), stored = (is_k ? got.k_scale : got.v_scale)[at_kv];
            ASSERT_NEAR(stored, want, 1) << "scale of token " << t << " head " << head << " dimension " << d;
            // Half a step, and at the end 127 steps that f16 rounded, by a unit at the most.
            bound += of_group / 127 * (0.5 + 127 * 0x1p-10);
          }
          ASSERT_NEAR(value, x[d], bound) << "token " << t << " head " << head << " dimension " << d;
        }
      }
    }
  }

  static constexpr float kEpsilon = 1e-5f;

  static void normalise(std::vector<double>& x, const std::vector<float>& weight) {
    double squares = 0;
    for (const double e : x) squares += e * e;
    for (std::size_t d = 0; d < x.size(); ++d) x[d] *= weight[d] / std::sqrt(squares / static_cast<double>(x.size()) + kEpsilon);
  }
  static void rotate(std::vector<double>& x, const RopeFrequencies& f, int position, bool halves) {
    const std::size_t half = f.inverse_frequency.size();
    for (std::size_t i = 0; i < half; ++i) {
      const double angle = position * f.inverse_frequency[i], c = std::cos(angle) * f.attention_factor,
                   s = std::sin(angle) * f.attention_factor;
      double &a = x[halves ? i : 2 * i], &b = x[halves ? i + half : 2 * i + 1];
      const double before = a;
      a = a * c - b * s;
      b = before * s + b * c;
    }
  }

  Stored on_cpu(const Case& c, const RopeFrequencies& f, const std::vector<float>& qkv, const std::vector<float>& q_norm,
                const std::vector<float>& k_norm) const {
    ThreadPool pool(1);
    const Cpu cpu{GetParam().level(), pool};
    const int n = static_cast<int>(c.positions.size());
    std::vector<float> cos(static_cast<std::size_t>(n) * c.n_rot / 2), sin(cos.size());
    rope_cos_sin(f, c.positions.data(), n, cos.data(), sin.data());
    Stored out;
    const std::size_t stride = static_cast<std::size_t>(c.n_head + 2 * c.n_head_kv) * c.head_dim;
    for (int t = 0; t < n; ++t) {
      const auto row = qkv.begin() + t * stride;
      const auto k = row + c.n_head * c.head_dim, v = k + c.n_head_kv * c.head_dim;
      out.q.insert(out.q.end(), row, k);
      out.k.insert(out.k.end(), k, v);
      out.v.insert(out.v.end(), v, v + c.n_head_kv * c.head_dim);
    }
    if (c.norm) {
      cpu::rms_norm({out.q.data(), q_norm.data(), out.q.data(), n * c.n_head, c.head_dim, kEpsilon}, cpu);
      cpu::rms_norm({out.k.data(), k_norm.data(), out.k.data(), n * c.n_head_kv, c.head_dim, kEpsilon}, cpu);
    }
    cpu::rope({out.q.data(), cos.data(), sin.data(), n, c.n_head, c.head_dim, c.n_rot, c.halves}, cpu);
    cpu::rope({out.k.data(), cos.data(), sin.data(), n, c.n_head_kv, c.head_dim, c.n_rot, c.halves}, cpu);
    return out;
  }

  static Stored on_device(const Case& c, const RopeFrequencies& f, const std::vector<float>& qkv, const std::vector<float>& q_norm,
                          const std::vector<float>& k_norm) {
    const int n = static_cast<int>(c.positions.size());
    // Sequence 0 has the pages 4, 1, 3, sequence 1 the pages 0, 5, 2.
    const std::vector<std::int32_t> table = {4, 1, 3, 0, 5, 2};
    std::vector<std::int32_t> sequence(n);
    for (int t = 0; t < n; ++t) sequence[t] = t % 2;
    const std::size_t n_slots = 6 * c.n_head_kv * c.page_tokens, bytes = n_slots * c.head_dim * kv_element_bytes(c.type),
                      n_scales = n_slots * kv_scale_stride(c.head_dim);
    const DeviceBuffer<float> x(qkv), q_weight(q_norm), k_weight(k_norm);
    const DeviceBuffer<double> frequency(f.inverse_frequency);
    const DeviceBuffer<std::int32_t> positions(c.positions), sequences(sequence), tables(table);
    const DeviceBuffer<std::uint8_t> k(bytes), v(bytes);
    const DeviceBuffer<std::uint16_t> k_scale(n_scales), v_scale(n_scales), q(static_cast<std::size_t>(n) * c.n_head * c.head_dim);
    const float* k_row = x.get() + c.n_head * c.head_dim;
    rope_append({x.get(),
                 k_row,
                 k_row + c.n_head_kv * c.head_dim,
                 static_cast<std::size_t>(c.n_head + 2 * c.n_head_kv) * c.head_dim,
                 c.norm ? q_weight.get() : nullptr,
                 c.norm ? k_weight.get() : nullptr,
                 kEpsilon,
                 frequency.get(),
                 static_cast<float>(f.attention_factor),
                 c.n_rot,
                 c.halves,
                 {positions.get(), sequences.get(), nullptr, nullptr, tables.get(), 3, n, 2, n},
                 {c.type, k.get(), v.get(), k_scale.get(), v_scale.get(), c.n_head_kv, c.head_dim, c.page_tokens},
                 q.get(),
                 c.n_head},
                nullptr);
    Stored out;
    const auto wide = [&](std::uint16_t h) { return c.type == KvType::bf16 ? bf16_to_f32(h) : f16_to_f32(h); };
    for (const std::uint16_t h : q.values()) out.q.push_back(wide(h));
    const std::vector<std::uint8_t> kb = k.values(), vb = v.values();
    const std::vector<std::uint16_t> ks = k_scale.values(), vs = v_scale.values();
    std::vector<bool> written(n_slots);
    for (int t = 0; t < n; ++t) {
      for (int head = 0; head < c.n_head_kv; ++head) {
        const std::size_t slot =
            (static_cast<std::size_t>(table[t % 2 * 3 + c.positions[t] / c.page_tokens]) * c.n_head_kv + head) * c.page_tokens +
            c.positions[t] % c.page_tokens;
        for (int d = 0; d < c.head_dim; ++d) {
          const float k_unit = f16_to_f32(ks[slot * kv_scale_stride(c.head_dim) + d / 32]),
                      v_unit = f16_to_f32(vs[slot * kv_scale_stride(c.head_dim) + d / 32]);
          out.k.push_back(number(c.type, kb, slot * c.head_dim + d, k_unit));
          out.v.push_back(number(c.type, vb, slot * c.head_dim + d, v_unit));
          out.k_scale.push_back(ks[slot * kv_scale_stride(c.head_dim) + d / 32]);
          out.v_scale.push_back(vs[slot * kv_scale_stride(c.head_dim) + d / 32]);
        }
        written[slot] = true;
      }
    }
    // All other slots are as they were, and so are the scales that a slot does not use.
    const auto is_poison = [](const auto& values, std::size_t first, std::size_t count) {
      using T = typename std::decay_t<decltype(values)>::value_type;
      return std::all_of(values.begin() + first, values.begin() + first + count, [](T value) { return value == static_cast<T>(~T{0}); });
    };
    const std::size_t slot_bytes = static_cast<std::size_t>(c.head_dim) * kv_element_bytes(c.type), stride = kv_scale_stride(c.head_dim);
    for (std::size_t slot = 0; slot < n_slots; ++slot) {
      if (!written[slot]) {
        EXPECT_TRUE(is_poison(kb, slot * slot_bytes, slot_bytes) && is_poison(vb, slot * slot_bytes, slot_bytes)) << "slot " << slot;
      }
      const std::size_t n_used = written[slot] && c.type == KvType::q8_0 ? static_cast<std::size_t>(c.head_dim) / 32 : 0;
      EXPECT_TRUE(is_poison(ks, slot * stride + n_used, stride - n_used) && is_poison(vs, slot * stride + n_used, stride - n_used))
          << "scales of slot " << slot;
    }
    return out;
  }
  static float number(KvType type, const std::vector<std::uint8_t>& bytes, std::size_t i, float scale) {
    if (type == KvType::q8_0) return static_cast<float>(static_cast<std::int8_t>(bytes[i])) * scale;
    if (type == KvType::fp8_e4m3) return fp8_value(bytes[i]);
    const auto h = static_cast<std::uint16_t>(bytes[2 * i] | bytes[2 * i + 1] << 8);
    return type == KvType::bf16 ? bf16_to_f32(h) : f16_to_f32(h);
  }
};
INSTANTIATE_TEST_SUITE_P(, RopeAppend, testing::ValuesIn(targets()), target_name);

TEST_P(RopeAppend, agrees_with_double_precision_in_both_pairings_with_and_without_norm) {
  for (const bool halves : {true, false}) {
    for (const bool norm : {true, false}) {
      SCOPED_TRACE(std::string(halves ? "halves" : "neighbours") + (norm ? ", normed" : ""));
      expect_right({.halves = halves, .norm = norm});
    }
  }
}

TEST_P(RopeAppend, of_every_head_size_and_of_a_part_of_the_dimensions) {
  for (const auto& [head_dim, n_rot] : {std::pair{80, 80}, {80, 32}, {96, 96}, {128, 128}, {128, 64}, {256, 256}, {64, 2}}) {
    SCOPED_TRACE(std::to_string(n_rot) + " of " + std::to_string(head_dim));
    expect_right({.head_dim = head_dim, .n_rot = n_rot, .n_head = 7, .n_head_kv = 1, .norm = head_dim == 96});
  }
}

TEST_P(RopeAppend, with_every_scaling) {
  using Kind = RopeScalingParams::Kind;
  for (const Kind kind : {Kind::none, Kind::linear, Kind::dynamic_ntk, Kind::yarn, Kind::llama3, Kind::longrope}) {
    SCOPED_TRACE(static_cast<int>(kind));
    RopeScalingParams p{.kind = kind, .factor = 4, .n_ctx_original = 4096, .n_ctx = 16384};
    if (kind == Kind::longrope) p.divisors.assign(32, 1.5f);
    expect_right({.scaling = p});
  }
}

TEST_P(RopeAppend, is_as_exact_far_away) {
  expect_right({.n_head = 1, .n_head_kv = 1, .positions = {131072, 131071}, .page_tokens = 65536});
}

class RopeAppendOnDevice : public RopeAppend {};
INSTANTIATE_TEST_SUITE_P(, RopeAppendOnDevice, testing::ValuesIn(device_targets()), target_name);

TEST_P(RopeAppendOnDevice, into_pages_of_every_type) {
  for (const KvType type : {KvType::f16, KvType::bf16, KvType::q8_0, KvType::fp8_e4m3}) {
    for (const int head_dim : {64, 96, 128, 256}) {
      SCOPED_TRACE(std::to_string(static_cast<int>(type)) + ", head_dim " + std::to_string(head_dim));
      expect_right({.type = type, .head_dim = head_dim, .n_rot = head_dim, .n_head = 5, .n_head_kv = 3});
    }
  }
}

// Tests v, which is only rounded: each type's result for numbers that it does not have.
TEST_P(RopeAppendOnDevice, hides_nothing_that_is_no_ordinary_number) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity(), kNaN = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> special = {kNaN, kInfinity, -kInfinity, 500, -1e9f, 464, 1e-40f, 0x1p-9f, 0x1p-10f, 0x1p-24f, -0.0f};
  const std::vector<float> as_f16 = {kNaN, kInfinity, -kInfinity, 500, -kInfinity, 464, 0, 0x1p-9f, 0x1p-10f, 0x1p-24f, -0.0f};
  const std::vector<float> as_fp8 = {kNaN, 448, -448, 448, -448, 448, 0, 0x1p-9f, 0, 0, -0.0f};
  for (const KvType type : {KvType::f16, KvType::bf16, KvType::q8_0, KvType::fp8_e4m3}) {
    SCOPED_TRACE(static_cast<int>(type));
    Case c{.type = type, .n_head = 1, .n_head_kv = 1, .positions = {5}};
    c.scaling.n_rot = c.n_rot;
    std::vector<float> qkv = normal_floats(3 * 64, 1);
    std::copy(special.begin(), special.end(), qkv.begin() + 128);
    qkv[7] = qkv[64 + 7] = kNaN;  // of q and k
    const Stored got = on_device(c, rope_frequencies(c.scaling), qkv, {}, {});
    for (int d = 0; d < 64; ++d) {
      const bool in_pair = d == 7 || d == 7 + 32;
      EXPECT_EQ(std::isnan(got.q[d]), in_pair) << d;
      EXPECT_EQ(std::isnan(got.k[d]), in_pair || type == KvType::q8_0) << d;  // its groups of 32 have a NaN each
    }
    for (std::size_t i = 0; i < special.size(); ++i) {
      SCOPED_TRACE(i);
      const float want = type == KvType::f16    ? as_f16[i]
                         : type == KvType::bf16 ? bf16_to_f32(f32_to_bf16(special[i]))
                         : type == KvType::q8_0 ? kNaN
                                                : as_fp8[i];
      if (std::isnan(want)) {
        EXPECT_TRUE(std::isnan(got.v[i]));
      } else {
        EXPECT_EQ(got.v[i], want);
      }
    }
    for (int d = 32; d < 64; ++d) EXPECT_TRUE(std::isfinite(got.v[d])) << "beside a group that is none: " << d;
  }
}

TEST_P(RopeAppendOnDevice, of_nothing_does_nothing) { rope_append({}, nullptr); }

}  // namespace
}  // namespace baton::kernels::cuda
