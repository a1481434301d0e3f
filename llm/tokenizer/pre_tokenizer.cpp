#include "pre_tokenizer.h"

#include <array>
#include <limits>
#include <stdexcept>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

namespace baton::llm {
namespace {

// White space is spelled out instead of \s, which in PCRE2 includes U+180E; Unicode's White_Space and Hugging Face's regex engine do not
// include it.
#define BATON_SPACE R"(\t-\r \x{85}\x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000})"

// GPT-2 (Radford et al. 2019).
constexpr std::string_view kGpt2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^" BATON_SPACE "\\p{L}\\p{N}]+|[" BATON_SPACE
                                   "]+(?![^" BATON_SPACE "])|[" BATON_SPACE "]+";
constexpr std::string_view kSingleDigits = "\\p{N}";
// The meaning of llama.cpp's `default`: punctuation, GPT-2, then digits in groups of three.
constexpr std::string_view kPunctuation = "[\\p{P}$+<=>^~|]+", kDigits = "\\p{N}+", kThreeDigits = "[0-9][0-9][0-9]";
// cl100k's successors in Llama 3 and Qwen2, which differ in the number of digits per word.
#define BATON_LLAMA3(DIGITS)                                                                                                       \
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" DIGITS "| ?[^" BATON_SPACE "\\p{L}\\p{N}]+[\\r\\n]*|[" BATON_SPACE \
  "]*[\\r\\n]+|[" BATON_SPACE "]+(?![^" BATON_SPACE "])|[" BATON_SPACE "]+"
constexpr std::string_view kLlama3 = BATON_LLAMA3("\\p{N}{1,3}");
constexpr std::string_view kQwen2 = BATON_LLAMA3("\\p{N}");
#undef BATON_LLAMA3
#undef BATON_SPACE

const std::vector<PreTokenizerRule>& rules() {
  static const std::vector<PreTokenizerRule> all = [] {
    std::vector<PreTokenizerRule> out;
    const auto add = [&](std::initializer_list<std::string_view> names, const PreTokenizerRule& rule) {
      for (const std::string_view name : names) {
        out.push_back(rule);
        out.back().name = name;
      }
    };
    add({"gpt-2", "phi-2", "exaone4", "mellum", "gigachat", "olmo", "mpt", "jais", "trillion"}, {"", {kGpt2}, false, false, false});
    add({"smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b"},
        {"", {kSingleDigits, kGpt2}, false, false, false});
    add({"qwen2", "deepseek-r1-qwen", "megrez", "kormo", "f2llmv2", "stablelm2", "hunyuan", "solar-open"},
        {"", {kQwen2}, true, false, false});
    add({"llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2"}, {"", {kLlama3}, false, true, true});
    add({"dbrx", "smaug-bpe", "glm4", "chatglm-bpe"}, {"", {kLlama3}, false, false, false});
    add({"default"}, {"", {kPunctuation, kGpt2, kDigits, kThreeDigits}, false, false, false});
    return out;
  }();
  return all;
}

}  // namespace

const PreTokenizerRule* find_pre_tokenizer(std::string_view name) {
  for (const auto& rule : rules()) {
    if (rule.name == name) return &rule;
  }
  return nullptr;
}

std::string_view usual_pre_tokenizer(std::string_view architecture, std::size_t n_vocab) {
  constexpr std::size_t kLlama3Tokens = 128'000;  // Llama 2 and earlier have SentencePiece vocabularies
  if (architecture.starts_with("qwen2") || architecture.starts_with("qwen3")) return "qwen2";
  return architecture == "llama" && n_vocab >= kLlama3Tokens && n_vocab < kLlama3Tokens + 1000 ? "llama-bpe" : "default";
}

std::string known_pre_tokenizers() {
  std::string out;
  for (const auto& rule : rules()) out += (out.empty() ? "" : ", ") + std::string(rule.name);
  return out;
}

struct PreTokenizer::Pattern {
  struct Free {
    void operator()(pcre2_code* p) const { pcre2_code_free(p); }
    void operator()(pcre2_match_context* p) const { pcre2_match_context_free(p); }
    void operator()(pcre2_match_data* p) const { pcre2_match_data_free(p); }
  };
  std::unique_ptr<pcre2_code, Free> code;
  std::unique_ptr<pcre2_match_context, Free> context;

  explicit Pattern(std::string_view pattern) {
    int error = 0;
    PCRE2_SIZE at = 0;
    code.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), PCRE2_UTF | PCRE2_UCP, &error, &at, nullptr));
    context.reset(pcre2_match_context_create(nullptr));
    if (!code || !context) throw std::logic_error("pre-tokenizer pattern does not compile at " + std::to_string(at));
    pcre2_jit_compile(code.get(), PCRE2_JIT_COMPLETE);  // without a JIT the interpreter gives the same result, slower
    // Backtracking is bounded by the length of one run of characters; PCRE2's default limit would refuse runs beyond ten million.
    pcre2_set_match_limit(context.get(), std::numeric_limits<std::uint32_t>::max());
  }

  // The next match at or after `from`; false when there is none.
  bool match(std::string_view text, std::size_t from, pcre2_match_data* data) const {
    const auto* subject = reinterpret_cast<PCRE2_SPTR>(text.data());
    int rc = pcre2_match(code.get(), subject, text.size(), from, PCRE2_NO_UTF_CHECK, data, context.get());
    if (rc == PCRE2_ERROR_JIT_STACKLIMIT) {
      rc = pcre2_match(code.get(), subject, text.size(), from, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, data, context.get());
    }
    if (rc == PCRE2_ERROR_NOMATCH) return false;
    if (rc == PCRE2_ERROR_NOMEMORY) throw std::bad_alloc();
    if (rc < 0) throw std::runtime_error("pre-tokenizer: PCRE2 error " + std::to_string(rc));
    return true;
  }
};

PreTokenizer::PreTokenizer(const PreTokenizerRule& rule) {
  for (const auto pattern : rule.patterns) patterns_.push_back(std::make_unique<Pattern>(pattern));
}
PreTokenizer::PreTokenizer(PreTokenizer&&) noexcept = default;
PreTokenizer& PreTokenizer::operator=(PreTokenizer&&) noexcept = default;
PreTokenizer::~PreTokenizer() = default;

void PreTokenizer::split(std::string_view text, const WordSink& word) const {
  std::vector<std::unique_ptr<pcre2_match_data, Pattern::Free>> matches;  // one per stage: an outer match is in use while inner ones run
  for (std::size_t i = 0; i < patterns_.size(); ++i) {
    matches.emplace_back(pcre2_match_data_create(1, nullptr));
    if (!matches.back()) throw std::bad_alloc();
  }
  const auto split_from = [&](const auto& self, std::size_t stage, std::string_view piece) -> bool {
    if (piece.empty()) return true;
    if (stage == patterns_.size()) return word(piece);
    auto* match = matches[stage].get();
    const auto* bounds = pcre2_get_ovector_pointer(match);
    std::size_t at = 0;
    while (at < piece.size() && patterns_[stage]->match(piece, at, match)) {
      const auto begin = bounds[0], end = bounds[1];  // no pattern matches the empty string
      if (!self(self, stage + 1, piece.substr(at, begin - at))) return false;
      if (!self(self, stage + 1, piece.substr(begin, end - begin))) return false;
      at = end;
    }
    return self(self, stage + 1, piece.substr(at));
  };
  split_from(split_from, 0, text);
}

}  // namespace baton::llm
