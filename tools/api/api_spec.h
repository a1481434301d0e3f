#pragma once
// The description of one tool in an API file. api_file.h reads it, request_builder.h builds requests from it, api_tools.h runs it.
#include <baton/tools/http/http_client.h>
#include <baton/tools/tool.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "text_template.h"

namespace baton::tools {

// The encoding of an array or object in a query or form.
enum class FieldStyle {
  repeat,    // a=1&a=2
  comma,     // a=1,2
  space,     // a=1%202
  pipe,      // a=1|2
  brackets,  // a[]=1&a[]=2
  deep,      // a[0]=1&a[b]=2, to any depth
  json,      // a=%7B%22b%22%3A2%7D
};

struct ApiField {
  std::string name;
  TextTemplate value;
  FieldStyle style = FieldStyle::repeat;
};

struct ApiBody {
  enum class Kind { none, json, form, text };
  Kind kind = Kind::none;
  Json json{};  // strings in it are templates; a member that is just one missing argument is left out
  std::vector<ApiField> form{};
  TextTemplate text{};
  std::string content_type{};
};

struct ApiAuth {
  enum class Kind { bearer, basic, header, query };
  Kind kind = Kind::bearer;
  std::string name{};         // of the header or query parameter
  std::string environment{};  // the variable that holds the secret; for basic as user:password
};

// A JSON pointer; a part `*` means every item, -1 the last one.
using ApiPath = std::vector<std::string>;

struct ApiPages {
  enum class By { cursor, page, offset, link, url };
  By by = By::page;
  std::string parameter{};         // the query parameter, for cursor, page and offset
  std::optional<ApiPath> next{};   // the place of the cursor or URL in the reply
  std::optional<ApiPath> more{};   // the place that tells whether there is more
  std::optional<ApiPath> items{};  // the array that is continued; without it the result
  int first = 1;
  int max = 5;
};

struct ApiRetry {
  int attempts = 3;
  std::chrono::milliseconds first_delay{500};
  std::chrono::milliseconds max_delay{20'000};
};

struct ApiLimit {
  int per_second = 0;  // 0: none
  int per_minute = 0;
  bool operator==(const ApiLimit&) const = default;
};

struct ApiSpec {
  ToolSpec tool{};
  std::string place{};  // in the file, as a JSON pointer
  HttpMethod method = HttpMethod::get;
  std::string origin{};  // https://api.example.com:8443
  TextTemplate path{};   // from the first '/' on, with the part after '?'
  std::vector<ApiField> query{};
  std::vector<std::pair<std::string, TextTemplate>> headers{};
  ApiBody body{};
  std::vector<ApiAuth> auth{};
  ApiPath result{};
  std::optional<ApiPages> pages{};
  ApiRetry retry{};
  ApiLimit limit{};
  bool shares_limit = false;  // with the file's other tools that share it
};

}  // namespace baton::tools
