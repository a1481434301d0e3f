#pragma once
// Finds tokens that are matched whole, before any cutting or merging. Internal to llm/tokenizer.
#include <array>
#include <functional>

#include "vocabulary.h"

namespace baton::llm {

// A text that is part template, part data: runs over one string.
struct MarkedText {
  struct Run {
    std::size_t end;
    bool is_template;
  };
  std::string_view text;
  std::vector<Run> runs;  // in order, neighbours differ, the last ends with the text
};

class TokenMatcher {
 public:
  // Of all tokens that have the same text the first of `ids` is found.
  TokenMatcher(const Vocabulary& vocabulary, const std::vector<std::int32_t>& ids);

  // Calls `plain` for the text between tokens and `token` for each token, in order. From the left, the longest token at a position. Tokens
  // match wholly inside one template run only.
  void split(const MarkedText& marked, const std::function<void(std::string_view)>& plain,
             const std::function<void(std::int32_t)>& token) const;

  struct Found {
    std::int32_t id;
    std::size_t size;
  };
  Found longest(std::string_view text) const;  // at the front of `text`, which is not empty; id -1: none
  std::size_t most_bytes(char first) const { return most_bytes_[static_cast<std::uint8_t>(first)]; }  // of the tokens that begin so

 private:
  // A trie over bytes: children of a node are a linked list, because nearly all nodes have one.
  struct Node {
    std::uint8_t byte;
    std::int32_t id = -1;
    std::int32_t child = -1, sibling = -1;
  };
  void insert(std::string_view text, std::int32_t id);
  std::int32_t add(std::uint8_t byte, std::int32_t sibling);
  std::int32_t child_of(std::int32_t node, std::uint8_t byte) const;

  std::vector<Node> nodes_;
  std::array<std::int32_t, 256> roots_{};      // first nodes, by byte
  std::array<std::size_t, 256> most_bytes_{};  // by first byte
};

}  // namespace baton::llm
