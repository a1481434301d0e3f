#pragma once
// Chat templates: an interpreter for the Jinja that models' `tokenizer.chat_template` is written in, with the meaning that Python's jinja2
// gives it as transformers configures it (trim_blocks, lstrip_blocks, the immutable sandbox, loop controls, `{% generation %}`, its own
// `tojson`, `raise_exception` and `strftime_now`).
//
// What comes out is not a string but spans: a character of the template's own text is marked `from_template`, whatever came from the
// variables is data. The mark belongs to each character and survives every operator, filter and method, so a user's "<|im_end|>" stays
// data wherever the template puts it. Only template spans may become control or user-defined tokens. Characters that an operation makes
// (JSON punctuation, padding, digits) are the template's only where the value they are made for is wholly the template's.
//
// Where it differs from jinja2: filters that return generators (map, select, ..) work at once, so their faults show even if nobody reads
// the result; integers have 127 bits; a name that is assigned later in the same block is looked up further out until then. Not there, and
// refused with their name: inheritance and imports, the tags autoescape and print, the filters filesizeformat, pprint, random, striptags,
// urlencode, urlize, wordwrap and xmlattr, and a few methods of str (encode, expandtabs, format_map, translate and such).
#include <baton/llm/error.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "render_options.h"

namespace baton::llm {

using Json = nlohmann::ordered_json;

// Neighbours always differ in `from_template`, and no span is empty.
struct Span {
  std::string text;
  bool from_template;
};

// The prompt as one string.
std::string joined(const std::vector<Span>& spans);

// Two objects; a name in both is taken from `trusted`.
struct TemplateVariables {
  Json data = Json::object();     // messages, tools, add_generation_prompt, and what a request adds: printed, it is data
  Json trusted = Json::object();  // bos_token, eos_token, .. of the model file: printed, it is as if it stood in the template
};

namespace jinja {
struct Template;
}

// A parsed template: immutable, cheap to copy, usable from any thread.
class ChatTemplate {
 public:
  // `name` is what error messages call it (a file or model name). Errors are errc::invalid_template, "NAME:LINE:COLUMN: what", both
  // counted from 1, the column in characters.
  static Result<ChatTemplate> parse(std::string source, std::string name);

  // The variables are read, never kept. An error's message has the place of the expression that failed; after it, what the template gave
  // to `raise_exception` stands verbatim. A variable that is no object, or nested deeper than 200, is errc::invalid_argument.
  Result<std::vector<Span>> render(const TemplateVariables& variables, const RenderOptions& options = {}) const;
  Result<std::vector<Span>> render(const Json& data, const RenderOptions& options = {}) const;  // nothing trusted

  // Whether the template looks at a variable of this name anywhere: one that never reads `tools` cannot show tools to the model.
  bool reads(std::string_view variable) const;

  const std::string& source() const;
  const std::string& name() const;

 private:
  explicit ChatTemplate(std::shared_ptr<const jinja::Template> parsed);
  std::shared_ptr<const jinja::Template> template_;
};

}  // namespace baton::llm
