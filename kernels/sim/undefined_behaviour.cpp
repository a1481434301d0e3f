// Receives the reports of `.cu` files compiled with -fsanitize=alignment,bounds,shift (baton_simulated_cuda), in place of the compiler's
// runtime library, so that a report names kernel, block and thread as every other does. The structures are the ABI between compiler and
// runtime (LLVM, compiler-rt/lib/ubsan/ubsan_handlers.h), the same for GCC and Clang.
#include <cstdint>

#include "fail.h"

namespace {

using baton::kernels::sim::fail;

struct SourceLocation {
  const char* file;
  std::uint32_t line, column;
};
struct TypeDescriptor {
  std::uint16_t kind, info;
  char name[1];  // quoted, ends with a zero
};
struct TypeMismatch {
  SourceLocation where;
  const TypeDescriptor& type;
  unsigned char log_alignment, check_kind;  // 0: load, 1: store, others: binding, member access, ..
};
struct OutOfBounds {
  SourceLocation where;
  const TypeDescriptor &array, &index;
};
struct ShiftOutOfBounds {
  SourceLocation where;
  const TypeDescriptor &left, &right;
};

}  // namespace

extern "C" {

[[noreturn]] void __ubsan_handle_type_mismatch_v1_abort(TypeMismatch* m, std::uintptr_t address) {
  fail("%s:%u: misaligned %s of type %s at address %#zx: it must be a multiple of %u", m->where.file, m->where.line,
       m->check_kind == 0   ? "load"
       : m->check_kind == 1 ? "store"
                            : "access",
       m->type.name, static_cast<std::size_t>(address), 1u << m->log_alignment);
}

[[noreturn]] void __ubsan_handle_out_of_bounds_abort(OutOfBounds* o, std::uintptr_t index) {
  fail("%s:%u: index %lld is out of bounds of type %s", o->where.file, o->where.line, static_cast<long long>(index), o->array.name);
}

[[noreturn]] void __ubsan_handle_shift_out_of_bounds_abort(ShiftOutOfBounds* s, std::uintptr_t, std::uintptr_t right) {
  fail("%s:%u: shift of type %s by %lld: devices and hosts disagree on what that is", s->where.file, s->where.line, s->left.name,
       static_cast<long long>(right));
}
}
