#include "schema.h"

#include <algorithm>
#include <cmath>

namespace baton::tools::detail {
namespace {

constexpr std::size_t kMaxReported = 8;  // a repair needs only the first few; a wrong array of thousands must not fill the context

const Field* find_field(const std::vector<Field>& fields, std::type_index owner, std::string_view name) {
  const auto it = std::find_if(fields.begin(), fields.end(), [&](const Field& f) { return f.owner() == owner && f.name() == name; });
  return it == fields.end() ? nullptr : &*it;
}

std::string type_of(const Json& schema) { return schema.contains("enum") ? "enum" : schema.value("type", "any value"); }

bool keyword_fits(const std::string& keyword, const std::string& type) {
  if (keyword == "default" || type == "any value") return true;
  if (keyword == "minimum" || keyword == "maximum") return type == "integer" || type == "number";
  if (keyword == "minItems" || keyword == "maxItems") return type == "array";
  return type == "string";
}

// A value as shown in an error: short, with its type.
std::string shown(const Json& value) {
  std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (text.size() > 60) {
    std::size_t n = 57;
    while (n > 0 && (static_cast<unsigned char>(text[n]) & 0xC0) == 0x80) --n;
    text = text.substr(0, n) + "...";
  }
  switch (value.type()) {
    case Json::value_t::string:
      return std::string("the string ").append(text);
    case Json::value_t::array:
      return std::string("the array ").append(text);
    case Json::value_t::object:
      return std::string("the object ").append(text);
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned:
    case Json::value_t::number_float:
      return std::string("the number ").append(text);
    default:
      return text;
  }
}

std::string joined(const std::vector<std::string>& errors) {
  std::string text;
  for (std::size_t i = 0; i < std::min(errors.size(), kMaxReported); ++i) text += (i == 0 ? "" : "; ") + errors[i];
  if (errors.size() > kMaxReported) text += "; and " + std::to_string(errors.size() - kMaxReported) + " more";
  return text;
}

Result<void> result_of(const std::vector<std::string>& errors) {
  if (errors.empty()) return {};
  return Error{errc::invalid_argument, joined(errors)};
}

}  // namespace

bool SchemaWriter::enter(std::type_index type) {
  if (std::find(open_.begin(), open_.end(), type) != open_.end()) {
    errors_.push_back("a struct that contains itself has no schema: use a Json member for the inner one");
    return false;
  }
  open_.push_back(type);
  return true;
}

void SchemaWriter::member(Json& object, std::type_index owner, const char* name, Json schema, bool optional_type) {
  const Field* field = find_field(fields_, owner, name);
  if (field != nullptr) {
    used_[field - fields_.data()] = true;
    const std::string type = type_of(schema);
    for (const auto& [keyword, value] : field->keywords().items()) {
      if (!keyword_fits(keyword, type)) {
        errors_.push_back("field '" + std::string(name) + "': " + keyword + " does not fit its type, " + type);
      }
      schema[keyword] = value;
    }
    if (!field->description().empty()) schema["description"] = field->description();
  }
  object["properties"][name] = std::move(schema);
  if (!optional_type && (field == nullptr || field->required())) object["required"].push_back(name);
}

const Json* SchemaWriter::default_of(std::type_index owner, const char* name) const {
  const Field* field = find_field(fields_, owner, name);
  if (field == nullptr) return nullptr;
  const auto it = field->keywords().find("default");
  return it == field->keywords().end() ? nullptr : &*it;
}

void SchemaWriter::wrong_default(const char* name, const Error& error) {
  errors_.push_back("field '" + std::string(name) + "': its default does not fit: " + error.message);
}

Result<void> SchemaWriter::finish() const {
  std::vector<std::string> errors = errors_;
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    if (fields_[i].name().empty()) {
      errors.push_back("the field described as '" + fields_[i].description() + "' is not a member that BOOST_DESCRIBE_STRUCT names");
    } else if (!used_[i]) {
      errors.push_back("field '" + fields_[i].name() + "' " +
                       (find_field(fields_, fields_[i].owner(), fields_[i].name()) == &fields_[i]
                            ? "belongs to a struct that is not part of the arguments"
                            : "is described twice"));
    }
  }
  return result_of(errors);
}

void ValueReader::expected(const char* what, const Json& found) {
  if (errors_.size() >= kMaxReported) {
    errors_.emplace_back();  // only counted
    return;
  }
  wrong("expected " + std::string(what) + ", found " + shown(found));
}

void ValueReader::wrong(std::string message) {
  std::string path;
  for (const std::string& part : path_) path += part;
  errors_.push_back((path.empty() ? "the arguments: " : "argument '" + path + "': ") + message);
}

bool ValueReader::integer(const Json& value, std::int64_t min, std::uint64_t max, std::int64_t& out) {
  const auto out_of_range = [&] {
    wrong("expected an integer from " + std::to_string(min) + " to " + std::to_string(max) + ", found " + shown(value));
    return false;
  };
  if (value.is_number_unsigned()) {
    const auto n = value.get<std::uint64_t>();
    if (n > max) return out_of_range();
    out = static_cast<std::int64_t>(n);
    return true;
  }
  if (value.is_number_integer()) {
    out = value.get<std::int64_t>();
    return out < min || (out > 0 && static_cast<std::uint64_t>(out) > max) ? out_of_range() : true;
  }
  // JSON Schema counts 3.0 as an integer. Beyond 2^53, a double no longer identifies one.
  if (value.is_number_float() && std::trunc(value.get<double>()) == value.get<double>() &&
      std::abs(value.get<double>()) <= 9007199254740992.0) {
    return integer(Json(static_cast<std::int64_t>(value.get<double>())), min, max, out);
  }
  expected("an integer", value);
  return false;
}

const Json* ValueReader::member(const Json& object, std::type_index owner, const char* name, bool optional_type) {
  if (const auto it = object.find(name); it != object.end()) return &*it;
  const Field* field = find_field(fields_, owner, name);
  if (field != nullptr) {
    if (const auto it = field->keywords().find("default"); it != field->keywords().end()) return &*it;
  }
  if (!optional_type && (field == nullptr || field->required())) wrong(std::string("'").append(name).append("' is missing"));
  return nullptr;
}

void ValueReader::unknown_members(const Json& object, const std::vector<const char*>& names) {
  for (const auto& [key, value] : object.items()) {
    if (std::find(names.begin(), names.end(), key) != names.end()) continue;
    if (ignored_ != nullptr) {
      ignored_->push_back(key);
      continue;
    }
    std::string known;
    for (const char* name : names) known += (known.empty() ? "" : ", ") + std::string(name);
    wrong("'" + key + "' is unknown" + (known.empty() ? ": there are no arguments" : "; known are " + known));
  }
}

Result<void> ValueReader::finish() const { return result_of(errors_); }

}  // namespace baton::tools::detail
