#include "json_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

namespace baton::llm {
namespace {

std::string quoted(const std::string& text) { return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace); }

void write(const Json& value, const WritingStyle& style, std::string& out) {
  if (value.is_object() || value.is_array()) {
    out += value.is_object() ? '{' : '[';
    bool first = true;
    for (const auto& [key, member] : value.items()) {
      if (!first) out += style.item_separator;
      first = false;
      if (value.is_object()) out += quoted(key) + style.key_separator;
      write(member, style, out);
    }
    out += value.is_object() ? '}' : ']';
  } else if (value.is_number_float()) {
    // As in JavaScript, but without the plus sign: so a plus occurs in strings only.
    const double number = value.get<double>(), size = std::fabs(number);
    const bool fixed = number == 0 || (size >= 1e-6 && size < 1e21);
    std::array<char, 40> text{};
    const auto format = fixed ? std::chars_format::fixed : std::chars_format::scientific;
    const auto end = std::to_chars(text.data(), text.data() + text.size(), number, format).ptr;
    out.append(text.data(), std::remove(text.data(), end, '+'));
  } else {
    out += value.dump(-1, ' ', false, Json::error_handler_t::replace);
  }
}

}  // namespace

std::string write_json(const Json& value, const WritingStyle& style) {
  std::string out;
  write(value, style, out);
  return out;
}

NodeId json_space(Automaton& out) {
  const NodeId end = out.final();
  NodeId next = end;
  for (int i = 0; i < kMaxSpace; ++i) {
    const NodeId space = out.add();
    for (const char c : {' ', '\t', '\n', '\r'}) out.byte(space, static_cast<unsigned char>(c), static_cast<unsigned char>(c), next);
    out.empty(space, end);
    next = space;
  }
  return next;
}

}  // namespace baton::llm
