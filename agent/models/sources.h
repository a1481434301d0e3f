#pragma once
// The two ways in which a model's bytes come: both append to a part file, going on from what it holds.
#include <baton/agent/models/pull.h>

#include "part_file.h"

namespace baton::agent {

// One pull on its way: what its parts share.
struct PullJob {
  const CatalogueModel& model;
  const PullOptions& options;
  PartFile& part;

  void say(const std::string& message) const;  // with the figures as they are
  void report(std::uint64_t total = 0) const;  // the figures only; `total` where the catalogue has none
  // errc::no_space with both figures when the disk cannot take `bytes` more.
  Result<void> require_space(std::uint64_t bytes) const;
};

// What a source notes beside the part, under its path and these endings; pull() removes both when the model is there.
inline constexpr const char* kTagEnding = ".etag";
inline constexpr const char* kLedgerEnding = ".wheels";

// errc::network: the source did not give the file. Other codes (no_space, io, cancelled) are no fault of the source.
Result<void> fetch_url(const ModelSource& source, const PullJob& job);
Result<void> fetch_wheels(const ModelSource& source, const PullJob& job);

}  // namespace baton::agent
