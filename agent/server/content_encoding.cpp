#include "content_encoding.h"

#include <baton/agent/api/request_log.h>
#include <baton/tools/http/inflate.h>
#include <baton/tools/text.h>

#include <utility>

namespace baton::agent::server {
namespace {

std::string coding_of(const api::HttpCall& call) {
  std::string coding = tools::ascii_lower(call.header("content-encoding"));
  while (coding.ends_with(' ')) coding.pop_back();
  return coding == "identity" ? "" : coding;
}

}  // namespace

bool is_encoded(const api::HttpCall& call) { return !coding_of(call).empty(); }

std::optional<protocol::ApiError> refused_encoding(const api::HttpCall& call) {
  const std::string coding = coding_of(call);
  if (coding.empty() || tools::Inflater::of_coding(coding)) return std::nullopt;
  return protocol::ApiError{
      415, "invalid_request_error", "unsupported_content_encoding",
      "the content coding '" + api::visible(coding, 40) + "' is not supported; send the body uncompressed, or as gzip or deflate", ""};
}

std::optional<protocol::ApiError> decode_body(api::HttpCall& call, std::size_t most) {
  const std::string coding = coding_of(call);
  const auto inflater = coding.empty() ? nullptr : tools::Inflater::of_coding(coding);
  if (!inflater) return std::nullopt;
  std::string content;
  tools::Result<void> decoded = inflater->write(call.body, [&](std::string_view bytes) -> tools::Result<void> {
    if (content.size() + bytes.size() > most) return tools::Error{tools::errc::too_large, ""};
    content += bytes;
    return {};
  });
  if (decoded) decoded = inflater->finish();
  if (!decoded && decoded.error().code == tools::errc::too_large)
    return protocol::ApiError{413, "invalid_request_error", "body_too_large", "the body holds more than " + std::to_string(most) + " bytes",
                              ""};
  if (!decoded)
    return protocol::ApiError::invalid("", "the body cannot be decompressed: " + decoded.error().message, "invalid_content_encoding");
  call.body = std::move(content);
  return std::nullopt;
}

}  // namespace baton::agent::server
