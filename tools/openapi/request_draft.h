#pragma once
// What an operation takes: its parameters and its body. Internal to the folder.
#include <baton/tools/tool.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "document.h"
#include "schema.h"

namespace baton::tools::openapi {

// The parameters of one operation and its body, as they become a tool's arguments and the parts of its request.
class RequestDraft {
 public:
  // Both outlive this object. `note` is told what differs from the document.
  RequestDraft(const Json& document, const Operation& operation, SchemaConverter::Note note)
      : document_(document), operation_(operation), note_(std::move(note)), path_(operation.path) {}

  // Throws LeftOut.
  void add_parameters();
  Json add_body();         // the tool's "body"; null: none
  std::string add_path();  // the template of the path; a part of it that the document does not describe becomes an argument

  const Json& properties() const { return properties_; }
  const Json& required() const { return required_; }
  const Json& query() const { return query_; }
  const Json& headers() const { return headers_; }

 private:
  std::vector<const Json*> all_parameters() const;
  void add_parameter(const Json& parameter, SchemaConverter& converter);
  std::string add_argument(const std::string& name, Json schema, const std::string& about, bool required);
  Json converted(const Json& media) const;
  template <class Use>
  void add_members(const Json& schema, bool required, Use use);
  Json json_body(const Json& media, const std::string& type, bool required);
  Json form_body(const Json& media, bool required);

  const Json& document_;
  const Operation& operation_;
  const SchemaConverter::Note note_;
  std::string path_;
  Json properties_ = Json::object();
  Json required_ = Json::array();
  Json query_ = Json::object(), headers_ = Json::object();
  std::set<std::string> names_;  // of the arguments
};

}  // namespace baton::tools::openapi
