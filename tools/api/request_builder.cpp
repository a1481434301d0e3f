#include "request_builder.h"

#include <algorithm>
#include <stdexcept>

namespace baton::tools {
namespace {

constexpr std::size_t kMaxUrlBytes = 8000;
constexpr int kMaxFieldDepth = 16;

// Names are unchanged, values encoded: only here is it known which commas separate items.
using Pairs = std::vector<std::pair<std::string, std::string>>;

// Thrown within this file only, where it saves a Result at every step; build_request() turns it into one.
struct Refused : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Builder {
 public:
  Builder(const ApiSpec& spec, const Json& arguments) : spec_(spec), arguments_(arguments) {
    const auto properties = spec.tool.parameters.find("properties");
    if (properties == spec.tool.parameters.end() || !properties->is_object()) return;
    for (const auto& [name, schema] : properties->items()) {
      if (!arguments_.contains(name) && schema.is_object() && schema.contains("default")) arguments_[name] = schema["default"];
    }
  }

  BuiltRequest build() {
    BuiltRequest request;
    request.url = spec_.origin + path();
    for (const ApiField& field : spec_.query) add_field(field, request.query);
    for (const auto& [name, value] : spec_.headers) {
      if (const std::optional<std::string> text = expanded(value)) request.headers.emplace_back(name, header_value(name, *text));
    }
    add_body(request);
    if (request.full_url().size() > kMaxUrlBytes)
      throw Refused("the arguments make a URL of more than " + std::to_string(kMaxUrlBytes) + " bytes");
    return request;
  }

 private:
  // Null: missing, or given as null.
  const Json* argument(const std::string& name) const {
    const auto it = arguments_.find(name);
    return it == arguments_.end() || it->is_null() ? nullptr : &*it;
  }

  std::string path() const {
    std::string text;
    bool in_query = false;
    for (const TextTemplate::Part& part : spec_.path.parts()) {
      in_query = in_query || (!part.is_argument && part.text.find('?') != std::string::npos);
      text += part.is_argument ? path_argument(part.text, in_query) : part.text;
    }
    return text;
  }

  std::string path_argument(const std::string& name, bool in_query) const {
    const Json* value = argument(name);
    if (value == nullptr) throw Refused("the argument '" + name + "' is missing");
    const std::string text = plain(name, *value);
    if (in_query) return percent_encoded(text);
    if (text.empty()) throw Refused("the argument '" + name + "' is empty, but it is a part of the URL's path");
    // Arguments may not be "." or "..", so none completes a ".." with the text beside it. Encoded slashes are treated as slashes by some
    // servers, which then follow the dots.
    std::string segment;
    for (const char c : text + "/") {
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) throw Refused("the argument '" + name + "' holds a control character");
      if (c != '/' && c != '\\') {
        segment += c;
        continue;
      }
      if (segment == "." || segment == "..") throw Refused("the argument '" + name + "' holds '" + segment + "' as a part of a path");
      segment.clear();
    }
    return percent_encoded(text);
  }

  static std::string plain(const std::string& name, const Json& value) {
    const bool nested =
        value.is_object() || (value.is_array() && std::any_of(value.begin(), value.end(), [](const Json& v) { return v.is_structured(); }));
    if (nested)
      throw Refused("the argument '" + name + "' must be a plain value here, not " + (value.is_object() ? "an object" : "a list of such"));
    return plain_text(value);
  }

  // Null: it uses an argument that is missing.
  std::optional<std::string> expanded(const TextTemplate& text) const {
    std::string out;
    for (const TextTemplate::Part& part : text.parts()) {
      if (!part.is_argument) {
        out += part.text;
      } else if (const Json* value = argument(part.text)) {
        out += plain(part.text, *value);
      } else {
        return std::nullopt;
      }
    }
    return out;
  }

  static std::string header_value(const std::string& name, const std::string& text) {
    if (check_http_headers({{name, text}})) return text;
    throw Refused("the header " + name + " cannot hold a line break or another control character");
  }

  void add_field(const ApiField& field, Pairs& out) const {
    const std::string* whole = field.value.whole();
    const Json* value = whole == nullptr ? nullptr : argument(*whole);
    if (value == nullptr || !value->is_structured()) {
      if (const std::optional<std::string> text = expanded(field.value)) out.emplace_back(field.name, percent_encoded(*text));
      return;
    }
    if (field.style == FieldStyle::json)
      return void(out.emplace_back(field.name, percent_encoded(value->dump(-1, ' ', false, Json::error_handler_t::replace))));
    if (field.style == FieldStyle::deep) return add_deep(field.name, *value, out, kMaxFieldDepth);
    if (value->is_object()) throw Refused("the argument '" + *whole + "' must be a plain value or a list, not an object");
    const char* separator = field.style == FieldStyle::comma   ? ","
                            : field.style == FieldStyle::space ? "%20"
                            : field.style == FieldStyle::pipe  ? "%7C"
                                                               : nullptr;
    std::string joined;
    for (const Json& item : *value) {
      const std::string text = percent_encoded(plain(*whole, item));
      if (separator == nullptr) {
        out.emplace_back(field.style == FieldStyle::brackets ? field.name + "[]" : field.name, text);
      } else {
        joined += (&item == &(*value)[0] ? "" : separator) + text;
      }
    }
    if (separator != nullptr) out.emplace_back(field.name, joined);
  }

  static void add_deep(const std::string& name, const Json& value, Pairs& out, int depth) {
    if (depth == 0) throw Refused("the arguments are nested too deep for a form");
    if (value.is_object()) {
      for (const auto& [key, item] : value.items()) {
        if (key.find_first_of("[]") != std::string::npos)
          throw Refused("the name '" + key + "' holds a bracket, which a form cannot carry");
        add_deep(name + "[" + key + "]", item, out, depth - 1);
      }
    } else if (value.is_array()) {
      for (std::size_t i = 0; i < value.size(); ++i) add_deep(name + "[" + std::to_string(i) + "]", value[i], out, depth - 1);
    } else {
      out.emplace_back(name, percent_encoded(plain_text(value)));
    }
  }

  void add_body(BuiltRequest& request) const {
    switch (spec_.body.kind) {
      case ApiBody::Kind::none:
        return;
      case ApiBody::Kind::json:
        request.body = json(spec_.body.json).value_or(Json()).dump(-1, ' ', false, Json::error_handler_t::replace);
        break;
      case ApiBody::Kind::form: {
        Pairs pairs;
        for (const ApiField& field : spec_.body.form) add_field(field, pairs);
        for (const auto& [name, value] : pairs) {
          request.body += (request.body.empty() ? "" : "&") + percent_encoded(name) + "=" + value;
        }
        break;
      }
      case ApiBody::Kind::text:
        request.body = expanded(spec_.body.text).value_or("");
        break;
    }
    if (find_header(request.headers, "content-type") == nullptr) request.headers.emplace_back("Content-Type", spec_.body.content_type);
  }

  // Null: the template is only an argument, which is missing.
  std::optional<Json> json(const Json& node) const {
    if (node.is_string()) {
      const TextTemplate text = *TextTemplate::parse(node.get_ref<const std::string&>());
      if (const std::string* whole = text.whole()) {
        const auto it = arguments_.find(*whole);  // an argument given as null stays null
        return it == arguments_.end() ? std::nullopt : std::optional<Json>(*it);
      }
      const std::optional<std::string> out = expanded(text);
      return out ? std::optional<Json>(*out) : std::nullopt;
    }
    if (node.is_object()) {
      Json out = Json::object();
      for (const auto& [key, value] : node.items()) {
        if (std::optional<Json> member = json(value)) out[key] = std::move(*member);
      }
      return out;
    }
    if (node.is_array()) {
      Json out = Json::array();
      for (const Json& item : node) {
        if (std::optional<Json> member = json(item)) out.push_back(std::move(*member));
      }
      return out;
    }
    return node;
  }

  const ApiSpec& spec_;
  Json arguments_;
};

}  // namespace

void BuiltRequest::set_query(const std::string& name, const std::string& value) {
  std::erase_if(query, [&](const auto& pair) { return pair.first == name; });
  query.emplace_back(name, percent_encoded(value));
}

std::string BuiltRequest::full_url() const {
  std::string text = url;
  for (const auto& [name, value] : query) {
    text += (text.find('?') == std::string::npos ? "?" : "&") + percent_encoded(name) + "=" + value;
  }
  return text;
}

Result<BuiltRequest> build_request(const ApiSpec& spec, const Json& arguments) {
  try {
    return Builder(spec, arguments).build();
  } catch (const Refused& refused) {
    return Error{errc::invalid_argument, refused.what()};
  }
}

}  // namespace baton::tools
