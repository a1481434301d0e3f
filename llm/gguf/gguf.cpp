#include "gguf.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>

#include "gguf_parser.h"

namespace baton::llm {

static_assert(std::endian::native == std::endian::little, "GGUF files are read in place, little-endian");

struct GgufFile::Mapping {
  void* data;
  std::size_t size;
  Mapping(void* mapped, std::size_t length) : data(mapped), size(length) {}
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() { ::munmap(data, size); }
};

GgufFile::GgufFile(GgufFile&&) noexcept = default;
GgufFile& GgufFile::operator=(GgufFile&&) noexcept = default;
GgufFile::~GgufFile() = default;

namespace {

constexpr std::uint32_t kMaxParts = 99'999;  // five digits

// The number of a part and the number of parts; 1 of 1 for a complete file.
struct PartOf {
  std::uint32_t number = 1, n = 1;
};
Result<PartOf> part_of(const GgufFile& file) {
  const auto n = file.get_u32_or("split.count", 1), index = file.get_u32_or("split.no", 0);
  if (!n || !index) return n ? index.error() : n.error();
  if (*n <= 1) return PartOf{};
  if (*n > kMaxParts || *index >= *n) {
    return Error{errc::invalid_file,
                 file.path() + ": says that it is part " + std::to_string(*index) + " of " + std::to_string(*n) + ", counted from 0"};
  }
  return PartOf{*index + 1, *n};
}

std::string part_suffix(const PartOf& part) {
  char suffix[40];
  std::snprintf(suffix, sizeof suffix, "-%05u-of-%05u.gguf", part.number, part.n);
  return suffix;
}

std::string part_text(const PartOf& part) { return "part " + std::to_string(part.number) + " of " + std::to_string(part.n); }

// The path of another part; errc::invalid_file if this file is not named like a part.
Result<std::filesystem::path> sibling(const GgufFile& file, const PartOf& is, const PartOf& wanted) {
  const std::string suffix = part_suffix(is);
  if (file.path().size() <= suffix.size() || !file.path().ends_with(suffix)) {
    return Error{errc::invalid_file, file.path() + ": is " + part_text(is) +
                                         " of a model in several files, which are found by their names: " + "name it NAME" + suffix +
                                         " again, and the other parts likewise, in the same folder"};
  }
  return std::filesystem::path(file.path().substr(0, file.path().size() - suffix.size()) + part_suffix(wanted));
}

}  // namespace

Result<GgufFile> GgufFile::open(const std::filesystem::path& path) {
  auto file = open_part(path);
  if (!file) return file;
  const auto part = part_of(*file);
  if (!part) return part.error();
  if (part->n == 1) return file;
  if (part->number != 1) {
    const auto first = sibling(*file, *part, {1, part->n});
    if (!first) return first.error();
    file = open_part(*first);
    if (!file) return Error{file.error().code, file.error().message + "; " + path.string() + " is " + part_text(*part) + " of this model"};
    const auto is = part_of(*file);
    if (!is) return is.error();
    if (is->number != 1 || is->n != part->n)
      return Error{errc::invalid_file, file->path() + ": is " + part_text(*is) + ", not part 1 of " + std::to_string(part->n) +
                                           " as its name says; fetch it again"};
  }
  if (const auto added = file->add_parts(part->n); !added) return added.error();
  return file;
}

Result<void> GgufFile::add_parts(std::uint32_t n_parts) {
  for (std::uint32_t number = 2; number <= n_parts; ++number) {
    const auto path = sibling(*this, {1, n_parts}, {number, n_parts});
    if (!path) return path.error();
    auto file = open_part(*path);
    if (!file) {
      return Error{file.error().code, file.error().message + "; " + path_ + " is the first of " + std::to_string(n_parts) +
                                          " parts, all of which must be in its folder"};
    }
    const auto is = part_of(*file);
    if (!is) return is.error();
    if (is->number != number || is->n != n_parts) {
      return Error{errc::invalid_file,
                   file->path() + ": is " + part_text(*is) + ", not " + part_text({number, n_parts}) + " as its name says; fetch it again"};
    }
    tensors_.insert(tensors_.end(), file->tensors_.begin(), file->tensors_.end());
    n_bytes_ += file->n_bytes_;
    parts_.push_back(std::move(*file));
  }
  const auto n_tensors = get_u32_or("split.tensors.count", static_cast<std::uint32_t>(tensors_.size()));
  if (!n_tensors) return n_tensors.error();
  if (*n_tensors != tensors_.size()) {
    return Error{errc::invalid_file, path_ + ": its " + std::to_string(n_parts) + " parts have " + std::to_string(tensors_.size()) +
                                         " tensors, and split.tensors.count says " + std::to_string(*n_tensors) +
                                         ": they are not parts of one model; fetch them again"};
  }
  return GgufParser(*this).index_again();
}

Result<GgufFile> GgufFile::open_part(const std::filesystem::path& path) {
  const auto failed = [&](errc code, const std::string& why) { return Error{code, path.string() + ": " + why}; };
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // must not wait for the writer of a FIFO
  if (fd < 0) return failed(errc::io, std::string("cannot be opened: ") + std::strerror(errno));
  struct stat status {};
  void* data = MAP_FAILED;
  const bool known = ::fstat(fd, &status) == 0;
  const bool regular = known && S_ISREG(status.st_mode);
  if (regular && status.st_size > 0) data = ::mmap(nullptr, static_cast<std::size_t>(status.st_size), PROT_READ, MAP_PRIVATE, fd, 0);
  const int mapping_errno = errno;
  ::close(fd);
  if (!regular) return failed(errc::io, "not a regular file; give a .gguf model file");
  if (status.st_size == 0) return failed(errc::invalid_file, "the file is empty; fetch it again");
  if (data == MAP_FAILED) return failed(errc::io, std::string("cannot be mapped into memory: ") + std::strerror(mapping_errno));

  GgufFile file;
  file.mapping_ = std::make_unique<Mapping>(data, static_cast<std::size_t>(status.st_size));
  file.path_ = path.string();
  file.bytes_ = {static_cast<const std::byte*>(data), static_cast<std::size_t>(status.st_size)};
  file.n_bytes_ = file.bytes_.size();
  if (auto parsed = GgufParser(file).parse(); !parsed) return parsed.error();
  return file;
}

Result<GgufFile> GgufFile::from_memory(std::span<const std::byte> bytes, std::string name) {
  GgufFile file;
  file.path_ = std::move(name);
  file.bytes_ = bytes;
  file.n_bytes_ = bytes.size();
  if (auto parsed = GgufParser(file).parse(); !parsed) return parsed.error();
  const auto part = part_of(file);
  if (!part) return part.error();
  if (part->n > 1)
    return Error{errc::unsupported, file.path() + ": is " + part_text(*part) + " of a model in several files; open it by its path"};
  return file;
}

std::string_view GgufFile::architecture() const {
  const auto name = get_string("general.architecture");
  return name ? *name : std::string_view{};
}

const GgufEntry* GgufFile::find(std::string_view key) const {
  const auto at = std::lower_bound(entries_by_key_.begin(), entries_by_key_.end(), key,
                                   [&](std::uint32_t i, std::string_view want) { return entries_[i].key < want; });
  return at != entries_by_key_.end() && entries_[*at].key == key ? &entries_[*at] : nullptr;
}

const GgufTensor* GgufFile::find_tensor(std::string_view name) const {
  const auto at = std::lower_bound(tensors_by_name_.begin(), tensors_by_name_.end(), name,
                                   [&](std::uint32_t i, std::string_view want) { return tensors_[i].name < want; });
  return at != tensors_by_name_.end() && tensors_[*at].name == name ? &tensors_[*at] : nullptr;
}

Result<const GgufTensor*> GgufFile::tensor(std::string_view name) const {
  const auto* found = find_tensor(name);
  if (!found) return Error{errc::invalid_file, path_ + ": tensor '" + std::string(name) + "' is missing"};
  if (!found->type) {
    return Error{errc::unsupported, path_ + ": tensor '" + std::string(name) + "' has type id " + std::to_string(found->type_id) +
                                        ", which this build does not know; use a model in a common quantisation such as Q4_K_M or Q8_0"};
  }
  return found;
}

Error GgufFile::missing(std::string_view key) const {
  return {errc::invalid_file, path_ + ": metadata '" + std::string(key) + "' is missing"};
}

Error GgufFile::mismatch(const GgufEntry& entry, std::string_view wanted) const {
  std::string found{to_string(entry.type)};
  if (entry.type == GgufType::array) found += " of " + std::string(to_string(entry.element_type));
  constexpr std::size_t kShown = 80;
  auto value = entry.describe();
  if (value.size() > kShown) value = value.substr(0, kShown) + "...";
  return {errc::invalid_file,
          path_ + ": metadata '" + std::string(entry.key) + "' is " + value + " (" + found + "), " + std::string(wanted) + " is needed"};
}

namespace {

// An integer of any stored type, with its sign as a separate member.
struct Integer {
  std::uint64_t magnitude;
  bool negative;
};

std::optional<Integer> load_integer(GgufType type, const std::byte* at) {
  const auto from_signed = [](std::int64_t value) {
    return Integer{value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value), value < 0};
  };
  switch (type) {
    case GgufType::uint8:
      return Integer{load_number<std::uint8_t>(at), false};
    case GgufType::uint16:
      return Integer{load_number<std::uint16_t>(at), false};
    case GgufType::uint32:
      return Integer{load_number<std::uint32_t>(at), false};
    case GgufType::uint64:
      return Integer{load_number<std::uint64_t>(at), false};
    case GgufType::int8:
      return from_signed(load_number<std::int8_t>(at));
    case GgufType::int16:
      return from_signed(load_number<std::int16_t>(at));
    case GgufType::int32:
      return from_signed(load_number<std::int32_t>(at));
    case GgufType::int64:
      return from_signed(load_number<std::int64_t>(at));
    default:
      return std::nullopt;
  }
}

bool is_integer(GgufType type) { return type <= GgufType::int32 || type == GgufType::uint64 || type == GgufType::int64; }

std::optional<std::uint64_t> load_unsigned(const GgufEntry& entry, std::uint64_t max) {
  const auto value = load_integer(entry.type, entry.data);
  if (!value || value->negative || value->magnitude > max) return std::nullopt;
  return value->magnitude;
}

std::optional<double> load_float(GgufType type, const std::byte* at) {
  if (type == GgufType::float32) return load_number<float>(at);
  if (type == GgufType::float64) return load_number<double>(at);
  return std::nullopt;
}

std::string_view load_string(const std::byte*& at) {
  const auto length = load_number<std::uint64_t>(at);
  const std::string_view text{reinterpret_cast<const char*>(at) + sizeof(length), static_cast<std::size_t>(length)};
  at += sizeof(length) + length;
  return text;
}

}  // namespace

Result<std::uint32_t> GgufFile::get_u32(std::string_view key) const {
  const auto* entry = find(key);
  if (!entry) return missing(key);
  if (const auto value = load_unsigned(*entry, std::numeric_limits<std::uint32_t>::max())) return static_cast<std::uint32_t>(*value);
  return mismatch(*entry, "an integer from 0 to 4294967295");
}

Result<std::uint64_t> GgufFile::get_u64(std::string_view key) const {
  const auto* entry = find(key);
  if (!entry) return missing(key);
  if (const auto value = load_unsigned(*entry, std::numeric_limits<std::uint64_t>::max())) return *value;
  return mismatch(*entry, "an integer from 0 up");
}

Result<float> GgufFile::get_f32(std::string_view key) const {
  const auto* entry = find(key);
  if (!entry) return missing(key);
  const auto value = load_float(entry->type, entry->data);
  // No valid model has an infinity, a NaN or a value beyond a float; otherwise every consumer would have to check.
  if (value && std::abs(*value) <= std::numeric_limits<float>::max()) return static_cast<float>(*value);
  return mismatch(*entry, "a finite float");
}

Result<bool> GgufFile::get_bool(std::string_view key) const {
  const auto* entry = find(key);
  if (!entry) return missing(key);
  if (entry->type == GgufType::boolean) return load_number<std::uint8_t>(entry->data) != 0;
  return mismatch(*entry, "a bool");
}

Result<std::string_view> GgufFile::get_string(std::string_view key) const {
  const auto* entry = find(key);
  if (!entry) return missing(key);
  if (entry->type != GgufType::string) return mismatch(*entry, "a string");
  const auto* at = entry->data;
  return load_string(at);
}

Result<std::vector<std::string_view>> GgufFile::get_strings(std::string_view key) const {
  const auto* entry = find(key);
  if (!entry) return missing(key);
  if (entry->type != GgufType::array || entry->element_type != GgufType::string) return mismatch(*entry, "an array of strings");
  std::vector<std::string_view> out(entry->count);
  const auto* at = entry->data;
  for (auto& text : out) text = load_string(at);
  return out;
}

Result<std::vector<std::int32_t>> GgufFile::get_i32_array(std::string_view key) const {
  const auto* entry = find(key);
  if (!entry) return missing(key);
  constexpr std::string_view kWanted = "an array of integers that fit in 32 bits with sign";
  if (entry->type != GgufType::array || !is_integer(entry->element_type)) return mismatch(*entry, kWanted);
  std::vector<std::int32_t> out(entry->count);
  const auto size = fixed_size(entry->element_type);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto value = *load_integer(entry->element_type, entry->data + i * size);
    constexpr std::uint64_t kMax = std::numeric_limits<std::int32_t>::max();
    if (value.magnitude > kMax + (value.negative ? 1 : 0)) return mismatch(*entry, kWanted);
    const auto magnitude = static_cast<std::int64_t>(value.magnitude);
    out[i] = static_cast<std::int32_t>(value.negative ? -magnitude : magnitude);
  }
  return out;
}

Result<std::vector<float>> GgufFile::get_f32_array(std::string_view key) const {
  const auto* entry = find(key);
  if (!entry) return missing(key);
  const bool single = entry->element_type == GgufType::float32;
  if (entry->type != GgufType::array || (!single && entry->element_type != GgufType::float64))
    return mismatch(*entry, "an array of floats");
  std::vector<float> out(entry->count);
  if (single) {
    if (!out.empty()) std::memcpy(out.data(), entry->data, out.size() * sizeof(float));
    return out;
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto value = load_number<double>(entry->data + i * sizeof(double));
    if (std::abs(value) > std::numeric_limits<float>::max()) return mismatch(*entry, "an array of floats of 32 bits");
    out[i] = static_cast<float>(value);
  }
  return out;
}

Result<std::uint32_t> GgufFile::get_u32_or(std::string_view key, std::uint32_t otherwise) const {
  return find(key) ? get_u32(key) : otherwise;
}
Result<float> GgufFile::get_f32_or(std::string_view key, float otherwise) const { return find(key) ? get_f32(key) : otherwise; }
Result<bool> GgufFile::get_bool_or(std::string_view key, bool otherwise) const { return find(key) ? get_bool(key) : otherwise; }
Result<std::string_view> GgufFile::get_string_or(std::string_view key, std::string_view otherwise) const {
  return find(key) ? get_string(key) : otherwise;
}

}  // namespace baton::llm
