#include <algorithm>
#include <map>

#include <baton/llm/chat_template/bind.h>
#include <baton/llm/chat_template/operators.h>
#include <baton/llm/chat_template/python_text.h>
#include <baton/llm/template_values/unicode.h>
#include "filters.h"
#include "format.h"
#include "text_functions.h"

namespace baton::llm::jinja {
namespace {

// Texts are unchanged (Markup too), every other value becomes its str().
Text soft(Interpreter& in, const Value& value) { return value.text() ? *value.text() : to_str(in, value); }

template <Case wanted>
Value change_case(Interpreter& in, const Value& subject, Arguments& arguments) {
  return Parameters(in, "case filter", arguments, {}) ? Value::text(with_case(in, soft(in, subject), wanted)) : Value();
}

// Not str.title: a word begins after white space, brackets and hyphens only, so "don't" stays one word.
Value title(Interpreter& in, const Value& subject, Arguments& arguments) {
  if (!Parameters(in, "title", arguments, {})) return {};
  Text text = soft(in, subject);
  const std::string& bytes = text.bytes();
  Builder builder(in, Text({}, text.all_from_template()));
  std::size_t at = 0;
  auto separates = [&](std::size_t offset) {
    return is_space(character_at(bytes, offset).code) || std::string_view("-({[<").find(bytes[offset]) != std::string_view::npos;
  };
  while (at < bytes.size() && in.charge()) {
    std::size_t begin = at;
    bool separator = separates(at);
    while (at < bytes.size() && separates(at) == separator) at += character_at(bytes, at).size;
    if (separator) {
      builder.add(text, begin, at);
      continue;
    }
    std::size_t second = begin + character_at(bytes, begin).size;
    builder.add(with_case(in, text.slice(begin, second), Case::upper));
    builder.add(with_case(in, text.slice(second, at), Case::lower));
  }
  return builder.value();
}

Value trim(Interpreter& in, const Value& subject, Arguments& arguments) {
  Parameters given(in, "trim", arguments, {"chars"});
  if (!given) return {};
  bool spaces = !given[0] || given[0]->is_none();
  const Text* chars = spaces ? nullptr : given.text(0);
  if (!spaces && !chars) return {};
  if (chars && subject.text() && !in.charge_search(*subject.text(), *chars)) return {};
  return in.make_text(stripped(soft(in, subject), chars, true, true));
}

Value replace(Interpreter& in, const Value& subject, Arguments& arguments) {
  Parameters given(in, "replace", arguments, {"old", "new", "count"}, 2);
  Integer count = -1;
  if (!given.integer(2, count, true)) return {};
  return Value::text(replaced(in, to_str(in, subject), to_str(in, *given[0]), to_str(in, *given[1]), count));
}

Value string(Interpreter& in, const Value& subject, Arguments& arguments) {
  return Parameters(in, "string", arguments, {}) ? in.make_text(soft(in, subject)) : Value();
}

Value safe(Interpreter& in, const Value& subject, Arguments& arguments) {
  if (!Parameters(in, "safe", arguments, {})) return {};
  Text text = to_str(in, subject);
  text.markup = true;
  return in.make_text(std::move(text));
}

Value escape(Interpreter& in, const Value& subject, Arguments& arguments) {
  if (!Parameters(in, "escape", arguments, {})) return {};
  if (subject.text() && subject.text()->markup) return subject;
  return Value::text(escaped(in, to_str(in, subject)));
}

Value force_escape(Interpreter& in, const Value& subject, Arguments& arguments) {
  return Parameters(in, "forceescape", arguments, {}) ? Value::text(escaped(in, to_str(in, subject))) : Value();
}

Value center(Interpreter& in, const Value& subject, Arguments& arguments) {
  Parameters given(in, "center", arguments, {"width"});
  Integer width = 80;
  if (!given.integer(0, width)) return {};
  return Value::text(centered(in, soft(in, subject), width, Text(" ", true)));
}

Value format(Interpreter& in, const Value& subject, Arguments& arguments) {
  if (!arguments.positional.empty() && !arguments.named.empty())
    return in.fail("can't handle positional and keyword arguments at the same time");
  Text text = soft(in, subject);
  if (arguments.named.empty()) return format_percent(in, text, in.make_sequence(Sequence::Type::tuple, arguments.positional, true));
  Dict dict;
  for (auto& [name, value] : arguments.named) in.set_item(dict, Value::text(name, true), value);
  return format_percent(in, text, in.make_dict(std::move(dict), true));
}

Value indent(Interpreter& in, const Value& subject, Arguments& arguments) {
  Parameters given(in, "indent", arguments, {"width", "first", "blank"});
  bool first = false;
  bool blank = false;
  Integer width = 4;
  bool by_text = given && given[0] && given[0]->text();
  if (!given.truth(1, first) || !given.truth(2, blank) || (!by_text && !given.integer(0, width))) return {};
  if (subject.is_undefined()) return in.fail_undefined(subject);
  if (!subject.text()) return in.fail("indent() needs a str, not " + subject.type_name());
  const Text& text = *subject.text();
  bool mark = text.all_from_template();
  Text space = by_text ? *given[0]->text() : padded(in, Text({}, mark), Text(" ", true), width, 0);
  // One more line than the text has line ends, even after a final one.
  std::vector<Value> lines = split_lines(in, concatenated(in, text, Text("\n", mark)), false);
  Builder builder(in, Text({}, mark));
  for (std::size_t i = 0; i < lines.size() && in.charge(); ++i) {
    const Text& line = *lines[i].text();
    if (i) builder.add("\n", mark);
    if (i == 0 ? first : (blank || !line.empty())) builder.add(space);
    builder.add(line);
  }
  return builder.value();
}

Value truncate(Interpreter& in, const Value& subject, Arguments& arguments) {
  Parameters given(in, "truncate", arguments, {"length", "killwords", "end", "leeway"});
  Integer length = 255;
  Integer leeway = 5;
  bool kill = false;
  if (!given.integer(0, length) || !given.truth(1, kill) || !given.integer(3, leeway, true)) return {};
  Text dots("...", true);
  const Text* end = given[2] ? given.text(2) : &dots;
  if (!end) return {};
  if (!subject.text()) return subject.is_undefined() ? in.make_text(Text()) : in.fail("truncate() needs a str, not " + subject.type_name());
  const Text& text = *subject.text();
  Integer tail = static_cast<Integer>(count_characters(end->bytes()));
  if (length < tail) return in.fail("truncate(): expected length >= " + decimal(tail) + ", got " + decimal(length));
  if (leeway < 0) return in.fail("truncate(): expected leeway >= 0, got " + decimal(leeway));
  if (static_cast<Integer>(count_characters(text.bytes())) - leeway <= length) return in.make_text(text);
  Text cut = text.slice(0, offset_of(text.bytes(), static_cast<std::size_t>(length - tail)));
  std::size_t space = kill ? std::string::npos : cut.bytes().rfind(' ');
  if (space != std::string::npos) cut = cut.slice(0, space);
  return Value::text(concatenated(in, cut, *end));
}

Value word_count(Interpreter& in, const Value& subject, Arguments& arguments) {
  if (!Parameters(in, "wordcount", arguments, {})) return {};
  Text text = soft(in, subject);
  Integer words = 0;
  bool inside = false;
  for (std::size_t at = 0; at < text.size() && in.charge();) {
    Character c = character_at(text.bytes(), at);
    bool word = is_word(c.code);
    words += word && !inside ? 1 : 0;
    inside = word;
    at += c.size;
  }
  return Value::integer(words, text.all_from_template());
}

// The arguments of json.dumps that transformers allows a template to pass.
bool read_style(Interpreter& in, Parameters& given, bool mark, JsonStyle& style) {
  if (!given.truth(0, style.ensure_ascii) || !given.truth(3, style.sort_keys)) return false;
  if (given[1] && !given[1]->is_none()) {
    style.indented = true;
    style.item_separator = Text(",", mark);
    Integer width = 0;
    if (given[1]->text()) {
      style.indent = *given[1]->text();
    } else if (given.integer(1, width)) {
      style.indent = padded(in, Text({}, true), Text(" ", true), width, 0);
    }
  }
  if (given[2] && !given[2]->is_none()) {
    std::vector<Value> two;
    if (!in.iterate(*given[2], two)) return false;
    if (two.size() != 2 || !two[0].text() || !two[1].text()) {
      in.fail("tojson(): separators must be two strings");
      return false;
    }
    style.item_separator = *two[0].text();
    style.key_separator = *two[1].text();
    style.own_separators = true;
  }
  return !in.failed();
}

Value to_json(Interpreter& in, const Value& subject, Arguments& arguments) {
  Parameters given(in, "tojson", arguments, {"ensure_ascii", "indent", "separators", "sort_keys"});
  JsonStyle style;
  bool mark = subject.from_template();
  if (!read_style(in, given, mark, style)) return {};
  Builder builder(in, Text({}, mark));
  write_json(builder, in, subject, style);
  return builder.value();
}

}  // namespace

Filter text_filter(std::string_view name) {
  static const std::map<std::string_view, Filter> kFilters = {
      {"capitalize", change_case<Case::capitalize>},
      {"center", center},
      {"e", escape},
      {"escape", escape},
      {"forceescape", force_escape},
      {"format", format},
      {"indent", indent},
      {"lower", change_case<Case::lower>},
      {"replace", replace},
      {"safe", safe},
      {"string", string},
      {"title", title},
      {"tojson", to_json},
      {"trim", trim},
      {"truncate", truncate},
      {"upper", change_case<Case::upper>},
      {"wordcount", word_count},
  };
  auto found = kFilters.find(name);
  return found == kFilters.end() ? nullptr : found->second;
}

}  // namespace baton::llm::jinja
