#include "token_trie.h"

#include <algorithm>
#include <optional>

namespace baton::llm {
namespace {

// The effect of a token that begins between two characters of a string's body.
struct InString {
  std::size_t characters = 0;  // begun before `leaves`
  std::size_t leaves = 0;      // position of the quote or backslash; the token's size: none
};

// Null: the token is not allowed there. UTF-8 as in RFC 3629; control characters must be escaped.
std::optional<InString> in_string(const std::string& bytes) {
  InString found;
  std::size_t i = 0;
  while (i < bytes.size()) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    if (byte == '"' || byte == '\\') break;
    if (byte < 0x20) return std::nullopt;
    ++found.characters;
    ++i;
    if (byte < 0x80) continue;
    if (byte < 0xC2 || byte > 0xF4) return std::nullopt;
    const std::size_t n = byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
    for (std::size_t k = 0; k < n && i < bytes.size(); ++k, ++i) {
      const auto more = static_cast<unsigned char>(bytes[i]);
      unsigned lo = 0x80, hi = 0xBF;
      if (k == 0 && byte == 0xE0) lo = 0xA0;
      if (k == 0 && byte == 0xED) hi = 0x9F;
      if (k == 0 && byte == 0xF0) lo = 0x90;
      if (k == 0 && byte == 0xF4) hi = 0x8F;
      if (more < lo || more > hi) return std::nullopt;
    }
  }
  found.leaves = i;
  return found;
}

void set(TokenMask& mask, std::int32_t id) { mask[static_cast<std::size_t>(id) >> 5] |= 1u << (id & 31); }

}  // namespace

TokenTrie::Tree TokenTrie::build(std::vector<Entry> entries) {
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.bytes != b.bytes ? a.bytes < b.bytes : a.id < b.id; });
  Tree tree;
  std::vector<std::int32_t> open;  // the nodes from the root to the last one
  const auto close = [&](std::size_t depth) {
    for (; open.size() > depth; open.pop_back()) tree[static_cast<std::size_t>(open.back())].next = static_cast<std::int32_t>(tree.size());
  };
  const std::string* before = nullptr;
  for (const Entry& entry : entries) {
    const std::size_t common =
        before ? static_cast<std::size_t>(std::mismatch(before->begin(), before->end(), entry.bytes.begin(), entry.bytes.end()).first -
                                          before->begin())
               : 0;
    close(common);
    for (std::size_t i = common; i < entry.bytes.size(); ++i) {
      open.push_back(static_cast<std::int32_t>(tree.size()));
      tree.push_back({static_cast<std::uint8_t>(entry.bytes[i]), static_cast<std::uint8_t>(i + 1), -1, 0});
    }
    Node& last = tree[static_cast<std::size_t>(open.back())];
    if (last.tokens < 0) {
      last.tokens = static_cast<std::int32_t>(lists_.size());
      lists_.emplace_back();
    }
    lists_[static_cast<std::size_t>(last.tokens)].push_back(entry.id);
    before = &entry.bytes;
  }
  close(0);
  return tree;
}

std::int32_t TokenTrie::find(std::string_view bytes) const {
  std::int32_t at = 0, end = static_cast<std::int32_t>(tree_.size()), found = -1;
  for (const char c : bytes) {
    while (at < end && tree_[static_cast<std::size_t>(at)].byte != static_cast<std::uint8_t>(c))
      at = tree_[static_cast<std::size_t>(at)].next;
    if (at >= end) return -1;
    found = at;
    end = tree_[static_cast<std::size_t>(at)].next;
    ++at;
  }
  return found;
}

std::vector<std::int32_t> TokenTrie::beginning_with(std::string_view bytes) const {
  std::vector<std::int32_t> all;
  const std::int32_t first = find(bytes);
  for (std::int32_t at = first; first >= 0 && at < tree_[static_cast<std::size_t>(first)].next; ++at) {
    const Node& node = tree_[static_cast<std::size_t>(at)];
    if (node.tokens >= 0) all.insert(all.end(), tokens(node).begin(), tokens(node).end());
  }
  return all;
}

std::span<const std::int32_t> TokenTrie::exactly(std::string_view bytes) const {
  const std::int32_t at = find(bytes);
  if (at < 0 || tree_[static_cast<std::size_t>(at)].tokens < 0) return {};
  return tokens(tree_[static_cast<std::size_t>(at)]);
}

TokenTrie::TokenTrie(const std::vector<std::string>& bytes) : n_vocab_(bytes.size()) {
  std::vector<Entry> all, leaving;
  std::map<std::size_t, std::vector<Entry>> leaving_after;
  std::map<std::size_t, std::vector<std::int32_t>> staying;  // by characters
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::string& text = bytes[i];
    const auto id = static_cast<std::int32_t>(i);
    if (text.empty() || text.size() > kMaxTokenBytes) continue;
    all.push_back({text, id});
    const auto what = in_string(text);
    if (!what) continue;
    if (what->leaves == text.size()) {
      staying[what->characters].push_back(id);
    } else {
      leaving.push_back({text.substr(what->leaves), id});
      leaving_after[what->characters].push_back(leaving.back());
    }
  }
  tree_ = build(std::move(all));
  all_leaving_ = build(std::move(leaving));
  for (auto& [characters, entries] : leaving_after) leaving_[characters] = build(std::move(entries));
  const std::size_t longest = staying.empty() ? 0 : staying.rbegin()->first;
  plain_.assign(longest + 1, TokenMask(n_words(), 0));
  for (std::size_t n = 1; n <= longest; ++n) {
    plain_[n] = plain_[n - 1];
    for (const std::int32_t id : staying[n]) set(plain_[n], id);
  }
}

}  // namespace baton::llm
