#include <baton/kernels/attention.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "levels.h"

namespace baton::kernels {
namespace {

struct Shape {
  int head_dim = 64;
  int n_head_kv = 2;
  int group = 1;  // query heads a KV head
  int page_tokens = 16;
  int window = 0;
};

// Some sequences with their whole history in pages in any order; slots that were never written hold NaN.
class World {
 public:
  World(Shape shape, std::vector<int> lengths, unsigned seed = 1, float deviation = 1)
      : s(shape), n_head(shape.n_head_kv * shape.group), lengths_(std::move(lengths)) {
    int n_pages = 0;
    for (const int length : lengths_) n_pages += (length + s.page_tokens - 1) / s.page_tokens;
    std::vector<std::int32_t> order(n_pages);
    std::iota(order.begin(), order.end(), 0);
    std::shuffle(order.begin(), order.end(), std::mt19937(seed));
    for (const int length : lengths_) {
      const auto n = (length + s.page_tokens - 1) / s.page_tokens;
      tables_.emplace_back(order.end() - n, order.end());
      order.resize(order.size() - n);
      k.push_back(normal_floats(static_cast<std::size_t>(length) * s.n_head_kv * s.head_dim, ++seed, deviation));
      v.push_back(normal_floats(k.back().size(), ++seed));
      q.push_back(normal_floats(static_cast<std::size_t>(length) * n_head * s.head_dim, ++seed, deviation));
    }
    for (const auto& table : tables_) table_pointers_.push_back(table.data());
    const std::size_t size = static_cast<std::size_t>(n_pages) * s.n_head_kv * s.page_tokens * s.head_dim;
    k_pages_.assign(size, 0x7e00);
    v_pages_.assign(size, 0x7e00);
  }

  // Positions [first, last) of one sequence.
  struct Span {
    int sequence, first, last;
  };

  // One step: appends the tokens of the spans, attends, and returns (n_tokens, n_head, head_dim) in their order.
  std::vector<float> step(const std::vector<Span>& spans, CpuLevel level, ThreadPool& pool, bool append = true) {
    std::vector<std::int32_t> positions, sequence;
    std::vector<float> queries, keys, values;
    const auto take = [](std::vector<float>& to, const std::vector<float>& from, std::size_t at, std::size_t n) {
      to.insert(to.end(), from.begin() + at, from.begin() + at + n);
    };
    for (const Span& span : spans) {
      for (int i = span.first; i < span.last; ++i) {
        positions.push_back(i);
        sequence.push_back(span.sequence);
        const std::size_t q_row = static_cast<std::size_t>(n_head) * s.head_dim,
                          kv_row = static_cast<std::size_t>(s.n_head_kv) * s.head_dim;
        take(queries, q[span.sequence], i * q_row, q_row);
        take(keys, k[span.sequence], i * kv_row, kv_row);
        take(values, v[span.sequence], i * kv_row, kv_row);
      }
    }
    const Cpu cpu{level, pool};
    const KvLayer layer{k_pages_.data(), v_pages_.data(), s.n_head_kv, s.head_dim, s.page_tokens};
    const PagedBatch batch{positions.data(), sequence.data(), table_pointers_.data(), static_cast<int>(positions.size())};
    if (append) cpu::kv_append({layer, batch, keys.data(), values.data()}, cpu);
    std::vector<float> out(queries.size(), 777);
    cpu::attention({layer, batch, queries.data(), out.data(), n_head, scale(), s.window}, cpu);
    return out;
  }

  std::vector<float> all(CpuLevel level, ThreadPool& pool) {
    std::vector<Span> spans;
    for (std::size_t i = 0; i < lengths_.size(); ++i) spans.push_back({static_cast<int>(i), 0, lengths_[i]});
    return step(spans, level, pool);
  }

  float scale() const { return 1 / std::sqrt(static_cast<float>(s.head_dim)); }
  double key(int sequence, int position, int head, int d) const { return half(k[sequence], position, head, d); }
  double value(int sequence, int position, int head, int d) const { return half(v[sequence], position, head, d); }

  Shape s;
  int n_head;
  std::vector<std::vector<float>> k, v, q;  // of each sequence: (length, heads, head_dim)

 private:
  double half(const std::vector<float>& x, int position, int head, int d) const {
    return f16_to_f32(f32_to_f16(x[(static_cast<std::size_t>(position) * s.n_head_kv + head) * s.head_dim + d]));
  }

  std::vector<int> lengths_;
  std::vector<std::vector<std::int32_t>> tables_;
  std::vector<const std::int32_t*> table_pointers_;
  std::vector<std::uint16_t> k_pages_, v_pages_;
};

// Plain softmax attention in double precision of one query and head, and the bound of the f32 error.
//
// u = 2^-24, n visible positions. A score is off by at most e = (head_dim + 2) u * max_j (sum |q k|) * scale, plus u * (|s| + |m|) for the
// subtraction of the maximum; each pass of a page multiplies by a correction exp(m - m') with such an error again, but those exponents
// telescope: at most e' = e + (pages + 1) * (2 |s|max u + 6 u) in the exponent of each weight. Weights appear above and below the
// line (twice), sums add (n + pages) u each. So |error| <= (2 e' + 2 (n + pages + 2) u) * sum w |v|, to first order; 1.1 for the rest.
struct Expected {
  std::vector<double> out, bound;
};
Expected plain_attention(const World& w, int sequence, int position, int head) {
  const int first = w.s.window > 0 ? std::max(0, position - w.s.window + 1) : 0, n = position - first + 1, dim = w.s.head_dim;
  const int head_kv = head / w.s.group;
  const float* query = w.q[sequence].data() + (static_cast<std::size_t>(position) * w.n_head + head) * dim;
  std::vector<double> scores;
  double magnitude = 0;
  for (int j = first; j <= position; ++j) {
    double sum = 0, size = 0;
    for (int d = 0; d < dim; ++d) {
      const double product = query[d] * w.key(sequence, j, head_kv, d);
      sum += product, size += std::fabs(product);
    }
    scores.push_back(sum * w.scale());
    magnitude = std::max(magnitude, size * w.scale());
  }
  const double largest = *std::max_element(scores.begin(), scores.end());
  double total = 0;
  for (double& score : scores) total += score = std::exp(score - largest);
  constexpr double kU = 0x1p-24;
  const int pages = n / w.s.page_tokens + 2;
  const double exponent = (dim + 2) * kU * magnitude + (pages + 1) * (2 * magnitude + 6) * kU;
  const double relative = 1.1 * (2 * exponent + 2 * (n + pages + 2) * kU);
  Expected e;
  for (int d = 0; d < dim; ++d) {
    double sum = 0, size = 0;
    for (int j = 0; j < n; ++j) {
      const double term = scores[j] / total * w.value(sequence, first + j, head_kv, d);
      sum += term, size += std::fabs(term);
    }
    e.out.push_back(sum);
    e.bound.push_back(relative * size + 1e-30);
  }
  return e;
}

// Every `stride`th token of sequence 0, all heads.
void expect_plain(World& w, int length, int stride, const std::string& what) {
  ThreadPool pool(1);
  const std::vector<float> out = w.step({{0, 0, length}}, CpuLevel::scalar, pool);
  for (int t = 0; t < length; t += stride) {
    for (int h = 0; h < w.n_head; ++h) {
      const Expected want = plain_attention(w, 0, t, h);
      for (int d = 0; d < w.s.head_dim; ++d) {
        ASSERT_NEAR(out[(static_cast<std::size_t>(t) * w.n_head + h) * w.s.head_dim + d], want.out[d], want.bound[d])
            << what << " token " << t << " head " << h;
      }
    }
  }
}

TEST(Attention, is_softmax_attention_in_double_precision_for_every_head_size) {
  for (const int head_dim : {8, 12, 64, 80, 96, 128, 256}) {
    World w({.head_dim = head_dim, .group = 2}, {70}, head_dim);
    expect_plain(w, 70, 3, "head_dim " + std::to_string(head_dim));
  }
}

TEST(Attention, shares_key_heads_among_groups_of_queries) {
  for (const int group : {1, 2, 7}) {
    World w({.head_dim = 16, .n_head_kv = 3, .group = group}, {40}, group);
    expect_plain(w, 40, 1, "group " + std::to_string(group));
  }
}

TEST(Attention, reads_pages_of_any_size_in_any_order) {
  for (const int page_tokens : {5, 8, 16, 24, 32, 64}) {
    World w({.head_dim = 32, .page_tokens = page_tokens}, {131}, page_tokens);
    expect_plain(w, 131, 1, "page_tokens " + std::to_string(page_tokens));
  }
}

TEST(Attention, sees_only_the_window) {
  for (const int window : {1, 2, 7, 16, 33, 500}) {
    World w({.head_dim = 16, .group = 2, .window = window}, {100}, window);
    expect_plain(w, 100, 1, "window " + std::to_string(window));
  }
}

TEST(Attention, survives_scores_that_exp_cannot_hold) {
  World w({.head_dim = 32}, {50}, 3, 60);  // scores of several thousand
  expect_plain(w, 50, 1, "huge scores");
}

TEST(Attention, of_the_first_token_is_its_value) {
  ThreadPool pool(1);
  for (const CpuLevel level : levels_here()) {
    World w({.head_dim = 16}, {1});
    const std::vector<float> out = w.step({{0, 0, 1}}, level, pool);
    for (int h = 0; h < 2; ++h) {
      for (int d = 0; d < 16; ++d) EXPECT_EQ(out[h * 16 + d], static_cast<float>(w.value(0, 0, h, d))) << to_string(level);
    }
  }
}

TEST(Attention, is_the_same_with_avx2_bit_for_bit) {
  BATON_SKIP_WITHOUT_AVX2();
  ThreadPool pool(1);
  for (const int head_dim : {8, 12, 64, 80, 96, 128, 256}) {
    for (const int page_tokens : {5, 8, 16, 24, 32, 64}) {
      for (const int window : {0, 19}) {
        const Shape shape{head_dim, 2, 2, page_tokens, window};
        World scalar(shape, {61, 9}, head_dim + page_tokens), fast(shape, {61, 9}, head_dim + page_tokens);
        ASSERT_EQ(first_difference(scalar.all(CpuLevel::scalar, pool), fast.all(CpuLevel::avx2, pool)), "")
            << "head_dim " << head_dim << " page_tokens " << page_tokens << " window " << window;
      }
    }
  }
}

TEST(Attention, gives_a_token_the_same_bits_however_the_prompt_is_cut) {
  ThreadPool pool(2);
  for (const CpuLevel level : levels_here()) {
    for (const Shape shape : {Shape{32, 2, 7, 16, 0}, Shape{32, 1, 2, 8, 20}, Shape{12, 1, 1, 5, 0}}) {
      World whole(shape, {75}, 9), cut(shape, {75}, 9);
      const std::vector<float> at_once = whole.all(level, pool);
      std::vector<float> in_parts;
      int first = 0;
      for (const int last : {1, 2, 9, 40, 41, 75}) {
        const std::vector<float> part = cut.step({{0, first, last}}, level, pool);
        in_parts.insert(in_parts.end(), part.begin(), part.end());
        first = last;
      }
      EXPECT_EQ(first_difference(at_once, in_parts), "") << to_string(level) << " head_dim " << shape.head_dim;
    }
  }
}

TEST(Attention, gives_a_sequence_the_same_bits_in_any_company_and_on_any_number_of_threads) {
  ThreadPool one(1), many(4);
  for (const CpuLevel level : levels_here()) {
    World w({.head_dim = 32, .n_head_kv = 2, .group = 3}, {33, 7, 64, 1}, 21);
    w.all(level, one);  // the history
    const std::vector<World::Span> batch = {{2, 60, 64}, {0, 32, 33}, {3, 0, 1}, {1, 0, 7}};
    const std::vector<float> together = w.step(batch, level, many);
    std::vector<float> apart;
    for (const World::Span& span : batch) {
      const std::vector<float> part = w.step({span}, level, one, false);
      apart.insert(apart.end(), part.begin(), part.end());
    }
    EXPECT_EQ(first_difference(together, apart), "") << to_string(level);
  }
}

TEST(Attention, sees_no_later_token_and_no_other_sequence) {
  ThreadPool pool(1);
  for (const CpuLevel level : levels_here()) {
    const Shape shape{.head_dim = 16};
    World w(shape, {40, 40}, 31), changed(shape, {40, 40}, 31);
    for (std::size_t i = 20 * 2 * 16; i < changed.k[0].size(); ++i) changed.k[0][i] = changed.v[0][i] = 9;
    for (std::size_t i = 0; i < changed.k[1].size(); ++i) changed.k[1][i] = changed.v[1][i] = -7;
    const std::vector<float> a = w.all(level, pool), b = changed.all(level, pool);
    const std::size_t earlier = 20 * 2 * 16;
    EXPECT_EQ(first_difference(std::span(a).first(earlier), std::span(b).first(earlier)), "") << to_string(level);
    EXPECT_NE(first_difference(std::span(a).subspan(earlier, 32), std::span(b).subspan(earlier, 32)), "") << "a token sees itself";
  }
}

// A row that pads a batch has position -1: nothing is visible.
TEST(Attention, that_sees_nothing_is_zeros) {
  ThreadPool pool(1);
  for (const CpuLevel level : levels_here()) {
    std::vector<std::uint16_t> pages(8 * 8, 0x7e00);
    const std::vector<float> q = normal_floats(8, 1);
    std::vector<float> out(8, 5);
    const std::int32_t position = -1, sequence = 0, page = 0;
    const std::int32_t* tables[] = {&page};
    cpu::attention({{pages.data(), pages.data(), 1, 8, 8}, {&position, &sequence, tables, 1}, q.data(), out.data(), 1, 1, 0},
                   {level, pool});
    EXPECT_EQ(out, std::vector<float>(8, 0)) << to_string(level);
  }
}

TEST(KvAppend, rounds_to_the_nearest_half_in_its_slot_at_every_level) {
  ThreadPool pool(1);
  for (const CpuLevel level : levels_here()) {
    const int head_dim = 12, page_tokens = 4, n_head_kv = 2;  // 12: one register and a remainder
    std::vector<std::uint16_t> k(3 * n_head_kv * page_tokens * head_dim), v(k.size());
    const KvLayer layer{k.data(), v.data(), n_head_kv, head_dim, page_tokens};
    const std::int32_t positions[] = {3, 4}, sequence[] = {0, 0}, table[] = {2, 0};
    const std::int32_t* tables[] = {table};
    std::vector<float> x = normal_floats(2 * n_head_kv * head_dim, 1), y = normal_floats(x.size(), 2);
    x[0] = 1e9f, x[1] = -1e-9f, x[2] = 2049;
    cpu::kv_append({layer, {positions, sequence, tables, 2}, x.data(), y.data()}, {level, pool});
    for (int t = 0; t < 2; ++t) {
      for (int h = 0; h < n_head_kv; ++h) {
        for (int d = 0; d < head_dim; ++d) {
          const std::size_t to = layer.offset(table[positions[t] / page_tokens], h, positions[t] % page_tokens) + d;
          EXPECT_EQ(k[to], f32_to_f16(x[(t * n_head_kv + h) * head_dim + d])) << to_string(level);
          EXPECT_EQ(v[to], f32_to_f16(y[(t * n_head_kv + h) * head_dim + d])) << to_string(level);
        }
      }
    }
    const auto written = std::count_if(k.begin(), k.end(), [](std::uint16_t h) { return h != 0; });
    EXPECT_EQ(written, 2 * n_head_kv * head_dim) << "nothing else";
  }
}

}  // namespace
}  // namespace baton::kernels
