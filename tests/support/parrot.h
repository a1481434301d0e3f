#pragma once
// A model that repeats a script exactly, token cuts included, as a GGUF file in memory or on disk. So every way of writing, ending and
// cutting an answer can be tried through the whole program, without real weights.
//
// Its next token depends on the last one only: each token's embedding has a single 1, attention and feed-forward are zero, and the output
// layer leads from each 1 to the token that follows. As a token may follow two others in one text, each token of a script is one of the
// vocabulary's own, even where two have the same bytes. The template's last token determines the next answer. After any other token outside
// the scripts (one that a grammar forced, for example) the parrot ends its turn, or closes the JSON that a grammar keeps open.
#include <baton/llm/gguf/gguf.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "gguf_writer.h"
#include "tiny_vocabulary.h"

namespace baton::test {

// A token: any bytes (type 1), or a special token by its name (types 3 and 4).
struct ParrotToken {
  std::string text;
  std::int32_t type = 1;
};
using ParrotAnswer = std::vector<ParrotToken>;

// A text as tokens of n bytes each, whatever characters they cut.
inline ParrotAnswer in_pieces(std::string_view text, std::size_t n) {
  ParrotAnswer answer;
  for (; !text.empty(); text.remove_prefix(std::min(n, text.size()))) answer.push_back({std::string(text.substr(0, n))});
  return answer;
}
inline ParrotAnswer operator+(ParrotAnswer a, const ParrotAnswer& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

struct ParrotOptions {
  std::string chat_template;
  std::string tool_template = {};      // tokenizer.chat_template.tool_use; empty: none
  std::vector<TinyToken> specials = {  // the first one ends every answer, and is the file's eos
      {"<|im_end|>", 3},   {"<|im_start|>", 3}, {"<|endoftext|>", 3}, {"<tool_call>", 4},
      {"</tool_call>", 4}, {"<think>", 3},      {"</think>", 3}};
  std::string pre = "qwen2";
  int n_ctx = 4096;
  bool ends = true;        // false: the end of a script is followed by any token that the model prefers
  bool names_eos = true;   // false: the file does not name the end of a turn
  bool last_token = true;  // false: the template stays as it is, and the only answer begins after any token that is in no script
};

class Parrot {
 public:
  // answers[i] is the answer to a prompt that contains i answers of the assistant.
  Parrot(std::vector<ParrotAnswer> answers, ParrotOptions options) : answers_(std::move(answers)), options_(std::move(options)) {
    add_metadata();
    add_weights();
  }
  GgufWriter& writer() { return writer_; }  // for more metadata, before the first file()

  // The file lives as long as the parrot.
  std::shared_ptr<const llm::GgufFile> file() {
    if (bytes_.empty()) bytes_ = writer_.bytes();
    return std::make_shared<const llm::GgufFile>(llm::GgufFile::from_memory(std::as_bytes(std::span(bytes_)), "parrot.gguf").value());
  }

 private:
  // `source`, with the token for the number of answers at the end of its prompt.
  std::string with_last_token(const std::string& source) const {
    if (!options_.last_token || source.empty()) return source;
    std::string out =
        source + "{%- if add_generation_prompt %}{%- set said = messages | selectattr('role', 'equalto', 'assistant') | list %}";
    for (std::size_t i = 0; i < answers_.size(); ++i) {
      out += (i == 0 ? "{%- if" : "{%- elif") + std::string(" said | length == ") + std::to_string(i) + " %}" + start_of(i);
    }
    return out + "{%- endif %}{%- endif %}";
  }
  static std::string start_of(std::size_t answer) { return "<|answer_" + std::to_string(answer) + "|>"; }

  void add_metadata() {
    std::vector<TinyToken> more = options_.specials;
    for (std::size_t i = 0; i < answers_.size(); ++i) more.push_back({start_of(i), 3});
    for (const ParrotAnswer& answer : answers_) {
      for (const ParrotToken& token : answer) {
        std::string letters;
        for (const char c : token.text) letters += byte_letter(static_cast<unsigned char>(c));
        more.push_back({token.type == 1 ? letters : token.text, token.type});
      }
    }
    n_vocab_ = 256 + static_cast<int>(more.size());
    writer_.add("general.architecture", "llama").add("general.name", "parrot");
    add_byte_vocabulary(writer_, options_.pre, {}, more);
    if (options_.names_eos) writer_.add_u32("tokenizer.ggml.eos_token_id", 256);
    writer_.add("tokenizer.chat_template", with_last_token(options_.chat_template));
    if (!options_.tool_template.empty()) writer_.add("tokenizer.chat_template.tool_use", with_last_token(options_.tool_template));
  }

  void add_weights() {
    const int n_specials = static_cast<int>(options_.specials.size());
    // States: 0 of all tokens that are in no script, then one for each answer's beginning, then one for each token of a script.
    std::vector<int> state(n_vocab_, 0), next{options_.last_token ? 256 : -1};
    int token = 256 + n_specials;
    for (std::size_t i = 0; i < answers_.size(); ++i, ++token) {
      state[token] = static_cast<int>(next.size());
      next.push_back(-1);
    }
    for (std::size_t i = 0; i < answers_.size(); ++i) {
      if (answers_[i].empty()) {
        next[1 + i] = 256;
        continue;
      }
      next[1 + i] = token;
      for (std::size_t j = 0; j < answers_[i].size(); ++j, ++token) {
        const bool last = j + 1 == answers_[i].size();
        state[token] = static_cast<int>(next.size());
        next.push_back(!last ? token + 1 : options_.ends ? 256 : -1);
      }
    }
    if (!options_.last_token) next[0] = next[1];

    const int n_embd = (static_cast<int>(next.size()) + 63) / 64 * 64, n_ff = 32;
    const std::string a = "llama.";
    writer_.add_u32(a + "context_length", options_.n_ctx).add_u32(a + "embedding_length", n_embd).add_u32(a + "block_count", 1);
    writer_.add_u32(a + "feed_forward_length", n_ff).add_u32(a + "attention.head_count", n_embd / 64);
    writer_.add_u32(a + "attention.head_count_kv", 1).add_f32(a + "attention.layer_norm_rms_epsilon", 1e-6f);
    writer_.add_f32(a + "rope.freq_base", 10000);
    std::vector<float> embedding(static_cast<std::size_t>(n_vocab_) * n_embd), output(embedding.size());
    for (int id = 0; id < n_vocab_; ++id) embedding[static_cast<std::size_t>(id) * n_embd + state[id]] = 1;
    // The norm makes the single 1 the root of n_embd: the next token has a logit of 40, all others 0.
    for (std::size_t i = 0; i < next.size(); ++i) {
      if (next[i] >= 0) output[static_cast<std::size_t>(next[i]) * n_embd + i] = 40 / std::sqrt(static_cast<float>(n_embd));
    }
    if (options_.last_token) {
      for (const auto& [closer, logit] : {std::pair{']', 30.0f}, {'}', 29.0f}, {'"', 28.0f}})
        output[static_cast<std::size_t>(closer) * n_embd] = logit / std::sqrt(static_cast<float>(n_embd));
    }
    matrix("token_embd.weight", n_vocab_, n_embd, std::move(embedding));
    for (const auto& [name, n_out, n_in] : {std::tuple{"attn_q", n_embd, n_embd},
                                            {"attn_k", 64, n_embd},
                                            {"attn_v", 64, n_embd},
                                            {"attn_output", n_embd, n_embd},
                                            {"ffn_gate", n_ff, n_embd},
                                            {"ffn_up", n_ff, n_embd},
                                            {"ffn_down", n_embd, n_ff}})
      matrix("blk.0." + std::string(name) + ".weight", n_out, n_in, std::vector<float>(static_cast<std::size_t>(n_out) * n_in));
    for (const char* norm : {"blk.0.attn_norm.weight", "blk.0.ffn_norm.weight", "output_norm.weight"})
      writer_.add_tensor_f32(norm, {static_cast<std::uint64_t>(n_embd)}, std::vector<float>(n_embd, 1));
    matrix("output.weight", n_vocab_, n_embd, std::move(output));
  }
  void matrix(const std::string& name, int n_out, int n_in, const std::vector<float>& values) {
    writer_.add_tensor_f32(name, {static_cast<std::uint64_t>(n_in), static_cast<std::uint64_t>(n_out)}, values);
  }

  std::vector<ParrotAnswer> answers_;
  ParrotOptions options_;
  int n_vocab_ = 0;
  GgufWriter writer_;
  std::vector<std::uint8_t> bytes_;
};

}  // namespace baton::test
