#include "api_error.h"

namespace baton::agent::protocol {
namespace {

// No error should name the journal's file here, and one that does is shortened: "journal /home/me/baton.db: no response resp_1".
std::string without_file(const std::string& message) {
  const std::size_t colon = message.find(": ");
  return message.starts_with("journal /") && colon != std::string::npos ? message.substr(colon + 2) : message;
}

}  // namespace

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

ApiError ApiError::unsupported(const std::string& param, const std::string& supported) {
  return {400, "invalid_request_error", "unsupported_parameter",
          "'" + param + "' is not supported" + (supported.empty() ? "" : ": " + supported), param};
}

ApiError ApiError::not_found(std::string message, std::string param) {
  return {404, "invalid_request_error", "not_found", std::move(message), std::move(param)};
}

ApiError ApiError::internal(std::string log) {
  return {500, "server_error", "internal_error", "internal error; the daemon's log gives the reason next to this answer's x-request-id",
          "",  std::move(log)};
}

ApiError error_of_response(const Json& response, const std::string& input) {
  const Json error = response.value("error", Json());
  const auto text = [&](const char* key) {
    return error.is_object() && error.contains(key) && error[key].is_string() ? error[key].get<std::string>() : std::string();
  };
  const std::string code = text("code"), message = text("message");
  if (code.empty())
    return {503, "server_error", "server_shutting_down", "the daemon was stopped before the answer was complete; send the request again",
            ""};
  if (code == "invalid_prompt" || code == "context_length_exceeded") return {400, "invalid_request_error", code, message, input};
  // Another request with the same seed would end the same way, and clients retry a 500.
  if (code == "format_mismatch") return {422, "server_error", code, message, "response_format"};
  return {500, "server_error", code, message, ""};
}

ApiError ApiError::from(const Error& error) {
  const std::string message = without_file(error.message);
  switch (error.code) {
    case errc::not_found:
      return {404, "invalid_request_error", "not_found", message, ""};
    case errc::invalid_argument:
      return {400, "invalid_request_error", "invalid_value", message, ""};
    case errc::busy:
      return {409, "invalid_request_error", "conversation_busy", message, ""};
    case errc::conflict:
      return {409, "invalid_request_error", "idempotency_key_reused", message, ""};
    case errc::saturated:
      return {503, "server_error", "saturated", message, ""};
    case errc::journal_unwritable:
      return {507, "server_error", "journal_unwritable", message, "", error.message};
    case errc::previous_not_found:
      return {404, "invalid_request_error", "previous_response_not_found", message, "previous_response_id"};
    case errc::conversation_too_large:
      return {400, "invalid_request_error", "conversation_too_large", message, ""};
    case errc::context_overflow:
      return {400, "invalid_request_error", "context_length_exceeded", message, "input"};
    case errc::answered:
      return {409, "invalid_request_error", "already_done", message, "input"};
    case errc::elsewhere:
      return {409, "invalid_request_error", "response_of_another_process", message, ""};
    default:
      return internal(error.message);
  }
}

}  // namespace baton::agent::protocol
