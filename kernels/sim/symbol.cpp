#include "symbol.h"

#include <cxxabi.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace baton::kernels::sim {
namespace {

// The distance by which the program was moved from the addresses in its file.
std::uintptr_t load_offset() {
  std::uintptr_t offset = 0;
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* data) {
        *static_cast<std::uintptr_t*>(data) = info->dlpi_addr;
        return 1;  // the program itself comes first
      },
      &offset);
  return offset;
}

bool find(const char* file, std::uintptr_t address, char* name, std::size_t size) {
  const auto* header = reinterpret_cast<const Elf64_Ehdr*>(file);
  const auto* sections = reinterpret_cast<const Elf64_Shdr*>(file + header->e_shoff);
  for (int i = 0; i < header->e_shnum; ++i) {
    if (sections[i].sh_type != SHT_SYMTAB) continue;
    const auto* symbols = reinterpret_cast<const Elf64_Sym*>(file + sections[i].sh_offset);
    const char* names = file + sections[sections[i].sh_link].sh_offset;
    for (std::size_t s = 0; s < sections[i].sh_size / sizeof *symbols; ++s) {
      if (symbols[s].st_value != address || ELF64_ST_TYPE(symbols[s].st_info) != STT_FUNC) continue;
      std::snprintf(name, size, "%s", names + symbols[s].st_name);
      return true;
    }
  }
  return false;
}

}  // namespace

void mangled_symbol_name(const void* function, char* name, std::size_t size) {
  std::snprintf(name, size, "%p", function);
  const int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  struct stat status {};
  fstat(file, &status);
  void* map = mmap(nullptr, static_cast<std::size_t>(status.st_size), PROT_READ, MAP_PRIVATE, file, 0);
  close(file);
  if (map == MAP_FAILED) return;
  find(static_cast<const char*>(map), reinterpret_cast<std::uintptr_t>(function) - load_offset(), name, size);
  munmap(map, static_cast<std::size_t>(status.st_size));
}

void symbol_name(const void* function, char* name, std::size_t size) {
  mangled_symbol_name(function, name, size);
  int status = 0;
  char* demangled = abi::__cxa_demangle(name, nullptr, nullptr, &status);
  if (!demangled) return;
  const char* start = demangled;
  for (const char prefix[] = "void "; *start && start - demangled < 5 && *start == prefix[start - demangled]; ++start) {
  }
  std::snprintf(name, size, "%s", start - demangled == 5 ? start : demangled);
  std::free(demangled);
}

}  // namespace baton::kernels::sim
