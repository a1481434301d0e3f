#include "filters.h"

#include "tests.h"
#include "text_functions.h"

namespace baton::llm::jinja {
namespace {

Filter find_filter(std::string_view name) {
  for (auto table : {text_filter, sequence_filter, selection_filter, scalar_filter}) {
    if (Filter filter = table(name)) return filter;
  }
  return nullptr;
}

}  // namespace

bool has_filter(std::string_view name) { return find_filter(name) != nullptr; }

AttributePath::AttributePath(const Value& given) {
  const Text* text = given.text();
  if (!text) {
    if (!given.is_none()) steps_.push_back(given);
    return;
  }
  const std::string& path = text->bytes();
  for (std::size_t at = 0; at <= path.size();) {
    std::size_t dot = std::min(path.find('.', at), path.size());
    std::string part = path.substr(at, dot - at);
    bool index = !part.empty() && part.size() < 10 && part.find_first_not_of("0123456789") == std::string::npos;
    steps_.push_back(index ? Value::integer(std::stoi(part)) : Value::text(part, true));
    at = dot + 1;
  }
}

Value AttributePath::get(Interpreter& in, const Value& item, const Value* fallback) const {
  Value value = item;
  for (const Value& step : steps_) {
    value = in.item(value, step);
    if (in.failed()) return {};
    if (fallback && !fallback->is_none() && value.is_undefined()) value = *fallback;
  }
  return value;
}

Value case_folded(Interpreter& in, const Value& value) {
  return value.text() ? Value::text(with_case(in, *value.text(), Case::lower)) : value;
}

Value Interpreter::apply_filter(const std::string& name, const Value& subject, Arguments& arguments) {
  if (!charge_reading(subject, arguments)) return {};
  if (Filter filter = find_filter(name)) return filter(*this, subject, arguments);
  for (std::string_view known : {"filesizeformat", "pprint", "random", "striptags", "urlencode", "urlize", "wordwrap", "xmlattr"}) {
    if (name == known) return fail("the filter '" + name + "' is not supported");
  }
  return fail("No filter named '" + name + "'.");
}

bool Interpreter::apply_test(const std::string& name, const Value& subject, Arguments& arguments) {
  if (!charge_reading(subject, arguments)) return false;
  if (Test test = find_test(name)) return test(*this, subject, arguments);
  fail("No test named '" + name + "'.");
  return false;
}

}  // namespace baton::llm::jinja
