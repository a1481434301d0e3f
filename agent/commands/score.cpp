#include "score.h"

#include <baton/agent/model_loader.h>
#include <baton/llm/chat/types.h>
#include <baton/llm/sampler/sampler.h>
#include <baton/llm/tokenizer/tokenizer.h>

#include <cmath>
#include <cstdio>
#include <fstream>

#include <baton/agent/terminal/print.h>

namespace baton::agent::cli {
namespace {

constexpr int kRows = 64;  // logit rows a step: 64 x 152k floats are 39 MB

llm::Batch make_batch(const std::vector<std::int32_t>& tokens, int from, int n, const std::vector<llm::PageId>& pages) {
  llm::Batch batch;
  batch.sequences.push_back({pages});
  for (int i = 0; i < n; ++i) {
    batch.tokens.push_back(tokens[from + i]);
    batch.positions.push_back(from + i);
    batch.sequence.push_back(0);
    batch.logit_rows.push_back(i);
  }
  return batch;
}

float log_probability(std::span<const float> logits, std::int32_t id) {
  llm::SamplingParams force;  // the sampler reports the unmodified distribution
  force.logit_bias[id] = 1e9f;
  return llm::Sampler(force).choose(logits).logprob;
}

}  // namespace

int score(const Globals& globals, const std::shared_ptr<const llm::GgufFile>& file, const std::string& text_file,
          const std::string& logits_file) {
  const auto tokenizer = llm::Tokenizer::from_gguf(*file);
  if (!tokenizer) return fail(tokenizer.error().message);
  const Result<std::string> text = read_text_file(text_file);
  if (!text) return fail(text.error().message);
  auto model = load_model(globals, file, kRows);
  if (!model) return fail(model.error().message);

  std::vector<std::int32_t> tokens = tokenizer->encode(*text);
  if (tokenizer->add_bos() && tokenizer->bos()) tokens.insert(tokens.begin(), *tokenizer->bos());
  if (tokens.empty()) return fail(text_file + " is empty: there is nothing to score");
  if (static_cast<int>(tokens.size()) > (*model)->n_ctx()) {
    return fail(text_file + " has " + std::to_string(tokens.size()) + " tokens and the context holds " + std::to_string((*model)->n_ctx()) +
                ": cut the text or start with a larger --ctx");
  }
  std::ofstream logits_out;
  if (!logits_file.empty()) {
    logits_out.open(logits_file, std::ios::binary);
    if (!logits_out) return fail(logits_file + " cannot be written");
  }
  std::vector<llm::PageId> pages((tokens.size() + (*model)->page_tokens() - 1) / (*model)->page_tokens());
  for (std::size_t i = 0; i < pages.size(); ++i) pages[i] = static_cast<llm::PageId>(i);

  std::vector<float> row((*model)->hparams().n_vocab), previous;
  llm::SamplingParams params;
  params.top_logprobs = 5;
  for (std::size_t from = 0; from < tokens.size(); from += kRows) {
    const int n = static_cast<int>(std::min<std::size_t>(kRows, tokens.size() - from));
    (*model)->forward(make_batch(tokens, static_cast<int>(from), n, pages));
    for (int i = 0; i < n; ++i) {
      const std::int32_t id = tokens[from + i];
      llm::Json line = {{"position", from + i}, {"token", id}, {"text", tokenizer->token_bytes(id)}, {"logprob", nullptr}};
      if (!previous.empty()) line["logprob"] = log_probability(previous, id);
      (*model)->read_logits(i, row);
      line["top"] = llm::Json::array();
      for (const auto& p : llm::Sampler(params).choose(row).top) line["top"].push_back({p.id, p.logprob});
      print_json(line);
      logits_out.write(reinterpret_cast<const char*>(row.data()), static_cast<std::streamsize>(row.size() * sizeof(float)));
      previous = row;
    }
  }
  if (!logits_file.empty() && !logits_out.flush()) return fail(logits_file + " could not be written in full: is the disk full?");
  return 0;
}

}  // namespace baton::agent::cli
