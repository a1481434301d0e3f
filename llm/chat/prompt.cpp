#include "prompt.h"

#include <baton/llm/constraint/call_grammar.h>
#include <baton/llm/syntax_derivation/ability_probe.h>
#include <baton/llm/syntax_derivation/syntax_derivation.h>
#include <baton/llm/tool_syntax/written_calls.h>

#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <random>
#include <set>

namespace baton::llm {
namespace {

std::string hex(std::span<const unsigned char> bytes) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : bytes) {
    text += kHex[byte >> 4];
    text += kHex[byte & 15];
  }
  return text;
}

std::string sha256(const std::string& text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest;
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return hex(digest);
}

// 128 random bits, which no message can contain by chance or on purpose.
std::string random_word() {
  std::random_device random;
  std::array<unsigned char, 16> bytes;
  for (unsigned char& byte : bytes) byte = static_cast<unsigned char>(random());
  return "q" + hex(bytes);
}

std::optional<Error> contradiction(const ChatRequest& request) {
  const auto invalid = [](std::string message) { return Error{errc::invalid_argument, std::move(message)}; };
  if (request.messages.empty()) return invalid("the request has no messages; give at least one");
  std::set<std::string> names;
  for (const ToolSpec& tool : request.tools) {
    if (tool.name.empty()) return invalid("a tool of the request has no name");
    if (!names.insert(tool.name).second) return invalid("the request has two tools named " + tool.name);
  }
  if (request.turn.tool_choice.mode == ToolChoice::Mode::required && names.empty()) {
    return invalid("tool_choice is required, but the request has no tools");
  }
  if (request.turn.tool_choice.mode == ToolChoice::Mode::named && !names.contains(request.turn.tool_choice.name)) {
    return invalid("tool_choice names the tool " + request.turn.tool_choice.name + ", which the request does not have");
  }
  if (!request.turn.template_variables.is_object()) return invalid("template_variables is not a JSON object");
  for (const char* name : {"messages", "tools", "add_generation_prompt"}) {
    if (request.turn.template_variables.contains(name)) return invalid(std::string("template_variables may not have ") + name);
  }
  return std::nullopt;
}

Json special_tokens(const Tokenizer& tokenizer) {
  Json trusted = Json::object();
  const auto add = [&](const char* name, std::optional<std::int32_t> id) {
    if (id) trusted[name] = std::string(tokenizer.text(*id));
  };
  add("bos_token", tokenizer.bos());
  add("eos_token", tokenizer.eos());
  add("unk_token", tokenizer.unknown());
  add("pad_token", tokenizer.padding());
  return trusted;
}

std::string place_holder(const std::string& random, std::size_t i) { return random + "i" + std::to_string(i) + "e"; }

// Whether the data has the placeholder of each of `n` messages exactly once, and the template's text none. One pass over the spans, because
// a long conversation has many messages.
std::vector<bool> came_through(const std::vector<Span>& spans, const std::string& random, std::size_t n) {
  std::vector<int> counts(n, 0);
  for (const Span& span : spans) {
    for (auto at = span.text.find(random); at != std::string::npos; at = span.text.find(random, at + random.size())) {
      std::size_t i = n;
      const char* const begin = span.text.data() + at + random.size() + 1;
      const char* const end = span.text.data() + span.text.size();
      if (begin >= end || std::from_chars(begin, end, i).ec != std::errc() || i >= n) continue;
      const std::string whole = place_holder(random, i);
      if (span.text.compare(at, whole.size(), whole) == 0) counts[i] += span.from_template ? 2 : 1;
    }
  }
  std::vector<bool> once(n);
  for (std::size_t i = 0; i < n; ++i) once[i] = counts[i] == 1;
  return once;
}

// Deriving the syntax of calls renders some dozens of short conversations, with a few thousand steps each for common templates. This is the
// limit for all of them together: about a second.
constexpr std::size_t kStepsToLoad = 8'000'000;
constexpr std::size_t kProbeBytes = 1 << 20;  // of each

Error overflow(int n_ctx) {
  return {errc::context_overflow, "the prompt has at least " + std::to_string(n_ctx) + " tokens and the context holds " +
                                      std::to_string(n_ctx) +
                                      ", one of them for the answer: shorten the conversation or start with a larger --ctx"};
}

bool ends_in_reasoning(const std::vector<Span>& spans, const std::string& opening) {
  std::string tail;
  for (auto span = spans.rbegin(); span != spans.rend() && tail.size() < 64; ++span) tail.insert(0, span->text);
  const auto last = tail.find_last_not_of(" \t\r\n");
  return last != std::string::npos && std::string_view(tail).substr(0, last + 1).ends_with(opening);
}

}  // namespace

PromptBuilder::PromptBuilder(const Tokenizer& tokenizer, ChatTemplate chat_template, std::string model_identity,
                             std::function<std::tm()> now)
    : tokenizer_(&tokenizer),
      template_(std::move(chat_template)),
      model_identity_(std::move(model_identity)),
      template_sha256_(sha256(template_.source())),
      now_(std::move(now)),
      trusted_(special_tokens(tokenizer)) {
  std::size_t steps = kStepsToLoad;
  const RenderOptions options{now_, {.max_output_bytes = kProbeBytes}, &steps};
  const Render render = [&](const Json& variables) { return run(variables, options); };
  abilities_ = probe_abilities(render);
  syntax_ = derive_tool_syntax(render, abilities_, template_.source());
  if (steps == 0) {
    fault_ = Error{errc::invalid_template, template_.name() + ": the template takes more than " + std::to_string(kStepsToLoad) +
                                               " steps to show a few short messages, so it is not used; give another one"};
  }
}

Result<std::vector<Span>> PromptBuilder::render(const ChatRequest& request, const std::vector<std::string>& place_holders) const {
  return run(template_variables(request, abilities_, place_holders), RenderOptions{now_, {}});
}

Result<std::vector<Span>> PromptBuilder::run(const Json& variables, const RenderOptions& options) const {
  return template_.render(TemplateVariables{variables, trusted_}, options);
}

bool PromptBuilder::is_own(const Message& message) const {
  if (message.role != Role::assistant || !message.raw || message.raw->ids.empty() || !syntax_.end_of_message.empty()) return false;
  const RawTokens& raw = *message.raw;
  if (raw.model_identity != model_identity_ || raw.template_sha256 != template_sha256_) return false;
  return std::all_of(raw.ids.begin(), raw.ids.end(), [&](std::int32_t id) { return tokenizer_->is_valid(id); });
}

// Writes answers with calls as texts in the model's syntax, for a template without a place for calls; `ids` receives their tokens. Null if
// one has more than max_tokens.
std::optional<ChatRequest> PromptBuilder::with_calls_as_text(ChatRequest request, std::size_t max_tokens,
                                                             std::vector<std::vector<std::int32_t>>& ids) const {
  for (std::size_t i = 0; i < request.messages.size(); ++i) {
    Message& message = request.messages[i];
    if (message.tool_calls.empty()) continue;
    std::vector<Span> spans = written_calls(syntax_, std::exchange(message.tool_calls, {}));
    if (!message.content.empty()) spans.insert(spans.begin(), {message.content + "\n", false});
    if (!is_own(message)) message.raw.reset();
    std::vector<TextSpan> text;
    for (const Span& span : spans) text.push_back({span.text, span.from_template});
    auto encoded = tokenizer_->encode_up_to(max_tokens, text);
    if (!encoded) return std::nullopt;
    ids[i] = std::move(*encoded);
    message.content = joined(spans);
  }
  return request;
}

// Encodes the text between the placeholders, piece by piece, so that a piece gets the same tokens in every later turn. Null if there are
// more than max_tokens.
std::optional<std::vector<std::int32_t>> PromptBuilder::encode(const std::vector<Span>& spans, const std::vector<Splice>& splices,
                                                               std::size_t max_tokens) const {
  std::vector<std::int32_t> ids;
  bool fits = true;
  std::vector<TextSpan> piece;
  auto next = splices.begin();
  const auto end_piece = [&] {
    // A closing token that exists already may be left out below.
    auto up_to_limit = tokenizer_->encode_up_to(max_tokens - std::min(max_tokens, ids.size()) + 1, piece);
    piece.clear();
    if (!up_to_limit) {
      fits = false;
      return;
    }
    auto& encoded = *up_to_limit;
    const bool both_end = !ids.empty() && !encoded.empty() && next != splices.begin() && tokenizer_->ends_generation(ids.back());
    if (both_end && encoded.front() == ids.back()) {
      encoded.erase(encoded.begin());
    } else if (both_end && tokenizer_->ends_generation(encoded.front())) {
      ids.pop_back();  // the answer ended with another token than the template's closing token
    }
    ids.insert(ids.end(), encoded.begin(), encoded.end());
  };
  for (const Span& span : spans) {
    std::string_view rest = span.text;
    while (next != splices.end() && fits) {
      const auto at = rest.find(next->place_holder);
      if (at == std::string_view::npos) break;
      piece.push_back({rest.substr(0, at), span.from_template});
      end_piece();
      ids.insert(ids.end(), next->ids->begin(), next->ids->end());
      rest.remove_prefix(at + next->place_holder.size());
      ++next;
    }
    if (!rest.empty()) piece.push_back({rest, span.from_template});
  }
  if (fits) end_piece();
  if (!fits || ids.size() > max_tokens) return std::nullopt;
  return ids;
}

// Begins the answer with a call: in the template's own syntax, if that is more than JSON and has no part that only the model knows (an id);
// as a list, if several calls are allowed; or as the object that every model knows.
void PromptBuilder::force_tool(const ChatRequest& request, Prompt& prompt) const {
  const bool named = request.turn.tool_choice.mode == ToolChoice::Mode::named;
  if (prompt.starts_in_reasoning || (!named && request.turn.tool_choice.mode != ToolChoice::Mode::required)) return;
  if (syntax_.form == ToolSyntax::Form::text && syntax_.calls_prefix.find(kHole) == std::string::npos) {
    prompt.forced_text = syntax_.calls_prefix;
    prompt.forced_entry = call_entry::kOwn;
  } else if (named) {
    prompt.forced_text = "{\"name\": ";
    prompt.forced_since = Json(request.turn.tool_choice.name).dump() + ", \"arguments\":";
    prompt.forced_entry = call_entry::kColon;
  } else if (request.turn.parallel_tool_calls) {
    prompt.forced_text = std::string(kListOpening);
    prompt.forced_entry = call_entry::kColonInList;
  } else {
    prompt.forced_text = "{\"name\":";
    prompt.forced_entry = call_entry::kColon;
  }
  prompt.forced_text += prompt.forced_since;
  prompt.forced_ids = tokenizer_->encode(std::vector<TextSpan>{{prompt.forced_text, true}});
  prompt.ids.insert(prompt.ids.end(), prompt.forced_ids.begin(), prompt.forced_ids.end());
}

Result<Prompt> PromptBuilder::build(const ChatRequest& request, int n_ctx) const {
  if (auto error = contradiction(request)) return *error;
  // Half of the maximum, so that nothing below overflows.
  const std::size_t max_tokens = n_ctx > 0 ? static_cast<std::size_t>(n_ctx) - 1 : std::numeric_limits<std::size_t>::max() / 2;
  const std::size_t n = request.messages.size();
  std::vector<std::vector<std::int32_t>> in_words(n);  // of calls that the template does not show
  std::optional<ChatRequest> with_text;
  if (!abilities_.calls.shown) {
    with_text = with_calls_as_text(request, max_tokens, in_words);
    if (!with_text) return overflow(n_ctx);
  }
  const ChatRequest& told = with_text ? *with_text : request;

  std::vector<std::string> words(n);  // placeholders
  std::vector<const std::vector<std::int32_t>*> instead(n);
  const std::string random = random_word();
  for (std::size_t i = 0; i < n; ++i) {
    const bool raw = request.turn.history == HistoryForm::as_written && is_own(request.messages[i]);
    if (!raw && in_words[i].empty()) continue;
    words[i] = place_holder(random, i);
    instead[i] = raw ? &request.messages[i].raw->ids : &in_words[i];
  }
  const auto is_set = [](const std::string& word) { return !word.empty(); };
  auto spans = render(told, words);
  // Messages whose placeholder did not appear exactly once are rendered as the template wants them. If that changes others, all are.
  for (int attempt = 0; attempt < 2 && std::any_of(words.begin(), words.end(), is_set); ++attempt) {
    bool lost = false;
    const std::vector<bool> there = spans ? came_through(*spans, random, n) : std::vector<bool>(n);
    for (std::size_t i = 0; i < n; ++i) {
      if (words[i].empty() || there[i]) continue;
      lost = true;
      words[i].clear();
    }
    if (!lost) break;
    if (attempt == 1) std::fill(words.begin(), words.end(), std::string());
    spans = render(told, words);
  }
  if (!spans) return spans.error();

  Prompt prompt;
  std::vector<Splice> splices;
  for (std::size_t i = 0; i < n; ++i) {
    if (words[i].empty()) continue;
    splices.push_back({words[i], instead[i]});
    if (instead[i] != &in_words[i]) ++prompt.n_raw_messages;
  }
  auto ids = encode(*spans, splices, max_tokens);
  if (!ids) return overflow(n_ctx);
  prompt.ids = std::move(*ids);
  prompt.starts_in_reasoning = ends_in_reasoning(*spans, syntax_.reasoning_open);
  force_tool(request, prompt);
  if (prompt.ids.empty()) return Error{errc::invalid_template, template_.name() + ": the template rendered an empty prompt"};
  return prompt;
}

}  // namespace baton::llm
