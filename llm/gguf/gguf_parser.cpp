#include "gguf_parser.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <numeric>

namespace baton::llm {
namespace {

constexpr std::uint32_t kOldestVersion = 2;
constexpr std::uint32_t kNewestVersion = 3;
constexpr std::uint64_t kMaxName = 65535;  // docs/gguf.md: a key is at most 2^16-1 bytes; used for tensor names also
// The minimum size of an entry (key length, type, one-byte value) or a tensor (name length, n_dims, type, offset).
constexpr std::uint64_t kMinEntry = 8 + 4 + 1;
constexpr std::uint64_t kMinTensor = 8 + 4 + 4 + 8;
constexpr std::uint32_t kMaxDims = 4;
// Larger alignments have no use, and would let a few bytes claim any file layout.
constexpr std::uint64_t kMaxAlignment = 1u << 24;

std::string quoted(std::string_view text) {
  constexpr std::size_t kShown = 80;  // a hostile name must not flood the message
  std::string out = "'";
  for (const char c : text.substr(0, kShown)) out += c >= ' ' && c != 0x7f ? c : '?';
  if (text.size() > kShown) out += "...";
  return out + "'";
}

bool multiply(std::uint64_t a, std::uint64_t b, std::uint64_t& product) { return !__builtin_mul_overflow(a, b, &product); }

}  // namespace

std::size_t fixed_size(GgufType type) {
  switch (type) {
    case GgufType::uint8:
    case GgufType::int8:
    case GgufType::boolean:
      return 1;
    case GgufType::uint16:
    case GgufType::int16:
      return 2;
    case GgufType::uint32:
    case GgufType::int32:
    case GgufType::float32:
      return 4;
    case GgufType::uint64:
    case GgufType::int64:
    case GgufType::float64:
      return 8;
    case GgufType::string:
    case GgufType::array:
      break;
  }
  return 0;
}

bool GgufParser::fail_at(std::uint64_t offset, std::string what, errc code) {
  error_ = {code, file_.path_ + ", byte " + std::to_string(offset) + ": " + std::move(what)};
  return false;
}
bool GgufParser::fail(std::string what, errc code) { return fail_at(at_, std::move(what), code); }

template <class T>
bool GgufParser::read(T& value, std::string_view what) {
  if (remaining() < sizeof(T)) {
    return fail("the file ends inside " + std::string(what) + " (" + std::to_string(file_.bytes_.size()) +
                " bytes in all); it is truncated, fetch it again");
  }
  std::memcpy(&value, file_.bytes_.data() + at_, sizeof(T));
  at_ += sizeof(T);
  return true;
}

bool GgufParser::read_string(std::string_view& text, std::string_view what) {
  std::uint64_t length = 0;
  if (!read(length, what)) return false;
  if (length > remaining()) {
    return fail_at(at_ - sizeof(length), std::string(what) + " claims " + std::to_string(length) + " bytes, the file has " +
                                             std::to_string(remaining()) + " left; it is truncated or damaged, fetch it again");
  }
  text = {reinterpret_cast<const char*>(file_.bytes_.data()) + at_, static_cast<std::size_t>(length)};
  at_ += length;
  return true;
}

Result<void> GgufParser::parse() {
  if (!parse_header()) return error_;
  file_.entries_.reserve(n_entries_);
  for (std::uint64_t i = 0; i < n_entries_; ++i) {
    if (!parse_entry()) return error_;
  }
  if (!parse_alignment()) return error_;
  file_.tensors_.reserve(n_tensors_);
  for (std::uint64_t i = 0; i < n_tensors_; ++i) {
    if (!parse_tensor()) return error_;
  }
  if (!index() || !place_tensors()) return error_;
  return {};
}

bool GgufParser::parse_header() {
  std::uint32_t magic = 0;
  if (remaining() < sizeof(magic)) {
    return fail("only " + std::to_string(remaining()) + " bytes, too short for a GGUF model");
  }
  read(magic, "the magic");
  if (std::memcmp(&magic, "GGUF", 4) != 0) return fail_at(0, "not a GGUF file (it does not begin with 'GGUF'); give a .gguf model file");
  if (!read(file_.version_, "the version")) return false;
  if ((file_.version_ & 0xffffu) == 0 && file_.version_ != 0) {
    return fail_at(4, "big-endian GGUF is not supported; convert the model for little-endian machines", errc::unsupported);
  }
  if (file_.version_ < kOldestVersion || file_.version_ > kNewestVersion) {
    return fail_at(4, "GGUF version " + std::to_string(file_.version_) + " is not supported, only 2 and 3; convert the model again",
                   errc::unsupported);
  }
  if (!read(n_tensors_, "the tensor count") || !read(n_entries_, "the metadata count")) return false;
  if (n_tensors_ > remaining() / kMinTensor) {
    return fail_at(
        8, std::to_string(n_tensors_) + " tensors cannot fit in " + std::to_string(file_.bytes_.size()) + " bytes; the file is damaged");
  }
  if (n_entries_ > remaining() / kMinEntry) {
    return fail_at(16, std::to_string(n_entries_) + " metadata entries cannot fit in " + std::to_string(file_.bytes_.size()) +
                           " bytes; the file is damaged");
  }
  return true;
}

bool GgufParser::parse_entry() {
  GgufEntry entry{};
  const auto start = at_;
  if (!read_string(entry.key, "a metadata key")) return false;
  if (entry.key.empty() || entry.key.size() > kMaxName) {
    return fail_at(start, "a metadata key of " + std::to_string(entry.key.size()) + " bytes (1 to 65535 are allowed)");
  }
  if (!parse_value(entry)) return false;
  file_.entries_.push_back(entry);
  return true;
}

bool GgufParser::parse_value(GgufEntry& entry) {
  const auto name = quoted(entry.key);
  std::uint32_t type = 0;
  if (!read(type, "the type of " + name)) return false;
  if (type > static_cast<std::uint32_t>(GgufType::float64)) {
    return fail_at(at_ - 4, "metadata " + name + " has unknown type " + std::to_string(type));
  }
  entry.type = entry.element_type = static_cast<GgufType>(type);
  entry.count = 1;
  if (entry.type == GgufType::array) {
    std::uint32_t element = 0;
    if (!read(element, "the element type of " + name)) return false;
    if (element > static_cast<std::uint32_t>(GgufType::float64)) {
      return fail_at(at_ - 4, "array " + name + " has unknown element type " + std::to_string(element));
    }
    entry.element_type = static_cast<GgufType>(element);
    if (entry.element_type == GgufType::array)
      return fail_at(at_ - 4, name + " is an array of arrays, which no known model uses", errc::unsupported);
    if (!read(entry.count, "the length of " + name)) return false;
  }
  return skip_elements(entry);
}

bool GgufParser::skip_elements(GgufEntry& entry) {
  entry.data = file_.bytes_.data() + at_;
  if (entry.element_type == GgufType::string) {
    if (entry.count > remaining() / sizeof(std::uint64_t)) {
      return fail(quoted(entry.key) + " claims " + std::to_string(entry.count) + " strings, the file has " + std::to_string(remaining()) +
                  " bytes left");
    }
    std::string_view text;
    for (std::uint64_t i = 0; i < entry.count; ++i) {
      if (!read_string(text, "a string")) {
        error_.message += " (element " + std::to_string(i) + " of " + quoted(entry.key) + ")";
        return false;
      }
    }
    return true;
  }
  const auto size = fixed_size(entry.element_type);
  if (entry.count > remaining() / size) {
    return fail(quoted(entry.key) + " claims " + std::to_string(entry.count) + " x " + std::to_string(size) + " bytes, the file has " +
                std::to_string(remaining()) + " left; it is truncated or damaged, fetch it again");
  }
  at_ += entry.count * size;
  return true;
}

bool GgufParser::parse_alignment() {
  for (const auto& entry : file_.entries_) {
    if (entry.key != "general.alignment") continue;
    const auto offset = static_cast<std::uint64_t>(entry.data - file_.bytes_.data());
    if (entry.type != GgufType::uint32)
      return fail_at(offset, "general.alignment is " + std::string(to_string(entry.type)) + ", not uint32");
    const auto value = load_number<std::uint32_t>(entry.data);
    if (value == 0 || (value & (value - 1)) != 0 || value > kMaxAlignment) {
      return fail_at(offset, "general.alignment is " + std::to_string(value) + "; a power of two up to 16777216 is needed");
    }
    file_.alignment_ = value;
  }
  return true;
}

bool GgufParser::parse_tensor() {
  GgufTensor tensor{};
  const auto start = at_;
  if (!read_string(tensor.name, "a tensor name")) return false;
  if (tensor.name.empty() || tensor.name.size() > kMaxName) {
    return fail_at(start, "a tensor name of " + std::to_string(tensor.name.size()) + " bytes (1 to 65535 are allowed)");
  }
  if (!parse_dimensions(tensor)) return false;
  const auto what = "tensor " + quoted(tensor.name);
  if (!read(tensor.type_id, "the type of " + what) || !read(tensor.offset, "the offset of " + what)) return false;
  tensor.type = find_tensor_type(tensor.type_id);
  if (tensor.type && tensor.ne[0] % tensor.type->block_elements != 0) {
    return fail_at(start, what + " (" + tensor.shape_text() + ") has rows of " + std::to_string(tensor.ne[0]) + " elements, but " +
                              std::string(tensor.type->name) + " needs a multiple of " + std::to_string(tensor.type->block_elements));
  }
  if (tensor.offset % file_.alignment_ != 0) {
    return fail_at(start, what + " is at offset " + std::to_string(tensor.offset) + ", which is not a multiple of the alignment " +
                              std::to_string(file_.alignment_));
  }
  file_.tensors_.push_back(tensor);
  return true;
}

bool GgufParser::parse_dimensions(GgufTensor& tensor) {
  const auto what = "tensor " + quoted(tensor.name);
  if (!read(tensor.n_dims, "the dimensions of " + what)) return false;
  if (tensor.n_dims > kMaxDims)
    return fail_at(at_ - 4, what + " has " + std::to_string(tensor.n_dims) + " dimensions, at most 4 are allowed");
  tensor.ne = {1, 1, 1, 1};
  std::uint64_t n = 1;
  for (std::uint32_t d = 0; d < tensor.n_dims; ++d) {
    if (!read(tensor.ne[d], "the dimensions of " + what)) return false;
    if (tensor.ne[d] == 0) return fail_at(at_ - 8, what + ": dimension " + std::to_string(d) + " is 0");
    // int64 is the usual type for counts of elements.
    if (!multiply(n, tensor.ne[d], n) || n > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      return fail_at(at_ - 8, what + " (" + tensor.shape_text() + ") has more elements than can be counted");
    }
  }
  return true;
}

bool GgufParser::place_tensors() {
  const auto size = file_.bytes_.size();
  const auto padding = (file_.alignment_ - at_ % file_.alignment_) % file_.alignment_;
  // A file without tensors may end without the padding.
  file_.data_offset_ = std::min<std::uint64_t>(at_ + padding, size);
  if (!file_.tensors_.empty() && padding > size - at_) {
    return fail("the file ends before the tensor data (" + std::to_string(size) + " bytes in all); it is truncated, fetch it again");
  }
  for (auto& tensor : file_.tensors_) {
    if (!place_tensor(tensor)) return false;
  }
  return true;
}

bool GgufParser::place_tensor(GgufTensor& tensor) {
  const auto room = file_.bytes_.size() - file_.data_offset_;
  const auto relative = tensor.offset;
  const auto what = "tensor " + quoted(tensor.name) + " (" + tensor.type_name() + ", " + tensor.shape_text() + ")";
  std::uint64_t n_bytes = 0;
  if (tensor.type && !multiply(tensor.n_elements() / tensor.type->block_elements, tensor.type->block_bytes, n_bytes)) {
    return fail_at(file_.data_offset_, what + " has more bytes than can be counted");
  }
  if (relative > room || n_bytes > room - relative) {
    return fail_at(file_.data_offset_, what + " needs " + std::to_string(n_bytes) + " bytes at offset " + std::to_string(relative) +
                                           " of the tensor data, the file has " + std::to_string(room) +
                                           "; it is truncated or damaged, fetch it again");
  }
  tensor.offset = file_.data_offset_ + relative;
  tensor.bytes = file_.bytes_.subspan(tensor.offset, n_bytes);
  return true;
}

bool GgufParser::index() {
  const auto sorted = [](const auto& items, auto name) {
    std::vector<std::uint32_t> order(items.size());
    std::iota(order.begin(), order.end(), 0u);
    std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return items[a].*name < items[b].*name; });
    return order;
  };
  const auto& entries = file_.entries_;
  file_.entries_by_key_ = sorted(entries, &GgufEntry::key);
  for (std::size_t i = 1; i < entries.size(); ++i) {
    const auto& key = entries[file_.entries_by_key_[i]].key;
    if (key == entries[file_.entries_by_key_[i - 1]].key) return fail("metadata " + quoted(key) + " occurs twice; the file is damaged");
  }
  const auto& tensors = file_.tensors_;
  file_.tensors_by_name_ = sorted(tensors, &GgufTensor::name);
  for (std::size_t i = 1; i < tensors.size(); ++i) {
    const auto& name = tensors[file_.tensors_by_name_[i]].name;
    if (name == tensors[file_.tensors_by_name_[i - 1]].name) return fail("tensor " + quoted(name) + " occurs twice; the file is damaged");
  }
  return true;
}

}  // namespace baton::llm
