#pragma once
// A schema's automaton, and texts run through it.
#include <baton/llm/grammar/machine.h>
#include <baton/llm/grammar/masker.h>
#include <baton/llm/grammar/token_trie.h>
#include <baton/llm/schema_grammar/schema_compiler.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace baton::llm {

class Written {
 public:
  explicit Written(const char* schema) : Written(Json::parse(schema)) {}
  explicit Written(const Json& schema) : json_(schema), schema_(Schema::parse(schema).value()), compiler_(automaton_, WritingStyle{}) {
    start_ = compiler_.rule(schema_);
    possible_ = automaton_.prune(start_);
    machine_ = std::make_unique<Machine>(automaton_, start_);
  }

  // Whether the text may be written, and is complete then.
  bool takes(const std::string& text) {
    StateId state = machine_->start();
    for (const char c : text) {
      if (state == kDeadState) return false;
      state = machine_->step(state, static_cast<std::uint8_t>(c));
    }
    return state != kDeadState && machine_->accepts(state);
  }
  bool takes_value(const Json& value) { return takes(write_json(value, WritingStyle{})); }
  bool begins(const std::string& text) {
    StateId state = machine_->start();
    for (std::size_t i = 0; i < text.size() && state != kDeadState; ++i) state = machine_->step(state, static_cast<std::uint8_t>(text[i]));
    return state != kDeadState;
  }
  bool possible() const { return possible_; }
  Machine& machine() { return *machine_; }
  const Schema& schema() const { return schema_; }
  const Json& json() const { return json_; }
  std::vector<std::string> unmasked() const {
    std::vector<std::string> all;
    for (const Unmasked& one : compiler_.unmasked()) all.push_back(one.pointer + " " + one.keyword);
    return all;
  }

 private:
  Json json_;
  Schema schema_;
  Automaton automaton_;
  SchemaCompiler compiler_;
  NodeId start_ = 0;
  bool possible_ = false;
  std::unique_ptr<Machine> machine_;
};

}  // namespace baton::llm
