#pragma once
// The formats of json_schema/formats.h as regular expressions.
#include <string_view>

namespace baton::llm {

struct FormatPattern {
  std::string_view name;
  const char* regex;  // of the whole text
  const char* loose;  // what of the format it cannot say; null: nothing
};

const FormatPattern* format_pattern(std::string_view name);  // null: none of these

}  // namespace baton::llm
