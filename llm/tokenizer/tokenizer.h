#pragma once
// Converts text to token ids and back, with the vocabulary of a GGUF file.
//
// Two families (`tokenizer.ggml.model`):
//   gpt2   byte-level BPE: a regex (`tokenizer.ggml.pre`) cuts text into words, merges build tokens inside a word (Sennrich et al. 2016,
//          Radford et al. 2019);
//   llama  SentencePiece-style BPE: spaces become U+2581, the neighbours whose union has the highest score merge first, text without a
//          token falls back to byte tokens (Kudo & Richardson 2018).
//
// Special tokens: control (type 3) and user-defined (type 4) tokens match only inside template text, longest first from the left. Data text
// never yields one, whatever it contains; it is split and merged like any other text. For everything else, template and data next to each
// other are one text, as in the tokenizer with which the model was trained.
// The vocabularies force one exception: user-defined tokens of white space only (Gemma's runs of newlines, tabs and spaces; it has no other
// token for a newline) do not mark structure. They are ordinary text everywhere and do not count as special.
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

// With GGUF's numbers.
enum class TokenType : std::uint8_t { undefined = 0, normal = 1, unknown = 2, control = 3, user_defined = 4, unused = 5, byte = 6 };
std::string_view to_string(TokenType type);

struct TextSpan {
  std::string_view text;
  bool is_template;  // true: special tokens may match within this and neighbouring template spans
};

// Const members may be called from any thread. Must not outlive the GgufFile (token texts are views into it).
class Tokenizer {
 public:
  // Errors: errc::unsupported for a model or pre-tokenizer that Baton does not support (the message lists the supported ones),
  // errc::invalid_file for a vocabulary that contradicts itself.
  static Result<Tokenizer> from_gguf(const GgufFile& file);

  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  // Appends no BOS or EOS: see add_bos(). Never fails; running out of memory throws.
  std::vector<std::int32_t> encode(std::span<const TextSpan> spans) const;
  // Null if there are more than max_tokens. Most of a text that is far too long is not read, whatever its content.
  std::optional<std::vector<std::int32_t>> encode_up_to(std::size_t max_tokens, std::span<const TextSpan> spans) const;
  // The whole text is data: special tokens are off.
  std::vector<std::int32_t> encode(std::string_view text) const;
  // The whole text is template: special tokens are recognised.
  std::vector<std::int32_t> encode_template(std::string_view text) const;

  // All bytes of the tokens; control tokens as their text if `render_control`. May be invalid UTF-8; Detokenizer returns text.
  std::string decode_bytes(std::span<const std::int32_t> ids, bool render_control = false) const;
  // Text, invalid UTF-8 as U+FFFD.
  std::string decode(std::span<const std::int32_t> ids, bool render_control = false) const;

  std::size_t n_vocab() const;
  std::string_view model() const;  // "gpt2" or "llama"
  // The pre-tokenizer named in the file; if it names none, the usual one of its architecture's models. Empty for "llama".
  std::string_view pre() const;

  bool is_valid(std::int32_t id) const { return id >= 0 && static_cast<std::size_t>(id) < n_vocab(); }
  // These take valid ids.
  std::string_view text(std::int32_t id) const;    // as stored in the file (byte-level letters, U+2581 for a space)
  std::string token_bytes(std::int32_t id) const;  // the text of the token, control tokens as their name
  TokenType type(std::int32_t id) const;
  float score(std::int32_t id) const;      // 0 if the vocabulary has no scores
  bool is_special(std::int32_t id) const;  // type control or user_defined (other than white space)
  // eos, eot and eom of the file, special tokens with a well-known closing text (<|im_end|>, ...), and those of end_generation_at(); except
  // those of continue_after().
  bool ends_generation(std::int32_t id) const;

  // Makes the tokens of this stored text end the generation, too, because the model's chat template ends a turn with them. Must be called
  // before any other thread uses this object.
  void end_generation_at(std::string_view stored_text);
  // The opposite: the model continues after them, although other models end their turns with them.
  void continue_after(std::string_view stored_text);

  // The token with exactly this stored text; among several, a normal one before others, lowest id first.
  std::optional<std::int32_t> find(std::string_view stored_text) const;
  std::span<const std::int32_t> special_ids() const;            // all ids for which is_special() is true, ascending
  std::span<const std::int32_t> end_of_generation_ids() const;  // ascending

  std::optional<std::int32_t> bos() const;
  std::optional<std::int32_t> eos() const;
  std::optional<std::int32_t> eot() const;
  std::optional<std::int32_t> padding() const;
  std::optional<std::int32_t> unknown() const;
  // Whether raw text should be preceded by bos() or followed by eos(). A chat template writes its own.
  bool add_bos() const;
  bool add_eos() const;
  // Whether encoding puts a space before the first word, so that decoded text begins with an extra space (SentencePiece-style
  // vocabularies).
  bool adds_space_prefix() const;
  // Byte values without a token in the vocabulary, ascending; empty for most.
  std::span<const std::uint8_t> missing_bytes() const;

 private:
  struct State;
  explicit Tokenizer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace baton::llm
