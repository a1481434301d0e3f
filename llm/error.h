#pragma once
// How llm/ reports what can be expected to go wrong: a value, never an exception.
#include <boost/system/result.hpp>
#include <stdexcept>
#include <string>
#include <utility>

namespace baton::llm {

// Callers decide by the code; people read the message, which names file, field, figure and what to do.
enum class errc {
  io,                // a file cannot be opened, mapped or read
  invalid_file,      // bytes that are not what they claim to be
  unsupported,       // well-formed, but an architecture, type or feature that Baton does not have
  invalid_argument,  // a request that no state of the engine could serve
  invalid_template,  // a chat template does not parse, or raised an exception of its own
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

// Called by Result<T>::value() on an error that nobody looked at: a bug of the caller.
[[noreturn]] inline void throw_exception_from_error(const Error& error, const boost::source_location&) {
  throw std::runtime_error(error.message);
}

}  // namespace baton::llm
