#include <baton/kernels/attention.h>
#include <baton/kernels/float16.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "attention_tile.h"
#include "exp.h"

namespace baton::kernels::cpu {
namespace {

// Tokens whose heads process a page together: with 7 heads a KV head, 56 queries share its conversion to f32.
constexpr int kQueryTokens = 8;

void scalar_tile(const AttentionTile& t, float* scratch) {
  float* p = scratch;
  for (int i = 0; i < t.n_queries; ++i) {
    const int first = t.first[i], last = t.last[i];
    if (first >= last) continue;
    float m = t.state[i].m;
    for (int j = first; j < last; ++j) {
      float s = 0;
      for (int d = 0; d < t.head_dim; ++d) s += t.q[i][d] * f16_to_f32(t.k[j * t.head_dim + d]);
      p[j] = s * t.scale;
      m = std::max(m, p[j]);
    }
    const float correction = exp_f32(t.state[i].m - m);
    float sum = 0;
    for (int d = 0; d < t.head_dim; ++d) t.o[i][d] *= correction;
    for (int j = first; j < last; ++j) {
      p[j] = exp_f32(p[j] - m);
      sum += p[j];
      for (int d = 0; d < t.head_dim; ++d) t.o[i][d] += p[j] * f16_to_f32(t.v[j * t.head_dim + d]);
    }
    t.state[i] = {m, t.state[i].l * correction + sum};
  }
}

void scalar_to_f16(const float* x, std::uint16_t* y, int n) {
  for (int i = 0; i < n; ++i) y[i] = f32_to_f16(x[i]);
}

const AttentionOps& ops(CpuLevel level) { return level >= CpuLevel::avx2 ? kAttentionAvx2 : kAttentionScalar; }

// A few tokens of one sequence, next to each other in the batch.
struct QueryBlock {
  int first_token;
  int n_tokens;
};

std::vector<QueryBlock> query_blocks(const PagedBatch& batch) {
  std::vector<QueryBlock> blocks;
  for (int t = 0; t < batch.n_tokens; ++t) {
    const bool joins = !blocks.empty() && blocks.back().n_tokens < kQueryTokens && batch.sequence[t] == batch.sequence[t - 1];
    if (joins) {
      ++blocks.back().n_tokens;
    } else {
      blocks.push_back({t, 1});
    }
  }
  return blocks;
}

struct Scratch {
  std::vector<const float*> q;
  std::vector<float*> o;
  std::vector<SoftmaxState> state;
  std::vector<int> first, last;
  std::vector<float> tile;
};

void attend(const AttentionParams& p, const QueryBlock& block, int head_kv, const AttentionOps& level, Scratch& s) {
  const KvLayer& kv = p.layer;
  const int group = p.n_head / kv.n_head_kv, n_queries = block.n_tokens * group;
  s.q.resize(n_queries), s.o.resize(n_queries), s.first.resize(n_queries), s.last.resize(n_queries);
  s.state.assign(n_queries, {-std::numeric_limits<float>::infinity(), 0});
  s.tile.resize(attention_scratch(kv.page_tokens, kv.head_dim));
  int highest = 0, lowest = std::numeric_limits<int>::max();
  for (int i = 0; i < n_queries; ++i) {
    const int token = block.first_token + i / group;
    const std::size_t at = (static_cast<std::size_t>(token) * p.n_head + head_kv * group + i % group) * kv.head_dim;
    s.q[i] = p.q + at;
    s.o[i] = p.out + at;
    std::fill_n(s.o[i], kv.head_dim, 0.0f);
    highest = std::max(highest, p.batch.positions[token]);
    lowest = std::min(lowest, p.window > 0 ? std::max(0, p.batch.positions[token] - p.window + 1) : 0);
  }
  const std::int32_t* pages = p.batch.page_tables[p.batch.sequence[block.first_token]];
  for (int page = lowest / kv.page_tokens; page <= highest / kv.page_tokens; ++page) {
    const int start = page * kv.page_tokens;
    for (int i = 0; i < n_queries; ++i) {
      const int position = p.batch.positions[block.first_token + i / group];
      const int earliest = p.window > 0 ? std::max(0, position - p.window + 1) : 0;
      s.first[i] = std::max(0, earliest - start);
      s.last[i] = std::min(kv.page_tokens, position + 1 - start);
    }
    const std::size_t at = kv.offset(pages[page], head_kv, 0);
    level.tile({kv.k + at, kv.v + at, kv.page_tokens, kv.head_dim, p.scale, n_queries, s.q.data(), s.o.data(), s.state.data(),
                s.first.data(), s.last.data()},
               s.tile.data());
  }
  for (int i = 0; i < n_queries; ++i) {
    if (s.state[i].l == 0) continue;  // no position was visible: zeros
    for (int d = 0; d < kv.head_dim; ++d) s.o[i][d] /= s.state[i].l;
  }
}

}  // namespace

const AttentionOps kAttentionScalar = {scalar_tile, scalar_to_f16};

void kv_append(const KvAppendParams& p, const Cpu& cpu) {
  const KvLayer& kv = p.layer;
  for (int t = 0; t < p.batch.n_tokens; ++t) {
    const int position = p.batch.positions[t];
    const std::int32_t page = p.batch.page_tables[p.batch.sequence[t]][position / kv.page_tokens];
    for (int h = 0; h < kv.n_head_kv; ++h) {
      const std::size_t to = kv.offset(page, h, position % kv.page_tokens);
      const std::size_t from = (static_cast<std::size_t>(t) * kv.n_head_kv + h) * kv.head_dim;
      ops(cpu.level).to_f16(p.k + from, kv.k + to, kv.head_dim);
      ops(cpu.level).to_f16(p.v + from, kv.v + to, kv.head_dim);
    }
  }
}

void attention(const AttentionParams& p, const Cpu& cpu) {
  const std::vector<QueryBlock> blocks = query_blocks(p.batch);
  const int n_head_kv = p.layer.n_head_kv;
  cpu.pool.run(static_cast<int>(blocks.size()) * n_head_kv, [&](int item, int) {
    static thread_local Scratch scratch;
    attend(p, blocks[item / n_head_kv], item % n_head_kv, ops(cpu.level), scratch);
  });
}

}  // namespace baton::kernels::cpu
