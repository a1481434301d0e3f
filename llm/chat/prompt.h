#pragma once
// The token ids of a request: the model's template, rendered and encoded, with the model's own messages put back as their raw tokens.
#include <baton/llm/chat/types.h>
#include <baton/llm/chat_template/chat_template.h>
#include <baton/llm/tokenizer/tokenizer.h>
#include <baton/llm/tool_syntax/template_input.h>
#include <baton/llm/tool_syntax/tool_syntax.h>

#include <cstdint>
#include <ctime>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace baton::llm {

// The model sees `ids`, decoded with control tokens shown.
struct Prompt {
  std::vector<std::int32_t> ids;
  int n_raw_messages = 0;                // assistant messages that were put back as raw tokens
  bool starts_in_reasoning = false;      // the template opened a <think> block for the answer
  std::vector<std::int32_t> forced_ids;  // the end of `ids`: the beginning of the answer, for a required or named tool
  std::string forced_text;
  std::string_view forced_entry;  // where the grammar of calls (call_grammar.h) continues after that; empty: nothing is forced
  std::string forced_since;       // text already written after the entry
};

// Immutable; any thread. The tokenizer must outlive it.
//
// HistoryForm::as_written: an assistant message that this model wrote under this template is rendered with a placeholder for its content,
// and its raw tokens replace the placeholder. So the prompt of the next turn begins with the prompt of this one and the answer, token for
// token, however the template would render the parsed answer. A closing token that both the raw tokens and the template have is kept once.
// If a template does not show the content exactly once (or refuses the conversation without its tool calls), the message is rendered in its
// canonical form.
class PromptBuilder {
 public:
  // model_identity: compared with that of raw tokens. now: the local time for strftime_now.
  PromptBuilder(const Tokenizer& tokenizer, ChatTemplate chat_template, std::string model_identity, std::function<std::tm()> now);

  // errc::invalid_argument for a request that contradicts itself (no messages, two tools of one name, a named tool that was not offered);
  // errc::invalid_template if the template refuses the conversation; errc::context_overflow if the prompt leaves no token of n_ctx for the
  // answer (0: no limit), which is detected without encoding the rest.
  Result<Prompt> build(const ChatRequest& request, int n_ctx = 0) const;

  // Set if the template takes too much work: building prompts with it is then useless.
  const std::optional<Error>& fault() const { return fault_; }

  const ChatTemplate& chat_template() const { return template_; }
  const std::string& model_identity() const { return model_identity_; }
  const std::string& template_sha256() const { return template_sha256_; }
  const TemplateAbilities& abilities() const { return abilities_; }
  const ToolSyntax& tool_syntax() const { return syntax_; }

 private:
  struct Splice {
    std::string place_holder;
    const std::vector<std::int32_t>* ids;
  };
  Result<std::vector<Span>> render(const ChatRequest& request, const std::vector<std::string>& place_holders) const;
  Result<std::vector<Span>> run(const Json& variables, const RenderOptions& options) const;
  bool is_own(const Message& message) const;
  std::optional<ChatRequest> with_calls_as_text(ChatRequest request, std::size_t max_tokens,
                                                std::vector<std::vector<std::int32_t>>& ids) const;
  std::optional<std::vector<std::int32_t>> encode(const std::vector<Span>& spans, const std::vector<Splice>& splices,
                                                  std::size_t max_tokens) const;
  void force_tool(const ChatRequest& request, Prompt& prompt) const;

  const Tokenizer* tokenizer_;
  ChatTemplate template_;
  std::string model_identity_;
  std::string template_sha256_;
  std::function<std::tm()> now_;
  Json trusted_;
  TemplateAbilities abilities_;
  ToolSyntax syntax_;
  std::optional<Error> fault_;
};

}  // namespace baton::llm
