#pragma once
// What the journal says, in the runtime's words. Internal to the folder.
#include <baton/agent/error.h>
#include <baton/memory/error.h>

namespace baton::agent {

inline Error from(const memory::Error& error) {
  using enum memory::errc;
  if (error.code == not_found) return {errc::not_found, error.message};
  if (error.code == full || error.code == read_only || error.code == locked) return {errc::journal_unwritable, error.message};
  if (error.code == exists) return {errc::conflict, error.message};
  return {error.code == invalid_argument ? errc::invalid_argument : errc::io, error.message};
}

}  // namespace baton::agent
