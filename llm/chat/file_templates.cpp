#include "file_templates.h"

namespace baton::llm {
namespace {

constexpr const char* kMainKey = "tokenizer.chat_template";
constexpr const char* kToolsKey = "tokenizer.chat_template.tool_use";

// Null: the file has none.
Result<std::optional<ChatTemplate>> read_tools_template(const GgufFile& file) {
  const auto source = file.get_string_or(kToolsKey, "");
  if (!source) return source.error();
  if (source->empty()) return std::optional<ChatTemplate>();
  auto parsed = ChatTemplate::parse(std::string(*source), "chat template tool_use");
  if (!parsed) return parsed.error();
  return std::optional<ChatTemplate>(std::move(*parsed));
}

}  // namespace

std::string left_out_template(const Error& error) {
  return std::string("the template for requests with tools (") + kToolsKey +
         ") cannot be used; the main template is used instead: " + error.message;
}

Result<FileTemplates> read_templates(const GgufFile& file) {
  const auto source = file.get_string_or(kMainKey, "");
  if (!source) return source.error();
  if (source->empty()) {
    return Error{errc::unsupported, file.path() + ": the file has no chat template (" + kMainKey +
                                        "), as base models have none; choose an instruct model, or give a template"};
  }
  auto parsed = ChatTemplate::parse(std::string(*source), "chat template");
  // A template's errors do not contain the file's name, because clients see those of rendering.
  if (!parsed) return Error{parsed.error().code, file.path() + ": " + parsed.error().message};
  FileTemplates templates{std::move(*parsed), std::nullopt, ""};
  auto tools = read_tools_template(file);
  if (tools) {
    templates.tools = std::move(*tools);
  } else {
    templates.why_no_tools = left_out_template(tools.error());
  }
  return templates;
}

}  // namespace baton::llm
