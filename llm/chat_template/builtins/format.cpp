#include "format.h"

#include <algorithm>
#include <cmath>

#include <baton/llm/chat_template/operators.h>
#include <baton/llm/chat_template/python_text.h>
#include <baton/llm/template_values/unicode.h>

namespace baton::llm::jinja {
namespace {

// A number of at most nine digits at `at`; a longer one exceeds every limit anyway and fails there.
Integer read_number(std::string_view text, std::size_t& at) {
  Integer number = 0;
  for (; at < text.size() && is_ascii_digit(text[at]); ++at) number = std::min<Integer>(number * 10 + (text[at] - '0'), 1'000'000'000);
  return number;
}

// ---- "%s" % values

class Percent {
 public:
  Percent(Interpreter& in, const Text& format, const Value& values) : in_(in), format_(format), values_(values), to_(in, start(format)) {
    if (Sequence* tuple = values.sequence(Sequence::Type::tuple)) {
      items_ = tuple->items;
    } else {
      items_ = {values};
      single_ = true;
    }
  }

  Value run() {
    const std::string& bytes = format_.bytes();
    std::size_t at = 0;
    while (!in_.failed()) {
      std::size_t percent = std::min(bytes.find('%', at), bytes.size());
      to_.add(format_, at, percent);
      if (percent == bytes.size()) break;
      at = percent + 1;
      if (at < bytes.size() && bytes[at] == '%') {
        to_.add(format_, at, at + 1);
        ++at;
        continue;
      }
      field(at);
    }
    // A single value that Python can subscript may stay unused.
    bool subscriptable = values_.dict() || values_.is_undefined() || (values_.sequence() && !values_.sequence()->is_iterator());
    bool unused = !mapped_ && next_ < items_.size() && !(single_ && subscriptable);
    if (unused) in_.fail("not all arguments converted during string formatting");
    return in_.failed() ? Value() : to_.value();
  }

 private:
  static Text start(const Text& format) {
    Text text({}, format.all_from_template());
    text.markup = format.markup;
    return text;
  }

  Value next() {
    if (next_ >= items_.size()) return in_.fail("not enough arguments for format string");
    return items_[next_++];
  }

  Value mapped(std::string_view key) {
    mapped_ = true;
    if (!values_.dict()) return in_.fail("format requires a mapping");
    const Value* found = values_.dict()->find_text(key);
    return found ? *found : in_.fail("the mapping has no key " + repr_of(key));
  }

  // A width or precision: digits, or '*' for one from the values.
  Integer number(std::size_t& at) {
    const std::string& bytes = format_.bytes();
    if (at >= bytes.size() || bytes[at] != '*') return read_number(bytes, at);
    ++at;
    Integer result = 0;
    if (!next().to_integer(result)) in_.fail("* wants int");
    return std::min<Integer>(result, 1'000'000'000);
  }

  void field(std::size_t& at) {
    const std::string& bytes = format_.bytes();
    std::optional<Value> value;
    if (at < bytes.size() && bytes[at] == '(') {
      std::size_t close = bytes.find(')', at);
      if (close == std::string::npos) {
        in_.fail("incomplete format key");
        return;
      }
      value = mapped(std::string_view(bytes).substr(at + 1, close - at - 1));
      at = close + 1;
    }
    FormatSpec spec;
    spec.align = '>';
    for (; at < bytes.size() && std::string_view("#0- +").find(bytes[at]) != std::string_view::npos; ++at) {
      if (bytes[at] == '#') spec.alternate = true;
      if (bytes[at] == '-') spec.align = '<';
      if (bytes[at] == '+') spec.sign = '+';
      if (bytes[at] == ' ' && spec.sign != '+') spec.sign = ' ';
      if (bytes[at] == '0' && spec.align != '<') {
        spec.align = '=';
        spec.fill = "0";
      }
    }
    spec.width = number(at);
    if (at < bytes.size() && bytes[at] == '.') spec.precision = std::max<Integer>(0, number(++at));
    while (at < bytes.size() && (bytes[at] == 'h' || bytes[at] == 'l' || bytes[at] == 'L')) ++at;
    if (at >= bytes.size()) {
      in_.fail("incomplete format");
      return;
    }
    char letter = bytes[at++];
    if (spec.align == '<') spec.fill = " ";
    if (!value) value = next();
    if (!in_.failed()) write(letter, *value, spec);
  }

  void write(char letter, const Value& value, FormatSpec spec) {
    if (letter == 's' || letter == 'r' || letter == 'a' || (letter == 'c' && value.text())) {
      if (spec.align == '=') {
        spec.align = '>';
        spec.fill = " ";
      }
      Text text = letter == 's' || letter == 'c' ? to_str(in_, value) : to_repr(in_, value);
      if (format_.markup && !(value.text() && value.text()->markup)) text = escaped(in_, text);
      return write_formatted(to_, in_, Value::text(std::move(text)), spec);
    }
    if (value.is_undefined()) {
      in_.fail_undefined(value);
      return;
    }
    bool integer = std::string_view("diuxXoc").find(letter) != std::string_view::npos;
    bool real = std::string_view("eEfFgG").find(letter) != std::string_view::npos;
    if (!integer && !real) {
      in_.fail(std::string("unsupported format character '") + letter + "'");
      return;
    }
    double number = 0;
    if (!value.to_number(number)) {
      in_.fail(std::string("%") + letter + " format: a number is required, not " + value.type_name());
      return;
    }
    spec.type = letter == 'i' || letter == 'u' ? 'd' : letter;
    Value argument = value;
    if (integer && value.floating()) {
      if (!(std::abs(number) < 1e30) || spec.type != 'd') {
        in_.fail(std::string("%") + letter + " format: an integer is required, not float");
        return;
      }
      argument = Value::integer(static_cast<Integer>(number), value.from_template());
    }
    write_formatted(to_, in_, argument, spec);
  }

  Interpreter& in_;
  const Text& format_;
  const Value& values_;
  Builder to_;
  std::vector<Value> items_;
  std::size_t next_ = 0;
  bool single_ = false;
  bool mapped_ = false;
};

// ---- "{}".format(values)

class Braces {
 public:
  Braces(Interpreter& in, Arguments& arguments) : in_(in), arguments_(arguments) {}

  // A spec may contain fields of its own, one level deep.
  void write(Builder& to, const Text& format, int depth) {
    const std::string& bytes = format.bytes();
    std::size_t at = 0;
    while (at < bytes.size() && in_.charge()) {
      std::size_t brace = std::min(bytes.find_first_of("{}", at), bytes.size());
      to.add(format, at, brace);
      if (brace == bytes.size()) return;
      at = brace + 1;
      if (at < bytes.size() && bytes[at] == bytes[brace]) {
        to.add(format, at, at + 1);
        ++at;
        continue;
      }
      if (bytes[brace] == '}') {
        in_.fail("Single '}' encountered in format string");
        return;
      }
      std::size_t end = field_end(bytes, at);
      if (end == std::string::npos || depth > 1) {
        in_.fail(depth > 1 ? "Max string recursion exceeded" : "expected '}' before end of string");
        return;
      }
      field(to, format.slice(at, end), depth);
      at = end + 1;
    }
  }

 private:
  static std::size_t field_end(const std::string& bytes, std::size_t at) {
    for (int open = 1; at < bytes.size(); ++at) {
      if (bytes[at] == '{') ++open;
      if (bytes[at] == '}' && --open == 0) return at;
    }
    return std::string::npos;
  }

  // name[.attribute | [item]]*[!conversion][:spec]
  void field(Builder& to, const Text& text, int depth) {
    const std::string& bytes = text.bytes();
    std::size_t name_end = 0;
    for (bool bracket = false; name_end < bytes.size(); ++name_end) {
      if (bytes[name_end] == '[') bracket = true;
      if (bytes[name_end] == ']') bracket = false;
      if (!bracket && (bytes[name_end] == '!' || bytes[name_end] == ':')) break;
    }
    Value value = argument(std::string_view(bytes).substr(0, name_end));
    std::size_t at = name_end;
    if (at < bytes.size() && bytes[at] == '!') {
      char conversion = at + 1 < bytes.size() ? bytes[at + 1] : '\0';
      if (conversion != 's' && conversion != 'r' && conversion != 'a') {
        in_.fail("Unknown conversion specifier");
        return;
      }
      value = Value::text(conversion == 's' ? to_str(in_, value) : to_repr(in_, value));
      at += 2;
    }
    FormatSpec spec;
    if (at < bytes.size()) {
      if (bytes[at] != ':') {
        in_.fail("expected ':' after conversion specifier");
        return;
      }
      Builder nested(in_);
      write(nested, text.slice(at + 1, bytes.size()), depth + 1);
      if (!parse(nested.text().bytes(), value, spec)) return;
    }
    if (!in_.failed()) write_formatted(to, in_, value, spec);
  }

  Value argument(std::string_view name) {
    std::size_t end = std::min(name.find_first_of(".["), name.size());
    Value value = first(name.substr(0, end));
    while (end < name.size() && !in_.failed()) {
      bool dot = name[end] == '.';
      std::size_t stop = dot ? std::min(name.find_first_of(".[", end + 1), name.size()) : name.find(']', end);
      if (stop == std::string_view::npos) return in_.fail("Missing ']' in format string");
      std::string_view part = name.substr(end + 1, stop - end - 1);
      if (part.empty()) return in_.fail("Empty attribute in format string");
      bool number = !dot && std::all_of(part.begin(), part.end(), is_ascii_digit);
      std::size_t digits = 0;
      value = dot      ? in_.attribute(value, part)
              : number ? in_.item(value, Value::integer(read_number(part, digits)))
                       : in_.item(value, Value::text(part, true));
      end = dot ? stop : stop + 1;
    }
    return value;
  }

  Value first(std::string_view name) {
    bool number = std::all_of(name.begin(), name.end(), is_ascii_digit);
    if (!number) {
      for (const auto& [key, value] : arguments_.named) {
        if (key == name) return value;
      }
      return in_.fail("format() has no argument " + repr_of(name));
    }
    std::size_t at = 0;
    bool automatic = name.empty();
    if (automatic ? manual_ : automatic_ > 0) return in_.fail("cannot mix automatic field numbering with manual field specification");
    manual_ = !automatic;
    Integer index = automatic ? automatic_++ : read_number(name, at);
    if (index >= static_cast<Integer>(arguments_.positional.size())) {
      return in_.fail("Replacement index " + decimal(index) + " out of range for positional args tuple");
    }
    return arguments_.positional[static_cast<std::size_t>(index)];
  }

  bool parse(std::string_view text, const Value& value, FormatSpec& spec) {
    std::size_t at = 0;
    std::size_t first = text.empty() ? 0 : character_at(text, 0).size;
    auto aligns = [&](std::size_t i) { return i < text.size() && std::string_view("<>=^").find(text[i]) != std::string_view::npos; };
    if (first && aligns(first)) {
      spec.fill = text.substr(0, first);
      spec.align = text[first];
      at = first + 1;
    } else if (aligns(0)) {
      spec.align = text[at++];
    }
    auto takes = [&](std::string_view any) { return at < text.size() && any.find(text[at]) != std::string_view::npos; };
    if (takes("+- ")) spec.sign = text[at++];
    if (takes("#")) {
      spec.alternate = true;
      ++at;
    }
    if (takes("0")) {
      if (!spec.align && value.is_number()) spec.align = '=';
      if (spec.fill == " ") spec.fill = "0";
      ++at;
    }
    spec.width = read_number(text, at);
    if (takes(",_")) spec.grouping = text[at++];
    if (takes(".")) {
      std::size_t begin = ++at;
      spec.precision = read_number(text, at);
      if (at == begin) in_.fail("Format specifier missing precision");
    }
    if (at < text.size()) spec.type = text[at++];
    if (at < text.size()) in_.fail("Invalid format specifier");
    return !in_.failed();
  }

  Interpreter& in_;
  Arguments& arguments_;
  Integer automatic_ = 0;
  bool manual_ = false;
};

}  // namespace

Value format_percent(Interpreter& in, const Text& format, const Value& values) { return Percent(in, format, values).run(); }

Value format_braces(Interpreter& in, const Text& format, Arguments& arguments) {
  Builder builder(in, Text({}, format.all_from_template()));
  Braces(in, arguments).write(builder, format, 0);
  return in.failed() ? Value() : builder.value();
}

}  // namespace baton::llm::jinja
