#pragma once
// Arguments of a filter, test, method or global, matched to its parameters by Python's rules.
#include <cstddef>
#include <initializer_list>
#include <string>
#include <vector>

#include "interpreter.h"

namespace baton::llm::jinja {

class Parameters {
 public:
  // `names`: one for each parameter; "" can be given by position only. The interpreter fails on too many, too few, unknown or duplicate
  // ones.
  Parameters(Interpreter& in, const std::string& function, const Arguments& arguments, std::initializer_list<std::string_view> names,
             std::size_t required = 0);

  explicit operator bool() const { return ok_; }
  const Value* operator[](std::size_t i) const { return values_[i]; }  // null: not given
  // The defaults are kept if the argument was not given, or is None and `none_is_absent`.
  bool integer(std::size_t i, Integer& value, bool none_is_absent = false);
  bool truth(std::size_t i, bool& value) const;
  // Fails on anything but a text.
  const Text* text(std::size_t i);

 private:
  // The fault of the arguments, or empty.
  std::string assign(const Arguments& arguments, std::initializer_list<std::string_view> names, std::size_t required);

  Interpreter& in_;
  std::string function_;
  std::vector<const Value*> values_;
  bool ok_ = true;
};

}  // namespace baton::llm::jinja
