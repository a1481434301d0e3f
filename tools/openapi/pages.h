#pragma once
// How a list comes in pages, as far as an operation's reply shows it. Internal to the folder.
#include "document.h"

namespace baton::tools::openapi {

// The tool's "pages"; null: the reply is not known to come in pages. query: the tool's own.
Json pages_of(const Json& document, const Operation& operation, const Json& query);

}  // namespace baton::tools::openapi
