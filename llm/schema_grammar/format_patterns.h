#pragma once
// The formats of json_schema/formats.h as regular expressions.
#include <string_view>

namespace baton::llm {

struct FormatPattern {
  std::string_view name;
  const char* regex;  // of the whole text
  const char* loose;  // the part of the format that it does not express; null: it is complete
};

const FormatPattern* format_pattern(std::string_view name);  // null: unknown

}  // namespace baton::llm
