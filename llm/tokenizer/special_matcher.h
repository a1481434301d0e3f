#pragma once
// Finds the tokens that are matched whole, before any cutting or merging. Internal to llm/tokenizer.
#include <functional>

#include "vocabulary.h"

namespace baton::llm {

// A text that is part template, part data: alternating runs over one string.
struct MarkedText {
  struct Run {
    std::size_t end;
    bool is_template;
  };
  std::string_view text;
  std::vector<Run> runs;  // in order, neighbours differ, the last ends with the text
};

class SpecialMatcher {
 public:
  explicit SpecialMatcher(const Vocabulary& vocabulary);

  // Calls `plain` for the text between tokens and `token` for each token, in order. The longest token wins at a position. Special tokens
  // match wholly inside a template run, white-space tokens anywhere.
  void split(const MarkedText& marked, const std::function<void(std::string_view)>& plain,
             const std::function<void(std::int32_t)>& token) const;

  const std::vector<std::int32_t>& special_ids() const { return special_ids_; }

 private:
  // A trie over bytes: children of a node are a linked list, because nearly all nodes have one.
  struct Node {
    std::uint8_t byte = 0;
    bool special = false;
    std::int32_t id = -1;
    std::int32_t child = -1, sibling = -1;
  };
  struct Found {
    std::int32_t id;
    std::size_t size;
  };
  void insert(std::string_view text, std::int32_t id, bool special);
  std::int32_t child_of(std::int32_t node, std::uint8_t byte) const;
  // The longest token at the front of `text`; special ones only within the first `template_size` bytes. id -1: none.
  Found longest(std::string_view text, std::size_t template_size) const;

  std::vector<Node> nodes_;
  std::array<std::int32_t, 256> roots_{};  // the root's children, by byte
  bool matches_in_data_ = false;
  std::vector<std::int32_t> special_ids_;
};

}  // namespace baton::llm
