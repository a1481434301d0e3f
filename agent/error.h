#pragma once
// Errors of agent/: expected failures are values, never exceptions.
#include <boost/system/result.hpp>
#include <stdexcept>
#include <string>
#include <utility>

namespace baton::agent {

// Callers decide by the code; people read the message, which names file, field, figure and remedy.
enum class errc {
  io,                // a file cannot be opened, read or written
  not_found,         // no such model, conversation, response or tool
  invalid_argument,  // a request or configuration that cannot be served as it is
  model,             // the generator failed: the message is its own
  network,           // a download failed
  verification,      // a file's size or sha256 is not what the catalogue promises
  no_space,
  cancelled,
  busy,                    // the conversation has a run under way
  saturated,               // too many runs; a later request may succeed
  conflict,                // the key of an idempotent request was used for another one
  journal_unwritable,      // its disk is full, or it cannot be written for another reason; writing is retried until it succeeds
  elsewhere,               // another process runs this response
  previous_not_found,      // no such response to continue, or one that was not stored and is another client's
  conversation_too_large,  // its items have more bytes than a run reads
  context_overflow,        // a text has more tokens than the model's context
  answered,                // another response has answered the approval before
};

struct Error {
  errc code;
  std::string message;
};

template <class T>
using Result = boost::system::result<T, Error>;

// Called by Result<T>::value() if the error was not checked: a bug of the caller.
[[noreturn]] inline void throw_exception_from_error(const Error& error, const boost::source_location&) {
  throw std::runtime_error(error.message);
}

}  // namespace baton::agent
