#pragma once
// text.format of the protocol: {"type": "text"}, {"type": "json_object"}, {"type": "json_schema", "schema": ..}, and of Baton's own
// {"type": "baton.regex", "pattern": ..} and {"type": "baton.grammar", "syntax": "gbnf", "definition": ..}.
#include <baton/llm/chat/types.h>

#include <memory>

#include "items.h"

namespace baton::agent {

struct TextFormat {
  Json json = {{"type", "text"}};                                 // as the response shows it
  std::shared_ptr<const llm::CompiledFormat> compiled = nullptr;  // null: the model writes freely, or `json` has not been compiled yet

  bool is_plain() const { return json == TextFormat().json; }
};

}  // namespace baton::agent
