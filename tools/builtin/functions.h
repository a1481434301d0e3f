#pragma once
// The functions and constants of calculate. Internal to the folder.
#include <string>
#include <string_view>
#include <vector>

#include "number.h"

namespace baton::tools {

struct MathFunction {
  std::string_view name;
  int min_arguments;
  int max_arguments;  // kMany: any number
  Result<Number> (*apply)(const std::vector<Number>&);

  static constexpr int kMany = 1000;
};

const MathFunction* find_function(std::string_view name);  // name in lower case; null: unknown
Result<Number> constant(std::string_view name);            // not_found: unknown
std::vector<std::string> known_names();                    // functions and constants, for suggestions

Result<Number> factorial(const Number& n);
Result<Number> square_root(const Number& x);
Real pi();

}  // namespace baton::tools
