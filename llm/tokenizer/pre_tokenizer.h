#pragma once
// Splits text into the words within which byte-level BPE merges, as named by `tokenizer.ggml.pre`. Internal to llm/tokenizer.
#include <baton/llm/error.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace baton::llm {

struct PreTokenizerRule {
  std::string_view name;  // as written in files
  // Applied one after the other, each to every piece of the previous one (like a sequence of Hugging Face pre-tokenizers).
  std::vector<std::string_view> patterns;
  bool nfc;          // normalise to NFC first
  bool whole_words;  // a word that is itself a token is not merged (Hugging Face's ignore_merges)
  bool adds_bos;     // the default if the file does not say
};

// Null if there is no such rule.
const PreTokenizerRule* find_pre_tokenizer(std::string_view name);
// For a file that names none, like those made before April 2024: the usual one of this architecture's models, or `default`.
std::string_view usual_pre_tokenizer(std::string_view architecture, std::size_t n_vocab);
std::string known_pre_tokenizers();  // "a, b, c"

// Immutable after construction: split() may be called from any thread.
class PreTokenizer {
 public:
  // The patterns are our own, so a pattern that does not compile is a broken build, and throws.
  explicit PreTokenizer(const PreTokenizerRule& rule);
  PreTokenizer(PreTokenizer&&) noexcept;
  PreTokenizer& operator=(PreTokenizer&&) noexcept;
  ~PreTokenizer();

  // Calls `word` for each piece of valid UTF-8 `text`, in order, until it returns false; together they are the text.
  using WordSink = std::function<bool(std::string_view)>;
  void split(std::string_view text, const WordSink& word) const;

 private:
  struct Pattern;
  std::vector<std::unique_ptr<Pattern>> patterns_;
};

}  // namespace baton::llm
