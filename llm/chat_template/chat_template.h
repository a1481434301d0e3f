#pragma once
// Chat templates: an interpreter for the Jinja that models' `tokenizer.chat_template` is written in, with the meaning that Python's jinja2
// gives it as transformers configures it (trim_blocks, lstrip_blocks, the immutable sandbox, loop controls, `{% generation %}`, its own
// `tojson`, `raise_exception` and `strftime_now`).
//
// The output is not a string but spans: characters of the template's own text are marked `from_template`; characters from the variables are
// data. Each character has its own mark, which survives every operator, filter and method, so a user's "<|im_end|>" stays data wherever the
// template puts it. Only template spans may become control or user-defined tokens. Characters that an operation creates (JSON punctuation,
// padding, digits) belong to the template only if the value that they are created for belongs to it completely.
//
// Differences from jinja2: filters that return generators (map, select, ..) are evaluated eagerly, so their faults show even if the result
// is not used; integers have 127 bits; a name that is assigned later in the same block is looked up in outer scopes until then. Not
// supported, and refused by name: inheritance and imports, the tags autoescape and print, the filters filesizeformat, pprint, random,
// striptags, urlencode, urlize, wordwrap and xmlattr, and a few methods of str (encode, expandtabs, format_map, translate and similar).
#include <baton/llm/error.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "render_options.h"

namespace baton::llm {

using Json = nlohmann::ordered_json;

// Neighbours always differ in `from_template`, and all spans are non-empty.
struct Span {
  std::string text;
  bool from_template;
};

// The prompt as one string.
std::string joined(const std::vector<Span>& spans);

// Two objects; a name in both is taken from `trusted`.
struct TemplateVariables {
  Json data = Json::object();     // messages, tools, add_generation_prompt, and the request's additions: printed as data
  Json trusted = Json::object();  // bos_token, eos_token, .. of the model file: printed as if they were part of the template
};

namespace jinja {
struct Template;
}

// A parsed template: immutable, cheap to copy, usable from any thread.
class ChatTemplate {
 public:
  // `name` is used in error messages (a file or model name). Errors are errc::invalid_template, "NAME:LINE:COLUMN: what", both counted from
  // 1, the column in characters.
  static Result<ChatTemplate> parse(std::string source, std::string name);

  // The variables are read, not kept. An error's message begins with the place of the expression that failed, followed by the template's
  // argument of `raise_exception` verbatim. Variables that are not an object, or nested deeper than 200, are errc::invalid_argument.
  Result<std::vector<Span>> render(const TemplateVariables& variables, const RenderOptions& options = {}) const;
  Result<std::vector<Span>> render(const Json& data, const RenderOptions& options = {}) const;  // no trusted variables

  // Whether the template reads a variable of this name anywhere. A template that never reads `tools` cannot show tools to the model.
  bool reads(std::string_view variable) const;

  const std::string& source() const;
  const std::string& name() const;

 private:
  explicit ChatTemplate(std::shared_ptr<const jinja::Template> parsed);
  std::shared_ptr<const jinja::Template> template_;
};

}  // namespace baton::llm
