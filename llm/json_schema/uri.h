#pragma once
// References between the parts of a schema document: RFC 3986, as far as $id and $ref need it.
#include <string>
#include <string_view>

namespace baton::llm {

// The absolute form of the reference at `base` (section 5.2). With an empty base it is unchanged.
std::string resolve_uri(std::string_view base, std::string_view reference);

// A fragment's percent-encoded bytes.
std::string percent_decoded(std::string_view text);

}  // namespace baton::llm
