#include "attention_world.h"

namespace baton::kernels::cuda {
namespace {

class AttentionDecode : public OnTarget {
 protected:
  static AttentionWorld::Result run(const AttentionWorld& world, int n_splits) {
    return world.on_device([&](const AttentionParams& a) {
      AttentionDecodeParams p{a, n_splits, nullptr, nullptr};
      const DeviceBuffer<float> partial(attention_decode_scratch(p));
      const DeviceBuffer<std::uint32_t> arrived(std::vector<std::uint32_t>(attention_decode_counters(p), 0));
      p.partial = partial.get();
      p.arrived = arrived.get();
      // Twice: the second call finds the counters in the state that the first left.
      for (int i = 0; i < 2; ++i) attention_decode(p, nullptr);
      for (const std::uint32_t count : arrived.values()) EXPECT_EQ(count, 0u);
    });
  }
  static void expect_right(const AttentionShape& shape, const std::vector<Step>& steps, int n_splits = 3) {
    const AttentionWorld world(shape, steps);
    world.expect_near(run(world, n_splits));
  }
};
INSTANTIATE_TEST_SUITE_P(, AttentionDecode, testing::ValuesIn(device_targets()), target_name);

std::string about(KvType type, int head_dim) {
  const char* names[] = {"f16", "bf16", "q8_0", "fp8"};
  return std::string(names[static_cast<int>(type)]) + ", head_dim " + std::to_string(head_dim);
}

TEST_P(AttentionDecode, agrees_with_double_precision_for_every_head_size_and_type) {
  for (const KvType type : {KvType::f16, KvType::bf16, KvType::q8_0, KvType::fp8_e4m3}) {
    for (const int head_dim : {64, 80, 96, 128, 256}) {
      if (kv_element_bytes(type) == 1 && head_dim % 32) continue;
      SCOPED_TRACE(about(type, head_dim));
      expect_right({.type = type, .head_dim = head_dim, .n_head_kv = 2, .group = 4}, {{300, 1}});
    }
  }
}

TEST_P(AttentionDecode, is_at_most_twice_as_far_off_as_attention_in_f32_with_the_same_operands) {
  for (const KvType type : {KvType::f16, KvType::bf16}) {
    const AttentionWorld world({.type = type, .head_dim = 128, .n_head_kv = 4, .group = 4}, {{1000, 1}});
    const AttentionWorld::Errors e = world.errors(run(world, 4));
    EXPECT_LE(e.result, 2 * e.reference);
    RecordProperty(type == KvType::f16 ? "error_ratio_f16" : "error_ratio_bf16", std::to_string(e.result / e.reference));
    std::printf("root mean square error %.3g, of the reference %.3g: ratio %.2f\n", e.result, e.reference, e.result / e.reference);
  }
}

// A block reads 16 keys a warp, so 32 to 128 at a time.
TEST_P(AttentionDecode, on_and_beside_every_edge_of_a_step) {
  for (const int context : {1, 2, 15, 16, 17, 63, 64, 65, 127, 128, 129, 255, 256, 257}) {
    SCOPED_TRACE(std::to_string(context) + " positions");
    expect_right({.type = KvType::f16, .n_head_kv = 1, .group = 2}, {{context, 1}});
  }
}

TEST_P(AttentionDecode, of_any_number_of_splits) {
  for (const int n_splits : {1, 2, 3, 8, 33, 128}) {
    SCOPED_TRACE(std::to_string(n_splits) + " splits");
    expect_right({.type = KvType::f16, .n_head_kv = 2, .group = 3}, {{700, 1}}, n_splits);
    expect_right({.type = KvType::q8_0, .n_head_kv = 1, .group = 3}, {{5, 1}}, n_splits);
  }
}

TEST_P(AttentionDecode, of_sequences_of_different_lengths_some_without_tokens) {
  for (const KvType type : {KvType::bf16, KvType::q8_0}) {
    expect_right({.type = type, .n_head_kv = 2, .group = 7, .page_tokens = 32}, {{3, 1}, {0, 0}, {400, 1}, {64, 0}, {1, 1}, {129, 3}}, 4);
  }
}

// 16 rows are a tile: a group of 7 has 21 of them for three tokens, one of 16 has 16 for each.
TEST_P(AttentionDecode, of_several_tokens_each_sees_its_own_past) {
  for (const int group : {1, 5, 7, 16}) {
    SCOPED_TRACE("group " + std::to_string(group));
    expect_right({.type = KvType::f16, .n_head_kv = 1, .group = group}, {{100, 5}, {9, 9}});
  }
}

TEST_P(AttentionDecode, with_window_without_causality_capped_and_with_sinks) {
  for (const int window : {1, 15, 16, 17, 100}) {
    for (const int page_tokens : {16, 64}) {
      expect_right({.type = KvType::f16, .n_head_kv = 1, .group = 2, .page_tokens = page_tokens, .window = window}, {{150, 2}});
    }
  }
  expect_right({.type = KvType::f16, .n_head_kv = 1, .causal = false}, {{100, 4}});
  expect_right({.n_head_kv = 1, .group = 4, .softcap = 20, .deviation = 2}, {{150, 1}});
  for (const int n_splits : {1, 3}) expect_right({.n_head_kv = 2, .group = 3, .sinks = true}, {{180, 1}}, n_splits);
  expect_right({.type = KvType::fp8_e4m3, .n_head_kv = 2, .group = 3, .softcap = 5, .sinks = true}, {{180, 1}});
}

// A context shorter than the step: its first tokens come before every key.
TEST_P(AttentionDecode, of_what_sees_nothing_is_zeros_or_the_sink) {
  for (const bool sinks : {false, true}) {
    for (const int n_splits : {1, 3}) {
      expect_right({.type = KvType::f16, .n_head_kv = 1, .group = 2, .sinks = sinks}, {{4, 9}, {0, 1}, {300, 1}}, n_splits);
      expect_right({.type = KvType::q8_0, .n_head_kv = 1, .causal = false, .sinks = sinks}, {{0, 2}}, n_splits);
    }
  }
}

TEST_P(AttentionDecode, of_nothing_does_nothing) {
  AttentionDecodeParams p{};
  p.attention.n_head = 1;
  p.attention.kv.n_head_kv = 1;
  p.n_splits = 1;
  EXPECT_EQ(attention_decode_counters(p), 0u);
  attention_decode(p, nullptr);
}

TEST_P(AttentionDecode, of_a_long_context_Full) {
  for (const KvType type : {KvType::bf16, KvType::q8_0}) {
    for (const int n_splits : {1, 128}) {
      expect_right({.type = type, .head_dim = 128, .n_head_kv = 1, .group = 7, .page_tokens = 64}, {{33'000, 1}, {70, 1}}, n_splits);
    }
  }
}

TEST_P(AttentionDecode, survives_large_scores) {
  for (const KvType type : {KvType::bf16, KvType::q8_0}) expect_right({.type = type, .n_head_kv = 1, .deviation = 30}, {{200, 1}});
}

// Scales of about 2^-20 and 400: intermediate values in f16 must not vanish or overflow.
TEST_P(AttentionDecode, keeps_small_and_large_values_of_q8) {
  for (const float size : {1e-4f, 1.5e4f}) {
    SCOPED_TRACE(size);
    expect_right({.type = KvType::q8_0, .n_head_kv = 1, .group = 2, .value_size = size}, {{150, 1}});
  }
}

// One key, or one value, that is NaN: the rows that see it are NaN, too.
TEST_P(AttentionDecode, shows_keys_and_values_that_are_no_numbers) {
  for (const KvType type : {KvType::f16, KvType::bf16, KvType::q8_0, KvType::fp8_e4m3}) {
    for (const bool value : {false, true}) {
      SCOPED_TRACE(about(type, 64) + (value ? ", value" : ", key"));
      AttentionWorld world({.type = type, .n_head_kv = 2, .group = 2}, {{100, 1}});
      world.break_slot(70, 1, 33, value);
      const AttentionWorld::Result result = run(world, 2);
      for (int head = 0; head < 4; ++head) {
        for (int d = 0; d < 64; ++d) {
          const bool broken = head / 2 == 1 && (!value || d == 33 || (type == KvType::q8_0 && d / 32 == 1));
          EXPECT_EQ(std::isnan(result.out[head * 64 + d]), broken) << "head " << head << " dimension " << d;
        }
      }
    }
  }
}

TEST_P(AttentionDecode, gives_the_same_bits_in_any_order_of_blocks) {
  const AttentionWorld world({.n_head_kv = 2, .group = 4}, {{600, 1}, {90, 1}});
  const AttentionWorld::Result first = run(world, 7);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(first_difference(first.out, run(world, 7).out), "");
}

#ifdef BATON_SIMULATED_DEVICE
TEST_P(AttentionDecode, fits_devices_with_little_shared_memory) {
  for (const std::size_t room : kSmallerRooms) {
    const WithRoom small(room);
    for (const KvType type : {KvType::f16, KvType::bf16, KvType::q8_0, KvType::fp8_e4m3}) {
      for (const int head_dim : {64, 80, 96, 128, 256}) {
        if (kv_element_bytes(type) == 1 && head_dim % 32) continue;
        SCOPED_TRACE(about(type, head_dim) + ", " + std::to_string(room) + " bytes");
        expect_right({.type = type, .head_dim = head_dim, .n_head_kv = 1, .group = 2}, {{200, 1}});
      }
    }
  }
}
#endif

}  // namespace
}  // namespace baton::kernels::cuda
