#pragma once
// The requested format of an answer, compiled to a grammar; and the check whether an answer fits it.
#include <baton/llm/chat/types.h>
#include <baton/llm/grammar/automaton.h>
#include <baton/llm/schema_grammar/schema_compiler.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace baton::llm {

struct FormatGrammar {
  Automaton automaton;  // pruned
  NodeId start = 0;
  std::vector<Unmasked> unmasked;  // keywords that only misfit() checks
};

// A format is compiled once, where the request is read, and travels with it. Immutable; any thread.
class CompiledFormat {
 public:
  // Takes some milliseconds; the grammar's size is limited. Errors: invalid_schema, and for the other formats invalid_argument or
  // unsupported. The message says what is wrong with the schema, the pattern or the grammar, and where, but not which of these it is.
  static Result<std::shared_ptr<const CompiledFormat>> compile(OutputFormat format);

  const OutputFormat& format() const { return format_; }
  const FormatGrammar& grammar() const { return grammar_; }

  // The violations of a whole answer, one per line; null: it fits.
  std::optional<std::string> misfit(const std::string& answer) const;

 private:
  CompiledFormat(OutputFormat format, FormatGrammar grammar, std::optional<Schema> schema)
      : format_(std::move(format)), grammar_(std::move(grammar)), schema_(std::move(schema)) {}
  std::optional<std::string> text_misfit(const std::string& answer) const;

  OutputFormat format_;
  FormatGrammar grammar_;
  std::optional<Schema> schema_;  // of the formats that are JSON
};

}  // namespace baton::llm
