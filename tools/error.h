#pragma once
// Expected failures of tools/ are returned as values, never thrown.
#include <boost/system/result.hpp>
#include <stdexcept>
#include <string>

namespace baton::tools {

enum class errc {
  invalid_argument,  // a tool, schema or call that is malformed
  not_found,         // no such tool, file or host
  io,
  network,
  timeout,
  cancelled,
  too_large,
  forbidden,  // a host or address that the user has not allowed
};

struct Error {
  errc code;
  std::string message;  // says what was wrong, where, and what to do
};

template <class T>
using Result = boost::system::result<T, Error>;

[[noreturn]] inline void throw_exception_from_error(const Error& error, const boost::source_location&) {
  throw std::runtime_error(error.message);
}

}  // namespace baton::tools
