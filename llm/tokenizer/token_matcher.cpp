#include "token_matcher.h"

#include <algorithm>

namespace baton::llm {

TokenMatcher::TokenMatcher(const Vocabulary& vocabulary, const std::vector<std::int32_t>& ids) {
  roots_.fill(-1);
  for (const auto id : ids) {
    if (const auto text = vocabulary.bytes(id); !text.empty()) insert(text, id);
  }
}

std::int32_t TokenMatcher::add(std::uint8_t byte, std::int32_t sibling) {
  nodes_.push_back({byte, -1, -1, sibling});
  return static_cast<std::int32_t>(nodes_.size() - 1);
}

std::int32_t TokenMatcher::child_of(std::int32_t node, std::uint8_t byte) const {
  auto child = nodes_[static_cast<std::size_t>(node)].child;
  while (child >= 0 && nodes_[static_cast<std::size_t>(child)].byte != byte) child = nodes_[static_cast<std::size_t>(child)].sibling;
  return child;
}

void TokenMatcher::insert(std::string_view text, std::int32_t id) {
  auto& root = roots_[static_cast<std::uint8_t>(text[0])];
  if (root < 0) root = add(static_cast<std::uint8_t>(text[0]), -1);
  std::size_t& most = most_bytes_[static_cast<std::uint8_t>(text[0])];
  most = std::max(most, text.size());
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
  if (last.id < 0) last.id = id;
}

TokenMatcher::Found TokenMatcher::longest(std::string_view text) const {
  Found found{-1, 0};
  auto node = roots_[static_cast<std::uint8_t>(text[0])];
  for (std::size_t size = 1; node >= 0; ++size) {
    const auto& here = nodes_[static_cast<std::size_t>(node)];
    if (here.id >= 0) found = {here.id, size};
    if (size == text.size()) break;
    node = child_of(node, static_cast<std::uint8_t>(text[size]));
  }
  return found;
}

void TokenMatcher::split(const MarkedText& marked, const std::function<void(std::string_view)>& plain,
                         const std::function<void(std::int32_t)>& token) const {
  std::size_t at = 0, plain_begin = 0;
  const auto flush = [&] {
    if (plain_begin < at) plain(marked.text.substr(plain_begin, at - plain_begin));
  };
  for (const auto& run : marked.runs) {
    if (!run.is_template || nodes_.empty()) at = run.end;
    while (at < run.end) {
      const auto found = longest(marked.text.substr(at, run.end - at));
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
