#include "chat_template.h"

#include <baton/llm/template_parser/parser.h>
#include "interpreter.h"

namespace baton::llm {
namespace {

using jinja::Interpreter;
using jinja::Value;

constexpr std::size_t kMaxSourceBytes = 4 << 20;

Error template_error(const std::string& name, const jinja::TemplateError& error) {
  return {errc::invalid_template,
          name + ':' + std::to_string(error.at.line) + ':' + std::to_string(error.at.column) + ": " + error.message};
}

Value from_json(Interpreter& in, const Json& json, bool mark, int depth) {
  if (in.failed()) return {};
  if (depth > jinja::kMaxValueDepth) return in.fail("a variable is nested deeper than " + std::to_string(jinja::kMaxValueDepth));
  switch (json.type()) {
    case Json::value_t::boolean:
      return Value::boolean(json.get<bool>(), mark);
    case Json::value_t::number_integer:
      return Value::integer(json.get<std::int64_t>(), mark);
    case Json::value_t::number_unsigned:
      return Value::integer(json.get<std::uint64_t>(), mark);
    case Json::value_t::number_float:
      return Value::floating(json.get<double>(), mark);
    case Json::value_t::string:
      return Value::text(json.get_ref<const std::string&>(), mark);
    case Json::value_t::array: {
      std::vector<Value> items;
      items.reserve(json.size());
      for (const Json& item : json) items.push_back(from_json(in, item, mark, depth + 1));
      return in.make_list(std::move(items), mark);
    }
    case Json::value_t::object: {
      jinja::Dict dict;
      for (const auto& [key, item] : json.items()) in.set_item(dict, Value::text(key, mark), from_json(in, item, mark, depth + 1));
      return in.make_dict(std::move(dict), mark);
    }
    case Json::value_t::null:
    case Json::value_t::binary:
    case Json::value_t::discarded:
      break;
  }
  return Value::none(mark);
}

}  // namespace

std::string joined(const std::vector<Span>& spans) {
  std::string result;
  for (const Span& span : spans) result += span.text;
  return result;
}

ChatTemplate::ChatTemplate(std::shared_ptr<const jinja::Template> parsed) : template_(std::move(parsed)) {}

Result<ChatTemplate> ChatTemplate::parse(std::string source, std::string name) {
  if (source.size() > kMaxSourceBytes) {
    return Error{errc::invalid_template, name + ": the template has " + std::to_string(source.size()) + " bytes; at most " +
                                             std::to_string(kMaxSourceBytes) + " are read, and those in use have a hundredth of that"};
  }
  auto parsed = std::make_shared<jinja::Template>();
  std::optional<jinja::TemplateError> error;
  std::vector<jinja::Token> tokens = jinja::tokenize(source, error);
  if (!error) parsed->body = jinja::Parser(std::move(tokens), parsed->names, error).parse();
  if (error) return template_error(name, *error);
  parsed->source = std::move(source);
  parsed->name = std::move(name);
  return ChatTemplate(std::move(parsed));
}

Result<std::vector<Span>> ChatTemplate::render(const TemplateVariables& variables, const RenderOptions& options) const {
  if (!variables.data.is_object() || !variables.trusted.is_object()) {
    return Error{errc::invalid_argument, template_->name + ": the variables of a chat template must be two JSON objects"};
  }
  Interpreter interpreter(*template_, options);
  auto scope = std::make_shared<jinja::Scope>();
  for (const auto& [key, value] : variables.data.items()) scope->set(key, from_json(interpreter, value, false, 1));
  for (const auto& [key, value] : variables.trusted.items()) scope->set(key, from_json(interpreter, value, true, 1));
  if (interpreter.failed()) return Error{errc::invalid_argument, template_->name + ": " + interpreter.error()->message};
  jinja::Text output = interpreter.run(scope);
  if (interpreter.failed()) return template_error(template_->name, *interpreter.error());
  std::vector<Span> spans;
  output.each_run([&](std::string_view text, bool mark) { spans.push_back({std::string(text), mark}); });
  return spans;
}

Result<std::vector<Span>> ChatTemplate::render(const Json& data, const RenderOptions& options) const {
  return render(TemplateVariables{data, Json::object()}, options);
}

bool ChatTemplate::reads(std::string_view variable) const { return template_->names.find(variable) != template_->names.end(); }

const std::string& ChatTemplate::source() const { return template_->source; }
const std::string& ChatTemplate::name() const { return template_->name; }

}  // namespace baton::llm
