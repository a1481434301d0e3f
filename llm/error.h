#pragma once
// Expected failures of llm/ are returned as values, never thrown.
#include <boost/system/result.hpp>
#include <stdexcept>
#include <string>
#include <utility>

namespace baton::llm {

// Code decides by the value; people read the message, which names file, field, figure and remedy.
enum class errc {
  io,                // a file cannot be opened, mapped or read
  invalid_file,      // bytes that are not a valid file of their format
  unsupported,       // well-formed, but with an architecture, type or feature that Baton does not support
  invalid_argument,  // a request that cannot be served in any state of the engine
  invalid_template,  // a chat template does not parse, or raised an exception itself
  invalid_schema,    // a JSON schema that is malformed or uses an unknown keyword
  invalid_json,      // text that is not JSON, or does not match its schema
  context_overflow,  // prompt and answer do not fit the context
  out_of_memory,     // no page, buffer or slot left
  cancelled,
};

struct Error {
  errc code;
  std::string message;
};

template <class T>
using Result = boost::system::result<T, Error>;

// Called by Result<T>::value() on an error that was not checked: a bug of the caller.
[[noreturn]] inline void throw_exception_from_error(const Error& error, const boost::source_location&) {
  throw std::runtime_error(error.message);
}

}  // namespace baton::llm
