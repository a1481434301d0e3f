#pragma once
// The tables of the journal and how an older file becomes a current one. docs/durability.md shows how to look at them.
#include "statement.h"

#include <span>

namespace baton::memory {

// PRAGMA application_id of a journal: "Batn".
inline constexpr std::int64_t kApplicationId = 0x4261746e;

// Step i leads from version i to i + 1 (PRAGMA user_version). A step that was released is never changed; a new one is added behind it.
std::span<const char* const> schema_steps();

// Brings the file to version steps.size(), whole or not at all. errc::newer_version when it is beyond that, errc::corrupt when it is
// another program's database; neither is touched.
Result<void> migrate(Database& database, std::span<const char* const> steps);

}  // namespace baton::memory
