#pragma once
// Starts a program with pipes. Internal to the folder.
#include <baton/tools/file_descriptor.h>
#include <sys/types.h>

#include "process.h"

namespace baton::tools {

struct SpawnedProcess {
  pid_t pid = -1;           // leader of its own group; to be reaped by the caller
  FileDescriptor pidfd;     // readable when it has ended; -1 where the kernel has none (before Linux 5.3)
  FileDescriptor out, err;  // our ends, non-blocking
};

Result<SpawnedProcess> spawn(const ProcessCommand& command);

}  // namespace baton::tools
