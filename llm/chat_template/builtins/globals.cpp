#include "globals.h"

#include <algorithm>
#include <ctime>

#include <baton/llm/chat_template/bind.h>
#include <baton/llm/chat_template/python_text.h>

namespace baton::llm::jinja {
namespace {

// The sandbox's own limit on range().
constexpr Integer kMaxRange = 100'000;

Value range(Interpreter& in, Arguments& arguments) {
  Parameters given(in, "range", arguments, {"", "", ""}, 1);
  Integer start = 0;
  Integer stop = 0;
  Integer step = 1;
  std::size_t count = arguments.positional.size();
  for (const Value& argument : arguments.positional) {
    if (argument.is_undefined()) return in.fail_undefined(argument);
  }
  if (!(count < 2 ? given.integer(0, stop) : given.integer(0, start) && given.integer(1, stop) && given.integer(2, step))) return {};
  if (step == 0) return in.fail("range() arg 3 must not be zero");
  constexpr Integer kBound = Integer{1} << 100;  // so that differences below cannot overflow
  for (Integer number : {start, stop, step}) {
    if (number > kBound || number < -kBound) return in.fail("range() arguments must be below 2^100");
  }
  Integer distance = step > 0 ? stop - start : start - stop;
  Integer stride = step > 0 ? step : -step;
  Integer length = distance > 0 ? (distance + stride - 1) / stride : 0;
  if (length > kMaxRange) return in.fail("Range too big. The sandbox blocks ranges larger than MAX_RANGE (" + decimal(kMaxRange) + ").");
  bool mark = true;
  for (const Value& argument : arguments.positional) mark = mark && argument.from_template();
  std::vector<Value> items;
  for (Integer i = 0; i < length; ++i) items.push_back(Value::integer(start + i * step, mark));
  Value result = in.make_sequence(Sequence::Type::range, std::move(items), mark);
  if (Sequence* made = result.sequence()) {
    made->start = start;
    made->stop = stop;
    made->step = step;
  }
  return result;
}

// The arguments of dict(..) and namespace(..): the entries of a mapping or of pairs, then the named ones.
bool entries(Interpreter& in, const char* name, Arguments& arguments, Dict& dict, bool& mark) {
  if (arguments.positional.size() > 1) {
    in.fail(std::string(name) + " expected at most 1 argument, got " + std::to_string(arguments.positional.size()));
    return false;
  }
  for (const Value& source : arguments.positional) {
    mark = mark && source.from_template();
    if (source.dict()) {
      for (const auto& [key, value] : source.dict()->items()) in.set_item(dict, key, value);
      continue;
    }
    std::vector<Value> pairs;
    if (!in.iterate(source, pairs)) return false;
    for (const Value& pair : pairs) {
      std::vector<Value> two;
      if (!in.iterate(pair, two)) return false;
      if (two.size() != 2) {
        in.fail("dictionary update sequence element has length " + std::to_string(two.size()) + "; 2 is required");
        return false;
      }
      in.set_item(dict, two[0], two[1]);
    }
  }
  for (const auto& [key, value] : arguments.named) in.set_item(dict, Value::text(key, true), value);
  return !in.failed();
}

Value dict(Interpreter& in, Arguments& arguments) {
  Dict result;
  bool mark = true;
  return entries(in, "dict", arguments, result, mark) ? in.make_dict(std::move(result), mark) : Value();
}

Value name_space(Interpreter& in, Arguments& arguments) {
  Dict attributes;
  bool mark = true;
  if (!entries(in, "namespace", arguments, attributes, mark)) return {};
  Namespace result;
  for (const auto& [key, value] : attributes.items()) {
    if (!in.charge_names(result.attributes.size())) return {};
    result.set(key.text() ? key.text()->bytes() : to_str(in, key).bytes(), value);
  }
  return in.make_namespace(std::move(result));
}

Value raise_exception(Interpreter& in, Arguments& arguments) {
  Parameters given(in, "raise_exception", arguments, {"message"}, 1);
  return given ? in.fail(to_str(in, *given[0]).bytes()) : Value();
}

Value strftime_now(Interpreter& in, Arguments& arguments) {
  Parameters given(in, "strftime_now", arguments, {"format"}, 1);
  const Text* format = given.text(0);
  if (!format) return {};
  if (!in.options().now) return in.fail("strftime_now: this template is rendered without a clock");
  return in.make_text(formatted_time(in, *format, in.options().now()));
}

int depth_of(const std::vector<Value>& values) {
  int depth = 0;
  for (const Value& value : values) depth = std::max(depth, value.depth());
  return depth;
}

Value joiner(Interpreter& in, Arguments& arguments) {
  Parameters given(in, "joiner", arguments, {"sep"});
  if (!given) return {};
  Value separator = given[0] ? *given[0] : Value::text(", ", true);
  auto used = std::make_shared<bool>(false);
  return in.make_function("<Joiner>", separator.depth(), [separator, used](Interpreter& run, Arguments& a) -> Value {
    if (!Parameters(run, "joiner", a, {})) return {};
    return std::exchange(*used, true) ? separator : Value::text("", true);
  });
}

Value cycler(Interpreter& in, Arguments& arguments) {
  if (arguments.positional.empty() || !arguments.named.empty()) return in.fail("at least one item has to be provided");
  if (depth_of(arguments.positional) >= kMaxValueDepth) return in.fail("values are nested deeper than " + std::to_string(kMaxValueDepth));
  struct State {
    std::vector<Value> items;
    std::size_t at = 0;
  };
  auto state = std::make_shared<State>(State{arguments.positional});
  auto cycle = std::make_shared<Callable>();
  int depth = depth_of(state->items) + 1;
  cycle->name = "<Cycler>";
  cycle->depth = depth;
  cycle->call = [](Interpreter& run, Arguments&) { return run.fail("'Cycler' object is not callable"); };
  cycle->attribute = [state, depth](Interpreter& run, std::string_view name) -> Value {
    if (name == "current") return state->items[state->at];
    if (name == "next") {
      return run.make_function("next", depth, [state](Interpreter&, Arguments&) {
        Value current = state->items[state->at];
        state->at = (state->at + 1) % state->items.size();
        return current;
      });
    }
    if (name == "reset") {
      return run.make_function("reset", depth, [state](Interpreter&, Arguments&) {
        state->at = 0;
        return Value::none();
      });
    }
    return {};
  };
  return {Value::Storage(std::shared_ptr<const Callable>(cycle)), true};
}

}  // namespace

Value global_named(Interpreter& in, std::string_view name) {
  struct Global {
    const char* name;
    Value (*call)(Interpreter&, Arguments&);
  };
  static constexpr Global kGlobals[] = {
      {"cycler", cycler},
      {"dict", dict},
      {"joiner", joiner},
      {"namespace", name_space},
      {"raise_exception", raise_exception},
      {"range", range},
      {"strftime_now", strftime_now},
  };
  for (const Global& global : kGlobals) {
    if (name == global.name) return in.make_function("<function " + std::string(name) + ">", 0, global.call);
  }
  return {};
}

Text formatted_time(Interpreter& in, const Text& format, const std::tm& time) {
  const std::string& bytes = format.bytes();
  Builder builder(in, Text({}, format.all_from_template()));
  for (std::size_t at = 0; at < bytes.size();) {
    std::size_t percent = std::min(bytes.find('%', at), bytes.size());
    builder.add(format, at, percent);
    std::size_t letter = percent + 1;
    while (letter < bytes.size() && std::string_view("-_0^#").find(bytes[letter]) != std::string_view::npos) ++letter;
    if (letter >= bytes.size() || letter - percent > 3) {  // a '%' that does not introduce a directive is literal
      std::size_t end = std::min(letter, bytes.size());
      builder.add(format, percent, end);
      at = end;
      continue;
    }
    at = letter + 1;
    char kind = bytes[letter];
    bool mark = format.from_template(percent);
    if (kind == 'z' || kind == 'Z') continue;  // a naive time has no zone
    if (kind == 'f') {
      builder.add("000000", mark);
    } else if (std::string_view("aAbBcCdDeFgGhHIjklmMnpPrRsStTuUVwWxXyY%").find(kind) != std::string_view::npos) {
      char buffer[128];
      std::string directive = bytes.substr(percent, at - percent);
      std::size_t size = std::strftime(buffer, sizeof buffer, directive.c_str(), &time);
      builder.add(std::string_view(buffer, size), mark);
    } else {
      builder.add(format, percent, at);
    }
  }
  return builder.take();
}

}  // namespace baton::llm::jinja
