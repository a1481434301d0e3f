#pragma once
// The tokens of a vocabulary by their bytes, built once per vocabulary. Masks are largest inside strings, but need little computation
// there: any token of plain characters may follow in a string's body, whatever the string. So tokens are also sorted by their effect there:
// those that stay inside, by their number of characters, and those with a quote or a backslash, by the text from it on.
#include <baton/llm/sampler/sampler.h>

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace baton::llm {

class TokenTrie {
 public:
  // bytes[id]: the text of token id; empty for tokens that are not text (control tokens), which no grammar allows.
  explicit TokenTrie(const std::vector<std::string>& bytes);

  // Nodes in depth-first order, without the root. A token lies on the node of its last byte.
  struct Node {
    std::uint8_t byte;
    std::uint8_t depth;   // 1 for a first byte
    std::int32_t tokens;  // index into lists(): the tokens that end here; -1: none
    std::int32_t next;    // the node that follows this one's subtree
  };
  using Tree = std::vector<Node>;

  std::size_t n_vocab() const { return n_vocab_; }
  std::size_t n_words() const { return (n_vocab_ + 31) / 32; }  // of a mask
  const Tree& tree() const { return tree_; }
  std::span<const std::int32_t> tokens(const Node& node) const { return lists_[static_cast<std::size_t>(node.tokens)]; }

  // All tokens that begin with these bytes, and the tokens with exactly these bytes.
  std::vector<std::int32_t> beginning_with(std::string_view bytes) const;
  std::span<const std::int32_t> exactly(std::string_view bytes) const;

  // Tokens that begin between two characters of a string's body and do not leave it: of at most `characters` (a part of one counts), or
  // all.
  const TokenMask& plain() const { return plain_.back(); }
  const TokenMask& plain(std::size_t characters) const { return plain_[std::min(characters, plain_.size() - 1)]; }
  // Tokens that begin there and contain a quote or a backslash: by the number of characters before it, their text from it on.
  const std::map<std::size_t, Tree>& leaving() const { return leaving_; }
  const Tree& all_leaving() const { return all_leaving_; }

  // Tokens longer than this in bytes are left out: no grammar needs them, and a node's depth is a byte.
  static constexpr std::size_t kMaxTokenBytes = 255;

 private:
  struct Entry {
    std::string bytes;
    std::int32_t id;
  };
  Tree build(std::vector<Entry> entries);
  std::int32_t find(std::string_view bytes) const;  // in tree(); -1: no token begins like this

  std::size_t n_vocab_;
  Tree tree_, all_leaving_;
  std::map<std::size_t, Tree> leaving_;
  std::vector<TokenMask> plain_;  // by characters; the last one: any number
  std::vector<std::vector<std::int32_t>> lists_;
};

}  // namespace baton::llm
