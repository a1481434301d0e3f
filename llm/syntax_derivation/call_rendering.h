#pragma once
// A chat template's renderings of calls and results: conversations with words that occur nowhere else.
#include <baton/llm/tool_syntax/template_input.h>

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace baton::llm {

class CallRendering {
 public:
  // Words that do not occur in any template; all of them contain this mark.
  static constexpr std::string_view kMark = "zq7";
  static constexpr std::array<std::string_view, 3> kNames = {"zq7_tool_one", "zq7_tool_two", "zq7_tool_three"};
  // Ids of nine letters and digits, because some templates insist on that.
  static constexpr std::array<std::string_view, 3> kIds = {"zq7iduno1", "zq7iddos2", "zq7idtres"};
  static constexpr std::string_view kFirst = "zq7_alpha", kSecond = "zq7_beta";  // parameters
  static constexpr std::string_view kQuestion = "zq7question", kText = "zq7text", kContent = "zq7content", kResult = "zq7result",
                                    kReason = "zq7reason";
  static constexpr int kNumber = 73519, kOtherNumber = 73520, kThirdNumber = 73521;

  // named_ids: a call's id is "functions.NAME:INDEX". Both references must outlive this object.
  CallRendering(const Render& render, const TemplateAbilities& abilities, bool named_ids)
      : render_(render), abilities_(abilities), named_ids_(named_ids) {}

  // The text after the prompt, if the answer is calls with these arguments. Null: the template refuses it, or does not continue its own
  // prompt.
  std::optional<std::string> calls(const std::vector<Json>& arguments) const;
  // The same, if the answer is kContent, and if it is the reasoning kReason followed by kContent.
  std::optional<std::string> content() const;
  std::optional<std::string> reasoned() const;
  // The text after a call, if its result is kResult.
  std::optional<std::string> result() const;

 private:
  std::string id(std::size_t i) const;
  Message call(const std::vector<Json>& arguments) const;
  std::optional<std::string> text(const std::vector<Message>& messages, bool prompt) const;
  std::optional<std::string> answer(const Message& message) const;

  const Render& render_;
  const TemplateAbilities& abilities_;
  const bool named_ids_;
};

}  // namespace baton::llm
