#include <baton/kernels/kv_pages.h>

#include "attention_world.h"

namespace baton::kernels::cuda {
namespace {

class AttentionPrefill : public OnTarget {
 protected:
  static AttentionWorld::Result run(const AttentionWorld& world) {
    if (!GetParam().on_device()) return world.on_cpu(GetParam().level());
    return world.on_device([](const AttentionParams& p) { attention_prefill(p, nullptr); });
  }
  static void expect_right(const AttentionShape& shape, std::vector<Step> steps, int stride = 1) {
    const AttentionWorld world(shape, std::move(steps));
    world.expect_near(run(world), stride);
  }
};
INSTANTIATE_TEST_SUITE_P(, AttentionPrefill, testing::ValuesIn(targets()), target_name);

// Features that the CPU's op does not have: bf16, bidirectional attention, softcap, sinks.
class AttentionPrefillOnDevice : public AttentionPrefill {};
INSTANTIATE_TEST_SUITE_P(, AttentionPrefillOnDevice, testing::ValuesIn(device_targets()), target_name);

TEST_P(AttentionPrefill, agrees_with_double_precision_for_every_head_size) {
  for (const int head_dim : {64, 80, 96, 128, 256}) {
    SCOPED_TRACE("head_dim " + std::to_string(head_dim));
    expect_right({.type = KvType::f16, .head_dim = head_dim, .n_head_kv = 1}, {{70, 70}}, 3);
  }
}

TEST_P(AttentionPrefillOnDevice, agrees_with_double_precision_for_every_head_size_and_type) {
  for (const KvType type : {KvType::f16, KvType::bf16}) {
    for (const int head_dim : {64, 80, 96, 128, 256}) {
      SCOPED_TRACE("head_dim " + std::to_string(head_dim) + (type == KvType::f16 ? " f16" : " bf16"));
      expect_right({.type = type, .head_dim = head_dim, .n_head_kv = 1}, {{70, 70}}, 3);
      expect_right({.type = type, .head_dim = head_dim, .n_head_kv = 1, .softcap = 30}, {{70, 10}}, 3);
    }
  }
}

TEST_P(AttentionPrefillOnDevice, is_at_most_twice_as_far_off_as_attention_in_f32_with_the_same_operands) {
  for (const KvType type : {KvType::f16, KvType::bf16}) {
    const AttentionWorld world({.type = type, .head_dim = 128, .n_head_kv = 1, .group = 2}, {{256, 256}});
    const AttentionWorld::Errors e = world.errors(run(world));
    EXPECT_LE(e.result, 2 * e.reference);
    RecordProperty(type == KvType::f16 ? "error_ratio_f16" : "error_ratio_bf16", std::to_string(e.result / e.reference));
    std::printf("root mean square error %.3g, of the reference %.3g: ratio %.2f\n", e.result, e.reference, e.result / e.reference);
  }
}

// Tiles are 64 or 32 keys and 128 or 64 rows.
TEST_P(AttentionPrefill, on_and_beside_every_edge_of_a_tile) {
  for (const int n : {1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129}) {
    SCOPED_TRACE(std::to_string(n) + " tokens");
    expect_right({.type = KvType::f16, .n_head_kv = 1}, {{n, n}}, 16);
  }
}

TEST_P(AttentionPrefill, of_tokens_behind_a_context_that_is_there_already) {
  for (const auto& [context, n] : {std::pair{65, 1}, {64, 1}, {130, 20}, {200, 7}, {129, 128}}) {
    SCOPED_TRACE(std::to_string(n) + " of " + std::to_string(context));
    expect_right({.type = KvType::f16, .n_head_kv = 1, .group = 2}, {{context, n}}, 5);
  }
}

TEST_P(AttentionPrefill, packs_the_heads_that_share_a_key) {
  for (const int group : {2, 3, 7, 8, 16}) {
    SCOPED_TRACE("group " + std::to_string(group));
    expect_right({.type = KvType::f16, .n_head_kv = 2, .group = group}, {{40, 21}}, 2);
  }
}

TEST_P(AttentionPrefill, of_sequences_of_different_lengths_some_without_tokens) {
  expect_right({.type = KvType::f16, .n_head_kv = 1, .group = 2, .page_tokens = 32}, {{5, 5}, {0, 0}, {140, 3}, {33, 0}, {1, 1}, {90, 90}},
               4);
}

TEST_P(AttentionPrefill, sees_a_window_only) {
  for (const int window : {1, 2, 63, 64, 65, 100}) {
    SCOPED_TRACE("window " + std::to_string(window));
    expect_right({.type = KvType::f16, .n_head_kv = 1, .window = window}, {{150, 140}}, 9);
    expect_right({.type = KvType::f16, .n_head_kv = 1, .group = 2, .window = window}, {{200, 3}}, 1);  // the first pages are freed
  }
}

TEST_P(AttentionPrefillOnDevice, without_causality_sees_the_whole_sequence) {
  expect_right({.type = KvType::f16, .n_head_kv = 2, .causal = false}, {{100, 100}, {70, 3}}, 7);
  expect_right({.type = KvType::f16, .n_head_kv = 1, .window = 20, .causal = false}, {{100, 100}, {90, 5}}, 7);
}

TEST_P(AttentionPrefillOnDevice, caps_scores_softly_and_counts_sinks) {
  expect_right({.n_head_kv = 1, .softcap = 20, .deviation = 2}, {{80, 80}}, 3);
  expect_right({.n_head_kv = 2, .group = 3, .sinks = true}, {{80, 80}}, 5);
  expect_right({.type = KvType::f16, .n_head_kv = 1, .softcap = 5, .sinks = true}, {{80, 20}}, 3);
}

TEST_P(AttentionPrefill, does_not_depend_on_the_size_of_pages) {
  for (const int page_tokens : {16, 64, 256}) {
    expect_right({.type = KvType::f16, .n_head_kv = 1, .page_tokens = page_tokens}, {{150, 20}}, 3);
    expect_right({.type = KvType::f16, .n_head_kv = 1, .page_tokens = page_tokens, .window = 40}, {{150, 20}}, 3);
  }
}

TEST_P(AttentionPrefill, gives_a_token_the_same_bits_in_any_chunk) {
  for (const int window : {0, 70}) {
    const AttentionShape shape{.type = KvType::f16, .n_head_kv = 1, .group = 3, .window = window};
    AttentionWorld whole(shape, {{170, 170}}), last(shape, {{170, 30}, {20, 20}});
    const std::size_t row = static_cast<std::size_t>(whole.n_head) * shape.head_dim;
    last.queries[0].assign(whole.queries[0].end() - static_cast<std::ptrdiff_t>(30 * row), whole.queries[0].end());
    const std::vector<float> of_whole = run(whole).out, of_last = run(last).out;
    EXPECT_EQ(first_difference(std::span(of_whole).last(30 * row), std::span(of_last).first(30 * row)), "") << "window " << window;
  }
}

TEST_P(AttentionPrefill, survives_large_scores) {
  // Scores of several thousand: one key takes all the weight.
  expect_right({.type = KvType::f16, .n_head_kv = 1, .deviation = 30}, {{80, 80}}, 3);
}

// A context shorter than the step: its first tokens come before every key.
TEST_P(AttentionPrefillOnDevice, of_what_sees_nothing_is_zeros_or_the_sink) {
  for (const bool sinks : {false, true}) {
    expect_right({.type = KvType::f16, .n_head_kv = 1, .group = 2, .sinks = sinks}, {{4, 9}, {0, 3}});
    expect_right({.n_head_kv = 1, .causal = false, .sinks = sinks}, {{0, 8}});
  }
}

TEST_P(AttentionPrefill, keeps_subnormal_values) { expect_right({.type = KvType::f16, .n_head_kv = 1, .value_size = 1e-6f}, {{3, 3}}); }

TEST_P(AttentionPrefillOnDevice, of_nothing_does_nothing) {
  AttentionParams p{};
  p.kv.page_tokens = 16;
  attention_prefill(p, nullptr);
  p.batch.n_sequences = 1;  // which has no tokens
  attention_prefill(p, nullptr);
}

TEST_P(AttentionPrefill, shows_numbers_that_are_none) {
  AttentionWorld world({.type = KvType::f16, .n_head_kv = 1}, {{40, 40}});
  world.queries[0][3 * 64] = std::numeric_limits<float>::quiet_NaN();
  const AttentionWorld::Result result = run(world);
  EXPECT_TRUE(std::isnan(result.out[3 * 64]));
  for (int i = 0; i < 64; ++i) EXPECT_FALSE(std::isnan(result.out[4 * 64 + i]));
}

// q8_0's products of integer and scale are rounded to f16 here; scores are sums of some ten units.
TEST_P(AttentionPrefillOnDevice, reads_narrow_pages_when_they_are_widened) {
  for (const KvType type : {KvType::q8_0, KvType::fp8_e4m3}) {
    for (const auto& [head_dim, window] : {std::pair{64, 0}, {64, 9}, {96, 0}, {256, 0}}) {
      SCOPED_TRACE(std::to_string(static_cast<int>(type)) + ", head_dim " + std::to_string(head_dim) + ", window " +
                   std::to_string(window));
      const AttentionWorld world({.type = type, .head_dim = head_dim, .n_head_kv = 2, .group = 2, .window = window},
                                 {{70, 20}, {0, 0}, {16, 16}, {33, 1}});
      world.expect_near(world.on_device([&](AttentionParams p) {
        const int stride = p.batch.page_table_stride, n_pages = p.batch.n_sequences * stride;
        const std::size_t n = static_cast<std::size_t>(n_pages) * p.kv.n_head_kv * p.kv.page_tokens * p.kv.head_dim;
        const DeviceBuffer<std::uint16_t> k(n), v(n);
        std::vector<std::int32_t> identity(n_pages);
        std::iota(identity.begin(), identity.end(), 0);
        const DeviceBuffer<std::int32_t> table(identity);
        KvPages wide = p.kv;
        wide.type = KvType::f16, wide.k = k.get(), wide.v = v.get();
        widen_pages({p.kv, wide, p.batch, stride, p.window}, nullptr);
        p.kv = wide;
        p.batch.page_table = table.get();
        attention_prefill(p, nullptr);
        cudaDeviceSynchronize();
      }),
                        3, type == KvType::q8_0 ? 8 * 0x1p-11 : 0);
    }
  }
}

TEST_P(AttentionPrefillOnDevice, of_fp8_widens_every_byte_exactly_and_nan_to_nan) {
  std::vector<std::uint8_t> bytes(16 * 64);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i);
  const DeviceBuffer<std::uint8_t> narrow(bytes);
  const DeviceBuffer<std::uint16_t> wide(bytes.size());
  const DeviceBuffer<std::int32_t> context(std::vector<std::int32_t>{16}), table(std::vector<std::int32_t>{0});
  const KvPages from{KvType::fp8_e4m3, narrow.get(), narrow.get(), nullptr, nullptr, 1, 64, 16};
  const KvPages to{KvType::f16, wide.get(), wide.get(), nullptr, nullptr, 1, 64, 16};
  widen_pages({from, to, {nullptr, nullptr, nullptr, context.get(), table.get(), 1, 0, 1, 0}, 1, 0}, nullptr);
  const std::vector<std::uint16_t> got = wide.values();
  for (int i = 0; i < 256; ++i) {
    const float want = fp8_value(static_cast<std::uint8_t>(i));
    EXPECT_EQ(std::isnan(f16_to_f32(got[i])), std::isnan(want)) << i;
    if (!std::isnan(want)) {
      EXPECT_EQ(got[i], f32_to_f16(want)) << i;
    }
  }
}

#ifdef BATON_SIMULATED_DEVICE
TEST_P(AttentionPrefillOnDevice, fits_devices_with_little_shared_memory) {
  for (const std::size_t room : kSmallerRooms) {
    const WithRoom small(room);
    for (const KvType type : {KvType::f16, KvType::bf16}) {
      for (const int head_dim : {64, 80, 96, 128, 256}) {
        SCOPED_TRACE("head_dim " + std::to_string(head_dim) + ", " + std::to_string(room) + " bytes");
        for (const float softcap : {0.0f, 30.0f})
          expect_right({.type = type, .head_dim = head_dim, .n_head_kv = 1, .softcap = softcap}, {{70, 70}}, 9);
      }
    }
  }
}
#endif

}  // namespace
}  // namespace baton::kernels::cuda
