// Any bytes as a model file: reading its metadata, loading its vocabulary, encoding and decoding with it.
#include <baton/llm/tokenizer/detokenizer.h>
#include <baton/llm/tokenizer/tokenizer.h>

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace baton::llm;
  const std::span bytes(data, size);
  const auto file = GgufFile::from_memory(std::as_bytes(bytes), "fuzz.gguf");
  if (!file) return 0;
  std::size_t sum = file->architecture().size();
  for (const auto& entry : file->entries()) {
    sum += entry.describe().size();
    sum += file->get_u32(entry.key).has_value() + file->get_f32(entry.key).has_value() + file->get_i32_array(entry.key).has_value() +
           file->get_f32_array(entry.key).has_value() + file->get_strings(entry.key).has_value();
  }
  for (const auto& tensor : file->tensors()) {
    if (!tensor.bytes.empty()) sum += static_cast<std::size_t>(tensor.bytes.front()) + static_cast<std::size_t>(tensor.bytes.back());
    sum += tensor.shape_text().size() + tensor.type_name().size();
  }
  const auto tokenizer = Tokenizer::from_gguf(*file);
  if (!tokenizer) return 0;
  // The file's own bytes serve as text, and contain the vocabulary's tokens.
  const std::string_view text(reinterpret_cast<const char*>(data), size < 4096 ? size : 4096);
  const auto half = text.size() / 2;
  const auto ids = tokenizer->encode(std::vector<TextSpan>{{text.substr(0, half), true}, {text.substr(half), false}});
  for (const auto id : ids) {
    if (!tokenizer->is_valid(id)) std::abort();
  }
  for (const auto id : tokenizer->encode(text)) {
    if (tokenizer->is_special(id)) std::abort();
  }
  Detokenizer detokenizer(*tokenizer, true, true);
  std::string streamed;
  for (const auto id : ids) streamed += detokenizer.push(id);
  streamed += detokenizer.flush();
  return sum == static_cast<std::size_t>(-1);
}
