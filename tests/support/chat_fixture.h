#pragma once
// A vocabulary with the special tokens of chat models, and small templates in the styles of common families.
#include <baton/llm/chat/prompt.h>
#include <baton/llm/chat_template/chat_template.h>
#include <baton/llm/tokenizer/tokenizer.h>

#include <span>
#include <string>
#include <vector>

#include "tiny_vocabulary.h"

namespace baton::test {

enum : std::int32_t { kImStart = 256, kImEnd, kEndOfText, kCallOpen, kCallClose, kThinkOpen, kThinkClose, kResponseOpen, kChatVocabulary };

inline void add_chat_vocabulary(GgufWriter& writer) {
  add_byte_vocabulary(writer, "qwen2", {},
                      {{"<|im_start|>", 3},
                       {"<|im_end|>", 3},
                       {"<|endoftext|>", 3},
                       {"<tool_call>", 4},
                       {"</tool_call>", 4},
                       {"<think>", 3},
                       {"</think>", 3},
                       {"<tool_response>", 4}});
  writer.add_u32("tokenizer.ggml.eos_token_id", kImEnd).add_u32("tokenizer.ggml.padding_token_id", kEndOfText);
}

// Tools in the system message, calls in tags, results in user messages; a default system text.
inline constexpr const char* kHermes = R"({%- set first = messages[0] %}
{{- '<|im_start|>system\n' + (first.content if first.role == 'system' else 'Be kind.') }}
{%- if tools %}{{- '\nTools:' }}{% for tool in tools %}{{- '\n' + (tool | tojson) }}{% endfor %}{% endif %}
{{- '<|im_end|>\n' }}
{%- for message in messages %}
{%- if message.role == 'system' and loop.first %}
{%- elif message.role == 'tool' %}
{{- '<|im_start|>user\n<tool_response>' + message.content + '<|im_end|>\n' }}
{%- else %}
{{- '<|im_start|>' + message.role + '\n' + message.content }}
{%- for call in message.tool_calls or [] %}
{{- '\n<tool_call>' + ({'name': call.function.name, 'arguments': call.function.arguments} | tojson) + '</tool_call>' }}
{%- endfor %}
{{- '<|im_end|>\n' }}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{% endif %})";

// Knows roles and nothing else.
inline constexpr const char* kPlain =
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

// Refuses unknown input.
inline constexpr const char* kStrict =
    "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate, not ' + m.role) "
    "}}"
    "{% endif %}{{ '<|im_start|>' + m.role + '\n' + (m.content | trim) + '<|im_end|>\n' }}{% endfor %}{{ '<|im_start|>assistant\n' }}";

class ChatTokenizer {
 public:
  ChatTokenizer() {
    GgufWriter writer;
    add_chat_vocabulary(writer);
    bytes_ = writer.bytes();
    file_.emplace(llm::GgufFile::from_memory(std::as_bytes(std::span(bytes_)), "tiny.gguf").value());
    tokenizer_.emplace(llm::Tokenizer::from_gguf(*file_).value());
  }
  ChatTokenizer(const ChatTokenizer&) = delete;
  ChatTokenizer& operator=(const ChatTokenizer&) = delete;
  const llm::Tokenizer& operator*() const { return *tokenizer_; }
  const llm::Tokenizer* operator->() const { return &*tokenizer_; }

 private:
  std::vector<std::uint8_t> bytes_;
  std::optional<llm::GgufFile> file_;
  std::optional<llm::Tokenizer> tokenizer_;
};

inline llm::ChatTemplate chat_template(const char* source) { return llm::ChatTemplate::parse(source, "test").value(); }

inline std::tm some_day() {
  std::tm day{};
  day.tm_year = 126;
  day.tm_mon = 10;
  day.tm_mday = 23;
  return day;
}

inline llm::Message message(llm::Role role, std::string content) {
  llm::Message m;
  m.role = role;
  m.content = std::move(content);
  return m;
}

inline llm::ToolSpec weather_tool() {
  return {"get_weather", "Weather of a city", {{"type", "object"}, {"properties", {{"city", {{"type", "string"}}}}}}};
}

// A user message, a call, its result.
inline llm::ChatRequest weather_conversation() {
  llm::ChatRequest request;
  request.messages.push_back(message(llm::Role::user, "Weather?"));
  llm::Message call = message(llm::Role::assistant, "");
  call.tool_calls.push_back({"call_1", "get_weather", {{"city", "Paris"}}});
  request.messages.push_back(call);
  llm::Message result = message(llm::Role::tool, "12 degrees");
  result.name = "get_weather";
  result.tool_call_id = "call_1";
  request.messages.push_back(result);
  request.tools = {weather_tool()};
  return request;
}

}  // namespace baton::test
