#include "call_rendering.h"

#include <algorithm>

#include "text_diff.h"

namespace baton::llm {
namespace {

std::size_t common(std::string_view a, std::string_view b) {
  return static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

std::size_t size_without_space(std::string_view text) {
  const auto last = text.find_last_not_of(" \t\r\n");
  return last == std::string_view::npos ? 0 : last + 1;
}

Message user() { return {.role = Role::user, .content = std::string(CallRendering::kQuestion)}; }

}  // namespace

std::string CallRendering::id(std::size_t i) const {
  return named_ids_ ? "functions." + std::string(kNames[i]) + ":" + std::to_string(i) : std::string(kIds[i]);
}

Message CallRendering::call(const std::vector<Json>& arguments) const {
  Message message{.role = Role::assistant};
  for (std::size_t i = 0; i < arguments.size(); ++i) message.tool_calls.push_back({id(i), std::string(kNames[i]), arguments[i]});
  return message;
}

std::optional<std::string> CallRendering::text(const std::vector<Message>& messages, bool prompt) const {
  Json variables = {{"add_generation_prompt", prompt}};
  add_messages(messages, abilities_, variables);
  if (abilities_.tools.shown) {
    const Json parameters = {{"type", "object"}, {"properties", {{kFirst, {{"type", "string"}}}}}};
    std::vector<ToolSpec> tools;
    for (const std::string_view name : kNames) tools.push_back({std::string(name), "Tells.", parameters});
    add_tools(tools, abilities_, variables);
  }
  const auto spans = render_(variables);
  if (!spans) return std::nullopt;
  return joined(*spans);
}

std::optional<std::string> CallRendering::answer(const Message& message) const {
  const auto behind_question = [&](const std::optional<std::string>& rendered) {
    const auto at = rendered ? rendered->rfind(kQuestion) : std::string::npos;
    return at == std::string::npos ? std::nullopt : std::optional(rendered->substr(at + kQuestion.size()));
  };
  const auto whole = behind_question(text({user(), message}, false));
  const auto prompt = behind_question(text({user()}, true)), question = behind_question(text({user()}, false));
  if (!whole || !prompt || !question) return std::nullopt;
  // A prompt that opens more than a message has (a reasoning block) is compared up to the first difference. White space at the very end of
  // a text may be the template's own, whatever came before it.
  std::size_t begin = common(*whole, *prompt);
  const bool always_prompts = *question == *prompt;
  if (!always_prompts && begin < size_without_space(*question) && begin < prompt->size()) return std::nullopt;
  if (begin == prompt->size()) return whole->substr(begin);
  // Does not start in the middle of a tag: a closing tag belongs to the question.
  const auto tag = whole->find_last_of("<[", begin == 0 ? 0 : begin - 1);
  const auto tag_end = tag == std::string::npos ? tag : whole->find((*whole)[tag] == '<' ? '>' : ']', tag);
  if (tag_end == std::string::npos || tag_end < begin || (!always_prompts && tag < question->size())) return whole->substr(begin);
  return whole->substr((*whole)[tag + 1] == '/' ? tag_end + 1 : tag);
}

std::optional<std::string> CallRendering::calls(const std::vector<Json>& arguments) const { return answer(call(arguments)); }

std::optional<std::string> CallRendering::content() const { return answer({.role = Role::assistant, .content = std::string(kContent)}); }

std::optional<std::string> CallRendering::reasoned() const {
  return answer({.role = Role::assistant, .content = std::string(kContent), .reasoning = std::string(kReason)});
}

std::optional<std::string> CallRendering::result() const {
  const Message asked = call({Json{{kFirst, kText}}});
  Message told{.role = Role::tool, .content = std::string(kResult)};
  told.name = kNames[0];
  told.tool_call_id = id(0);
  const auto before = text({user(), asked}, false), after = text({user(), asked, told}, false);
  if (!before || !after) return std::nullopt;
  // The text after the call; only one of the two answers may have reasoning before it.
  const auto call_before = before->rfind(kText), call_after = after->rfind(kText, after->find(kResult));
  const bool shown = call_before != std::string::npos && call_after != std::string::npos;
  const std::string rest = after->substr(shown ? call_after : 0);
  return rest.substr(common_beginning(before->substr(shown ? call_before : 0), rest).size());
}

}  // namespace baton::llm
