#include "api_error.h"

namespace baton::agent::server {

Json ApiError::json() const {
  return {{"error",
           {{"message", message},
            {"type", type},
            {"param", param.empty() ? Json(nullptr) : Json(param)},
            {"code", code.empty() ? Json(nullptr) : Json(code)}}}};
}

ApiError ApiError::invalid(std::string param, std::string message, std::string code) {
  return {400, "invalid_request_error", std::move(code), std::move(message), std::move(param)};
}

ApiError ApiError::unknown(const std::string& param) {
  return {400, "invalid_request_error", "unknown_parameter", "unknown parameter: '" + param + "'", param};
}

ApiError ApiError::unsupported(const std::string& param, const std::string& supported) {
  return {400, "invalid_request_error", "unsupported_parameter",
          "'" + param + "' is not supported" + (supported.empty() ? "" : ": " + supported), param};
}

ApiError ApiError::not_found(std::string message, std::string param) {
  return {404, "invalid_request_error", "not_found", std::move(message), std::move(param)};
}

ApiError ApiError::from(const Error& error) {
  switch (error.code) {
    case errc::not_found:
      return {404, "invalid_request_error", "not_found", error.message, ""};
    case errc::invalid_argument:
      return {400, "invalid_request_error", "invalid_value", error.message, ""};
    case errc::busy:
      return {409, "invalid_request_error", "conversation_busy", error.message, ""};
    case errc::conflict:
      return {409, "invalid_request_error", "idempotency_key_reused", error.message, ""};
    case errc::saturated:
      return {503, "server_error", "saturated", error.message, ""};
    case errc::journal_unwritable:
      return {507, "server_error", "journal_unwritable", error.message, ""};
    case errc::previous_not_found:
      return {404, "invalid_request_error", "previous_response_not_found", error.message, "previous_response_id"};
    case errc::answered:
      return {409, "invalid_request_error", "approval_already_answered", error.message, "input"};
    case errc::elsewhere:
      return {409, "invalid_request_error", "response_of_another_process", error.message, ""};
    default:
      return {500, "server_error", "internal_error", error.message, ""};
  }
}

}  // namespace baton::agent::server
