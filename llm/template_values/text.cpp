#include "text.h"

#include <algorithm>

#include "unicode.h"

namespace baton::llm::jinja {

bool Text::from_template(std::size_t offset) const {
  std::size_t passed = std::upper_bound(flips_.begin(), flips_.end(), offset) - flips_.begin();
  return first_ != (passed % 2 == 1);
}

void Text::append(std::string_view bytes, bool from_template) {
  if (bytes.empty()) return;
  if (bytes_.empty()) {
    first_ = from_template;
  } else if ((first_ != (flips_.size() % 2 == 1)) != from_template) {
    flips_.push_back(bytes_.size());
  }
  bytes_.append(bytes);
}

void Text::append(const Text& other, std::size_t begin, std::size_t end) {
  if (begin >= end) return;
  if (&other == this) return append(Text(other), begin, end);
  auto flip = std::upper_bound(other.flips_.begin(), other.flips_.end(), begin);
  bool mark = other.from_template(begin);
  while (begin < end) {
    std::size_t stop = flip == other.flips_.end() ? end : std::min(end, *flip++);
    append(std::string_view(other.bytes_).substr(begin, stop - begin), mark);
    begin = stop;
    mark = !mark;
  }
}

Text Text::slice(std::size_t begin, std::size_t end) const {
  Text result({}, all_from_template());
  result.markup = markup;
  result.append(*this, begin, end);
  return result;
}

Text stripped(const Text& text, const Text* chars, bool left, bool right) {
  const std::string& bytes = text.bytes();
  auto strips = [&](std::size_t at) {
    Character c = character_at(bytes, at);
    if (!chars) return is_space(c.code);
    return chars->bytes().find(bytes.substr(at, c.size)) != std::string::npos;
  };
  std::size_t begin = 0;
  std::size_t end = bytes.size();
  while (left && begin < end && strips(begin)) begin += character_at(bytes, begin).size;
  while (right && end > begin) {
    std::size_t before = character_before(bytes, end);
    if (!strips(before)) break;
    end = before;
  }
  return text.slice(begin, end);
}

}  // namespace baton::llm::jinja
