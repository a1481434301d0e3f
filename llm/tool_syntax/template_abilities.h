#pragma once
// The parts of a conversation that a template shows to the model, determined by rendering small conversations with it. The comment of each
// says what is done where the template lacks it.
#include <string>

namespace baton::llm {

struct TemplateAbilities {
  struct Roles {
    bool system = true;             // otherwise a system message's text is put before the first user message
    bool repeated = true;           // two user messages, or two answers, in a row; otherwise they are merged into one
    bool user_after_result = true;  // a user message right after a result; otherwise its text is added to the result
  } roles;

  struct Tools {
    bool shown = true;            // otherwise a system message describes the tools, and how to call them
    std::string name = "tools";   // of the variable that has them
    bool bare_parameters = true;  // parameters without a description; otherwise they get an empty one
  } tools;

  // Messages of role tool; otherwise results are user messages (consecutive results in one), and calls are written as the JSON that such a
  // system message asks for.
  bool results = true;

  struct Calls {
    bool shown = true;             // tool_calls; otherwise calls are the text of a message, as the family's models write them
    bool object_arguments = true;  // otherwise arguments are the JSON text of an object, as OpenAI's API has them
    bool empty_text = true;        // otherwise an empty text of a call becomes null, and a non-empty one a message of its own
    bool several = true;           // otherwise each call is a message of its own, followed by its result
    bool any_id = true;            // otherwise ids of nine letters and digits are derived from the original ones
  } calls;

  bool plain_text = true;  // texts as strings; otherwise as the list of parts that OpenAI's API also has

  // The example call in the system message that describes tools, if the template itself supports calls; empty: JSON.
  std::string example_of_call;
};

}  // namespace baton::llm
