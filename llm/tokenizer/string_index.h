#pragma once
// Maps a text to its number: a flat hash table over texts that are stored elsewhere (the mapped file). Built once, then read from any
// thread. It makes loading 262k tokens cheap; a node-based map would allocate memory for each. Internal to llm/tokenizer.
#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace baton::llm {

class StringIndex {
 public:
  static constexpr std::int32_t kNone = -1;

  // Takes the number of texts that will be inserted; `texts` must outlive the index.
  explicit StringIndex(std::span<const std::string_view> texts = {}) : texts_(texts), slots_(std::bit_ceil(texts.size() * 2 + 2)) {}

  // Inserts texts[i]; a text that exists already keeps its first number.
  void insert(std::int32_t i) {
    const auto text = texts_[static_cast<std::size_t>(i)];
    const auto hash = hash_of(text);
    auto at = hash & (slots_.size() - 1);
    for (; slots_[at].number != kNone; at = (at + 1) & (slots_.size() - 1)) {
      if (slots_[at].hash == hash && texts_[static_cast<std::size_t>(slots_[at].number)] == text) return;
    }
    slots_[at] = {hash, i};
  }

  std::int32_t find(std::string_view text) const {
    const auto hash = hash_of(text);
    for (auto at = hash & (slots_.size() - 1); slots_[at].number != kNone; at = (at + 1) & (slots_.size() - 1)) {
      if (slots_[at].hash == hash && texts_[static_cast<std::size_t>(slots_[at].number)] == text) return slots_[at].number;
    }
    return kNone;
  }

 private:
  struct Slot {
    std::uint32_t hash = 0;
    std::int32_t number = kNone;
  };

  // Eight bytes per step, multiplied by 2^64 / golden ratio (Knuth's multiplicative hash) with the high half folded back in.
  static std::uint32_t hash_of(std::string_view text) {
    constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15u;
    std::uint64_t state = text.size() * kGolden;
    const auto mix = [&](std::uint64_t word) {
      state = (state ^ word) * kGolden;
      state ^= state >> 32;
    };
    std::size_t i = 0;
    for (std::uint64_t word; i + sizeof(word) <= text.size(); i += sizeof(word)) {
      std::memcpy(&word, text.data() + i, sizeof(word));
      mix(word);
    }
    std::uint64_t tail = 0;
    if (i < text.size()) std::memcpy(&tail, text.data() + i, text.size() - i);
    mix(tail);
    return static_cast<std::uint32_t>(state * kGolden >> 32);
  }

  std::span<const std::string_view> texts_;
  std::vector<Slot> slots_;
};

}  // namespace baton::llm
