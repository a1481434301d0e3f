#include "tokenizer.h"

#include <algorithm>
#include <limits>

#include "bpe.h"
#include "detokenizer.h"
#include "sentence_piece.h"
#include "token_limit.h"
#include "token_matcher.h"
#include "utf8.h"

namespace baton::llm {
namespace {

// Special tokens that end a model's answer, whatever the file names as eos and whether it declares them control or user-defined. The last
// three end a fill-in-the-middle answer.
constexpr std::string_view kClosingTexts[] = {
    "<|im_end|>", "<|endoftext|>", "<|eot_id|>",      "<|eom_id|>",    "<|end_of_text|>", "<end_of_turn>",
    "</s>",       "<|end|>",       "<|end_of_turn|>", "<|return|>",    "<eos>",           "<|endofprompt|>",
    "<EOT>",      "_<EOT>",        "<|fim_pad|>",     "<|repo_name|>", "<|file_sep|>"};

// Ids of the tokens of type 3 and 4, ascending: those of white space only, or the others.
std::vector<std::int32_t> whole_tokens(const Vocabulary& vocabulary, bool white_space) {
  std::vector<std::int32_t> ids;
  for (std::size_t i = 0; i < vocabulary.size(); ++i) {
    const auto id = static_cast<std::int32_t>(i);
    if (vocabulary.type(id) != TokenType::control && vocabulary.type(id) != TokenType::user_defined) continue;
    if (vocabulary.is_white_space(id) == white_space) ids.push_back(id);
  }
  return ids;
}

}  // namespace

std::string_view to_string(TokenType type) {
  switch (type) {
    case TokenType::undefined:
      return "undefined";
    case TokenType::normal:
      return "normal";
    case TokenType::unknown:
      return "unknown";
    case TokenType::control:
      return "control";
    case TokenType::user_defined:
      return "user-defined";
    case TokenType::unused:
      return "unused";
    case TokenType::byte:
      return "byte";
  }
  return "unknown";
}

struct Tokenizer::State {
  State(Vocabulary loaded, std::optional<ByteLevelBpe> byte_level, std::optional<SentencePiece> piece)
      : vocabulary(std::move(loaded)),
        bpe(std::move(byte_level)),
        sentence_piece(std::move(piece)),
        special_ids(whole_tokens(vocabulary, false)),
        specials(vocabulary, special_ids),
        white_space(vocabulary, whole_tokens(vocabulary, true)),
        fewest(vocabulary, !missing_bytes().empty()) {}

  Vocabulary vocabulary;
  std::optional<ByteLevelBpe> bpe;  // one of the two
  std::optional<SentencePiece> sentence_piece;
  std::vector<std::int32_t> special_ids;
  TokenMatcher specials;     // in template text
  TokenMatcher white_space;  // in any text
  FewestTokens fewest;
  std::string_view pre;
  bool add_bos = false, add_eos = false;
  std::vector<std::int32_t> end_ids;

  void find_end_ids();
  const std::vector<std::uint8_t>& missing_bytes() const { return bpe ? bpe->missing_bytes() : sentence_piece->missing_bytes(); }
  void encode(const MarkedText& marked, TokenSink& out) const;
  std::vector<std::int32_t> encode(const MarkedText& marked) const;
  void encode_plain(std::string_view text, bool after_special, TokenSink& out) const;
};

void Tokenizer::State::find_end_ids() {
  for (const auto& id : {vocabulary.eos, vocabulary.eot, vocabulary.eom}) {
    if (id) end_ids.push_back(*id);
  }
  for (const auto id : special_ids) {
    const std::string_view text = vocabulary.texts[static_cast<std::size_t>(id)];
    // The exception: Gemma's user-defined "</s>" is the HTML tag for struck-through text.
    if (text == "</s>" && vocabulary.type(id) == TokenType::user_defined) continue;
    if (std::count(std::begin(kClosingTexts), std::end(kClosingTexts), text)) end_ids.push_back(id);
  }
  std::sort(end_ids.begin(), end_ids.end());
  end_ids.erase(std::unique(end_ids.begin(), end_ids.end()), end_ids.end());
}

Result<Tokenizer> Tokenizer::from_gguf(const GgufFile& file) {
  auto vocabulary = Vocabulary::from_gguf(file);
  if (!vocabulary) return vocabulary.error();
  std::optional<ByteLevelBpe> bpe;
  std::optional<SentencePiece> piece;
  if (vocabulary->byte_level) {
    auto loaded = ByteLevelBpe::from_gguf(file, *vocabulary);
    if (!loaded) return loaded.error();
    bpe = std::move(*loaded);
  } else {
    auto loaded = SentencePiece::from_gguf(file, *vocabulary);
    if (!loaded) return loaded.error();
    piece = std::move(*loaded);
  }
  const auto add_bos = file.get_bool_or("tokenizer.ggml.add_bos_token", bpe ? bpe->adds_bos() : true);
  if (!add_bos) return add_bos.error();
  const auto add_eos = file.get_bool_or("tokenizer.ggml.add_eos_token", false);
  if (!add_eos) return add_eos.error();

  auto state = std::make_unique<State>(std::move(*vocabulary), std::move(bpe), std::move(piece));
  if (state->bpe) state->pre = state->bpe->pre();
  state->add_bos = *add_bos && state->vocabulary.bos;
  state->add_eos = *add_eos && state->vocabulary.eos;
  state->find_end_ids();
  return Tokenizer(std::move(state));
}

Tokenizer::Tokenizer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

void Tokenizer::State::encode(const MarkedText& marked, TokenSink& out) const {
  bool after_special = true;  // the beginning counts as one
  const auto plain = [&](std::string_view text) {
    if (!out.over()) encode_plain(text, after_special, out);
    after_special = false;
  };
  const auto token = [&](std::int32_t id) {
    if (!out.over()) out.tokens.push_back(id);
    after_special = true;
  };
  specials.split(marked, plain, token);
}

std::vector<std::int32_t> Tokenizer::State::encode(const MarkedText& marked) const {
  TokenSink out(fewest, std::numeric_limits<std::size_t>::max());
  encode(marked, out);
  return std::move(out.tokens);
}

// `text` contains no special token that may match.
void Tokenizer::State::encode_plain(std::string_view text, bool after_special, TokenSink& out) const {
  std::string changed;
  if (!is_valid_utf8(text)) {
    append_valid_utf8(text, changed);
    text = changed;
  }
  if (sentence_piece) {
    // U+2581 in text is a space like any other. The prefix is an additional space, which joins an existing run of spaces.
    auto spaced = with_spaces(text);
    if (after_special && sentence_piece->adds_space_prefix()) spaced.insert(spaced.begin(), ' ');
    changed = std::move(spaced);
    text = changed;
  }
  const auto piece = [&](std::string_view part) {
    if (bpe) {
      bpe->encode(vocabulary, part, out);
    } else {
      sentence_piece->encode(vocabulary, part, out);
    }
  };
  white_space.split({text, {{text.size(), true}}}, piece, [&](std::int32_t id) {
    if (!out.over()) out.tokens.push_back(id);
  });
}

std::optional<std::vector<std::int32_t>> Tokenizer::encode_up_to(std::size_t max_tokens, std::span<const TextSpan> spans) const {
  std::string all;
  MarkedText marked;
  for (const auto& span : spans) {
    if (span.text.empty()) continue;
    all += span.text;
    if (marked.runs.empty() || marked.runs.back().is_template != span.is_template) marked.runs.push_back({0, span.is_template});
    marked.runs.back().end = all.size();
  }
  marked.text = all;
  TokenSink out(state_->fewest, max_tokens);
  state_->encode(marked, out);
  if (out.over()) return std::nullopt;
  return std::move(out.tokens);
}

std::vector<std::int32_t> Tokenizer::encode(std::span<const TextSpan> spans) const {
  return *encode_up_to(std::numeric_limits<std::size_t>::max(), spans);
}

std::vector<std::int32_t> Tokenizer::encode(std::string_view text) const { return state_->encode({text, {{text.size(), false}}}); }
std::vector<std::int32_t> Tokenizer::encode_template(std::string_view text) const { return state_->encode({text, {{text.size(), true}}}); }

std::string Tokenizer::decode_bytes(std::span<const std::int32_t> ids, bool render_control) const {
  std::string out;
  for (const auto id : ids) {
    if (!is_valid(id)) {
      out += kReplacement;
    } else if (render_control || type(id) != TokenType::control) {
      out += token_bytes(id);
    }
  }
  return out;
}

std::string Tokenizer::decode(std::span<const std::int32_t> ids, bool render_control) const {
  std::string out;
  append_valid_utf8(decode_bytes(ids, render_control), out);
  return out;
}

std::size_t Tokenizer::n_vocab() const { return state_->vocabulary.size(); }
std::string_view Tokenizer::model() const { return state_->bpe ? "gpt2" : "llama"; }
std::string_view Tokenizer::pre() const { return state_->pre; }

std::string_view Tokenizer::text(std::int32_t id) const { return state_->vocabulary.texts[static_cast<std::size_t>(id)]; }
std::string Tokenizer::token_bytes(std::int32_t id) const { return state_->vocabulary.bytes(id); }
TokenType Tokenizer::type(std::int32_t id) const { return state_->vocabulary.type(id); }
float Tokenizer::score(std::int32_t id) const {
  const auto& scores = state_->vocabulary.scores;
  return scores.empty() ? 0.0f : scores[static_cast<std::size_t>(id)];
}
bool Tokenizer::is_special(std::int32_t id) const { return std::binary_search(special_ids().begin(), special_ids().end(), id); }
bool Tokenizer::ends_generation(std::int32_t id) const { return std::binary_search(state_->end_ids.begin(), state_->end_ids.end(), id); }

void Tokenizer::end_generation_at(std::string_view stored_text) {
  if (stored_text.empty() || !find(stored_text)) return;
  auto& ids = state_->end_ids;
  for (std::size_t i = 0; i < n_vocab(); ++i) {
    if (text(static_cast<std::int32_t>(i)) == stored_text) ids.push_back(static_cast<std::int32_t>(i));
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
}

void Tokenizer::continue_after(std::string_view stored_text) {
  std::erase_if(state_->end_ids, [&](std::int32_t id) { return text(id) == stored_text; });
}

std::optional<std::int32_t> Tokenizer::find(std::string_view stored_text) const {
  const auto id = state_->vocabulary.index.find(stored_text);
  return id >= 0 ? std::optional(id) : std::nullopt;
}
std::span<const std::int32_t> Tokenizer::special_ids() const { return state_->special_ids; }
std::span<const std::int32_t> Tokenizer::end_of_generation_ids() const { return state_->end_ids; }

std::optional<std::int32_t> Tokenizer::bos() const { return state_->vocabulary.bos; }
std::optional<std::int32_t> Tokenizer::eos() const { return state_->vocabulary.eos; }
std::optional<std::int32_t> Tokenizer::eot() const { return state_->vocabulary.eot; }
std::optional<std::int32_t> Tokenizer::padding() const { return state_->vocabulary.padding; }
std::optional<std::int32_t> Tokenizer::unknown() const { return state_->vocabulary.unknown; }
bool Tokenizer::add_bos() const { return state_->add_bos; }
bool Tokenizer::add_eos() const { return state_->add_eos; }
bool Tokenizer::adds_space_prefix() const { return state_->sentence_piece && state_->sentence_piece->adds_space_prefix(); }
std::span<const std::uint8_t> Tokenizer::missing_bytes() const { return state_->missing_bytes(); }

}  // namespace baton::llm
