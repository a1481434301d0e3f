#pragma once
// The credentials that an operation asks for. Internal to the folder.
#include <string>
#include <vector>

#include "document.h"
#include "openapi.h"

namespace baton::tools::openapi {

struct Security {
  Json auth = nullptr;                     // the tool's "auth"; null: the tool sends no credentials
  std::vector<OpenApiVariable> variables;  // from which `auth` takes them
  std::string unsupported;                 // the names of schemes without which the operation is not allowed; empty: it is
};

// The first alternative of the operation, or of the document, that is supported. title: of the document; it begins the variables' names.
Security security_of(const Json& document, const std::string& title, const Operation& operation);

}  // namespace baton::tools::openapi
