#pragma once
// The tables of the journal and how an older file becomes a current one. docs/durability.md shows how to look at them.
#include "statement.h"

#include <span>

namespace baton::memory {

// PRAGMA application_id of a journal: "Batn".
inline constexpr std::int64_t kApplicationId = 0x4261746e;

// Step i leads from version i to i + 1 (PRAGMA user_version). A released step is never changed; a new one is added after it.
std::span<const char* const> schema_steps();

// Brings the file to version steps.size(), completely or not at all. errc::newer_version if it is beyond that, errc::corrupt if it is
// another program's database; neither is touched.
Result<void> migrate(Database& database, std::span<const char* const> steps);

}  // namespace baton::memory
