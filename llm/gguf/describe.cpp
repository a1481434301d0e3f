// Descriptions of entries and tensors for people.
#include <algorithm>
#include <charconv>

#include "gguf_parser.h"

namespace baton::llm {
namespace {

template <class T>
std::string number_text(const std::byte* at) {
  char text[64];
  const auto end = std::to_chars(text, text + sizeof(text), load_number<T>(at)).ptr;
  return {text, end};
}

std::string scalar_text(GgufType type, const std::byte* at) {
  switch (type) {
    case GgufType::uint8:
      return number_text<std::uint8_t>(at);
    case GgufType::int8:
      return number_text<std::int8_t>(at);
    case GgufType::uint16:
      return number_text<std::uint16_t>(at);
    case GgufType::int16:
      return number_text<std::int16_t>(at);
    case GgufType::uint32:
      return number_text<std::uint32_t>(at);
    case GgufType::int32:
      return number_text<std::int32_t>(at);
    case GgufType::float32:
      return number_text<float>(at);
    case GgufType::boolean:
      return load_number<std::uint8_t>(at) ? "true" : "false";
    case GgufType::uint64:
      return number_text<std::uint64_t>(at);
    case GgufType::int64:
      return number_text<std::int64_t>(at);
    case GgufType::float64:
      return number_text<double>(at);
    case GgufType::string: {
      const auto length = static_cast<std::size_t>(load_number<std::uint64_t>(at));
      return {reinterpret_cast<const char*>(at) + sizeof(std::uint64_t), length};
    }
    case GgufType::array:
      break;  // the parser rejects arrays of arrays
  }
  return {};
}

}  // namespace

std::string_view to_string(GgufType type) {
  switch (type) {
    case GgufType::uint8:
      return "uint8";
    case GgufType::int8:
      return "int8";
    case GgufType::uint16:
      return "uint16";
    case GgufType::int16:
      return "int16";
    case GgufType::uint32:
      return "uint32";
    case GgufType::int32:
      return "int32";
    case GgufType::float32:
      return "float32";
    case GgufType::boolean:
      return "bool";
    case GgufType::string:
      return "string";
    case GgufType::array:
      return "array";
    case GgufType::uint64:
      return "uint64";
    case GgufType::int64:
      return "int64";
    case GgufType::float64:
      return "float64";
  }
  return "unknown";
}

std::string GgufEntry::describe(std::size_t max_elements) const {
  if (type != GgufType::array) return scalar_text(type, data);
  std::string out = "[";
  const auto* at = data;
  const auto shown = std::min<std::uint64_t>(count, max_elements);
  for (std::uint64_t i = 0; i < shown; ++i) {
    const auto text = scalar_text(element_type, at);
    at += element_type == GgufType::string ? sizeof(std::uint64_t) + text.size() : fixed_size(element_type);
    out += (i ? ", " : "") + text;
  }
  if (shown < count) out += (shown ? ", ... " : "") + std::to_string(count) + " in all";
  return out + "]";
}

std::string GgufTensor::type_name() const { return type ? std::string(type->name) : "unknown (" + std::to_string(type_id) + ")"; }

std::string GgufTensor::shape_text() const {
  std::string out = std::to_string(ne[0]);
  for (std::uint32_t d = 1; d < n_dims && d < ne.size(); ++d) out += " x " + std::to_string(ne[d]);
  return out;
}

}  // namespace baton::llm
