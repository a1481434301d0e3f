#pragma once
// Builds small GGUF files in memory, for tests. The file is valid unless the test corrupts it: bytes() is an ordinary vector.
//
//   GgufWriter w;
//   w.add("general.architecture", "llama").add_u32("llama.block_count", 2).add_strings("tokenizer.ggml.tokens", {"a", "b"});
//   w.add_tensor_f32("token_embd.weight", {4, 2}, {0, 1, 2, 3, 4, 5, 6, 7});
//   auto bytes = w.bytes();
//   auto file = baton::llm::GgufFile::from_memory(std::as_bytes(std::span(bytes)), "tiny");
#include <cstdint>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace baton::test {

class GgufWriter {
 public:
  explicit GgufWriter(std::uint32_t version = 3, std::uint32_t alignment = 32) : version_(version), alignment_(alignment) {
    if (alignment != 32) add_u32("general.alignment", alignment);
  }

  GgufWriter& add(std::string_view key, std::string_view value) {
    start(key, 8);
    put_string(metadata_, value);
    return *this;
  }
  GgufWriter& add_u32(std::string_view key, std::uint32_t value) { return scalar(key, 4, value); }
  GgufWriter& add_i32(std::string_view key, std::int32_t value) { return scalar(key, 5, value); }
  GgufWriter& add_u64(std::string_view key, std::uint64_t value) { return scalar(key, 10, value); }
  GgufWriter& add_f32(std::string_view key, float value) { return scalar(key, 6, value); }
  GgufWriter& add_f64(std::string_view key, double value) { return scalar(key, 12, value); }
  GgufWriter& add_bool(std::string_view key, bool value) { return scalar(key, 7, static_cast<std::uint8_t>(value)); }

  GgufWriter& add_strings(std::string_view key, const std::vector<std::string>& values) {
    start_array(key, 8, values.size());
    for (const auto& value : values) put_string(metadata_, value);
    return *this;
  }
  GgufWriter& add_i32s(std::string_view key, const std::vector<std::int32_t>& values) { return array(key, 5, values); }
  GgufWriter& add_f32s(std::string_view key, const std::vector<float>& values) { return array(key, 6, values); }
  // A value of any type id, with its bytes as they will be in the file (for broken files).
  GgufWriter& add_raw(std::string_view key, std::uint32_t type_id, std::string_view value) {
    start(key, type_id);
    metadata_.append(value);
    return *this;
  }

  // `data` are the tensor's bytes in the layout of `type_id`; `ne` has the contiguous dimension first.
  GgufWriter& add_tensor(std::string_view name, std::uint32_t type_id, const std::vector<std::uint64_t>& ne, std::string_view data) {
    data_.resize(aligned(data_.size()));
    ++n_tensors_;
    put_string(tensors_, name);
    put(tensors_, static_cast<std::uint32_t>(ne.size()));
    for (const auto n : ne) put(tensors_, n);
    put(tensors_, type_id);
    put(tensors_, static_cast<std::uint64_t>(data_.size()));
    data_.append(data);
    return *this;
  }
  GgufWriter& add_tensor_f32(std::string_view name, const std::vector<std::uint64_t>& ne, const std::vector<float>& values) {
    return add_tensor(name, 0, ne, {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)});
  }

  std::vector<std::uint8_t> bytes() const {
    std::string out = "GGUF";
    put(out, version_);
    put(out, n_tensors_);
    put(out, n_entries_);
    out += metadata_ + tensors_;
    out.resize(aligned(out.size()));
    out += data_;
    return {out.begin(), out.end()};
  }
  // Returns false if the file cannot be written.
  bool save(const std::string& path) const {
    const auto all = bytes();
    std::ofstream out(path, std::ios::binary);
    out.write(reinterpret_cast<const char*>(all.data()), static_cast<std::streamsize>(all.size()));
    return out.flush().good();
  }

 private:
  template <class T>
  static void put(std::string& out, T value) {
    char raw[sizeof(T)];
    std::memcpy(raw, &value, sizeof(T));
    out.append(raw, sizeof(T));
  }
  static void put_string(std::string& out, std::string_view text) {
    put(out, static_cast<std::uint64_t>(text.size()));
    out.append(text);
  }
  void start(std::string_view key, std::uint32_t type_id) {
    ++n_entries_;
    put_string(metadata_, key);
    put(metadata_, type_id);
  }
  void start_array(std::string_view key, std::uint32_t element_type_id, std::size_t count) {
    start(key, 9);
    put(metadata_, element_type_id);
    put(metadata_, static_cast<std::uint64_t>(count));
  }
  template <class T>
  GgufWriter& scalar(std::string_view key, std::uint32_t type_id, T value) {
    start(key, type_id);
    put(metadata_, value);
    return *this;
  }
  template <class T>
  GgufWriter& array(std::string_view key, std::uint32_t element_type_id, const std::vector<T>& values) {
    start_array(key, element_type_id, values.size());
    for (const auto& value : values) put(metadata_, value);
    return *this;
  }
  std::size_t aligned(std::size_t size) const { return (size + alignment_ - 1) / alignment_ * alignment_; }

  std::uint32_t version_;
  std::uint32_t alignment_;
  std::uint64_t n_entries_ = 0;
  std::uint64_t n_tensors_ = 0;
  std::string metadata_, tensors_, data_;
};

}  // namespace baton::test
