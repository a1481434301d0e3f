#pragma once
// Decides which JSON objects are calls.
#include <baton/llm/chat/types.h>
#include <baton/llm/tool_syntax/tool_syntax.h>

#include <string>
#include <string_view>
#include <vector>

namespace baton::llm {

struct CallShape {
  enum class Kind {
    call,
    not_a_call,  // other JSON
    malformed,   // has a call's shape, but its arguments are not valid: `why` explains it
  } kind = Kind::not_a_call;
  std::string name;
  Json arguments;
  std::string why;
};

// The keys of a call object: those that models write whatever their template asks for, and the template's own.
class CallKeys {
 public:
  explicit CallKeys(const ToolSyntax& syntax);

  bool is_any(std::string_view key) const;  // a call object may begin with this key: lets a stream decide early
  bool is_name(std::string_view key) const;
  bool is_arguments(std::string_view key) const;

 private:
  std::string name_, arguments_;
  std::vector<std::string> others_;
};

// `may_lack_arguments`: {"name": N} alone is a call without arguments.
CallShape read_call(const Json& value, bool may_lack_arguments, const CallKeys& keys);

}  // namespace baton::llm
