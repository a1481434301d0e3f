#pragma once
// What a chat template makes of calls and of their results: conversations of words that occur nowhere else, rendered.
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "conversation.h"

namespace baton::llm {

class CallRendering {
 public:
  // Words that no template has of its own; all have this in them.
  static constexpr std::string_view kMark = "zq7";
  static constexpr std::array<std::string_view, 3> kNames = {"zq7_tool_one", "zq7_tool_two", "zq7_tool_three"};
  // Nine letters and digits, as some templates insist on.
  static constexpr std::array<std::string_view, 3> kIds = {"zq7iduno1", "zq7iddos2", "zq7idtres"};
  static constexpr std::string_view kFirst = "zq7_alpha", kSecond = "zq7_beta";  // parameters
  static constexpr std::string_view kQuestion = "zq7question", kText = "zq7text", kContent = "zq7content", kResult = "zq7result",
                                    kReason = "zq7reason";
  static constexpr int kNumber = 73519, kOtherNumber = 73520, kThirdNumber = 73521;

  // named_ids: a call's id is "functions.NAME:INDEX". Both references live longer than we do.
  CallRendering(const Render& render, const TemplateAbilities& abilities, bool named_ids)
      : render_(render), abilities_(abilities), named_ids_(named_ids) {}

  // What follows the prompt, when the answer is calls with these arguments. Nothing: the template refuses it, or does not continue its own
  // prompt.
  std::optional<std::string> calls(const std::vector<Json>& arguments) const;
  // The same, when the answer is kContent; and when it is kReason, thought, and kContent.
  std::optional<std::string> content() const;
  std::optional<std::string> reasoned() const;
  // What follows a call, when its result is kResult.
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
