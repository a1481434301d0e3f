// API files and OpenAPI documents: no input crashes; a request never leaves the file's host and path prefix; and the importer's output can
// be read.
#include <baton/tools/api/api_file.h>
#include <baton/tools/api/request_builder.h>
#include <baton/tools/http/http_url.h>
#include <baton/tools/openapi/openapi.h>

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

using namespace baton::tools;

void call(const ApiSpec& spec, const Json& value) {
  Json arguments = Json::object();
  for (const std::string& name : spec.path.arguments()) arguments[name] = value;
  const auto properties = spec.tool.parameters.find("properties");
  if (properties != spec.tool.parameters.end() && properties->is_object()) {
    for (const auto& [name, schema] : properties->items()) arguments[name] = value;
  }
  const auto request = build_request(spec, arguments);
  if (!request) return;
  const auto origin = parse_http_url(spec.origin);
  const auto url = parse_http_url(request->full_url());
  if (!origin || !url || url->origin() != origin->origin() || url->target.find("/../") != std::string::npos) std::abort();
  for (const auto& [name, text] : request->headers) {
    if (text.find_first_of("\r\n") != std::string::npos) std::abort();
  }
}

void use(std::string_view text) {
  const auto specs = read_api_file(text, "fuzz");
  if (!specs) return;
  for (const ApiSpec& spec : *specs) {
    for (const Json& value : {Json("../x?y#z\r\n@evil"), Json("a"), Json::array({1, "b"}), Json{{"k", {1, 2}}}}) call(spec, value);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  use(text);
  const auto import = import_openapi(text, {.source = "https://docs.test/openapi.json"});
  if (!import) return 0;
  const std::string file = import->file.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (!read_api_file(file, "import")) std::abort();
  use(file);
  return 0;
}
