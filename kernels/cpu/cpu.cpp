#include <baton/kernels/cpu.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace baton::kernels {
namespace {

struct Name {
  CpuLevel level;
  std::string_view name;
};
constexpr Name kNames[] = {{CpuLevel::scalar, "scalar"}, {CpuLevel::avx2, "avx2"}, {CpuLevel::avx512, "avx512"}};

#if defined(__x86_64__)
// Clang 14's __builtin_cpu_supports does not know this one: CPUID leaf 1, ECX bit 29.
bool has_f16c() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c >> 29 & 1) != 0;
}
#endif

}  // namespace

std::string_view to_string(CpuLevel level) {
  for (const Name& n : kNames) {
    if (n.level == level) return n.name;
  }
  return "?";
}

std::optional<CpuLevel> parse_cpu_level(std::string_view name) {
  for (const Name& n : kNames) {
    if (n.name == name) return n.level;
  }
  return std::nullopt;
}

std::vector<CpuLevel> known_cpu_levels() { return {CpuLevel::scalar, CpuLevel::avx2, CpuLevel::avx512}; }

CpuLevel best_cpu_level() {
#if defined(__x86_64__)
  // The builtins check CPUID and the registers that the operating system saves on a switch.
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !has_f16c()) return CpuLevel::scalar;
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
  return avx512 ? CpuLevel::avx512 : CpuLevel::avx2;
#else
  return CpuLevel::scalar;
#endif
}

std::string cpu_features() {
  std::string out;
#if defined(__x86_64__)
  const auto add = [&out](bool has, const char* name) {
    if (has) out += (out.empty() ? "" : " ") + std::string(name);
  };
  add(__builtin_cpu_supports("avx2"), "avx2");
  add(__builtin_cpu_supports("fma"), "fma");
  add(has_f16c(), "f16c");
  add(__builtin_cpu_supports("avx512f"), "avx512f");
  add(__builtin_cpu_supports("avx512vnni"), "avx512vnni");
  add(__builtin_cpu_supports("avx512bf16"), "avx512bf16");
#endif
  return out;
}

}  // namespace baton::kernels
