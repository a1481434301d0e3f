#pragma once
// The error that a client gets if a request cannot be served: the protocol's error object, with its HTTP status.
#include <baton/agent/error.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace baton::agent::protocol {

using Json = nlohmann::ordered_json;

struct ApiError {
  int status = 400;
  std::string type = "invalid_request_error";
  std::string code;
  std::string message;  // the problem, its place and its remedy
  std::string param;    // the field, as a path: "tools[0].name"; empty: none
  std::string log{};    // the cause, for the daemon's log only: it may name files

  Json json() const;  // {"error": {"message", "type", "param", "code"}}

  static ApiError invalid(std::string param, std::string message, std::string code = "invalid_value");
  static ApiError unsupported(const std::string& param, const std::string& supported);
  static ApiError not_found(std::string message, std::string param = "");
  // Parts that name the daemon's files are for its log; the client gets the rest.
  static ApiError from(const Error& error);
  static ApiError internal(std::string log);
};

// The error of a response that has failed or was cut off by the daemon's end. `input`: the client's name for its input.
ApiError error_of_response(const Json& response, const std::string& input);

// A value, or the error for the client.
template <class T>
class Parsed {
 public:
  Parsed(T value) : value_(std::move(value)) {}
  Parsed(ApiError error) : value_(std::move(error)) {}
  explicit operator bool() const { return std::holds_alternative<T>(value_); }
  T& operator*() { return std::get<T>(value_); }
  const T& operator*() const { return std::get<T>(value_); }
  T* operator->() { return &std::get<T>(value_); }
  const T* operator->() const { return &std::get<T>(value_); }
  const ApiError& error() const { return std::get<ApiError>(value_); }

 private:
  std::variant<T, ApiError> value_;
};

}  // namespace baton::agent::protocol
