#include "text_diff.h"

#include <baton/llm/tool_syntax/json_scanner.h>

#include <algorithm>

#include "call_rendering.h"

namespace baton::llm {
namespace {

// The JSON value that begins at `at`; null: there is none.
std::optional<std::pair<Json, std::size_t>> json_at(std::string_view text, std::size_t at) {
  JsonScanner scanner;
  for (std::size_t i = at; i < text.size(); ++i) {
    const auto state = scanner.step(text[i]);
    if (state == JsonScanner::State::error) return std::nullopt;
    if (state == JsonScanner::State::more) continue;
    Json value = Json::parse(text.substr(at, i + 1 - at), nullptr, false);
    if (value.is_discarded()) return std::nullopt;
    return std::pair{std::move(value), i + 1};
  }
  return std::nullopt;
}

}  // namespace

std::string_view without_reasoning(std::string_view text) {
  for (const auto& [open, close] : kReasoningTags) {
    const auto at = text.rfind(close);
    if (at != std::string_view::npos) text.remove_prefix(at + close.size());
  }
  return text;
}

std::string common_beginning(std::string_view a, std::string_view b) {
  std::string_view both = a.substr(0, static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin()));
  while (both.size() < a.size() && (static_cast<unsigned char>(a[both.size()]) & 0xC0) == 0x80)
    both.remove_suffix(1);  // nor in the middle of a character
  for (const auto& [opening, closing] : {std::pair{'<', '>'}, std::pair{'[', ']'}}) {
    const auto at = both.rfind(opening);
    if (at != std::string_view::npos && both.find(closing, at) == std::string_view::npos) both = both.substr(0, at);
  }
  return std::string(both);
}

std::string common_end(std::string_view a, std::string_view b) {
  const auto n = static_cast<std::size_t>(std::mismatch(a.rbegin(), a.rend(), b.rbegin(), b.rend()).first - a.rbegin());
  std::string_view both = a.substr(a.size() - n);
  const auto tag = both.find_first_of("<[");
  if (n < std::min(a.size(), b.size()) && tag != 0) both = tag == std::string_view::npos ? std::string_view() : both.substr(tag);
  return std::string(both);
}

std::string replaced(std::string text, std::string_view word, char by) {
  for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at)) text.replace(at, word.size(), 1, by);
  return text;
}

std::string with_holes(std::string text) {
  for (const std::string_view id : CallRendering::kIds) text = replaced(std::move(text), id, kHole);
  return text;
}

std::optional<std::string> with_number_holes(std::string_view a, std::string_view b) {
  std::string both;
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto number = [&](std::string_view& text) {
    const auto end = std::find_if_not(text.begin(), text.end(), is_digit);
    std::string digits(text.begin(), end);
    text.remove_prefix(digits.size());
    return digits;
  };
  while (!a.empty() && !b.empty()) {
    const std::string of_a = number(a), of_b = number(b);
    if (of_a.empty() != of_b.empty()) return std::nullopt;
    both += of_a == of_b ? of_a : std::string(1, kHole);
    if (!of_a.empty()) continue;
    if (a.front() != b.front()) return std::nullopt;
    both += a.front();
    a.remove_prefix(1);
    b.remove_prefix(1);
  }
  return a.empty() && b.empty() ? std::optional(both) : std::nullopt;
}

std::optional<std::pair<Json, Range>> find_json(std::string_view text, std::size_t from, const std::function<bool(const Json&)>& wanted) {
  for (std::size_t at = text.find_first_of("{[", from); at != std::string_view::npos; at = text.find_first_of("{[", at + 1)) {
    auto found = json_at(text, at);
    if (found && wanted(found->first)) return std::pair{std::move(found->first), Range{at, found->second}};
  }
  return std::nullopt;
}

}  // namespace baton::llm
