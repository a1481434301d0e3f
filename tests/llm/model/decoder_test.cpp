// The decoder against a plain double-precision forward pass written here, on tiny random models; and the promises of the Backend seam:
// results do not depend on the distribution of tokens over steps and sequences, and only tokens, positions and choices cross it.
#include <baton/llm/model/cpu_backend.h>
#include <baton/llm/model/model.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <numeric>

#include "counting_backend.h"
#include "tiny_model.h"

namespace baton::llm {
namespace {

using Matrix = std::vector<std::vector<double>>;

class Reference {
 public:
  Reference(const GgufFile& file, const test::TinyShape& shape) : file_(file), s_(shape) {}

  // Logits of the last token of the sequence.
  std::vector<double> logits(const std::vector<std::int32_t>& tokens) const {
    Matrix x;
    const auto embedding = values("token_embd.weight");
    for (int id : tokens) x.emplace_back(embedding.begin() + id * s_.n_embd, embedding.begin() + (id + 1) * s_.n_embd);
    for (int i = 0; i < s_.n_layer; ++i) {
      const std::string b = "blk." + std::to_string(i) + ".";
      add(x, attention(b, x));
      add(x, feed_forward(b, x));
    }
    const auto last = norm(x.back(), "output_norm.weight");
    return multiply(s_.tied ? "token_embd" : "output", last, s_.n_vocab);
  }

 private:
  std::vector<float> values(const std::string& name) const {
    const GgufTensor* tensor = file_.find_tensor(name);
    if (!tensor) return {};
    std::vector<float> out(tensor->n_elements());
    std::memcpy(out.data(), tensor->bytes.data(), out.size() * sizeof(float));
    return out;
  }
  std::vector<double> norm(const std::vector<double>& x, const std::string& name) const {
    const auto w = values(name);
    const double mean = std::inner_product(x.begin(), x.end(), x.begin(), 0.0) / x.size();
    std::vector<double> y(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) y[i] = x[i] / std::sqrt(mean + 1e-6) * w[i];
    return y;
  }
  std::vector<double> multiply(const std::string& name, const std::vector<double>& x, int n_out) const {
    const auto w = values(name + ".weight"), bias = values(name + ".bias");
    std::vector<double> y(n_out);
    for (int o = 0; o < n_out; ++o) {
      y[o] = bias.empty() ? 0 : bias[o];
      for (std::size_t i = 0; i < x.size(); ++i) y[o] += static_cast<double>(w[o * x.size() + i]) * x[i];
    }
    return y;
  }
  void rotate(std::vector<double>& x, int n_head, int position) const {
    const int d = s_.n_embd / s_.n_head;
    for (int h = 0; h < n_head; ++h) {
      for (int i = 0; i < d / 2; ++i) {
        const double angle = position * std::pow(10000.0, -2.0 * i / d);
        const bool halves = s_.architecture == "qwen2";
        double& a = x[h * d + (halves ? i : 2 * i)];
        double& b = x[h * d + (halves ? i + d / 2 : 2 * i + 1)];
        const double a0 = a, b0 = b;
        a = a0 * std::cos(angle) - b0 * std::sin(angle);
        b = a0 * std::sin(angle) + b0 * std::cos(angle);
      }
    }
  }
  Matrix attention(const std::string& b, const Matrix& x) const {
    const int d = s_.n_embd / s_.n_head, group = s_.n_head / s_.n_head_kv;
    Matrix q, k, v, out;
    for (std::size_t t = 0; t < x.size(); ++t) {
      const auto h = norm(x[t], b + "attn_norm.weight");
      rotate(q.emplace_back(multiply(b + "attn_q", h, s_.n_embd)), s_.n_head, static_cast<int>(t));
      rotate(k.emplace_back(multiply(b + "attn_k", h, s_.n_head_kv * d)), s_.n_head_kv, static_cast<int>(t));
      v.push_back(multiply(b + "attn_v", h, s_.n_head_kv * d));
      std::vector<double> attended(s_.n_embd);
      for (int head = 0; head < s_.n_head; ++head) {
        const int kv = head / group * d;
        std::vector<double> p;
        double sum = 0;
        for (std::size_t j = 0; j <= t; ++j) {
          const double dot = std::inner_product(&q[t][head * d], &q[t][head * d] + d, &k[j][kv], 0.0);
          sum += p.emplace_back(std::exp(dot / std::sqrt(d)));
        }
        for (std::size_t j = 0; j <= t; ++j) {
          for (int i = 0; i < d; ++i) attended[head * d + i] += p[j] / sum * v[j][kv + i];
        }
      }
      out.push_back(multiply(b + "attn_output", attended, s_.n_embd));
    }
    return out;
  }
  Matrix feed_forward(const std::string& b, const Matrix& x) const {
    Matrix out;
    for (const auto& row : x) {
      const auto h = norm(row, b + "ffn_norm.weight");
      auto gate = multiply(b + "ffn_gate", h, s_.n_ff);
      const auto up = multiply(b + "ffn_up", h, s_.n_ff);
      for (int i = 0; i < s_.n_ff; ++i) gate[i] = gate[i] / (1 + std::exp(-gate[i])) * up[i];
      out.push_back(multiply(b + "ffn_down", gate, s_.n_embd));
    }
    return out;
  }
  static void add(Matrix& x, const Matrix& y) {
    for (std::size_t t = 0; t < x.size(); ++t) {
      for (std::size_t i = 0; i < x[t].size(); ++i) x[t][i] += y[t][i];
    }
  }

  const GgufFile& file_;
  test::TinyShape s_;
};

std::unique_ptr<Model> load(test::TinyModel& tiny, const std::string& level, int n_threads, std::shared_ptr<test::Crossings> counts = {}) {
  auto backend = make_cpu_backend({level, n_threads}).value();
  if (counts) backend = std::make_unique<test::CountingBackend>(std::move(backend), counts);
  ModelOptions options;
  options.page_tokens = 4;
  options.max_batch = 64;
  return Model::load(tiny.file(), std::move(backend), options).value();
}

std::vector<std::int32_t> some_tokens(int n, int first = 3) {
  std::vector<std::int32_t> tokens;
  for (int i = 0; i < n; ++i) tokens.push_back((first + 7 * i) % 64);
  return tokens;
}

// Computes one sequence in steps of the given sizes, on the given pages, and returns the logits after the last token.
std::vector<float> run(Model& model, const std::vector<std::int32_t>& tokens, const std::vector<int>& steps, std::vector<PageId> pages) {
  int done = 0;
  for (int n : steps) {
    Batch batch;
    batch.sequences.push_back({pages});
    for (int i = 0; i < n; ++i, ++done) {
      batch.tokens.push_back(tokens[done]);
      batch.positions.push_back(done);
      batch.sequence.push_back(0);
    }
    if (done == static_cast<int>(tokens.size())) batch.logit_rows.push_back(n - 1);
    model.forward(batch);
  }
  std::vector<float> logits(model.hparams().n_vocab);
  model.read_logits(0, logits);
  return logits;
}

struct Case {
  std::string architecture;
  bool biases, tied;
};
class DecoderTest : public testing::TestWithParam<Case> {
 protected:
  static test::TinyModel tiny() {
    test::TinyShape shape;
    shape.architecture = GetParam().architecture;
    shape.biases = GetParam().biases;
    shape.tied = GetParam().tied;
    return test::TinyModel(shape);
  }
};

TEST_P(DecoderTest, computes_the_logits_of_a_double_precision_forward_pass) {
  test::TinyModel model_file = tiny();
  auto model = load(model_file, "scalar", 1);
  const Reference reference(model->file(), model_file.shape());
  const auto tokens = some_tokens(21);
  const auto logits = run(*model, tokens, {21}, {5, 0, 3, 1, 2, 7});
  const auto expected = reference.logits(tokens);
  // Keys and values are kept as f16 (2^-11 relative); through two layers of unit-scale activations and weights of spread 0.3 an error of
  // 5e-4 grows by the 32-wide sums (sqrt(32) * 0.3 = 1.7 a matrix, four in a row): a few 1e-3 on logits of size ~10.
  double scale = 0;
  for (double x : expected) scale = std::max(scale, std::abs(x));
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(logits[i], expected[i], 2e-3 * scale) << i;
}

TEST_P(DecoderTest, gives_the_same_bits_however_tokens_are_spread_over_steps_pages_and_threads) {
  test::TinyModel model_file = tiny();
  const auto tokens = some_tokens(17);
  auto one = load(model_file, "", 1);
  const auto expected = run(*one, tokens, {17}, {0, 1, 2, 3, 4});
  EXPECT_EQ(run(*one, tokens, {1, 1, 1, 5, 9}, {4, 9, 8, 20, 6}), expected);
  EXPECT_EQ(run(*one, tokens, std::vector<int>(17, 1), {0, 1, 2, 3, 4}), expected);
  auto two = load(model_file, "", 2);
  EXPECT_EQ(run(*two, tokens, {10, 7}, {3, 2, 1, 0, 9}), expected);
}

INSTANTIATE_TEST_SUITE_P(Architectures, DecoderTest,
                         testing::Values(Case{"qwen2", true, true}, Case{"qwen2", true, false}, Case{"llama", false, true},
                                         Case{"llama", false, false}),
                         [](const auto& test) {
                           return test.param.architecture + (test.param.biases ? "_biases" : "") + (test.param.tied ? "_tied" : "_untied");
                         });

TEST(Decoder, sequences_in_one_batch_do_not_touch_each_other) {
  test::TinyModel tiny;
  auto model = load(tiny, "", 2);
  const auto a = some_tokens(9, 3), b = some_tokens(5, 11);
  const auto alone_a = run(*model, a, {9}, {0, 1, 2}), alone_b = run(*model, b, {5}, {3, 4});
  Batch batch;
  batch.sequences = {{{10, 11, 12}}, {{14, 13}}};
  for (int i = 0; i < 9; ++i) {  // interleaved
    batch.tokens.push_back(a[i]), batch.positions.push_back(i), batch.sequence.push_back(0);
    if (i < 5) batch.tokens.push_back(b[i]), batch.positions.push_back(i), batch.sequence.push_back(1);
  }
  batch.logit_rows = {9, 13};
  model->forward(batch);
  std::vector<float> row(model->hparams().n_vocab);
  model->read_logits(0, row);
  EXPECT_EQ(row, alone_b);
  model->read_logits(1, row);
  EXPECT_EQ(row, alone_a);
}

TEST(Decoder, a_copied_page_holds_the_same_keys_and_values) {
  test::TinyModel tiny;
  auto model = load(tiny, "", 1);
  const auto tokens = some_tokens(7);
  const auto expected = run(*model, tokens, {7}, {0, 1});
  model->copy_page(1, 5);
  Batch batch;
  batch.sequences = {{{0, 5}}};
  batch.tokens = {tokens[6]}, batch.positions = {6}, batch.sequence = {0}, batch.logit_rows = {0};
  model->forward(batch);
  std::vector<float> row(model->hparams().n_vocab);
  model->read_logits(0, row);
  EXPECT_EQ(row, expected);
}

TEST(Decoder, a_step_moves_tokens_and_choices_but_no_activations_over_the_seam) {
  test::TinyModel tiny;
  auto counts = std::make_shared<test::Crossings>();
  auto model = load(tiny, "", 1, counts);
  Sampler sampler({});
  Batch batch;
  batch.sequences = {{{0, 1, 2}}};
  batch.tokens = {1, 2, 3}, batch.positions = {0, 1, 2}, batch.sequence = {0, 0, 0}, batch.logit_rows = {2};
  model->forward(batch);
  const SampleRow row{0, &sampler, nullptr};
  model->sample({&row, 1});
  EXPECT_EQ(counts->to_backend, (3 * 3 + 3 + 1) * sizeof(std::int32_t));
  EXPECT_EQ(counts->from_backend, sizeof(TokenProbability));
}

TEST(Model, says_which_architecture_it_cannot_run_and_which_it_can) {
  test::TinyShape shape;
  shape.architecture = "mamba";
  test::TinyModel tiny(shape);
  const auto model = Model::load(tiny.file(), make_cpu_backend({"", 1}).value(), {});
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().code, errc::unsupported);
  EXPECT_NE(model.error().message.find("mamba"), std::string::npos);
  EXPECT_NE(model.error().message.find("llama, qwen2"), std::string::npos);
}

TEST(Model, a_context_beyond_the_trained_one_needs_rope_scaling) {
  test::TinyModel tiny;
  ModelOptions options;
  options.n_ctx = 1024;
  const auto refused = Model::load(tiny.file(), make_cpu_backend({"", 1}).value(), options);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("--rope-scaling yarn --rope-factor 4"), std::string::npos) << refused.error().message;
  options.rope.scaling = RopeScaling::yarn;
  options.rope.factor = 4;
  const auto model = Model::load(tiny.file(), make_cpu_backend({"", 1}).value(), options);
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ((*model)->n_ctx(), 1024);
}

TEST(Model, a_missing_or_misshapen_tensor_is_named) {
  test::TinyShape shape;
  test::TinyModel tiny(shape);
  tiny.writer().add_u32("qwen2.attention.key_length", 16);  // the tensors have 8
  const auto model = Model::load(tiny.file(), make_cpu_backend({"", 1}).value(), {});
  ASSERT_FALSE(model);
  EXPECT_NE(model.error().message.find("blk.0.attn_q.weight is 32 x 32, the metadata calls for 32 x 64"), std::string::npos)
      << model.error().message;
}

TEST(CpuBackend, an_unknown_level_is_an_error_that_lists_the_known_ones) {
  const auto backend = make_cpu_backend({"avx9", 1});
  ASSERT_FALSE(backend);
  EXPECT_NE(backend.error().message.find("scalar"), std::string::npos);
}

}  // namespace
}  // namespace baton::llm
