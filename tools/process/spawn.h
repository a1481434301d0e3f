#pragma once
// Starts a program with pipes. Internal to the folder.
#include <baton/tools/file_descriptor.h>
#include <sys/types.h>

#include "process.h"

namespace baton::tools {

struct SpawnedProcess {
  pid_t pid = -1;           // leader of its own group; the caller must reap it
  FileDescriptor pidfd;     // readable once the program has ended; -1 if the kernel has no pidfds (before Linux 5.3)
  FileDescriptor out, err;  // our ends, non-blocking
};

Result<SpawnedProcess> spawn(const ProcessCommand& command);

}  // namespace baton::tools
