#pragma once
// The name of a kernel from its address, for reports: read from this program's own ELF symbol table, because kernels are often local
// functions, which dladdr does not know.
#include <cstddef>

namespace baton::kernels::sim {

// Writes the demangled name without its return type, or the address if there is no symbol. Slow, because it reads the program's file.
void symbol_name(const void* function, char* name, std::size_t size);

// Writes the mangled name, by which ptxas reports registers, or the address if there is no symbol.
void mangled_symbol_name(const void* function, char* name, std::size_t size);

}  // namespace baton::kernels::sim
