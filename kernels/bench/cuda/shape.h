#pragma once
// A shape as text, "batch=4,n=512,causal=1", as written by tests/gpu/shapes.py and used as the key of a result.
#include <charconv>
#include <map>
#include <stdexcept>
#include <string>

namespace baton::kernels::cuda::bench {

class Shape {
 public:
  explicit Shape(const std::string& text) : text_(text) {
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find(',', at), text.size()), equals = text.find('=', at);
      if (equals >= end) throw std::invalid_argument("shape \"" + text + "\": expected key=value pairs with commas between them");
      values_[text.substr(at, equals - at)] = text.substr(equals + 1, end - equals - 1);
      at = end + 1;
    }
  }

  const std::string& text() const { return text_; }
  const std::string& word(const std::string& key) const {
    const auto found = values_.find(key);
    if (found == values_.end()) throw std::invalid_argument("shape \"" + text_ + "\" lacks " + key + "=");
    return found->second;
  }
  int number(const std::string& key) const {
    const std::string& value = word(key);
    int n = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), n);
    if (error != std::errc() || end != value.data() + value.size() || n < 0)
      throw std::invalid_argument("shape \"" + text_ + "\": " + key + " is not a number from 0 to 2^31 - 1");
    return n;
  }

 private:
  std::string text_;
  std::map<std::string, std::string> values_;
};

}  // namespace baton::kernels::cuda::bench
