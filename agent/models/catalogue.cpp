#include <baton/agent/models/catalogue.h>
#include <embedded_embedded.h>
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

namespace baton::agent {
namespace {

using Json = nlohmann::json;

// Reads the fields of one JSON object; the first missing field, or field of the wrong type, is kept as the problem.
class Fields {
 public:
  Fields(const Json& object, std::string where) : object_(object), where_(std::move(where)) {}

  std::string text(const char* key) {
    const Json* value = find(key);
    if (value && !value->is_string()) fail(key, "must be a string");
    return value && value->is_string() ? value->get<std::string>() : std::string();
  }
  std::uint64_t count(const char* key) {
    const Json* value = find(key);
    if (value && !value->is_number_unsigned()) fail(key, "must be a whole number");
    return value && value->is_number_unsigned() ? value->get<std::uint64_t>() : 0;
  }
  const Json& list(const char* key) {
    static const Json kNone = Json::array();
    const Json* value = find(key);
    if (value && (!value->is_array() || value->empty())) fail(key, "must be a list with at least one entry");
    return value && value->is_array() ? *value : kNone;
  }
  void fail(const std::string& key, const std::string& problem) {
    if (problem_.empty()) problem_ = fmt::format("model catalogue: {}: \"{}\" {}", where_, key, problem);
  }
  const std::string& problem() const { return problem_; }

 private:
  const Json* find(const char* key) {
    const auto at = object_.is_object() ? object_.find(key) : object_.end();
    if (!object_.is_object() || at == object_.end()) {
      fail(key, "is missing");
      return nullptr;
    }
    return &*at;
  }

  const Json& object_;
  std::string where_;
  std::string problem_;
};

bool is_sha256(const std::string& text) { return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos; }

// The name becomes the name of a file.
bool is_file_name(const std::string& text) {
  return !text.empty() && text.front() != '.' && text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-_") == std::string::npos;
}

Result<ModelSource> parse_source(const Json& json, const std::string& where) {
  Fields fields(json, where);
  ModelSource source;
  const std::string type = fields.text("type");
  if (type == "url") {
    source.url = fields.text("url");
    if (source.url.rfind("https://", 0) != 0) fields.fail("url", "must start with https://");
  } else if (type == "wheels") {
    source.kind = ModelSource::Kind::wheels;
    source.member = fields.text("member");
    for (const Json& package : fields.list("packages")) {
      if (!package.is_string() || package.get_ref<const std::string&>().find("==") == std::string::npos) {
        fields.fail("packages", "must be strings like name==version");
        break;
      }
      source.packages.push_back(package.get<std::string>());
    }
  } else {
    fields.fail("type", "must be url or wheels");
  }
  if (!fields.problem().empty()) return Error{errc::invalid_argument, fields.problem()};
  return source;
}

Result<CatalogueModel> parse_model(const Json& json, std::size_t index) {
  CatalogueModel model;
  Fields fields(json, fmt::format("entry {}", index));
  model.name = fields.text("name");
  if (!is_file_name(model.name)) fields.fail("name", "must be of a-z, 0-9, '.', '-' and '_', and not start with '.'");
  model.description = fields.text("description");
  model.licence = fields.text("licence");
  model.sha256 = fields.text("sha256");
  if (!is_sha256(model.sha256)) fields.fail("sha256", "must be 64 lower-case hex digits");
  model.bytes = fields.count("bytes");
  if (model.bytes == 0) fields.fail("bytes", "must be the file's size");
  model.is_default = json.is_object() && json.value("default", Json(false)) == Json(true);
  model.for_tests = json.is_object() && json.value("for_tests", Json(false)) == Json(true);
  if (json.is_object() && json.contains("min_call_confidence")) {
    const Json& value = json["min_call_confidence"];
    if (!value.is_number() || value < 0 || value > 1) fields.fail("min_call_confidence", "must be a number from 0 to 1");
    if (value.is_number()) model.min_call_confidence = value.get<double>();
  }
  for (const Json& source : fields.list("sources")) {
    Result<ModelSource> parsed = parse_source(source, fmt::format("{}, source {}", model.name, model.sources.size()));
    if (!parsed) return parsed.error();
    model.sources.push_back(std::move(*parsed));
  }
  if (!fields.problem().empty()) return Error{errc::invalid_argument, fields.problem()};
  return model;
}

}  // namespace

Result<std::vector<CatalogueModel>> parse_catalogue(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains("models") || !json["models"].is_array()) {
    return Error{errc::invalid_argument, "model catalogue: must be a JSON object with a list \"models\""};
  }
  std::vector<CatalogueModel> models;
  std::set<std::string> names;
  int defaults = 0;
  for (const Json& entry : json["models"]) {
    Result<CatalogueModel> model = parse_model(entry, models.size());
    if (!model) return model.error();
    if (!names.insert(model->name).second)
      return Error{errc::invalid_argument, fmt::format("model catalogue: the name {} occurs twice", model->name)};
    defaults += model->is_default ? 1 : 0;
    models.push_back(std::move(*model));
  }
  if (defaults != 1)
    return Error{errc::invalid_argument,
                 fmt::format("model catalogue: {} entries are marked as the default; there must be exactly one", defaults)};
  return models;
}

const std::vector<CatalogueModel>& catalogue() {
  // The embedded text is checked by tests/agent/models, so value() cannot throw here.
  static const std::vector<CatalogueModel> kModels = parse_catalogue(embedded::catalogue_json()).value();
  return kModels;
}

const CatalogueModel* find_model(std::string_view name) {
  const auto& models = catalogue();
  const auto at = std::find_if(models.begin(), models.end(), [&](const CatalogueModel& model) { return model.name == name; });
  return at == models.end() ? nullptr : &*at;
}

const CatalogueModel& default_model() {
  const auto& models = catalogue();
  return *std::find_if(models.begin(), models.end(), [](const CatalogueModel& model) { return model.is_default; });
}

}  // namespace baton::agent
