#pragma once
// A string in which every byte is marked as the template's or as data. All of a template's strings have this type, so that no operator can
// lose a mark.
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace baton::llm::jinja {

class Text {
 public:
  Text() = default;
  Text(std::string bytes, bool from_template) : bytes_(std::move(bytes)), first_(from_template) {}

  const std::string& bytes() const { return bytes_; }
  std::size_t size() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }

  // The mark of the byte at `offset` < size().
  bool from_template(std::size_t offset) const;
  // Whether no byte is data. Bytes that an operation adds to a text (padding, escapes) get this mark. An empty text keeps the mark with
  // which it was created.
  bool all_from_template() const { return first_ && flips_.empty(); }

  void append(std::string_view bytes, bool from_template);
  void append(const Text& other) { append(other, 0, other.size()); }
  // Appends bytes [begin, end) of `other`, which may be *this.
  void append(const Text& other, std::size_t begin, std::size_t end);
  Text slice(std::size_t begin, std::size_t end) const;

  // Calls f(string_view, from_template) for each run of equal marks, in order.
  template <class F>
  void each_run(F f) const {
    std::size_t begin = 0;
    bool mark = first_;
    for (std::size_t flip : flips_) {
      f(std::string_view(bytes_).substr(begin, flip - begin), mark);
      begin = flip;
      mark = !mark;
    }
    if (begin < bytes_.size()) f(std::string_view(bytes_).substr(begin), mark);
  }

  // Distinguishes Python's str and its subclass Markup (`|safe`, `|escape`): adding a plain string to a Markup escapes that string.
  bool markup = false;

 private:
  std::string bytes_;
  bool first_ = true;               // the mark of the first byte
  std::vector<std::size_t> flips_;  // rising offsets in (0, size) at which the mark changes
};

inline bool operator==(const Text& a, const Text& b) { return a.bytes() == b.bytes(); }

// Python's str.strip, lstrip and rstrip. `chars` null: white space.
Text stripped(const Text& text, const Text* chars, bool left, bool right);

}  // namespace baton::llm::jinja
