#include <map>

#include <baton/llm/chat_template/bind.h>
#include <baton/llm/chat_template/python_text.h>
#include "filters.h"

namespace baton::llm::jinja {
namespace {

Value* named(Arguments& arguments, std::string_view name) {
  for (auto& [key, value] : arguments.named) {
    if (key == name) return &value;
  }
  return nullptr;
}

Value generator(Interpreter& in, const Value& subject, std::vector<Value> items) {
  return in.make_sequence(Sequence::Type::generator, std::move(items), subject.from_template());
}

Value map(Interpreter& in, const Value& subject, Arguments& arguments) {
  std::vector<Value> items;
  if (!subject.truth()) return generator(in, subject, {});
  Value* attribute = arguments.positional.empty() ? named(arguments, "attribute") : nullptr;
  if (!attribute && arguments.positional.empty()) return in.fail("map requires a filter argument");
  if (!in.iterate(subject, items)) return {};
  if (attribute) {
    AttributePath path(*attribute);
    const Value* fallback = named(arguments, "default");
    for (const auto& [name, value] : arguments.named) {
      if (name != "attribute" && name != "default") return in.fail("Unexpected keyword argument " + repr_of(name));
    }
    for (Value& item : items) item = path.get(in, item, fallback);
    return generator(in, subject, std::move(items));
  }
  if (!arguments.positional[0].text()) return in.fail("map needs the name of a filter, not " + arguments.positional[0].type_name());
  std::string filter = arguments.positional[0].text()->bytes();
  for (Value& item : items) {
    Arguments rest{{arguments.positional.begin() + 1, arguments.positional.end()}, arguments.named};
    item = in.apply_filter(filter, item, rest);
    if (in.failed()) return {};
  }
  return generator(in, subject, std::move(items));
}

// select, reject: by a test of the item, or its truth; selectattr, rejectattr: by an attribute of it.
template <bool keep, bool by_attribute>
Value select(Interpreter& in, const Value& subject, Arguments& arguments) {
  if (!subject.truth()) return generator(in, subject, {});
  std::size_t skipped = by_attribute ? 1 : 0;
  if (arguments.positional.size() < skipped) return in.fail("Missing parameter for attribute name");
  AttributePath path = by_attribute ? AttributePath(arguments.positional[0]) : AttributePath();
  bool has_test = arguments.positional.size() > skipped;
  if (has_test && !arguments.positional[skipped].text())
    return in.fail("expected the name of a test, not " + arguments.positional[skipped].type_name());
  std::string test = has_test ? arguments.positional[skipped].text()->bytes() : "";
  std::vector<Value> items;
  std::vector<Value> kept;
  if (!in.iterate(subject, items)) return {};
  for (Value& item : items) {
    Value looked_at = path.get(in, item);
    bool passes = false;
    if (has_test) {
      Arguments rest{{arguments.positional.begin() + static_cast<std::ptrdiff_t>(skipped) + 1, arguments.positional.end()},
                     arguments.named};
      passes = in.apply_test(test, looked_at, rest);
    } else {
      passes = looked_at.truth();
    }
    if (in.failed()) return {};
    if (passes == keep) kept.push_back(std::move(item));
  }
  return generator(in, subject, std::move(kept));
}

}  // namespace

Filter selection_filter(std::string_view name) {
  static const std::map<std::string_view, Filter> kFilters = {
      {"map", map},
      {"reject", select<false, false>},
      {"rejectattr", select<false, true>},
      {"select", select<true, false>},
      {"selectattr", select<true, true>},
  };
  auto found = kFilters.find(name);
  return found == kFilters.end() ? nullptr : found->second;
}

}  // namespace baton::llm::jinja
