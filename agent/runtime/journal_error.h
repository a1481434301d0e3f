#pragma once
// Errors of the journal as errors of the agent: they are shown to clients, and name no file.
#include <baton/agent/error.h>
#include <baton/memory/error.h>

namespace baton::agent {

inline Error from_journal(const memory::Error& error) {
  using enum memory::errc;
  switch (error.code) {
    case not_found:
      return {errc::not_found, error.public_message()};
    case in_use:
      return {errc::busy, error.public_message()};
    case exists:
      return {errc::conflict, error.public_message()};
    case full:
    case io:
    case read_only:
    case locked:
      return {errc::journal_unwritable, error.public_message()};
    case thread_too_large:
      return {errc::conversation_too_large, error.public_message()};
    case invalid_argument:
    case too_large:
      return {errc::invalid_argument, error.public_message()};
    default:
      return {errc::io, error.public_message()};
  }
}

}  // namespace baton::agent
