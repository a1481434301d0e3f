#pragma once
// Arguments of a filter, test, method or global, matched to its parameters as Python would.
#include <cstddef>
#include <initializer_list>
#include <string>
#include <vector>

#include "interpreter.h"

namespace baton::llm::jinja {

class Parameters {
 public:
  // `names`: one for each parameter; "" can be given by position only. Fails the interpreter on too many, too few, unknown or doubled ones.
  Parameters(Interpreter& in, const std::string& function, const Arguments& arguments, std::initializer_list<std::string_view> names,
             std::size_t required = 0);

  explicit operator bool() const { return ok_; }
  const Value* operator[](std::size_t i) const { return values_[i]; }  // null: not given
  // The defaults are kept when the argument was not given, or is None where `none_is_absent`.
  bool integer(std::size_t i, Integer& value, bool none_is_absent = false);
  bool truth(std::size_t i, bool& value) const;
  // Fails on anything but a text.
  const Text* text(std::size_t i);

 private:
  // What is wrong with the arguments, or nothing.
  std::string assign(const Arguments& arguments, std::initializer_list<std::string_view> names, std::size_t required);

  Interpreter& in_;
  std::string function_;
  std::vector<const Value*> values_;
  bool ok_ = true;
};

}  // namespace baton::llm::jinja
