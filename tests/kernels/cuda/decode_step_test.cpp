// One CUDA graph serves every decode step: the data that changes from step to step is in device memory.
#include <baton/kernels/rope_append.h>
#include <baton/kernels/rope_tables.h>
#include <baton/kernels/sampling.h>

#include "attention_world.h"

namespace baton::kernels::cuda {
namespace {

constexpr int kHeadDim = 64, kHeads = 4, kHeadsKv = 2, kPageTokens = 16, kPages = 16, kStride = 12, kVocab = 700, kSplits = 3;
constexpr int kTokens = 3, kSequences = 2;  // of a step: sequence 0 has one token, sequence 1 two
constexpr std::size_t kRow = (kHeads + 2 * kHeadsKv) * kHeadDim;

// The buffers of a step, and its ops on them.
class DecodeStep {
 public:
  explicit DecodeStep(KvType type)
      : type_(type),
        k_(kPages * kHeadsKv * kPageTokens * kHeadDim * kv_element_bytes(type)),
        v_(k_.size()),
        k_scale_(kPages * kHeadsKv * kPageTokens * kv_scale_stride(kHeadDim)),
        v_scale_(k_scale_.size()),
        frequencies_(rope_frequencies({.n_rot = kHeadDim}).inverse_frequency),
        partial_(attention_decode_scratch(attention())),
        arrived_(std::vector<std::uint32_t>(attention_decode_counters(attention()), 0)),
        scratch_(sample_scratch(kTokens, kVocab)) {}

  KvPages kv() const { return {type_, k_.get(), v_.get(), k_scale_.get(), v_scale_.get(), kHeadsKv, kHeadDim, kPageTokens}; }

  RopeAppendParams append(const float* from, const SequenceBatch& of, std::uint16_t* q) const {
    const float* const k = from + kHeads * kHeadDim;
    return {from, k, k + kHeadsKv * kHeadDim, kRow, nullptr, nullptr, 1e-5f, frequencies_.get(), 1, kHeadDim, true, of, kv(), q, kHeads};
  }

  void enqueue(Stream stream) const {
    rope_append(append(qkv.get(), batch(), q_.get()), stream);
    attention_decode(attention(), stream);
    sample({logits.get(), rows.get(), tokens_.get(), reports_.get(), nullptr, scratch_.get(), row_arrived_.get(), kTokens, kVocab}, stream);
  }

  // All results of the ops.
  std::vector<std::uint8_t> results() const {
    std::vector<std::uint8_t> all;
    const auto add = [&](const auto& buffer) {
      const auto values = buffer.values();
      const auto* const bytes = reinterpret_cast<const std::uint8_t*>(values.data());
      all.insert(all.end(), bytes, bytes + values.size() * sizeof values[0]);
    };
    add(k_), add(v_), add(k_scale_), add(v_scale_), add(q_), add(out_), add(log_sum_exp_), add(tokens_), add(reports_);
    return all;
  }

  // The parameters of a step.
  DeviceBuffer<float> qkv{kTokens * kRow}, logits{kTokens * kVocab};
  DeviceBuffer<std::int32_t> positions{kTokens}, sequence{std::vector<std::int32_t>{0, 1, 1}},
      first_token{std::vector<std::int32_t>{0, 1, 3}}, context{kSequences}, page_table{kSequences * kStride};
  DeviceBuffer<SamplingRow> rows{kTokens};

 private:
  SequenceBatch batch() const {
    return {positions.get(), sequence.get(), first_token.get(), context.get(), page_table.get(), kStride, kTokens, kSequences, 2};
  }
  AttentionDecodeParams attention() const {
    return {{kv(), batch(), q_.get(), out_.get(), log_sum_exp_.get(), nullptr, kHeads, 0.125f, 0, 0, true},
            kSplits,
            partial_.get(),
            arrived_.get()};
  }

  KvType type_;
  DeviceBuffer<std::uint8_t> k_, v_;
  DeviceBuffer<std::uint16_t> k_scale_, v_scale_, q_{kTokens * kHeads * kHeadDim}, out_{kTokens * kHeads * kHeadDim};
  DeviceBuffer<double> frequencies_;
  DeviceBuffer<float> log_sum_exp_{kTokens * kHeads};
  DeviceBuffer<std::int32_t> tokens_{kTokens};
  DeviceBuffer<SampleReport> reports_{kTokens};
  DeviceBuffer<float> partial_;
  DeviceBuffer<std::uint32_t> arrived_, row_arrived_{std::vector<std::uint32_t>(kTokens, 0)};
  DeviceBuffer<float> scratch_;
};

template <class T>
void put(const DeviceBuffer<T>& to, const std::vector<T>& values) {
  ASSERT_EQ(to.size(), values.size());
  cudaMemcpy(to.get(), values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice);
}

class DecodeGraph : public OnTarget {};
INSTANTIATE_TEST_SUITE_P(, DecodeGraph, testing::ValuesIn(device_targets()), target_name);

TEST_P(DecodeGraph, serves_every_step_with_the_bits_of_direct_calls) {
  for (const KvType type : {KvType::f16, KvType::q8_0}) {
    SCOPED_TRACE(static_cast<int>(type));
    const DecodeStep by_graph(type), directly(type);
    cudaStream_t stream = nullptr;
    ASSERT_EQ(cudaStreamCreate(&stream), cudaSuccess);

    // Sequence 0 has 120 positions already: in the course of the steps its keys become too many for one split.
    const int n_before = 120;
    std::vector<std::int32_t> pages(kPages);
    std::iota(pages.begin(), pages.end(), 0);
    std::shuffle(pages.begin(), pages.end(), std::mt19937(1));
    const auto table_for = [&](int n_first, int n_second) {  // pages of the positions that there are
      std::vector<std::int32_t> table(kSequences * kStride, std::numeric_limits<std::int32_t>::max());
      for (int i = 0; i * kPageTokens < n_first; ++i) table[i] = pages[i];
      for (int i = 0; i * kPageTokens < n_second; ++i) table[kStride + i] = pages[kPages - 1 - i];
      return table;
    };
    std::vector<std::int32_t> positions(n_before);
    std::iota(positions.begin(), positions.end(), 0);
    const DeviceBuffer<float> qkv(normal_floats(n_before * kRow, 1));
    const DeviceBuffer<std::int32_t> positions_there(positions), sequence(std::vector<std::int32_t>(n_before, 0)),
        table(table_for(n_before, 0));
    const DeviceBuffer<std::uint16_t> unused(static_cast<std::size_t>(n_before) * kHeads * kHeadDim);
    const SequenceBatch before{positions_there.get(), sequence.get(), nullptr, nullptr, table.get(), kStride, n_before, 1, n_before};
    for (const DecodeStep* step : {&by_graph, &directly}) rope_append(step->append(qkv.get(), before, unused.get()), stream);

    cudaGraph_t graph = nullptr;
    cudaGraphExec_t exec = nullptr;
    ASSERT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), cudaSuccess);
    by_graph.enqueue(stream);
    ASSERT_EQ(cudaStreamEndCapture(stream, &graph), cudaSuccess);
    ASSERT_EQ(cudaGraphInstantiate(&exec, graph, 0), cudaSuccess);

    std::vector<std::uint8_t> last;
    for (int i = 0; i < 20; ++i) {
      const int first = n_before + i, second = 2 * i;
      for (const DecodeStep* step : {&by_graph, &directly}) {
        const auto seed = static_cast<unsigned>(100 + i);
        put(step->qkv, normal_floats(kTokens * kRow, seed));
        put(step->logits, normal_floats(kTokens * kVocab, seed + 1000, 2));
        put(step->positions, {first, second, second + 1});
        put(step->context, {first + 1, second + 2});
        put(step->page_table, table_for(first + 1, second + 2));
        SamplingRow row{};
        row.temperature = i % 5 == 4 ? 0.0f : 0.8f, row.top_p = 0.95f, row.top_k = i, row.repeat_penalty = 1, row.seed = 5;
        std::vector<SamplingRow> rows(kTokens, row);
        for (int r = 0; r < kTokens; ++r) rows[r].draw = std::uint64_t{kTokens} * i + r;
        put(step->rows, rows);
      }
      ASSERT_EQ(cudaGraphLaunch(exec, stream), cudaSuccess);
      directly.enqueue(stream);
      const std::vector<std::uint8_t> got = by_graph.results();
      ASSERT_EQ(got, directly.results()) << "step " << i;
      ASSERT_NE(got, last) << "step " << i;
      last = got;
    }
    cudaGraphExecDestroy(exec);
    cudaGraphDestroy(graph);
    cudaStreamDestroy(stream);
  }
}

}  // namespace
}  // namespace baton::kernels::cuda
