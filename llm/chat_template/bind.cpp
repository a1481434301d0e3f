#include "bind.h"

namespace baton::llm::jinja {

Parameters::Parameters(Interpreter& in, const std::string& function, const Arguments& arguments,
                       std::initializer_list<std::string_view> names, std::size_t required)
    : in_(in), function_(function), values_(names.size(), nullptr) {
  std::string problem = assign(arguments, names, required);
  if (!problem.empty()) in.fail(function_ + "() " + problem);
  ok_ = !in.failed();
}

std::string Parameters::assign(const Arguments& arguments, std::initializer_list<std::string_view> names, std::size_t required) {
  if (arguments.positional.size() > names.size()) {
    return "takes at most " + std::to_string(names.size()) + " argument(s), " + std::to_string(arguments.positional.size()) + " given";
  }
  for (std::size_t i = 0; i < arguments.positional.size(); ++i) values_[i] = &arguments.positional[i];
  for (const auto& [name, value] : arguments.named) {
    std::size_t i = 0;
    while (i < names.size() && (names.begin()[i].empty() || names.begin()[i] != name)) ++i;
    if (i == names.size()) return "got an unexpected keyword argument '" + name + "'";
    if (values_[i]) return "got multiple values for argument '" + name + "'";
    values_[i] = &value;
  }
  for (std::size_t i = 0; i < required; ++i) {
    if (!values_[i]) return "needs " + std::to_string(required) + " argument(s)";
  }
  return {};
}

bool Parameters::integer(std::size_t i, Integer& value, bool none_is_absent) {
  if (!ok_ || in_.failed()) return false;
  const Value* given = values_[i];
  if (!given || (none_is_absent && given->is_none()) || given->to_integer(value)) return true;
  in_.fail(function_ + "(): '" + given->type_name() + "' object cannot be interpreted as an integer");
  return false;
}

bool Parameters::truth(std::size_t i, bool& value) const {
  if (values_[i]) value = values_[i]->truth();
  return ok_;
}

const Text* Parameters::text(std::size_t i) {
  if (!ok_ || in_.failed()) return nullptr;
  const Text* text = values_[i] ? values_[i]->text() : nullptr;
  if (!text)
    in_.fail(function_ + "(): argument " + std::to_string(i + 1) + " must be str, not " + (values_[i] ? values_[i]->type_name() : "None"));
  return text;
}

}  // namespace baton::llm::jinja
