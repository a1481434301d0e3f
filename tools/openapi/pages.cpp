#include "pages.h"

#include <baton/tools/text.h>

#include "schema.h"

namespace baton::tools::openapi {
namespace {

// The path of the only list in an object; empty: there is none, or several.
std::string items_path(const Json& document, const Json& schema) {
  std::string path;
  const Json& properties = members_at(schema, "properties");
  for (const auto& [name, property] : properties.items()) {
    const Json* target = resolved(document, property);
    if (target == nullptr || !has_type(*target, "array")) continue;
    if (!path.empty()) return "";
    path = "/" + name;
  }
  return path;
}

}  // namespace

Json pages_of(const Json& document, const Operation& operation, const Json& query) {
  if (operation.method != "GET") return nullptr;
  const Json* response = nullptr;
  for (const char* status : {"200", "2XX", "default"}) {
    response = resolved(document, at(at(*operation.body, "responses"), status));
    if (response != nullptr && response->is_object()) break;
  }
  if (response == nullptr || !response->is_object()) return nullptr;
  const Json* schema = nullptr;
  for (const auto& [type, media] : members_at(*response, "content").items()) {
    if (type.find("json") != std::string::npos && schema == nullptr) schema = resolved(document, at(media, "schema"));
  }
  if (schema == nullptr) return nullptr;
  const std::string items = items_path(document, *schema);
  const bool list = has_type(*schema, "array");
  if (!list && items.empty()) return nullptr;
  Json pages = Json::object();
  for (const auto& [name, header] : members_at(*response, "headers").items()) {
    if (ascii_lower(name) == "link") pages["by"] = "link";
  }
  const Json& properties = members_at(*schema, "properties");
  if (pages.empty() && properties.contains("has_more") && query.contains("starting_after")) {
    pages = Json{{"by", "cursor"}, {"parameter", "starting_after"}, {"next", items + "/-1/id"}, {"more", "/has_more"}};
  }
  for (const char* next : {"next_cursor", "nextCursor", "next_page_token", "nextPageToken"}) {
    for (const char* parameter : {"cursor", "page_token", "pageToken"}) {
      if (pages.empty() && properties.contains(next) && query.contains(parameter)) {
        pages = Json{{"by", "cursor"}, {"parameter", parameter}, {"next", std::string("/") + next}};
      }
    }
  }
  if (pages.empty()) return nullptr;
  if (!list) pages["items"] = items;
  return pages;
}

}  // namespace baton::tools::openapi
