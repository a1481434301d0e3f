#include "detokenizer.h"

#include "utf8.h"

namespace baton::llm {

void Utf8Stream::push(std::string_view bytes, std::string& out) {
  std::string joined;
  if (n_held_ > 0) {
    joined.assign(held_.data(), n_held_).append(bytes);
    bytes = joined;
    n_held_ = 0;
  }
  // Only the last unit can be unfinished, and it begins at most 3 bytes before the end.
  auto whole = bytes.size();
  for (std::size_t back = 1; back <= 3 && back <= bytes.size(); ++back) {
    const auto unit = first_unit(bytes.substr(bytes.size() - back));
    if (unit.unfinished && unit.size == back) {
      whole = bytes.size() - back;
      break;
    }
  }
  append_valid_utf8(bytes.substr(0, whole), out);
  n_held_ = bytes.copy(held_.data(), bytes.size() - whole, whole);
}

void Utf8Stream::flush(std::string& out) {
  append_valid_utf8({held_.data(), n_held_}, out);
  n_held_ = 0;
}

Detokenizer::Detokenizer(const Tokenizer& tokenizer, bool render_control, bool at_start)
    : tokenizer_(&tokenizer), render_control_(render_control), at_start_(at_start && tokenizer.adds_space_prefix()) {}

std::string Detokenizer::push(std::int32_t id) {
  auto bytes = tokenizer_->decode_bytes({&id, 1}, render_control_);
  if (at_start_ && !bytes.empty()) {
    if (bytes.front() == ' ') bytes.erase(0, 1);
    at_start_ = false;
  }
  std::string out;
  utf8_.push(bytes, out);
  return out;
}

std::string Detokenizer::flush() {
  std::string out;
  utf8_.flush(out);
  return out;
}

}  // namespace baton::llm
