#pragma once
// How memory/ reports what can be expected to go wrong: a value, never an exception.
#include <boost/system/result.hpp>
#include <stdexcept>
#include <string>

namespace baton::memory {

enum class errc {
  io,      // cannot be opened, read or written
  locked,  // another process holds the database
  read_only,
  full,           // no space left
  newer_version,  // written by a newer Baton
  corrupt,
  not_found,
  overtaken,  // what a batch expected is no longer so: Batch::expect_idle
  in_use,     // a response that is to be removed, or one of the conversation, is under way
  exists,     // the key of a claim is taken; the file or conversation is there already
  invalid_argument,
  thread_too_large,  // kMaxThreadBytes
  too_large,         // more bytes than the caller allows, or than there is memory for
};

struct Error {
  errc code;
  std::string message;            // names the file, what was wrong, and what to do
  std::string without_path = {};  // empty: `message` names no path

  // For somebody who is not at this machine.
  const std::string& public_message() const { return without_path.empty() ? message : without_path; }
};

template <class T>
using Result = boost::system::result<T, Error>;

[[noreturn]] inline void throw_exception_from_error(const Error& error, const boost::source_location&) {
  throw std::runtime_error(error.message);
}

}  // namespace baton::memory
