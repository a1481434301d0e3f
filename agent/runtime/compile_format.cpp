#include "compile_format.h"

#include <baton/llm/constraint/compiled_format.h>

namespace baton::agent {
namespace {

std::optional<llm::OutputFormat> output_format(const Json& text_format) {
  using Kind = llm::OutputFormat::Kind;
  const std::string type = string_of(text_format, "type");
  if (type == "json_object") return llm::OutputFormat{.kind = Kind::json_object};
  if (type == "json_schema") return llm::OutputFormat{.kind = Kind::json_schema, .schema = text_format.value("schema", Json())};
  if (type == "baton.regex") return llm::OutputFormat{.kind = Kind::regex, .text = string_of(text_format, "pattern")};
  if (type == "baton.grammar") return llm::OutputFormat{.kind = Kind::grammar, .text = string_of(text_format, "definition")};
  return std::nullopt;
}

}  // namespace

llm::Result<void> compile_format(TextFormat& format) {
  auto wanted = format.compiled ? std::nullopt : output_format(format.json);
  if (!wanted) return {};
  auto compiled = llm::CompiledFormat::compile(std::move(*wanted));
  if (!compiled) return compiled.error();
  format.compiled = std::move(*compiled);
  return {};
}

}  // namespace baton::agent
