#include <algorithm>
#include <map>

#include <baton/llm/chat_template/bind.h>
#include <baton/llm/chat_template/operators.h>
#include <baton/llm/template_values/unicode.h>
#include "format.h"
#include "methods.h"
#include "text_functions.h"

namespace baton::llm::jinja {
namespace {

using Method = Value (*)(Interpreter&, const Text&, Arguments&);

template <Case wanted>
Value change_case(Interpreter& in, const Text& text, Arguments& arguments) {
  return Parameters(in, "str case method", arguments, {}) ? Value::text(with_case(in, text, wanted)) : Value();
}

template <bool left, bool right>
Value strip(Interpreter& in, const Text& text, Arguments& arguments) {
  Parameters given(in, "strip", arguments, {""});
  if (!given) return {};
  bool spaces = !given[0] || given[0]->is_none();
  const Text* chars = spaces ? nullptr : given.text(0);
  if (!spaces && !chars) return {};
  if (chars && !in.charge_search(text, *chars)) return {};
  return in.make_text(stripped(text, chars, left, right));
}

template <bool from_right>
Value split_method(Interpreter& in, const Text& text, Arguments& arguments) {
  Parameters given(in, "split", arguments, {"sep", "maxsplit"});
  Integer limit = -1;
  if (!given.integer(1, limit)) return {};
  bool spaces = !given[0] || given[0]->is_none();
  const Text* separator = spaces ? nullptr : given.text(0);
  if (!spaces && !separator) return {};
  return in.make_list(from_right ? split_from_right(in, text, separator, limit) : split(in, text, separator, limit),
                      text.all_from_template());
}

Value split_lines_method(Interpreter& in, const Text& text, Arguments& arguments) {
  Parameters given(in, "splitlines", arguments, {"keepends"});
  bool keep = false;
  if (!given.truth(0, keep)) return {};
  return in.make_list(split_lines(in, text, keep), text.all_from_template());
}

Value replace(Interpreter& in, const Text& text, Arguments& arguments) {
  Parameters given(in, "replace", arguments, {"", "", ""}, 2);
  Integer count = -1;
  const Text* old = given.text(0);
  const Text* with = given.text(1);
  if (!old || !with || !given.integer(2, count)) return {};
  if (!text.markup) return Value::text(replaced(in, text, *old, *with, count));
  return Value::text(replaced(in, text, old->markup ? *old : escaped(in, *old), with->markup ? *with : escaped(in, *with), count));
}

Value join(Interpreter& in, const Text& text, Arguments& arguments) {
  Parameters given(in, "join", arguments, {""}, 1);
  std::vector<Value> items;
  if (!given || !in.iterate(*given[0], items)) return {};
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (!items[i].text() && !text.markup)
      return in.fail("sequence item " + std::to_string(i) + ": expected str instance, " + items[i].type_name() + " found");
  }
  return Value::text(joined(in, text, items));
}

// The part of `text` selected by the optional arguments `first` and `first + 1` (in characters).
bool refined(Interpreter& in, Parameters& given, std::size_t first, const Text& text, std::size_t& begin, std::size_t& end) {
  begin = 0;
  end = text.size();
  if (!given) return false;
  if (!given[first] && !given[first + 1]) return true;
  std::size_t length = count_characters(text.bytes());
  Integer start = 0;
  auto stop = static_cast<Integer>(length);
  if (!in.charge(text.size() / 8) || !given.integer(first, start, true) || !given.integer(first + 1, stop, true)) return false;
  if (start > static_cast<Integer>(length)) return false;
  begin = offset_of(text.bytes(), clamped(start, length));
  end = std::max(begin, offset_of(text.bytes(), clamped(stop, length)));
  return true;
}

template <bool from_right, bool must>
Value find(Interpreter& in, const Text& text, Arguments& arguments) {
  Parameters given(in, from_right ? "rfind" : "find", arguments, {"", "", ""}, 1);
  const Text* part = given.text(0);
  std::size_t begin = 0;
  std::size_t end = 0;
  Integer found = -1;
  if (!part) return {};
  if (refined(in, given, 1, text, begin, end) && in.charge_search(text, *part)) {
    std::string_view inside = std::string_view(text.bytes()).substr(begin, end - begin);
    std::size_t at = from_right ? inside.rfind(part->bytes()) : inside.find(part->bytes());
    if (at != std::string_view::npos) found = static_cast<Integer>(count_characters(std::string_view(text.bytes()).substr(0, begin + at)));
  }
  if (must && found < 0) return in.fail("substring not found");
  return Value::integer(found, text.all_from_template());
}

Value count(Interpreter& in, const Text& text, Arguments& arguments) {
  Parameters given(in, "count", arguments, {"", "", ""}, 1);
  const Text* part = given.text(0);
  std::size_t begin = 0;
  std::size_t end = 0;
  if (!part) return {};
  if (!in.charge_search(text, *part) || !refined(in, given, 1, text, begin, end)) return Value::integer(0, text.all_from_template());
  std::string_view inside = std::string_view(text.bytes()).substr(begin, end - begin);
  Integer found = 0;
  if (part->empty()) {
    found = static_cast<Integer>(count_characters(inside)) + 1;
  } else {
    for (std::size_t at = inside.find(part->bytes()); at != std::string_view::npos && in.charge();
         at = inside.find(part->bytes(), at + part->size()))
      ++found;
  }
  return Value::integer(found, text.all_from_template());
}

template <bool ends>
Value starts_or_ends_with(Interpreter& in, const Text& text, Arguments& arguments) {
  Parameters given(in, ends ? "endswith" : "startswith", arguments, {"", "", ""}, 1);
  std::size_t begin = 0;
  std::size_t end = 0;
  if (!given) return {};
  std::vector<Value> parts{*given[0]};
  if (Sequence* tuple = given[0]->sequence(Sequence::Type::tuple)) parts = tuple->items;
  bool inside = refined(in, given, 1, text, begin, end);
  bool found = false;
  for (const Value& value : parts) {
    const Text* part = value.text();
    if (!part)
      return in.fail(std::string(ends ? "endswith" : "startswith") + " first arg must be str or a tuple of str, not " + value.type_name());
    if (!inside || part->size() > end - begin || !in.charge(part->size() / 64)) continue;
    found = found || text.bytes().compare(ends ? end - part->size() : begin, part->size(), part->bytes()) == 0;
  }
  return Value::boolean(found);
}

// Whether every character has the property; false for an empty text.
template <bool (*property)(std::int32_t)>
Value every(Interpreter& in, const Text& text, Arguments& arguments) {
  if (!Parameters(in, "str test method", arguments, {})) return {};
  bool all = !text.empty();
  for (std::size_t at = 0; all && at < text.size() && in.charge();) {
    Character c = character_at(text.bytes(), at);
    all = property(c.code);
    at += c.size;
  }
  return Value::boolean(all);
}

template <bool upper>
Value is_cased_as(Interpreter& in, const Text& text, Arguments& arguments) {
  if (!Parameters(in, upper ? "isupper" : "islower", arguments, {})) return {};
  return Value::boolean(upper ? is_upper_text(text.bytes()) : is_lower_text(text.bytes()));
}

Value is_title_text(Interpreter& in, const Text& text, Arguments& arguments) {
  if (!Parameters(in, "istitle", arguments, {})) return {};
  bool any = false;
  bool after_cased = false;
  for (std::size_t at = 0; at < text.size();) {
    Character c = character_at(text.bytes(), at);
    bool capital = is_upper(c.code) || is_title(c.code);
    bool small = is_lower(c.code);
    if ((capital && after_cased) || (small && !after_cased)) return Value::boolean(false);
    after_cased = capital || small;
    any = any || after_cased;
    at += c.size;
  }
  return Value::boolean(any);
}

template <bool left, bool right>
Value justify(Interpreter& in, const Text& text, Arguments& arguments) {
  Parameters given(in, "justify", arguments, {"", ""}, 1);
  Integer width = 0;
  if (!given.integer(0, width)) return {};
  Text space(" ", true);
  const Text* fill = given[1] ? given.text(1) : &space;
  if (!fill) return {};
  if (count_characters(fill->bytes()) != 1) return in.fail("The fill character must be exactly one character long");
  Integer missing = lacking(text, width);
  if (left && right) return Value::text(centered(in, text, width, *fill));
  return Value::text(padded(in, text, *fill, left ? missing : 0, left ? 0 : missing));
}

Value zero_fill(Interpreter& in, const Text& text, Arguments& arguments) {
  Parameters given(in, "zfill", arguments, {""}, 1);
  Integer width = 0;
  if (!given.integer(0, width)) return {};
  std::size_t sign = !text.empty() && (text.bytes()[0] == '+' || text.bytes()[0] == '-') ? 1 : 0;
  Text filled = padded(in, text.slice(sign, text.size()), Text("0", true), lacking(text, width), 0);
  return Value::text(concatenated(in, text.slice(0, sign), filled));
}

template <bool from_right>
Value partition(Interpreter& in, const Text& text, Arguments& arguments) {
  Parameters given(in, "partition", arguments, {""}, 1);
  const Text* separator = given.text(0);
  if (!separator) return {};
  if (separator->empty()) return in.fail("empty separator");
  if (!in.charge_search(text, *separator)) return {};
  std::size_t at = from_right ? text.bytes().rfind(separator->bytes()) : text.bytes().find(separator->bytes());
  std::vector<Value> parts;
  if (at == std::string::npos) {
    Value nothing = Value::text(text.slice(0, 0));
    parts =
        from_right ? std::vector<Value>{nothing, nothing, in.make_text(text)} : std::vector<Value>{in.make_text(text), nothing, nothing};
  } else {
    parts = {in.make_text(text.slice(0, at)), Value::text(*separator), in.make_text(text.slice(at + separator->size(), text.size()))};
  }
  return in.make_sequence(Sequence::Type::tuple, std::move(parts), text.all_from_template());
}

template <bool suffix>
Value remove_affix(Interpreter& in, const Text& text, Arguments& arguments) {
  Parameters given(in, suffix ? "removesuffix" : "removeprefix", arguments, {""}, 1);
  const Text* affix = given.text(0);
  if (!affix) return {};
  std::size_t size = affix->size();
  bool fits = size <= text.size() && text.bytes().compare(suffix ? text.size() - size : 0, size, affix->bytes()) == 0;
  if (!fits) return in.make_text(text);
  return in.make_text(suffix ? text.slice(0, text.size() - size) : text.slice(size, text.size()));
}

bool is_alphanumeric(std::int32_t code) { return is_alpha(code) || is_numeric(code); }
bool is_ascii(std::int32_t code) { return code >= 0 && code < 0x80; }

// isascii and isprintable hold for an empty text.
template <bool (*property)(std::int32_t)>
Value every_or_empty(Interpreter& in, const Text& text, Arguments& arguments) {
  return text.empty() ? Value::boolean(true) : every<property>(in, text, arguments);
}

const std::map<std::string_view, Method>& methods() {
  static const std::map<std::string_view, Method> kMethods = {
      {"capitalize", change_case<Case::capitalize>},
      {"center", justify<true, true>},
      {"count", count},
      {"endswith", starts_or_ends_with<true>},
      {"find", find<false, false>},
      {"format", format_braces},
      {"index", find<false, true>},
      {"isalnum", every<is_alphanumeric>},
      {"isalpha", every<is_alpha>},
      {"isascii", every_or_empty<is_ascii>},
      {"isdecimal", every<is_decimal>},
      {"isdigit", every<is_digit>},
      {"islower", is_cased_as<false>},
      {"isnumeric", every<is_numeric>},
      {"isprintable", every_or_empty<is_printable>},
      {"isspace", every<is_space>},
      {"istitle", is_title_text},
      {"isupper", is_cased_as<true>},
      {"join", join},
      {"ljust", justify<false, true>},
      {"lower", change_case<Case::lower>},
      {"lstrip", strip<true, false>},
      {"partition", partition<false>},
      {"removeprefix", remove_affix<false>},
      {"removesuffix", remove_affix<true>},
      {"replace", replace},
      {"rfind", find<true, false>},
      {"rindex", find<true, true>},
      {"rjust", justify<true, false>},
      {"rpartition", partition<true>},
      {"rsplit", split_method<true>},
      {"rstrip", strip<false, true>},
      {"split", split_method<false>},
      {"splitlines", split_lines_method},
      {"startswith", starts_or_ends_with<false>},
      {"strip", strip<true, true>},
      {"swapcase", change_case<Case::swap>},
      {"title", change_case<Case::title>},
      {"upper", change_case<Case::upper>},
      {"zfill", zero_fill},
  };
  return kMethods;
}

}  // namespace

std::optional<Value> text_method(Interpreter& in, const Value& object, std::string_view name) {
  auto found = methods().find(name);
  if (found == methods().end()) {
    for (std::string_view other : {"casefold", "encode", "expandtabs", "format_map", "isidentifier", "maketrans", "translate"}) {
      if (name == other) return in.fail("the method str." + std::string(name) + " is not supported");
    }
    return std::nullopt;
  }
  return in.make_function(std::string(name), 0, [object, method = found->second](Interpreter& run, Arguments& arguments) {
    return run.charge_reading(object, arguments) ? method(run, *object.text(), arguments) : Value();
  });
}

}  // namespace baton::llm::jinja
