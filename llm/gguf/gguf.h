#pragma once
// Reads GGUF model files (ggml's docs/gguf.md), versions 2 and 3, little-endian, through mmap.
//
// A GGUF file is foreign input: every count, length, offset, product and alignment is checked against the size of the file before it is
// used, so that every file that `open` accepts can be read without further checks. Messages name the file, the byte offset, the key or
// tensor and the figure.
//
// Not accepted: arrays of arrays, duplicate keys or tensor names, an alignment that is not a power of two, tensors of more than 4
// dimensions or with a dimension of 0, data that is misaligned or outside of the file. Accepted: tensors that overlap (they are only read),
// files without tensors (vocabulary only), and tensor types that this build does not know: those are listed with their id, and only
// `tensor()` refuses them, so that `inspect` can show such a file.
//
// A model in several files (NAME-00001-of-00003.gguf, split.count) is one file here. Whichever part is opened, the metadata comes from the
// first part, and the tensors from all parts, in order.
#include <baton/llm/error.h>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tensor_type.h"

namespace baton::llm {

// Value types of metadata, with the numbers that files use.
enum class GgufType : std::uint32_t {
  uint8 = 0,
  int8 = 1,
  uint16 = 2,
  int16 = 3,
  uint32 = 4,
  int32 = 5,
  float32 = 6,
  boolean = 7,
  string = 8,
  array = 9,
  uint64 = 10,
  int64 = 11,
  float64 = 12,
};
std::string_view to_string(GgufType type);

// One metadata entry. Views point into the file.
struct GgufEntry {
  std::string_view key;
  GgufType type;
  GgufType element_type;  // of an array; otherwise equal to `type`
  std::uint64_t count;    // elements of an array; otherwise 1
  const std::byte* data;  // first element, unaligned; a string is a uint64 length and its bytes

  // A description for people: a scalar or string in full, of an array the first `max_elements` ("[1, 2, ... 151936 in all]").
  std::string describe(std::size_t max_elements = 4) const;
};

struct GgufTensor {
  std::string_view name;
  std::uint32_t n_dims;              // as stored, 0 to 4
  std::array<std::uint64_t, 4> ne;   // elements a dimension, the contiguous one first; 1 beyond n_dims
  std::uint32_t type_id;             // elements per dimension, the contiguous one first; 1 beyond n_dims
  const TensorType* type;            // null: this build does not know type_id
  std::uint64_t offset;              // of the data from the start of its file (its own part, if there are several)
  std::span<const std::byte> bytes;  // empty when `type` is null

  std::uint64_t n_elements() const { return ne[0] * ne[1] * ne[2] * ne[3]; }
  std::string type_name() const;   // "Q4_K", or "unknown (57)"
  std::string shape_text() const;  // "896 x 151936"
};

// Movable owner of the mapping: entries, tensors and all views stay valid across a move and until the file is destroyed. Const members may
// be called from any thread. A file that is cut short by another process while mapped raises SIGBUS, as for every mmap reader.
class GgufFile {
 public:
  static Result<GgufFile> open(const std::filesystem::path& path);
  // The same over bytes that the caller keeps alive; messages show `name` instead of a path. errc::unsupported for one of several parts.
  static Result<GgufFile> from_memory(std::span<const std::byte> bytes, std::string name);

  GgufFile(GgufFile&&) noexcept;
  GgufFile& operator=(GgufFile&&) noexcept;
  ~GgufFile();

  const std::string& path() const { return path_; }     // of the first part
  std::uint64_t file_size() const { return n_bytes_; }  // of all parts
  std::uint32_t version() const { return version_; }
  std::uint64_t alignment() const { return alignment_; }
  std::uint64_t data_offset() const { return data_offset_; }  // where tensor data begins
  std::string_view architecture() const;                      // general.architecture, empty when absent

  // In the order of the file.
  std::span<const GgufEntry> entries() const { return entries_; }
  std::span<const GgufTensor> tensors() const { return tensors_; }

  const GgufEntry* find(std::string_view key) const;  // null when absent

  // Typed access. Integers are accepted in any stored width or sign in which the value fits, floats in both widths; a missing key or
  // another type is errc::invalid_file, naming the key and the type found.
  Result<std::uint32_t> get_u32(std::string_view key) const;
  Result<std::uint64_t> get_u64(std::string_view key) const;
  Result<float> get_f32(std::string_view key) const;
  Result<bool> get_bool(std::string_view key) const;
  Result<std::string_view> get_string(std::string_view key) const;
  Result<std::vector<std::string_view>> get_strings(std::string_view key) const;
  Result<std::vector<std::int32_t>> get_i32_array(std::string_view key) const;
  Result<std::vector<float>> get_f32_array(std::string_view key) const;

  // The default if the key is absent; still an error if it has another type.
  Result<std::uint32_t> get_u32_or(std::string_view key, std::uint32_t otherwise) const;
  Result<float> get_f32_or(std::string_view key, float otherwise) const;
  Result<bool> get_bool_or(std::string_view key, bool otherwise) const;
  Result<std::string_view> get_string_or(std::string_view key, std::string_view otherwise) const;

  // Null if absent (tied output, optional biases).
  const GgufTensor* find_tensor(std::string_view name) const;
  // errc::invalid_file if absent, errc::unsupported if its type is unknown.
  Result<const GgufTensor*> tensor(std::string_view name) const;

 private:
  GgufFile() = default;
  friend class GgufParser;
  static Result<GgufFile> open_part(const std::filesystem::path& path);
  Result<void> add_parts(std::uint32_t n_parts);
  Error missing(std::string_view key) const;
  Error mismatch(const GgufEntry& entry, std::string_view wanted) const;

  struct Mapping;
  std::unique_ptr<Mapping> mapping_;  // null for from_memory
  std::string path_;
  std::span<const std::byte> bytes_;
  std::uint64_t n_bytes_ = 0;
  std::vector<GgufFile> parts_;  // all but the first: they own the data of their tensors
  std::uint32_t version_ = 0;
  std::uint64_t alignment_ = 32;
  std::uint64_t data_offset_ = 0;
  std::vector<GgufEntry> entries_;
  std::vector<GgufTensor> tensors_;
  std::vector<std::uint32_t> entries_by_key_;   // indices, sorted by key
  std::vector<std::uint32_t> tensors_by_name_;  // indices, sorted by name
};

}  // namespace baton::llm
