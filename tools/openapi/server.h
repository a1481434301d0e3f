#pragma once
// Where an operation is served. Internal to the folder.
#include <string>

#include "document.h"
#include "openapi.h"

namespace baton::tools::openapi {

// The absolute URL, as a template of an API file. Throws LeftOut.
std::string server_of(const Json& document, const Operation& operation, const OpenApiOptions& options);

}  // namespace baton::tools::openapi
