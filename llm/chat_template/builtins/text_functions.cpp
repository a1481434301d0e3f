#include "text_functions.h"

#include <algorithm>

#include <baton/llm/chat_template/python_text.h>
#include <baton/llm/template_values/unicode.h>

namespace baton::llm::jinja {
namespace {

// An empty text that keeps the kind (Markup or not) and, while empty, the mark of `text`.
Builder like(Interpreter& in, const Text& text) {
  Text start({}, text.all_from_template());
  start.markup = text.markup;
  return Builder(in, std::move(start));
}

std::string mapped(std::string_view bytes, std::size_t at, const Character& c, Case wanted, bool first, bool after_cased) {
  if (c.code < 0) return std::string(bytes.substr(at, c.size));
  bool up = wanted == Case::upper || (wanted == Case::swap && is_lower(c.code));
  if (wanted == Case::swap && !is_lower(c.code) && !is_upper(c.code)) return std::string(bytes.substr(at, c.size));
  if (up) return upper_of(c.code);
  if ((wanted == Case::capitalize && first) || (wanted == Case::title && !after_cased)) return title_of(c.code);
  if (c.code == 0x3A3) return is_final_sigma(bytes, at) ? "\u03C2" : "\u03C3";
  return lower_of(c.code);
}

Value piece(Interpreter& in, const Text& text, std::size_t begin, std::size_t end) { return in.make_text(text.slice(begin, end)); }

bool spaces_at(const std::string& bytes, std::size_t at) { return is_space(character_at(bytes, at).code); }

std::vector<Value> split_on_space(Interpreter& in, const Text& text, Integer limit) {
  std::vector<Value> parts;
  const std::string& bytes = text.bytes();
  std::size_t at = 0;
  auto skip = [&](bool space) {
    while (at < bytes.size() && spaces_at(bytes, at) == space) at += character_at(bytes, at).size;
  };
  for (skip(true); at < bytes.size() && !in.failed(); skip(true)) {
    std::size_t begin = at;
    if (limit >= 0 && static_cast<Integer>(parts.size()) >= limit) {
      parts.push_back(piece(in, text, begin, bytes.size()));
      break;
    }
    skip(false);
    parts.push_back(piece(in, text, begin, at));
  }
  return parts;
}

std::vector<Value> split_on_space_from_right(Interpreter& in, const Text& text, Integer limit) {
  std::vector<Value> parts;
  const std::string& bytes = text.bytes();
  std::size_t end = bytes.size();
  auto skip = [&](bool space) {
    while (end > 0) {
      std::size_t before = character_before(bytes, end);
      if (spaces_at(bytes, before) != space) break;
      end = before;
    }
  };
  for (skip(true); end > 0 && !in.failed(); skip(true)) {
    std::size_t stop = end;
    if (limit >= 0 && static_cast<Integer>(parts.size()) >= limit) {
      parts.push_back(piece(in, text, 0, stop));
      break;
    }
    skip(false);
    parts.push_back(piece(in, text, end, stop));
  }
  std::reverse(parts.begin(), parts.end());
  return parts;
}

}  // namespace

Text with_case(Interpreter& in, const Text& text, Case wanted) {
  Builder builder = like(in, text);
  const std::string& bytes = text.bytes();
  bool after_cased = false;
  for (std::size_t at = 0; at < bytes.size();) {
    Character c = character_at(bytes, at);
    if (!builder.add(mapped(bytes, at, c, wanted, at == 0, after_cased), text.from_template(at)) || !in.charge()) break;
    after_cased = c.code >= 0 && is_cased(c.code);
    at += c.size;
  }
  return builder.take();
}

Text replaced(Interpreter& in, const Text& text, const Text& old, const Text& with, Integer count) {
  Builder builder = like(in, text);
  const std::string& bytes = text.bytes();
  std::size_t at = 0;
  if (!in.charge_search(text, old)) return {};
  if (old.empty()) {  // before every character, and at the end
    while (count != 0 && in.charge()) {
      builder.add(with);
      --count;
      if (at == bytes.size()) return builder.take();
      std::size_t size = character_at(bytes, at).size;
      builder.add(text, at, at + size);
      at += size;
    }
  }
  while (count != 0 && in.charge()) {
    std::size_t found = old.empty() ? std::string::npos : bytes.find(old.bytes(), at);
    if (found == std::string::npos) break;
    builder.add(text, at, found);
    builder.add(with);
    at = found + old.size();
    --count;
  }
  builder.add(text, at, bytes.size());
  return builder.take();
}

Text joined(Interpreter& in, const Text& separator, const std::vector<Value>& items) {
  Builder builder(in, Text({}, separator.all_from_template()));
  for (std::size_t i = 0; i < items.size() && in.charge(); ++i) {
    if (i) builder.add(separator);
    builder.add(to_str(in, items[i]));
  }
  return builder.take();
}

Text reversed(Interpreter& in, const Text& text) {
  Builder builder = like(in, text);
  for (std::size_t end = text.size(); end > 0 && in.charge();) {
    std::size_t before = character_before(text.bytes(), end);
    builder.add(text, before, end);
    end = before;
  }
  return builder.take();
}

std::vector<Value> split(Interpreter& in, const Text& text, const Text* separator, Integer limit) {
  if (!separator) return split_on_space(in, text, limit);
  std::vector<Value> parts;
  if (separator->empty()) {
    in.fail("empty separator");
    return parts;
  }
  std::size_t at = 0;
  if (!in.charge_search(text, *separator)) return parts;
  while ((limit < 0 || static_cast<Integer>(parts.size()) < limit) && in.charge()) {
    std::size_t found = text.bytes().find(separator->bytes(), at);
    if (found == std::string::npos) break;
    parts.push_back(piece(in, text, at, found));
    at = found + separator->size();
  }
  parts.push_back(piece(in, text, at, text.size()));
  return parts;
}

std::vector<Value> split_from_right(Interpreter& in, const Text& text, const Text* separator, Integer limit) {
  if (!separator) return split_on_space_from_right(in, text, limit);
  std::vector<Value> parts;
  if (separator->empty()) {
    in.fail("empty separator");
    return parts;
  }
  std::size_t end = text.size();
  if (!in.charge_search(text, *separator)) return parts;
  while ((limit < 0 || static_cast<Integer>(parts.size()) < limit) && in.charge()) {
    std::size_t found = end < separator->size() ? std::string::npos : text.bytes().rfind(separator->bytes(), end - separator->size());
    if (found == std::string::npos) break;
    parts.push_back(piece(in, text, found + separator->size(), end));
    end = found;
  }
  parts.push_back(piece(in, text, 0, end));
  std::reverse(parts.begin(), parts.end());
  return parts;
}

std::vector<Value> split_lines(Interpreter& in, const Text& text, bool keep_ends) {
  std::vector<Value> lines;
  const std::string& bytes = text.bytes();
  std::size_t begin = 0;
  for (std::size_t at = 0; at < bytes.size() && !in.failed();) {
    Character c = character_at(bytes, at);
    bool ends =
        (c.code >= 0x0A && c.code <= 0x0D) || (c.code >= 0x1C && c.code <= 0x1E) || c.code == 0x85 || c.code == 0x2028 || c.code == 0x2029;
    std::size_t next = at + c.size;
    if (ends) {
      if (c.code == '\r' && next < bytes.size() && bytes[next] == '\n') ++next;
      lines.push_back(piece(in, text, begin, keep_ends ? next : at));
      begin = next;
    }
    at = next;
  }
  if (begin < bytes.size()) lines.push_back(piece(in, text, begin, bytes.size()));
  return lines;
}

Text padded(Interpreter& in, const Text& text, const Text& fill, Integer before, Integer after) {
  Builder builder = like(in, text);
  bool mark = text.all_from_template() && fill.all_from_template();
  for (Integer i = 0; i < before && in.charge() && builder.add(fill.bytes(), mark); ++i) continue;
  builder.add(text);
  for (Integer i = 0; i < after && in.charge() && builder.add(fill.bytes(), mark); ++i) continue;
  return builder.take();
}

Integer lacking(const Text& text, Integer width) {
  return std::max<Integer>(0, width - static_cast<Integer>(count_characters(text.bytes())));
}

Text centered(Interpreter& in, const Text& text, Integer width, const Text& fill) {
  Integer missing = lacking(text, width);
  Integer before = missing / 2 + (missing & width & 1);  // the odd one goes to the left when the width is odd
  return padded(in, text, fill, before, missing - before);
}

std::size_t clamped(Integer index, std::size_t length) {
  auto size = static_cast<Integer>(length);
  if (index < 0) index += size;
  return static_cast<std::size_t>(index < 0 ? 0 : index > size ? size : index);
}

}  // namespace baton::llm::jinja
