#pragma once
// Expected failures of memory/ are returned as values, never thrown.
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
  overtaken,  // an expectation of the batch no longer holds: Batch::expect_idle
  in_use,     // a response that is to be removed, or one of the conversation, is queued or in progress
  exists,     // the key of a claim is taken, or the file or conversation exists already
  invalid_argument,
  thread_too_large,  // kMaxThreadBytes
  too_large,         // more bytes than the caller allows, or than there is memory for
};

struct Error {
  errc code;
  std::string message;            // names the file, what was wrong, and what to do
  std::string without_path = {};  // empty: `message` contains no path

  // The message for clients on other machines.
  const std::string& public_message() const { return without_path.empty() ? message : without_path; }
};

template <class T>
using Result = boost::system::result<T, Error>;

[[noreturn]] inline void throw_exception_from_error(const Error& error, const boost::source_location&) {
  throw std::runtime_error(error.message);
}

}  // namespace baton::memory
