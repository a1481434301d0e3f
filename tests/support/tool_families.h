#pragma once
// The templates of tests/data/tool_templates, in published conventions, with the syntax that is derived from each.
#include <baton/llm/chat/prompt.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "chat_fixture.h"

namespace baton::llm {

using namespace baton::test;

inline std::string file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// One tokenizer for all families.
inline const ChatTokenizer& family_tokenizer() {
  static const ChatTokenizer tokenizer;
  return tokenizer;
}

struct Family {
  std::string name;
  ToolSyntax syntax;
  Json told;  // the .json beside the template
  std::vector<ToolSpec> tools;
  bool starts_in_reasoning = false;
};

inline Family family(const std::string& name) {
  const std::filesystem::path folder = std::filesystem::path(BATON_SOURCE_DIR) / "tests/data/tool_templates";
  Family family{name, {}, Json::parse(file(folder / (name + ".json"))), {}};
  const PromptBuilder builder(*family_tokenizer(), ChatTemplate::parse(file(folder / (name + ".jinja")), name).value(), "model", some_day);
  family.syntax = builder.tool_syntax();
  for (const Json& tool : family.told["tools"]) {
    const Json& function = tool["function"];
    family.tools.push_back({function["name"], function["description"], function["parameters"]});
  }
  ChatRequest request;
  request.messages = {message(Role::user, "hello")};
  request.tools = family.tools;
  family.starts_in_reasoning = builder.build(request).value().starts_in_reasoning;
  return family;
}

inline std::vector<std::string> families() {
  std::vector<std::string> names;
  const std::filesystem::path folder = std::filesystem::path(BATON_SOURCE_DIR) / "tests/data/tool_templates";
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".jinja") names.push_back(entry.path().lexically_relative(folder).replace_extension());
  }
  std::sort(names.begin(), names.end());
  return names;
}

// Those that write arguments as parameters, one by one; tests/llm/syntax_derivation/conventions_test.cpp compares the list with the derived
// ones.
inline const std::vector<std::string> kFamiliesWithParameters = {"functiongemma",     "glm-4.5",      "lfm2",           "llama3.2-pythonic",
                                                                 "names-as-tags",     "qwen3-coder",  "unseen/gemma4",  "deepseek-v3.2",
                                                                 "unseen/minimax-m2", "unseen/olmo3", "unseen/seed-oss"};

// A family's name as a part of a test's name.
inline std::string family_test_name(const testing::TestParamInfo<std::string>& one) {
  std::string name = one.param;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); }, '_');
  return name;
}

}  // namespace baton::llm
