#pragma once
// Parses a GGUF file's header. Internal to llm/gguf.
#include <cstring>
#include <string>

#include "gguf.h"

namespace baton::llm {

// Fills a GgufFile whose path and bytes are set. One object, one parse. Sub-parsers return false after fail().
class GgufParser {
 public:
  explicit GgufParser(GgufFile& file) : file_(file) {}
  Result<void> parse();
  // Must be called after entries or tensors were added from other parts.
  Result<void> index_again() { return index() ? Result<void>() : error_; }

 private:
  bool parse_header();
  bool parse_entry();
  bool parse_value(GgufEntry& entry);
  bool skip_elements(GgufEntry& entry);
  bool parse_alignment();
  bool parse_tensor();
  bool parse_dimensions(GgufTensor& tensor);
  bool place_tensors();
  bool place_tensor(GgufTensor& tensor);
  bool index();

  std::uint64_t remaining() const { return file_.bytes_.size() - at_; }
  template <class T>
  bool read(T& value, std::string_view what);
  bool read_string(std::string_view& text, std::string_view what);
  bool fail(std::string what, errc code = errc::invalid_file);  // at the current offset
  bool fail_at(std::uint64_t offset, std::string what, errc code = errc::invalid_file);

  GgufFile& file_;
  std::uint64_t at_ = 0;
  std::uint64_t n_tensors_ = 0;
  std::uint64_t n_entries_ = 0;
  Error error_{};
};

// Bytes of one element; 0 for strings and arrays, whose size varies.
std::size_t fixed_size(GgufType type);

// The number in `data`, unaligned.
template <class T>
T load_number(const std::byte* data) {
  T value;
  std::memcpy(&value, data, sizeof(T));
  return value;
}

}  // namespace baton::llm
