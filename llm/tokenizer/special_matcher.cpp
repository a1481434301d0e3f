#include "special_matcher.h"

namespace baton::llm {

SpecialMatcher::SpecialMatcher(const Vocabulary& vocabulary) {
  roots_.fill(-1);
  for (std::size_t i = 0; i < vocabulary.size(); ++i) {
    const auto id = static_cast<std::int32_t>(i);
    if (vocabulary.type(id) != TokenType::control && vocabulary.type(id) != TokenType::user_defined) continue;
    const bool special = !vocabulary.is_white_space(id);
    const auto text = vocabulary.bytes(id);
    if (special) special_ids_.push_back(id);
    if (text.empty()) continue;
    insert(text, id, special);
    matches_in_data_ |= !special;
  }
}

std::int32_t SpecialMatcher::child_of(std::int32_t node, std::uint8_t byte) const {
  auto child = nodes_[static_cast<std::size_t>(node)].child;
  while (child >= 0 && nodes_[static_cast<std::size_t>(child)].byte != byte) child = nodes_[static_cast<std::size_t>(child)].sibling;
  return child;
}

void SpecialMatcher::insert(std::string_view text, std::int32_t id, bool special) {
  const auto add = [&](std::uint8_t byte, std::int32_t sibling) {
    nodes_.push_back({byte, false, -1, -1, sibling});
    return static_cast<std::int32_t>(nodes_.size() - 1);
  };
  auto& root = roots_[static_cast<std::uint8_t>(text[0])];
  if (root < 0) root = add(static_cast<std::uint8_t>(text[0]), -1);
  auto node = root;
  for (const char c : text.substr(1)) {
    auto next = child_of(node, static_cast<std::uint8_t>(c));
    if (next < 0) {
      next = add(static_cast<std::uint8_t>(c), nodes_[static_cast<std::size_t>(node)].child);
      nodes_[static_cast<std::size_t>(node)].child = next;
    }
    node = next;
  }
  auto& last = nodes_[static_cast<std::size_t>(node)];
  if (last.id >= 0) return;  // the same text twice: the lowest id
  last.id = id;
  last.special = special;
}

SpecialMatcher::Found SpecialMatcher::longest(std::string_view text, std::size_t template_size) const {
  Found found{-1, 0};
  auto node = roots_[static_cast<std::uint8_t>(text[0])];
  for (std::size_t size = 1; node >= 0; ++size) {
    const auto& here = nodes_[static_cast<std::size_t>(node)];
    if (here.id >= 0 && (!here.special || size <= template_size)) found = {here.id, size};
    if (size == text.size()) break;
    node = child_of(node, static_cast<std::uint8_t>(text[size]));
  }
  return found;
}

void SpecialMatcher::split(const MarkedText& marked, const std::function<void(std::string_view)>& plain,
                           const std::function<void(std::int32_t)>& token) const {
  const auto text = marked.text;
  std::size_t at = 0, plain_begin = 0;
  const auto flush = [&] {
    if (plain_begin < at) plain(text.substr(plain_begin, at - plain_begin));
  };
  for (const auto& run : marked.runs) {
    if (!run.is_template && !matches_in_data_) at = std::max(at, run.end);
    while (at < run.end) {
      const auto found = longest(text.substr(at), run.is_template ? run.end - at : 0);
      if (found.id < 0) {
        ++at;
        continue;
      }
      flush();
      token(found.id);
      at += found.size;
      plain_begin = at;
    }
  }
  flush();
}

}  // namespace baton::llm
