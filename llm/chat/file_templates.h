#pragma once
// The chat templates of a GGUF file. Some files have a second one, for requests with tools (Command R, Hermes 2 Pro).
#include <baton/llm/chat_template/chat_template.h>
#include <baton/llm/gguf/gguf.h>

#include <optional>
#include <string>

namespace baton::llm {

struct FileTemplates {
  ChatTemplate main;
  std::optional<ChatTemplate> tools;  // null: the main one is used
  std::string why_no_tools;           // why the file's template for tools is not used; empty: there is none, or it is used

  const ChatTemplate& for_requests(bool with_tools) const { return with_tools && tools ? *tools : main; }
};

// errc::unsupported if the file has no chat template (a base model); errc::invalid_template if its main one is malformed. A malformed
// template for tools is left out.
Result<FileTemplates> read_templates(const GgufFile& file);

// A message for people: the template for tools is left out, and the main one takes its place.
std::string left_out_template(const Error& error);

}  // namespace baton::llm
