#pragma once
// Text to token ids and back, from the vocabulary that a GGUF file carries.
//
// Two families (`tokenizer.ggml.model`):
//   gpt2   byte-level BPE: a regex (`tokenizer.ggml.pre`) cuts text into words, merges build tokens inside a word (Sennrich et al. 2016,
//          Radford et al. 2019);
//   llama  SentencePiece-style BPE: spaces become U+2581, the neighbours whose union has the highest score merge first, what has no token
//   falls
//          back to byte tokens (Kudo & Richardson 2018).
//
// What may become a special token: control (type 3) and user-defined (type 4) tokens match only inside template text, longest first from
// the left. Data text never yields one, whatever it contains; it is cut and merged like any other text. Template and data next to each
// other are one text for everything else, as they are for the tokenizer that trained the model.
// One exception that the vocabularies force: user-defined tokens of nothing but white space (Gemma's runs of newlines, tabs and spaces; it
// has no other token for a newline) mark no structure. They are ordinary text everywhere and do not count as special.
//
// Invalid UTF-8 in text: each maximal invalid subpart (Unicode 15, section 3.9, as Python's errors='replace') is read as U+FFFD. qwen2 text
// is normalised to NFC first. A byte for which the vocabulary has no token is left out, as Hugging Face tokenizers does; missing_bytes()
// names them.
#include <baton/llm/error.h>
#include <baton/llm/gguf/gguf.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace baton::llm {

// As GGUF numbers them.
enum class TokenType : std::uint8_t { undefined = 0, normal = 1, unknown = 2, control = 3, user_defined = 4, unused = 5, byte = 6 };
std::string_view to_string(TokenType type);

struct TextSpan {
  std::string_view text;
  bool is_template;  // true: special tokens may match wholly inside this and neighbouring template spans
};

// Const members may be called from any thread. Must not outlive the GgufFile (token texts are views into it).
class Tokenizer {
 public:
  // Errors: errc::unsupported for a model or pre-tokenizer that Baton does not have (the message lists those it has), errc::invalid_file
  // for a vocabulary that contradicts itself.
  static Result<Tokenizer> from_gguf(const GgufFile& file);

  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  // Appends no BOS or EOS: see add_bos(). Never fails; running out of memory throws.
  std::vector<std::int32_t> encode(std::span<const TextSpan> spans) const;
  // Nothing where there are more than max_tokens. Most of a text that is far too long is not looked at, however it is made.
  std::optional<std::vector<std::int32_t>> encode_up_to(std::size_t max_tokens, std::span<const TextSpan> spans) const;
  // All of it data: special tokens are off.
  std::vector<std::int32_t> encode(std::string_view text) const;
  // All of it template: special tokens are recognised.
  std::vector<std::int32_t> encode_template(std::string_view text) const;

  // All bytes of the tokens, control tokens with their text when `render_control`. May be invalid UTF-8; Detokenizer gives text.
  std::string decode_bytes(std::span<const std::int32_t> ids, bool render_control = false) const;
  // Text, invalid UTF-8 as U+FFFD.
  std::string decode(std::span<const std::int32_t> ids, bool render_control = false) const;

  std::size_t n_vocab() const;
  std::string_view model() const;  // "gpt2" or "llama"
  // The pre-tokenizer as the file names it; where it names none, what models of its architecture have. Empty for "llama".
  std::string_view pre() const;

  bool is_valid(std::int32_t id) const { return id >= 0 && static_cast<std::size_t>(id) < n_vocab(); }
  // These take valid ids.
  std::string_view text(std::int32_t id) const;    // as stored in the file (byte-level letters, U+2581 for a space)
  std::string token_bytes(std::int32_t id) const;  // what the token stands for in text, control tokens with their name
  TokenType type(std::int32_t id) const;
  float score(std::int32_t id) const;      // 0 where the vocabulary has none
  bool is_special(std::int32_t id) const;  // type control or user_defined (other than white space)
  // eos, eot and eom of the file, special tokens with a well-known closing text (<|im_end|>, ...), and those of end_generation_at();
  // without those of continue_after().
  bool ends_generation(std::int32_t id) const;

  // After tokens of this stored text, too, the model has nothing more to say: its chat template ends a turn so. Before any other thread
  // uses us.
  void end_generation_at(std::string_view stored_text);
  // The opposite: the model has more to say, although other models end their turns so.
  void continue_after(std::string_view stored_text);

  // The token whose stored text is exactly this; among several, a normal one before others, the lowest id first.
  std::optional<std::int32_t> find(std::string_view stored_text) const;
  std::span<const std::int32_t> special_ids() const;            // all that is_special() names, ascending
  std::span<const std::int32_t> end_of_generation_ids() const;  // ascending

  std::optional<std::int32_t> bos() const;
  std::optional<std::int32_t> eos() const;
  std::optional<std::int32_t> eot() const;
  std::optional<std::int32_t> padding() const;
  std::optional<std::int32_t> unknown() const;
  // Whether raw text (no chat template, which writes its own) should be preceded by bos() or followed by eos().
  bool add_bos() const;
  bool add_eos() const;
  // Whether encoding puts a space before the first word, and text begins with one that is not its own (SentencePiece-style vocabularies).
  bool adds_space_prefix() const;
  // Byte values that no token of the vocabulary stands for, ascending; empty for most.
  std::span<const std::uint8_t> missing_bytes() const;

 private:
  struct State;
  explicit Tokenizer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace baton::llm
