// Documents in the shapes of well-known APIs (tests/golden/openapi) become tools, and the tools run.
#include <baton/tools/api/api_tools.h>
#include <baton/tools/openapi/openapi.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tls_server.h"
#include "tool_call.h"

namespace baton::tools {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;
using tests::call_tool;
using tests::ServedConnection;
using tests::ServedRequest;
using tests::TlsServer;

std::string document(const std::string& name) {
  std::ifstream in(std::string(BATON_SOURCE_DIR) + "/tests/golden/openapi/" + name);
  EXPECT_TRUE(in) << name;
  return std::string(std::istreambuf_iterator<char>(in), {});
}

OpenApiImport import(const std::string& name, OpenApiOptions options = {}) {
  if (options.server.empty() && options.source.empty()) options.source = "https://docs.test/spec/openapi.json";
  auto result = import_openapi(document(name), options);
  EXPECT_TRUE(result) << result.error().message;
  return result ? *result : OpenApiImport();
}

Json tool(const OpenApiImport& import, const std::string& name) {
  for (const Json& one : import.file["tools"]) {
    if (one["name"] == name) return one;
  }
  ADD_FAILURE() << "no tool " << name << " in " << import.file.dump();
  return Json::object();
}

std::vector<std::string> names(const OpenApiImport& import) {
  std::vector<std::string> all;
  for (const Json& one : import.file["tools"]) all.push_back(one["name"]);
  return all;
}

std::string notes(const std::vector<OpenApiNote>& list) {
  std::string text;
  for (const OpenApiNote& note : list) text += note.operation + ": " + note.text + "\n";
  return text;
}

TEST(OpenApi, petstore_becomes_tools) {
  const OpenApiImport pets = import("petstore.json");
  EXPECT_THAT(names(pets), ElementsAre("addPet", "findPetsByStatus", "getPetById", "deletePet", "getInventory", "get_user_login"));
  EXPECT_EQ(notes(pets.left_out),
            "updatePet: its body is of a type that is not supported: application/xml\n"
            "uploadFile: its body is of a type that is not supported: application/octet-stream\n"
            "broken: it does not fit an API file: broken: /url: must not have '..' in its path\n");
  const Json find = tool(pets, "findPetsByStatus");
  EXPECT_EQ(find["url"], "https://docs.test/api/v3/pet/findByStatus");
  EXPECT_EQ(find["description"], "Finds pets by status. Multiple status values can be provided.");
  EXPECT_EQ(find["query"],
            Json::parse(R"({"status":{"value":"{status}","style":"comma"},"tags":"{tags}","weight":{"value":"{weight}","style":"deep"},
                                           "where":{"value":"{where}","style":"json"}})"));
  EXPECT_THAT(notes(pets.notes), HasSubstr("findPetsByStatus: the query parameter 'filter' is left out: it is an object in a style"));
  EXPECT_THAT(notes(pets.notes), HasSubstr("findPetsByStatus: the cookie parameter 'session' is left out: it goes into a cookie"));
  EXPECT_THAT(notes(pets.notes), HasSubstr("addPet: the schema Category contains itself"));
  const Json add = tool(pets, "addPet");
  EXPECT_EQ(add["parameters"], Json::parse(R"({"type":"object","properties":{
      "name":{"type":"string","description":"What it is called."},
      "nick":{"type":["string","null"]},
      "kind":{"type":["string","null"],"enum":["cat","dog",null]},
      "category":{"type":["object","null"],"properties":{"id":{"type":"integer","format":"int64"},"name":{"type":"string"},"parent":{"description":"another Category"}}},
      "photoUrls":{"type":"array","items":{"type":"string","pattern":"^https?://"}}},"required":["name"]})"))
      << add["parameters"].dump();
  EXPECT_EQ(add["body"]["json"]["photoUrls"], "{photoUrls}");
  const Json get = tool(pets, "getPetById");
  EXPECT_EQ(get["url"], "https://docs.test/api/v3/pet/{petId}");
  EXPECT_EQ(get["parameters"]["properties"]["petId"],
            Json::parse(R"({"type":"integer","format":"int64","exclusiveMinimum":0,"description":"ID of pet"})"));
  EXPECT_EQ(get["auth"], Json::parse(R"({"type":"header","name":"api_key","env":"PET_STORE_API_KEY"})"));
  EXPECT_EQ(tool(pets, "deletePet")["headers"], Json::parse(R"({"api_key":"{api_key}"})"));
  std::vector<std::string> variables;
  for (const OpenApiVariable& variable : pets.variables) variables.push_back(variable.name);
  EXPECT_THAT(variables, UnorderedElementsAre("PET_STORE_PETSTORE_AUTH", "PET_STORE_API_KEY"));
}

TEST(OpenApi, operations_are_chosen_by_tag_and_id) {
  EXPECT_THAT(names(import("petstore.json", {.tags = {"store"}})), ElementsAre("getInventory"));
  EXPECT_THAT(names(import("petstore.json", {.tags = {"store"}, .operations = {"addPet"}})), ElementsAre("addPet", "getInventory"));
  EXPECT_THAT(names(import("petstore.json", {.operations = {"GET /user/login"}})), ElementsAre("get_user_login"));
  const auto tag = import_openapi(document("petstore.json"), {.tags = {"stores"}});
  ASSERT_FALSE(tag);
  EXPECT_EQ(tag.error().message, "there is no tag 'stores' in the document; the document has store");
  EXPECT_FALSE(import_openapi(document("petstore.json"), {.operations = {"nope"}}));
}

TEST(OpenApi, a_forge_with_references_and_links_becomes_tools) {
  const OpenApiImport forge = import("forge.json");
  EXPECT_THAT(names(forge), ElementsAre("issues_list-for-repo", "issues_create", "search_repos", "repos_create-or-update-file-contents",
                                        "gists_update", "markdown_render-raw"));
  const Json list = tool(forge, "issues_list-for-repo");
  EXPECT_EQ(list["url"], "https://forge.test/api/repos/{owner}/{repo}/issues");
  EXPECT_EQ(list["pages"], Json::parse(R"({"by":"link"})"));
  EXPECT_EQ(list["parameters"]["required"], Json::parse(R"(["owner","repo"])"));
  EXPECT_EQ(list["description"], "List repository issues. List issues in a repository. Only open issues will be listed.");
  EXPECT_EQ(tool(forge, "search_repos")["pages"], Json::parse(R"({"by":"link","items":"/items"})"));
  EXPECT_THAT(notes(forge.notes), HasSubstr("search/repos: a parameter whose reference does not resolve"));
  const Json create = tool(forge, "issues_create");
  EXPECT_EQ(create["body"]["json"], Json::parse(R"({"title":"{title}","body":"{body}","owner":"{body_owner}","labels":"{labels}"})"));
  EXPECT_EQ(create["parameters"]["required"], Json::parse(R"(["owner","repo","title"])"));
  EXPECT_EQ(create["parameters"]["properties"]["body_owner"]["type"], Json::parse(R"(["string","null"])"));
  EXPECT_EQ(tool(forge, "repos_create-or-update-file-contents")["parameters"]["required"],
            Json::parse(R"(["owner","repo","path","message","content"])"));
  EXPECT_EQ(tool(forge, "gists_update")["body"], Json::parse(R"({"json":"{body}"})"));  // its anyOf would be lost in a flat list
  EXPECT_EQ(tool(forge, "markdown_render-raw")["body"], Json::parse(R"({"text":"{body}"})"));
}

TEST(OpenApi, payments_with_forms_become_tools) {
  const OpenApiImport payments = import("payments.json");
  EXPECT_THAT(names(payments), ElementsAre("GetCustomers", "PostCustomers", "GetFiles"));
  const Json list = tool(payments, "GetCustomers");
  EXPECT_EQ(list["url"], "https://api.payments.test/v1/customers");
  EXPECT_EQ(list["query"]["created"]["style"], "deep");
  EXPECT_EQ(list["pages"],
            Json::parse(R"({"by":"cursor","parameter":"starting_after","next":"/data/-1/id","more":"/has_more","items":"/data"})"));
  EXPECT_FALSE(list.contains("body"));
  EXPECT_EQ(list["auth"], Json::parse(R"({"type":"basic","env":"PAYMENTS_BASICAUTH"})"));
  const Json create = tool(payments, "PostCustomers");
  EXPECT_EQ(create["body"]["form"]["address"], "{address}");
  EXPECT_EQ(create["body"]["form"]["preferred_locales"], Json::parse(R"({"value":"{preferred_locales}","style":"repeat"})"));
  EXPECT_EQ(create["body"]["form"]["items"], "{items}");
  EXPECT_EQ(tool(payments, "GetFiles")["url"], "https://files.payments.test/v1/files");
  EXPECT_EQ(notes(payments.left_out), "PostFiles: its body is of a type that is not supported: multipart/form-data\n");
  EXPECT_THAT(notes(payments.notes), HasSubstr("GetFiles: its security (mutual) is not supported: the tool sends no credentials"));
  EXPECT_THAT(notes(payments.notes), HasSubstr("GetCustomers: its body is left out: a GET request has no body"));
}

TEST(OpenApi, version_3_1_becomes_tools) {
  const OpenApiImport all = import("notes31.json");
  EXPECT_THAT(names(all), ElementsAre("getNote", "list_notes", "list_notes_2"));
  const Json list = tool(all, "list_notes");
  EXPECT_EQ(list["query"], Json::parse(R"({"filter[tag]":"{filter_tag}","ids":{"value":"{ids}","style":"pipe"},"cursor":"{cursor}"})"));
  EXPECT_EQ(list["headers"], Json::parse(R"({"X-Request-Id":"{X_Request_Id}"})"));
  EXPECT_EQ(list["parameters"]["properties"]["filter_tag"]["type"], Json::parse(R"(["string","null"])"));
  EXPECT_EQ(list["parameters"]["properties"]["ids"]["items"], Json::parse(R"({"type":"integer","exclusiveMinimum":0})"));
  EXPECT_EQ(list["pages"], Json::parse(R"({"by":"cursor","parameter":"cursor","next":"/next_cursor","items":"/notes"})"));
  EXPECT_EQ(
      list["auth"],
      Json::parse(R"([{"type":"query","name":"api_key","env":"NOTES_KEY"},{"type":"header","name":"X-Tenant","env":"NOTES_TENANT"}])"));
  const Json create = tool(all, "list_notes_2");
  EXPECT_FALSE(create.contains("auth"));
  EXPECT_EQ(create["body"]["type"], "application/vnd.notes+json");
  EXPECT_EQ(create["parameters"], Json::parse(R"({"type":"object","properties":{
      "text":{"type":"string"},"kind":{"const":"note"},"weight":{"type":["number","null"],"exclusiveMinimum":0,"maximum":5},
      "replies":{"type":"array","items":{"description":"another Note"}},
      "place":{"type":"array","prefixItems":[{"type":"number"},{"type":"number"}],"items":{"not":{}}},"any":{}},"required":["text"]})"))
      << create["parameters"].dump();
  EXPECT_THAT(notes(all.notes), HasSubstr("list_notes: the schema keyword 'unevaluatedProperties' is left out"));
}

TEST(OpenApi, what_is_no_such_document_is_told_with_the_way_out) {
  const auto fault = [](const std::string& text, OpenApiOptions options = {}) {
    const auto result = import_openapi(text, options);
    return result ? "none" : result.error().message;
  };
  EXPECT_THAT(fault("openapi: 3.0.0\ninfo:\n"), HasSubstr("python3 -c 'import json,sys,yaml;"));
  EXPECT_THAT(fault(R"({"swagger":"2.0"})"), HasSubstr("it is Swagger 2.0"));
  EXPECT_THAT(fault(R"({"openapi":"2.5"})"), HasSubstr("it is OpenAPI 2.5"));
  EXPECT_THAT(fault("{}"), HasSubstr("not an OpenAPI document"));
  EXPECT_THAT(fault("{"), HasSubstr("invalid JSON at byte 1"));
  EXPECT_THAT(fault(""), HasSubstr("empty"));
  EXPECT_THAT(fault(R"({"openapi":"3.0.0"})"), HasSubstr("it has no operations"));
  EXPECT_THAT(fault(R"({"openapi":"3.0.0","paths":{"/a":{"get":{}}}})"), HasSubstr("the document names no server: give one with --server"));
  EXPECT_THAT(fault(document("petstore.json"), {.source = "petstore.json"}),
              HasSubstr("only the relative server '/api/v3': give one with --server"));
  EXPECT_EQ(fault(R"({"openapi":"3.0.0","paths":{"/a":{"get":{}}}})", {.server = "https://x.test"}), "none");
  // Types that are wrong in every version.
  for (
      const char* text :
      {R"({"openapi":"3.0.0","paths":[]})",
       R"({"openapi":"3.0.0","paths":{"/a":3,"/b":{"get":3},"/c":{"$ref":"#/x"},"/d":{"$ref":"#/paths/~1d"}}})",
       R"({"openapi":"3.0.0","info":3,"servers":3,"components":3,"security":{},"paths":{"/a":{"parameters":3,"get":{"tags":3,"parameters":[3,{"in":1}],
                              "requestBody":3,"responses":3,"security":[3,{"x":3}],"operationId":3}}}})"}) {
    EXPECT_NE(fault(text, {.server = "https://x.test"}), "") << text;
  }
}

TEST(OpenApi, the_schema_checker_has_the_last_word) {
  OpenApiOptions options;
  options.check_schema = [](const Json& schema) -> Result<void> {
    if (schema.dump().find("\"pattern\"") != std::string::npos) return Error{errc::invalid_argument, "no patterns"};
    if (schema.dump().find("status") != std::string::npos) return Error{errc::invalid_argument, "no status"};
    return {};
  };
  const OpenApiImport pets = import("petstore.json", options);
  EXPECT_FALSE(tool(pets, "addPet")["parameters"]["properties"]["photoUrls"]["items"].contains("pattern"));
  EXPECT_THAT(notes(pets.notes), HasSubstr("addPet: its patterns are left out: no patterns"));
  EXPECT_THAT(notes(pets.left_out), HasSubstr("findPetsByStatus: its parameters cannot be checked: no status"));
}

TEST(OpenApi, references_that_go_in_circles_or_explode_end) {
  const auto with_schema = [](const std::string& schemas) {
    return R"({"openapi":"3.1.0","servers":[{"url":"https://x.test"}],"paths":{"/a":{"post":{"operationId":"a","requestBody":{"content":{"application/json":
           {"schema":{"$ref":"#/components/schemas/S0"}}}}}}},"components":{"schemas":{)" +
           schemas + "}}}";
  };
  const auto loop = import_openapi(with_schema(R"("S0":{"$ref":"#/components/schemas/S1"},"S1":{"$ref":"#/components/schemas/S0"})"), {});
  ASSERT_TRUE(loop) << loop.error().message;
  std::string bomb;
  for (int i = 0; i < 30; ++i) {
    const std::string next = R"({"$ref":"#/components/schemas/S)" + std::to_string(i + 1) + "\"}";
    bomb += "\"S" + std::to_string(i) + R"(":{"type":"object","properties":{"a":)" + next + ",\"b\":" + next + "}},";
  }
  const auto exploded = import_openapi(with_schema(bomb + R"("S30":{"type":"string"})"), {});
  ASSERT_TRUE(exploded) << exploded.error().message;
  EXPECT_LT(exploded->file.dump().size(), 200'000u);
  EXPECT_THAT(notes(exploded->notes), HasSubstr("allows any value"));
}

TEST(OpenApi, the_report_is_for_scripts_too) {
  const Json report = report_of(import("payments.json"));
  EXPECT_EQ(report["tools"], Json::parse(R"(["GetCustomers","PostCustomers","GetFiles"])"));
  EXPECT_EQ(report["environment"][0]["name"], "PAYMENTS_BASICAUTH");
  EXPECT_EQ(report["left_out"][0]["operation"], "PostFiles");
}

// The result is loaded and called, and the server sees the request that the document describes.
struct Loaded {
  explicit Loaded(const std::string& name, const std::string& server) {
    const OpenApiImport imported = import(name, {.server = server});
    ApiOptions options;
    options.environment = [](const std::string& variable) { return std::optional<std::string>(variable + "_VALUE"); };
    const auto added = add_api_tools(set, imported.file.dump(), name, options);
    EXPECT_TRUE(added) << added.error().message;
  }
  ToolSet set;
};

TEST(OpenApi, imported_tools_run_against_a_server) {
  TlsServer server(
      [](const ServedRequest& r, ServedConnection& c) {
        tests::ServedHeaders headers = {{"Content-Type", "application/json"}};
        const bool list = r.method == "GET" && r.target.rfind("/repos", 0) == 0;
        if (list && r.target.find("&page=1") != std::string::npos) {
          headers.emplace_back("Link", "</repos/o/r%20x/issues?state=closed&page=2>; rel=\"next\"");
          return void(c.respond(200, headers, R"([{"id":1},{"id":2}])"));
        }
        if (list) return void(c.respond(200, headers, R"([{"id":3}])"));
        if (r.target == "/v1/customers?limit=2")
          return void(c.respond(200, headers, R"({"data":[{"id":"a"},{"id":"b"}],"has_more":true})"));
        if (r.target == "/v1/customers?limit=2&starting_after=b")
          return void(c.respond(200, headers, R"({"data":[{"id":"c"}],"has_more":false})"));
        c.respond(200, headers,
                  Json{{"method", r.method}, {"target", r.target}, {"body", r.body}, {"type", r.header("content-type")}}.dump());
      },
      {.tls = false});
  const std::string url = "http://127.0.0.1:" + std::to_string(server.port());

  Loaded forge("forge.json", url);
  EXPECT_EQ(call_tool(forge.set, "issues_list-for-repo", {{"owner", "o"}, {"repo", "r/../x y"}}).is_error, true);
  EXPECT_EQ(call_tool(forge.set, "issues_list-for-repo", {{"owner", "o"}, {"repo", "r x"}, {"state", "closed"}}).content,
            R"([{"id":1},{"id":2},{"id":3}])");
  EXPECT_EQ(server.requests().at(0).target, "/repos/o/r%20x/issues?state=closed&per_page=30&page=1");
  ToolResult result = call_tool(forge.set, "markdown_render-raw", {{"body", "# x"}});
  EXPECT_THAT(result.content, HasSubstr(R"("body":"# x","type":"text/plain)"));
  result = call_tool(forge.set, "issues_create",
                     {{"owner", "o"}, {"repo", "r"}, {"title", "T"}, {"body_owner", nullptr}, {"labels", {"a", {{"name", "b"}}}}});
  EXPECT_EQ(Json::parse(Json::parse(result.content)["body"].get<std::string>()),
            Json::parse(R"({"title":"T","owner":null,"labels":["a",{"name":"b"}]})"));

  Loaded payments("payments.json", url);
  EXPECT_EQ(call_tool(payments.set, "GetCustomers", {{"limit", 2}}).content, R"([{"id":"a"},{"id":"b"},{"id":"c"}])");
  EXPECT_EQ(server.requests().back().header("authorization").rfind("Basic ", 0), 0u);
  result = call_tool(payments.set, "PostCustomers",
                     {{"name", "A&B"},
                      {"metadata", {{"k", "v=1"}}},
                      {"items", {{{"price", "p"}, {"quantity", 2}}}},
                      {"preferred_locales", {"en", "fr"}},
                      {"expand", {"x"}}});
  EXPECT_EQ(Json::parse(result.content)["body"],
            "name=A%26B&metadata%5Bk%5D=v%3D1&preferred_locales=en&preferred_locales=fr&expand%5B0%5D=x&items%5B0%5D%5Bprice%5D=p&items%"
            "5B0%5D%5Bquantity%5D=2");
  EXPECT_EQ(server.requests().back().header("idempotency-key"), "key-1");

  Loaded pets("petstore.json", url);
  result = call_tool(pets.set, "findPetsByStatus",
                     {{"status", {"sold", "pending"}}, {"tags", {"a", "b"}}, {"weight", {{"min", 1}}}, {"where", {{"x", 1}}}});
  EXPECT_EQ(Json::parse(result.content)["target"],
            "/pet/findByStatus?status=sold,pending&tags=a&tags=b&weight%5Bmin%5D=1&where=%7B%22x%22%3A1%7D");
  call_tool(pets.set, "getPetById", {{"petId", 7}});
  EXPECT_EQ(server.requests().back().header("api_key"), "PET_STORE_API_KEY_VALUE");

  Loaded notes31("notes31.json", url);
  result = call_tool(notes31.set, "list_notes_2", {{"text", "t"}, {"weight", nullptr}});
  EXPECT_EQ(Json::parse(result.content)["body"], R"({"text":"t","weight":null})");
  EXPECT_EQ(Json::parse(result.content)["type"], "application/vnd.notes+json");
  EXPECT_EQ(call_tool(notes31.set, "getNote", {{"id", "a"}}).is_error, false);
  EXPECT_EQ(server.requests().back().target, "/notes/a?api_key=NOTES_KEY_VALUE");
  EXPECT_EQ(server.requests().back().header("x-tenant"), "NOTES_TENANT_VALUE");
}

}  // namespace
}  // namespace baton::tools
